//! Killed at every I/O, before it and after its effect, vendor calls, commits and finalizers alike (F1, F2): the end
//! is that of the run nobody killed, and letting go with Restore brings back what stood before us, never our own value.

use super::{
    estate::{estate, to_everyone},
    *,
};
use crate::support::Moment;

/// What happens in the life that is killed.
struct Plot {
    name: &'static str,
    rig: fn() -> Rig,
    before: fn(&Rig),
    act: fn(&Rig),
}

/// Long enough for everything that comes by itself.
const CONVERGE: u64 = 900;

fn wants(level: u8, enabled: u8) -> Value {
    settings(&json!({"wtp": {"level": level}, "behavior_monitoring": {"enabled": enabled}}))
}

fn restoring(groups: &[&str]) -> Value {
    json!({"releasePolicy": "Restore", "targets": groups_of(CUSTOMER, groups)})
}

const TWO: &[&str] = &["Server (Default)", "Laptops"];

fn end(rig: &Rig) -> Value {
    let told = rig.cluster.standing("one").filter(|_| rig.cluster.exists("one"));
    json!({"customers": state(rig)["customers"], "told": format!("{told:?}")})
}

/// One run: what stands at the end, what stands after letting go, and how many I/Os the act took.
struct Run {
    end: Value,
    released: Value,
    ios: u64,
    at: String,
}

async fn run(plot: &Plot, points: &[(u64, Moment)]) -> Run {
    let mut rig = (plot.rig)();
    (plot.before)(&rig);
    rig.start();
    rig.pass(CONVERGE).await;
    let start = rig.gate.count();
    let mut points = points.iter();
    let first = points.next();
    if let Some((number, moment)) = first {
        rig.gate.crash_at(start + number, *moment);
    }
    (plot.act)(&rig);
    let (mut planned, mut at) = (first, String::new());
    while planned.is_some() {
        tokio::select! {
            () = rig.gate.crashed() => {}
            // The point lies beyond its last I/O: no death is left over for later.
            () = rig.pass(CONVERGE) => planned = None,
        }
        at = rig.gate.journal().last().map(ToString::to_string).unwrap_or_default();
        rig.kill().await;
        planned = planned.and_then(|_| points.next());
        rig.start_and_crash_at(planned.copied());
    }
    rig.pass(CONVERGE).await;
    let ios = rig.gate.count() - if first.is_none() { start } else { 0 };
    let end = end(&rig);
    for name in ["one", "two"].into_iter().filter(|name| rig.cluster.exists(name)) {
        rig.delete(name);
    }
    rig.pass(CONVERGE).await;
    assert!(!rig.cluster.exists("one"), "{} {at}: {:?}", plot.name, rig.cluster.standing("one"));
    Run { end, released: state(&rig)["customers"].clone(), ios, at }
}

async fn sweep(plot: &Plot) {
    let former = state(&(plot.rig)())["customers"].clone();
    let whole = run(plot, &[]).await;
    assert!(whole.ios > 0, "{}: nothing happened", plot.name);
    assert_eq!(whole.released, former, "{}: all former values are back", plot.name);
    for number in 1..=whole.ios {
        for moment in [Moment::Before, Moment::After] {
            let run = run(plot, &[(number, moment)]).await;
            assert_eq!(run.end, whole.end, "{} killed {moment:?} {}", plot.name, run.at);
            assert_eq!(run.released, whole.released, "{} killed {moment:?} {}, released", plot.name, run.at);
        }
    }
    println!("{}: {} points", plot.name, 2 * whole.ios);
}

fn asynchronous() -> Rig {
    let rig = with_tasks();
    set_system(&rig, "taskPath", json!("tasks/{id}"));
    rig.by_hand("wfbss", json!({"options": {"taskQuery": true}}));
    rig
}

/// Where every plot begins, or ends.
fn baseline(rig: &Rig) {
    rig.assign("one", wants(3, 0), restoring(TWO));
}

fn edit(rig: &Rig) {
    rig.assign("one", wants(2, 0), restoring(TWO));
}

fn retarget(rig: &Rig) {
    rig.assign("one", wants(3, 0), restoring(&["Laptops", "Servers"]));
}

/// Other values for the same documents.
fn two(rig: &Rig, priority: i32) {
    let mut assignment = restoring(TWO);
    assignment["priority"] = priority.into();
    rig.assign("two", wants(2, 1), assignment);
}

#[tokio::test(start_paused = true)]
async fn create_killed_anywhere_twice() {
    let plot = Plot { name: "create", rig, before: |_| {}, act: baseline };
    sweep(&plot).await;
    let whole = run(&plot, &[]).await;
    let mut pairs = 0;
    for first in 1..=whole.ios {
        for second in (1..=whole.ios + 4).step_by(3) {
            let run = run(&plot, &[(first, Moment::After), (second, Moment::After)]).await;
            assert_eq!(run.end, whole.end, "{first}, then {second}: {}", run.at);
            assert_eq!(run.released, whole.released, "{first}, then {second}: {}", run.at);
            pairs += 1;
        }
    }
    println!("create: {pairs} pairs");
}

#[tokio::test(start_paused = true)]
async fn edit_and_retarget_killed_anywhere() {
    sweep(&Plot { name: "edit", rig, before: baseline, act: edit }).await;
    sweep(&Plot { name: "retarget", rig, before: baseline, act: retarget }).await;
    let dropped = |rig: &Rig| rig.assign("one", settings(&json!({"wtp": {"level": 3}})), restoring(TWO));
    sweep(&Plot { name: "leaf dropped", rig, before: baseline, act: dropped }).await;
}

/// Another assignment takes a leaf over, and gives way again.
#[tokio::test(start_paused = true)]
async fn priority_killed_anywhere() {
    let both = |rig: &Rig| {
        baseline(rig);
        two(rig, -1);
    };
    sweep(&Plot { name: "priority", rig, before: both, act: |rig| two(rig, 9) }).await;
}

#[tokio::test(start_paused = true)]
async fn release_killed_anywhere() {
    sweep(&Plot { name: "release", rig, before: baseline, act: |rig| rig.delete("one") }).await;
    let both = |rig: &Rig| {
        baseline(rig);
        two(rig, -1);
    };
    sweep(&Plot { name: "release to the next claim", rig, before: both, act: |rig| rig.delete("one") }).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_killed_anywhere() {
    let plot = |name, before, act| Plot { name, rig: with_tasks, before, act };
    sweep(&plot("create as a task", |_| {}, baseline)).await;
    sweep(&plot("edit as a task", baseline, edit)).await;
    sweep(&plot("retarget as a task", baseline, retarget)).await;
    sweep(&plot("release as a task", baseline, |rig| rig.delete("one"))).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_can_be_asked_for_killed_anywhere() {
    let plot = |name, before, act| Plot { name, rig: asynchronous, before, act };
    sweep(&plot("create as a task that is asked for", |_| {}, baseline)).await;
    sweep(&plot("release as a task that is asked for", baseline, |rig| rig.delete("one"))).await;
}

#[tokio::test(start_paused = true)]
async fn packs_killed_anywhere() {
    let three = |rig: &Rig| rig.assign("one", wants(3, 0), to_everyone(&json!({"releasePolicy": "Restore"})));
    let two = |rig: &Rig| rig.assign("one", wants(2, 0), to_everyone(&json!({"releasePolicy": "Restore"})));
    sweep(&Plot { name: "the first pack", rig: || estate(3, 2), before: |_| {}, act: three }).await;
    sweep(&Plot { name: "packs", rig: || estate(3, 2), before: three, act: two }).await;
}
