//! R5: where a Policy is one object, assignments of it contribute whom it reaches, and the last one takes it away.

use ordain::report::facts::Standing;
use serde_json::{Value, json};

use super::{Subject, life::with};

pub async fn shared(subject: &Subject) {
    let mut rig = (subject.rig)();
    let policy = if subject.keyed_by_policy { ["same", "same"] } else { ["first", "second"] };
    for (which, (name, policy)) in ["one", "two"].into_iter().zip(policy).enumerate() {
        let which = u8::try_from(which).unwrap() + 1;
        rig.assign_shared(policy, name, (subject.policy)(1), (subject.targets)(which));
    }
    rig.start();
    rig.settle().await;
    for name in ["one", "two"] {
        subject.assert_in_step(&rig, name, "both applied");
    }
    if !subject.keyed_by_policy {
        assert_eq!((subject.ours)(&rig).len(), 2, "{}: one object each", subject.name);
        return;
    }
    let both = subject.only(&rig, "both applied");
    rig.delete("one");
    rig.settle().await;
    assert!(!rig.cluster.exists("one"), "{}: {:#?}", subject.name, rig.cluster.facts("one").pop());
    assert_eq!(rig.cluster.standing("two"), Some(Standing::InStep), "{}", subject.name);
    let rest = subject.only(&rig, "one of two is gone");
    assert!((subject.says)(&rest, 1), "{}: {rest:#}", subject.name);
    if subject.has_targets {
        assert_ne!((subject.reaches)(&both), (subject.reaches)(&rest), "{}: its part went", subject.name);
    }
    rig.delete("two");
    rig.settle().await;
    assert!(!rig.cluster.exists("two"), "{}: {:#?}", subject.name, rig.cluster.facts("two").pop());
    assert_eq!((subject.ours)(&rig), Vec::<Value>::new(), "{}: the last one out", subject.name);
}

/// What only one of two gave stays when that one goes without letting go of it: with Orphan, in Observe, without a
/// deletion, and after a lost store while it is suspended (R3, R11, R13, R23).
pub async fn keeps(subject: &Subject) {
    if !(subject.keyed_by_policy && subject.has_targets) {
        return;
    }
    for how in ["orphan", "observe", "vanish", "lost store"] {
        let mut rig = (subject.rig)();
        let orphan = with(&(subject.targets)(1), json!({"releasePolicy": "Orphan"}));
        rig.assign_shared("same", "one", (subject.policy)(1), orphan.clone());
        rig.assign_shared("same", "two", (subject.policy)(1), (subject.targets)(2));
        rig.start();
        rig.settle().await;
        let both = (subject.reaches)(&subject.only(&rig, "both applied"));
        match how {
            "orphan" => rig.delete("one"),
            "observe" => {
                let observed = with(&orphan, json!({"mode": "Observe"}));
                rig.assign_shared("same", "one", (subject.policy)(1), observed);
            }
            "vanish" => rig.vanish("one"),
            _ => {
                let suspended = with(&orphan, json!({"suspend": true}));
                rig.assign_shared("same", "one", (subject.policy)(1), suspended);
                rig.settle().await;
                rig.kill().await;
                rig.lose_store();
                rig.start();
            }
        }
        rig.settle().await;
        rig.assign_shared("same", "two", (subject.policy)(2), (subject.targets)(2));
        rig.pass(2 * 3600).await;
        let after = subject.only(&rig, how);
        assert_eq!((subject.reaches)(&after), both, "{} {how}: {:#?}", subject.name, subject.effects(&rig));
    }
}
