//! No room, no right to write (F38): nothing is lost, nothing is half done, and it recovers alone.

use std::io::{Error, ErrorKind};

use super::*;

/// A full volume in miniature: the file may not grow any more.
fn set_full(store: &Store, full: bool) {
    let inner = store.inner();
    let conn = &inner.session.conn;
    let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    conn.pragma_update(None, "max_page_count", if full { pages } else { 1 << 30 }).unwrap();
}

#[test]
fn a_full_volume_refuses_the_commit_and_later_ones_work_again() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("emm");
    store.commit(&id, &sample(3), &[]).unwrap();
    let position = store.position();
    set_full(&store, true);
    for _ in 0..3 {
        let refused = store.commit(&id, &sample(500), &[journal::entry(1)]).unwrap_err();
        assert!(matches!(refused, StoreError::Full(_)) && refused.is_transient(), "{refused}");
    }
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(3)), "nothing of it is there");
    assert_eq!(store.journal(&id, 10).unwrap(), []);
    assert_eq!(store.position(), position);

    set_full(&store, false);
    store.commit(&id, &sample(500), &[]).unwrap();
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(500)));
    drop(store);
    let Opened { store, outcome, .. } = house.open(expecting(1));
    assert_eq!(outcome, Outcome::Continued);
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(500)));
}

#[test]
fn a_volume_that_turned_read_only_refuses_the_commit_and_later_ones_work_again() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("emm");
    let read_only = |on: bool| store.inner().session.conn.pragma_update(None, "query_only", on).unwrap();
    store.commit(&id, &sample(1), &[]).unwrap();
    read_only(true);
    for result in [store.commit(&id, &sample(2), &[]), store.forget(&id), store.advance_epoch().map(drop)] {
        assert!(matches!(result, Err(StoreError::ReadOnly(_))), "{result:?}");
    }
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(1)), "reading goes on");
    read_only(false);
    store.commit(&id, &sample(2), &[]).unwrap();
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(2)));
}

#[test]
fn places_that_cannot_be_written_are_errors_with_their_path() {
    let house = House::new();
    let file = house.dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (path, why) in [
        (file.join("ordain.db"), "the folder is a file"),
        (file.join("a/b/ordain.db"), "a folder above is a file"),
        (PathBuf::from("/proc/ordain/ordain.db"), "a file system without room for ours"),
        (house.dir.path().to_path_buf(), "a folder instead of a file"),
    ] {
        let result = Store::open(path.to_str().unwrap(), keys(), ANY, house.clock.clone());
        let error = result.err().unwrap_or_else(|| panic!("{why}"));
        assert!(error.is_transient(), "{why}: {error}");
        assert!(error.to_string().contains(path.parent().unwrap().to_str().unwrap()), "{why}: {error}");
    }
}

#[test]
fn file_system_errors_are_told_apart_by_what_to_do() {
    for (kind, full, read_only) in [
        (ErrorKind::StorageFull, true, false),
        (ErrorKind::QuotaExceeded, true, false),
        (ErrorKind::ReadOnlyFilesystem, false, true),
        (ErrorKind::PermissionDenied, false, true),
        (ErrorKind::Interrupted, false, false),
    ] {
        let error = StoreError::from_io("cannot open /x", &Error::from(kind));
        let told = (matches!(error, StoreError::Full(_)), matches!(error, StoreError::ReadOnly(_)));
        assert_eq!(told, (full, read_only), "{kind}: {error}");
        assert!(error.to_string().contains("/x"));
    }
}
