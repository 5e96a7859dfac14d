//! 1E Tachyon: rules and groups by calls of their own, one deployment for everybody.

use super::*;

pub fn subject() -> Subject {
    Subject {
        title: "tachyon",
        name: "tachyon",
        rig: systems::tachyon,
        policy: |edition| {
            let rules = match edition {
                1 => json!([{"name": "usb-start-type"}]),
                _ => json!([{"name": "smb1-disabled"}, {"name": "print-spooler-stopped"}]),
            };
            json!({"displayName": "USB", "description": "Off", "content": {"tachyon": {"rules": rules}}})
        },
        targets: |which| {
            let group = if which == 1 { "Kiosks" } else { "Build servers" };
            json!({"targets": {"include": [{"tachyon": {"managementGroups": [{"name": group}]}}]}})
        },
        ours: |rig| without(rows(rig, "tachyon", "policies").into_iter().filter(is_ours), &["id", "notes"]),
        others: |rig| {
            let others = rows(rig, "tachyon", "policies").into_iter().filter(|one| !is_ours(one));
            without(others, &["id"]).into()
        },
        says: |policy, edition| {
            let rules: &[&str] =
                if edition == 1 { &["usb-start-type"] } else { &["smb1-disabled", "print-spooler-stopped"] };
            policy["rules"] == json!(rules) && policy["enabled"] == true
        },
        reaches: |policy| policy["groups"].clone(),
        by_hand: |rig| {
            let ours = rows(rig, "tachyon", "policies").into_iter().find(is_ours).unwrap();
            let edit = json!({"policy": ours["name"], "rules": ["disk-space-system-drive"]});
            rig.by_hand("tachyon", json!({"editPolicies": [edit], "deploy": true}));
        },
        made_by_hand: Some(|rig| {
            let theirs =
                json!({"name": "USB", "enabled": true, "rules": ["usb-start-type"], "groups": ["Kiosks"]});
            rig.by_hand("tachyon", json!({"addPolicies": [theirs], "deploy": true}));
            super::id_of(rig, "tachyon", "USB")
        }),
        gives: |rig| {
            let edit = json!({"policy": "USB", "addGroups": ["Finance laptops"]});
            rig.by_hand("tachyon", json!({"editPolicies": [edit], "deploy": true}));
        },
        removes: |rig, name| {
            rig.by_hand("tachyon", json!({"removePolicies": [name], "deploy": true}));
        },
        author: "last at 20",
        is_effect: |call| {
            let reads = ["Search", "Authentication", "/idp/"];
            !call.starts_with("GET") && !reads.iter().any(|read| call.contains(read))
        },
        is_login: |call| call.contains("RequestJwtAuthentication"),
        wrong_key: ("applicationId", "nobody"),
        keyed_by_policy: true,
        has_targets: true,
        tells_ids: true,
        deploys: Some(Deploys {
            is_deploy: |call| call == "POST /Consumer/Policy",
            takes_long: |rig| rig.by_hand("tachyon", json!({"options": {"deployMs": 20_000}})),
            foreign_change: |rig| {
                let theirs = json!({"policy": "Browser baseline", "enabled": true});
                rig.by_hand("tachyon", json!({"editPolicies": [theirs]}));
            },
            foreign_deploy: |rig| rig.by_hand("tachyon", json!({"deploy": true})),
            published: |rig| {
                let state = rig.state("tachyon");
                json!([state["pending"]["dirty"], state["devices"]])
            },
        }),
        faults: || Faults {
            at_every_call: ["revokeSession", "partialWrite", "consumerDisabled"]
                .map(|kind| json!({"kind": kind, "times": 1}))
                .into(),
            once: super::anomalies(&["repeat", "empty", "short", "countLow", "countHigh"]),
        },
    }
}

fn is_ours(policy: &Value) -> bool {
    policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
}
