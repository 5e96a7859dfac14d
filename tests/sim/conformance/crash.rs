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
}

/// How it ended: objects of ours, those of others, whether the assignment is there.
type End = (Vec<Value>, Value, bool);

/// All points of one plot.
pub async fn sweep(subject: &Subject, plot: Plot) {
    if plot == Plot::Retarget && !subject.has_targets {
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

/// Compares; returns how many inert twins were left, which only a system that cannot list may have (R14).
fn same(subject: &Subject, plot: Plot, end: &End, expected: &End, number: u64, moment: Moment) -> usize {
    let at = format!("{} {plot:?} killed at {number} {moment:?}", subject.name);
    assert_eq!((&end.1, end.2), (&expected.1, expected.2), "{at}");
    if end.0 == expected.0 {
        return 0;
    }
    assert!(subject.name == "appshield" && !subject.reads, "{at}: {:#?}", end.0);
    let twins: Vec<&Value> = end.0.iter().filter(|one| !expected.0.contains(one)).collect();
    let inert =
        |one: &&&Value| one["isActive"] == false && one["groups"] == json!([]) && one["users"] == json!([]);
    assert!(twins.len() == 1 && twins.iter().all(|one| inert(&one)), "{at}: {twins:#?}");
    assert!(expected.0.iter().all(|one| end.0.contains(one)), "{at}: {:#?}", end.0);
    1
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
        Plot::Edit | Plot::Retarget | Plot::Release => (subject.settled().await, true),
    }
}

fn act(subject: &Subject, plot: Plot, rig: &Rig) {
    match plot {
        Plot::Create => rig.assign("one", (subject.policy)(1), (subject.targets)(1)),
        Plot::Edit => rig.assign("one", (subject.policy)(2), (subject.targets)(1)),
        Plot::Retarget => rig.assign("one", (subject.policy)(1), (subject.targets)(2)),
        Plot::Release => rig.delete("one"),
        Plot::Adopt => {}
    }
}
