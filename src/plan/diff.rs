//! How a desired item and an observed one differ, by owned leaf and owned member only (promise 1).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    drivers::{DesiredItem, Translate},
    model::{Digest, Digester, LeafPath, LeafValue, MemberKind, ObservedItem, Shape, memory::LeafDigests},
};

/// The difference of one item. Empty means: in step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Owned leaves whose value differs or is absent.
    pub leaves: BTreeSet<LeafPath>,
    /// Elements of exact lists that stand at the vendor and are not desired.
    pub extra: BTreeSet<LeafPath>,
    /// Members to add.
    pub add: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Members to remove.
    pub remove: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Our mark is missing from an object.
    pub unmarked: bool,
    /// List elements that go away inside differing leaves.
    pub shortened: u32,
    /// Nothing but its id is known: what the write takes away cannot be counted.
    pub blind: bool,
    /// Equal as far as is known, and sent again all the same (`Translate::resends`).
    pub again: bool,
    /// The switch to throw, if it stands wrong.
    pub switch: Option<bool>,
}

impl Difference {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        !self.needs_write() && self.switch.is_none()
    }

    /// Whether content or members must be written (the switch has calls of its own).
    pub fn needs_write(&self) -> bool {
        self.unmarked
            || self.again
            || !(self.leaves.is_empty()
                && self.extra.is_empty()
                && self.add.is_empty()
                && self.remove.is_empty())
    }

    /// How many removals in R2's sense this write holds; throwing a switch off counts apart.
    pub fn removals(&self) -> u32 {
        let members: usize = self.remove.values().map(BTreeSet::len).sum();
        let counted = u32::try_from(members + self.extra.len()).unwrap_or(u32::MAX);
        counted.saturating_add(self.shortened).saturating_add(u32::from(self.blind))
    }

    /// [`Difference::removals`], and the switch where it is to be thrown off.
    pub fn losses(&self) -> u32 {
        self.removals().saturating_add(u32::from(self.switch == Some(false)))
    }
}

/// Compares. `sent_secrets` are the fingerprints of secret leaves as last sent, for systems that do not give
/// secrets back.
pub fn difference(
    desired: &DesiredItem,
    observed: &ObservedItem,
    sent_secrets: &LeafDigests,
    driver: &dyn Translate,
    digester: &Digester,
) -> Difference {
    let mut diff = Difference::default();
    for (path, leaf) in &desired.leaves {
        let wanted = driver.canonicalise(path, &leaf.value);
        let stands = observed.leaves.get(path).map(|value| driver.canonicalise(path, value));
        if leaf.secret && is_masked(stands.as_ref()) {
            if fingerprint(sent_secrets, path) != Some(digester.json(&wanted)) {
                diff.leaves.insert(path.clone());
            }
        } else if stands.as_ref() != Some(&wanted) {
            diff.shortened = diff.shortened.saturating_add(elements_lost(stands.as_ref(), &wanted));
            diff.leaves.insert(path.clone());
        }
    }
    diff.extra = extra_elements(desired, observed, driver.exact_lists());
    compare_members(desired, observed, &mut diff);
    if let Shape::Object { mark } = &desired.shape {
        diff.unmarked = mark.is_some() && observed.mark != *mark;
        diff.switch = desired.enabled.filter(|wanted| observed.enabled != Some(*wanted));
    }
    diff
}

/// Whether a system hides this value instead of telling it: absent, null, empty or stars.
fn is_masked(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.chars().all(|c| c == '*'),
        Some(_) => false,
    }
}

fn fingerprint(sent: &LeafDigests, path: &LeafPath) -> Option<Digest> {
    sent.iter().find(|(p, _)| p == path).map(|(_, digest)| *digest)
}

fn extra_elements(desired: &DesiredItem, observed: &ObservedItem, lists: &[&str]) -> BTreeSet<LeafPath> {
    let named = |list: &str| desired.leaves.keys().any(|path| path.0.starts_with(list));
    observed
        .leaves
        .keys()
        .filter(|path| lists.iter().any(|list| path.0.starts_with(list) && named(list)))
        .filter(|path| !desired.leaves.contains_key(path))
        .cloned()
        .collect()
}

fn compare_members(desired: &DesiredItem, observed: &ObservedItem, diff: &mut Difference) {
    let none = BTreeSet::new();
    for (kind, wanted) in &desired.members {
        let stand = observed.members.get(kind).unwrap_or(&none);
        let add: BTreeSet<_> = wanted.difference(stand).cloned().collect();
        let remove: BTreeSet<_> = stand.difference(wanted).cloned().collect();
        if !add.is_empty() {
            diff.add.insert(*kind, add);
        }
        if !remove.is_empty() {
            diff.remove.insert(*kind, remove);
        }
    }
}

/// Elements of arrays, at any depth, that stand in `before` and are missing in `after`.
pub fn elements_lost(before: Option<&Value>, after: &Value) -> u32 {
    match (before, after) {
        (Some(Value::Array(old)), Value::Array(new)) => {
            u32::try_from(old.iter().filter(|element| !new.contains(element)).count()).unwrap_or(u32::MAX)
        }
        (Some(Value::Object(old)), Value::Object(new)) => old
            .iter()
            .filter_map(|(key, value)| new.get(key).map(|after| elements_lost(Some(value), after)))
            .fold(0, u32::saturating_add),
        _ => 0,
    }
}

/// The digest of one leaf's canonical value, as kept in claims and observed records.
pub fn leaf_digest(driver: &dyn Translate, digester: &Digester, path: &LeafPath, leaf: &LeafValue) -> Digest {
    digester.json(&driver.canonicalise(path, &leaf.value))
}
