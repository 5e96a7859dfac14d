//! What watching ten thousand assignments takes, beside a plain kube-rs controller.
//!
//! The API server runs in this process, each side in one of its own, so that processor time and memory are the
//! side's alone. The sides take turns; the median of the turns counts. Ordain runs as it is released, with an allocator of
//! its own (`ordain.rs`); a plain controller has that of its platform, and is measured with Ordain's beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../tests/index_memory/manifests.rs"]
mod manifests;
mod process;
mod server;
mod sides;
#[path = "../../tests/sim/support/mod.rs"]
#[allow(unused_imports, reason = "the harness of the tests offers more")]
mod support;
#[path = "../support/table.rs"]
mod table;
mod turn;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::{runtime::Builder, task::JoinSet};

use sides::Side;
use table::{Row, percentile};
use turn::{COUNT, Taken};

/// Within so long one build makes both programs.
const TOGETHER: Duration = Duration::from_mins(30);
/// How often each side has its turn.
const TURNS: usize = 3;

/// Who takes turns: a side, and whether it runs with the allocator of the released binary.
const SIDES: [(Side, bool); 4] =
    [(Side::Ordain, true), (Side::Plain, false), (Side::Pruned, false), (Side::Plain, true)];

fn main() {
    if !turn::asked() {
        compare();
    }
}

fn compare() {
    let wire = manifests::assignment(7).to_string().len();
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut tasks = JoinSet::new();
    let address = runtime.block_on(server::serve(&server::filled(COUNT), &mut tasks));
    let mut turns: Vec<Vec<Taken>> = vec![vec![]; SIDES.len()];
    for _ in 0..TURNS {
        for ((side, allocator), turns) in SIDES.into_iter().zip(&mut turns) {
            turns.push(turn(side, &program(allocator), address));
        }
    }
    let middle = |of: fn(&Taken) -> u64| -> Vec<f64> {
        turns.iter().map(|turns| median(turns.iter().map(|taken| each(of(taken))).collect())).collect()
    };
    let title =
        format!("{COUNT} assignments of {wire} bytes, watched until all are seen; median of {TURNS} turns");
    let (cpu, memory, peak) = (middle(|t| t.cpu), middle(|t| t.memory), middle(|t| t.peak));
    table::print(&title, &rows(&cpu, &memory, &peak));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 50)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
fn each(total: u64) -> f64 {
    total as f64 / COUNT as f64
}

/// This program, or the one with the allocator: the newest of its name beside this one, as cargo built both.
fn program(allocator: bool) -> PathBuf {
    let own = std::env::current_exe().expect("the path of this program");
    if !allocator {
        return own;
    }
    let beside = fs::read_dir(own.parent().expect("a folder")).expect("it can be listed");
    let built = beside.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("watch_ordain-") && path.extension().is_none()
    });
    let made = |path: &Path| path.metadata().and_then(|file| file.modified()).expect("a time");
    let newest = built.max_by_key(|path| made(path)).expect("run cargo bench --bench 'watch*'");
    // One that was not built along with this one would be measured as if it were.
    assert!(made(&newest) + TOGETHER > made(&own), "run cargo bench --bench 'watch*'");
    newest
}

fn turn(side: Side, program: &Path, address: SocketAddr) -> Taken {
    let url = format!("http://{address}");
    let output = Command::new(program).args(["follow", side.name(), &url]).output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", side.name());
    serde_json::from_slice(&output.stdout).expect("a line of JSON")
}

/// Each slice holds a figure per side, in the order of [`SIDES`].
fn rows(cpu: &[f64], memory: &[f64], peak: &[f64]) -> Vec<Row> {
    let micros = |nanos: f64| format!("{:.1} µs", nanos / 1000.0);
    let bytes = |bytes: f64| format!("{bytes:.0} B");
    let share = |of: &[f64]| of[1] / of[0];
    let ratio = |share: f64| format!("1/{share:.1}");
    vec![
        Row::fact("P1 processor time each: Ordain", micros(cpu[0])),
        Row::fact("P1 processor time each: kube-rs controller", micros(cpu[1])),
        Row::fact("P1 processor time each: the same without managedFields", micros(cpu[2])),
        Row::fact("P1 processor time each: kube-rs with Ordain's allocator", micros(cpu[3])),
        Row::goal("P1 Ordain : kube-rs", ratio(share(cpu)), "<= 1/2.5", share(cpu) >= 2.5),
        Row::goal("P2 memory each: Ordain", bytes(memory[0]), "<= 2000 B", memory[0] <= 2000.0),
        Row::fact("P2 memory each: kube-rs controller", bytes(memory[1])),
        Row::fact("P2 memory each: the same without managedFields", bytes(memory[2])),
        Row::fact("P2 memory each: kube-rs with Ordain's allocator", bytes(memory[3])),
        Row::goal("P2 Ordain : kube-rs", ratio(share(memory)), "<= 1/10", share(memory) >= 10.0),
        Row::goal(
            "P2 Ordain's peak : settled",
            format!("{:.2}", peak[0] / memory[0]),
            "<= 1.3",
            peak[0] <= 1.3 * memory[0],
        ),
    ]
}
