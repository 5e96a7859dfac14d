//! The control port: what tests and curious users may see and do behind the doubles' backs.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DoubleService, Seen};

type Doubles = Arc<BTreeMap<&'static str, DoubleService>>;

/// The control port over `doubles` (interfaces.md section 3), keyed by [`Double::system`](super::Double::system).
pub fn router(doubles: impl IntoIterator<Item = DoubleService>) -> Router {
    let doubles: Doubles =
        Arc::new(doubles.into_iter().map(|double| (double.double().system(), double)).collect());
    Router::new()
        .route("/{system}/state", get(state))
        .route("/{system}/state", patch(patch_state))
        .route("/{system}/requests", get(requests))
        .route("/{system}/faults", post(add_fault).delete(clear_faults).get(faults))
        .with_state(doubles)
}

/// Whatever was asked wrongly: a status and a sentence.
struct Refused(StatusCode, String);

impl Refused {
    fn bad(sentence: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, sentence.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

fn double<'a>(doubles: &'a Doubles, system: &str) -> Result<&'a DoubleService, Refused> {
    doubles.get(system).ok_or_else(|| {
        let known: Vec<_> = doubles.keys().copied().collect();
        Refused(
            StatusCode::NOT_FOUND,
            format!("system {system:?} is not served here; served are {}", known.join(", ")),
        )
    })
}

fn json_of(body: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::bad(format!("the body is not JSON: {error}")))
}

async fn state(State(doubles): State<Doubles>, Path(system): Path<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(double(&doubles, &system)?.double().state()))
}

async fn patch_state(
    State(doubles): State<Doubles>,
    Path(system): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    let double = double(&doubles, &system)?.double();
    double.patch_state(json_of(&body)?).map_err(Refused::bad)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Since {
    since: Option<String>,
}

async fn requests(
    State(doubles): State<Doubles>,
    Path(system): Path<String>,
    Query(query): Query<Since>,
) -> Result<Json<Vec<Seen>>, Refused> {
    let since = match query.since {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Refused::bad(format!("since is {text:?}, wanted is the number of a request")))?,
    };
    Ok(Json(double(&doubles, &system)?.recorder().since(since)))
}

async fn faults(State(doubles): State<Doubles>, Path(system): Path<String>) -> Result<Json<Value>, Refused> {
    Ok(Json(double(&doubles, &system)?.faults().list()))
}

async fn add_fault(
    State(doubles): State<Doubles>,
    Path(system): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Refused> {
    double(&doubles, &system)?.add_fault(&json_of(&body)?).map_err(Refused::bad)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(
    State(doubles): State<Doubles>,
    Path(system): Path<String>,
) -> Result<StatusCode, Refused> {
    double(&doubles, &system)?.clear_faults();
    Ok(StatusCode::NO_CONTENT)
}
