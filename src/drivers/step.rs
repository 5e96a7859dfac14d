//! What is read and what is written: scopes, desired items, steps and their outcomes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    ExternalId, ItemKey, LeafPath, LeafValue, MemberKind, ObjectName, ObservedItem, memory::TaskState,
};

/// Whom an object reaches, by kind.
pub type Members = BTreeMap<MemberKind, BTreeSet<String>>;

/// What to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Documents, with the leaves that matter; ignored by drivers whose `Facts::snapshot` is true.
    pub documents: BTreeMap<ItemKey, BTreeSet<LeafPath>>,
    /// Documents are read with every leaf they hold, whatever was named (`ordain inventory`).
    pub whole: bool,
    /// Recorded ids of the round's objects, for a system that can read one but not list all (`Facts::lists`).
    pub objects: BTreeSet<ExternalId>,
    /// A few others that are recorded, where objects are read but not listed: read only where one of `objects` is not
    /// shown, to tell whether the call works.
    pub others: BTreeSet<ExternalId>,
}

/// The full desired state of one item, merged from all contributions (output of `plan::merge`).
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredItem {
    /// Which item.
    pub key: ItemKey,
    /// Object or document.
    pub shape: crate::model::Shape,
    /// For people.
    pub title: String,
    /// `status.objects[].key`.
    pub status_key: String,
    /// Leaves that won, and may be written.
    pub leaves: BTreeMap<LeafPath, LeafValue>,
    /// Union of the contributors' members.
    pub members: BTreeMap<MemberKind, BTreeSet<String>>,
    /// The switch.
    pub enabled: Option<bool>,
    /// Place among managed objects: sorts before what is larger (R17).
    pub rank: (i64, String),
    /// Who contributes.
    pub contributors: BTreeSet<ObjectName>,
}

impl DesiredItem {
    /// The mark it bears, for objects.
    pub fn mark(&self) -> Option<crate::model::Mark> {
        match &self.shape {
            crate::model::Shape::Object { mark } => mark.clone(),
            crate::model::Shape::Document => None,
        }
    }
}

/// One write to one document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    /// The whole desired state.
    pub desired: DesiredItem,
    /// The leaves that differ, the reason for the write.
    pub differing: BTreeSet<LeafPath>,
    /// Values to put back (Restore), outside `desired`.
    pub restore: BTreeMap<LeafPath, Value>,
    /// As just read.
    pub observed: ObservedItem,
}

/// One effect on the system. Absolute wherever the system allows; `Create` is journalled by the worker before it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Make an object, inert (inactive), with its mark (R14).
    Create(Box<DesiredItem>),
    /// Bring an object's leaves and members to the desired state; `observed` was read in this pass (R7).
    Replace {
        /// Wanted.
        desired: Box<DesiredItem>,
        /// As read, to resend what we do not model.
        observed: Box<ObservedItem>,
    },
    /// Put an adopted object's former leaves and members back and take our mark off (Restore).
    Restore {
        /// Which object.
        observed: Box<ObservedItem>,
        /// Former values by path.
        leaves: BTreeMap<LeafPath, Value>,
        /// Whom it is to reach, whole, of each kind that changes; other kinds stay as they stand.
        members: Members,
    },
    /// Turn objects on or off by the system's own calls.
    SetEnabled {
        /// Which.
        ids: Vec<ExternalId>,
        /// On or off.
        enabled: bool,
    },
    /// Give objects these places; only ids we manage (R17).
    Reorder(Vec<(ExternalId, i64)>),
    /// Remove objects that are disabled and deployed.
    Delete(Vec<ExternalId>),
    /// Write documents in one call: all share OS and body (R19).
    Write {
        /// At most `customersPerWrite` of them.
        changes: Vec<DocumentChange>,
        /// Wait for the result instead of taking a task (R20).
        synchronous: bool,
    },
    /// Copy another group's document here, once (R27).
    Seed {
        /// Which document.
        item: ItemKey,
        /// `{customer, group}` to copy from, resolved to ids.
        from: (String, String),
    },
    /// Publish everything pending in the account (R18).
    Deploy,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Done. `id` where the system told the id of what it created.
    Applied {
        /// Id of a created object.
        id: Option<ExternalId>,
        /// The object as the system says it now stands, where its answer tells (appShield): taken for a read where
        /// nothing can be read.
        answer: Option<Box<ObservedItem>>,
    },
    /// Accepted as a task.
    Pending {
        /// The vendor's task id.
        operation: String,
        /// Its state.
        state: TaskState,
    },
}

impl Outcome {
    /// Done, with nothing to tell.
    pub const DONE: Self = Self::Applied { id: None, answer: None };

    /// An object was made, and the system may have told its id.
    pub const fn created(id: Option<ExternalId>) -> Self {
        Self::Applied { id, answer: None }
    }
}
