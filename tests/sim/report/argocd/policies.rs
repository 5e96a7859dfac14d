//! Policies and `TargetGroups`.

use jiff::{SignedDuration, Timestamp};
use ordain::{
    model::{ObjectName, SourcesDigest},
    report::aggregate::{
        AssignmentSummary, PolicyFacts, Said, Tally, TargetGroupFacts, Validity, policy_status,
        target_group_status,
    },
};
use serde_json::{Value, json};

use super::{Case, deleted, files, name, now, object, uid, unseen};

const GROUP: &str = "engineers";

/// What it names, at this generation.
fn named(generation: i64) -> SourcesDigest {
    SourcesDigest::of([(&uid(), generation)])
}

/// An assignment that has proven the first generation of what it names, which is at `generation` now.
fn assignment(generation: i64) -> AssignmentSummary {
    AssignmentSummary {
        name: ObjectName::new("ordain-demo", "phone-baseline-engineers"),
        generation: 1,
        named: named(generation),
        suspended: false,
        observe: false,
        said: Said { generation: Some(1), sources: Some(named(1)), ready: true, stalled: None },
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
        tally: Tally::of(assignments),
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
        tally: Tally::of(assignments),
    };
    object("TargetGroup", GROUP, generation, &group_spec(), &target_group_status(&facts, None, now()))
}

fn group_spec() -> Value {
    json!({"wso2": {"roles": ["engineer"]}})
}

/// Long enough for everybody to have seen it.
fn long_ago() -> Timestamp {
    now() - SignedDuration::from_secs(60)
}

pub(super) fn all() -> Vec<Case> {
    let valid = || Validity::Valid;
    let proven = [assignment(1)];
    let unproven = [AssignmentSummary { said: Said::default(), ..assignment(1) }];
    let invalid = || Validity::Invalid("spec.displayName: has spaces at an end; take them off".into());
    let stalled = [AssignmentSummary {
        said: Said { ready: false, stalled: Some(long_ago()), ..assignment(1).said },
        ..assignment(1)
    }];
    let just_stalled = [AssignmentSummary {
        said: Said { ready: false, stalled: Some(now()), ..assignment(1).said },
        ..assignment(1)
    }];
    let edited = [assignment(2)];
    let policies = [
        ("unseen", object("Policy", "phone-baseline", 1, &policy_spec(), &unseen("Policy"))),
        ("not-assigned", policy(1, 1, valid(), &[])),
        ("proven", policy(1, 1, valid(), &proven)),
        ("assignment-stalled", policy(1, 1, valid(), &stalled)),
        ("assignment-just-stalled", policy(1, 1, valid(), &just_stalled)),
        ("not-proven", policy(1, 1, valid(), &unproven)),
        ("edited", policy(2, 1, valid(), &proven)),
        ("edited-not-proven", policy(2, 2, valid(), &edited)),
        ("invalid", policy(1, 1, invalid(), &proven)),
        ("deleted", deleted(policy(2, 1, valid(), &proven), "foregroundDeletion")),
    ];
    let groups = [
        ("unseen", object("TargetGroup", GROUP, 1, &group_spec(), &unseen("TargetGroup"))),
        ("proven", group(1, 1, valid(), &proven)),
        ("not-proven", group(1, 1, valid(), &unproven)),
        ("edited", group(2, 1, valid(), &proven)),
        ("edited-not-proven", group(2, 2, valid(), &edited)),
        ("invalid", group(1, 1, Validity::Invalid("spec.wso2.roles: is empty; name a role".into()), &[])),
    ];
    [files("Policy", "testdata", policies), files("TargetGroup", "testdata", groups)].concat()
}
