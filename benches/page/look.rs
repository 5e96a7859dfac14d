//! Whoever looks, in a process of its own.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::{Client, Config};
use ordain::{
    index::Scope,
    overview::{
        Overview,
        text::{Look, WIDTH, text},
    },
    report::metrics::Metrics,
    server::page::{self, ApiServer, Glances},
    watch,
};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Builder, task::spawn_blocking};

use crate::process;

/// What is freed late, also by an allocator that gives it back after a second, is freed by then.
const REST: Duration = Duration::from_secs(8);
/// How often it is looked whether the runtime does something else.
const TICK: Duration = Duration::from_millis(1);

/// What it took: milliseconds and bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Taken {
    /// Until the first page was there.
    pub first: u64,
    /// Processor time of it.
    pub cpu: u64,
    /// Until ten more were there.
    pub ten: u64,
    /// The longest that the runtime did nothing else.
    pub stall: u64,
    /// The largest answer.
    pub largest: u64,
    /// The most memory meanwhile, on top of what there was.
    pub peak: u64,
    /// Memory while the look is kept.
    pub kept: u64,
    /// Memory once it is forgotten.
    pub settled: u64,
    /// An overview made of objects.
    pub made: u64,
    /// A screen made of it.
    pub screen: u64,
    /// All of it as text.
    pub text: u64,
    /// Size of that.
    pub text_size: u64,
    /// Size of it as JSON.
    pub json_size: u64,
}

/// Looks at this API server; told as a line of JSON.
pub fn at(url: &str) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let url = url.to_owned();
    let taken = runtime.block_on(runtime.spawn(async move {
        let config = Config::new(url.parse().expect("a URL"));
        let client = Client::try_from(config.clone()).expect("a client");
        let mut taken = Taken::default();
        the_page(config, &mut taken).await;
        status(&client, &mut taken).await;
        taken
    }));
    println!("{}", serde_json::to_string(&taken.expect("it ends")).expect("numbers"));
}

async fn the_page(config: Config, taken: &mut Taken) {
    let glances = || {
        let client = Client::try_from(config).map_err(std::io::Error::other)?;
        Ok(Glances::new(ApiServer { client, scope: Scope::All, metrics: Metrics::new() }))
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let address = listener.local_addr().expect("it is bound");
    page::start(listener, glances, Vec::new()).expect("it is served");
    let longest = Arc::new(AtomicU64::new(0));
    let ticker = tokio::spawn(ticks(longest.clone()));
    let (cpu, memory, began) = (process::cpu(), process::resident(), Instant::now());
    let first = get(address, "/".to_owned()).await;
    (taken.first, taken.cpu) = (millis(began), (process::cpu() - cpu) / 1_000_000);
    let began = Instant::now();
    let ten = (1..=10).map(|page| get(address, format!("/?page={page}&state=inForce")));
    let ten = futures::future::join_all(ten).await;
    taken.ten = millis(began);
    taken.largest = ten.into_iter().chain([first]).max().unwrap_or_default();
    taken.kept = process::resident().saturating_sub(memory);
    taken.peak = process::peak().saturating_sub(memory);
    tokio::time::sleep(REST).await;
    taken.settled = process::resident().saturating_sub(memory);
    ticker.abort();
    taken.stall = longest.load(Ordering::Relaxed);
}

/// The longest between two ticks.
async fn ticks(longest: Arc<AtomicU64>) {
    loop {
        let began = Instant::now();
        tokio::time::sleep(TICK).await;
        longest.fetch_max(millis(began), Ordering::Relaxed);
    }
}

/// The size of an answer.
async fn get(address: SocketAddr, path: String) -> u64 {
    let asked = move || {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer));
        std::io::Result::Ok(answer.len() as u64)
    };
    spawn_blocking(asked).await.expect("it ends").expect("it answers")
}

async fn status(client: &Client, taken: &mut Taken) {
    let cluster = watch::look(client, &Scope::All).await;
    assert!(cluster.unlisted.is_empty(), "{:?}", cluster.unlisted);
    let began = Instant::now();
    let overview = Overview::of(&cluster, Timestamp::now());
    taken.made = millis(began);
    let began = Instant::now();
    let screen = text(&overview, overview.at, Look { width: WIDTH, height: Some(50), colour: true });
    taken.screen = millis(began);
    assert_eq!(screen.lines().count(), 50);
    let began = Instant::now();
    let all = text(&overview, overview.at, Look { width: WIDTH, height: None, colour: false });
    (taken.text, taken.text_size) = (millis(began), all.len() as u64);
    taken.json_size = serde_json::to_string_pretty(&overview).expect("it can be written").len() as u64;
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
