//! Opening: fresh, continued, lost, refused (R13, R22, F40, F41).

use std::os::unix::fs::PermissionsExt;

use super::*;

fn committed() -> House {
    let house = House::new();
    let store = house.open(ANY).store;
    store.commit(&account("emm"), &sample(3), &[]).unwrap();
    store.close().unwrap();
    house
}

#[test]
fn each_opening_raises_the_epoch_above_all_that_is_known() {
    let house = House::new();
    for epoch in 1..4 {
        assert_eq!(house.open(ANY).epoch, epoch);
    }
    let opened = house.open(expecting(3));
    assert_eq!((opened.outcome, opened.epoch), (Outcome::Continued, 4));
    assert_eq!(opened.store.advance_epoch().unwrap(), 5);
    assert_eq!(opened.store.position().epoch, 5);
}

#[test]
fn the_lease_may_lag_behind_the_file_but_not_the_other_way_round() {
    for (expected, outcome) in [
        (None, Outcome::Continued),
        (Some(0), Outcome::Continued),
        (Some(1), Outcome::Continued),
        (Some(2), Outcome::Lost(Why::OlderEpoch { found: 1, expected: 2 })),
    ] {
        let opened = committed().open(Expected { epoch: expected, ..ANY });
        assert_eq!(opened.outcome, outcome, "expected {expected:?}");
        assert!(opened.epoch > expected.unwrap_or(0));
    }
}

#[test]
fn what_others_may_have_worked_past_is_put_aside_if_anything_is_in_it() {
    let outdated = Expected { epoch: Some(1), outdated: true };
    let empty = House::new();
    drop(empty.open(ANY));
    assert_eq!(empty.open(outdated).outcome, Outcome::Continued);
    let opened = committed().open(outdated);
    assert_eq!((opened.outcome, opened.epoch), (Outcome::Lost(Why::Outdated), 2));
    assert!(opened.aside.is_some());
}

#[test]
fn a_missing_file_is_a_loss_as_soon_as_anything_remembers_it() {
    let fresh = House::new().open(ANY);
    assert_eq!((fresh.outcome, fresh.epoch), (Outcome::Fresh, 1));

    let by_lease = House::new().open(expecting(7));
    assert_eq!((by_lease.outcome, by_lease.epoch), (Outcome::Lost(Why::Missing), 8));

    let house = committed();
    std::fs::remove_file(house.path()).unwrap();
    let by_lock_file = house.open(ANY);
    assert_eq!((by_lock_file.outcome, by_lock_file.epoch), (Outcome::Lost(Why::Missing), 2));
}

#[test]
fn a_loss_is_told_as_long_as_the_new_file_lives() {
    let house = House::new();
    drop(house.open(expecting(7)));
    // Killed before anybody was told: the next process finds an intact, empty store.
    let Opened { store, outcome, .. } = house.open(expecting(8));
    assert_eq!(outcome, Outcome::Continued);
    assert_eq!(store.loss(), Some(&Loss { at: house.clock.now(), why: Why::Missing.to_string() }));
    assert_eq!(store.load(&account("emm")).unwrap().since, None);
}

#[test]
fn an_old_copy_put_back_is_recognised() {
    let house = House::new();
    let store = house.open(ANY).store;
    store.commit(&account("emm"), &sample(1), &[]).unwrap();
    let early = house.files();
    store.commit(&account("emm"), &sample(2), &[]).unwrap();
    store.close().unwrap();

    // The same epoch, the lock file of today: the position tells.
    let mut mixed = early.clone();
    mixed.insert(".lock", house.files()[".lock"].clone());
    let opened = House::with(&mixed).open(expecting(1));
    assert!(matches!(opened.outcome, Outcome::Lost(Why::CommitsMissing { .. })), "{:?}", opened.outcome);

    // The whole volume of yesterday: the Lease tells, because every opening raised the epoch.
    drop(house.open(expecting(1)));
    let opened = House::with(&early).open(expecting(2));
    assert_eq!(opened.outcome, Outcome::Lost(Why::OlderEpoch { found: 1, expected: 2 }));

    // The copy that a crash would leave is no old copy.
    assert_eq!(House::with(&early).open(expecting(1)).outcome, Outcome::Continued);
}

#[test]
fn another_secret_is_a_lost_store_and_the_file_waits_for_the_right_one() {
    let house = committed();
    let opened = Store::open(&house.url(), keys_of(2), expecting(1), house.clock.clone()).unwrap();
    assert_eq!(opened.outcome, Outcome::Lost(Why::KeysChanged));
    let aside = opened.aside.unwrap();
    assert_eq!(aside, house.file(".keys-1"));
    drop(opened.store);

    let there = House::new();
    std::fs::copy(aside, there.path()).unwrap();
    let opened = there.open(expecting(1));
    assert_eq!(opened.outcome, Outcome::Continued);
    assert_eq!(opened.store.load(&account("emm")).unwrap(), remembered(&sample(3)));
}

#[test]
fn a_second_opener_is_refused_and_disturbs_nothing() {
    let house = House::new();
    let store = house.open(ANY).store;
    let refused = house.try_open(ANY).err().unwrap();
    assert!(matches!(&refused, StoreError::Locked { path } if *path == house.path().display().to_string()));
    store.commit(&account("emm"), &sample(1), &[]).unwrap();

    // Also where somebody removed the lock file: SQLite's own lock holds.
    std::fs::remove_file(house.file(".lock")).unwrap();
    assert!(matches!(house.try_open(ANY), Err(StoreError::Locked { .. })));
    store.commit(&account("emm"), &sample(2), &[]).unwrap();
    drop(store);
    assert_eq!(house.open(ANY).store.load(&account("emm")).unwrap(), remembered(&sample(2)));
}

#[test]
fn a_store_of_a_newer_version_is_refused_untouched() {
    let house = committed();
    let conn = rusqlite::Connection::open(house.path()).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    let sums = sums::Summer::new(&keys());
    sqlite::Meta::new(&conn, &sums).put_number(sqlite::Meta::SCHEMA, 99).unwrap();
    conn.execute_batch("CREATE TABLE of_the_future (x)").unwrap();
    // Once closed in good order, once with the change still in the log.
    let crashed = house.files();
    drop(conn);
    for files in [crashed, house.files()] {
        let house = House::with(&files);
        let refused = house.try_open(expecting(1)).err().unwrap();
        assert!(matches!(refused, StoreError::FromTheFuture { found: 99, supported: 1, .. }), "{refused}");
        assert!(house.files() == files, "not a byte changed");
        assert_eq!(house.names().len(), files.len());
    }
}

#[test]
fn a_record_of_another_build_is_an_error_that_names_it() {
    let house = committed();
    let store = house.open(ANY).store;
    let name = account("emm").to_string();
    for (kind, body) in [("of the future", "{}"), ("item", r#"{"origin": "Inherited"}"#)] {
        let inner = store.inner();
        let columns = [name.as_bytes(), kind.as_bytes(), b"0", body.as_bytes()];
        let sum = inner.session.sums.of("records", &columns);
        let insert = "INSERT INTO records (account, kind, key, body, sum) VALUES (?1, ?2, '0', ?3, ?4)";
        inner.session.conn.execute(insert, (&name, kind, body.as_bytes(), sum)).unwrap();
        drop(inner);
        let error = store.load(&account("emm")).unwrap_err();
        let StoreError::Undecodable { record, .. } = &error else { panic!("{error}") };
        assert_eq!(*record, format!("Backend/team/emm {kind} 0"));
        assert!(!error.is_transient());
        store.inner().session.conn.execute("DELETE FROM records WHERE key = '0'", []).unwrap();
    }
}

#[test]
fn a_database_of_somebody_else_is_refused_untouched() {
    let house = House::new();
    let conn = rusqlite::Connection::open(house.path()).unwrap();
    conn.execute_batch("PRAGMA application_id = 7; CREATE TABLE theirs (x)").unwrap();
    drop(conn);
    let before = std::fs::read(house.path()).unwrap();
    assert!(matches!(house.try_open(ANY), Err(StoreError::Foreign { found: 7, .. })));
    assert_eq!(std::fs::read(house.path()).unwrap(), before);
    assert_eq!(house.names(), ["ordain.db", "ordain.db.lock"].map(str::to_owned).into());
}

#[test]
fn what_is_no_database_at_all_is_put_aside() {
    let house = House::with(&BTreeMap::from([("", b"not a database, but somebody's".to_vec())]));
    let opened = house.open(ANY);
    assert!(matches!(opened.outcome, Outcome::Lost(Why::Corrupt(_))));
    assert_eq!(std::fs::read(opened.aside.unwrap()).unwrap(), b"not a database, but somebody's");
}

#[test]
fn folder_and_files_are_private() {
    let house = House::new();
    let path = house.dir.path().join("a/b/ordain.db");
    let store = Store::open(path.to_str().unwrap(), keys(), ANY, house.clock.clone()).unwrap().store;
    store.commit(&account("emm"), &sample(1), &[]).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for suffix in ["", "-wal", ".lock"] {
        assert_eq!(mode(&location::beside(&path, suffix)), 0o600, "{suffix}");
    }
    drop(store);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).unwrap();
    drop(Store::open(path.to_str().unwrap(), keys(), ANY, house.clock.clone()).unwrap());
    assert_eq!(mode(&path), 0o600, "a mode widened by the volume's owner is narrowed again");
}

#[test]
fn settings_are_read_or_refused_with_the_way_out() {
    for (given, path) in [
        ("sqlite:///var/lib/ordain/ordain.db", "/var/lib/ordain/ordain.db"),
        ("sqlite:///with%20space.db", "/with space.db"),
        ("/plain/path.db", "/plain/path.db"),
        ("relative.db", "relative.db"),
        ("./odd:name.db", "./odd:name.db"),
    ] {
        assert_eq!(location::parse(given).unwrap(), Path::new(path), "{given}");
    }
    for (given, problem) in [
        ("postgres://user:hunter2@host/db", "not supported yet"),
        ("postgresql://user:hunter2@host/db", "not supported yet"),
        ("mysql://user:hunter2@host/db", "unknown scheme"),
        ("sqlite://relative.db", "absolute path"),
        ("sqlite::memory:", "absolute path"),
        ("sqlite:///x.db?mode=memory", "without options"),
        ("sqlite:///folder/", "absolute path"),
        ("sqlite:///%ff", "not UTF-8"),
        ("/folder/", "name a file"),
        ("", "is empty"),
    ] {
        let error = location::parse(given).unwrap_err().to_string();
        assert!(error.contains(problem), "{given}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
