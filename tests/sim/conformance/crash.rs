//! Killed at every I/O, before it and after its effect: the end is that of the undisturbed run.

use serde_json::{Value, json};

use super::{Subject, life::with};
use crate::support::{Moment, rig::Rig, settle::Unsettled};

/// What happens in the life that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    Create,
    Edit,
    Retarget,
    Release,
    Adopt,
    Restore,
}

/// How it ended: objects of ours, those of others, whether the assignment is there.
type End = (Vec<Value>, Value, bool);

/// All points of one plot.
pub async fn sweep(subject: &Subject, plot: Plot) {
    // What was never read cannot be put back, and is told so (R11).
    let unread = plot == Plot::Restore && !subject.reads;
    if unread || (plot == Plot::Retarget && !subject.has_targets) {
        return;
    }
    let (expected, count) = play(subject, plot, None).await;
    let mut leftovers = 0;
    for number in 1..=count {
        for moment in [Moment::Before, Moment::After] {
            let (end, _) = play(subject, plot, Some((number, moment))).await;
            leftovers += same(subject, plot, &end, &expected, number, moment);
        }
    }
    println!("{} {plot:?}: {} points, {leftovers} inert leftovers", subject.name, 2 * count);
}

/// Killed twice while creating: after each effect of the first life, and after each of the second.
pub async fn pairs(subject: &Subject) {
    if !subject.keyed_by_policy {
        return; // Those of WSO2 and WFBSS have pairs of their own.
    }
    let (expected, _) = play(subject, Plot::Create, None).await;
    let firsts = effects_of_a_life(subject, None).await;
    let (mut pairs, mut leftovers) = (0, 0);
    for first in firsts {
        for second in effects_of_a_life(subject, Some(first)).await {
            let end = twice(subject, first, second).await;
            leftovers += same(subject, Plot::Create, &end, &expected, first * 1000 + second, Moment::After);
            pairs += 1;
        }
    }
    println!("{} create: {pairs} pairs, {leftovers} inert leftovers", subject.name);
}

/// Numbers of the I/Os that change something, in the first life, or in the one after a death at `after`.
async fn effects_of_a_life(subject: &Subject, after: Option<u64>) -> Vec<u64> {
    let mut rig = (subject.rig)();
    act(subject, Plot::Create, &rig);
    rig.start_and_crash_at(after.map(|number| (number, Moment::After)));
    if after.is_some() && rig.try_settle().await == Err(Unsettled::Crashed) {
        rig.restart().await;
    }
    rig.settle().await;
    let journal = rig.gate.journal();
    let last = journal.last().unwrap().incarnation;
    let life = journal.into_iter().filter(|io| io.incarnation == last).map(|io| io.label);
    let changes = |label: &str| !label.starts_with("vendor") || (subject.is_effect)(&call(label));
    (1..).zip(life).filter(|(_, label)| changes(label)).map(|(number, _)| number).collect()
}

/// `vendor host METHOD /path` as the suite spells calls.
fn call(label: &str) -> String {
    label.split(' ').skip(2).collect::<Vec<_>>().join(" ")
}

async fn twice(subject: &Subject, first: u64, second: u64) -> End {
    let mut rig = (subject.rig)();
    act(subject, Plot::Create, &rig);
    rig.start_and_crash_at(Some((first, Moment::After)));
    let mut outcome = rig.try_settle().await;
    for next in [Some((second, Moment::After)), None] {
        if outcome == Err(Unsettled::Crashed) {
            rig.kill().await;
            rig.start_and_crash_at(next);
            outcome = rig.try_settle().await;
        }
    }
    assert_eq!(outcome, Ok(()), "{} killed at {first}, then at {second}", subject.name);
    ((subject.ours)(&rig), (subject.others)(&rig), rig.cluster.exists("one"))
}

/// Compares; returns how many inert twins were left, which only a system that cannot list may have (R14).
fn same(subject: &Subject, plot: Plot, end: &End, expected: &End, number: u64, moment: Moment) -> usize {
    let at = format!("{} {plot:?} killed at {number} {moment:?}", subject.name);
    assert_eq!((&end.1, end.2), (&expected.1, expected.2), "{at}");
    if end.0 == expected.0 {
        return 0;
    }
    assert!(!subject.lists, "{at}: {:#?}", end.0);
    let twins: Vec<&Value> = end.0.iter().filter(|one| !expected.0.contains(one)).collect();
    let inert =
        |one: &&&Value| one["isActive"] == false && one["groups"] == json!([]) && one["users"] == json!([]);
    assert!(!twins.is_empty() && twins.iter().all(|one| inert(&one)), "{at}: {twins:#?}");
    assert!(expected.0.iter().all(|one| end.0.contains(one)), "{at}: {:#?}", end.0);
    twins.len()
}

async fn play(subject: &Subject, plot: Plot, point: Option<(u64, Moment)>) -> (End, u64) {
    let (mut rig, begun) = begin(subject, plot).await;
    act(subject, plot, &rig);
    let base = if begun { rig.gate.count() } else { 0 };
    let planned = point.map(|(number, moment)| (base + number, moment));
    match (begun, planned) {
        (false, _) => rig.start_and_crash_at(planned),
        (true, Some((number, moment))) => rig.gate.crash_at(number, moment),
        (true, None) => {}
    }
    let mut outcome = rig.try_settle().await;
    if outcome == Err(Unsettled::Crashed) {
        rig.restart().await;
        outcome = rig.try_settle().await;
    }
    assert_eq!(outcome, Ok(()), "{} {plot:?} {point:?}", subject.name);
    // Only the undisturbed life is counted.
    let count = if point.is_none() { rig.gate.count() - base } else { 0 };
    (((subject.ours)(&rig), (subject.others)(&rig), rig.cluster.exists("one")), count)
}

/// The rig before the plot, and whether its worker runs.
async fn begin(subject: &Subject, plot: Plot) -> (Rig, bool) {
    match plot {
        Plot::Create => ((subject.rig)(), false),
        Plot::Adopt => {
            let rig = (subject.rig)();
            let id = (subject.made_by_hand)(&rig);
            let assignment = with(&(subject.targets)(1), json!({"adopt": {"id": id}}));
            let whole = with(&(subject.policy)(1), json!({"enabled": true, "description": "Taken over"}));
            rig.assign("one", whole, assignment);
            (rig, false)
        }
        Plot::Restore => {
            let mut rig = (subject.rig)();
            let id = (subject.made_by_hand)(&rig);
            let more = json!({"adopt": {"id": id}, "releasePolicy": "Restore"});
            rig.assign("one", (subject.policy)(2), with(&(subject.targets)(2), more));
            rig.start();
            rig.settle().await;
            subject.assert_in_step(&rig, "one", "adopted");
            (rig, true)
        }
        Plot::Edit | Plot::Retarget | Plot::Release => (subject.settled().await, true),
    }
}

fn act(subject: &Subject, plot: Plot, rig: &Rig) {
    match plot {
        Plot::Create => rig.assign("one", (subject.policy)(1), (subject.targets)(1)),
        Plot::Edit => rig.assign("one", (subject.policy)(2), (subject.targets)(1)),
        Plot::Retarget => rig.assign("one", (subject.policy)(1), (subject.targets)(2)),
        Plot::Release | Plot::Restore => rig.delete("one"),
        Plot::Adopt => {}
    }
}
