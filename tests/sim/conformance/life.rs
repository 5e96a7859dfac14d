//! From the first apply to the last call.

use ordain::{drivers::Promise, worker::ports::Event};
use serde_json::Value;

use super::Subject;

/// Applied, quiet, edited, retargeted, deleted; nobody else's is touched on the way.
pub async fn lives(subject: &Subject) {
    let rig = subject.settled().await;
    let others = (subject.others)(&rig);
    let first = subject.only(&rig, "applied");
    assert!((subject.says)(&first, 1), "{}: {first:#}", subject.name);
    is_quiet(subject, &rig, "applied").await;

    rig.assign("one", (subject.policy)(2), (subject.targets)(1));
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "edited");
    let edited = subject.only(&rig, "edited");
    assert!((subject.says)(&edited, 2), "{}: {edited:#}", subject.name);
    is_quiet(subject, &rig, "edited").await;

    if subject.has_targets {
        rig.assign("one", (subject.policy)(2), (subject.targets)(2));
        rig.settle().await;
        subject.assert_in_step(&rig, "one", "retargeted");
        let moved = subject.only(&rig, "retargeted");
        assert_ne!((subject.reaches)(&moved), (subject.reaches)(&edited), "{}: {moved:#}", subject.name);
    }

    rig.delete("one");
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{}: {:#?}", subject.name, rig.cluster.facts("one").pop());
    assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}: deleted", subject.name);
    assert_eq!((subject.others)(&rig), others, "{}: somebody else's", subject.name);
}

/// Ten drift intervals change nothing and say nothing.
async fn is_quiet(subject: &Subject, rig: &crate::support::rig::Rig, when: &str) {
    let written = || {
        let cluster = &rig.cluster;
        [subject.effects(rig).len(), cluster.statuses(), cluster.finalizer_writes(), cluster.notes()]
    };
    let before = written();
    rig.pass(10 * 30 * 60).await;
    assert_eq!(before, written(), "{} {when}: effects, statuses, finalizers, annotations", subject.name);
}

/// A change in the console is put back within a drift interval, and told, where it can be seen at all.
pub async fn drifts(subject: &Subject) {
    let rig = subject.settled().await;
    let before = subject.only(&rig, "applied");
    (subject.by_hand)(&rig);
    let changed = subject.only(&rig, "changed by hand");
    assert_ne!(before, changed, "{}: the hand does something", subject.name);
    rig.pass(45 * 60).await;
    rig.settle().await;
    let after = subject.only(&rig, "an interval later");
    if rig.facts().exception(Promise::DriftSeen).is_some() {
        assert_eq!(after, changed, "{}: nobody can see it", subject.name);
        let said = rig.cluster.facts("one").pop().unwrap();
        assert_eq!(said.in_sync.status, None, "{}: and that is said", subject.name);
        return;
    }
    assert_eq!(after, before, "{}", subject.name);
    subject.assert_in_step(&rig, "one", "put back");
    let told = rig.cluster.events();
    let named = |note: &str| note.contains("changed outside Git (") && note.contains(subject.author);
    let drift = |event: &&Event| event.reason == "DriftCorrected" && named(&event.note);
    assert!(told.iter().any(|event| drift(&event)), "{}: {told:#?}", subject.name);
}

/// Suspended before anything was applied: nothing is sent, and nobody is told that the system holds it.
pub async fn waits_while_suspended(subject: &Subject) {
    let mut rig = (subject.rig)();
    let suspended = with(&(subject.targets)(1), serde_json::json!({"suspend": true}));
    rig.assign("one", (subject.policy)(1), suspended);
    rig.start();
    rig.settle().await;
    let said = rig.cluster.facts("one").pop().expect("something is said of it");
    assert_eq!((said.in_sync.status, said.accepted.status), (None, None), "{}: {said:#?}", subject.title);
    assert_eq!(said.targets.accepted, 0, "{}: {said:#?}", subject.title);
    assert_eq!(subject.effects(&rig), Vec::<String>::new(), "{}", subject.title);
    rig.assign("one", (subject.policy)(1), (subject.targets)(1));
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "resumed");
}

/// R2: with a limit of nothing a deletion waits, says so, and goes on once it is approved.
pub async fn is_guarded(subject: &Subject) {
    let rig = subject.settled().await;
    rig.edit_backend(|backend| backend.settings.max_removals = 0);
    let before = (subject.only(&rig, "applied"), subject.effects(&rig).len());
    rig.delete("one");
    rig.settle().await;
    assert_eq!((subject.only(&rig, "held"), subject.effects(&rig).len()), before, "{}", subject.name);
    let held = rig.cluster.backend_last().held.expect("the Backend says that it is held");
    assert!(held.contains("1 removal is waiting"), "{}: {held}", subject.name);
    rig.edit_backend(|backend| backend.approve_removals = Some("1".into()));
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{}: {:#?}", subject.name, rig.cluster.facts("one").pop());
    assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}", subject.name);
}

/// An assignment with more in its spec.
pub fn with(assignment: &Value, more: Value) -> Value {
    let mut assignment = assignment.clone();
    let Value::Object(more) = more else { panic!("an object") };
    assignment.as_object_mut().unwrap().extend(more);
    assignment
}

/// What the suite believes of a system is what its driver says of it.
pub fn is_what_its_driver_says(subject: &Subject) {
    let facts = (subject.rig)().facts();
    assert_eq!(facts.system.to_lowercase(), subject.name);
    let exempt = facts.exception(Promise::Adoption).is_some();
    assert_eq!(exempt, subject.made_by_hand.is_none(), "{}: adoption", subject.title);
    assert_eq!(facts.deploys, subject.deploys.is_some(), "{}: deployments", subject.title);
}
