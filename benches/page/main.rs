//! What looking on takes with ten thousand assignments on fifty accounts: the page, and `ordain status`.
//!
//! The API server runs in this process, whoever looks in one of its own, with the allocator of the released binary and a
//! runtime of one thread, as on a node that gives the operator one processor: what blocks it blocks all workers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod look;
mod manifests;
#[path = "../watch/process.rs"]
mod process;
#[path = "../watch/server.rs"]
mod server;
#[path = "../../tests/sim/support/mod.rs"]
#[allow(unused_imports, reason = "the harness of the tests offers more")]
mod support;
#[path = "../support/table.rs"]
#[allow(dead_code, reason = "other benchmarks count percentiles")]
mod table;

use std::process::Command;

use tokio::{runtime::Builder, task::JoinSet};

use look::Taken;
use table::Row;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How many assignments.
const COUNT: usize = 10_000;
/// Bytes that the chart's limit leaves beside an operator that serves as many (README: 512 MiB, 30 MiB and 2 kB each).
const ROOM: u64 = (512 - 30 - 20) << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "look") {
        Some(at) => look::at(&arguments[at + 1]),
        None => measure(),
    }
}

fn measure() {
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut tasks = JoinSet::new();
    let api = server::filled(COUNT);
    (0..manifests::ACCOUNTS).for_each(|k| {
        api.stored_raw("ClusterBackend", "", &manifests::account(k), manifests::backend_of(k));
    });
    let address = runtime.block_on(server::serve(&api, &mut tasks));
    let own = std::env::current_exe().expect("the path of this program");
    let output = Command::new(own).args(["look", &format!("http://{address}")]).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let taken: Taken = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    let wire = manifests::assignment(7).to_string().len();
    let title = format!("{COUNT} assignments of {wire} bytes on {} accounts, looked at", manifests::ACCOUNTS);
    table::print(&title, &rows(&taken));
}

fn rows(taken: &Taken) -> Vec<Row> {
    let millis = |millis: u64| format!("{millis} ms");
    let kb = |bytes: u64| format!("{} kB", bytes / 1000);
    let mb = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
    vec![
        Row::fact("page: first answer, lists included", millis(taken.first)),
        Row::fact("page: processor time of it", millis(taken.cpu)),
        Row::fact("page: ten more at once, each another page", millis(taken.ten)),
        Row::fact("page: longest that the runtime did nothing else", millis(taken.stall)),
        Row::fact("page: the largest answer", kb(taken.largest)),
        Row::goal("page: most memory on top", mb(taken.peak), format!("<= {}", mb(ROOM)), taken.peak <= ROOM),
        Row::fact("page: memory on top while it is kept", mb(taken.kept)),
        Row::fact("page: memory on top afterwards", mb(taken.settled)),
        Row::fact("status: overview made of objects", millis(taken.made)),
        Row::fact("status: one screen of it", millis(taken.screen)),
        Row::fact("status: all of it", millis(taken.text)),
        Row::fact("status: size of all of it", kb(taken.text_size)),
        Row::fact("status: size of the JSON", kb(taken.json_size)),
    ]
}
