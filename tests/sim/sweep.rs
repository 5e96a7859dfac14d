//! Crash sweeps: killed before and after every call, restarted, and always the same end.

use ordain::sandbox::{
    wfbss::{WfbssDouble, WfbssOptions},
    wso2::Dialect,
};
use serde_json::{Value, json};

use crate::{
    support::{Moment, rig::Rig},
    wso2,
};

/// A story: what stands before, and what is done while the crash is waited for.
struct Story {
    name: &'static str,
    rig: fn() -> Rig,
    before: fn(&Rig),
    act: fn(&Rig),
    /// What is done once all has come to rest, to see what was remembered.
    then: fn(&Rig),
    /// The end state, without what may differ from run to run.
    end: fn(&Rig) -> Value,
}

/// Long enough for everything that comes by itself, the wait after a lost create included.
const CONVERGE: u64 = 900;

/// Runs it with a crash at `point`, or without; the end state and how many calls the act made.
async fn run(story: &Story, point: Option<(u64, Moment)>) -> (Value, u64) {
    let mut rig = (story.rig)();
    (story.before)(&rig);
    rig.start();
    rig.pass(CONVERGE).await;
    rig.kill().await;
    rig.start();
    rig.pass(1).await;
    let start = rig.gate.count();
    if let Some((number, moment)) = point {
        rig.gate.crash_at(start + number, moment);
    }
    (story.act)(&rig);
    if point.is_some() {
        tokio::select! {
            () = rig.gate.crashed() => {}
            () = rig.pass(CONVERGE) => {}
        }
        rig.kill().await;
        rig.start();
    }
    rig.pass(CONVERGE).await;
    // The gate counts anew after a crash: the number says something only about a life that went on.
    let calls = rig.gate.count().saturating_sub(start);
    let rest = (story.end)(&rig);
    (story.then)(&rig);
    rig.pass(CONVERGE).await;
    (json!([rest, (story.end)(&rig)]), calls)
}

async fn sweep(story: &Story) -> u64 {
    let (expected, calls) = run(story, None).await;
    assert!(calls > 0, "{}: nothing happened", story.name);
    for number in 1..=calls {
        for moment in [Moment::Before, Moment::After] {
            let (end, _) = run(story, Some((number, moment))).await;
            assert_eq!(end, expected, "{}: crashed {moment:?} call {number}", story.name);
        }
    }
    println!("{}: {} points", story.name, 2 * calls);
    2 * calls
}

/// Our policies without ids and times, and what was told last.
fn policies(rig: &Rig) -> Value {
    let features = |p: &Value| -> Vec<Value> {
        let list = p["profile"]["profileFeaturesList"].as_array().cloned().unwrap_or_default();
        list.iter().map(|f| json!([f["featureCode"], f["content"]])).collect()
    };
    let objects: Vec<Value> = wso2::ours(rig)
        .iter()
        .map(|p| {
            json!([
                p["policyName"],
                p["description"],
                p["active"],
                p["updated"],
                p["roles"],
                p["users"],
                features(p)
            ])
        })
        .collect();
    let names = ["one", "two"];
    let standing =
        names.map(|name| format!("{:?}", rig.cluster.standing(name).filter(|_| rig.cluster.exists(name))));
    let exists = names.map(|name| rig.cluster.exists(name));
    json!({"objects": objects, "standing": standing, "exists": exists})
}

fn assign(rig: &Rig, name: &str, length: u8, roles: &[&str], priority: i32) {
    let mut policy = wso2::policy(length);
    policy["displayName"] = name.into();
    let mut assignment = wso2::to_roles(roles);
    assignment["priority"] = priority.into();
    rig.assign(name, policy, assignment);
}

fn stories(rig: fn() -> Rig) -> Vec<Story> {
    let story = |name, before, act| Story { name, rig, before, act, then: |_| {}, end: policies };
    vec![
        story("create", |_| {}, |rig| assign(rig, "one", 6, &["engineer"], 0)),
        story(
            "edit",
            |rig| assign(rig, "one", 6, &["engineer"], 0),
            |rig| assign(rig, "one", 8, &["engineer"], 0),
        ),
        story(
            "retarget",
            |rig| assign(rig, "one", 6, &["engineer"], 0),
            |rig| assign(rig, "one", 6, &["sales", "admin"], 0),
        ),
        story(
            "priority change",
            |rig| {
                assign(rig, "one", 6, &["engineer"], 5);
                assign(rig, "two", 7, &["sales"], 1);
            },
            |rig| assign(rig, "two", 7, &["sales"], 9),
        ),
        story("release", |rig| assign(rig, "one", 6, &["engineer"], 0), |rig| rig.delete("one")),
    ]
}

#[tokio::test(start_paused = true)]
async fn wso2_b_ends_the_same_whatever_call_it_was_killed_at() {
    for story in stories(|| wso2::rig(Dialect::DeviceMgtV1)) {
        sweep(&story).await;
    }
}

#[tokio::test(start_paused = true)]
async fn wso2_a_ends_the_same_whatever_call_it_was_killed_at() {
    for story in stories(|| wso2::rig(Dialect::MdmAdmin)) {
        sweep(&story).await;
    }
}

fn wfbss() -> Rig {
    Rig::new("wfbss", |clock| WfbssDouble::new(WfbssOptions::default(), clock), |_| {})
}

fn monitor(rig: &Rig, on: u8, groups: &[&str]) {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    rig.assign(
        "one",
        json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": {
            "behavior_monitoring": {"enabled": on}, "wtp": {"level": 2}}}]}}}),
        json!({"releasePolicy": "Restore", "targets": {"include": [{"wfbss": {"customers": [
            {"id": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "groups": groups}]}}]}}),
    );
}

fn documents(rig: &Rig) -> Value {
    let state = rig.state("wfbss");
    assert_eq!(state["unscopedWrites"], 0);
    let told = format!("{:?}", rig.cluster.standing("one").filter(|_| rig.cluster.exists("one")));
    json!({"groups": state["customers"]["640FE47F-5118-4D79-8221-A35D0DE2EE2C"]["groups"], "told": told})
}

/// The same where writes become tasks.
fn wfbss_tasks() -> Rig {
    let rig = wfbss();
    rig.edit_backend(|backend| {
        let mut system = serde_json::to_value(&*backend.system).unwrap();
        system["wfbss"]["execution"] = "Async".into();
        backend.system = std::sync::Arc::new(serde_json::from_value(system).unwrap());
    });
    rig
}

/// Let go of in the end: what is put back is what stood there before, never a value of ours.
fn wfbss_stories(rig: fn() -> Rig) -> Vec<Story> {
    const BOTH: &[&str] = &["Device (Default)", "Server (Default)"];
    let then: fn(&Rig) = |rig| rig.delete("one");
    let story = |name, before, act| Story { name, rig, before, act, then, end: documents };
    vec![
        story("create", |_| {}, |rig| monitor(rig, 0, BOTH)),
        story("edit", |rig| monitor(rig, 1, BOTH), |rig| monitor(rig, 0, BOTH)),
        story("retarget", |rig| monitor(rig, 0, BOTH), |rig| monitor(rig, 0, &["Device (Default)"])),
        story("release", |rig| monitor(rig, 0, BOTH), |rig| rig.delete("one")),
    ]
}

async fn ends_as_it_began(rig: fn() -> Rig) {
    let former = documents(&rig())["groups"].clone();
    for story in wfbss_stories(rig) {
        let (end, _) = run(&story, None).await;
        assert_eq!(end[1]["groups"], former, "{}: all former values are back", story.name);
        sweep(&story).await;
    }
}

#[tokio::test(start_paused = true)]
async fn wfbss_ends_the_same_whatever_call_it_was_killed_at() {
    ends_as_it_began(wfbss).await;
}

#[tokio::test(start_paused = true)]
async fn wfbss_tasks_end_the_same_whatever_call_they_were_killed_at() {
    ends_as_it_began(wfbss_tasks).await;
}
