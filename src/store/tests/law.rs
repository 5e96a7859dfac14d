//! The law: what is loaded equals what `Memory::apply` makes of the same writes.

use std::cell::{Cell, RefCell};

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::model::{
    Catalogue, Entry, EntryKind, Identity, Mark, OwnerId,
    memory::{AccountRecord, ApprovalRecord, CatalogueRecord, DeployRecord, RemovalRecord},
};

/// Few words, so that writes meet; with everything that quoting gets wrong.
fn word() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "", "a\",\"b", "[]", "ü\u{0}ß", "x/y", "\u{10ffff}\\"]).prop_map(str::to_owned)
}

fn item_key() -> impl Strategy<Value = ItemKey> {
    word().prop_map(|w| ItemKey(w.into()))
}

fn path() -> impl Strategy<Value = LeafPath> {
    word().prop_map(|w| LeafPath(w.into()))
}

fn object() -> impl Strategy<Value = ObjectName> {
    (word(), word()).prop_map(|(namespace, name)| ObjectName::new(namespace, name))
}

fn uid() -> impl Strategy<Value = Uid> {
    word().prop_map(|w| Uid(w.into()))
}

fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![any::<u128>(), Just(u128::MAX), Just(0)].prop_map(Digest)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-1_000_000_000i64..4_000_000_000, 0..1_000_000_000).prop_map(|(s, ns)| Timestamp::new(s, ns).unwrap())
}

fn digests() -> impl Strategy<Value = LeafDigests> {
    vec((path(), digest()), 0..4)
}

fn words() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set(word(), 0..3)
}

prop_compose! {
    fn observed()(
        at in time(), leaves in digests(), members in digest(), enabled in any::<Option<bool>>(),
        pending in any::<bool>(), proves in option::of(digest()), text in word(), foreign in any::<u32>(),
    ) -> ObservedRecord {
        let provenance = Provenance { created_by: text.clone(), modified_by: text, ..Provenance::default() };
        ObservedRecord { at, leaves, members, foreign, enabled, pending, proves, provenance }
    }
}

fn mark(object: ObjectName, variant: String) -> Mark {
    Identity { owner: OwnerId::new("ours"), kind: "Policy", object, variant }.mark()
}

prop_compose! {
    fn item_record()(
        origin in select(vec![Origin::Created, Origin::Adopted, Origin::Document]), id in option::of(word()),
        title in word(), observed in option::of(observed()), slot in any::<Option<i64>>(),
        sent in option::of((digest(), time(), any::<u32>(), any::<bool>())), secrets in digests(), drifted in vec(time(), 0..3),
        seeded in any::<Option<i64>>(), suspect_until in option::of(time()), absences in any::<u8>(),
        (retiring, leftovers) in (any::<bool>(), any::<u32>()), proven in option::of(digest()), marked in option::of(object()),
        answer in option::of(vec(any::<u8>(), 0..9).prop_map(Sealed)), groups in words(),
    ) -> ItemRecord {
        let id = id.map(|id| ExternalId(id.into()));
        let sent = sent.map(|(desired, at, misses, judged)| SentRecord { desired, at, misses, judged });
        let status_key = title.clone();
        let mark = marked.map(|object| mark(object, title.clone()));
        let added = BTreeMap::from([(MemberKind::ManagementGroup, groups)]);
        let trace = sent.as_ref().map(|_| Provenance { modified_by: title.clone(), ..Provenance::default() });
        ItemRecord {
            trace, origin, id, mark, title, status_key, observed, slot, sent, proven, secrets, drifted, seeded, suspect_until, retiring, answer, kept: added.clone(), former: added.clone(), taken: added.clone(), added, leftovers,
            absences, missed_at: suspect_until,
        }
    }
}

prop_compose! {
    fn claim_record()(
        leaves in digests(), roles in words(), groups in words(), priority in any::<i32>(),
        generation in any::<i64>(), policy_generation in any::<i64>(),
    ) -> ClaimRecord {
        let members = BTreeMap::from([(MemberKind::Role, roles), (MemberKind::Group, groups)]);
        ClaimRecord { leaves, members, priority, generation, policy_generation }
    }
}

prop_compose! {
    fn operation_record()(
        items in proptest::collection::btree_map(item_key(), digest(), 0..3), since in time(), resends in any::<u32>(),
        state in select(vec![TaskState::Pending, TaskState::Success, TaskState::Revoked]),
    ) -> OperationRecord {
        OperationRecord { items, state, since, resends }
    }
}

prop_compose! {
    fn account_record()(word in word(), evidence in words(), probed_at in time()) -> AccountRecord {
        let capabilities = BTreeMap::from([(word.clone(), "Allowed".to_owned())]);
        AccountRecord {
            fingerprint: word.clone(), evidence, api: word.clone(), version: String::new(), tenant: word, capabilities,
            probed_at,
        }
    }
}

prop_compose! {
    fn catalogue_record()(at in time(), id in word(), name in word(), parent in option::of(word())) -> CatalogueRecord {
        let entry = Entry { id, name, parent, unusable: None };
        let entries = BTreeMap::from([(EntryKind::Customer, vec![entry]), (EntryKind::Group, vec![])]);
        CatalogueRecord { at, catalogue: Catalogue { entries, partial: BTreeSet::from([EntryKind::Group]) } }
    }
}

fn intent_record() -> impl Strategy<Value = IntentRecord> {
    (word(), time(), digest(), any::<u32>()).prop_map(|(action, at, desired, tries)| IntentRecord {
        action,
        at,
        desired,
        tries,
    })
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        1 => Just(Write::Account(None)),
        2 => account_record().prop_map(|r| Write::Account(Some(r))),
        2 => catalogue_record().prop_map(Write::Catalogue),
        6 => (item_key(), option::of(item_record().prop_map(Box::new))).prop_map(|(k, r)| Write::Item(k, r)),
        6 => (item_key(), object(), option::of(claim_record())).prop_map(|(k, o, r)| Write::Claim(k, o, r)),
        6 => (item_key(), path(), option::of(vec(any::<u8>(), 0..9).prop_map(Sealed)))
            .prop_map(|(k, p, s)| Write::PreImage(k, p, s)),
        4 => (item_key(), option::of(intent_record())).prop_map(|(k, r)| Write::Intent(k, r)),
        4 => (word(), option::of(operation_record())).prop_map(|(k, r)| Write::Operation(k, r)),
        2 => vec((time(), any::<u32>()), 0..3)
            .prop_map(|rs| Write::Removals(rs.into_iter().map(|(at, count)| RemovalRecord { at, count, approved: count / 2 }).collect())),
        2 => (option::of(time()), option::of(time()), proptest::collection::btree_set(item_key(), 0..3)).prop_map(
            |(ours_since, running_since, items)| Write::Deploy(DeployRecord { ours_since, running_since, items }),
        ),
        6 => (uid(), any::<i64>()).prop_map(|(u, g)| Write::Seen(u, g)),
        2 => uid().prop_map(Write::Unseen),
        2 => ("[ab]", proptest::option::of("[12]")).prop_map(|(who, value)| Write::Handled(who, value)),
        2 => words().prop_map(Write::Lost),
        2 => time().prop_map(Write::Since),
        2 => option::of((word(), any::<u32>()).prop_map(|(text, left)| ApprovalRecord { text, left })).prop_map(Write::Approval),
    ]
}

#[test]
fn loading_gives_what_applying_gave() {
    let house = House::new();
    let store = house.open(ANY).store;
    let number = Cell::new(0);
    let last = RefCell::new(Memory::default());
    let id = |number: i32| account(&format!("case-{number}"));
    let config = ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let law = |commits: Vec<Vec<Write>>| {
        number.set(number.get() + 1);
        let mut memory = Memory::default();
        for writes in commits {
            store.commit(&id(number.get()), &writes, &[]).unwrap();
            for write in writes {
                memory.apply(write);
            }
            prop_assert_eq!(&store.load(&id(number.get())).unwrap(), &memory);
        }
        last.replace(memory);
        Ok(())
    };
    runner.run(&vec(vec(write(), 0..12), 0..4), law).unwrap();

    store.close().unwrap();
    let Opened { store, outcome, .. } = house.open(expecting(1));
    assert_eq!(outcome, Outcome::Continued, "every record and every tally verifies");
    assert_eq!(store.load(&id(number.get())).unwrap(), last.into_inner());
}

#[test]
fn a_lower_generation_never_overwrites_a_higher_one() {
    let house = House::new();
    let store = house.open(ANY).store;
    let uid = Uid("u".into());
    for generation in [3, 7, 5] {
        store.commit(&account("emm"), &[Write::Seen(uid.clone(), generation)], &[]).unwrap();
    }
    assert_eq!(store.load(&account("emm")).unwrap().seen[&uid], 7);
}

#[test]
fn only_the_first_pre_image_is_kept_until_it_is_dropped() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("emm");
    let image = |byte| Write::PreImage(key(0), LeafPath("/a".into()), Some(Sealed(vec![byte])));
    store.commit(&id, &[image(1)], &[]).unwrap();
    store.commit(&id, &[image(2)], &[]).unwrap();
    let kept = |store: &Store| store.load(&id).unwrap().pre_images.values().next().cloned();
    assert_eq!(kept(&store), Some(Sealed(vec![1])));
    store.commit(&id, &[Write::PreImage(key(0), LeafPath("/a".into()), None), image(3)], &[]).unwrap();
    assert_eq!(kept(&store), Some(Sealed(vec![3])));
}
