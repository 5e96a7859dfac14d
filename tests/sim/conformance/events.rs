//! Events: words of a fixed list, the same news once, and none while nothing changes.

use std::collections::BTreeSet;

use ordain::{
    api::EventReason,
    drivers::Promise,
    worker::ports::{Event, Regarding},
};

use super::Subject;
use crate::support::rig::Rig;

/// The words that are promised.
const REASONS: &str = include_str!("../../../docs/reference/reasons.md");

/// Words told since this many Events.
fn words(rig: &Rig, since: usize) -> Vec<EventReason> {
    rig.cluster.events()[since..].iter().map(|event| event.reason).collect()
}

/// Created, edited, changed by somebody twice, released.
pub async fn are_few_and_stable(subject: &Subject) {
    let rig = subject.settled().await;
    rig.pass(10 * 30 * 60).await;
    let told = rig.cluster.events();
    assert!(
        told.is_empty(),
        "{}: a first apply, and ten intervals in which nothing changes: {told:#?}",
        subject.title
    );

    for _ in 0..2 {
        (subject.by_hand)(&rig);
        rig.pass(45 * 60).await;
        rig.settle().await;
    }
    let drift = rig.cluster.events();
    let corrected = drift.iter().all(|event| event.reason == EventReason::DriftCorrected);
    assert!(corrected, "{}: {drift:#?}", subject.title);
    if rig.facts().exception(Promise::DriftSeen).is_none() {
        assert_eq!(drift.len(), 2, "{}: once each: {drift:#?}", subject.title);
    }
    let series: BTreeSet<_> = drift.iter().map(|event| event.series.clone()).collect();
    assert!(series.len() <= 1, "{}: one series: {drift:#?}", subject.title);

    rig.assign("one", (subject.policy)(2), (subject.targets)(1));
    rig.settle().await;
    let edited = rig.cluster.events().split_off(drift.len());
    assert!(edited.is_empty(), "{}: what Git asks for is told by the status: {edited:#?}", subject.title);

    rig.delete("one");
    rig.settle().await;
    let released = words(&rig, drift.len());
    assert!(!released.is_empty(), "{}", subject.title);
    assert!(released.iter().all(|word| *word == EventReason::Released), "{}: {released:?}", subject.title);
    rig.cluster.events().iter().for_each(is_about_an_assignment);
}

fn is_about_an_assignment(event: &Event) {
    assert!(matches!(event.regarding, Regarding::Assignment(..)), "{event:?}");
    let documented = REASONS
        .split("## Events")
        .skip(1)
        .flat_map(str::lines)
        .any(|line| line.starts_with(&format!("| `{}` |", event.reason)));
    assert!(documented && !event.note.is_empty(), "{event:?}");
}
