//! A collector of traces: takes OTLP over HTTP and keeps the spans.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;

/// Listens until the test process ends.
pub struct Collector {
    url: String,
    taken: Arc<Mutex<Taken>>,
}

/// What came in so far.
#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    /// The bodies as they came, for what must not be in them.
    raw: Vec<u8>,
    service: Option<String>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Taken>> = Arc::default();
        let keep = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keep = Arc::clone(&keep);
                std::thread::spawn(move || while take(&stream, &keep).is_some() {});
            }
        });
        Self { url, taken }
    }

    /// For `--otlp-endpoint`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().spans.clone()
    }

    /// `service.name` of whoever sent last.
    pub fn service(&self) -> Option<String> {
        self.taken.lock().unwrap().service.clone()
    }

    /// Whether these bytes were ever sent.
    pub fn was_sent(&self, bytes: &str) -> bool {
        let taken = self.taken.lock().unwrap();
        taken.raw.windows(bytes.len()).any(|window| window == bytes.as_bytes())
    }
}

/// One request of a connection, if there is another one.
fn take(mut stream: &TcpStream, taken: &Mutex<Taken>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request =
        ExportTraceServiceRequest::decode(&body[..]).ok().filter(|_| first.contains(" /v1/traces "));
    let status = if request.is_some() { "200 OK" } else { "400 Bad Request" };
    if let Some(request) = request {
        let mut taken = taken.lock().unwrap();
        taken.raw.extend(body);
        for resource in request.resource_spans {
            taken.service = resource.resource.and_then(|r| text(&r.attributes, "service.name"));
            taken.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).ok()
}

/// An attribute that is text.
pub fn text(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    match value {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(is) => Some(is.to_string()),
        _ => None,
    }
}
