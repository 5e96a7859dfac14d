//! R5: where a Policy is one object, assignments of it contribute whom it reaches, and the last one takes it away.

use ordain::report::facts::Standing;
use serde_json::Value;

use super::Subject;

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
