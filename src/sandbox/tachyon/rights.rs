//! The product, its consumers, and what the caller may do (sections 1 to 3).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    inner::{Call, Inner},
    options::{PermissionForm, RoleFlag, RoleRows},
    people::{Grant, PERMISSIONS},
    render,
};

/// `GET /Consumer/Information`.
pub fn information(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    Ok(Answer::json(json!({"Product": "1E Platform", "Version": inner.options.version})))
}

/// `GET /Consumer/Consumers`, which does not check the consumer.
pub fn consumers(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    let one = |(at, one): (usize, &super::people::Consumer)| json!({"Id": at + 1, "Name": one.name, "Enabled": one.enabled, "Licensed": one.licensed});
    Ok(Answer::json(inner.people.consumers.values().enumerate().map(one).collect()))
}

/// `GET /Consumer/Permissions/rbac/enabled`.
pub fn rbac(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    Ok(Answer::json(inner.options.rbac_enabled.into()))
}

/// `GET /Consumer/Permissions/Type/{securableTypeName}/Operation/{operation}`.
pub fn permission(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let part = |at: usize| call.path.get(at).map(String::as_str).unwrap_or_default();
    let (kind, operation) = (part(2), part(4));
    let asked = format!("{kind}/{operation}");
    let known = PERMISSIONS.iter().find(|one| one.eq_ignore_ascii_case(&asked));
    let held = known.is_some_and(|permission| inner.permits(call, permission));
    let row = json!({"SecurableTypeName": kind, "Operation": operation, "Allowed": true});
    Ok(Answer::json(match inner.options.permission_form {
        PermissionForm::Boolean => held.into(),
        PermissionForm::List => held.then_some(row).into_iter().collect(),
    }))
}

/// `GET /Consumer/PrincipalRoleManagementGroups`: who holds what where, as far as the caller sees it.
pub fn grants(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let listed = |grant: &Grant| {
        call.sight.sees(grant.group)
            && (inner.options.role_rows == RoleRows::Visible || grant.principal == call.principal)
    };
    let rows = inner.people.grants.iter().filter(|(_, grant)| listed(grant));
    Ok(Answer::json(rows.filter_map(|(id, grant)| row(inner, call, *id, *grant)).collect()))
}

fn row(inner: &Inner, call: &Call, id: i32, grant: Grant) -> Option<Value> {
    let (people, estate) = (&inner.people, &inner.estate);
    let principal = people.principals.get(&grant.principal)?;
    let role = people.roles.get(&grant.role)?;
    let group = estate.groups.get(&grant.group)?;
    let told =
        |one: &&Grant| inner.options.role_flag == RoleFlag::PerRole || one.principal == grant.principal;
    let same = people.grants.values().filter(|one| one.role == grant.role).filter(told);
    let groups: BTreeSet<i32> = same.map(|one| one.group).filter(|group| call.sight.sees(*group)).collect();
    let all = estate.all_devices().is_some_and(|all| groups.contains(&all));
    // Where groups are hidden by a fault, nobody holds all of them.
    let full = all && (call.sight.is_full() || grant.principal != call.principal);
    let created = render::date(group.created);
    Some(json!({
        "Id": id, "PrincipalId": grant.principal, "RoleId": grant.role, "ManagementGroupId": grant.group,
        "Principal": {"Id": grant.principal, "PrincipalName": principal.name, "Enabled": principal.enabled},
        "Role": {
            "Id": grant.role, "Name": role.name, "SystemRole": true,
            "HasAllDevicesManagementGroupAssigned": full, "AssignedManagementGroupCount": groups.len(),
        },
        "ManagementGroup": render::group(grant.group, group, true),
        "CreatedTimestampUtc": created, "ModifiedTimestampUtc": created,
    }))
}
