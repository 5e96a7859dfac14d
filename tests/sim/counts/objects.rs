//! Cold starts and single edits of the systems of objects, beside the least that their sheets allow.
//!
//! Every bound is made of the calls without which the system would not do it (which the sheet says), of one reading
//! before the first effect (R7) and of one that proves the result (I5). Calls that log in or find out what the account
//! may do (R24, R7) count once: nobody can do without knowing where they are.

use std::collections::BTreeMap;

use ordain::report::facts::Standing;

use super::judge;
use crate::{
    conformance::{Subject, subjects},
    support::rig::Rig,
};

/// How many calls there were of each kind, whatever the ids in them.
fn kinds(calls: &[String]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for call in calls {
        let call = call.split('?').next().unwrap_or_default();
        let named = |part: &str| {
            if part.chars().filter(char::is_ascii_digit).count() * 2 > part.len() { "…" } else { part }
                .to_owned()
        };
        let kind = call.split('/').map(named).collect::<Vec<_>>().join("/");
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// So many assignments, each of a Policy of its own, from an empty store until all are in step.
async fn cold_start(subject: &Subject, assignments: usize) -> (Rig, usize) {
    let mut rig = (subject.rig)();
    for n in 0..assignments {
        let mut policy = (subject.policy)(1);
        policy["displayName"] = format!("Policy {n}").into();
        rig.assign(&format!("a{n}"), policy, (subject.targets)(1));
    }
    rig.start();
    rig.pass(900).await;
    let ready = |n: &usize| rig.cluster.standing(&format!("a{n}")) == Some(Standing::InStep);
    let unready = (0..assignments).filter(|n| !ready(n)).count();
    assert_eq!(unready, 0, "{}: {:?}", subject.title, rig.cluster.standing("a0"));
    let calls = rig.vendors.calls(subject.name);
    println!("{}, {assignments} assignments: {:#?}", subject.title, kinds(&calls));
    (rig, calls.len())
}

/// New content for one of several that are in step.
async fn one_edit(subject: &Subject, rig: &Rig) -> usize {
    let before = rig.vendors.calls(subject.name).len();
    let mut policy = (subject.policy)(2);
    policy["displayName"] = "Policy 0".into();
    rig.assign("a0", policy, (subject.targets)(1));
    rig.pass(600).await;
    assert_eq!(rig.cluster.standing("a0"), Some(Standing::InStep), "{}", subject.title);
    let calls = rig.vendors.calls(subject.name).split_off(before);
    println!("{}, an edit: {calls:#?}", subject.title);
    calls.len()
}

/// A cold start of many, and an edit of one of few.
async fn compare(subject: &Subject, assignments: usize, cold: usize, edit: usize) {
    let (_, calls) = cold_start(subject, assignments).await;
    judge(&format!("{}, {assignments} assignments", subject.title), calls, cold);
    let (rig, _) = cold_start(subject, 10).await;
    let calls = one_edit(subject, &rig).await;
    judge(&format!("{}, an edit", subject.title), calls, edit);
}

const N: usize = 1000;

/// Sheet 3: two tokens, and the Agent's version (3.4). 7: pages of 50; one of dictionaries names them, one of policies
/// shows that none is there yet, and as many as there then are show all. 4.3: creating does not enforce, so each is
/// created and enabled. An edit is a page, a PUT and a page.
#[tokio::test(start_paused = true)]
async fn symphony() {
    let subject = subjects::symphony::subject();
    compare(&subject, N, 2 + 1 + 1 + 1 + 2 * N + N.div_ceil(50), 3).await;
}

/// Sheet 3.1: one login. 6: a list of groups and one of users. 9: whether a creation happened nobody can tell, so each is
/// made inert and then filled (R14); what a save answers is all that can be read. An edit is a save.
#[tokio::test(start_paused = true)]
async fn app_shield() {
    let subject = subjects::app_shield::subject();
    compare(&subject, N, 3 + 2 * N, 1).await;
}

/// The same with a list before and a list that proves the whole.
#[tokio::test(start_paused = true)]
async fn app_shield_with_paths() {
    let subject = subjects::app_shield_listed::subject();
    compare(&subject, N, 3 + 1 + 2 * N + 1, 3).await;
}

/// Sheet 2: the Portal's root, two addresses and a token; 1: the version. 3: five permissions, and what the caller sees.
/// 4: groups, rules; policies, what is undeployed and what is unlicensed, before, before the deployment and after it
/// (R18, R30). 4.1, 6.1: no call says more than one thing of one policy, and whether a new one is on is not known: it is
/// created, switched off, given rules and groups, switched on. 8: one deployment.
#[tokio::test(start_paused = true)]
async fn tachyon() {
    let subject = subjects::tachyon::subject();
    let (login, account, names, looks) = (4, 1 + 5 + 1, 2, 3 * 3);
    let (_, calls) = cold_start(&subject, N).await;
    judge("tachyon, 1000 assignments", calls, login + account + names + looks + 5 * N + 1);
    // Three looks of three, rules added and one taken out, a deployment. What the account sees was proven less than a drift
    // interval before (section 10), and that the count of policies is that of all was found by earlier looks (F23). Nothing
    // is taken out on the strength of an earlier proof: the groups and the roles are read again.
    let (rig, _) = cold_start(&subject, 10).await;
    let calls = one_edit(&subject, &rig).await;
    assert_eq!(calls, 3 * 3 + 1 + 1 + 1 + 2, "tachyon, an edit that takes a rule out");
    let adding = Subject {
        policy: |_| {
            let mut policy = (subjects::tachyon::subject().policy)(2);
            let rules = policy["content"]["tachyon"]["rules"].as_array_mut().unwrap();
            rules.push(serde_json::json!({"name": "usb-start-type"}));
            policy
        },
        ..subject
    };
    let calls = one_edit(&adding, &rig).await;
    // Twenty minutes after a cold start the count has to be found right once more, by a page behind the end.
    assert_eq!(calls, 3 * 3 + 1 + 1 + 1, "tachyon, an edit that adds a rule");
}
