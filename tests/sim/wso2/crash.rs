//! Killed at every I/O, before it and after its effect (F1, F2): the end is always the same.

use std::time::Instant;

use ordain::sandbox::wso2::Dialect;
use serde_json::{Value, json};

use super::story::{BOTH, Story, android, camera_off, to_roles, with};
use crate::support::{Moment, settle::Unsettled};

/// What happens in the run that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plot {
    /// From an empty store: log in, probe, list, create, switch on, publish.
    Create,
    /// New content.
    Edit,
    /// Other roles, and users on top: members change and a second policy is made.
    Retarget,
    /// Two policies change places.
    Priority,
    /// New content while somebody else's publishing is running, so that ours is refused at first.
    Deploy,
    /// Off, published, removed.
    Release,
}

impl Plot {
    async fn begin(self, dialect: Dialect) -> Story {
        match self {
            Self::Create => Story::new(dialect),
            Self::Edit | Self::Release => Story::with_baseline(dialect).await,
            Self::Retarget | Self::Priority => {
                let story = Story::with_baseline(dialect).await;
                story.assign(
                    "second",
                    with(camera_off(), json!({"displayName": "Second"})),
                    to_roles(&["sales"]),
                );
                story.settle().await;
                story.assert_in_step("second");
                story
            }
            Self::Deploy => {
                let story = Story::with_baseline(dialect).await;
                story.console(json!({"options": {"applyDelay": 6, "deliveryDelay": 2}}));
                story
            }
        }
    }

    fn act(self, story: &Story) {
        let edited =
            || android(&json!({"CAMERA": {"enabled": true}, "ENCRYPT_STORAGE": {"encrypted": true}}));
        match self {
            Self::Create => story.assign("baseline", camera_off(), to_roles(&["engineer"])),
            Self::Edit => story.assign("baseline", edited(), to_roles(&["engineer"])),
            Self::Retarget => story.assign("baseline", camera_off(), super::story::to(&["sales"], &["jdoe"])),
            Self::Priority => {
                let second = with(camera_off(), json!({"displayName": "Second"}));
                story.assign("second", second, with(to_roles(&["sales"]), json!({"priority": 10})));
            }
            Self::Deploy => {
                story.console(json!({"applyChanges": true}));
                story.assign("baseline", edited(), to_roles(&["engineer"]));
            }
            Self::Release => story.delete("baseline"),
        }
    }

    /// Number of policies with our mark at the end.
    fn ours(self) -> usize {
        match self {
            Self::Create | Self::Edit | Self::Deploy => 1,
            Self::Retarget => 3,
            Self::Priority => 2,
            Self::Release => 0,
        }
    }
}

/// Where the process dies, one point after the other, each counted from the beginning of the life it ends.
type Points = Vec<(u64, Moment)>;

/// Plays a plot through the given deaths. Returns the story at rest and how many I/Os its last life did.
async fn play(plot: Plot, dialect: Dialect, points: &Points) -> (Story, u64) {
    let mut story = plot.begin(dialect).await;
    plot.act(&story);
    let base = if plot == Plot::Create { 0 } else { story.gate.count() };
    let mut points = points.iter().map(|(number, moment)| (base + number, *moment));
    let first = points.next();
    match (plot, first) {
        (Plot::Create, point) => story.start_and_crash_at(point),
        (_, Some((number, moment))) => story.gate.crash_at(number, moment),
        (_, None) => {}
    }
    let mut outcome = story.try_settle().await;
    let mut planned = first;
    while planned.is_some() && outcome == Err(Unsettled::Crashed) {
        story.kill().await;
        planned = points.next().map(|(number, moment)| (number - base, moment));
        story.start_and_crash_at(planned);
        outcome = story.try_settle().await;
    }
    assert_eq!(outcome, Ok(()), "{plot:?} {dialect:?}");
    let count = story.gate.count() - if first.is_none() { base } else { 0 };
    (story, count)
}

/// What must hold at the end, whatever happened on the way.
fn assert_whole(plot: Plot, story: &Story, at: &str) {
    let ours = story.ours();
    assert_eq!(ours.len(), plot.ours(), "{at}: {ours:#?}");
    let mut marks: Vec<_> = ours.iter().map(|p| p["description"].as_str().unwrap().to_owned()).collect();
    marks.dedup();
    marks.sort();
    marks.dedup();
    assert_eq!(marks.len(), ours.len(), "{at}: one identity, two objects");
    assert_eq!(story.cluster.backend_last().objects[3], 0, "{at}: orphans");
    assert_eq!(story.cluster.exists("baseline"), plot != Plot::Release, "{at}");
    let pending: Vec<Value> = story.policies().into_iter().filter(|p| p["updated"] == true).collect();
    assert!(pending.is_empty(), "{at}: not published: {pending:#?}");
    for id in [1, 2] {
        let name = if id == 1 { "Default passcode" } else { "VPN for sales" };
        assert_eq!(story.policy(id).unwrap()["policyName"], name, "{at}: somebody else's policy");
    }
}

/// Plays a plot through these deaths and compares its end with the uncrashed one.
async fn check(plot: Plot, dialect: Dialect, points: &Points, expected: &Value) -> (Story, u64) {
    let (story, count) = play(plot, dialect, points).await;
    let journal = story.gate.journal();
    let last = journal.iter().rfind(|io| io.incarnation < journal.last().unwrap().incarnation);
    let at = format!("{plot:?} {dialect:?} killed at {points:?}: {}", last.unwrap());
    assert_whole(plot, &story, &at);
    assert_eq!(story.end(), *expected, "{at}");
    (story, count)
}

/// All points of one plot; returns how many there are.
async fn sweep(plot: Plot, dialect: Dialect) -> usize {
    let (story, count) = play(plot, dialect, &vec![]).await;
    assert_whole(plot, &story, "uncrashed");
    let expected = story.end();
    let mut points: Points = (1..=count).flat_map(|n| [(n, Moment::Before), (n, Moment::After)]).collect();
    if plot == Plot::Deploy {
        // It polls for long. Death around a read is death after the effect before it.
        let effects = effects(&story, count);
        points.retain(|(number, moment)| *moment == Moment::After && effects.contains(number));
    }
    for point in &points {
        check(plot, dialect, &vec![*point], &expected).await;
    }
    points.len()
}

/// Numbers of the I/Os of the last life that changed something, in the system, the store or the cluster.
fn effects(story: &Story, count: u64) -> Vec<u64> {
    let labels: Vec<_> = story.gate.journal().into_iter().map(|io| io.label).collect();
    let last = &labels[labels.len() - usize::try_from(count).unwrap()..];
    (1..).zip(last).filter(|(_, label)| !label.contains(" GET ")).map(|(number, _)| number).collect()
}

async fn sweep_both(plot: Plot) {
    let start = Instant::now();
    for dialect in BOTH {
        let points = sweep(plot, dialect).await;
        println!("{plot:?} {dialect:?}: {points} points, {:?}", start.elapsed());
    }
}

/// Killed twice: after each effect of the first life, and after each of the second.
async fn sweep_pairs(dialect: Dialect) {
    let start = Instant::now();
    let (story, count) = play(Plot::Create, dialect, &vec![]).await;
    let (expected, firsts) = (story.end(), effects(&story, count));
    let mut pairs = 0;
    for first in firsts {
        let (story, count) = check(Plot::Create, dialect, &vec![(first, Moment::After)], &expected).await;
        for second in effects(&story, count) {
            let points = vec![(first, Moment::After), (second, Moment::After)];
            check(Plot::Create, dialect, &points, &expected).await;
            pairs += 1;
        }
    }
    println!("Create {dialect:?}: {pairs} pairs, {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn create_killed_anywhere() {
    sweep_both(Plot::Create).await;
}

#[tokio::test(start_paused = true)]
async fn create_killed_twice() {
    sweep_pairs(Dialect::DeviceMgtV1).await;
}

#[tokio::test(start_paused = true)]
async fn create_killed_twice_where_no_id_is_told() {
    sweep_pairs(Dialect::MdmAdmin).await;
}

#[tokio::test(start_paused = true)]
async fn edit_killed_anywhere() {
    sweep_both(Plot::Edit).await;
}

#[tokio::test(start_paused = true)]
async fn retarget_killed_anywhere() {
    sweep_both(Plot::Retarget).await;
}

#[tokio::test(start_paused = true)]
async fn priority_killed_anywhere() {
    sweep_both(Plot::Priority).await;
}

#[tokio::test(start_paused = true)]
async fn deploy_killed_anywhere() {
    sweep_both(Plot::Deploy).await;
}

#[tokio::test(start_paused = true)]
async fn release_killed_anywhere() {
    sweep_both(Plot::Release).await;
}
