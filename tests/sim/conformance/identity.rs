//! The same object, whatever was lost or renamed in between (product.md section 4).

use ordain::{api::Reason, drivers::Promise, report::facts::Standing};
use serde_json::{Value, json};

use super::{Subject, life::with};

/// Orphan needs no call; the same assignment finds its object again.
pub async fn orphans(subject: &Subject) {
    let mut rig = (subject.rig)();
    let orphan = with(&(subject.targets)(1), json!({"releasePolicy": "Orphan"}));
    rig.assign("one", (subject.policy)(1), orphan.clone());
    rig.start();
    rig.settle().await;
    let before = (subject.only(&rig, "applied"), rig.vendors.calls(subject.name).len());
    rig.delete("one");
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{}", subject.name);
    let after = (subject.only(&rig, "let go of"), rig.vendors.calls(subject.name).len());
    assert_eq!(before, after, "{}: no call", subject.name);
    if rig.facts().exception(Promise::FoundAgain).is_some() {
        return;
    }
    let effects = subject.effects(&rig).len();
    rig.assign("one", (subject.policy)(1), orphan);
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "found again");
    assert_eq!(subject.only(&rig, "found again"), before.0, "{}", subject.name);
    assert_eq!(subject.effects(&rig).len(), effects, "{}: nothing was made", subject.name);
}

/// Other uids, no finalizers, no store: the same objects, nothing made and nothing removed.
pub async fn survives(subject: &Subject) {
    let mut rig = subject.settled().await;
    let before = subject.only(&rig, "applied");
    let effects = subject.effects(&rig).len();
    rig.kill().await;
    rig.restore_cluster();
    rig.start();
    rig.pass(40 * 60).await;
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "restored");
    assert_eq!(subject.effects(&rig).len(), effects, "{}: {:#?}", subject.name, subject.effects(&rig));
    rig.kill().await;
    rig.lose_store();
    rig.start();
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "without its store");
    assert_eq!(subject.only(&rig, "without its store"), before, "{}", subject.name);
    if rig.facts().exception(Promise::FoundAgain).is_none() {
        assert_eq!(subject.effects(&rig).len(), effects, "{}: {:#?}", subject.name, subject.effects(&rig));
    }
    rig.delete("one");
    rig.settle().await;
    if rig.facts().exception(Promise::RestoreAfterLoss).is_some() {
        let standing = rig.cluster.standing("one");
        let said = matches!(
            &standing,
            Some(Standing::Terminating { stalled: true, reason: Reason::RestoreIncomplete, .. })
        );
        assert!(said, "{}: {standing:?}", subject.name);
        assert_eq!(subject.only(&rig, "nothing made up"), before, "{}", subject.name);
        rig.let_go("one");
        rig.settle().await;
        assert!(!rig.cluster.exists("one"), "{}: Orphan always lets go", subject.name);
        return;
    }
    assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}: deleted all the same", subject.name);
}

/// Somebody else's object is in the way until it is adopted by id, keeps what nobody names, and stays when it is let go
/// of. Once it is gone it is not made anew.
pub async fn adopts(subject: &Subject) {
    let Some(made_by_hand) = subject.made_by_hand else { return };
    let mut rig = (subject.rig)();
    let adopt = made_by_hand(&rig);
    let others = (subject.others)(&rig);
    rig.start();
    if rig.facts().exception(Promise::FoundAgain).is_none() {
        rig.assign("one", (subject.policy)(1), (subject.targets)(1));
        rig.settle().await;
        let standing = rig.cluster.standing("one");
        let taken =
            matches!(&standing, Some(Standing::Stalled(reason, _)) if *reason == Reason::NameConflict);
        assert!(taken, "{}: {standing:?}", subject.name);
        assert_eq!((subject.others)(&rig), others, "{}: untouched", subject.name);
        assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}: none is made beside it", subject.name);
    }
    let whole = with(&(subject.policy)(1), json!({"enabled": true, "description": "Taken over"}));
    rig.assign("one", whole, with(&(subject.targets)(1), json!({"adopt": {"id": adopt}})));
    rig.settle().await;
    subject.assert_in_step(&rig, "one", "adopted");
    let ours = subject.only(&rig, "adopted");
    assert!((subject.says)(&ours, 1), "{}: {ours:#}", subject.name);
    rig.delete("one");
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{}", subject.name);
    assert_eq!(subject.only(&rig, "let go of"), ours, "{}: adopted objects stay (R11)", subject.name);
}

/// Two installations on one account: each makes, edits and removes its own, and neither touches the other's. A deploy of
/// the whole account does not make them wait for each other for ever (R18).
pub async fn shares_the_account(subject: &Subject) {
    let mut rig = (subject.rig)();
    let mut other = rig.beside("another cluster");
    // Where nothing bears a mark, each has targets of its own.
    let theirs = if rig.facts().exception(Promise::Neighbours).is_some() { 2 } else { 1 };
    for (one, policy, targets) in [(&mut rig, "Phones", 1), (&mut other, "Others", theirs)] {
        let named = with(&(subject.policy)(1), json!({"displayName": policy}));
        one.assign("one", named, (subject.targets)(targets));
        one.start();
    }
    both_settle(&rig, &other).await;
    for one in [&rig, &other] {
        subject.assert_in_step(one, "one", "side by side");
    }
    assert_eq!((subject.ours)(&rig).len(), 2, "{}: {:#?}", subject.name, (subject.ours)(&rig));
    let named = with(&(subject.policy)(2), json!({"displayName": "Others"}));
    other.assign("one", named, (subject.targets)(theirs));
    both_settle(&rig, &other).await;
    subject.assert_in_step(&rig, "one", "the other one edits");
    subject.assert_in_step(&other, "one", "edited");
    rig.delete("one");
    both_settle(&rig, &other).await;
    assert!(!rig.cluster.exists("one"), "{}: {:#?}", subject.name, rig.cluster.facts("one").pop());
    rig.pass(3600).await;
    both_settle(&rig, &other).await;
    subject.assert_in_step(&other, "one", "the neighbour left");
    let left = subject.only(&rig, "the neighbour left");
    assert!((subject.says)(&left, 2), "{}: {left:#}", subject.name);
}

async fn both_settle(rig: &crate::support::rig::Rig, other: &crate::support::rig::Rig) {
    rig.settle().await;
    other.settle().await;
    rig.settle().await;
}
