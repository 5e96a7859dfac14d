//! Everything the double holds, for assertions.

use serde_json::{Map, Value, json};

use super::{estate::Policy, inner::Inner, trouble};

/// Policies by id, in order of creation, with how often each was stored; groups and users by id;
/// who is logged in with what filters their queries (their passport, or the policies as they are);
/// counters. Never a token or a password.
pub fn show(inner: &Inner, now: std::time::Duration) -> Value {
    let Inner { options, estate, sessions, forced, counters } = inner;
    let policies: Map<String, Value> =
        estate.policies.iter().map(|(id, policy)| (id.clone(), row(policy))).collect();
    let groups: Map<String, Value> =
        estate.groups.iter().map(|(id, group)| (id.clone(), json!(group.name))).collect();
    let users: Map<String, Value> = estate
        .users
        .iter()
        .map(|(id, user)| {
            let shown = json!({
                "login": user.login, "admin": user.admin, "superAdmin": user.super_admin,
                "twoFactor": user.two_factor, "groups": user.groups, "filters": estate.filters(id)
            });
            (id.clone(), shown)
        })
        .collect();
    json!({
        "options": options,
        "policies": policies,
        "groups": groups,
        "users": users,
        "sessions": sessions.summary(options, estate, now),
        "faults": trouble::show(forced),
        "counters": counters,
    })
}

fn row(policy: &Policy) -> Value {
    json!({
        "name": policy.name, "description": policy.description, "isActive": policy.active,
        "constraints": policy.constraints, "groups": policy.groups, "users": policy.users,
        "createdBy": policy.created_by, "modifiedBy": policy.modified_by,
        "createdDate": policy.created, "modifiedDate": policy.modified, "saves": policy.saves,
    })
}
