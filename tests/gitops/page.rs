//! The page for people, in a real browser: what stands on it, at two widths, light and dark, and what a hostile query does.
//!
//! ORDAIN_PICTURES names a folder that receives the pictures, to be looked at.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    cluster::{Cluster, root},
    eventually,
    programs::{Program, path_of},
    vendors::Sandbox,
};

const TEAM: &str = "ordain-demo";
const WIDE: (u32, u32) = (1280, 900);
const NARROW: (u32, u32) = (400, 900);

/// An operator with its page, over doubles.
struct House {
    url: String,
    _operator: Program,
    sandbox: Sandbox,
    cluster: Cluster,
}

impl House {
    fn new() -> Self {
        let cluster = Cluster::start();
        let crds = root().join("crds");
        cluster.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]);
        cluster.wait_for_crds();
        cluster.kubectl(&["create", "namespace", "ordain-system"]);
        let sandbox = Sandbox::start(&cluster.folder().join("sandbox"));
        let store = cluster.folder().join("store/ordain.db");
        let mut command = Command::new(path_of("ORDAIN_BIN"));
        command
            .args(["run", "--namespace", "ordain-system", "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"])
            .args(["--allow-loopback", "--log-format", "json", "--store"])
            .arg(format!("sqlite://{}", store.display()))
            .env("KUBECONFIG", cluster.kubeconfig());
        let log = cluster.folder().join("operator.log");
        let operator = Program::start(command, &log);
        let mut url = None;
        let found = eventually(|| {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let mut lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            url = lines.find_map(|line| Some(line["fields"]["url"].as_str()?.to_owned()));
            url.is_some()
        });
        assert!(found, "it tells where its page is: {}", std::fs::read_to_string(&log).unwrap());
        Self { url: url.unwrap(), _operator: operator, sandbox, cluster }
    }

    /// One assignment each that is in force, held, drifting and stalled.
    fn furnish(&self) {
        let manifest = self.cluster.folder().join("sandbox/cluster.yaml");
        let (kubectl, examples) = (|args: &[&str]| self.cluster.kubectl(args), root().join("examples"));
        kubectl(&["apply", "-f", manifest.to_str().unwrap()]);
        let patch = |backend: &str, spec: Value| {
            let spec = json!({"spec": spec}).to_string();
            kubectl(&["patch", "backend", backend, "-n", TEAM, "--type", "merge", "-p", &spec]);
        };
        patch("wso2", json!({"guard": {"maxRemovals": 0}}));
        patch("wfbss", json!({"drift": {"correction": "Report"}}));
        for example in ["wso2-baseline", "wfbss-behavior", "tachyon-usb"] {
            kubectl(&["apply", "-f", examples.join(format!("{example}.yaml")).to_str().unwrap()]);
        }
        self.cluster.wait_for_all(TEAM, "policyassignments", "Ready");
        self.drift();
        let nowhere = json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
            "metadata": {"name": "nowhere", "namespace": TEAM},
            "spec": {"policyRef": {"name": "phone-baseline"}, "backendRef": {"name": "tachyon"},
                "targets": {"everyone": true}}});
        let file = self.cluster.folder().join("nowhere.json");
        std::fs::write(&file, nowhere.to_string()).unwrap();
        kubectl(&["apply", "-f", file.to_str().unwrap()]);
        kubectl(&["delete", "policyassignment", "phone-baseline-engineers", "-n", TEAM, "--wait=false"]);
        self.cluster.wait(TEAM, "policyassignments/nowhere", "Stalled");
        self.cluster.wait(TEAM, "backends/wso2", "Held");
    }

    /// Somebody switches a setting off in the console, and it is looked for at once.
    fn drift(&self) {
        let change = json!({"set": {"customer": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "group": "Server (Default)",
            "os": "win", "path": "/behavior_monitoring/enabled", "value": 0}});
        self.sandbox.by_hand("wfbss", &change);
        let now = "ordain.dev/reconcile-requested-at=now";
        self.cluster.kubectl(&[
            "annotate",
            "policyassignment",
            "behavior-monitoring-servers",
            "-n",
            TEAM,
            now,
        ]);
        self.cluster.wait(TEAM, "policyassignments/behavior-monitoring-servers", "InSync=False");
    }
}

/// One request as it is typed; the answer's status.
fn status_of(url: &str, request: &str) -> u16 {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    // The answer may come, and the line close, before all is sent.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

fn pictures(house: &House) -> PathBuf {
    let folder = std::env::var_os("ORDAIN_PICTURES")
        .map_or_else(|| house.cluster.folder().join("pictures"), Into::into);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn people_see_what_holds_what_is_held_and_what_drifts_in_a_browser() {
    let house = House::new();
    house.furnish();
    let pictures = pictures(&house);
    let mut browser = Browser::start(house.cluster.folder());
    for (name, size, dark) in [("wide", WIDE, false), ("narrow", NARROW, false), ("dark", WIDE, true)] {
        browser.look(size, dark);
        browser.open(&house.url);
        browser.picture(&pictures.join(format!("{name}.png")));
        let text = browser.find("document.body.innerText").as_str().unwrap().to_owned();
        for told in [
            "Backend/ordain-demo/wso2",
            "Held by the guard",
            "kubectl annotate backend wso2 -n ordain-demo ordain.dev/approve-removals=",
            "ordain-demo/phone-baseline-engineers",
            "ordain-demo/behavior-monitoring-servers",
            "FacetMissing",
        ] {
            assert!(text.contains(told), "{name}: {told} is not on the page:\n{text}");
        }
        let widths = browser.find("[document.documentElement.scrollWidth, window.innerWidth]");
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{name}: it does not fit: {widths}");
        let unlabelled = browser.find("[...document.querySelectorAll('th')].filter(th => !th.scope).length");
        assert_eq!(unlabelled, 0, "{name}: every header says what it heads");
        let named = "[...document.querySelectorAll('select')].filter(s => !s.labels.length).length";
        assert_eq!(browser.find(named), 0, "{name}: every choice has a label");
    }
    let states = "[...document.querySelectorAll('section[aria-labelledby=assignments] > table > tbody > tr:first-child')].map(tr => [tr.querySelector('th').firstChild.data, tr.querySelector('td').innerText.trim()])";
    browser.open(&house.url);
    let expected = json!([
        ["ordain-demo/nowhere", "stalled"],
        ["ordain-demo/phone-baseline-engineers", "held"],
        ["ordain-demo/behavior-monitoring-servers", "drifting"],
        ["ordain-demo/usb-lockdown-kiosks", "in force"],
    ]);
    assert_eq!(browser.find(states), expected, "each with its state, worst first");
    let rows = "[...document.querySelectorAll('section[aria-labelledby=assignments] > table > tbody > tr:first-child > th')].map(th => th.firstChild.data)";
    browser.open(&format!("{}?state=stalled", house.url));
    assert_eq!(browser.find(rows), json!(["ordain-demo/nowhere"]), "one state alone");
    browser.open(&format!("{}?namespace=elsewhere", house.url));
    assert!(browser.find("document.body.innerText").as_str().unwrap().contains("No assignment is like that"));
    assert_eq!(browser.complaints, Vec::<Value>::new(), "the console is silent");

    browser.open(&format!("{}?namespace=%3Cscript%3Edocument.title=%22owned%22%3C/script%3E", house.url));
    assert_eq!(browser.find("[document.title, document.scripts.length]"), json!(["", 0]));
    let scripts =
        browser.find("document.querySelectorAll('script, iframe, object, [onload], [onclick]').length");
    assert_eq!(scripts, 0);
}

#[test]
fn hostile_requests_are_refused_and_harm_nobody() {
    let house = House::new();
    let huge = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: a\r\n".repeat(1000));
    let long = format!("GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(100_000));
    let cases = [
        (
            "a name of somebody else",
            "GET / HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n",
            421,
        ),
        ("no host", "GET / HTTP/1.0\r\n\r\n", 421),
        ("a script", "GET /?namespace=<script> HTTP/1.0\r\nHost: localhost\r\n\r\n", 400),
        ("no text", "GET /?namespace=%ff%fe%00 HTTP/1.0\r\nHost: localhost\r\n\r\n", 400),
        ("upwards", "GET /../../etc/passwd HTTP/1.0\r\nHost: localhost\r\n\r\n", 404),
        ("a write", "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 405),
        ("a huge header", &huge, 431),
        ("many headers", &many, 431),
        ("a long query", &long, 414),
    ];
    for (why, request, expected) in cases {
        assert_eq!(status_of(&house.url, request), expected, "{why}");
    }
    assert_eq!(status_of(&house.url, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"), 200, "it is still there");
}
