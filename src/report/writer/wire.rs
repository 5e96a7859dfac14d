//! The calls: status and finalizers, as JSON patches that refuse a namesake.
//!
//! A merge patch of `status` does not look at `metadata.uid` at all, so every patch tests it.

use std::time::Duration;

use http::{Method, Request, header};
use kube::Client;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{
    object::{Key, Rendered},
    queue::{Action, Outcome, Pin, Pins, Step},
};
use crate::{
    api::{ANNOTATION_EXTERNAL_ID, FIELD_MANAGER},
    model::Uid,
    worker::ports::WriteError,
};

/// How long one call may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// How often a finalizer is tried against somebody who keeps changing the object.
const CONTESTS: usize = 5;
/// Only metadata is wanted back; a server that cannot answers with everything.
const ACCEPT: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

#[derive(Deserialize)]
struct Answer {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    finalizers: Vec<String>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

impl Metadata {
    fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or_default()
    }

    fn pins(&self, ours: &str) -> Pins {
        let bears = |wanted: bool| self.finalizers.iter().any(|one| (one == ours) == wanted);
        Pins { ours: bears(true), others: bears(false) }
    }
}

/// What a call met with instead of an answer.
enum Trouble {
    /// 404.
    Missing,
    /// 409: somebody else wrote at the same moment.
    Conflict(String),
    /// 422: a test failed, or the content is refused; looking again tells which.
    Invalid(String),
    Refused(String),
    Unavailable(String, Option<Duration>),
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Missing => Self::Gone,
            Trouble::Refused(why) | Trouble::Invalid(why) => {
                Self::Failed { error: WriteError::Refused(why), after: None }
            }
            Trouble::Conflict(why) => Self::Failed { error: WriteError::Unavailable(why), after: None },
            Trouble::Unavailable(why, after) => Self::Failed { error: WriteError::Unavailable(why), after },
        }
    }
}

/// Makes the call of a step.
pub(super) async fn perform(client: &Client, step: &Step) -> Outcome {
    match &step.action {
        Action::Status(rendered) => status(client, &step.key, &step.uid, rendered).await,
        Action::Pin(pin, pins) => finalizer(client, &step.key, &step.uid, *pin, *pins).await,
        Action::Annotate(text) => note(client, &step.key, &step.uid, text).await,
    }
}

#[derive(Serialize)]
struct Operation<'a, T> {
    op: &'static str,
    path: &'a str,
    value: T,
}

async fn status(client: &Client, key: &Key, uid: &Uid, rendered: &Rendered) -> Outcome {
    let Ok(status) = serde_json::from_str::<&RawValue>(&rendered.text) else {
        return Trouble::Refused("the status has no JSON form".to_owned()).into();
    };
    let patch = (
        Operation { op: "test", path: "/metadata/uid", value: &*uid.0 },
        Operation { op: "add", path: "/status", value: status },
    );
    match send(client, &format!("{}/status", key.path()), &patch).await {
        Ok(metadata) => Outcome::Done { version: metadata.version(), pins: None },
        Err(Trouble::Invalid(why)) => match read(client, key, uid).await {
            Ok(_) => Trouble::Refused(why).into(),
            Err(trouble) => trouble.into(),
        },
        Err(trouble) => trouble.into(),
    }
}

/// Writes the recorded id (R15). A merge patch of the object itself is refused where the uid is another's: it is immutable.
async fn note(client: &Client, key: &Key, uid: &Uid, text: &str) -> Outcome {
    let patch = json!({"metadata": {"uid": &*uid.0, "annotations": {ANNOTATION_EXTERNAL_ID: text}}});
    match patched(client, &key.path(), "application/merge-patch+json", &patch).await {
        Ok(metadata) => Outcome::Done { version: metadata.version(), pins: None },
        Err(trouble @ (Trouble::Conflict(_) | Trouble::Invalid(_))) => {
            read(client, key, uid).await.err().unwrap_or(trouble).into()
        }
        Err(trouble) => trouble.into(),
    }
}

/// Puts our finalizer on or takes it off; starts from what is known, reads when that was wrong.
async fn finalizer(client: &Client, key: &Key, uid: &Uid, change: Pin, known: Option<Pins>) -> Outcome {
    let Some(ours) = key.finalizer() else {
        return Trouble::Refused(format!("a {} bears no finalizer of ours", key.kind())).into();
    };
    let mut list = known.and_then(|pins| guess(pins, ours));
    let mut last = String::new();
    for _ in 0..CONTESTS {
        let finalizers = match list.take() {
            Some(finalizers) => finalizers,
            None => match read(client, key, uid).await {
                Ok(metadata) if change == Pin::Add && metadata.deletion_timestamp.is_some() => {
                    return Trouble::Refused("the object is being deleted".to_owned()).into();
                }
                Ok(metadata) if metadata.pins(ours).ours == (change == Pin::Add) => {
                    return done(&metadata, ours);
                }
                Ok(metadata) => metadata.finalizers,
                Err(trouble) => return trouble.into(),
            },
        };
        match send(client, &key.path(), &pin_patch(change, ours, uid, &finalizers)).await {
            Ok(metadata) if metadata.finalizers.is_empty() && metadata.deletion_timestamp.is_some() => {
                return Outcome::Gone;
            }
            Ok(metadata) => return done(&metadata, ours),
            Err(Trouble::Conflict(why) | Trouble::Invalid(why)) => last = why,
            Err(trouble) => return trouble.into(),
        }
    }
    Trouble::Conflict(last).into()
}

fn done(metadata: &Metadata, ours: &str) -> Outcome {
    Outcome::Done { version: metadata.version(), pins: Some(metadata.pins(ours)) }
}

/// The list of finalizers, where there is no doubt.
fn guess(pins: Pins, ours: &str) -> Option<Vec<String>> {
    (!pins.others).then(|| if pins.ours { vec![ours.to_owned()] } else { vec![] })
}

fn pin_patch(wanted: Pin, ours: &str, uid: &Uid, standing: &[String]) -> serde_json::Value {
    let before = if standing.is_empty() { serde_json::Value::Null } else { json!(standing) };
    let mut after: Vec<&str> = standing.iter().map(String::as_str).filter(|one| *one != ours).collect();
    if wanted == Pin::Add {
        after.push(ours);
    }
    json!([
        {"op": "test", "path": "/metadata/uid", "value": &*uid.0},
        {"op": "test", "path": "/metadata/finalizers", "value": before},
        {"op": "add", "path": "/metadata/finalizers", "value": after},
    ])
}

async fn send(client: &Client, path: &str, operations: &impl Serialize) -> Result<Metadata, Trouble> {
    patched(client, path, "application/json-patch+json", operations).await
}

async fn patched(
    client: &Client,
    path: &str,
    form: &'static str,
    patch: &impl Serialize,
) -> Result<Metadata, Trouble> {
    let body = serde_json::to_vec(patch).map_err(|error| Trouble::Refused(error.to_string()))?;
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(format!("{path}?fieldManager={FIELD_MANAGER}"))
        .header(header::CONTENT_TYPE, form)
        .header(header::ACCEPT, ACCEPT)
        .body(body);
    call(client, request).await
}

/// The object's metadata, if it is still that object.
async fn read(client: &Client, key: &Key, uid: &Uid) -> Result<Metadata, Trouble> {
    let request = Request::builder().uri(key.path()).header(header::ACCEPT, ACCEPT).body(vec![]);
    let metadata = call(client, request).await?;
    if metadata.uid == *uid.0 { Ok(metadata) } else { Err(Trouble::Missing) }
}

async fn call(client: &Client, request: http::Result<Request<Vec<u8>>>) -> Result<Metadata, Trouble> {
    let request = request.map_err(|error| Trouble::Refused(error.to_string()))?;
    match tokio::time::timeout(TIMEOUT, client.request::<Answer>(request)).await {
        Ok(Ok(answer)) => Ok(answer.metadata),
        Ok(Err(error)) => Err(classify(error)),
        Err(_) => Err(Trouble::Unavailable(format!("no answer within {TIMEOUT:?}"), None)),
    }
}

fn classify(error: kube::Error) -> Trouble {
    let kube::Error::Api(status) = error else {
        return Trouble::Unavailable(error.to_string(), None);
    };
    let after = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|after| *after > 0);
    match status.code {
        404 => Trouble::Missing,
        409 => Trouble::Conflict(status.message),
        422 => Trouble::Invalid(status.message),
        429 | 500.. => Trouble::Unavailable(status.message, after.map(|s| Duration::from_secs(s.into()))),
        _ => Trouble::Refused(status.message),
    }
}
