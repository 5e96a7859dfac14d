//! What Ordain remembers of one account between passes and over restarts.
//!
//! A `Memory` is loaded whole from the store and changed only through [`Write`]s: the worker
//! commits them to the store first and applies them here after, so that what decisions see is
//! never ahead of what would survive a crash.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{ItemKey, LeafPath, ObjectName, Uid};

mod claims;
mod records;

pub use claims::Claims;
pub use records::*;

/// Everything remembered of one account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// The account as last probed.
    pub account: Option<AccountRecord>,
    /// Names and ids as last listed.
    pub catalogue: Option<CatalogueRecord>,
    /// What we know of each item we ever touched or proved.
    pub items: BTreeMap<ItemKey, ItemRecord>,
    /// Who holds what of an item.
    pub claims: Claims,
    /// Sealed values that stood before our first write, for Restore (R11).
    pub pre_images: BTreeMap<(ItemKey, LeafPath), Sealed>,
    /// Calls about to be made that must not be repeated blindly (R14).
    pub intents: BTreeMap<ItemKey, IntentRecord>,
    /// Asynchronous tasks not yet settled (R20), by the vendor's task id.
    pub operations: BTreeMap<String, OperationRecord>,
    /// Removals executed within the guard's window (R2).
    pub removals: Vec<RemovalRecord>,
    /// Deploy provenance and state (R18).
    pub deploy: DeployRecord,
    /// Highest generation acted on, per uid (I7, F11).
    pub seen: BTreeMap<Uid, i64>,
    /// Requests handled last, by the object they stand on: after a restart they are not handled once more.
    pub handled: BTreeMap<String, String>,
    /// What a lost store cost (R13): words for `status.memory.lost`.
    pub lost: BTreeSet<String>,
    /// Since when this memory is continuous.
    pub since: Option<Timestamp>,
    /// The value of `ordain.dev/approve-removals` taken last, so that it counts once.
    pub approval: Option<ApprovalRecord>,
}

/// One change of memory. Absolute, so that replaying is harmless.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The account's identity; `None` forgets it and everything remembered of the account.
    Account(Option<AccountRecord>),
    /// The catalogue.
    Catalogue(CatalogueRecord),
    /// An item; `None` forgets it.
    Item(ItemKey, Option<Box<ItemRecord>>),
    /// A claim; `None` drops it.
    Claim(ItemKey, ObjectName, Option<ClaimRecord>),
    /// A pre-image; `None` drops it. Only the first one is kept: writing over an existing one is a no-op.
    PreImage(ItemKey, LeafPath, Option<Sealed>),
    /// An intent; `None` settles it.
    Intent(ItemKey, Option<IntentRecord>),
    /// A task; `None` settles it.
    Operation(String, Option<OperationRecord>),
    /// The guard's window, whole.
    Removals(Vec<RemovalRecord>),
    /// The deploy state.
    Deploy(DeployRecord),
    /// A generation was acted on; a lower one than remembered is ignored.
    Seen(Uid, i64),
    /// A uid is gone for good.
    Unseen(Uid),
    /// A request was handled; `None`: its object is gone.
    Handled(String, Option<String>),
    /// What a lost store cost.
    Lost(BTreeSet<String>),
    /// Since when the memory is continuous.
    Since(Timestamp),
    /// An approval was taken or used; `None` once its annotation is gone.
    Approval(Option<ApprovalRecord>),
}

impl Memory {
    /// Applies what has been committed.
    pub fn apply(&mut self, write: Write) {
        match write {
            Write::Account(Some(record)) => self.account = Some(record),
            Write::Account(None) => *self = Self { since: self.since, ..Self::default() },
            Write::Catalogue(record) => self.catalogue = Some(record),
            Write::Item(key, record) => put(&mut self.items, key, record.map(|r| *r)),
            Write::Claim(key, who, record) => self.claims.set(key, who, record),
            Write::PreImage(key, path, Some(sealed)) => {
                self.pre_images.entry((key, path)).or_insert(sealed);
            }
            Write::PreImage(key, path, None) => {
                self.pre_images.remove(&(key, path));
            }
            Write::Intent(key, record) => put(&mut self.intents, key, record),
            Write::Operation(id, record) => put(&mut self.operations, id, record),
            Write::Removals(records) => self.removals = records,
            Write::Deploy(record) => self.deploy = record,
            Write::Seen(uid, generation) => {
                let seen = self.seen.entry(uid).or_insert(generation);
                *seen = generation.max(*seen);
            }
            Write::Unseen(uid) => {
                self.seen.remove(&uid);
            }
            Write::Handled(who, Some(value)) => drop(self.handled.insert(who, value)),
            Write::Handled(who, None) => drop(self.handled.remove(&who)),
            Write::Lost(words) => self.lost = words,
            Write::Since(at) => self.since = Some(at),
            Write::Approval(record) => self.approval = record,
        }
    }

    /// The open task that writes this item, if any.
    pub fn operation_on(&self, key: &ItemKey) -> Option<(&str, &OperationRecord)> {
        let open = self.operations.iter().find(|(_, op)| op.state.is_open() && op.items.contains_key(key));
        open.map(|(id, op)| (id.as_str(), op))
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}
