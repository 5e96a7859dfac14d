//! What watching ten thousand assignments takes, beside a plain kube-rs controller.
//!
//! The API server runs in this process, each side in one of its own, so that processor time and memory are the
//! side's alone. The sides take turns; the median of the turns counts.
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

use std::{net::SocketAddr, process::Command, time::Duration};

use kube::{Client, Config};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Builder, task::JoinSet};

use sides::Side;
use table::{Row, percentile};

/// How many assignments.
const COUNT: usize = 10_000;
/// How often each side has its turn.
const TURNS: usize = 3;
/// What is freed late is freed by then.
const REST: Duration = Duration::from_millis(500);

/// What one side took in one turn.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Taken {
    /// Nanoseconds of processor time.
    cpu: u64,
    /// Bytes held when everything is seen.
    memory: u64,
    /// The most bytes held until then.
    peak: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "follow") {
        Some(at) => follow(&arguments[at + 1], &arguments[at + 2]),
        None => compare(),
    }
}

/// One turn of one side, told as a line of JSON.
fn follow(name: &str, url: &str) {
    let side = Side::ALL.into_iter().find(|side| side.name() == name).expect("a side");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let taken = runtime.block_on(async {
        let client = Client::try_from(Config::new(url.parse().expect("a URL"))).expect("a client");
        let mut tasks = JoinSet::new();
        let (cpu, memory) = (process::cpu(), process::resident());
        side.follow(client, COUNT, &mut tasks).await;
        let cpu = process::cpu() - cpu;
        tokio::time::sleep(REST).await;
        let less = |now: u64| now.saturating_sub(memory);
        Taken { cpu, memory: less(process::resident()), peak: less(process::peak()) }
    });
    println!("{}", serde_json::to_string(&taken).expect("numbers"));
}

fn compare() {
    let wire = manifests::assignment(7).to_string().len();
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut tasks = JoinSet::new();
    let address = runtime.block_on(server::serve(&server::filled(COUNT), &mut tasks));
    let mut turns: Vec<Vec<Taken>> = vec![vec![]; Side::ALL.len()];
    for _ in 0..TURNS {
        for (side, turns) in Side::ALL.into_iter().zip(&mut turns) {
            turns.push(turn(side, address));
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

fn turn(side: Side, address: SocketAddr) -> Taken {
    let own = std::env::current_exe().expect("the path of this program");
    let url = format!("http://{address}");
    let output = Command::new(own).args(["follow", side.name(), &url]).output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", side.name());
    serde_json::from_slice(&output.stdout).expect("a line of JSON")
}

/// Each slice holds a figure per side, in the order of [`Side::ALL`].
fn rows(cpu: &[f64], memory: &[f64], peak: &[f64]) -> Vec<Row> {
    let micros = |nanos: f64| format!("{:.1} µs", nanos / 1000.0);
    let bytes = |bytes: f64| format!("{bytes:.0} B");
    let share = |of: &[f64]| of[1] / of[0];
    let ratio = |share: f64| format!("1/{share:.1}");
    vec![
        Row::fact("P1 processor time each: Ordain", micros(cpu[0])),
        Row::fact("P1 processor time each: kube-rs controller", micros(cpu[1])),
        Row::fact("P1 processor time each: the same without managedFields", micros(cpu[2])),
        Row::goal("P1 Ordain : kube-rs", ratio(share(cpu)), "<= 1/2.5", share(cpu) >= 2.5),
        Row::goal("P2 memory each: Ordain", bytes(memory[0]), "<= 2000 B", memory[0] <= 2000.0),
        Row::fact("P2 memory each: kube-rs controller", bytes(memory[1])),
        Row::fact("P2 memory each: the same without managedFields", bytes(memory[2])),
        Row::goal("P2 Ordain : kube-rs", ratio(share(memory)), "<= 1/10", share(memory) >= 10.0),
        Row::goal(
            "P2 Ordain's peak : settled",
            format!("{:.2}", peak[0] / memory[0]),
            "<= 1.3",
            peak[0] <= 1.3 * memory[0],
        ),
    ]
}
