//! Profiles and features of a Policy as leaves, with their secrets put in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    api::{Feature, Profile, Reason, SecretLeaf, Wso2Facet},
    drivers::{CompileContext, Finding, Severity},
    model::{EntryKind, LeafPath, LeafValue, catalogue::Lookup},
};

/// Codes that policies hold though some builds do not list them (sheet section 9).
const DOCUMENTED: &[&str] = &[
    "AIR_PLAY",
    "ALLOW_PARENT_PROFILE_APP_LINKING",
    "APN",
    "APP-RESTRICTION",
    "AUTO_TIME",
    "CALDAV",
    "CALENDAR_SUBSCRIPTION",
    "CAMERA",
    "CELLULAR",
    "COSU_PROFILE",
    "EMAIL",
    "ENCRYPT_STORAGE",
    "ENSURE_VERIFY_APPS",
    "KIOSK_APPS",
    "LDAP",
    "PASSCODE_POLICY",
    "RESTRICTION",
    "RUNTIME_PERMISSION_POLICY",
    "SET_SCREEN_CAPTURE_DISABLED",
    "SET_STATUS_BAR_DISABLED",
    "SYSTEM_UPDATE_POLICY",
    "VPN",
    "WIFI",
    "WORK_PROFILE",
];
/// Codes that do something to a device at once instead of setting something; in a policy they would do it again and
/// again.
const OPERATIONS: &[&str] = &[
    "CHANGE_LOCK_CODE",
    "CLEAR_PASSWORD",
    "DEVICE_LOCK",
    "DEVICE_MUTE",
    "DEVICE_REBOOT",
    "DEVICE_RING",
    "DEVICE_UNLOCK",
    "DISENROLL",
    "ENTERPRISE_WIPE",
    "LOCK_CODE",
    "NOTIFICATION",
    "UPGRADE_FIRMWARE",
    "WIPE_DATA",
];

/// One profile, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// As the system spells it.
    pub platform: String,
    /// `features/<CODE>`.
    pub features: BTreeMap<LeafPath, LeafValue>,
}

/// The profiles of a facet by platform in lower case.
pub fn profiles(
    facet: &Wso2Facet,
    context: &CompileContext<'_>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Prepared> {
    let mut prepared = BTreeMap::new();
    let mut reader = Reader { context, findings };
    for profile in &facet.profiles {
        let key = profile.platform.trim().to_lowercase();
        let subject = format!("spec.content.wso2.profiles[{}]", profile.platform);
        let Some(platform) = reader.platform(profile, &subject) else { continue };
        let features = reader.features(profile, &key, &subject);
        if prepared.insert(key, Prepared { platform, features }).is_some() {
            reader.refuse(Reason::Invalid, &subject, "this platform has two profiles; join them".to_owned());
        }
    }
    if facet.profiles.is_empty() {
        reader.refuse(
            Reason::Invalid,
            "spec.content.wso2.profiles",
            "at least one profile is needed".to_owned(),
        );
    }
    prepared
}

struct Reader<'a> {
    context: &'a CompileContext<'a>,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn platform(&mut self, profile: &Profile, subject: &str) -> Option<String> {
        let wanted = profile.platform.trim();
        let catalogue = self.context.catalogue;
        match catalogue.lookup(EntryKind::DeviceType, None, |entry| entry.name.eq_ignore_ascii_case(wanted)) {
            Lookup::Found(entry) => Some(entry.name.clone()),
            Lookup::Unknown if !wanted.is_empty() => Some(wanted.to_owned()),
            Lookup::Ambiguous(_) => {
                // They differ in case only: then the exact one is meant.
                let exact = catalogue.of(EntryKind::DeviceType).iter().find(|entry| entry.name == wanted);
                exact.map(|entry| entry.name.clone())
            }
            _ => {
                let known: Vec<&str> =
                    catalogue.of(EntryKind::DeviceType).iter().map(|entry| entry.name.as_str()).collect();
                let message = format!("the system has no platform {wanted:?}; it has {}", known.join(", "));
                self.refuse(Reason::Unsupported, subject, message);
                None
            }
        }
    }

    fn features(
        &mut self,
        profile: &Profile,
        platform: &str,
        subject: &str,
    ) -> BTreeMap<LeafPath, LeafValue> {
        let mut features = BTreeMap::new();
        for feature in &profile.features {
            let code = feature.code.trim().to_uppercase();
            let subject = format!("{subject}.features[{}]", feature.code);
            self.check_code(&code, platform, &subject);
            let value = self.content(feature, &subject);
            if features.insert(LeafPath(format!("features/{code}").into()), value).is_some() {
                let message = "two features have this code, ignoring case; join them".to_owned();
                self.refuse(Reason::Invalid, &subject, message);
            }
        }
        if profile.features.is_empty() {
            self.refuse(Reason::Invalid, subject, "at least one feature is needed".to_owned());
        }
        features
    }

    fn check_code(&mut self, code: &str, platform: &str, subject: &str) {
        if OPERATIONS.contains(&code) {
            let message =
                "this is an operation on devices, not a setting; it is never put into a policy".to_owned();
            return self.refuse(Reason::Unsupported, subject, message);
        }
        let catalogue = self.context.catalogue;
        let of_platform =
            || catalogue.of(EntryKind::Feature).iter().filter(|f| f.parent.as_deref() == Some(platform));
        let listed = of_platform().next().is_some() && catalogue.is_complete(EntryKind::Feature);
        let known = of_platform().any(|feature| feature.name.eq_ignore_ascii_case(code));
        let documented = DOCUMENTED.contains(&code) || code.starts_with("DISALLOW_");
        if code.is_empty() || (listed && !known && !documented) {
            let message = format!(
                "{platform} has no feature {code:?}; the system would store it and do nothing. Correct the code"
            );
            self.refuse(Reason::Unsupported, subject, message);
        }
    }

    fn content(&mut self, feature: &Feature, subject: &str) -> LeafValue {
        let mut value = feature
            .content
            .as_ref()
            .map_or_else(|| Value::Object(Map::new()), crate::api::FreeForm::to_value);
        if !value.is_object() {
            self.refuse(Reason::Invalid, subject, "content is not an object".to_owned());
        }
        for leaf in &feature.secrets {
            if let Err((reason, message)) = self.put_secret(&mut value, leaf) {
                self.refuse(reason, &format!("{subject}.secrets[{}]", leaf.path), message);
            }
        }
        LeafValue { value, secret: !feature.secrets.is_empty() }
    }

    fn put_secret(&self, value: &mut Value, leaf: &SecretLeaf) -> Result<(), (Reason, String)> {
        let (name, key) = (&leaf.secret_key_ref.name, &leaf.secret_key_ref.key);
        let secret = self.context.secrets.get(&(name.clone(), key.clone()));
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(|| {
            let message = format!(
                "Secret {name} has no key {key}, or nothing in it; create it with the label \
                                   ordain.dev/use: content"
            );
            (Reason::SecretMissing, message)
        })?;
        let text = secret
            .expose_str()
            .ok_or_else(|| (Reason::Invalid, format!("key {key} of Secret {name} is not UTF-8 text")))?;
        insert(value, &leaf.path, text.into()).map_err(|message| (Reason::Invalid, message))
    }

    fn refuse(&mut self, reason: Reason, subject: &str, message: String) {
        self.findings.push(Finding {
            severity: Severity::Refused,
            reason,
            subject: subject.to_owned(),
            message,
        });
    }
}

/// Puts a value where a JSON pointer says, making the objects on the way.
fn insert(root: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    let Some(path) = pointer.strip_prefix('/') else {
        return Err("a path is a JSON pointer, such as /password".to_owned());
    };
    let mut place = root;
    for token in path.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")) {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(members) => members.entry(token).or_insert(Value::Null),
            Value::Array(list) => {
                let index = token.parse::<usize>().ok();
                index
                    .and_then(|index| list.get_mut(index))
                    .ok_or(format!("the list has no element {token}"))?
            }
            _ => return Err(format!("{token} would be inside a plain value")),
        };
    }
    if !place.is_null() {
        return Err("content names this leaf, too; remove it there".to_owned());
    }
    *place = value;
    Ok(())
}

/// `metadata.name` and key of every Secret of a facet.
pub fn secret_refs(facet: &Wso2Facet) -> BTreeSet<(String, String)> {
    let features = facet.profiles.iter().flat_map(|profile| &profile.features);
    let leaves = features.flat_map(|feature| &feature.secrets);
    leaves.map(|leaf| (leaf.secret_key_ref.name.clone(), leaf.secret_key_ref.key.clone())).collect()
}
