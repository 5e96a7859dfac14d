//! App Shield as it is out of the box: no path is known that reads or deletes.

use super::*;

pub const PASSING: &[&str] = &["createdBy", "modifiedBy", "createdDate", "modifiedDate", "saves"];

pub fn subject() -> Subject {
    Subject {
        title: "appshield",
        name: "appshield",
        rig: systems::app_shield,
        policy,
        targets,
        ours: |rig| without(rows(rig, "appshield", "policies").into_iter().filter(is_ours), PASSING),
        others: |rig| {
            let admins = |one: &Value| one["createdBy"] == "1" && !is_ours(one);
            without(rows(rig, "appshield", "policies").into_iter().filter(admins), PASSING).into()
        },
        says: |policy, edition| policy["constraints"] == constraints(edition) && policy["isActive"] == true,
        reaches: |policy| json!([policy["groups"], policy["users"]]),
        by_hand: |rig| {
            let state = rig.state("appshield");
            let policies = state["policies"].as_object().unwrap();
            let (id, _) = policies.iter().find(|(_, policy)| is_ours(policy)).unwrap();
            rig.by_hand("appshield", json!({"editPolicy": {"id": id, "groups": ["11", "17"]}}));
        },
        made_by_hand: Some(|rig| {
            rig.by_hand(
                "appshield",
                json!({"addPolicy": {"name": "Rows", "isActive": true, "groups": ["17"]}}),
            );
            super::id_of(rig, "appshield", "Rows")
        }),
        gives: |rig| {
            let id = super::id_of(rig, "appshield", "Rows");
            let mut groups = rig.state("appshield")["policies"][id.as_str().unwrap()]["groups"].clone();
            groups.as_array_mut().unwrap().push("11".into());
            rig.by_hand("appshield", json!({"editPolicy": {"id": id, "groups": groups}}));
        },
        removes: |rig, name| {
            let id = super::beginning(rig, "appshield", name);
            rig.by_hand("appshield", json!({"removePolicy": {"id": id}}));
        },
        author: "last by admin at ",
        is_effect: |call| call.contains("/SaveAppShieldPolicy") || call.contains("/Delete"),
        is_login: |call| call.contains("DoLogin"),
        wrong_key: ("password", "wrong"),
        keyed_by_policy: true,
        has_targets: true,
        tells_ids: true,
        deploys: None,
        faults: || Faults {
            at_every_call: vec![
                json!({"kind": "revokeSession", "times": 1}),
                json!({"kind": "errorCode", "code": "5001", "message": "Session is not valid.", "times": 1}),
                json!({"kind": "sourceAddress", "address": "192.0.2.7", "times": 1}),
            ],
            once: vec![json!({"kind": "reorderKeys"})],
        },
    }
}

fn policy(edition: u8) -> Value {
    json!({"displayName": "Rows", "content": {"appShield": {"constraints": constraints(edition)}}})
}

fn constraints(edition: u8) -> Value {
    let region = if edition == 1 { "DE" } else { "DE,AT" };
    json!([{"AppField": "Sales.Region", "Operator": "in", "Value": region, "Join": "AND"}])
}

fn targets(which: u8) -> Value {
    let whom = match which {
        1 => json!({"groups": [{"name": "tenant-acme"}]}),
        _ => json!({"groups": [{"id": "17"}], "users": [{"name": "mara.holt"}]}),
    };
    json!({"targets": {"include": [{"appShield": whom}]}})
}

pub fn is_ours(policy: &Value) -> bool {
    policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
}
