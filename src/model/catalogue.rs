//! What can be named at a system: customers, groups, roles, rules, and their ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Kinds of things a system lists. A driver uses the ones its system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// A tenant company (wfbss).
    Customer,
    /// A group of devices or users; `parent` is its customer where groups are scoped to one.
    Group,
    /// A role of users (wso2).
    Role,
    /// A user.
    User,
    /// A platform (wso2); `id` is the vendor's number or word, `name` the platform.
    DeviceType,
    /// A setting a platform knows (wso2); `parent` is the device type's name.
    Feature,
    /// A dictionary (symphony).
    Dictionary,
    /// A rule (tachyon).
    Rule,
    /// A management group (tachyon).
    ManagementGroup,
}

/// One thing that can be named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The vendor's id.
    pub id: String,
    /// The name people see.
    pub name: String,
    /// Id of what it belongs to, where ids or names are scoped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Listed but not usable (an expired customer): the sentence that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// Everything that can be named, and whether the lists are whole.
///
/// A kind that is absent was not listed; a kind in `partial` may lack entries. "Not found" needs a
/// kind that is present and not partial (R16).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Sorted by the driver.
    pub entries: BTreeMap<EntryKind, Vec<Entry>>,
    /// Kinds whose list is known or feared to be incomplete.
    #[serde(default)]
    pub partial: std::collections::BTreeSet<EntryKind>,
}

/// What looking a name or id up gives (R16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Exactly one entry.
    Found(&'a Entry),
    /// The list is complete and has no such entry.
    NotFound,
    /// More than one entry bears the name.
    Ambiguous(usize),
    /// The list is partial or was not read: nothing can be concluded.
    Unknown,
}

impl Catalogue {
    /// The entries of a kind, none where it was not listed.
    pub fn of(&self, kind: EntryKind) -> &[Entry] {
        self.entries.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Looks up by a predicate, within `parent` where given.
    pub fn lookup(
        &self,
        kind: EntryKind,
        parent: Option<&str>,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Lookup<'_> {
        let mut hits = self
            .of(kind)
            .iter()
            .filter(|e| parent.is_none_or(|p| e.parent.as_deref() == Some(p)))
            .filter(|e| wanted(e));
        match (hits.next(), hits.count()) {
            (Some(entry), 0) => Lookup::Found(entry),
            (Some(_), more) => Lookup::Ambiguous(more + 1),
            (None, _) if self.is_complete(kind) => Lookup::NotFound,
            (None, _) => Lookup::Unknown,
        }
    }

    /// Whether "not found" in this kind means "does not exist".
    pub fn is_complete(&self, kind: EntryKind) -> bool {
        self.entries.contains_key(&kind) && !self.partial.contains(&kind)
    }
}
