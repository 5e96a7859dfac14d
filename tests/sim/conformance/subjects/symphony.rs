//! Symphony: no targets, a policy reaches the whole pod.

use super::*;

const PASSING: &[&str] =
    &["policyId", "version", "versions", "creationDate", "lastUpdatedDate", "lastDisabledDate", "creatorId"];

pub fn subject() -> Subject {
    Subject {
        title: "symphony",
        name: "symphony",
        rig: systems::symphony,
        policy,
        targets: |_| json!({}),
        ours: |rig| without(rows(rig, "symphony", "policies").into_iter().filter(is_ours), PASSING),
        others: |rig| {
            let others = rows(rig, "symphony", "policies").into_iter().filter(|one| !is_ours(one));
            without(others.filter(|one| one["deleted"] == false), PASSING).into()
        },
        says: |policy, edition| {
            let used: &[&str] =
                if edition == 1 { &["card-patterns"] } else { &["card-patterns", "project-names"] };
            policy["dictionaries"] == json!(used) && policy["active"] == true
        },
        reaches: |policy| policy["scopes"].clone(),
        by_hand: |rig| {
            let ours = rows(rig, "symphony", "policies").into_iter().find(is_ours).unwrap();
            let edit = json!({"policy": ours["policyId"], "type": "Warn", "dictionaries": ["project-names"]});
            rig.by_hand("symphony", json!({"editPolicies": [edit]}));
        },
        made_by_hand: Some(|rig| {
            let theirs = json!({"name": "Cards", "type": "Warn", "contentTypes": ["Messages"],
                "scopes": ["Internal"], "dictionaries": ["project-names"], "enabled": true});
            rig.by_hand("symphony", json!({"addPolicies": [theirs]}));
            super::id_of(rig, "symphony", "Cards")
        }),
        gives: |_| {},
        removes: |rig, name| {
            let id = super::beginning(rig, "symphony", name);
            rig.by_hand("symphony", json!({"removePolicies": [id]}));
        },
        author: "last at 20",
        is_effect: |call| !call.starts_with("GET") && !call.contains("authenticate"),
        is_login: |call| call.contains("authenticate"),
        wrong_key: ("username", "nobody"),
        keyed_by_policy: true,
        has_targets: false,
        tells_ids: true,
        deploys: None,
        faults: || Faults {
            at_every_call: vec![json!({"kind": "revokeSession", "times": 1})],
            once: [
                super::anomalies(&["repeat", "empty", "short", "countLow", "countHigh"]),
                vec![json!({"kind": "partialWrite", "times": 1})],
            ]
            .concat(),
        },
    }
}

fn policy(edition: u8) -> Value {
    let dictionaries = match edition {
        1 => json!([{"name": "card-patterns"}]),
        _ => json!([{"name": "card-patterns"}, {"name": "project-names"}]),
    };
    json!({"displayName": "Cards", "content": {"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": dictionaries}}})
}

fn is_ours(policy: &Value) -> bool {
    let name = policy["name"].as_str().unwrap();
    policy["deleted"] == false && name.len() > 7 && name.as_bytes()[name.len() - 7] == b'~'
}
