//! The pages of a running operator, as somebody with a socket reads them.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// Longer than any answer may take; only a broken test waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// Head and body of an answer; `accept` is what the request says it reads.
pub fn scrape(address: &str, path: &str, accept: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: ordain\r\nAccept: {accept}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Where the newest process that wrote these logs, a JSON object a line, says that it listens.
pub fn address(logs: &str) -> Option<String> {
    let lines = logs.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = lines.filter(|line| line["fields"]["message"] == "listening");
    Some(told.next()?["fields"]["address"].as_str()?.to_owned())
}
