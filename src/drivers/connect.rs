//! The register of drivers: from `spec.system` to whoever speaks it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use url::Url;

use super::{
    Driver, Translate, app_shield,
    error::{Class, DriverError},
    http::{HttpClient, Limits, SharedTransport, address},
    symphony, tachyon, wfbss, wso2,
};
use crate::{
    api::{Reason, SystemSpec as System},
    model::{Clock, OwnerId, Secret},
};

/// A driver for this system with these credentials; no call is made.
///
/// # Errors
/// `Rejected`: `CredentialsInvalid` naming a missing or empty key, `Invalid` for a URL, `VersionUnsupported` for
/// a generation that is not spoken, `SystemUnavailable` for a system without a driver.
pub fn connect(
    system: &System,
    credentials: &BTreeMap<String, Secret>,
    owner: &OwnerId,
    transport: SharedTransport,
    limits: Limits,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Driver>, DriverError> {
    match system {
        System::Wso2(settings) => {
            let http = HttpClient::new(transport, system_url("url", &settings.url)?, limits, clock);
            Ok(Arc::new(wso2::Wso2::new(settings, credentials, owner, http)?))
        }
        System::Wfbss(settings) => {
            required_key(credentials, "accessToken")?;
            required_key(credentials, "secretKey")?;
            let http = HttpClient::new(transport, system_url("url", &settings.url)?, limits, clock.clone());
            Ok(Arc::new(wfbss::Wfbss::new(settings, credentials, http, clock)?))
        }
        System::Symphony(settings) => {
            let http = HttpClient::new(transport, system_url("podUrl", &settings.pod_url)?, limits, clock);
            Ok(Arc::new(symphony::Symphony::new(settings, credentials, owner, http)?))
        }
        System::AppShield(settings) => {
            let http = HttpClient::new(transport, system_url("url", &settings.url)?, limits, clock);
            Ok(Arc::new(app_shield::AppShield::new(settings, credentials, http)?))
        }
        System::Tachyon(settings) => {
            let http = HttpClient::new(transport, system_url("url", &settings.url)?, limits, clock);
            Ok(Arc::new(tachyon::Tachyon::new(settings, credentials, http)?))
        }
    }
}

/// When credentials end for good, so that somebody must put others into the Secret; `None` where they do not tell, or
/// cannot be read.
pub fn expiry(system: &System, credentials: &BTreeMap<String, Secret>) -> Option<Timestamp> {
    match system {
        System::Tachyon(_) => tachyon::expiry(credentials),
        // User names, passwords and keys without a date.
        System::Wso2(_) | System::Wfbss(_) | System::Symphony(_) | System::AppShield(_) => None,
    }
}

/// What each system is, with default settings where it depends on them; in the order of `spec.system`.
pub const ALL: [super::Facts; 5] = [
    wfbss::FACTS,
    symphony::translate::FACTS,
    app_shield::translate::FACTS,
    tachyon::translate::FACTS,
    wso2::translate::FACTS,
];

/// What is known of a system without connecting to it: enough to compile assignments.
pub fn translate(system: &System) -> Arc<dyn Translate> {
    match system {
        System::Wso2(settings) => Arc::new(wso2::Translator::from(settings)),
        System::Wfbss(settings) => Arc::new(wfbss::Translator::from(settings)),
        System::Symphony(settings) => Arc::new(symphony::Translator::from(settings)),
        System::AppShield(settings) => Arc::new(app_shield::Translator::from(settings)),
        System::Tachyon(settings) => Arc::new(tachyon::Translator::from(settings)),
    }
}

/// A key of the credentials that must hold something.
///
/// # Errors
/// `CredentialsInvalid`, naming the key.
pub fn required_key<'a>(
    credentials: &'a BTreeMap<String, Secret>,
    key: &str,
) -> Result<&'a Secret, DriverError> {
    optional_key(credentials, key).ok_or_else(|| {
        let state = if credentials.contains_key(key) { "empty" } else { "missing" };
        let message = format!("key {key} of the Secret in credentialsRef is {state}; store it there");
        DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
    })
}

/// A key of the credentials, if it holds something.
pub fn optional_key<'a>(credentials: &'a BTreeMap<String, Secret>, key: &str) -> Option<&'a Secret> {
    credentials.get(key).filter(|secret| !secret.is_empty())
}

/// A URL of `spec.system`. Whether loopback is allowed is for the transport to say, which checks every call.
///
/// # Errors
/// `Invalid` or `AddressRefused`, naming the field.
pub fn system_url(field: &str, text: &str) -> Result<Url, DriverError> {
    let url = Url::parse(text).map_err(|error| {
        let message = format!("spec.system {field}: not a URL ({error})");
        DriverError::new(Class::Rejected, Reason::Invalid, message)
    })?;
    address::check_url(&url, true).map_err(|problem| {
        let message = format!("spec.system {field}: {problem}");
        DriverError::new(Class::Rejected, Reason::AddressRefused, message)
    })?;
    Ok(url)
}
