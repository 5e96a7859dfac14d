//! Tests of the store as a whole: fixtures, round trips.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash;
mod damage;
mod journal;
mod law;
mod migrating;
mod opening;
mod room;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::model::{
    BackendKind, Digest, ExternalId, ItemKey, LeafPath, MemberKind, ObjectName, Provenance, Secret, Uid,
    memory::{
        ClaimRecord, IntentRecord, ItemRecord, LeafDigests, ObservedRecord, OperationRecord, Origin, Sealed,
        SentRecord, TaskState,
    },
};

/// A clock that stands still until told otherwise.
struct HandClock(AtomicI64);

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000)))
    }

    fn pass(&self, time: Duration) {
        self.0.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed).cast_unsigned())
    }
}

fn keys() -> Keys {
    keys_of(1)
}

fn keys_of(byte: u8) -> Keys {
    Keys::derive(&Secret::new(vec![byte; 32])).unwrap()
}

const ANY: Expected = Expected { epoch: None, outdated: false };

fn expecting(epoch: u64) -> Expected {
    Expected { epoch: Some(epoch), ..ANY }
}

/// A folder with a store in it, gone at the end of the test.
struct House {
    dir: TempDir,
    clock: Arc<HandClock>,
}

impl House {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: HandClock::new() }
    }

    /// A house with these files in it.
    fn with(files: &BTreeMap<&str, Vec<u8>>) -> Self {
        let house = Self::new();
        for (suffix, bytes) in files {
            std::fs::write(house.file(suffix), bytes).unwrap();
        }
        house
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("ordain.db")
    }

    fn file(&self, suffix: &str) -> PathBuf {
        location::beside(&self.path(), suffix)
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    fn try_open(&self, expected: Expected) -> Result<Opened, StoreError> {
        Store::open(&self.url(), keys(), expected, self.clock.clone())
    }

    fn open(&self, expected: Expected) -> Opened {
        self.try_open(expected).unwrap()
    }

    /// What a crash right now would leave on the disk.
    fn files(&self) -> BTreeMap<&'static str, Vec<u8>> {
        ["", "-wal", ".lock"]
            .into_iter()
            .filter_map(|s| Some((s, std::fs::read(self.file(s)).ok()?)))
            .collect()
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn account(name: &str) -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "team".into(), name: name.into() }
}

fn cluster_account(name: &str) -> BackendId {
    BackendId { kind: BackendKind::ClusterBackend, namespace: "".into(), name: name.into() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn key(n: usize) -> ItemKey {
    ItemKey(format!("640FE47F-5118-4D79-8221-{n:012}/{}/win", n % 7).into())
}

fn leaves(n: usize, count: usize) -> LeafDigests {
    (0..count)
        .map(|leaf| {
            (
                LeafPath(format!("/behavior_monitoring/setting_{leaf}").into()),
                Digest((n * 1000 + leaf) as u128),
            )
        })
        .collect()
}

fn item(n: usize, leaf_count: usize) -> ItemRecord {
    let number = i64::try_from(n).unwrap();
    ItemRecord {
        observed: Some(ObservedRecord {
            at: at(number),
            leaves: leaves(n, leaf_count),
            members: Digest(u128::MAX),
            foreign: 2,
            enabled: Some(true),
            pending: false,
            proves: Some(Digest(u128::MAX - n as u128)),
            provenance: Provenance { version: "7".into(), ..Provenance::default() },
        }),
        slot: Some(number),
        sent: Some(SentRecord { desired: Digest(1 << 100), at: at(1), misses: 2, judged: true }),
        proven: Some(Digest(3)),
        retiring: true,
        leftovers: 1,
        ..ItemRecord::new(
            Origin::Document,
            Some(ExternalId(n.to_string().into())),
            None,
            &format!("Customer {n} / Servers / Windows"),
            &format!("640F/{n}/win"),
        )
    }
}

fn claim(n: usize) -> ClaimRecord {
    ClaimRecord {
        leaves: leaves(n, 2),
        members: BTreeMap::from([(MemberKind::Role, BTreeSet::from(["sales".to_owned()]))]),
        priority: -5,
        generation: 3,
        policy_generation: 7,
    }
}

/// A bit of everything, `count` items of it.
fn sample(count: usize) -> Vec<Write> {
    let mut writes = vec![Write::Since(at(0)), Write::Seen(Uid("uid-1".into()), 4)];
    for n in 0..count {
        let who = ObjectName::new("team", format!("assignment-{}", n % 3));
        writes.push(Write::Item(key(n), Some(Box::new(item(n, 6)))));
        writes.push(Write::Claim(key(n), who, Some(claim(n))));
        writes.push(Write::PreImage(
            key(n),
            LeafPath("/a".into()),
            Some(Sealed(vec![n.to_le_bytes()[0]; 60])),
        ));
    }
    let operation = OperationRecord {
        items: BTreeMap::from([(key(0), Digest(5))]),
        state: TaskState::Started,
        since: at(2),
        resends: 1,
    };
    writes.push(Write::Operation("task-1".into(), Some(operation)));
    writes.push(Write::Intent(
        key(1),
        Some(IntentRecord { action: "create".into(), at: at(3), desired: Digest(9), tries: 1 }),
    ));
    writes
}

fn remembered(writes: &[Write]) -> Memory {
    let mut memory = Memory::default();
    for write in writes {
        memory.apply(write.clone());
    }
    memory
}

#[test]
fn what_was_committed_is_loaded_by_the_next_process() {
    let house = House::new();
    let writes = sample(5);
    let Opened { store, outcome, epoch, aside } = house.open(ANY);
    assert_eq!((outcome, epoch, aside), (Outcome::Fresh, 1, None));
    store.commit(&account("emm"), &writes, &[]).unwrap();
    store.close().unwrap();

    let Opened { store, outcome, epoch, .. } = house.open(expecting(1));
    assert_eq!((outcome, epoch), (Outcome::Continued, 2));
    assert_eq!(store.load(&account("emm")).unwrap(), remembered(&writes));
    assert_eq!(store.loss(), None);
}

#[test]
fn accounts_are_kept_apart_and_forgotten_one_by_one() {
    let house = House::new();
    let store = house.open(ANY).store;
    let (one, two, three) = (account("one"), cluster_account("one"), account("never committed"));
    store.commit(&one, &sample(2), &[]).unwrap();
    store.commit(&two, &sample(3), &[]).unwrap();
    assert_eq!(store.accounts().unwrap(), [one.clone(), two.clone()]);
    assert_eq!(store.load(&three).unwrap(), Memory::default());

    store.forget(&one).unwrap();
    assert_eq!(store.accounts().unwrap(), std::slice::from_ref(&two));
    assert_eq!(store.load(&one).unwrap(), Memory::default());
    assert_eq!(store.load(&two).unwrap(), remembered(&sample(3)));
}

#[test]
fn a_commit_that_changes_nothing_writes_nothing() {
    let house = House::new();
    let store = house.open(ANY).store;
    store.commit(&account("emm"), &sample(3), &[]).unwrap();
    let (position, files) = (store.position(), house.files());
    store.commit(&account("emm"), &sample(3), &[]).unwrap();
    store.commit(&account("emm"), &[Write::Unseen(Uid("never seen".into()))], &[]).unwrap();
    store.commit(&account("emm"), &[], &[]).unwrap();
    store.forget(&account("never seen")).unwrap();
    assert_eq!(store.position(), position);
    assert!(house.files() == files, "files are byte for byte the same");
}

#[test]
fn repeated_names_are_loaded_once() {
    let house = House::new();
    let store = house.open(ANY).store;
    store.commit(&account("emm"), &sample(4), &[]).unwrap();
    let memory = store.load(&account("emm")).unwrap();
    let paths = memory.items.values().map(|item| &item.observed.as_ref().unwrap().leaves[0].0.0);
    let mut claimed = memory.claims.iter().map(|(_, claim)| &claim.leaves[0].0.0);
    let first = claimed.next().unwrap();
    assert!(paths.chain(claimed).all(|path| Arc::ptr_eq(path, first)));
    let ((item, _), _) = memory.claims.iter().next().unwrap();
    assert!(Arc::ptr_eq(&item.0, &memory.items.keys().next().unwrap().0));
}

#[test]
fn neither_values_nor_keys_are_readable_in_the_files() {
    let house = House::new();
    let store = house.open(ANY).store;
    let (id, path) = (account("emm"), LeafPath("/agent/password".into()));
    let (item, word) = (key(0), "former-password");
    let place = Place { account: &id, item: &item, path: Some(&path) };
    let sealed = store.sealer().seal(&place, word.as_bytes());
    let entry = JournalEntry {
        path: Some(path.clone()),
        before: JournalValue::Value(word.into()),
        ..journal::entry(1)
    };
    assert!(!format!("{entry:?}").contains(word));
    store.commit(&id, &[Write::PreImage(key(0), path.clone(), Some(sealed))], &[entry]).unwrap();
    for (file, bytes) in house.files() {
        let needles = [word.as_bytes(), &store.keys().sealing, &store.keys().mac, &store.keys().digest];
        for needle in needles {
            assert!(!bytes.windows(needle.len()).any(|w| w == needle), "found in {file}");
        }
    }
    let sealed = store.load(&id).unwrap().pre_images[&(key(0), path.clone())].clone();
    assert!(store.sealer().open(&place, &sealed).is_ok_and(|v| v.expose() == word.as_bytes()));
}
