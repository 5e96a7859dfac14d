//! `ordain sandbox` as a process, and its control port.

use std::{io::Write as _, path::Path, process::Command};

use serde_json::Value;

use super::{
    eventually,
    programs::{Program, path_of},
};

/// The doubles.
pub struct Sandbox {
    control: String,
    endpoints: Value,
    cluster: String,
    _program: Program,
}

impl Sandbox {
    /// Starts them and waits until they are ready.
    pub fn start(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut command = Command::new(path_of("ORDAIN_BIN"));
        command.args(["sandbox", "--dir", folder.to_str().unwrap()]);
        let log = folder.join("sandbox.log");
        let program = Program::start(command, &log);
        assert!(
            eventually(
                || std::fs::read_to_string(&log).is_ok_and(|text| text.lines().any(|line| line == "ready"))
            ),
            "the sandbox did not become ready: {}",
            std::fs::read_to_string(&log).unwrap_or_default()
        );
        let endpoints: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("endpoints.json")).unwrap()).unwrap();
        let control = endpoints["control"].as_str().unwrap().to_owned();
        let cluster = std::fs::read_to_string(folder.join("cluster.yaml")).unwrap();
        Self { control, endpoints, cluster, _program: program }
    }

    /// Its namespace, Secrets and Backends, in a namespace of another name.
    pub fn cluster(&self, namespace: &str) -> String {
        let named = self.cluster.replace("name: ordain-demo", &format!("name: {namespace}"));
        named.replace("namespace: ordain-demo", &format!("namespace: {namespace}"))
    }

    /// URL of a system's double.
    pub fn url(&self, system: &str) -> &str {
        self.endpoints[system].as_str().unwrap()
    }

    /// Everything a double holds.
    pub fn state(&self, system: &str) -> Value {
        self.call("GET", &format!("{system}/state"), None)
    }

    /// A change as made by hand in the vendor's console.
    pub fn by_hand(&self, system: &str, change: &Value) {
        self.call("PATCH", &format!("{system}/state"), Some(change));
    }

    /// Something that goes wrong with its next requests.
    pub fn fault(&self, system: &str, fault: &Value) {
        http(&self.control, "POST", &format!("{system}/faults"), Some(fault));
    }

    /// Nothing goes wrong any more.
    #[allow(dead_code, reason = "the tests with GitOps tools need it")]
    pub fn no_faults(&self, system: &str) {
        http(&self.control, "DELETE", &format!("{system}/faults"), None);
    }

    /// Requests seen since a number.
    pub fn requests(&self, system: &str, since: u64) -> Vec<Value> {
        self.call("GET", &format!("{system}/requests?since={since}"), None).as_array().unwrap().clone()
    }

    /// Number of the last request.
    pub fn mark(&self, system: &str) -> u64 {
        self.requests(system, 0).last().and_then(|r| r["seq"].as_u64()).unwrap_or_default()
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = http(&self.control, method, path, body);
        serde_json::from_str(&answer).unwrap_or(Value::Null)
    }
}

/// One HTTP/1.0 exchange; panics on anything but 2xx.
fn http(base: &str, method: &str, path: &str, body: Option<&Value>) -> String {
    use std::io::Read as _;
    let host = base.strip_prefix("http://").unwrap();
    let body = body.map(ToString::to_string).unwrap_or_default();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.split(' ').nth(1).is_some_and(|code| code.starts_with('2')),
        "{method} {path}: {head}\n{body}"
    );
    body.to_owned()
}
