//! Killed at any commit, before or after: the next process finds the state before or the state after.

use std::{
    io::{BufRead, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Mutex,
};

use super::*;

/// Stops at the n-th point, before or after the commit, and notes all labels.
#[derive(Default)]
pub(super) struct StopAt {
    pub(super) point: Option<usize>,
    pub(super) after: bool,
    pub(super) labels: Mutex<Vec<String>>,
}

impl StopAt {
    pub(super) fn new(point: Option<usize>, after: bool) -> Arc<Self> {
        Arc::new(Self { point, after, labels: Mutex::default() })
    }

    pub(super) fn labels(&self) -> Vec<String> {
        self.labels.lock().unwrap().clone()
    }

    fn stop(&self, label: &str, after: bool) -> Result<(), StoreError> {
        let number = self.labels().len() - 1;
        let here = self.point == Some(number) && self.after == after;
        if here { Err(StoreError::Stopped(label.to_owned())) } else { Ok(()) }
    }
}

impl StoreHook for StopAt {
    fn before_commit(&self, label: &str) -> Result<(), StoreError> {
        self.labels.lock().unwrap().push(label.to_owned());
        self.stop(label, false)
    }

    fn after_commit(&self, label: &str) -> Result<(), StoreError> {
        self.stop(label, true)
    }
}

/// A life of commits; ends at the first error.
fn life(house: &House, hook: Arc<StopAt>) -> Result<(), StoreError> {
    let store = Store::open_hooked(&house.url(), keys(), ANY, house.clock.clone(), hook)?.store;
    for n in 1..4 {
        store.commit(&account("emm"), &sample(n), &[journal::entry(1)])?;
    }
    store.advance_epoch()?;
    store.commit(&account("other"), &sample(1), &[])?;
    store.forget(&account("other"))
}

#[test]
fn every_commit_is_all_or_nothing_and_can_be_stopped() {
    let all = StopAt::new(None, false);
    life(&House::new(), all.clone()).unwrap();
    let labels = all.labels();
    let commits = "commit Backend/team/emm";
    let expected = [
        "create",
        commits,
        commits,
        commits,
        "epoch",
        "commit Backend/team/other",
        "forget Backend/team/other",
    ];
    assert_eq!(labels, expected);

    for (point, label) in labels.iter().enumerate() {
        for after in [false, true] {
            let house = House::new();
            let stopped = life(&house, StopAt::new(Some(point), after)).unwrap_err();
            assert_eq!(stopped, StoreError::Stopped(label.clone()));
            let durable = point + usize::from(after);
            let Opened { store, outcome, .. } = house.open(ANY);
            assert_eq!(outcome == Outcome::Fresh, durable == 0, "stopped at {point}, after: {after}");
            let memory = store.load(&account("emm")).unwrap();
            let expected = match durable.saturating_sub(1).min(3) {
                0 => Memory::default(),
                n => remembered(&sample(n)),
            };
            assert_eq!(memory, expected, "stopped at {point}, after: {after}");
            assert_eq!(store.journal(&account("emm"), 9).unwrap().len(), durable.saturating_sub(1).min(3));
            assert_eq!(store.accounts().unwrap().contains(&account("other")), durable == 6);
        }
    }
}

#[test]
fn a_stopped_commit_leaves_a_store_that_goes_on() {
    let house = House::new();
    let hook = StopAt::new(Some(0), false);
    let store = house.open(ANY).store.with_hook(hook);
    let id = account("emm");
    assert!(store.commit(&id, &sample(1), &[]).is_err());
    assert_eq!(store.load(&id).unwrap(), Memory::default());
    store.commit(&id, &sample(2), &[]).unwrap();
    assert_eq!(store.load(&id).unwrap(), remembered(&sample(2)));
}

#[test]
fn a_crash_at_any_moment_leaves_a_store_that_continues() {
    let house = House::new();
    let store = house.open(ANY).store;
    let id = account("emm");
    for n in 1..30 {
        store.commit(&id, &sample(n), &[]).unwrap();
        // What is on the disk now is what kill -9 leaves.
        let Opened { store, outcome, .. } = House::with(&house.files()).open(expecting(1));
        assert_eq!(outcome, Outcome::Continued);
        assert_eq!(store.load(&id).unwrap(), remembered(&sample(n)));
    }
}

const CHILD: &str = "ORDAIN_TEST_STORE_CHILD";

/// Not a test by itself: what the killed process runs.
#[test]
fn commits_until_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = Store::open(&path, keys(), ANY, HandClock::new()).unwrap().store;
    let id = account("emm");
    let from = store.load(&id).unwrap().seen.get(&Uid("n".into())).copied().unwrap_or(0);
    for n in from + 1.. {
        let writes = [Write::Seen(Uid("n".into()), n), Write::Seen(Uid("also".into()), n)];
        store.commit(&id, &writes, &[journal::entry(n)]).unwrap();
        // Past the test harness, which captures `println`.
        writeln!(std::io::stderr().lock(), "committed {n}").unwrap();
    }
}

#[test]
fn what_a_killed_process_committed_is_there() {
    let house = House::new();
    let mut promised = 0;
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::crash::commits_until_killed", "--nocapture", "--test-threads=1"])
            .env(CHILD, house.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let commits =
            lines.map_while(Result::ok).filter_map(|l| l.strip_prefix("committed ")?.parse::<i64>().ok());
        let reached = commits.take(1 + round * 3).last();
        child.kill().unwrap();
        child.wait().unwrap();
        promised = reached.expect("the child committed").max(promised);

        let Opened { store, outcome, .. } = house.open(ANY);
        assert!(round == 0 || outcome == Outcome::Continued, "{outcome:?}");
        assert_eq!(store.loss(), None);
        let seen = store.load(&account("emm")).unwrap().seen;
        let (n, also) = (seen[&Uid("n".into())], seen[&Uid("also".into())]);
        assert!(n >= promised, "{n} is there, {promised} was promised");
        assert_eq!(n, also, "one transaction");
        assert_eq!(store.journal(&account("emm"), usize::MAX).unwrap().len(), usize::try_from(n).unwrap());
    }
}
