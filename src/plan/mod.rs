//! Desired × observed × memory → what to do. Pure: no I/O, no clock of its own.
//!
//! ```text
//! merge (R12) ─▶ identify (§4) ─▶ draft ─┬─ diff      what differs by owned leaf and member
//!                                         ├─ release   what a living witness lets go of (R3, R11)
//!                                         ├─ order     places in the account's order (R17)
//!                                         └─ deploy    hold, deploy or wait (R18)
//! Plan<Drafted> ─▶ guard (R2) ─▶ Plan<Approved> ─▶ steps ─▶ worker::apply
//! ```
//!
//! The vendor's state is the journal of a sequence: each round plans anew from what was just read, so a crash between
//! two calls needs no resume code. What a read cannot tell (ids of created objects, slots before a PUT, former
//! values, open tasks) is in memory.

pub mod arrays;
mod blind;
mod count;
pub mod deploy;
pub mod diff;
pub mod draft;
pub mod drift;
pub mod guard;
pub mod identify;
mod keep;
pub mod merge;
pub mod order;
pub mod release;
mod restore;
pub mod retire;
pub mod seed;
pub mod steps;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    api::conditions::Reason,
    drivers::{DesiredItem, Members, Seed},
    model::{ExternalId, ItemKey, LeafPath, ObjectName, ObservedItem},
};

pub use diff::Difference;

/// A plan nobody has judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted(());

/// A plan the guard has let pass, with what it held taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved(());

/// Changes of one account. Only a `Plan<Approved>` can be turned into steps, and only `guard` makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<S> {
    /// Sorted by item.
    pub changes: Vec<Change>,
    /// Drafted or approved.
    pub state: S,
}

impl Plan<Drafted> {
    /// A draft.
    pub fn draft(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| a.item.cmp(&b.item));
        Self { changes, state: Drafted(()) }
    }
}

impl Plan<Approved> {
    /// What the guard lets pass of a draft, which is used up.
    fn approved(_: Drafted, changes: Vec<Change>) -> Self {
        Self { changes, state: Approved(()) }
    }
}

/// One change of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which item.
    pub item: ItemKey,
    /// On whose behalf.
    pub assignments: BTreeSet<ObjectName>,
    /// What.
    pub kind: ChangeKind,
    /// Why, for the change journal: `edit`, `drift`, `released by …`.
    pub why: String,
    /// The guard took removals out of it.
    pub held: bool,
}

/// What to do with an item.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// Copy another group's document here, before anything else is written to it (R27).
    Seed(Seed),
    /// Create an object, inert.
    Create(Box<DesiredItem>),
    /// Bring an object or document to the desired state.
    Update {
        /// Wanted.
        desired: Box<DesiredItem>,
        /// As read.
        observed: Box<ObservedItem>,
        /// What differs.
        difference: Box<Difference>,
        /// Former values to put back in the same write (documents, R11).
        restore: BTreeMap<LeafPath, Value>,
    },
    /// Put former values and members back into something nobody else writes to (R11).
    Restore {
        /// As read.
        observed: Box<ObservedItem>,
        /// Former values.
        leaves: BTreeMap<LeafPath, Value>,
        /// Whom an object is to reach again, of each kind that changes.
        members: Members,
    },
    /// Take an object away: off, deployed, then removed.
    Retire {
        /// Which.
        id: ExternalId,
        /// As read.
        observed: Box<ObservedItem>,
        /// What is next.
        stage: Stage,
        /// Whether the guard has counted it already.
        counted: bool,
    },
    /// Let go without a call (Orphan, or the thing is gone).
    Forget,
    /// Nothing is done; the guard took everything out.
    Hold,
}

/// Where a retiring object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Still on, or, where the switch travels with the content, still reaching somebody.
    SwitchOff,
    /// Off, but devices may still hold it until the next deploy.
    AwaitDeploy,
    /// Off and deployed.
    Delete,
}

impl Change {
    /// Removals in R2's sense: delete, disable, member or list element removed, value restored.
    pub fn removals(&self) -> u32 {
        match &self.kind {
            ChangeKind::Create(_) | ChangeKind::Seed(_) | ChangeKind::Forget | ChangeKind::Hold => 0,
            ChangeKind::Update { difference, restore, .. } => {
                difference.losses().saturating_add(u32::try_from(restore.len()).unwrap_or(u32::MAX))
            }
            ChangeKind::Restore { observed, leaves, members } => {
                let values = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
                values.saturating_add(restore::members_lost(observed, members))
            }
            ChangeKind::Retire { counted, .. } => u32::from(!counted),
        }
    }

    /// The same change with its removals taken out: additions go on (R2).
    #[must_use]
    pub fn without_removals(self) -> Self {
        let kind = match self.kind {
            ChangeKind::Update { desired, observed, difference, .. } => {
                keep_additions(*desired, observed, *difference)
            }
            ChangeKind::Restore { .. } | ChangeKind::Retire { .. } => ChangeKind::Hold,
            kind @ (ChangeKind::Create(_) | ChangeKind::Seed(_) | ChangeKind::Forget | ChangeKind::Hold) => {
                kind
            }
        };
        Self { kind, held: true, ..self }
    }
}

fn keep_additions(
    mut desired: DesiredItem,
    observed: Box<ObservedItem>,
    mut difference: Difference,
) -> ChangeKind {
    if difference.blind {
        return ChangeKind::Hold;
    }
    for (kind, names) in std::mem::take(&mut difference.remove) {
        desired.members.entry(kind).or_default().extend(names);
    }
    for path in std::mem::take(&mut difference.extra) {
        let value = observed.leaves.get(&path).cloned().unwrap_or_default();
        desired.leaves.insert(path, crate::model::LeafValue { value, secret: false });
    }
    if difference.shortened > 0 {
        // A shorter list is one leaf: it waits whole, together with whatever changes beside it in that leaf.
        difference.leaves.retain(|path| {
            let wanted = desired.leaves.get(path).map(|leaf| &leaf.value);
            let lost = wanted.is_some_and(|w| diff::elements_lost(observed.leaves.get(path), w) > 0);
            if lost && let Some(leaf) = desired.leaves.get_mut(path) {
                leaf.value = observed.leaves.get(path).cloned().unwrap_or_default();
            }
            !lost
        });
        difference.shortened = 0;
    }
    if difference.switch == Some(false) {
        difference.switch = None;
        desired.enabled = observed.enabled;
    }
    if difference.is_empty() {
        return ChangeKind::Hold;
    }
    ChangeKind::Update {
        desired: Box::new(desired),
        observed,
        difference: Box::new(difference),
        restore: BTreeMap::new(),
    }
}

/// Where one item stands after planning: becomes facts of its contributors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemVerdict {
    /// Read and equal, deployed where that matters.
    InStep,
    /// Differs in these places; a change is planned or under way.
    Differs(Vec<String>),
    /// Equal, but not yet deployed.
    Undeployed,
    /// A removal is held by the guard.
    Held,
    /// Waits for something that comes by itself.
    Waiting(Reason, String),
    /// A human must act.
    Blocked(Reason, String),
}
