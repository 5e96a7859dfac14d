//! Items: the units that all five systems are made of.
//!
//! An *item* is either an **object** that Ordain creates and deletes (a WSO2 policy) or a
//! **document** that exists anyway (a WFBSS policy of customer, group and OS). Either has
//! *leaves* (settings by path), an object also *members* (whom it reaches), an enabled flag and a
//! place in an order. Assignments *contribute* to items; `plan` merges, compares and decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ExternalId, Mark, ObjectName};

/// Names an item within its account, stable over restarts and restores.
///
/// Objects: `<namespace>/<name>/<variant>`; documents: the vendor's coordinates, e.g. `<customer>/<gid>/<os>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemKey(pub Arc<str>);

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a leaf stands in its item: a JSON pointer in a document (`/behavior_monitoring/enabled`),
/// a driver's word in an object (`name`, `features/CAMERA`). Arrays are one leaf.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeafPath(pub Arc<str>);

impl fmt::Display for LeafPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of thing a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MemberKind {
    /// Roles of users.
    Role,
    /// Users.
    User,
    /// Groups.
    Group,
    /// Management groups.
    ManagementGroup,
    /// Single devices, as `type/id` (wso2, where the build evaluates them).
    Device,
}

/// One desired setting.
#[derive(Clone, PartialEq)]
pub struct LeafValue {
    /// What to send. May hold a secret: see `secret`.
    pub value: Value,
    /// Its content came from a Secret: never shown, compared by keyed fingerprint of what was last
    /// sent where the system does not give it back.
    pub secret: bool,
}

impl fmt::Debug for LeafValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret { f.write_str("<secret>") } else { self.value.fmt(f) }
    }
}

/// Whether Ordain makes the item or finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Created, marked and removed by us.
    Object {
        /// Finds it again; `None` where names stand exactly as written (symphony, `naming: Exact`).
        mark: Option<Mark>,
    },
    /// Exists as long as its group does.
    Document,
}

/// What one assignment wants of one item. Output of a driver's `compile`.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Who wants it.
    pub assignment: ObjectName,
    /// Of which item.
    pub item: ItemKey,
    /// Object or document.
    pub shape: Shape,
    /// What the vendor calls it, for people (`status.objects[].name`, problems).
    pub title: String,
    /// Named settings; what is not here is not ours (promise 1).
    pub leaves: BTreeMap<LeafPath, LeafValue>,
    /// Whom an object reaches; a kind that is absent is not ours.
    pub members: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Wanted state of the system's own switch; `None`: not ours.
    pub enabled: Option<bool>,
    /// From `spec.priority`; higher wins.
    pub priority: i32,
    /// `status.objects[].key`: `android/roles`, `640F…/1/win`.
    pub status_key: String,
}

/// What a system tells about who made or changed an object; empty where it tells nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The system's own version of the object.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// As the system spells it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    /// As the system spells it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// As the system spells it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modified_at: String,
    /// As the system spells it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modified_by: String,
}

/// One vendor object or document as just read, or as the system answered to the last save where it cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedItem {
    /// Set for documents, whose coordinates are their name; objects are matched by id and mark in `plan::identify`.
    pub key: Option<ItemKey>,
    /// Set for objects.
    pub id: Option<ExternalId>,
    /// The mark at the end of its description, whoever wrote it.
    pub mark: Option<Mark>,
    /// What people call it.
    pub name: String,
    /// Settings by path, already canonical; for documents only those that were asked for.
    pub leaves: BTreeMap<LeafPath, Value>,
    /// Whom it reaches.
    pub members: BTreeMap<MemberKind, BTreeSet<String>>,
    /// The system's switch, where it has one.
    pub enabled: Option<bool>,
    /// Changed but not yet deployed (wso2 `updated`).
    pub pending: bool,
    /// Its place in the account's order, lower first.
    pub slot: Option<i64>,
    /// Other things that share this document and would change with it (R19 `SharedDocument`).
    pub shared_with: Vec<String>,
    /// Who and when, if told.
    pub provenance: Provenance,
    /// As read, for drivers that must resend what they do not model.
    pub raw: Value,
    /// Leaves that cannot be written as long as the view is partial (tachyon: `name`, `description`).
    pub fixed: BTreeSet<LeafPath>,
    /// Why it must not be switched on, in words (tachyon: unlicensed fragments).
    pub unfit: Option<String>,
    /// How it came to be switched off, in words, where the system lets that be told (symphony: by itself or by somebody).
    pub switched_off: Option<String>,
    /// Not read now: this is what the system answered to the last save (`Facts::reads` is false).
    pub remembered: bool,
}

impl ObservedItem {
    /// Whether nothing but its id is known: it was not read, nor is an answer to a save remembered.
    pub fn is_blind(&self) -> bool {
        self.remembered && self.leaves.is_empty()
    }
}

/// What a driver read in one go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Objects and documents.
    pub items: Vec<ObservedItem>,
    /// Items that were asked for and that the system says do not exist, with its words.
    pub missing: BTreeMap<ItemKey, String>,
    /// Documents that were asked for and of which nothing is known, with the reason: their call failed or its answer
    /// was not understood, while others were read.
    pub unread: BTreeMap<ItemKey, String>,
    /// Objects that were asked for by their ids and of which the system certainly has none any more, where it cannot list
    /// them: what it shows of others by the same call proves that this is no failure of ours.
    pub absent: BTreeSet<ExternalId>,
    /// Whether every object of the account is in `items`; an incomplete view forbids deletes, removals
    /// and second creates.
    pub complete: bool,
    /// Why it is not, in words: which call, which part ([`Observation::lacks`]).
    pub lacking: Option<String>,
    /// The account sees only a part of whom objects reach, with the reason: nothing is removed.
    pub partial: Option<String>,
    /// Something in the account waits for a deploy, where the system does not tell which object (tachyon).
    pub undeployed: bool,
    /// A global deploy of the account is running right now, where the system tells.
    pub deploying: bool,
}

impl Observation {
    /// Makes it incomplete and keeps why; the first reason stands, since one is enough to act on.
    pub fn lacks(&mut self, why: impl Into<String>) {
        self.complete = false;
        self.lacking.get_or_insert_with(|| why.into());
    }

    /// Why nothing follows from the absence of this item, or of anything where none is named, as part of a sentence.
    pub fn why_incomplete(&self, item: Option<&ItemKey>) -> String {
        let why = item.and_then(|item| self.unread.get(item)).or(self.lacking.as_ref());
        why.map_or_else(
            || "the system's answer was not complete".to_owned(),
            |why| format!("the system's answer was not complete: {why}"),
        )
    }
}
