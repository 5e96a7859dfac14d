//! From a facet to leaves: what the policy names, and nothing else (promise 1).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{canonical, pointer};
use crate::{
    api::{Document, Os, Reason, SecretLeaf},
    drivers::{Finding, Severity},
    model::{LeafPath, LeafValue, Secret},
};

/// Sections that the sheet names for any platform (section 7.1). The table is incomplete: others are sent, too.
const SECTIONS: [&str; 17] = [
    "application_control",
    "approvals",
    "approved_blocked_url",
    "behavior_monitoring",
    "client_privileges",
    "device_control",
    "firewall",
    "general",
    "mail_scan",
    "manual_scan",
    "realtime_scan",
    "scan_mode",
    "schedule",
    "scheduled_scan",
    "ts_toolbar",
    "url_filtering",
    "wtp",
];

/// Leaves of one document.
pub type Leaves = BTreeMap<LeafPath, LeafValue>;

/// Values of Secrets by (name, key).
pub type Secrets = BTreeMap<(String, String), Secret>;

/// The leaves that a document of the facet names, and what is wrong with them.
pub fn leaves(document: &Document, secrets: &Secrets) -> (Leaves, Vec<Finding>) {
    let mut reader = Reader { field: field(document.os), leaves: Leaves::new(), findings: Vec::new() };
    match document.settings.as_ref().map(crate::api::FreeForm::to_value) {
        None => {}
        Some(Value::Object(sections)) => {
            for (section, value) in &sections {
                reader.section(section, document.os);
                reader.walk(&pointer::join("", section), section, value);
            }
        }
        Some(_) => reader.refuse(
            Reason::Invalid,
            "settings",
            "settings must be an object of sections, such as {\"wtp\": {\"enabled\": true}}, at most 16 levels deep".into(),
        ),
    }
    let settings = reader.leaves.clone();
    for secret in &document.secrets {
        reader.secret(secret, &settings, secrets);
    }
    (reader.leaves, reader.findings)
}

/// Where a document stands in the Policy.
pub fn field(os: Os) -> String {
    format!("spec.content.wfbss.documents[os={os}]")
}

struct Reader {
    field: String,
    leaves: Leaves,
    findings: Vec<Finding>,
}

impl Reader {
    /// A section is asked for by name in a list, so its name must fit into one.
    fn section(&mut self, section: &str, os: Os) {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let at = format!("settings.{section}");
        if section.is_empty() || !section.bytes().all(word) {
            let message = format!("{section:?} is no name of a section: letters, digits, _ and - are");
            self.refuse(Reason::Invalid, &at, message);
        } else if os != Os::Ios && !SECTIONS.contains(&section) && !canonical::is_server_owned(section) {
            let message = format!(
                "the vendor's documents name no section {section} for any platform; it is sent as written. Known are: {}",
                SECTIONS.join(", ")
            );
            self.note(Reason::Unsupported, &at, message);
        }
    }

    fn walk(&mut self, at: &str, key: &str, value: &Value) {
        if canonical::is_server_owned(key) {
            let message =
                format!("{at} holds times that the server sets itself; it is neither sent nor compared");
            return self.note(Reason::Unsupported, &format!("settings{at}"), message);
        }
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    self.walk(&pointer::join(at, key), key, value);
                }
            }
            Value::Null => self.null(at),
            Value::Array(items) if items.iter().any(holds_null) => self.null(at),
            leaf => {
                let value = canonical::sendable(leaf);
                self.leaves.insert(LeafPath(at.into()), LeafValue { value, secret: false });
            }
        }
    }

    fn null(&mut self, at: &str) {
        let message = format!(
            "{at} is or holds null, and null is undefined in this API: leave the setting out, or write its value"
        );
        self.refuse(Reason::Invalid, &format!("settings{at}"), message);
    }

    fn secret(&mut self, leaf: &SecretLeaf, settings: &Leaves, secrets: &Secrets) {
        let at = format!("secrets[path={}]", leaf.path);
        let text = match self.secret_text(leaf, settings, secrets) {
            Ok(text) => text,
            Err((reason, message)) => return self.refuse(reason, &at, message),
        };
        let value = LeafValue { value: text.into(), secret: true };
        self.leaves.insert(LeafPath(leaf.path.as_str().into()), value);
    }

    fn secret_text(
        &self,
        leaf: &SecretLeaf,
        settings: &Leaves,
        secrets: &Secrets,
    ) -> Result<String, (Reason, String)> {
        let path = &leaf.path;
        let segments = pointer::segments(path).filter(|segments| segments.iter().all(|s| !s.is_empty()));
        let invalid = |message: String| (Reason::Invalid, message);
        let Some(segments) = segments else {
            return Err(invalid(format!("{path:?} is no JSON pointer such as /agent/password")));
        };
        if segments.iter().any(|segment| canonical::is_server_owned(segment)) {
            return Err(invalid(format!("{path} leads to times that the server sets itself")));
        }
        if let Some(other) = clash(path, settings.keys().chain(self.leaves.keys())) {
            return Err(invalid(format!(
                "{path} and {other} cannot both be set: a pointer may not lead into a list or a value, nor name a \
                 section or a setting that is there already"
            )));
        }
        let (name, key) = (&leaf.secret_key_ref.name, &leaf.secret_key_ref.key);
        let missing = |what: &str| (Reason::SecretMissing, format!("key {key} of Secret {name} {what}"));
        let secret = secrets.get(&(name.clone(), key.clone())).ok_or_else(|| missing("does not exist"))?;
        if secret.is_empty() {
            return Err(missing("is empty"));
        }
        secret.expose_str().map(str::to_owned).ok_or_else(|| missing("is not UTF-8 text"))
    }

    fn refuse(&mut self, reason: Reason, at: &str, message: String) {
        self.say(Severity::Refused, reason, at, message);
    }

    fn note(&mut self, reason: Reason, at: &str, message: String) {
        self.say(Severity::Note, reason, at, message);
    }

    fn say(&mut self, severity: Severity, reason: Reason, at: &str, message: String) {
        self.findings.push(Finding { severity, reason, subject: format!("{}.{at}", self.field), message });
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}

/// A path that is the same, above, or below: only one of the two can be set.
fn clash<'a>(path: &str, others: impl Iterator<Item = &'a LeafPath>) -> Option<&'a LeafPath> {
    let above = |one: &str, other: &str| other.strip_prefix(one).is_some_and(|rest| rest.starts_with('/'));
    let mut others = others.filter(|other| {
        let other = other.0.as_ref();
        other == path || above(other, path) || above(path, other)
    });
    others.next()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
