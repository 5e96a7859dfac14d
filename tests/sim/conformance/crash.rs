//! Killed at every I/O, before it and after its effect: the end is that of the undisturbed run.

use std::collections::BTreeMap;

use ordain::drivers::{Facts, Promise};
use serde_json::{Value, json};

use super::{Deploys, Subject, plot::Plot};
use crate::support::{Moment, rig::Rig, settle::Unsettled};

/// How it ended.
struct End {
    facts: Facts,
    ours: Vec<Value>,
    others: Value,
    /// Whether the assignment is there.
    exists: bool,
    /// What was published, where that is a step of its own (R18).
    published: Option<Value>,
}

impl End {
    fn of(subject: &Subject, rig: &Rig) -> Self {
        Self {
            facts: rig.facts(),
            ours: (subject.ours)(rig),
            others: (subject.others)(rig),
            exists: rig.cluster.exists("one"),
            published: subject.deploys.as_ref().map(|deploys| (deploys.published)(rig)),
        }
    }
}

/// All points of one plot.
pub async fn sweep(subject: &Subject, plot: Plot) {
    if !plot.fits(subject) {
        return;
    }
    let whole = play(subject, plot, None).await;
    let mut leftovers = 0;
    for number in &whole.points {
        for moment in [Moment::Before, Moment::After] {
            let run = play(subject, plot, Some((*number, moment))).await;
            leftovers += same(subject, plot, &run.end, &whole.end, *number, moment);
        }
    }
    let points = 2 * whole.points.len();
    println!("{} {plot:?}: {points} points, {leftovers} inert leftovers", subject.title);
}

/// Killed twice while creating: after each effect of the first life, and after each of the second.
pub async fn pairs(subject: &Subject) {
    if !subject.keyed_by_policy {
        return; // Those of WSO2 and WFBSS have pairs of their own.
    }
    let expected = play(subject, Plot::Create, None).await.end;
    let firsts = effects_of_a_life(subject, None).await;
    let (mut pairs, mut leftovers) = (0, 0);
    for first in firsts {
        for second in effects_of_a_life(subject, Some(first)).await {
            let end = twice(subject, first, second).await;
            leftovers += same(subject, Plot::Create, &end, &expected, first * 1000 + second, Moment::After);
            pairs += 1;
        }
    }
    println!("{} create: {pairs} pairs, {leftovers} inert leftovers", subject.title);
}

/// Numbers of the I/Os that change something, in the first life, or in the one after a death at `after`.
async fn effects_of_a_life(subject: &Subject, after: Option<u64>) -> Vec<u64> {
    let mut rig = (subject.rig)();
    Plot::Create.act(subject, &rig);
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
    Plot::Create.act(subject, &rig);
    rig.start_and_crash_at(Some((first, Moment::After)));
    let mut outcome = rig.try_settle().await;
    for next in [Some((second, Moment::After)), None] {
        if outcome == Err(Unsettled::Crashed) {
            rig.kill().await;
            rig.start_and_crash_at(next);
            outcome = rig.try_settle().await;
        }
    }
    assert_eq!(outcome, Ok(()), "{} killed at {first}, then at {second}", subject.title);
    End::of(subject, &rig)
}

/// Compares; returns how many inert twins were left, which only a system that cannot list may have (R14).
fn same(subject: &Subject, plot: Plot, end: &End, expected: &End, number: u64, moment: Moment) -> usize {
    let at = format!("{} {plot:?} killed at {number} {moment:?}", subject.title);
    assert_eq!((&end.others, end.exists), (&expected.others, expected.exists), "{at}");
    assert_eq!(end.published, expected.published, "{at}");
    if end.ours == expected.ours {
        return 0;
    }
    assert!(end.facts.exception(Promise::OneObject).is_some(), "{at}: {:#?}", end.ours);
    let twins: Vec<&Value> = end.ours.iter().filter(|one| !expected.ours.contains(one)).collect();
    let inert =
        |one: &&&Value| one["isActive"] == false && one["groups"] == json!([]) && one["users"] == json!([]);
    assert!(!twins.is_empty() && twins.iter().all(|one| inert(&one)), "{at}: {twins:#?}");
    assert!(expected.ours.iter().all(|one| end.ours.contains(one)), "{at}: {:#?}", end.ours);
    twins.len()
}

/// One run.
struct Run {
    end: End,
    /// Numbers of the I/Os of the undisturbed life that are worth dying at, from the beginning of the plot.
    points: Vec<u64>,
}

async fn play(subject: &Subject, plot: Plot, point: Option<(u64, Moment)>) -> Run {
    let (mut rig, begun) = plot.begin(subject).await;
    plot.act(subject, &rig);
    let base = if begun { rig.gate.count() } else { 0 };
    let planned = point.map(|(number, moment)| (base + number, moment));
    match (begun, planned) {
        (false, _) => rig.start_and_crash_at(planned),
        (true, Some((number, moment))) => rig.gate.crash_at(number, moment),
        (true, None) => {}
    }
    if plot == Plot::DeployHeld {
        held(subject, &mut rig).await;
    }
    let mut outcome = rig.try_settle().await;
    if outcome == Err(Unsettled::Crashed) {
        rig.restart().await;
        outcome = rig.try_settle().await;
    }
    assert_eq!(outcome, Ok(()), "{} {plot:?} {point:?}", subject.title);
    let points = if point.is_none() { points(subject, plot, &rig, base) } else { vec![] };
    Run { end: End::of(subject, &rig), points }
}

/// All I/Os of a plot. Of one about a deployment those after the last write, since what comes before is swept by an edit;
/// and what waits asks the same again and again: who has died at three of such calls need not die at the fourth.
fn points(subject: &Subject, plot: Plot, rig: &Rig, base: u64) -> Vec<u64> {
    let mut seen = BTreeMap::new();
    let waits = plot.is_about_the_deployment() || plot == Plot::DeployHeld;
    let first = if plot.is_about_the_deployment() { last_write(subject, rig) } else { base + 1 };
    let journal = rig.gate.journal();
    let of_the_plot = journal.iter().filter(|io| io.number >= first);
    let worth = of_the_plot.filter(|io| {
        let times = seen.entry(&io.label).or_insert(0);
        *times += 1;
        *times <= 3 || !waits
    });
    worth.map(|io| io.number - base).collect()
}

/// Number of the last I/O that changed the content of something.
fn last_write(subject: &Subject, rig: &Rig) -> u64 {
    let deploys = subject.deploys.as_ref().expect("the plot fits");
    let journal = rig.gate.journal();
    let is_write = |label: &str| {
        let call = call(label);
        label.starts_with("vendor") && (subject.is_effect)(&call) && !(deploys.is_deploy)(&call)
    };
    journal.iter().rfind(|io| is_write(&io.label)).expect("the plot writes").number
}

/// Something of somebody else's waits: nothing is written and nothing published until they publish it.
async fn held(subject: &Subject, rig: &mut Rig) {
    let deploys: &Deploys = subject.deploys.as_ref().expect("the plot fits");
    let before = ((subject.ours)(rig), (deploys.published)(rig));
    lives_on(rig, 300).await;
    assert_eq!(((subject.ours)(rig), (deploys.published)(rig)), before, "{}: held", subject.title);
    (deploys.foreign_deploy)(rig);
    lives_on(rig, 1800).await;
}

/// Lets time pass; who dies meanwhile is started anew.
async fn lives_on(rig: &mut Rig, seconds: u64) {
    tokio::select! {
        biased;
        () = rig.gate.crashed() => {}
        () = rig.pass(seconds) => return,
    }
    rig.restart().await;
    rig.pass(seconds).await;
}
