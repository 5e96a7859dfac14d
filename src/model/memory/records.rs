//! The records a [`Memory`](super::Memory) holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{
    Catalogue, Digest, ExternalId, ItemKey, LeafPath, Mark, MemberKind, ObservedItem, Provenance,
};

/// So many complete views in a row without it, and it is gone (F23).
pub const GONE: u8 = 2;

/// Digests by path, sorted by path: a map's content at a fraction of its size.
pub type LeafDigests = Vec<(LeafPath, Digest)>;

/// The account's identity (R7) and what probing told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Short text shown as `status.account.fingerprint` and named in `ordain.dev/accept-account`.
    pub fingerprint: String,
    /// What the driver compares accounts by: host and tenant, or known customers.
    pub evidence: BTreeSet<String>,
    /// Dialect, for `status.account.api`.
    pub api: String,
    /// Product version, if told.
    pub version: String,
    /// Tenant, if told.
    pub tenant: String,
    /// Capability → `Allowed` | `Denied` | `Unknown`.
    pub capabilities: BTreeMap<String, String>,
    /// When probed.
    pub probed_at: Timestamp,
}

/// A catalogue and its age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueRecord {
    /// When it was read.
    pub at: Timestamp,
    /// What it holds.
    pub catalogue: Catalogue,
}

/// How an item came under our care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// We created it.
    Created,
    /// It existed and was adopted on purpose; never re-created, orphaned by default.
    Adopted,
    /// A document that exists anyway.
    Document,
}

/// What is known of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemRecord {
    /// How it came to us.
    pub origin: Origin,
    /// The vendor's id, for objects; the recorded id decides (product.md section 4).
    pub id: Option<ExternalId>,
    /// Its mark, for objects: finds it again when whoever wanted it can no longer be compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// What people call it.
    pub title: String,
    /// `status.objects[].key`.
    pub status_key: String,
    /// The last read of it.
    pub observed: Option<ObservedRecord>,
    /// Its place in the account's order, journalled before a PUT that may reset it (R17).
    pub slot: Option<i64>,
    /// The last write and whether it stuck.
    pub sent: Option<SentRecord>,
    /// What the system told of its author when it was proven last, kept while `observed` is no proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Provenance>,
    /// The inputs proven last: kept while somebody else's change stands, which tells drift from an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Digest>,
    /// Fingerprints of secret leaves as last sent: they cannot be read back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: LeafDigests,
    /// Times at which a leaf had left our value, newest last, at most three (contested, product.md section 1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drifted: Vec<Timestamp>,
    /// `replicateFrom.revision` already run (R27).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeded: Option<i64>,
    /// Re-read more often until then, because a task on it was lost (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect_until: Option<Timestamp>,
    /// Its removal has begun: it was switched off for good, counted once by the guard.
    #[serde(default)]
    pub retiring: bool,
    /// What the system answered to the last save, sealed, where nothing can be read (`Facts::reads`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Sealed>,
    /// Members we gave it, where those of others are theirs (`Facts::additive`), and to what we adopted (R11).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub added: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Whom an adopted object reached before we wrote members of that kind (R11). A kind that is absent: not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub former: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Those of them that we took out, and that were not seen there since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Members that stay whoever holds it: who gave them let go of them with `releasePolicy: Orphan` (R11).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Creates whose answers were lost before this one: each may have left an inert twin that cannot be looked for (R14).
    #[serde(default)]
    pub leftovers: u32,
    /// Consecutive complete views in which an object of ours was missing (F23: two before it counts as gone).
    #[serde(default)]
    pub absences: u8,
    /// When it was missed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_at: Option<Timestamp>,
}

/// One read of an item, as digests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObservedRecord {
    /// When it was read.
    pub at: Timestamp,
    /// Owned leaves only.
    pub leaves: LeafDigests,
    /// All members, of the kinds we own.
    pub members: Digest,
    /// How many more it has, that others gave it (`status.targets.foreign`).
    #[serde(default)]
    pub foreign: u32,
    /// The system's switch.
    pub enabled: Option<bool>,
    /// Not yet deployed.
    pub pending: bool,
    /// The digest of the desired state that this read proved, if it did.
    pub proves: Option<Digest>,
    /// Who and when, if told.
    pub provenance: Provenance,
}

/// The last write to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentRecord {
    /// Digest of the desired state sent.
    pub desired: Digest,
    /// When.
    pub at: Timestamp,
    /// How often this very state was sent and then read back different (WriteNotSticking at three).
    pub misses: u32,
    /// A read has shown whether it stuck; what differs after that is somebody else's doing.
    #[serde(default)]
    pub judged: bool,
}

/// What one assignment holds of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimRecord {
    /// Leaves it contributed, with the digest of its value.
    pub leaves: LeafDigests,
    /// Members it contributed.
    pub members: BTreeMap<MemberKind, BTreeSet<String>>,
    /// Priority it had.
    pub priority: i32,
    /// `metadata.generation` of the assignment when contributed.
    pub generation: i64,
    /// Generation of the Policy it was compiled from.
    pub policy_generation: i64,
}

/// A value encrypted under the operator's key (R22).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<sealed, {} bytes>", self.0.len())
    }
}

/// A call that is not idempotent and about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// What: `create`.
    pub action: String,
    /// When it was first journalled.
    pub at: Timestamp,
    /// Digest of the desired state meant.
    pub desired: Digest,
    /// How often it was begun without its end being known.
    #[serde(default)]
    pub tries: u32,
}

/// State of an asynchronous task, spelled as the vendor's (wfbss sheet section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskState {
    /// Accepted, not begun; some systems also say so of an unknown id.
    Pending,
    /// Begun.
    Started,
    /// Done, says the system; proven only by reading.
    Success,
    /// Failed.
    Failure,
    /// Cancelled before running; never blindly resent.
    Revoked,
}

impl TaskState {
    /// Whether it may still write.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Started)
    }
}

/// A task: open, or failed or revoked and remembered for as long as its write is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Items it writes, with the desired digest it carries for each.
    pub items: BTreeMap<ItemKey, Digest>,
    /// Last known state.
    pub state: TaskState,
    /// When it was started.
    pub since: Timestamp,
    /// How often its write was sent again after FAILURE or overdue.
    pub resends: u32,
}

/// Removals executed at one moment (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalRecord {
    /// When.
    pub at: Timestamp,
    /// How many elements.
    pub count: u32,
    /// How many of them an approval let through.
    #[serde(default)]
    pub approved: u32,
}

/// An approval that was taken (R2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRecord {
    /// The annotation's value.
    pub text: String,
    /// Removals it still lets through: a plan may take several passes.
    pub left: u32,
}

/// What is known of the account's global deploy (R18).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRecord {
    /// Writes of ours not yet deployed, since when.
    pub ours_since: Option<Timestamp>,
    /// A deploy was taken after the last of these writes, and is not yet seen finished.
    pub running_since: Option<Timestamp>,
    /// What they changed: the system may only tell that something waits.
    #[serde(default)]
    pub items: BTreeSet<ItemKey>,
}

impl ItemRecord {
    /// It was missing from so many complete views, one after the other, that it is gone (F23).
    pub fn is_missed_for_good(&self) -> bool {
        self.absences >= GONE
    }

    /// Once our removal has begun another object with its mark is somebody's copy, and none of ours.
    pub fn is_copied_by(&self, other: &ObservedItem) -> bool {
        self.retiring && self.id.is_some() && self.id != other.id
    }

    /// What the system told of its author when it was proven last.
    pub fn proven_provenance(&self) -> Option<&Provenance> {
        let proof = self.observed.as_ref().filter(|read| read.proves.is_some());
        proof.map(|read| &read.provenance).or(self.trace.as_ref())
    }

    /// A record of something never read.
    pub fn new(
        origin: Origin,
        id: Option<ExternalId>,
        mark: Option<Mark>,
        title: &str,
        status_key: &str,
    ) -> Self {
        Self {
            origin,
            id,
            mark,
            title: title.to_owned(),
            status_key: status_key.to_owned(),
            observed: None,
            slot: None,
            sent: None,
            trace: None,
            proven: None,
            secrets: Vec::new(),
            drifted: Vec::new(),
            seeded: None,
            suspect_until: None,
            retiring: false,
            answer: None,
            added: BTreeMap::new(),
            former: BTreeMap::new(),
            taken: BTreeMap::new(),
            kept: BTreeMap::new(),
            leftovers: 0,
            absences: 0,
            missed_at: None,
        }
    }

    /// What stays of it once nobody holds it: which copy was made into it, if any (R27).
    pub fn let_go(&self) -> Option<Self> {
        let bare = Self::new(self.origin, None, None, &self.title, &self.status_key);
        self.seeded.map(|revision| Self { seeded: Some(revision), ..bare })
    }

    /// Whether nothing but that is left of it.
    pub fn is_let_go(&self) -> bool {
        self.seeded.is_some() && self.observed.is_none()
    }
}
