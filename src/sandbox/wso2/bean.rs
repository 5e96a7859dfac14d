//! Request bodies: the wrapper beans, how they are parsed and what validation says (section 3.2).

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    answer::{self, Answer},
    content, dates,
    options::{Dialect, Wso2Options},
    rows::{DeviceId, Draft, GroupLink},
    store::Store,
};

/// `PolicyWrapper`. Members nobody knows are ignored, null is as good as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PolicyBean {
    policy_name: Option<String>,
    description: Option<String>,
    compliance: Option<String>,
    ownership_type: Option<String>,
    active: Option<bool>,
    profile: Option<ProfileBean>,
    profile_id: Option<i64>,
    roles: Option<Vec<String>>,
    users: Option<Vec<String>>,
    device_identifiers: Option<Vec<DeviceId>>,
    device_groups: Option<Vec<GroupBean>>,
    payload_version: Option<String>,
    policy_type: Option<String>,
    corrective_actions: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProfileBean {
    profile_id: Option<i64>,
    profile_name: Option<String>,
    device_type: Option<Value>,
    created_date: Option<String>,
    updated_date: Option<String>,
    profile_features_list: Option<Vec<FeatureBean>>,
}

/// A setting. `deviceType` is only looked at by dialect C.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FeatureBean {
    feature_code: Option<String>,
    device_type: Option<String>,
    content: Value,
    corrective_actions: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GroupBean {
    id: Option<i64>,
    name: Option<String>,
}

/// An item of the priorities call.
#[derive(Debug, Deserialize)]
pub(super) struct PriorityBean {
    #[serde(default)]
    pub id: i64,
    #[serde(default)]
    pub priority: i64,
}

/// The body as JSON of the wanted shape; `None` for no body or `null`.
pub(super) fn parse<T: DeserializeOwned>(options: &Wso2Options, body: &[u8]) -> Result<Option<T>, Answer> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(body).map_err(|_| malformed(options))
}

fn malformed(options: &Wso2Options) -> Answer {
    if options.dialect.is_admin() {
        return answer::crash(options);
    }
    Answer::json(
        400,
        &json!({
            "code": 400, "message": "Bad Request", "description": "Malformed request body", "errorItems": []
        }),
    )
}

/// A policy from a request, checked as far as the dialect checks.
pub(super) fn policy(options: &Wso2Options, store: &Store, body: &[u8]) -> Result<Draft, Answer> {
    let bean: Option<PolicyBean> = parse(options, body)?;
    let Some(bean) = bean else {
        let admin = options.dialect.is_admin();
        return Err(if admin {
            answer::crash(options)
        } else {
            answer::error(400, Some(400), "Policy is empty.")
        });
    };
    if !options.dialect.is_admin() {
        validate(options, &bean)?;
    }
    draft(options, store, bean)
}

/// Bean validation of B and C, then C's validation of features.
fn validate(options: &Wso2Options, bean: &PolicyBean) -> Result<(), Answer> {
    let entgra = options.dialect == Dialect::Entgra;
    let limited = [
        ("policyName", &bean.policy_name, 45),
        ("description", &bean.description, 1000),
        ("compliance", &bean.compliance, 100),
        ("ownershipType", &bean.ownership_type, 45),
        ("payloadVersion", if entgra { &bean.payload_version } else { &None }, 45),
    ];
    let items: Vec<(String, String)> = limited
        .into_iter()
        .filter(|(_, text, max)| text.as_deref().is_some_and(|t| t.encode_utf16().count() > *max))
        .map(|(path, _, max)| (path.to_owned(), format!("size must be between 0 and {max}")))
        .collect();
    if !items.is_empty() {
        return Err(answer::validation(&items));
    }
    let features = bean.profile.as_ref().and_then(|p| p.profile_features_list.as_deref());
    match features {
        Some(features) if entgra => check_features(options, features),
        _ => Ok(()),
    }
}

/// C: what `POST /policies/validate`, add and update refuse (section 2.3).
pub(super) fn check_features(options: &Wso2Options, features: &[FeatureBean]) -> Result<(), Answer> {
    let bad = |text: &str| Err(answer::error(400, Some(400), text));
    let Some(first) = features.first() else { return bad("Feature list is empty.") };
    let kind = |f: &FeatureBean| f.device_type.clone().unwrap_or_default().trim().to_owned();
    if features.iter().any(|f| kind(f).is_empty()) {
        return bad("Device type of a feature is blank.");
    }
    if features.iter().any(|f| kind(f) != kind(first)) {
        return bad("Features of different device types in one policy.");
    }
    let refused = features.iter().filter_map(|f| f.feature_code.as_deref());
    match refused.into_iter().find(|code| options.payload_rejects.contains(*code)) {
        Some(code) => {
            Err(Answer::typed(400, "text/plain", format!("Invalid payload found for feature {code}")))
        }
        None => Ok(()),
    }
}

fn draft(options: &Wso2Options, store: &Store, bean: PolicyBean) -> Result<Draft, Answer> {
    let crash = || answer::crash(options);
    let profile = bean.profile.ok_or_else(crash)?;
    let dated = [&profile.created_date, &profile.updated_date].into_iter().flatten();
    if dated.into_iter().any(|text| !dates::readable(options, text)) {
        return Err(malformed(options));
    }
    let features = profile.profile_features_list.ok_or_else(crash)?;
    let admin = options.dialect.is_admin();
    Ok(Draft {
        name: bean.policy_name.ok_or_else(crash)?,
        description: bean.description,
        compliance: bean.compliance,
        ownership: bean.ownership_type,
        active: !admin && bean.active.unwrap_or(false),
        roles: bean.roles,
        users: bean.users,
        devices: if admin { Vec::new() } else { bean.device_identifiers.unwrap_or_default() },
        groups: if admin {
            Vec::new()
        } else {
            groups(options, store, bean.device_groups.unwrap_or_default())?
        },
        profile_id: profile.profile_id.or(bean.profile_id.filter(|_| admin)).unwrap_or(0),
        profile_name: profile.profile_name,
        device_type: device_type(options, store, profile.device_type.as_ref())?,
        features: stored(options, features)?,
        extra: extra(options, bean.payload_version, bean.policy_type, bean.corrective_actions),
    })
}

fn stored(
    options: &Wso2Options,
    features: Vec<FeatureBean>,
) -> Result<Vec<(String, String, Option<Value>)>, Answer> {
    let keep_corrective = options.dialect == Dialect::Entgra;
    features
        .into_iter()
        .map(|feature| {
            let code = feature.feature_code.ok_or_else(|| answer::crash(options))?;
            let content = content::stored(&feature.content, options.doubles_in_content);
            Ok((code, content, feature.corrective_actions.filter(|_| keep_corrective)))
        })
        .collect()
}

/// A: an object whose `id` counts. B, C: a string, stored whatever it is.
fn device_type(options: &Wso2Options, store: &Store, sent: Option<&Value>) -> Result<String, Answer> {
    let crash = || answer::crash(options);
    match (options.dialect.is_admin(), sent) {
        (true, Some(Value::Object(object))) => {
            let id = object.get("id").ok_or_else(crash)?.as_i64().ok_or_else(|| malformed(options))?;
            store.types.iter().find(|t| t.id == id).map(|t| t.name.clone()).ok_or_else(crash)
        }
        (false, Some(Value::String(name))) => Ok(name.clone()),
        (_, None | Some(Value::Null)) => Err(crash()),
        _ => Err(malformed(options)),
    }
}

/// Links go by id; `ANY` has none.
fn groups(options: &Wso2Options, store: &Store, sent: Vec<GroupBean>) -> Result<Vec<GroupLink>, Answer> {
    sent.into_iter()
        .map(|bean| {
            let id = bean.id.unwrap_or(0);
            let name = bean.name.unwrap_or_default();
            let known = store.groups.iter().find(|(_, group)| group.id == id).map(|(name, _)| name.clone());
            match known {
                Some(name) => Ok(GroupLink { id, name }),
                None if name.eq_ignore_ascii_case("ANY") || !options.group_ids_checked => {
                    Ok(GroupLink { id, name })
                }
                None => Err(answer::crash(options)),
            }
        })
        .collect()
}

fn extra(
    options: &Wso2Options,
    version: Option<String>,
    kind: Option<String>,
    corrective: Option<Value>,
) -> BTreeMap<&'static str, Value> {
    if options.dialect != Dialect::Entgra {
        return BTreeMap::new();
    }
    let members = [
        ("policyPayloadVersion", version.map(Value::String)),
        ("policyType", kind.map(Value::String)),
        ("correctiveActions", corrective),
    ];
    members.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}
