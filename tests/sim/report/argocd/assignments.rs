//! Assignments, one for each class of the table of conditions.

use ordain::{
    api::{Mode, Reason, ReleasePolicy},
    model::SourcesDigest,
    plan::guard,
    report::{
        conditions::assignment_status,
        facts::{AssignmentFacts, Fact, Standing, TargetCounts},
        memo::Memo,
    },
};
use serde_json::{Value, json};

use super::{Case, deleted, files, name, now, object, uid, unseen};

const KIND: &str = "PolicyAssignment";
const NAME: &str = "phone-baseline-engineers";
const FINALIZER: &str = "ordain.dev/release";

fn spec() -> Value {
    json!({
        "policyRef": {"name": "phone-baseline"},
        "backendRef": {"name": "wso2"},
        "targets": {"include": [{"targetGroupRef": {"name": "engineers"}}]},
        "wso2": {"compliance": "Enforce", "ownership": "Any"},
        "releasePolicy": "Delete",
    })
}

fn fact(status: Option<bool>, reason: Reason) -> Fact {
    Fact { status, reason, message: String::new() }
}

/// In step, but for where it stands.
fn facts(generation: i64, standing: Standing) -> AssignmentFacts {
    AssignmentFacts {
        name: name(NAME),
        uid: uid(),
        generation,
        policy_generation: Some(1),
        sources: SourcesDigest::of([]),
        handled_request: None,
        standing,
        targets_resolved: fact(Some(true), Reason::Resolved),
        accepted: fact(Some(true), Reason::Accepted),
        in_sync: fact(Some(true), Reason::InStep),
        overridden: vec![],
        targets: TargetCounts { desired: 1, accepted: 1, ..TargetCounts::default() },
        problems: vec![],
        objects: vec![],
        operations: None,
        plan: None,
        mode: Mode::Apply,
        release_policy: ReleasePolicy::Delete,
    }
}

/// Something of it is still to be pushed.
fn open(standing: Standing) -> AssignmentFacts {
    AssignmentFacts {
        in_sync: fact(None, Reason::NotObserved),
        targets: TargetCounts { desired: 1, pending: 1, ..TargetCounts::default() },
        ..facts(1, standing)
    }
}

/// An object at the generation that the facts speak of.
fn written(facts: &AssignmentFacts) -> Value {
    written_at(facts.generation, facts)
}

fn written_at(generation: i64, facts: &AssignmentFacts) -> Value {
    object(KIND, NAME, generation, &spec(), &assignment_status(facts, None, now()))
}

fn with(mut object: Value, spec: &Value) -> Value {
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    object
}

/// What was told before the suspension decides what is told of it.
fn suspended(in_step: bool) -> Value {
    let (facts, before) = if in_step {
        (facts(1, Standing::Suspended), facts(1, Standing::InStep))
    } else {
        (open(Standing::Suspended), open(Standing::Working(Reason::Applying, String::new())))
    };
    let before = Memo::of(&assignment_status(&before, None, now()));
    let told = assignment_status(&facts, Some(&before), now());
    with(object(KIND, NAME, 1, &spec(), &told), &json!({"suspend": true}))
}

fn terminating(reason: Reason, message: &str, stalled: bool) -> Value {
    let message = message.into();
    let facts = facts(2, Standing::Terminating { reason, message, stalled });
    deleted(written(&facts), FINALIZER)
}

/// Deleted a moment ago: the status speaks of what was before.
fn just_deleted() -> Value {
    deleted(written_at(2, &facts(1, Standing::InStep)), FINALIZER)
}

/// What the guard says of so many removals.
pub(super) fn held(outstanding: u32) -> String {
    guard::Verdict::Held { outstanding, executed: 0, limit: 10 }.message().unwrap()
}

const ORPHAN: &str = "kubectl patch policyassignment phone-baseline-engineers -n ordain-demo --type merge -p \
                      '{\"spec\":{\"releasePolicy\":\"Orphan\"}}'";
const DOWN: &str = "no connection to emm.example.com: connection refused";

pub(super) fn all() -> Vec<Case> {
    [
        files(KIND, "testdata", at_work()),
        files(KIND, "testdata", going()),
        files(KIND, "actions/testdata", acted_on()),
    ]
    .concat()
}

fn at_work() -> Vec<(&'static str, Value)> {
    let working = |reason, message: &str| written(&open(Standing::Working(reason, message.into())));
    let mut blank = object(KIND, NAME, 1, &spec(), &Value::Null);
    blank.as_object_mut().unwrap().remove("status");
    let observing = AssignmentFacts {
        in_sync: Fact {
            message: "features/CAMERA/enabled".into(),
            ..fact(Some(false), Reason::DriftDetected)
        },
        mode: Mode::Observe,
        ..facts(1, Standing::Observing)
    };
    let overridden = AssignmentFacts {
        overridden: vec!["android/roles features/CAMERA".into()],
        ..facts(1, Standing::InStep)
    };
    let unresolved = |minutes| {
        let since = now() - jiff::SignedDuration::from_mins(minutes);
        let message = "role enginer: The system has no such role.".into();
        let resolved = Fact { message: String::clone(&message), ..fact(Some(false), Reason::RoleNotFound) };
        let standing = Standing::Unresolved(Reason::RoleNotFound, message, since);
        written(&AssignmentFacts { targets_resolved: resolved, ..open(standing) })
    };
    let refused =
        "android has no feature \"CAMREA\"; the system would store it and do nothing. Correct the code";
    let stalled = AssignmentFacts {
        accepted: Fact { message: refused.into(), ..fact(Some(false), Reason::Unsupported) },
        ..open(Standing::Stalled(Reason::Unsupported, refused.into()))
    };
    let unavailable = |pending_work| Standing::Unavailable { pending_work, message: DOWN.into() };
    let was_ready = Memo::of(&assignment_status(&facts(1, Standing::InStep), None, now()));
    let kept = assignment_status(&facts(1, unavailable(false)), Some(&was_ready), now());
    vec![
        ("no-status", blank),
        ("unseen", object(KIND, NAME, 1, &spec(), &unseen(KIND))),
        ("in-step", written(&facts(1, Standing::InStep))),
        ("overridden", written(&overridden)),
        ("observing", with(written(&observing), &json!({"mode": "Observe"}))),
        ("edited", written_at(2, &facts(1, Standing::InStep))),
        ("edited-while-stalled", written_at(2, &stalled)),
        ("applying", working(Reason::Applying, "changes are being sent and read back")),
        ("task-pending", working(Reason::TaskPending, "")),
        (
            "waiting-for-deployment",
            working(
                Reason::WaitingForDeployment,
                "deploy.mode is Manual: deploy (apply changes) in the console to bring this to devices",
            ),
        ),
        ("held", working(Reason::HeldByGuard, &held(12))),
        ("unresolved", unresolved(0)),
        ("unresolved-for-long", unresolved(11)),
        ("stalled", written(&stalled)),
        ("system-down-work-pending", written(&open(unavailable(true)))),
        ("system-down-in-step", object(KIND, NAME, 1, &spec(), &kept)),
        ("suspended", suspended(true)),
        ("suspended-not-in-step", suspended(false)),
    ]
}

fn going() -> Vec<(&'static str, Value)> {
    let mut foreign =
        terminating(Reason::Terminating, "nothing of Ordain holds it any more; other finalizers do", false);
    foreign["metadata"]["finalizers"] = json!(["example.com/backup"]);
    let out_of_reach = format!("the system is out of reach: {DOWN}");
    let missing = format!(
        "the system is out of reach: Secret wso2 does not exist. To leave everything as it is: {ORPHAN}"
    );
    let held = format!("{}. To leave everything as it is: {ORPHAN}", held(12));
    vec![
        ("deleted-unanswered", just_deleted()),
        (
            "deleted-releasing",
            terminating(Reason::Releasing, "what it put into the system is being released", false),
        ),
        ("deleted-system-down", terminating(Reason::ReleaseBlocked, &out_of_reach, false)),
        ("deleted-credentials-gone", terminating(Reason::ReleaseBlocked, &missing, true)),
        ("deleted-held", terminating(Reason::HeldByGuard, &held, true)),
        ("deleted-other-finalizer", foreign),
    ]
}

/// What actions start from, and what they make of it.
fn acted_on() -> Vec<(&'static str, Value)> {
    let in_step = || written(&facts(1, Standing::InStep));
    let mut refreshed = in_step();
    refreshed["metadata"]["annotations"] = json!({"ordain.dev/reconcile-requested-at": "argocd-4711"});
    let orphaned = || with(just_deleted(), &json!({"releasePolicy": "Orphan"}));
    vec![
        ("in-step", in_step()),
        ("refreshed", refreshed),
        ("suspended", with(in_step(), &json!({"suspend": true}))),
        ("deleted", just_deleted()),
        ("released", orphaned()),
    ]
}
