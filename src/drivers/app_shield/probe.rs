//! What an account is and may do, found out by reading (R7).

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{directory, policies::Policies};
use crate::{
    drivers::{Probe, error::DriverError},
    model::memory::AccountRecord,
};

const ALLOWED: &str = "Allowed";
const DENIED: &str = "Denied";
const UNKNOWN: &str = "Unknown";

/// Logs in and lists groups, which needs the right to manage.
///
/// # Errors
/// As for [`super::session::Session::send`].
pub async fn probe(policies: &Policies) -> Result<Probe, DriverError> {
    let session = policies.session();
    let groups = directory::groups(session).await?;
    let admin = session.is_admin().await?;
    let paths = policies.paths();
    let capability = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    let configured = |path: &Option<String>| if path.is_some() { ALLOWED } else { UNKNOWN };
    let base = base(session.http().origin());
    Ok(Probe {
        account: AccountRecord {
            fingerprint: base.trim_start_matches("https://").to_owned(),
            evidence: BTreeSet::from([base]),
            api: "AppShield".to_owned(),
            // No call tells either.
            version: String::new(),
            tenant: String::new(),
            capabilities: BTreeMap::from([
                capability("SavePolicies", if admin { ALLOWED } else { UNKNOWN }),
                capability("ListGroups", if groups.is_some() { ALLOWED } else { DENIED }),
                capability("ListPolicies", configured(&paths.list)),
                capability("ReadPolicies", configured(&paths.get)),
                capability("DeletePolicies", configured(&paths.delete)),
            ]),
            probed_at: session.http().clock().now(),
        },
    })
}

/// Scheme, host, port and base path: an installation is known by where it is. Upper and lower case of the path do not
/// count (sheet section 2).
fn base(url: &Url) -> String {
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/').to_lowercase();
    format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_installation_is_known_by_where_it_is() {
        let cases = [
            ("https://bi.example/api", "https://bi.example:443/api"),
            ("https://BI.example:443/API/", "https://bi.example:443/api"),
            ("https://bi.example:8443/yurbi/api", "https://bi.example:8443/yurbi/api"),
            ("http://localhost:8080", "http://localhost:8080"),
        ];
        for (url, expected) in cases {
            assert_eq!(base(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
