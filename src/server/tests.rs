//! The pages, over a socket.
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex, mpsc},
};

use super::*;
use crate::{
    api::SystemName,
    model::{BackendId, BackendKind, Secret, SystemClock, memory::Write},
    report::metrics::CallOutcome,
    store::{Expected, JournalEntry, Keys, Store, StoreError, StoreHook},
};

/// A disk that takes until it is let go.
struct Hangs {
    reached: Mutex<mpsc::Sender<()>>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl StoreHook for Hangs {
    fn before_commit(&self, label: &str) -> Result<(), StoreError> {
        if label.starts_with("commit") {
            self.reached.lock().unwrap().send(()).unwrap();
            let _ = self.go.lock().unwrap().recv();
        }
        Ok(())
    }

    fn after_commit(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

fn pages() -> Pages {
    let metrics = Metrics::new();
    metrics.call(SystemName::Wso2, CallOutcome::Ok, Duration::from_millis(3));
    let (_, readiness) = watch::channel(vec!["starting".to_owned()]);
    Pages { readiness, metrics, pulse: Pulse::new(Arc::new(SystemClock::new())) }
}

/// Status line, head and body of an answer. A page that never answers fails the test instead of keeping it.
fn get(address: SocketAddr, path: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: ordain\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

#[test]
fn whoever_scrapes_gets_the_format_he_asks_for() {
    let address = start("127.0.0.1:0".parse().unwrap(), pages()).unwrap();
    let (head, body) = get(address, "/metrics", "*/*");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("# TYPE ordain_vendor_calls_total counter"), "{body}");
    let (head, body) = get(address, "/metrics", "application/openmetrics-text; version=1.0.0");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
}

/// A commit blocks the thread that makes it; here it is the only one there is for everything else.
#[test]
fn pages_answer_while_the_store_keeps_the_whole_operator_waiting() {
    // Before the disk, so that it is let go first where this fails: a runtime waits for its threads.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (reached, reaching) = mpsc::channel();
    let (go, going) = mpsc::channel();
    let hook = Arc::new(Hangs { reached: Mutex::new(reached), go: Mutex::new(going) });
    let keys = Keys::derive(&Secret::new("0123456789".repeat(4))).unwrap();
    let url = format!("sqlite://{}", folder.path().join("ordain.db").display());
    let clock = Arc::new(SystemClock::new());
    let store = Store::open_hooked(&url, keys, Expected::default(), clock, hook).unwrap().store;
    let address = {
        let _inside = runtime.enter();
        start("127.0.0.1:0".parse().unwrap(), pages()).unwrap()
    };
    let committed = runtime.spawn(async move {
        let backend = BackendId { kind: BackendKind::Backend, namespace: "team".into(), name: "emm".into() };
        let write = Write::Since(jiff::Timestamp::UNIX_EPOCH);
        store.commit(&backend, &[write], &[] as &[JournalEntry])
    });
    reaching.recv().unwrap();
    let (head, body) = get(address, "/metrics", "*/*");
    assert!(head.starts_with("http/1.1 200") && body.contains("ordain_build_info"), "{head}\n{body}");
    assert!(get(address, "/livez", "*/*").0.starts_with("http/1.1 200"), "a waiting disk is no dead process");
    assert!(get(address, "/readyz", "*/*").1.contains("starting"));
    go.send(()).unwrap();
    runtime.block_on(committed).unwrap().unwrap();
}
