//! The same over a real socket: what only a connection can show.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{ALDER, Bench, MONITORING, ROOT, monitoring};
use crate::{
    model::SystemClock,
    sandbox::{control, server, wfbss::WfbssDouble},
};

/// A served double, killed when dropped.
struct Served {
    bench: Bench,
    api: String,
    control: String,
    _servers: JoinSet<()>,
}

async fn serve() -> Served {
    let clock = std::sync::Arc::new(SystemClock::new());
    let bench = Bench::of(WfbssDouble::new(super::WfbssOptions::default(), clock.clone()), clock);
    let (api, control) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let (api_address, control_address) = (address(&api), address(&control));
    let mut servers = JoinSet::new();
    servers.spawn(server::serve(api, bench.service.clone()));
    servers.spawn(server::serve(control, control::router([bench.service.clone()])));
    Served { bench, api: api_address, control: control_address, _servers: servers }
}

/// Everything the server sends to one request, until it closes.
async fn exchange(
    address: &str,
    method: &str,
    target: &str,
    headers: &http::HeaderMap,
    body: &str,
) -> String {
    let mut wire = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        wire.extend([name.as_str(), ": ", value.to_str().unwrap(), "\r\n"]);
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{wire}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end here.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

impl Served {
    async fn api(&self, method: &str, resource: &str, body: &Value) -> String {
        let target = format!("{ROOT}/{resource}");
        let (parts, _) = self.bench.signed(method, &target, body).into_parts();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange(&self.api, method, &target, &parts.headers, &body).await
    }

    async fn control(&self, method: &str, target: &str, body: &str) -> (String, Value) {
        let answer = exchange(&self.control, method, target, &http::HeaderMap::new(), body).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), serde_json::from_str(body).unwrap_or_default())
    }
}

#[tokio::test]
async fn a_signed_request_works_over_a_socket() {
    let served = serve().await;
    let answer = served.api("GET", "customers?limit=1", &Value::Null).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("Alder Clinic"), "{answer}");
    let answer = served.api("PUT", &format!("policies?cids={ALDER}&gids=1&sync=true"), &monitoring(0)).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"),
        "an empty body: {answer}"
    );
    assert_eq!(served.bench.stored(ALDER, 1, MONITORING), 0);
}

#[tokio::test]
async fn a_dropped_connection_brings_no_byte_with_or_without_the_effect() {
    for (kind, monitored) in [("dropBefore", 1), ("dropAfter", 0)] {
        let served = serve().await;
        served.bench.service.add_fault(&json!({"kind": kind, "match": {"method": "PUT"}})).unwrap();
        let answer =
            served.api("PUT", &format!("policies?cids={ALDER}&gids=1&sync=true"), &monitoring(0)).await;
        assert_eq!(answer, "", "{kind}");
        assert_eq!(served.bench.stored(ALDER, 1, MONITORING), monitored, "{kind}");
        let answer = served.api("GET", "customers", &Value::Null).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "the server lives on");
    }
}

#[tokio::test]
async fn a_cut_body_promises_more_than_it_brings() {
    let served = serve().await;
    served.bench.service.add_fault(&json!({"kind": "truncate", "bytes": 9})).unwrap();
    let answer = served.api("GET", "customers", &Value::Null).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("200 OK") && !head.contains("content-length: 9"), "{head}");
    assert_eq!(body.len(), 9, "{body}");
}

#[tokio::test]
async fn the_control_port_shows_and_changes_everything() {
    let served = serve().await;
    served.api("GET", "customers", &Value::Null).await;
    let (status, state) = served.control("GET", "/wfbss/state", "").await;
    assert_eq!((status.as_str(), &state["unscopedWrites"]), ("200", &json!(0)));

    let fault =
        json!({"kind": "status", "code": 429, "retryAfter": "3", "match": {"path": "customers"}, "times": 2});
    assert_eq!(served.control("POST", "/wfbss/faults", &fault.to_string()).await.0, "204");
    let answer = served.api("GET", "customers", &Value::Null).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 3\r\n"), "{answer}");
    assert_eq!(served.control("GET", "/wfbss/faults", "").await.1[0]["times"], 1);
    assert_eq!(served.control("DELETE", "/wfbss/faults", "").await.0, "204");
    assert!(served.api("GET", "customers", &Value::Null).await.starts_with("HTTP/1.1 200"));

    let (_, seen) = served.control("GET", "/wfbss/requests?since=1", "").await;
    let statuses: Vec<_> =
        seen.as_array().unwrap().iter().map(|seen| (&seen["seq"], &seen["status"])).collect();
    assert_eq!(statuses, [(&json!(2), &json!(429)), (&json!(3), &json!(200))]);

    let change = json!({"options": {"arrays": "append"}});
    assert_eq!(served.control("PATCH", "/wfbss/state", &change.to_string()).await.0, "204");
    assert_eq!(served.control("GET", "/wfbss/state", "").await.1["options"]["arrays"], "append");
}

#[tokio::test]
async fn the_control_port_says_what_is_wrong() {
    let served = serve().await;
    for (method, target, body, expected, named) in [
        ("GET", "/intune/state", "", "404", "wfbss"),
        ("POST", "/wfbss/faults", "{", "400", "not JSON"),
        ("POST", "/wfbss/faults", r#"{"kind": "meteor"}"#, "400", "meteor"),
        ("PATCH", "/wfbss/state", "[", "400", "not JSON"),
        ("PATCH", "/wfbss/state", r#"{"paint": 1}"#, "400", "paint"),
        ("GET", "/wfbss/requests?since=x", "", "400", "since"),
    ] {
        let (status, answer) = served.control(method, target, body).await;
        let message = answer["error"].as_str().unwrap_or_default();
        assert!(
            status == expected && message.contains(named),
            "{method} {target} {body}: {status} {message}"
        );
    }
}
