//! Rows as JSON: Java field names, null members omitted (vendor sheet section 3).

use serde_json::{Map, Value, json};

use super::{
    dates,
    options::{Dialect, Wso2Options},
    rows::{Device, DeviceId, Moment, Policy, Profile},
    store::Store,
};

/// A policy as it is returned.
pub(super) fn policy(store: &Store, options: &Wso2Options, policy: &Policy, profile: &Profile) -> Value {
    let devices: Vec<Value> = policy.devices.iter().map(|id| device_bean(id, store.device(id))).collect();
    let mut out = json!({
        "id": policy.id,
        "priorityId": policy.priority,
        "profile": profile_json(store, options, profile),
        "policyName": policy.name,
        "generic": false,
        "roles": policy.roles,
        "ownershipType": policy.ownership,
        "devices": devices,
        "users": policy.users,
        "active": policy.active,
        "updated": policy.updated,
        "description": policy.description,
        "compliance": policy.compliance,
        "policyCriterias": [],
        "tenantId": options.tenant_id,
        "profileId": profile.id,
    });
    if let Some(object) = out.as_object_mut() {
        if !options.dialect.is_admin() {
            object.insert("deviceGroups".to_owned(), groups(store, options, policy));
        }
        object.extend(policy.extra.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        object.retain(|_, value| !value.is_null());
    }
    out
}

/// B with the cache off: the DAO joins less (section 2.2).
pub(super) fn uncached(mut policy: Value) -> Value {
    if let Some(object) = policy.as_object_mut() {
        for member in ["ownershipType", "deviceGroups", "policyCriterias"] {
            object.remove(member);
        }
    }
    policy
}

fn groups(store: &Store, options: &Wso2Options, policy: &Policy) -> Value {
    policy
        .groups
        .iter()
        .map(|link| {
            let owner = store.groups.get(&link.name).map_or("admin", |g| g.owner.as_str());
            json!({"id": link.id, "name": link.name, "owner": owner, "tenantId": options.tenant_id})
        })
        .collect()
}

fn profile_json(store: &Store, options: &Wso2Options, profile: &Profile) -> Value {
    let type_id = store.types.iter().find(|t| t.name == profile.device_type).map_or(0, |t| t.id);
    let admin = options.dialect.is_admin();
    let features: Vec<Value> =
        profile.features.iter().map(|f| feature(options, profile, type_id, f)).collect();
    let mut out = json!({
        "profileId": profile.id,
        "profileName": profile.name,
        "tenantId": options.tenant_id,
        "deviceType": if admin { json!({"id": type_id, "name": profile.device_type}) } else { json!(profile.device_type) },
        "createdDate": dates::text(options, profile.created),
        "updatedDate": dates::text(options, profile.updated),
        "profileFeaturesList": features,
    });
    if let Some(object) = out.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    out
}

fn feature(options: &Wso2Options, profile: &Profile, type_id: i64, feature: &super::rows::Feature) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(feature.id));
    out.insert("featureCode".to_owned(), json!(feature.code));
    out.insert("profileId".to_owned(), json!(profile.id));
    out.insert("content".to_owned(), json!(feature.content));
    if options.dialect.is_admin() {
        out.insert("deviceTypeId".to_owned(), json!(type_id));
    } else {
        out.insert("deviceType".to_owned(), json!(profile.device_type));
    }
    if options.dialect == Dialect::Entgra {
        out.insert("correctiveActions".to_owned(), feature.corrective_actions.clone().unwrap_or(json!([])));
    }
    Value::Object(out)
}

/// A whole device, as `devices` lists them (its exact members are not known, section 12).
fn device_bean(id: &DeviceId, device: Option<&Device>) -> Value {
    let Some(device) = device else { return json!({"type": id.kind, "deviceIdentifier": id.id}) };
    json!({
        "name": device.name,
        "type": id.kind,
        "deviceIdentifier": id.id,
        "enrolmentInfo": {"owner": device.owner, "ownership": device.ownership, "status": "ACTIVE"},
        "features": [],
        "properties": [],
    })
}

/// The compliance record of a device: zeros and `false` until the agent has reported (section 3.3).
pub(super) fn compliance(
    store: &Store,
    options: &Wso2Options,
    device: &Device,
    now: Moment,
) -> Option<Value> {
    let delivered = device.delivered.as_ref()?;
    let row = store.devices.iter().position(|d| d.id == device.id).map_or(0, |i| i + 1);
    let reported = (now.mono.saturating_sub(delivered.at.mono)).as_secs() >= options.compliance_after;
    let violated: Vec<Value> = delivered
        .profile
        .features
        .iter()
        .filter(|f| device.violations.contains(&f.code))
        .map(|f| json!({"featureCode": f.code, "compliance": false}))
        .collect();
    let (status, attempts) = (reported && violated.is_empty(), i32::from(!violated.is_empty()));
    Some(json!({
        "id": if reported { row } else { 0 },
        "deviceId": if reported { row } else { 0 },
        "enrolmentId": if reported { row } else { 0 },
        "policyId": if reported { delivered.policy.id } else { 0 },
        "status": status,
        "attempts": if reported { attempts } else { 0 },
        "completePolicy": false,
        "complianceFeatures": if reported { violated } else { Vec::new() },
    }))
}
