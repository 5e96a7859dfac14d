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
//! in a namespace of his own stops nobody who works, unless our own Lease was deleted. It has nothing to do with being alive. A Lease stands for an
//! installation, with a store and a memory; another one that took over while it restarts would know nothing.
//!
//! Who adds namespaces keeps those it served: they stay its own while it claims the others. A Lease that was restored from
//! a copy is another object than it says; while the former one was gone anybody may have come in, so it claims anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::ResourceExt as _;
use serde::Deserialize as _;
use serde_json::Value;

use crate::index::Scope;

/// Annotation with the namespaces an installation works in, sorted and separated by commas, or `*`.
pub const WATCHES: &str = "ordain.dev/watches";
/// Annotation with how far it has come: `claiming`, `entering` or `serving`.
pub const STAGE: &str = "ordain.dev/stage";
/// Annotation with the namespaces that are its own already, also while it claims more of them; written like `WATCHES`, and
/// empty where none of those it served is among those it works in now.
pub const SERVES: &str = "ordain.dev/serves";
/// Annotation with the `metadata.uid` of the Lease it was written onto: one restored from a copy has another.
pub const LEASE_UID: &str = "ordain.dev/lease-uid";
/// Every annotation of ours begins with it; a Lease without any is somebody else's of the same name.
const OURS: &str = "ordain.dev/";
/// How `WATCHES` says all namespaces.
const EVERYWHERE: &str = "*";
/// Longest name of a namespace.
const LONGEST: usize = 63;
/// Names read of one Lease; one with more counts as everywhere, so that nobody's Lease fills the memory of others.
const MOST: usize = 4_096;

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
    /// Which namespaces are its own already; `None`: it never served, or an earlier version did. Of one that served elsewhere
    /// before it is a scope without names: then nothing stayed.
    pub serves: Option<Scope>,
    /// Whether the notes were written onto this very Lease, or by an earlier version, which cannot be told.
    pub original: bool,
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
            // What cannot be read may be anywhere.
            let serves = notes.get(SERVES).map(|text| read_served(text).unwrap_or(Scope::All));
            let noted = notes.get(LEASE_UID);
            Self {
                namespace: lease.namespace().unwrap_or_default(),
                scope: notes.get(WATCHES).and_then(|text| read(text)),
                // An earlier version said nothing, and worked.
                stage: stage.map_or(Stage::Serving, |(stage, _)| *stage),
                serves,
                original: if noted.is_some() {
                    noted == lease.metadata.uid.as_ref()
                } else {
                    !notes.contains_key(STAGE)
                },
                created: lease.metadata.creation_timestamp.as_ref().map(|time| time.0),
                renewed: spec.and_then(|spec| spec.renew_time.as_ref()).map(|time| time.0),
                held: spec
                    .and_then(|spec| spec.holder_identity.as_deref())
                    .is_some_and(|who| !who.is_empty()),
            }
        })
    }

    /// What our own Lease tells: where it cannot be read what is ours, nothing is, and all of it is claimed anew.
    pub fn ours(lease: &Lease) -> Option<Self> {
        let mut mine = Self::of(lease)?;
        if lease.annotations().get(SERVES).is_some_and(|text| read_served(text).is_none()) {
            mine.serves = Some(nothing());
        }
        Some(mine)
    }

    /// What is its own, if anything is.
    fn owns(&self) -> Option<&Scope> {
        self.serves.as_ref().filter(|served| **served != nothing())
    }

    /// Whether any namespace is as [`Self::regains`] says.
    pub fn regains_any(&self) -> bool {
        let covers = |served: &Scope| self.scope.as_ref().is_some_and(|scope| served.includes(scope));
        self.serves.as_ref().is_some_and(|served| !covers(served))
    }

    /// Whether it is known that somebody else may have worked in a namespace of ours since our store spoke of it last: it is
    /// not among those that were ours all the time. Of an earlier version that cannot be told, and its store is believed.
    pub fn regains(&self, namespace: &str) -> bool {
        let here = self.scope.as_ref().is_none_or(|scope| scope.covers(namespace));
        here && self.serves.as_ref().is_some_and(|served| !served.covers(namespace))
    }

    /// Whether it would like to work in one of these namespaces that is not its own already. What is not known to be
    /// elsewhere is here.
    fn wants(&self, place: Option<&Scope>) -> bool {
        let (Some(mine), Some(place)) = (&self.scope, place) else { return true };
        let owns = |shared: &Scope| self.serves.as_ref().is_some_and(|served| served.includes(shared));
        mine.shared(place).is_some_and(|shared| !owns(&shared))
    }

    /// Whether this one has come far enough to hold off `mine`.
    fn holds_off(&self, mine: &Self) -> bool {
        if self.owns().is_some_and(|served| mine.wants(Some(served))) {
            return true;
        }
        let blocked = || mine.owns().is_some_and(|served| self.wants(Some(served)));
        // Of those that claim the older one goes first, if it is coming: it has a process, and we are not in its way.
        let comes_first = || self.held && self.rank() < mine.rank() && !blocked();
        let far = self.stage > Stage::Claiming || (mine.stage == Stage::Claiming && comes_first());
        far && mine.wants(self.scope.as_ref())
    }

    /// A Lease as it came from the API server; of one that cannot be decoded, what matters here. Anybody may write a Lease,
    /// and none may hide the others.
    pub fn decode(item: &Value) -> Lease {
        Lease::deserialize(item).unwrap_or_else(|_| {
            let (meta, spec) = (&item["metadata"], &item["spec"]);
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Lease {
                metadata: ObjectMeta {
                    namespace: text(&meta["namespace"]),
                    uid: text(&meta["uid"]),
                    annotations: BTreeMap::deserialize(&meta["annotations"]).ok(),
                    creation_timestamp: Time::deserialize(&meta["creationTimestamp"]).ok(),
                    ..ObjectMeta::default()
                },
                spec: Some(LeaseSpec {
                    holder_identity: text(&spec["holderIdentity"]),
                    ..LeaseSpec::default()
                }),
            }
        })
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
    let rivals = others.iter().filter(|other| mine.stage != Stage::Serving && other.holds_off(mine));
    let first = rivals.min_by_key(|other| (std::cmp::Reverse(other.stage), other.rank()));
    first.map_or(Verdict::Go, Verdict::StandBy)
}

/// The stage of an installation whose new process works in `scope`, and what is its own of that: what it had come to
/// counts where it worked before, any other namespace is claimed anew.
pub fn resumed(before: Option<&Installation>, scope: &Scope) -> (Stage, Option<Scope>) {
    let Some(before) = before.filter(|before| before.original) else { return (Stage::Claiming, None) };
    let known = before.scope.as_ref().filter(|known| known.includes(scope));
    let serves = before.serves.as_ref().map(|served| served.shared(scope).unwrap_or_else(nothing));
    let stage = match (known, before.stage) {
        _ if serves.as_ref() == Some(scope) => Stage::Serving,
        (Some(_), stage) => stage.min(Stage::Entering),
        (None, _) => Stage::Claiming,
    };
    (stage, serves)
}

/// Whether nothing that our store says is to be believed by a new process: others were not kept out while our Lease was
/// gone. Of namespaces that were given up in between see [`Installation::regains`].
pub fn outdates(before: Option<&Installation>) -> bool {
    before.is_none_or(|before| !before.original)
}

/// Writes onto our Lease where we work and how far we have come.
pub fn write(lease: &mut Lease, scope: &Scope, stage: Stage) {
    let uid = lease.metadata.uid.clone();
    let notes = lease.annotations_mut();
    notes.insert(WATCHES.into(), written(scope));
    notes.insert(STAGE.into(), stage.word().into());
    if let Some(uid) = uid {
        notes.insert(LEASE_UID.into(), uid);
    }
    if stage == Stage::Serving {
        set_served(lease, Some(scope));
    }
}

/// Writes which namespaces are our own already.
pub fn set_served(lease: &mut Lease, served: Option<&Scope>) {
    match served {
        Some(served) => drop(lease.annotations_mut().insert(SERVES.into(), written(served))),
        None => drop(lease.annotations_mut().remove(SERVES)),
    }
}

/// What is ours where none of the namespaces we served stayed.
fn nothing() -> Scope {
    Scope::Only(BTreeSet::new())
}

fn read_served(text: &str) -> Option<Scope> {
    if text.is_empty() { Some(nothing()) } else { read(text) }
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
    let mut names = text.split(',');
    let known: BTreeSet<Arc<str>> = names.by_ref().take(MOST).map(Arc::from).collect();
    (names.next().is_none() && known.iter().all(|name| is_name(name))).then_some(Scope::Only(known))
}

#[cfg(test)]
mod tests;
