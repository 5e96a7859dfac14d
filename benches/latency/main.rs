//! How long an edit takes to reach the system: from the index telling of it to the worker's requests.
//!
//! A real worker, store and driver before a double of WSO2 in the same process, on the machine's clock. The
//! worker reads before it writes, so the first request and the first effect are two figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/sim/support/mod.rs"]
#[allow(unused_imports, reason = "the harness of the tests offers more")]
mod support;
#[path = "../support/table.rs"]
mod table;

use std::time::Duration;

use ordain::{
    model::Clock as _,
    report::facts::Standing,
    sandbox::wso2::{Wso2Double, Wso2Options},
};
use serde_json::{Value, json};
use tokio::{
    runtime::Builder,
    time::{sleep, timeout},
};

use support::{rig::Rig, settle::Settle};
use table::{Row, percentile};

/// Workers at the same time, each with an account, a store and a Policy of its own: an edit is proven only
/// seconds after it was sent, and most of that is sleep.
const WORKERS: u32 = 25;
/// How often each Policy is edited.
const EDITS: usize = 10;
/// Between the starts of two workers: each is to find the machine idle.
const APART: Duration = Duration::from_millis(200);
/// Edits before those that count.
const WARM_UP: usize = 1;
/// Without a request for so long, the worker sleeps.
const QUIET: Duration = Duration::from_millis(20);
/// How often it is looked whether an edit is held.
const LOOK: Duration = Duration::from_millis(5);
/// What an edit takes at most.
const LONGEST: Duration = Duration::from_secs(20);

/// Where the worker's store is.
#[derive(Clone, Copy)]
enum Place {
    Memory,
    Disk,
}

/// Milliseconds from each edit.
struct Times {
    request: Vec<f64>,
    effect: Vec<f64>,
}

fn main() {
    let rows: Vec<Row> = [(Place::Disk, "store on disk"), (Place::Memory, "store in memory")]
        .into_iter()
        .flat_map(|(place, name)| {
            let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
            rows(name, &runtime.block_on(all(place)))
        })
        .collect();
    table::print(
        &format!("An edit of a Policy on its way to the system; {} edits", WORKERS as usize * EDITS),
        &rows,
    );
}

fn rows(place: &str, times: &Times) -> Vec<Row> {
    let row = |what: &str, sorted: &[f64]| {
        let figure = |percent| percentile(sorted, percent);
        let show = |percent| format!("{:.2} ms", figure(percent));
        let name = |percent| format!("P4 change to {what}, {place}: p{percent}");
        [Row::goal(name(50), show(50), "<= 1 ms", figure(50) <= 1.0), Row::fact(name(99), show(99))]
    };
    [row("first request", &times.request), row("first effect", &times.effect)].into_iter().flatten().collect()
}

fn policy(edit: usize) -> Value {
    let length = 4 + edit % 8;
    json!({"displayName": "Laptop baseline", "content": {"wso2": {"profiles": [
        {"platform": "android", "features": [{"code": "PASSCODE_POLICY", "content": {"minLength": length}}]},
    ]}}})
}

fn assign(rig: &Rig, edit: usize) {
    rig.assign(
        "baseline",
        policy(edit),
        json!({"targets": {"include": [{"wso2": {"roles": ["engineer"]}}]}}),
    );
}

fn rig(place: Place) -> Rig {
    let mut rig = Rig::new(
        "wso2",
        |clock| {
            // Its own pace is not measured.
            let options = Wso2Options { apply_delay: 0, delivery_delay: 0, ..Wso2Options::default() };
            Wso2Double::new(options, clock)
        },
        |settings| (settings.requests_per_minute, settings.burst) = (6_000_000, 100_000),
    );
    if let Place::Disk = place {
        // The build folder is on a disk wherever the sources are; the machine's temporary folder may not be.
        rig.folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    }
    rig
}

/// The edits of all workers together, each at its own pace.
async fn all(place: Place) -> Times {
    let each = futures::future::join_all((0..WORKERS).map(|i| async move {
        sleep(APART * i).await;
        edits(place).await
    }))
    .await;
    let sorted = |of: fn(&Times) -> &Vec<f64>| {
        let mut all: Vec<f64> = each.iter().flat_map(|times| of(times).iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    Times { request: sorted(|times| &times.request), effect: sorted(|times| &times.effect) }
}

async fn edits(place: Place) -> Times {
    let mut rig = rig(place);
    assign(&rig, 0);
    rig.start();
    converge(&rig, 0).await;
    let mut starts = Vec::new();
    for edit in 1..=WARM_UP + EDITS {
        starts.push(rig.clock.monotonic());
        assign(&rig, edit);
        converge(&rig, edit).await;
    }
    rig.kill().await;
    let counted = &starts[WARM_UP..];
    Times {
        request: first(&rig, counted, |label| label.starts_with("vendor ")),
        effect: first(&rig, counted, |label| label.starts_with("vendor ") && !label.contains(" GET ")),
    }
}

/// Waits until the system is read and holds the edit, and nothing is under way any more.
async fn converge(rig: &Rig, edit: usize) {
    let proven = async {
        while !holds(rig, edit) {
            sleep(LOOK).await;
        }
    };
    let standing = || rig.cluster.standing("baseline");
    timeout(LONGEST, proven).await.unwrap_or_else(|_| panic!("edit {edit}: {:?}", standing()));
    let settle = Settle { quiet: QUIET, bound: LONGEST, ..Settle::default() };
    settle.wait(&rig.gate).await.expect("it comes to rest");
}

/// Generations count up with the edits, from 1.
fn holds(rig: &Rig, edit: usize) -> bool {
    let last = rig.cluster.facts("baseline").pop();
    last.is_some_and(|facts| {
        facts.standing == Standing::InStep && usize::try_from(facts.generation) == Ok(edit + 1)
    })
}

/// Milliseconds from each start to the first I/O after it that counts. The rig makes its clock and its gate one
/// right after the other, so both count from the same moment.
fn first(rig: &Rig, starts: &[Duration], counts: fn(&str) -> bool) -> Vec<f64> {
    let journal = rig.gate.journal();
    let wanted: Vec<Duration> = journal.iter().filter(|io| counts(&io.label)).map(|io| io.at).collect();
    let after = |start: &Duration| wanted.iter().find_map(|at| at.checked_sub(*start));
    starts.iter().map(|start| after(start).expect("every edit has one").as_secs_f64() * 1000.0).collect()
}
