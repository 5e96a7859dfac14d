//! The change journal.

use super::{super::journal::*, *};

pub(super) fn entry(n: i64) -> JournalEntry {
    JournalEntry {
        at: at(n),
        who: "team/laptops".into(),
        why: "drift".into(),
        what: "write".into(),
        item: key(0),
        path: Some(LeafPath("/behavior_monitoring/enabled".into())),
        before: JournalValue::Value(serde_json::json!({"former": n})),
        after: JournalValue::Digest(Digest(u128::MAX)),
    }
}

#[test]
fn entries_are_read_back_newest_first_and_per_account() {
    let house = House::new();
    let store = house.open(ANY).store;
    let (one, two) = (account("one"), account("two"));
    let whole_item = JournalEntry { path: None, before: JournalValue::Absent, ..entry(3) };
    store.commit(&one, &[], &[entry(1), entry(2)]).unwrap();
    store.commit(&two, &[], &[entry(9)]).unwrap();
    store.commit(&one, &[], std::slice::from_ref(&whole_item)).unwrap();
    assert_eq!(store.journal(&one, 10).unwrap(), [whole_item.clone(), entry(2), entry(1)]);
    assert_eq!(store.journal(&one, 1).unwrap(), [whole_item]);
    drop(store);
    assert_eq!(house.open(expecting(1)).store.journal(&two, 10).unwrap(), [entry(9)]);
}

#[test]
fn entries_outlive_their_account_but_not_their_time() {
    let house = House::new();
    let store = house.open(ANY).store;
    let (one, two) = (account("one"), account("two"));
    let now = |n| JournalEntry { at: house.clock.now(), ..entry(n) };
    store.commit(&one, &sample(1), &[now(1)]).unwrap();
    store.forget(&one).unwrap();
    assert_eq!(store.accounts().unwrap(), []);
    house.clock.pass(JOURNAL_AGE / 2);
    store.commit(&two, &[], &[now(2)]).unwrap();
    assert_eq!(store.journal(&one, 10).unwrap().len(), 1);
    house.clock.pass(JOURNAL_AGE / 2 + Duration::from_hours(2));
    store.commit(&two, &[], &[now(3)]).unwrap();
    assert_eq!(store.journal(&one, 10).unwrap(), []);
    assert_eq!(store.journal(&two, 10).unwrap().len(), 2);
    house.clock.pass(JOURNAL_AGE * 2);
    store.commit(&two, &[], &[now(4)]).unwrap();
    assert_eq!(store.journal(&two, 10).unwrap().len(), 1, "only the one of now");
}

#[test]
fn the_number_of_entries_is_bounded() {
    let house = House::new();
    let store = house.open(ANY).store;
    let kept = usize::try_from(JOURNAL_ENTRIES).unwrap();
    let now = JournalEntry { at: house.clock.now(), before: JournalValue::Absent, ..entry(1) };
    let batch = vec![now; 900];
    for _ in 0..14 {
        store.commit(&account("one"), &[], &batch).unwrap();
        let count = store.journal(&account("one"), usize::MAX).unwrap().len();
        assert!(count < kept + PRUNE_ENTRIES, "{count} entries");
    }
    assert!(store.journal(&account("one"), usize::MAX).unwrap().len() >= kept);
}

#[test]
fn a_damaged_entry_is_left_out_and_the_store_lives_on() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("one");
    store.commit(&id, &sample(1), &[entry(1), entry(2), entry(3)]).unwrap();
    store
        .inner()
        .session
        .conn
        .execute_batch("UPDATE journal SET body = CAST(body || 'x' AS BLOB) WHERE seq = 2")
        .unwrap();
    store.inner().session.conn.execute_batch("UPDATE journal SET at = at + 1 WHERE seq = 3").unwrap();
    drop(store);
    let Opened { store, outcome, .. } = house.open(expecting(1));
    assert_eq!(outcome, Outcome::Continued);
    assert_eq!(store.journal(&id, 10).unwrap(), [entry(1)]);
    store.commit(&id, &[], &[entry(4)]).unwrap();
    assert_eq!(store.journal(&id, 10).unwrap(), [entry(4), entry(1)]);
}
