//! What an account is and may do, found out by reading (R7; vendor sheet sections 3.4, 3.5).

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, Method};
use serde_json::Value;

use super::{
    lists::{self, DICTIONARIES, POLICIES},
    session::Session,
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        Probe,
        error::{Class, DriverError},
        http::Call,
    },
    model::memory::AccountRecord,
};

/// Probes the pod behind the session.
///
/// # Errors
/// `Rejected` where another API answers, or policies may not be listed; else as for a read.
pub async fn probe(session: &Session) -> Result<Probe, DriverError> {
    lists::first_page(session, POLICIES).await.map_err(other_api)?;
    let dictionaries = may(lists::first_page(session, DICTIONARIES).await)?;
    let pod = session.pod().origin();
    let port = pod.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", pod.host_str().unwrap_or_default());
    let account = AccountRecord {
        evidence: BTreeSet::from([format!("pod {host}")]),
        fingerprint: host,
        api: "V1".to_owned(),
        version: version(session).await.unwrap_or_default(),
        tenant: String::new(),
        // One role is for reading and writing, so that listing tells what may be written too.
        capabilities: BTreeMap::from([
            ("ListPolicies".to_owned(), "Allowed".to_owned()),
            ("ListDictionaries".to_owned(), dictionaries.to_owned()),
        ]),
        probed_at: session.http().clock().now(),
    };
    Ok(Probe { account })
}

/// The end of life of this generation is not known; an Agent without it answers 404.
fn other_api(error: DriverError) -> DriverError {
    if error.class != Class::Gone {
        return error;
    }
    let message = format!(
        "{}. This Agent does not serve policies of generation V1: check agentUrl, and whether the pod has them still",
        error.message
    );
    DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
}

/// Errors about the connection are none about the right.
fn may(listed: Result<(), DriverError>) -> Result<&'static str, DriverError> {
    match listed {
        Ok(()) => Ok("Allowed"),
        Err(error) if error.reason == Reason::Forbidden => Ok("Denied"),
        Err(error) if matches!(error.class, Class::Unauthorized | Class::Throttled { .. }) => Err(error),
        Err(_) => Ok("Unknown"),
    }
}

/// `Agent-24.12.3-…`, from a call that needs no token; for people only.
async fn version(session: &Session) -> Option<String> {
    let call = Call {
        method: Method::GET,
        path: &["agent", "v1", "info"],
        query: &[],
        headers: HeaderMap::new(),
        body: None,
        effect: false,
        authorise: None,
    };
    let answer = session.http().send(call).await.ok().filter(|answer| answer.status == 200)?;
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    wire::text(&value, "version").map(|version| version.chars().take(100).collect())
}
