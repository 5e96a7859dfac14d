//! What an account is and may do, found out by reading (R7; vendor sheet section 3).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    calls::Need,
    directory, lists,
    session::{Ask, Session},
    view::{self, View},
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        Probe,
        error::{Class, DriverError},
    },
    model::memory::AccountRecord,
};

const ALLOWED: &str = "Allowed";
const DENIED: &str = "Denied";
const UNKNOWN: &str = "Unknown";

/// Securable types and operations this driver needs.
const RIGHTS: [(&str, &str); 5] = [
    ("GuaranteedState", "Read"),
    ("GuaranteedState", "Write"),
    ("GuaranteedState", "Delete"),
    ("PolicyDeployment", "Execute"),
    ("PolicyAssignment", "Assign"),
];

/// Probes the server behind the session.
///
/// # Errors
/// `Rejected` where another API answers, or policies may not be listed; else as for a read.
pub async fn probe(session: &Session) -> Result<Probe, DriverError> {
    session.counts().forget();
    let version = view::version(session).await?;
    lists::first_page(session).await.map_err(other_api)?;
    let groups = directory::groups(session).await?;
    let view = view::view(session, groups.whole()).await?;
    let origin = session.http().origin();
    let port = origin.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", origin.host_str().unwrap_or_default());
    let account = AccountRecord {
        evidence: BTreeSet::from([format!("instance {host}")]),
        fingerprint: host,
        api: "Consumer".to_owned(),
        version,
        tenant: String::new(),
        capabilities: capabilities(session, &view).await?,
        probed_at: session.http().clock().now(),
    };
    Ok(Probe { account })
}

fn other_api(error: DriverError) -> DriverError {
    if !matches!(error.class, Class::Gone) {
        return error;
    }
    let message = format!(
        "{}. This is not the Consumer API with policies (version 4.0 or later): check that url is the root of the host",
        error.message
    );
    DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
}

async fn capabilities(session: &Session, view: &View) -> Result<BTreeMap<String, String>, DriverError> {
    let mut found = BTreeMap::new();
    for (securable, operation) in RIGHTS {
        found
            .insert(format!("{securable}:{operation}"), may(session, securable, operation).await?.to_owned());
    }
    // The first page was just read.
    found.insert("GuaranteedState:Read".to_owned(), ALLOWED.to_owned());
    let whole = if *view == View::Full { ALLOWED } else { UNKNOWN };
    found.insert("ManagementGroups:All".to_owned(), whole.to_owned());
    Ok(found)
}

/// What the system says about a right; the form of its answer is unknown. Errors about the connection are none about
/// the right.
async fn may(session: &Session, securable: &str, operation: &str) -> Result<&'static str, DriverError> {
    let path = ["Permissions", "Type", securable, "Operation", operation];
    match session.read(&Ask::get(&path, &[], Need::NOTHING)).await {
        Ok(answer) => Ok(match wire::says_yes(&answer) {
            Some(true) => ALLOWED,
            Some(false) => DENIED,
            None => UNKNOWN,
        }),
        Err(error) if matches!(error.class, Class::Unauthorized | Class::Throttled { .. }) => Err(error),
        Err(_) => Ok(UNKNOWN),
    }
}
