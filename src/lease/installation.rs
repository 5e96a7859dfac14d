//! What the Lease of an installation says to the other ones of its cluster, and who may work. Pure.
//!
//! ```text
//! claiming ─▶ nobody serves or enters here, nobody was here before ─▶ entering ─▶ nobody else does ─▶ serving
//!     ▲                                                                  │
//!     └──────────────────────── somebody else does ◀─────────────────────┘
//! ```
//!
//! Each writes before it reads: of two that enter, the one whose write came second finds the first one when it lists
//! again, so at most one of them goes on. Which needs lists that are never older than the last write, as those of the
//! API server without a resourceVersion are.
//!
//! Who serves does not look again after a restart: nobody can have come in meanwhile, and a Lease that somebody forged
//! in a namespace of his own stops nobody who works. It has nothing to do with being alive. A Lease stands for an
//! installation, with a store and a memory; another one that took over while it restarts would know nothing.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt as _;

use crate::index::Scope;

/// Annotation with the namespaces an installation works in, sorted and separated by commas, or `*`.
pub const WATCHES: &str = "ordain.dev/watches";
/// Annotation with how far it has come: `claiming`, `entering` or `serving`.
pub const STAGE: &str = "ordain.dev/stage";
/// Every annotation of ours begins with it; a Lease without any is somebody else's of the same name.
const OURS: &str = "ordain.dev/";
/// How `WATCHES` says all namespaces.
const EVERYWHERE: &str = "*";
/// Longest name of a namespace.
const LONGEST: usize = 63;

/// How far an installation has come, in the order in which it holds off others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It would like to work there, and changes nothing.
    Claiming,
    /// It works there if nobody else turns out to.
    Entering,
    /// It works there, whether or not its process runs right now.
    Serving,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Claiming, "claiming"), (Self::Entering, "entering"), (Self::Serving, "serving")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }
}

/// An installation of a cluster, as its Lease tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Namespace of its Lease.
    pub namespace: String,
    /// Where it works; `None`: its Lease does not say, or says what nobody of ours writes.
    pub scope: Option<Scope>,
    /// How far it has come.
    pub stage: Stage,
    /// When its Lease was made, by the clock of the API server.
    pub created: Option<Timestamp>,
    /// When it was last renewed, by the clock of its machine: for people alone.
    pub renewed: Option<Timestamp>,
    /// Whether a process holds it, dead or alive.
    pub held: bool,
}

impl Installation {
    /// What a Lease tells; `None` where nobody of ours ever wrote onto it.
    pub fn of(lease: &Lease) -> Option<Self> {
        let notes = lease.annotations();
        notes.keys().any(|key| key.starts_with(OURS)).then(|| {
            let spec = lease.spec.as_ref();
            let word = notes.get(STAGE).map_or("", String::as_str);
            let stage = Stage::ALL.iter().find(|(_, known)| *known == word);
            Self {
                namespace: lease.namespace().unwrap_or_default(),
                scope: notes.get(WATCHES).and_then(|text| read(text)),
                // An earlier version said nothing, and worked.
                stage: stage.map_or(Stage::Serving, |(stage, _)| *stage),
                created: lease.metadata.creation_timestamp.as_ref().map(|time| time.0),
                renewed: spec.and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0),
                held: spec
                    .and_then(|spec| spec.holder_identity.as_deref())
                    .is_some_and(|who| !who.is_empty()),
            }
        })
    }

    /// What is not known to be elsewhere is here.
    fn overlaps(&self, other: &Self) -> bool {
        match (&self.scope, &other.scope) {
            (Some(mine), Some(theirs)) => mine.overlaps(theirs),
            _ => true,
        }
    }

    /// The older Lease comes first.
    fn rank(&self) -> (Option<Timestamp>, &str) {
        (self.created, &self.namespace)
    }
}

/// Whether an installation may go on to the next stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nobody is in its way.
    Go,
    /// It claims, and waits for this one.
    StandBy(&'a Installation),
}

/// Decides for one of them; `others` were listed after the stage of `mine` was written.
pub fn decide<'a>(mine: &Installation, others: &'a [Installation]) -> Verdict<'a> {
    let is_before = |other: &&Installation| match mine.stage {
        Stage::Serving => false,
        Stage::Entering => other.stage > Stage::Claiming,
        Stage::Claiming => other.stage > Stage::Claiming || other.rank() < mine.rank(),
    };
    let rivals = others.iter().filter(|other| mine.overlaps(other)).filter(is_before);
    let first = rivals.min_by_key(|other| (std::cmp::Reverse(other.stage), other.rank()));
    first.map_or(Verdict::Go, Verdict::StandBy)
}

/// The stage of an installation whose new process works in `scope`: what it had come to counts where it worked before,
/// any other namespace is claimed anew.
pub fn resumed(before: Option<&Installation>, scope: &Scope) -> Stage {
    let same = before.filter(|before| before.scope.as_ref().is_some_and(|known| known.includes(scope)));
    same.map_or(Stage::Claiming, |before| before.stage)
}

/// Writes onto our Lease where we work and how far we have come.
pub fn write(lease: &mut Lease, scope: &Scope, stage: Stage) {
    let notes = lease.annotations_mut();
    notes.insert(WATCHES.into(), written(scope));
    notes.insert(STAGE.into(), stage.word().into());
}

fn written(scope: &Scope) -> String {
    match scope {
        Scope::All => EVERYWHERE.to_owned(),
        Scope::Only(names) => names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(","),
    }
}

/// Anybody may write onto a Lease: only what can be the name of a namespace is believed, and repeated to people.
fn read(text: &str) -> Option<Scope> {
    if text == EVERYWHERE {
        return Some(Scope::All);
    }
    let is_name = |name: &str| {
        (1..=LONGEST).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let names: BTreeSet<Arc<str>> = text.split(',').map(Arc::from).collect();
    names.iter().all(|name| is_name(name)).then_some(Scope::Only(names))
}

#[cfg(test)]
mod tests;
