//! WSO2: one order, and one publishing for everybody.

use ordain::sandbox::wso2::Dialect;

use super::*;

const PASSING: &[&str] = &["id", "profile", "profileId", "priorityId"];

pub fn subject() -> Subject {
    Subject {
        title: "wso2",
        name: "wso2",
        rig: || systems::wso2(Dialect::DeviceMgtV1),
        policy: |edition| {
            let features = json!([{"code": "PASSCODE_POLICY", "content": {"minLength": 5 + edition}}]);
            json!({"displayName": "Phones", "description": "PIN on",
                "content": {"wso2": {"profiles": [{"platform": "android", "features": features}]}}})
        },
        targets: |which| {
            let roles = if which == 1 { ["engineer"] } else { ["sales"] };
            json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
        },
        ours: |rig| without(all(rig).into_iter().filter(is_ours), PASSING),
        others: |rig| {
            let published = [PASSING, &["updated"]].concat();
            without(all(rig).into_iter().filter(|one| !is_ours(one)), &published).into()
        },
        says: |policy, edition| {
            let length = policy["contents"]["PASSCODE_POLICY"]["minLength"].to_string();
            length.trim_matches('"').parse() == Ok(f64::from(5 + edition))
                && policy["active"] == true
                && policy["updated"] == false
        },
        reaches: |policy| policy["roles"].clone(),
        by_hand: |rig| {
            let ours = all(rig).into_iter().find(is_ours).unwrap();
            let edit = json!({"id": ours["id"], "features": {"PASSCODE_POLICY": {"minLength": 4}}, "updated": false});
            rig.by_hand("wso2", json!({"policies": [edit]}));
        },
        made_by_hand: Some(|rig| {
            let theirs = json!({"name": "Phones", "deviceType": "android",
                "features": {"PASSCODE_POLICY": {"minLength": 4}}, "roles": ["engineer"], "active": true});
            rig.by_hand("wso2", json!({"add": [theirs]}));
            rig.by_hand("wso2", json!({"applyChanges": true}));
            let id = all(rig).into_iter().find(|one| one["policyName"] == "Phones").unwrap()["id"].clone();
            id.to_string().into()
        }),
        gives: |rig| {
            let theirs = all(rig).into_iter().find(|one| one["policyName"] == "Phones").unwrap();
            let mut roles = theirs["roles"].clone();
            roles.as_array_mut().unwrap().push("contractor".into());
            rig.by_hand(
                "wso2",
                json!({"policies": [{"id": theirs["id"], "roles": roles, "updated": false}]}),
            );
        },
        removes: |rig, name| {
            let gone = all(rig).into_iter().find(|one| one["policyName"] == name).unwrap();
            rig.by_hand("wso2", json!({"policies": [{"id": gone["id"], "delete": true}]}));
        },
        author: "last at ",
        is_effect: |call| !call.starts_with("GET") && !call.contains("token") && !call.contains("register"),
        // The older family registers clients without a password.
        is_login: |call| {
            let registers = call.contains("register") && !call.contains("dynamic-client-web");
            registers || call.contains("token")
        },
        wrong_key: ("password", "wrong"),
        keyed_by_policy: false,
        has_targets: true,
        tells_ids: true,
        deploys: Some(Deploys {
            is_deploy: |call| call.contains("apply-changes"),
            takes_long: |rig| rig.by_hand("wso2", json!({"options": {"applyDelay": 6, "deliveryDelay": 2}})),
            foreign_change: |rig| rig.by_hand("wso2", json!({"policies": [{"id": 1, "updated": true}]})),
            foreign_deploy: |rig| rig.by_hand("wso2", json!({"applyChanges": true})),
            published: |rig| {
                all(rig).iter().map(|one| json!([one["policyName"], one["updated"], one["active"]])).collect()
            },
        }),
        faults: || Faults {
            at_every_call: vec![json!({"kind": "revokeSession", "times": 1})],
            once: [
                ["lost", "undelivered"]
                    .map(|how| json!({"kind": "taskOutcome", "outcome": how, "times": 1}))
                    .to_vec(),
                vec![
                    json!({"kind": "throttle", "times": 3}),
                    json!({"kind": "revokeSession", "clients": true}),
                ],
            ]
            .concat(),
        },
    }
}

fn all(rig: &Rig) -> Vec<Value> {
    rig.state("wso2")["policies"].as_array().unwrap().clone()
}

fn is_ours(policy: &Value) -> bool {
    policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
}
