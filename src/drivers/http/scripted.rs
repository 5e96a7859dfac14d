//! A transport for tests: answers from a closure, remembers what was sent.

#![allow(clippy::unwrap_used)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, Request, Response};

use super::{BodyStream, Transport, TransportError};

/// One request as it would go on the wire.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `GET /path?query`.
    pub line: String,
    /// Scheme and authority.
    pub origin: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as text.
    pub body: String,
}

impl Seen {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the scripted system does.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A complete answer.
    Is(u16, Vec<(&'static str, String)>, Bytes),
    /// The same after a while.
    Late(Duration, Box<Reply>),
    /// No answer.
    Lost {
        /// Whether the system saw the request.
        sent: bool,
    },
    /// A head and half a body.
    Cut(u16, Bytes),
    /// A body without end.
    Endless,
}

impl Reply {
    /// JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Is(status, vec![("content-type", "application/json".into())], body.to_string().into())
    }

    /// Text of any type.
    pub fn text(status: u16, body: &str) -> Self {
        Self::Is(status, vec![], Bytes::copy_from_slice(body.as_bytes()))
    }

    /// With one more header.
    #[must_use]
    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Is(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Self::Is(status, headers, body)
            }
            other => other,
        }
    }
}

type Script = dyn FnMut(&Seen) -> Reply + Send;

/// Answers from a script.
pub struct Scripted {
    script: Mutex<Box<Script>>,
    seen: Mutex<Vec<Seen>>,
}

impl Scripted {
    /// A system that answers as the closure says.
    pub fn new(script: impl FnMut(&Seen) -> Reply + Send + 'static) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(Box::new(script)), seen: Mutex::default() })
    }

    /// A system that gives these answers in turn, then 500.
    pub fn list(replies: Vec<Reply>) -> Arc<Self> {
        let mut replies = replies.into_iter();
        Self::new(move |_| replies.next().unwrap_or_else(|| Reply::text(500, "nothing scripted")))
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `GET /path` of all requests so far.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

#[async_trait]
impl Transport for Scripted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        let uri = request.uri();
        let seen = Seen {
            line: format!("{} {}", request.method(), uri.path_and_query().unwrap()),
            origin: format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap()),
            headers: request.headers().clone(),
            body: String::from_utf8_lossy(request.body()).into_owned(),
        };
        self.seen.lock().unwrap().push(seen.clone());
        let reply = (self.script.lock().unwrap())(&seen);
        play(reply).await
    }
}

async fn play(reply: Reply) -> Result<Response<BodyStream>, TransportError> {
    let gone = |maybe_sent| TransportError { maybe_sent, message: "connection reset".into() };
    match reply {
        Reply::Is(status, headers, body) => {
            let mut builder = Response::builder().status(status);
            for (name, value) in headers {
                builder = builder.header(name, value);
            }
            Ok(builder.body(stream::iter([Ok(body)]).boxed()).unwrap())
        }
        Reply::Late(time, reply) => {
            tokio::time::sleep(time).await;
            Box::pin(play(*reply)).await
        }
        Reply::Lost { sent } => Err(gone(sent)),
        Reply::Cut(status, body) => {
            let body = stream::iter([Ok(body), Err(gone(false))]).boxed();
            Ok(Response::builder().status(status).body(body).unwrap())
        }
        Reply::Endless => {
            let body = stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 4096]))).boxed();
            Ok(Response::new(body))
        }
    }
}
