//! HTTP in, HTTP out: the fake API server as the tower service under a `kube::Client`.

use std::io::{Error as IoError, ErrorKind};

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::sleep;
use tower::BoxError;

use super::FakeApi;
use super::call::{Call, Verb};
use super::failure::Failure;
use super::faults::{FaultKind, strike};
use super::log::{Entry, Part};
use super::watch::Watch;
use crate::support::gate::Process;

/// What a request is answered with.
enum Reply {
    Object { code: u16, object: Value, touched: Vec<Part> },
    Watch(Box<Watch>),
}

impl FakeApi {
    /// Serves one HTTP request of one process.
    pub(super) async fn serve(
        self,
        process: Process,
        client: String,
        request: Request<kube::client::Body>,
    ) -> Result<Response<Body>, BoxError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        if parts.uri.path() == "/version" {
            return process.pass("get /version", async { Ok(json(200, &version(), None)) }).await;
        }
        let parsed = Call::parse(&parts, &body);
        let label =
            parsed.as_ref().map_or_else(|_| format!("{} {}", parts.method, parts.uri.path()), Call::label);
        let own = process.clone();
        process.pass(label, async move { self.answer(parsed, &own, &client).await }).await
    }

    async fn answer(
        &self,
        parsed: Result<Call, Failure>,
        process: &Process,
        client: &str,
    ) -> Result<Response<Body>, BoxError> {
        let latency = self.state().latency;
        if !latency.is_zero() {
            sleep(latency).await;
        }
        if self.state().down {
            return Err(IoError::new(ErrorKind::ConnectionRefused, "connection refused").into());
        }
        let call = match parsed {
            Ok(call) => call,
            Err(failure) => return Ok(refuse(&failure, None)),
        };
        let fault = strike(&mut self.state().faults, &call);
        if let Some(early) = self.fail_before(&call, client, fault.as_ref()).await {
            return early;
        }
        let outcome = self.permitted(&call).and_then(|()| self.execute(&call, process));
        let response = match outcome {
            Ok(Reply::Object { code, object, touched }) => {
                self.record(&call, client, code, touched);
                json(code, &object, None)
            }
            Ok(Reply::Watch(watch)) => {
                self.record(&call, client, 200, vec![]);
                stream(*watch)
            }
            Err(failure) => {
                self.record(&call, client, failure.code, vec![]);
                refuse(&failure, None)
            }
        };
        fail_after(fault, response).await
    }

    /// Faults that strike before the effect; `Some` where the request goes no further.
    async fn fail_before(
        &self,
        call: &Call,
        client: &str,
        fault: Option<&FaultKind>,
    ) -> Option<Result<Response<Body>, BoxError>> {
        let (failure, retry_after) = match fault? {
            FaultKind::Delay(time) => {
                sleep(*time).await;
                return None;
            }
            FaultKind::ForeignWrite => {
                self.touch(call);
                return None;
            }
            FaultKind::LostAnswer(_) | FaultKind::TimeoutAfterCommit | FaultKind::Cut => return None,
            FaultKind::Reset => {
                self.record(call, client, 0, vec![]);
                return Some(
                    Err(IoError::new(ErrorKind::ConnectionReset, "connection reset by peer").into()),
                );
            }
            FaultKind::Conflict => (Failure::modified(call.resource, &call.name), None),
            FaultKind::Status { code, retry_after } => (Failure::trouble(*code), retry_after.clone()),
        };
        self.record(call, client, failure.code, vec![]);
        Some(Ok(refuse(&failure, retry_after.as_deref())))
    }

    fn permitted(&self, call: &Call) -> Result<(), Failure> {
        let state = self.state();
        if state.withdrawn.contains(call.resource.plural) {
            return Err(Failure::plain(404, "404 page not found\n"));
        }
        let (verb, target) = (call.verb.rbac().to_owned(), call.full_resource());
        if state.denied.contains(&(verb.clone(), target.clone())) {
            let namespace = call.namespace.as_deref();
            return Err(Failure::forbidden(call.resource, &verb, &target, &call.name, namespace));
        }
        Ok(())
    }

    fn execute(&self, call: &Call, process: &Process) -> Result<Reply, Failure> {
        let plain = |object| Reply::Object { code: 200, object, touched: vec![] };
        match call.verb {
            Verb::Get => self.state().cluster.fetch(call).map(plain),
            Verb::List => self.state().cluster.list(call).map(plain),
            Verb::Watch => Watch::start(self, process, call).map(|watch| Reply::Watch(Box::new(watch))),
            _ => {
                let written = self.write(call)?;
                let object = if written.object["kind"] == "Status" {
                    written.object
                } else {
                    super::read::represent(call.metadata_only, &written.object)
                };
                Ok(Reply::Object {
                    code: written.code,
                    object,
                    touched: written.touched.into_iter().collect(),
                })
            }
        }
    }

    fn record(&self, call: &Call, client: &str, code: u16, touched: Vec<Part>) {
        let at = self.elapsed();
        self.state().log.push(Entry {
            at,
            verb: call.verb,
            resource: call.resource.plural,
            subresource: call.subresource.clone(),
            namespace: call.namespace.clone(),
            name: call.name.clone(),
            query: call.query.clone(),
            metadata_only: call.metadata_only,
            user_agent: call.user_agent.clone().unwrap_or_else(|| client.to_owned()),
            body: call.body.clone(),
            code,
            touched: touched.into_iter().collect(),
        });
    }
}

/// Faults that strike after the effect.
async fn fail_after(fault: Option<FaultKind>, response: Response<Body>) -> Result<Response<Body>, BoxError> {
    match fault {
        Some(FaultKind::LostAnswer(time)) => {
            sleep(time).await;
            Err(IoError::new(ErrorKind::TimedOut, "operation timed out").into())
        }
        Some(FaultKind::TimeoutAfterCommit) => Ok(refuse(&Failure::trouble(504), None)),
        Some(FaultKind::Cut) => {
            let (parts, body) = response.into_parts();
            let whole = body.collect().await?.to_bytes();
            Ok(Response::from_parts(parts, Body::from(whole.slice(..whole.len() / 2))))
        }
        _ => Ok(response),
    }
}

fn json(code: u16, object: &Value, retry_after: Option<&str>) -> Response<Body> {
    respond(code, "application/json", retry_after, Body::from(object.to_string()))
}

fn refuse(failure: &Failure, retry_after: Option<&str>) -> Response<Body> {
    if failure.reason.is_empty() {
        let body = Body::from(failure.message.clone());
        return respond(failure.code, "text/plain; charset=utf-8", retry_after, body);
    }
    json(failure.code, &failure.status(), retry_after)
}

fn stream(watch: Watch) -> Response<Body> {
    respond(200, "application/json", None, Body::from_stream(watch.into_stream()))
}

fn respond(code: u16, content_type: &str, retry_after: Option<&str>, body: Body) -> Response<Body> {
    let mut response = Response::builder().status(code).header(http::header::CONTENT_TYPE, content_type);
    if let Some(after) = retry_after {
        response = response.header(http::header::RETRY_AFTER, after);
    }
    response.body(body).expect("a valid status and plain headers")
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "33", "gitVersion": "v1.33.0", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2025-04-23T00:00:00Z", "goVersion": "go1.24.2", "compiler": "gc",
        "platform": "linux/amd64",
    })
}
