//! Damage (F39): a flipped byte, a cut, a resurrected row is either harmless or noticed; never silently wrong.

use super::*;

/// A store with two accounts and a journal, in several pages with overflow, and what it holds.
struct Victim {
    files: BTreeMap<&'static str, Vec<u8>>,
    memories: Vec<(BackendId, Memory)>,
    journal: Vec<JournalEntry>,
}

impl Victim {
    /// Closed in good order, or as a crash leaves it: everything in the log.
    fn new(closed: bool) -> Self {
        let house = House::new();
        let store = house.open(ANY).store;
        let (one, two) = (account("one"), cluster_account("two"));
        let mut second = sample(1);
        second.push(Write::Item(key(9), Some(Box::new(item(9, 400)))));
        let journal: Vec<_> = (0..20).map(super::journal::entry).collect();
        store.commit(&one, &sample(20), &journal[..10]).unwrap();
        store.commit(&two, &second, &[]).unwrap();
        store.commit(&one, &[Write::Item(key(3), None)], &journal[10..]).unwrap();
        let memories = [one, two].map(|id| (id.clone(), store.load(&id).unwrap())).to_vec();
        if closed {
            store.close().unwrap();
        }
        Self { files: house.files(), memories, journal }
    }

    /// Opens the damaged files: true if the damage was harmless, false if it was noticed.
    fn judge(&self, files: &BTreeMap<&str, Vec<u8>>, what: &str) -> bool {
        let house = House::with(files);
        let opened = house.try_open(expecting(1)).unwrap_or_else(|e| panic!("{what}: refused: {e}"));
        match opened.outcome {
            Outcome::Continued => {
                for (id, memory) in &self.memories {
                    assert_eq!(&opened.store.load(id).unwrap(), memory, "{what}: silently wrong");
                }
                let entries = opened.store.journal(&account("one"), 100).unwrap();
                assert!(entries.iter().all(|e| self.journal.contains(e)), "{what}: a wrong entry");
                true
            }
            Outcome::Lost(_) => {
                assert_eq!(opened.store.accounts().unwrap(), [], "{what}: a lost store is empty");
                // Without its log a database that was never checkpointed is empty: nothing to keep.
                let kept = opened.aside.map(|aside| std::fs::read(aside).unwrap());
                assert!(kept.is_none_or(|kept| kept == files[""]), "{what}: kept as it was");
                assert!(opened.epoch > 1 && opened.store.loss().is_some());
                false
            }
            Outcome::Fresh => panic!("{what}: passed for a new store"),
        }
    }
}

fn flipped(
    files: &BTreeMap<&'static str, Vec<u8>>,
    file: &str,
    at: usize,
) -> BTreeMap<&'static str, Vec<u8>> {
    let mut files = files.clone();
    files.get_mut(file).unwrap()[at] ^= 0x55;
    files
}

#[test]
fn a_flipped_byte_in_any_page_is_never_silently_wrong() {
    let victim = Victim::new(true);
    let size = victim.files[""].len();
    assert!(size > 15 * 4096, "several pages: {size}");
    let mut noticed = 0;
    for page in 0..size / 4096 {
        // The header of the page, its cell pointers, its middle, its end: rows fill pages from the end.
        for offset in [0, 3, 5, 9, 1500, 2700, 3900, 4094] {
            let what = format!("page {page} offset {offset}");
            noticed += usize::from(!victim.judge(&flipped(&victim.files, "", page * 4096 + offset), &what));
        }
    }
    assert!(noticed > size / 4096, "only {noticed} flips were noticed");
}

#[test]
fn a_flipped_byte_anywhere_in_the_file_header_is_never_silently_wrong() {
    let victim = Victim::new(true);
    for at in 0..100 {
        victim.judge(&flipped(&victim.files, "", at), &format!("header byte {at}"));
    }
}

#[test]
fn a_flipped_byte_in_the_log_is_never_silently_wrong() {
    let victim = Victim::new(false);
    let size = victim.files["-wal"].len();
    let mut noticed = 0;
    for at in (0..32).chain((32..size).step_by(701)) {
        noticed += usize::from(!victim.judge(&flipped(&victim.files, "-wal", at), &format!("log byte {at}")));
    }
    assert!(noticed > 50, "only {noticed} flips were noticed");
}

#[test]
fn a_cut_file_or_log_is_noticed() {
    let (closed, open) = (Victim::new(true), Victim::new(false));
    for (victim, file) in [(&closed, ""), (&open, "-wal")] {
        let size = victim.files[file].len();
        let cut = |keep| {
            let mut files = victim.files.clone();
            files.get_mut(file).unwrap().truncate(keep);
            victim.judge(&files, &format!("{file} cut at {keep} of {size}"))
        };
        for keep in [0, 1, 99, 100, 512, 4096, size / 2, size - 4096] {
            assert!(!cut(keep), "{file} cut at {keep}");
        }
        // The last bytes of the last page may be unused.
        cut(size - 24);
        cut(size - 1);
    }
    let mut files = open.files.clone();
    files.remove("-wal");
    assert!(!open.judge(&files, "no log"));
    for victim in [closed, open] {
        let mut files = victim.files.clone();
        files.remove("");
        let opened = House::with(&files).open(expecting(1));
        assert_eq!(opened.outcome, Outcome::Lost(Why::Missing), "a log alone is nothing");
        assert_eq!(opened.store.accounts().unwrap(), []);
    }
}

#[test]
fn a_page_of_nothing_or_of_the_past_is_never_silently_wrong() {
    let victim = Victim::new(true);
    let past = {
        let house = House::with(&victim.files);
        let store = house.open(ANY).store;
        let mut changed = item(2, 6);
        changed.title = "another".into();
        store.commit(&account("one"), &[Write::Item(key(2), Some(Box::new(changed)))], &[]).unwrap();
        store.close().unwrap();
        house.files()
    };
    for page in 0..victim.files[""].len() / 4096 {
        let range = page * 4096..(page + 1) * 4096;
        for (other, what) in
            [(vec![0; 4096], "zeroes"), (past[""][range.clone()].to_vec(), "of another time")]
        {
            let mut files = victim.files.clone();
            files.get_mut("").unwrap()[range.clone()].copy_from_slice(&other);
            victim.judge(&files, &format!("page {page} {what}"));
        }
    }
}

#[test]
fn rows_changed_behind_our_back_are_noticed() {
    let victim = Victim::new(true);
    for (sql, why) in [
        ("UPDATE records SET body = CAST('{}' AS BLOB) WHERE kind = 'item'", "bodies changed"),
        ("UPDATE records SET body = CAST('9' AS BLOB) WHERE kind = 'seen'", "a plausible body"),
        ("DELETE FROM records WHERE kind = 'claim' AND account LIKE '%one'", "claims gone"),
        ("DELETE FROM records WHERE account LIKE '%one'", "an account's rows gone"),
        ("DELETE FROM accounts WHERE account LIKE '%one'", "an account gone"),
        ("UPDATE accounts SET records = records + 1", "a wrong count"),
        (
            "UPDATE records SET account = 'Backend/team/x' WHERE account LIKE '%one'",
            "rows of another account",
        ),
        ("UPDATE records SET key = key || 'x' WHERE kind = 'item'", "keys changed"),
        ("UPDATE records SET kind = 'intent' WHERE kind = 'operation'", "kinds changed"),
        ("UPDATE meta SET value = x'0900000000000000' WHERE name = 'epoch'", "a younger epoch"),
        ("INSERT INTO meta VALUES ('loss', x'31', zeroblob(16))", "a loss made up"),
        ("DELETE FROM meta WHERE name = 'commits'", "no position"),
        ("CREATE TABLE more (x)", "a table more"),
        ("DROP TABLE journal", "a table less"),
    ] {
        let house = House::with(&victim.files);
        let changed = rusqlite::Connection::open(house.path()).unwrap().execute_batch(sql);
        changed.unwrap_or_else(|e| panic!("{sql}: {e}"));
        let opened = house.open(expecting(1));
        assert!(matches!(opened.outcome, Outcome::Lost(Why::Corrupt(_))), "{why}: {:?}", opened.outcome);
    }
}

#[test]
fn damage_found_while_running_is_told_and_mended_by_a_restart() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("one");
    store.commit(&id, &sample(2), &[]).unwrap();
    store
        .inner()
        .session
        .conn
        .execute_batch("UPDATE records SET body = x'31' WHERE kind IN ('item', 'seen')")
        .unwrap();
    assert!(matches!(store.load(&id), Err(StoreError::Corrupt(_))));
    let seen = Write::Seen(Uid("uid-1".into()), 9);
    assert!(matches!(store.commit(&id, &[seen], &[]), Err(StoreError::Corrupt(_))), "never builds on damage");
    drop(store);
    assert!(matches!(house.open(expecting(1)).outcome, Outcome::Lost(Why::Corrupt(_))));
}

#[test]
fn a_damaged_lock_file_only_loses_its_check() {
    let victim = Victim::new(false);
    for at in [0, 20, 45, 60] {
        assert!(victim.judge(&flipped(&victim.files, ".lock", at), "lock file"), "byte {at}");
    }
    let mut files = victim.files.clone();
    files.remove(".lock");
    assert!(victim.judge(&files, "no lock file"));
}

#[test]
fn only_the_newest_lost_files_are_kept() {
    let victim = Victim::new(true);
    let house = House::with(&victim.files);
    for _ in 0..5 {
        let mut damaged = victim.files[""].clone();
        damaged[4096 * 2 + 5] ^= 0xff;
        std::fs::write(house.path(), damaged).unwrap();
        assert!(matches!(house.open(ANY).outcome, Outcome::Lost(_)));
    }
    let aside: Vec<_> = house.names().into_iter().filter(|name| name.contains("corrupt")).collect();
    assert_eq!(aside, ["ordain.db.corrupt-3", "ordain.db.corrupt-4", "ordain.db.corrupt-5"]);
}
