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
use tokio::runtime::Builder;

use support::{rig::Rig, settle::Settle};
use table::{Row, percentile};

/// How often the Policy is edited.
const EDITS: usize = 250;
/// Edits before those that count.
const WARM_UP: usize = 10;
/// Beyond every wait between two requests of one pass.
const QUIET: Duration = Duration::from_millis(40);
/// What the first assignment takes at most, and each edit.
const LONGEST: Duration = Duration::from_secs(20);

/// Where the worker's store is.
#[derive(Clone, Copy)]
enum Place {
    Memory,
    Disk,
}

/// Milliseconds from each edit, sorted.
struct Times {
    request: Vec<f64>,
    effect: Vec<f64>,
}

fn main() {
    let rows: Vec<Row> = [(Place::Disk, "store on disk"), (Place::Memory, "store in memory")]
        .into_iter()
        .flat_map(|(place, name)| {
            let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
            rows(name, &runtime.block_on(edits(place)))
        })
        .collect();
    table::print(&format!("An edit of a Policy on its way to the system; {EDITS} edits"), &rows);
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
        |clock| Wso2Double::new(Wso2Options::default(), clock),
        |settings| (settings.requests_per_minute, settings.burst) = (6_000_000, 100_000),
    );
    if let Place::Disk = place {
        // The build folder is on a disk wherever the sources are; the machine's temporary folder may not be.
        rig.folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    }
    rig
}

async fn edits(place: Place) -> Times {
    let mut rig = rig(place);
    assign(&rig, 0);
    rig.start();
    rest(&rig).await;
    let mut starts = Vec::new();
    for edit in 1..=WARM_UP + EDITS {
        let start = rig.clock.monotonic();
        assign(&rig, edit);
        rest(&rig).await;
        assert_eq!(rig.cluster.standing("baseline"), Some(Standing::InStep), "edit {edit}");
        starts.push(start);
    }
    rig.kill().await;
    let counted = &starts[WARM_UP..];
    Times {
        request: first(&rig, counted, |label| label.starts_with("vendor ")),
        effect: first(&rig, counted, |label| label.starts_with("vendor ") && !label.contains(" GET ")),
    }
}

async fn rest(rig: &Rig) {
    let settle = Settle { quiet: QUIET, bound: LONGEST, ..Settle::default() };
    settle.wait(&rig.gate).await.expect("it comes to rest");
}

/// Milliseconds from each start to the first I/O after it that counts. The rig makes its clock and its gate one
/// right after the other, so both count from the same moment.
fn first(rig: &Rig, starts: &[Duration], counts: fn(&str) -> bool) -> Vec<f64> {
    let journal = rig.gate.journal();
    let wanted: Vec<Duration> = journal.iter().filter(|io| counts(&io.label)).map(|io| io.at).collect();
    let after = |start: &Duration| wanted.iter().find_map(|at| at.checked_sub(*start));
    let mut times: Vec<f64> =
        starts.iter().map(|start| after(start).expect("every edit has one").as_secs_f64() * 1000.0).collect();
    times.sort_by(f64::total_cmp);
    times
}
