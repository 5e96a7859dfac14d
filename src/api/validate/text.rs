//! Rules of single texts: names, ids, URLs, paths, durations, free-form JSON.

use std::fmt;

use serde_json::Value;
use url::Url;

use super::{Field, Findings};
use crate::api::{FreeForm, GoDuration, Id, IdOrName, SecretKeyRef, limits};

/// A text as messages show it.
pub(super) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Controls, invisible characters and private ones: the general category C that a `char` can have. Where they stand, a
/// text does not look like what it is.
pub fn is_control_or_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

/// A text of others on one line, whatever it holds: what it looks like is what it is.
pub fn shown(text: &str) -> String {
    let odd = |c: char| is_control_or_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if odd(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// Whether a text keeps every rule of names and ids without a closer look, as most do.
fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A name in a policy system, of 1 to `max` characters.
pub(super) fn name(text: &str, max: usize, field: impl Field, found: &mut Findings) {
    if is_plain(text, max) {
        return;
    }
    let length = text.chars().count();
    if length == 0 || length > max {
        found.add(field, format!("has {length} characters"), format!("1 to {max} are allowed"));
    }
    found.require(
        text.trim() == text,
        field,
        "has blanks at its ends",
        "remove them: the systems trim names",
    );
    let odd = text.chars().find(|c| is_control_or_invisible(*c) || matches!(c, '\u{2028}' | '\u{2029}'));
    if let Some(odd) = odd {
        let allowed = "a name must look like what it is: remove it, or name the object by id";
        found.add(field, format!("holds the invisible character U+{:04X}", u32::from(odd)), allowed);
    }
}

/// Text of several lines.
pub(super) fn description(text: &str, field: impl Field, found: &mut Findings) {
    let length = text.chars().count();
    if length > limits::DESCRIPTION {
        found.add(
            field,
            format!("has {length} characters"),
            format!("at most {} are allowed", limits::DESCRIPTION),
        );
    }
    if let Some(odd) = text.chars().find(|c| is_control_or_invisible(*c) && !matches!(c, '\n' | '\t')) {
        found.add(field, format!("holds the character U+{:04X}", u32::from(odd)), "remove it");
    }
}

/// An id in a policy system.
pub(super) fn id(id: &Id, field: impl Field, found: &mut Findings) {
    let text = id.as_str();
    let good = is_plain(text, limits::ID)
        || (1..=limits::ID).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    found.require(good, field, "is empty, too long or holds controls", "1 to 128 characters are allowed");
}

/// An id or a name.
pub(super) fn id_or_name(one: &IdOrName, field: impl Field, found: &mut Findings) {
    match one {
        IdOrName::Id(text) => id(text, format_args!("{field}.id"), found),
        IdOrName::Name(text) => name(text.as_str(), limits::NAME, format_args!("{field}.name"), found),
    }
}

/// A bounded list of ids or names, each once.
pub(super) fn ids_or_names(all: &[IdOrName], max: usize, field: impl Field, found: &mut Findings) {
    found.at_most(all.len(), max, field);
    for (i, one) in all.iter().enumerate() {
        id_or_name(one, format_args!("{field}[{i}]"), found);
    }
    found.unique(all.iter().map(|one| (one, Quoted(one.text()))), field);
}

/// The name of a Kubernetes object.
pub(super) fn object_name(text: &str, field: impl Field, found: &mut Findings) {
    found.require(
        is_label_like(text, limits::OBJECT_NAME, |c| matches!(c, b'-' | b'.')),
        field,
        "is not the name of a Kubernetes object",
        "lower-case letters, digits, - and . are allowed, at most 253, letters or digits at the ends",
    );
}

/// The name of a namespace.
pub(super) fn namespace(text: &str, field: impl Field, found: &mut Findings) {
    found.require(
        is_label_like(text, 63, |c| c == b'-'),
        field,
        "is not a name",
        "lower-case letters, digits and - are allowed, at most 63, letters or digits at the ends",
    );
}

fn is_label_like(text: &str, max: usize, inner: impl Fn(u8) -> bool) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=max).contains(&text.len())
        && text.bytes().all(|c| plain(c) || inner(c))
        && text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
}

/// A word of a system's own vocabulary.
pub(super) fn word(text: &str, field: impl Field, found: &mut Findings) {
    let good = (1..=100).contains(&text.len())
        && text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'));
    found.require(
        good,
        field,
        "is not a word",
        "letters, digits, . _ - are allowed, at most 100, a letter or digit first",
    );
}

/// A GUID.
pub(super) fn guid(text: &str, field: impl Field, found: &mut Findings) {
    let mut groups = text.split('-');
    let mut has = |length: usize| {
        groups.next().is_some_and(|g| g.len() == length && g.bytes().all(|c| c.is_ascii_hexdigit()))
    };
    let good = [8, 4, 4, 4, 12].into_iter().all(&mut has) && groups.next().is_none();
    found.require(good, field, "is not a GUID", "write 640FE47F-5118-4D79-8221-A35D0DE2EE2C, or use name");
}

/// A duration in Go syntax.
pub(super) fn duration(value: Option<&GoDuration>, field: impl Field, found: &mut Findings) {
    if let Some(value) = value.filter(|value| value.get().is_none()) {
        found.add(
            field,
            format!("is {:?}", value.as_str()),
            "1m to 24h is allowed, such as 90s, 30m or 1h30m",
        );
    }
}

/// A key of a Secret or `ConfigMap`.
pub(super) fn data_key(text: &str, field: impl Field, found: &mut Findings) {
    let good = (1..=limits::OBJECT_NAME).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_'));
    found.require(good, field, "is not a key", "letters, digits, - . _ are allowed, at most 253");
}

/// A reference to a key of a Secret.
pub(super) fn secret_key_ref(one: &SecretKeyRef, field: impl Field, found: &mut Findings) {
    object_name(&one.name, format_args!("{field}.name"), found);
    data_key(&one.key, format_args!("{field}.key"), found);
}

/// A path below a URL; braces only where `{id}` may stand.
pub(super) fn path(text: &str, needs_id: bool, field: impl Field, found: &mut Findings) {
    let inner = |segment: &str| {
        !segment.is_empty()
            && !matches!(segment, "." | "..")
            && segment.replace("{id}", "").bytes().all(|c| c.is_ascii_alphanumeric() || b"._~-".contains(&c))
    };
    let relative = text.strip_prefix('/').unwrap_or(text);
    let good = text.len() <= limits::PATH && relative.split('/').all(inner);
    found.require(good, field, "is not a path", "segments of letters, digits, . _ ~ - and {id} are allowed");
    let places = text.matches("{id}").count();
    found.require(
        !needs_id || places == 1,
        field,
        "does not say where the id goes",
        "{id} must stand in it once",
    );
}

/// `https`, or `http` on loopback only; no user, query or fragment.
pub(super) fn url(text: &str, field: impl Field, found: &mut Findings) {
    found.require(
        is_plain_url(text),
        field,
        "is not acceptable",
        "https://HOST[:PORT][/PATH] is allowed, http:// on loopback only, without user, query and fragment",
    );
}

/// Tests the text itself before any parser may repair it: parsers of URLs turn `\` into `/`, drop
/// line breaks and read `0177.1` as an address (S3).
fn is_plain_url(text: &str) -> bool {
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return false,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host(authority);
    let host_is_plain =
        host.starts_with('[') || host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-'));
    let path_is_plain = path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/._~!$&()*+,;=:@%-".contains(&c))
        && !path.split('/').any(|segment| matches!(segment, "." | ".."));
    let parsed = Url::parse(text).ok();
    let same_host = parsed
        .as_ref()
        .and_then(Url::host_str)
        .is_some_and(|parsed| host.starts_with('[') || parsed == host.to_ascii_lowercase());
    text.len() <= limits::URL
        && !host.starts_with(['.', '-'])
        && !host.ends_with(['.', '-'])
        && !host.contains("..")
        && host_is_plain
        && path_is_plain
        && same_host
        && (secure || is_loopback(host))
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`; a user keeps its `@` and is refused as part of it.
fn host(authority: &str) -> &str {
    let end = match authority.find(']') {
        Some(bracket) if authority.starts_with('[') => bracket + 1,
        _ => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end).unwrap_or((authority, ""));
    let port_is_plain = port.is_empty()
        || port.strip_prefix(':').is_some_and(|p| !p.is_empty() && p.bytes().all(|c| c.is_ascii_digit()));
    if port_is_plain { host } else { authority }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Free-form JSON: bounded, an object where one is needed, and without `null`.
pub(super) fn free_form(value: &FreeForm, object: bool, field: impl Field, found: &mut Findings) {
    if value.len() > limits::FREE_FORM_BYTES {
        found.add(field, format!("has {} bytes of JSON", value.len()), "at most 256 kB are allowed");
    }
    if value.depth() > limits::FREE_FORM_DEPTH {
        found.add(field, format!("nests {} levels deep", value.depth()), "at most 16 are allowed");
        return;
    }
    let tree = value.to_value();
    found.require(!object || tree.is_object(), field, "is not an object", "name settings by key");
    if object {
        no_null(&tree, field, found);
    }
}

/// `null` means nothing that all systems agree on: some drop it, so that it would never be in sync.
fn no_null(value: &Value, field: impl Field, found: &mut Findings) {
    match value {
        Value::Null => found.add(field, "is null", "leave it out: what is absent is not ours"),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| no_null(item, format_args!("{field}[{i}]"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| no_null(member, format_args!("{field}.{key}"), found));
        }
        _ => {}
    }
}
