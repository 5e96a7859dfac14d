//! What an account is and may do, found out by reading (R7).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    dialect::{Dialect, Verb},
    directory, faults,
    policies::Policies,
    session::Ask,
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

/// Probes the account that `username` belongs to.
///
/// # Errors
/// `Rejected` where another API answers, or policies may not be listed; else as for a read.
pub async fn probe(policies: &Policies, username: &str) -> Result<Probe, DriverError> {
    let tenant = tenant(username);
    check_dialect(policies).await?;
    let origin = policies.session().http().origin();
    let port = origin.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", origin.host_str().unwrap_or_default());
    let account = AccountRecord {
        fingerprint: format!("{host}/{tenant}"),
        evidence: BTreeSet::from([format!("host {host}"), format!("tenant {tenant}")]),
        api: policies.dialect().word().to_owned(),
        // No call of any dialect tells it.
        version: String::new(),
        tenant,
        capabilities: capabilities(policies).await?,
        probed_at: policies.session().http().clock().now(),
    };
    Ok(Probe { account })
}

/// The tenant of a user: what follows the last `@`, else the super tenant. Ids are shown only beside policies, which
/// an empty tenant has none of, so they cannot identify it.
fn tenant(username: &str) -> String {
    let domain = username.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase());
    domain.filter(|domain| !domain.is_empty()).unwrap_or_else(|| "carbon.super".to_owned())
}

async fn check_dialect(policies: &Policies) -> Result<(), DriverError> {
    let (path, query): (&[&str], &[(&str, &str)]) = if policies.dialect().is_a() {
        (&["policies", "count"], &[])
    } else {
        (&["policies"], &[("offset", "0"), ("limit", "1")])
    };
    let session = policies.session();
    let answer = session.send(&Ask::get(path, query)).await?;
    let wrong = |words: String| {
        let message = format!(
            "{words}. This is not the API {}: check `url` and `api` (MdmAdmin for EMM 2.0, DeviceMgtV1 for \
             EMM 2.2 and IoT Server 3, Entgra)",
            policies.dialect().word()
        );
        DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
    };
    if matches!(answer.status, 404 | 405 | 406) {
        return Err(wrong(session.http().told(&answer)));
    }
    let value = faults::checked(session.http(), policies.dialect(), &answer)?;
    if speaks(policies.dialect(), &value) { Ok(()) } else { Err(wrong(session.http().told(&answer))) }
}

fn speaks(dialect: Dialect, value: &Value) -> bool {
    if dialect.is_a() {
        return wire::integer(wire::unwrapped(value)).is_some();
    }
    wire::rows(value, &["policies"]).is_some_and(|(_, count)| count.is_some())
}

async fn capabilities(policies: &Policies) -> Result<BTreeMap<String, String>, DriverError> {
    let (session, dialect) = (policies.session(), policies.dialect());
    let mut found = BTreeMap::from([("ListPolicies".to_owned(), ALLOWED.to_owned())]);
    let mut put = |name: &str, state: &str| drop(found.insert(name.to_owned(), state.to_owned()));
    // One page tells whether it may be listed.
    let readable = [
        ("ListPlatforms", directory::device_types(session, dialect).await?),
        ("ListRoles", directory::roles(session, dialect, 1).await?),
        ("ListUsers", directory::users(session, dialect, 1).await?),
        ("ListGroups", directory::groups(session, dialect, 1).await?),
    ];
    for (name, listed) in readable {
        match listed {
            Some(_) => put(name, ALLOWED),
            None => put(name, DENIED),
        }
    }
    let scopes = session.scopes().await;
    for verb in Verb::ALL {
        put(verb.capability(), granted(dialect.scope(verb), scopes.as_deref()));
    }
    Ok(found)
}

/// Whether the token's scopes let a call through; dialect A decides by permissions that nothing shows.
fn granted(needed: Option<&str>, scopes: Option<&str>) -> &'static str {
    match (needed, scopes) {
        (Some(needed), Some(scopes)) if scopes.split_whitespace().any(|scope| scope == needed) => ALLOWED,
        (Some(_), Some(scopes)) if !scopes.trim().is_empty() => DENIED,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenant_follows_the_last_at() {
        let cases = [
            ("admin", "carbon.super"),
            ("admin@carbon.super", "carbon.super"),
            ("admin@Example.com", "example.com"),
            ("jane@corp.example@tenant.example", "tenant.example"),
            ("admin@", "carbon.super"),
        ];
        for (username, expected) in cases {
            assert_eq!(tenant(username), expected, "{username}");
        }
    }

    #[test]
    fn a_scope_that_was_not_granted_is_denied() {
        let cases = [
            (Some("a"), Some("a b"), ALLOWED),
            (Some("a"), Some("ab b"), DENIED),
            (Some("a"), Some(""), UNKNOWN),
            (Some("a"), None, UNKNOWN),
            (None, Some("a"), UNKNOWN),
        ];
        for (needed, scopes, expected) in cases {
            assert_eq!(granted(needed, scopes), expected);
        }
    }
}
