//! Policies and `TargetGroups`.

use ordain::{
    model::ObjectName,
    report::aggregate::{
        AssignmentSummary, PolicyFacts, Said, Tally, TargetGroupFacts, Validity, policy_status,
        target_group_status,
    },
};
use serde_json::{Value, json};

use super::{Case, deleted, files, name, now, object, uid, unseen};

const GROUP: &str = "engineers";

/// What an assignment says that has proven this generation of the Policy.
fn assignment(policy_generation: i64) -> AssignmentSummary {
    AssignmentSummary {
        name: ObjectName::new("ordain-demo", "phone-baseline-engineers"),
        policy: "phone-baseline".into(),
        groups: [(GROUP.into(), Some(policy_generation))].into(),
        generation: 1,
        suspended: false,
        observe: false,
        said: Said {
            generation: Some(1),
            policy_generation: Some(policy_generation),
            ready: true,
            stalled: false,
        },
    }
}

/// A Policy at `generation`, whose status speaks of `seen`.
fn policy(generation: i64, seen: i64, validity: Validity, assignments: &[AssignmentSummary]) -> Value {
    let facts = PolicyFacts {
        name: name("phone-baseline"),
        uid: uid(),
        generation: seen,
        validity,
        facets: vec!["wso2"],
        tally: Tally::of_policy(seen, assignments),
    };
    object("Policy", "phone-baseline", generation, &policy_spec(), &policy_status(&facts, None, now()))
}

fn policy_spec() -> Value {
    let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
    json!({
        "displayName": "Phone baseline",
        "content": {"wso2": {"profiles": [{"platform": "android", "features": features}]}},
    })
}

fn group(generation: i64, seen: i64, validity: Validity, assignments: &[AssignmentSummary]) -> Value {
    let facts = TargetGroupFacts {
        name: name(GROUP),
        uid: uid(),
        generation: seen,
        validity,
        tally: Tally::of_group(GROUP, seen, assignments),
    };
    object("TargetGroup", GROUP, generation, &group_spec(), &target_group_status(&facts, None, now()))
}

fn group_spec() -> Value {
    json!({"wso2": {"roles": ["engineer"]}})
}

pub(super) fn all() -> Vec<Case> {
    let valid = || Validity::Valid;
    let proven = [assignment(1)];
    let unproven = [AssignmentSummary { said: Said::default(), ..assignment(1) }];
    let invalid = || Validity::Invalid("spec.displayName: has spaces at an end; take them off".into());
    let stalled = [AssignmentSummary {
        said: Said { ready: false, stalled: true, ..assignment(1).said },
        ..assignment(1)
    }];
    let policies = [
        ("unseen", object("Policy", "phone-baseline", 1, &policy_spec(), &unseen("Policy"))),
        ("not-assigned", policy(1, 1, valid(), &[])),
        ("proven", policy(1, 1, valid(), &proven)),
        ("assignment-stalled", policy(1, 1, valid(), &stalled)),
        ("not-proven", policy(1, 1, valid(), &unproven)),
        ("edited", policy(2, 1, valid(), &proven)),
        ("edited-not-proven", policy(2, 2, valid(), &proven)),
        ("invalid", policy(1, 1, invalid(), &proven)),
        ("deleted", deleted(policy(2, 1, valid(), &proven), "foregroundDeletion")),
    ];
    let groups = [
        ("unseen", object("TargetGroup", GROUP, 1, &group_spec(), &unseen("TargetGroup"))),
        ("proven", group(1, 1, valid(), &proven)),
        ("not-proven", group(1, 1, valid(), &unproven)),
        ("edited", group(2, 1, valid(), &proven)),
        ("invalid", group(1, 1, Validity::Invalid("spec.wso2.roles: is empty; name a role".into()), &[])),
    ];
    [files("Policy", "testdata", policies), files("TargetGroup", "testdata", groups)].concat()
}
