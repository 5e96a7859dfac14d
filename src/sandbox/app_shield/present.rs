//! Objects as they are answered, with all the members and the spelling of each (sections 4, 6 and 8).

use serde_json::{Value, json};

use super::{
    answer::policy_code,
    dates,
    estate::{Estate, Group, Policy, User, in_order},
    options::{AppShieldOptions, MemberOrder},
};

/// What NewPolicy answers: nothing is stored, codes are null (section 4.1).
pub fn template(iso: &str, american: &str) -> Value {
    json!({
        "id": null, "Name": "New AppShield Policy",
        "Description": format!("AppShield Policy Created {american}"),
        "isActive": false, "Constraints": [], "Groups": null, "Users": null, "CreatedBy": null,
        "ModifiedBy": null, "CreatedDate": iso, "ModifiedDate": american,
        "ErrorCode": null, "ErrorMessage": null
    })
}

/// A policy with stubs for its members (section 4.3).
pub fn policy(estate: &Estate, options: &AppShieldOptions, policy: &Policy) -> Value {
    let ids = |ids: &Vec<String>| match options.member_order {
        MemberOrder::AsSent => ids.clone(),
        MemberOrder::Sorted => in_order(ids.iter()).into_iter().cloned().collect(),
    };
    let groups: Vec<Value> = ids(&policy.groups).iter().map(|id| group_stub(id)).collect();
    let users: Vec<Value> = ids(&policy.users).iter().map(|id| user_stub(id)).collect();
    json!({
        "id": policy.id, "Name": policy.name, "Description": policy.description,
        "isActive": policy.active, "Constraints": policy.constraints,
        "Groups": groups, "Users": users,
        "CreatedBy": person(estate, &policy.created_by), "ModifiedBy": person(estate, &policy.modified_by),
        "CreatedDate": policy.created, "ModifiedDate": policy.modified,
        "ErrorCode": policy_code(options, json!(0)), "ErrorMessage": ""
    })
}

/// A group of which only the id is filled (section 4.3).
fn group_stub(id: &str) -> Value {
    json!({
        "GroupId": id, "GroupName": null, "GroupDescription": null, "GroupStatus": 0,
        "GroupCreated": dates::NONE, "GroupModified": dates::NONE, "GroupRoles": null,
        "Membership": null, "AllRoles": null, "AllUsers": null, "ErrorCode": 0, "ErrorMessage": null
    })
}

/// A user of whom only the id is filled (section 4.3).
fn user_stub(id: &str) -> Value {
    json!({
        "ID": id, "LoginName": null, "FirstName": null, "LastName": null, "FullName": null,
        "EmailAddress": null, "UserState": 0, "CreateDate": dates::NONE, "LoginDate": dates::NONE,
        "ModifyDate": dates::NONE, "isAdmin": false, "isSuperAdmin": false,
        "ErrorCode": 0, "ErrorMessage": null
    })
}

fn person(estate: &Estate, id: &str) -> Value {
    estate.users.get(id).map_or_else(|| user_stub(id), |user| contact(estate, id, user))
}

/// A group in full (section 6).
pub fn group(id: &str, group: &Group) -> Value {
    json!({
        "GroupId": id, "GroupName": group.name, "GroupDescription": "", "GroupStatus": 0,
        "GroupCreated": group.created, "GroupModified": group.created,
        "GroupRoles": [{
            "RoleId": if id == "1" { "1" } else { "2" },
            "RoleName": if id == "1" { "Admin" } else { "View" },
            "RoleDescription": "", "RoleCreated": dates::NONE, "RoleModified": dates::NONE
        }],
        "Membership": null, "AllRoles": null, "AllUsers": null, "ErrorCode": 0, "ErrorMessage": ""
    })
}

/// A user in full (section 6); `Pin` is always null.
pub fn contact(estate: &Estate, id: &str, user: &User) -> Value {
    let groups: Vec<Value> = in_order(user.groups.iter())
        .into_iter()
        .filter_map(|id| Some(group(id, estate.groups.get(id)?)))
        .collect();
    let full = format!("{} {}", user.first, user.last);
    let mut contact = json!({
        "ID": id, "LoginName": user.login, "FirstName": user.first, "LastName": user.last,
        "FullName": full, "ComboName": format!("{full} ({})", user.login),
        "EmailAddress": format!("{}@example.com", user.login), "Description": "", "AuthType": "PIN",
        "twofa": user.two_factor, "Pin": null, "UserState": 0, "SecurityGroups": groups
    });
    let rest = json!({
        "UserApplications": [], "AllApplications": null, "AllGroups": null, "AllRoles": null,
        "ApplicationConstraints": null, "Preferences": null, "CreateDate": user.created,
        "ModifyDate": user.created, "LoginDate": dates::NONE, "timezone": null, "timezonename": null,
        "isAdmin": user.admin, "isSuperAdmin": user.super_admin, "isAgent": false,
        "isArchitect": user.admin, "isBuilder": user.admin, "isFirstRun": false,
        "ErrorCode": 0, "ErrorMessage": ""
    });
    if let (Value::Object(members), Value::Object(rest)) = (&mut contact, rest) {
        members.extend(rest);
    }
    contact
}
