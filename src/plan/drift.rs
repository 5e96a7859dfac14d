//! Drift in words: what stands, what Git says, and who changed it last as far as the system tells (promise 6). Pure.

use serde_json::Value;

use super::{Difference, ItemVerdict};
use crate::{
    api::{conditions::Reason, limits, validate::shown},
    drivers::{DesiredItem, is_telling, names_a_secret},
    model::{LeafPath, MemberKind, ObservedItem, Provenance},
};

/// A value in a sentence, in characters: longer ones are cut.
const VALUE: usize = 40;
/// A place, in characters: some systems let a console name one of any length.
const PLACE: usize = 256;
/// Places that are told with their values; the others by name alone, so that a message stays readable.
const WITH_VALUES: usize = 5;

/// What somebody changed outside Git.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// As by [`places`].
    pub places: Vec<String>,
    /// As by [`author`].
    pub author: String,
}

impl Drift {
    /// The same in one sentence without an end, the author first: what is cut off is told least.
    pub fn sentence(&self) -> String {
        let told: Vec<&str> = self.places.iter().take(WITH_VALUES).map(String::as_str).collect();
        let more = self.places.len().saturating_sub(told.len());
        let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("changed outside Git ({}): {}{tail}", self.author, told.join(", "))
    }
}

/// What is said of drift that is only reported.
pub fn left_alone(drift: &Drift) -> ItemVerdict {
    let message = format!(
        "{}; drift.correction is Report, so it is left as it is. Set it to Correct, or write the new value into the \
         Policy",
        drift.sentence()
    );
    ItemVerdict::Blocked(Reason::DriftDetected, message)
}

/// Who changed it last and when, in the system's words.
///
/// `proven` is what the system told when the item was last proven in step: where it tells the same now, this change
/// left no trace, and nobody is named for it.
pub fn author(now: &Provenance, proven: Option<&Provenance>) -> String {
    let Provenance { version, modified_at: at, modified_by: by, .. } = now;
    let version = if version.is_empty() { String::new() } else { format!(", version {version}") };
    let traced = proven != Some(now);
    match (by.is_empty(), at.is_empty()) {
        (false, false) if traced => format!("last by {by} at {at}{version}"),
        (false, true) if traced => format!("last by {by}{version}"),
        (true, false) if traced => format!("last at {at}{version}; the system does not tell by whom"),
        _ => "the system does not tell by whom or when".to_owned(),
    }
}

/// The places that differ, sorted, at most 20; the first of them with what stands and what Git says.
pub fn places(desired: &DesiredItem, observed: &ObservedItem, difference: &Difference) -> Vec<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    let called = |path: &LeafPath| limits::clip(&shown(&path.0), PLACE);
    found.extend(difference.leaves.iter().map(|path| (called(path), leaf(desired, observed, path))));
    // What others wrote there may be a secret of theirs.
    found.extend(difference.extra.iter().map(|path| (called(path), " is not in Git".to_owned())));
    let kinds = difference.add.keys().chain(difference.remove.keys());
    found.extend(kinds.map(|kind| (format!("members/{kind:?}"), members(difference, *kind))));
    found.extend(difference.unmarked.then(|| ("mark".to_owned(), String::new())));
    found.extend(difference.switch.map(|on| ("enabled".to_owned(), switch(observed, on))));
    found.sort();
    found.dedup();
    let told = found.into_iter().take(limits::PATHS_IN_MESSAGE).enumerate();
    told.map(|(at, (place, how))| if at < WITH_VALUES { place + &how } else { place }).collect()
}

/// ` is 5 (Git says 6)`; nothing where that may give a secret away or is no short text.
fn leaf(desired: &DesiredItem, observed: &ObservedItem, path: &LeafPath) -> String {
    let Some(wanted) = desired.leaves.get(path).filter(|leaf| !leaf.secret) else { return String::new() };
    let (stands, wanted) = (observed.leaves.get(path).unwrap_or(&Value::Null), &wanted.value);
    match (value(path, stands), value(path, wanted)) {
        (Some(stands), Some(wanted)) => format!(" is {stands} (Git says {wanted})"),
        _ => String::new(),
    }
}

fn value(path: &LeafPath, value: &Value) -> Option<String> {
    // Any part of the path may be the name of a secret whose text stands below it.
    let last = path.0.rsplit('/').next().unwrap_or_default();
    let telling = |text: &Value| is_telling(last, text) || (text.is_string() && names_a_secret(&path.0));
    match value {
        Value::Null => return Some("absent".to_owned()),
        Value::Object(_) => return None,
        Value::Array(items)
            if items.iter().any(|item| item.is_object() || item.is_array() || telling(item)) =>
        {
            return None;
        }
        value if telling(value) => return None,
        _ => {}
    }
    Some(limits::clip(&shown(&value.to_string()), VALUE))
}

fn members(difference: &Difference, kind: MemberKind) -> String {
    let count = |of: &std::collections::BTreeMap<MemberKind, std::collections::BTreeSet<String>>| {
        of.get(&kind).map_or(0, std::collections::BTreeSet::len)
    };
    format!(" ({} missing, {} too many)", count(&difference.add), count(&difference.remove))
}

fn switch(observed: &ObservedItem, wanted: bool) -> String {
    let stands = observed.enabled.map_or_else(|| "not known".to_owned(), |on| on.to_string());
    match observed.switched_off.as_ref().filter(|_| wanted) {
        Some(how) => format!(" is {stands} (Git says {wanted}; {how})"),
        None => format!(" is {stands} (Git says {wanted})"),
    }
}

#[cfg(test)]
mod tests;
