//! Killed at every I/O, those with the API server among them: gates, lease, lists, finalizers, statuses (F1, F2).
//! The end is that of the run nobody killed: the same objects in both systems, the same statuses, no finalizer left.

use super::*;

/// What happens in the life that is killed.
struct Plot {
    name: &'static str,
    before: fn(&Whole),
    act: fn(&Whole),
}

/// One run: what stands at the end, how many I/Os the act took, and where it died.
struct Run {
    state: Value,
    ios: u64,
    at: String,
}

/// Plays a plot to its end, through one death at most, counted from the act.
async fn run(plot: &Plot, death: Option<(u64, Moment)>) -> Run {
    let mut whole = Whole::new();
    (plot.before)(&whole);
    whole.start(None);
    assert!(whole.settle().await, "{}: nobody planned a death", plot.name);
    let start = whole.api.gate().count();
    if let Some((number, moment)) = death {
        whole.api.gate().crash_at(start + number, moment);
    }
    (plot.act)(&whole);
    let mut at = String::new();
    if whole.settle().await {
        assert!(death.is_none(), "{}: it did not come to {death:?}", plot.name);
    } else {
        at = whole.api.gate().journal().last().map(ToString::to_string).unwrap_or_default();
        whole.kill().await;
        whole.start(None);
        assert!(whole.settle().await);
    }
    let ios = if death.is_none() { whole.api.gate().count() - start } else { 0 };
    Run { state: whole.state(), ios, at }
}

async fn sweep(plot: &Plot) {
    let started = std::time::Instant::now();
    let whole = run(plot, None).await;
    assert!(whole.ios > 0, "{}: nothing happened", plot.name);
    let points: Vec<_> =
        (1..=whole.ios).flat_map(|number| [(number, Moment::Before), (number, Moment::After)]).collect();
    for point in &points {
        let run = run(plot, Some(*point)).await;
        let other = difference(&run.state, &whole.state);
        assert!(other.is_empty(), "{} killed {point:?}: {}: {other:#?}", plot.name, run.at);
    }
    println!("{}: {} points, {:?}", plot.name, points.len(), started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn create_killed_anywhere() {
    sweep(&Plot { name: "create", before: |_| {}, act: both }).await;
}

#[tokio::test(start_paused = true)]
async fn edit_killed_anywhere() {
    let act = |whole: &Whole| {
        whole.apply("Policy", "camera", camera(true));
        whole.apply("Policy", "web", level(2));
    };
    sweep(&Plot { name: "edit", before: both, act }).await;
}

#[tokio::test(start_paused = true)]
async fn retarget_killed_anywhere() {
    let act = |whole: &Whole| {
        whole.assign("camera", "wso2", to_roles(&["sales"]));
        whole.assign("web", "wfbss", to_groups(&["Laptops", "Servers"]));
    };
    sweep(&Plot { name: "retarget", before: both, act }).await;
}

#[tokio::test(start_paused = true)]
async fn release_killed_anywhere() {
    let act = |whole: &Whole| {
        whole.api.delete("PolicyAssignment", TEAM, "camera");
        whole.api.delete("PolicyAssignment", TEAM, "web");
    };
    sweep(&Plot { name: "release", before: both, act }).await;
}

#[tokio::test(start_paused = true)]
async fn everything_deleted_at_once_killed_anywhere() {
    let act = |whole: &Whole| {
        for name in ["camera", "web"] {
            whole.api.delete("Policy", TEAM, name);
            whole.api.delete("PolicyAssignment", TEAM, name);
        }
        whole.api.delete("Backend", TEAM, "wso2");
        whole.api.delete("Backend", TEAM, "wfbss");
    };
    sweep(&Plot { name: "everything deleted", before: both, act }).await;
}

/// From the lock of the store to the first status: nothing was there before.
#[tokio::test(start_paused = true)]
async fn the_first_start_killed_anywhere() {
    let mut whole = Whole::new();
    both(&whole);
    whole.start(None);
    assert!(whole.settle().await);
    let ios = whole.api.gate().count();
    let expected = whole.state();
    for number in 1..=ios {
        for moment in [Moment::Before, Moment::After] {
            let mut whole = Whole::new();
            both(&whole);
            whole.start(Some((number, moment)));
            assert!(!whole.settle().await);
            let at = whole.api.gate().journal().last().map(ToString::to_string).unwrap_or_default();
            whole.kill().await;
            whole.start(None);
            assert!(whole.settle().await);
            let other = difference(&whole.state(), &expected);
            assert!(other.is_empty(), "the first start killed {moment:?} {at}: {other:#?}");
        }
    }
    println!("first start: {} points", 2 * ios);
}
