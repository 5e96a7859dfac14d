//! One turn of one side, in a process of its own.

use std::time::Duration;

use kube::{Client, Config};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Builder, task::JoinSet};

use crate::{process, sides::Side};

/// How many assignments.
pub const COUNT: usize = 10_000;
/// What is freed late is freed by then, also by an allocator that gives it back after a second.
const REST: Duration = Duration::from_secs(3);

/// What one side took in one turn.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Taken {
    /// Nanoseconds of processor time.
    pub cpu: u64,
    /// Bytes held when everything is seen.
    pub memory: u64,
    /// The most bytes held until then.
    pub peak: u64,
}

/// One turn, if the arguments of the process ask for one: `follow SIDE URL`.
pub fn asked() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(at) = arguments.iter().position(|argument| argument == "follow") else { return false };
    follow(&arguments[at + 1], &arguments[at + 2]);
    true
}

/// Told as a line of JSON.
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
