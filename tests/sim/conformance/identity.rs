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

/// R23: what we made and somebody removed is made anew, once; what was adopted is told to be gone. That another one of
/// ours is still shown tells which of both an answer without it means.
pub async fn vanishes(subject: &Subject) {
    let Some(made_by_hand) = subject.made_by_hand else { return };
    for adopted in [false, true] {
        let mut rig = (subject.rig)();
        if !rig.facts().reads {
            return;
        }
        let whole = with(&(subject.policy)(1), json!({"enabled": true, "description": "Taken over"}));
        let (name, mut assignment) =
            (whole["displayName"].as_str().unwrap().to_owned(), (subject.targets)(1));
        if adopted {
            assignment = with(&assignment, json!({"adopt": {"id": made_by_hand(&rig)}}));
        }
        rig.assign("one", whole.clone(), assignment);
        rig.assign("two", with(&whole, json!({"displayName": "Others"})), (subject.targets)(1));
        rig.start();
        rig.settle().await;
        subject.assert_in_step(&rig, "one", "applied");
        let before = (subject.ours)(&rig);
        (subject.removes)(&rig, &name);
        rig.pass(2 * 3600).await;
        subject.assert_in_step(&rig, "two", "the other one is gone");
        if !adopted {
            subject.assert_in_step(&rig, "one", "made anew");
            assert_eq!((subject.ours)(&rig), before, "{}: as it was", subject.name);
            continue;
        }
        let standing = rig.cluster.standing("one");
        let told =
            matches!(&standing, Some(Standing::Stalled(reason, _)) if *reason == Reason::ExternalObjectGone);
        assert!(told, "{}: {standing:?}", subject.name);
        assert_eq!((subject.ours)(&rig).len(), 1, "{}: never made anew", subject.name);
        rig.delete("one");
        rig.settle().await;
        assert!(!rig.cluster.exists("one"), "{}: {:#?}", subject.name, rig.cluster.facts("one").pop());
    }
}

/// R11: what was adopted with Restore is as it was before, whatever was wanted of it in between: ours goes, what we took
/// out comes back, and what somebody gave since stays.
pub async fn restores(subject: &Subject) {
    let Some(made_by_hand) = subject.made_by_hand else { return };
    let untouched = (subject.rig)();
    made_by_hand(&untouched);
    (subject.gives)(&untouched);
    let expected = in_any_order((subject.others)(&untouched));
    for wanted in [&[1][..], &[2], &[2, 1, 2]] {
        let mut rig = (subject.rig)();
        let adopt = made_by_hand(&rig);
        let more = json!({"adopt": {"id": adopt}, "releasePolicy": "Restore"});
        rig.start();
        for which in wanted {
            let assignment = with(&(subject.targets)(*which), more.clone());
            let whole = json!({"enabled": true, "description": "Taken over"});
            rig.assign("one", with(&(subject.policy)(*which), whole), assignment);
            rig.settle().await;
            subject.assert_in_step(&rig, "one", "adopted");
        }
        (subject.gives)(&rig);
        rig.delete("one");
        rig.settle().await;
        if !rig.facts().reads {
            let standing = rig.cluster.standing("one");
            let told = matches!(&standing, Some(Standing::Terminating { reason, .. }) if *reason == Reason::RestoreIncomplete);
            assert!(told, "{}: what was never read cannot be put back: {standing:?}", subject.name);
            return;
        }
        assert!(
            !rig.cluster.exists("one"),
            "{} {wanted:?}: {:#?}",
            subject.name,
            rig.cluster.facts("one").pop()
        );
        assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{} {wanted:?}: our mark is off", subject.name);
        let restored = in_any_order((subject.others)(&rig));
        assert_eq!(restored, expected, "{} {wanted:?}: as it was", subject.name);
    }
}

/// Lists of members are sets, and an empty text is none.
fn in_any_order(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.into_iter().map(in_any_order).collect();
            list.sort_by_key(ToString::to_string);
            list.into()
        }
        Value::Object(members) => {
            let said = members.into_iter().filter(|(_, value)| *value != json!("") && !value.is_null());
            said.map(|(name, value)| (name, in_any_order(value))).collect()
        }
        other => other,
    }
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
