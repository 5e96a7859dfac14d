//! Migrations (F42): stopped anywhere, either version opens; nothing is lost; there is no way down.

use super::{
    crash::StopAt,
    migrations::{MIGRATIONS, Migration},
    open::{Opening, Ready},
    sqlite::Meta,
    *,
};

/// Today's schema and three steps that a later version may bring: a column, rewritten rows, a table less.
fn tomorrow() -> Vec<Migration> {
    let today = MIGRATIONS.iter().map(|m| Migration { name: m.name, run: m.run });
    let later = [
        Migration {
            name: "author",
            run: |conn, _| Ok(conn.execute_batch("ALTER TABLE journal ADD COLUMN author TEXT")?),
        },
        Migration {
            name: "rewrite",
            run: |conn, _| {
                let sql = "UPDATE journal SET author = 'nobody'; CREATE INDEX by_time ON journal (at);";
                Ok(conn.execute_batch(sql)?)
            },
        },
        Migration { name: "drop", run: |conn, _| Ok(conn.execute_batch("DROP INDEX by_time")?) },
    ];
    today.chain(later).collect()
}

fn open_with(house: &House, steps: &[Migration], hook: Arc<StopAt>) -> Result<Ready, StoreError> {
    let path = house.path();
    let opening = Opening { path: &path, keys: &keys(), expected: ANY, clock: &*house.clock, hook, steps };
    opening.run()
}

fn committed() -> House {
    let house = House::new();
    let store = house.open(ANY).store;
    store.commit(&account("emm"), &sample(5), &[super::journal::entry(1)]).unwrap();
    store.close().unwrap();
    house
}

fn memory_of(ready: &Ready) -> Memory {
    records::load(&ready.session.conn, &ready.session.sums, &account("emm").to_string()).unwrap()
}

#[test]
fn stopped_at_any_step_the_next_start_goes_on_from_there() {
    let steps = tomorrow();
    let all = StopAt::new(None, false);
    open_with(&committed(), &steps, all.clone()).unwrap();
    let labels = all.labels();
    assert_eq!(labels, ["migrate to 2 author", "migrate to 3 rewrite", "migrate to 4 drop", "open"]);

    for point in 0..labels.len() {
        for after in [false, true] {
            let house = committed();
            assert!(open_with(&house, &steps, StopAt::new(Some(point), after)).is_err());
            let rest = StopAt::new(None, false);
            let ready = open_with(&house, &steps, rest.clone()).unwrap();
            assert_eq!(ready.outcome, Outcome::Continued, "stopped at {point}, after: {after}");
            assert_eq!(memory_of(&ready), remembered(&sample(5)));
            let done = (point + usize::from(after)).min(3);
            assert_eq!(rest.labels(), labels[done..], "steps done stay done");
        }
    }
}

#[test]
fn stopped_before_the_first_step_is_durable_the_old_version_still_opens() {
    let house = committed();
    assert!(open_with(&house, &tomorrow(), StopAt::new(Some(0), false)).is_err());
    let Opened { store, outcome, .. } = house.open(expecting(1));
    assert_eq!(outcome, Outcome::Continued);
    assert_eq!(store.load(&account("emm")).unwrap(), remembered(&sample(5)));
}

#[test]
fn every_half_way_version_is_refused_by_the_old_build_untouched() {
    let steps = tomorrow();
    for point in 0..3 {
        let house = committed();
        assert!(open_with(&house, &steps, StopAt::new(Some(point), true)).is_err());
        let before = house.files();
        let refused = house.try_open(expecting(1)).err().unwrap();
        let version = u32::try_from(point).unwrap() + 2;
        assert!(matches!(refused, StoreError::FromTheFuture { found, supported: 1, .. } if found == version));
        assert!(house.files() == before);
    }
}

#[test]
fn a_new_store_is_created_whole_or_not_at_all() {
    let steps = tomorrow();
    for after in [false, true] {
        let house = House::new();
        assert!(open_with(&house, &steps, StopAt::new(Some(0), after)).is_err());
        let ready = open_with(&house, &steps, StopAt::new(None, false)).unwrap();
        assert_eq!(ready.outcome == Outcome::Continued, after);
        let meta = Meta::new(&ready.session.conn, &ready.session.sums);
        assert_eq!(meta.number(Meta::SCHEMA).unwrap(), Some(4));
    }
}

#[test]
fn a_loss_survives_a_crash_while_the_new_file_is_made() {
    for after in [false, true] {
        let house = committed();
        std::fs::write(house.path(), "overwritten by somebody").unwrap();
        assert!(open_with(&house, MIGRATIONS, StopAt::new(Some(0), after)).is_err());
        let ready = open_with(&house, MIGRATIONS, StopAt::new(None, false)).unwrap();
        assert!(ready.loss.is_some(), "after: {after}");
        assert!(ready.session.position.epoch >= 2);
    }
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let house = committed();
    let mut steps = tomorrow();
    steps[2] = Migration {
        name: "fails",
        run: |conn, _| {
            conn.execute_batch("DELETE FROM records")?;
            Err(StoreError::Full("in the middle".into()))
        },
    };
    let refused = open_with(&house, &steps, StopAt::new(None, false)).err().unwrap();
    assert_eq!(refused, StoreError::Full("in the middle".into()));
    let ready = open_with(&house, &tomorrow(), StopAt::new(None, false)).unwrap();
    assert_eq!((ready.outcome.clone(), memory_of(&ready)), (Outcome::Continued, remembered(&sample(5))));
}
