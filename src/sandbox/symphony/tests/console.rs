//! Changes by hand, and what `state` tells.

use serde_json::{Value, json};

use super::{Bench, V1, V3};
use crate::{
    api::SystemSpec,
    sandbox::{Double, symphony::seed},
};

#[tokio::test(start_paused = true)]
async fn the_pod_was_used_before() {
    let bench = Bench::new().await;
    let state = bench.state();
    assert_eq!(
        (state["policies"].as_object().unwrap().len(), state["dictionaries"].as_object().unwrap().len()),
        (5, 4)
    );
    let policy = bench.policy("PCI card numbers");
    assert_eq!(
        (&policy["active"], &policy["generation"], &policy["dictionaries"]),
        (&json!(true), &json!("v1"), &json!(["card-patterns"]))
    );
    assert_eq!(policy["creatorId"], seed::OFFICER.to_string(), "somebody else made it");
    assert_eq!(state["counters"]["policiesCreated"], 0, "history is not counted");
    assert_eq!(bench.double.system(), "symphony");
}

#[tokio::test(start_paused = true)]
async fn the_backend_is_one_that_the_operator_takes() {
    for (options, generation, prefix) in
        [(json!({}), "V1", ""), (json!({"generation": "v3", "contextPrefix": "app"}), "V3", "/app")]
    {
        let bench = Bench::new().await;
        bench.patch(json!({ "options": options }));
        let mut system = bench.double.backend("http://127.0.0.1:9");
        system["credentialsRef"] = json!({"name": "symphony"});
        let root = format!("http://127.0.0.1:9{prefix}");
        assert_eq!((&system["podUrl"], &system["generation"]), (&json!(root), &json!(generation)));
        let spec: SystemSpec = serde_json::from_value(json!({ "symphony": system })).unwrap();
        assert_eq!(spec.urls().len(), 3);
        if !prefix.is_empty() {
            assert_eq!(bench.call("GET", V1, &Value::Null).await.0, 404, "everything is behind the prefix");
        }
        bench.get(&format!("{prefix}{V1}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn people_make_change_and_remove_things() {
    let bench = Bench::new().await;
    bench.patch(json!({
        "addDictionaries": [{"name": "Birds", "terms": ["owl", "heron"]}],
        "addPolicies": [
            {"name": "By hand", "dictionaries": ["Vögel"], "enabled": true},
            {"name": "By hand too", "generation": "v3", "dictionaries": ["Vögel"], "type": "LogOnly"}
        ],
        "editDictionaries": [{"dictionary": "Birds", "rename": "Vögel", "terms": ["owl"]}],
        "editPolicies": [
            {"policy": "PCI card numbers", "enabled": false, "type": "Warn", "scopes": ["Internal"]},
            {"policy": "Contract leak", "dictionaries": ["Vögel", "card-patterns"]}
        ],
        "removePolicies": ["Räume: Entwurf", "Insider & Marktmissbrauch"],
        "removeDictionaries": ["Insider & Marktmissbrauch"]
    }));
    let made = bench.policy("By hand");
    assert_eq!(
        (&made["active"], &made["dictionaries"], &made["version"]),
        (&json!(true), &json!(["Vögel"]), &json!("1.0"))
    );
    assert_eq!(bench.policy("By hand too")["appliesTo"][0]["action"], "LogOnly");
    assert_eq!(bench.stored("dictionaries", "Vögel")["terms"], json!(["owl"]));
    let edited = bench.policy("PCI card numbers");
    assert_eq!(
        (&edited["active"], &edited["type"], &edited["scopes"]),
        (&json!(false), &json!("Warn"), &json!(["Internal"]))
    );
    assert_eq!(bench.policy("Contract leak")["dictionaries"], json!(["Vögel", "card-patterns"]));
    assert_eq!(bench.policy("Räume: Entwurf"), Value::Null);
    let list = bench.get(V3).await;
    assert_eq!(list["policies"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_by_hand_disables_as_well_and_is_not_counted() {
    let bench = Bench::new().await;
    bench.patch(json!({"editPolicies": [{"policy": "PCI card numbers", "dictionaries": []}]}));
    let policy = bench.policy("PCI card numbers");
    assert_eq!((&policy["active"], &policy["dictionaries"]), (&json!(false), &json!([])));
    assert_eq!(bench.state()["counters"]["emptied"], 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_said_and_nothing_is_done() {
    let bench = Bench::new().await;
    bench.patch(json!({"addPolicies": [{"name": "Twin"}, {"name": "Other", "generation": "v3"}]}));
    bench.patch(json!({"editPolicies": [{"policy": "Other", "rename": "Twin"}]}));
    let before = bench.state();
    for (change, named) in [
        (json!({"polices": []}), "polices"),
        (json!({"options": {"detach": 1}}), "detach"),
        (json!({"editPolicies": [{"policy": "Nobody"}]}), "Nobody"),
        (json!({"editPolicies": [{"policy": "Twin"}]}), "name the id"),
        (json!({"editPolicies": [{"policy": "PCI card numbers", "color": "red"}]}), "color"),
        (json!({"editPolicies": [{"policy": "PCI card numbers", "type": "LogOnly"}]}), "LogOnly"),
        (json!({"editPolicies": [{"policy": "PCI card numbers", "appliesTo": []}]}), "EFv2"),
        (json!({"editPolicies": [{"policy": "Contract leak", "contentTypes": []}]}), "EFv3"),
        (json!({"editPolicies": [{"policy": "PCI card numbers", "dictionaries": ["Nothing"]}]}), "Nothing"),
        (json!({"editPolicies": [{"policy": "PCI card numbers", "rename": " "}]}), "empty"),
        (json!({"addPolicies": [{"name": "PCI card numbers"}]}), "exists"),
        (json!({"addPolicies": [{"name": "Odd", "scopes": ["Mars"]}]}), "Mars"),
        (json!({"addDictionaries": [{"name": "card-patterns"}]}), "exists"),
        (json!({"addDictionaries": [{"name": "New", "type": "Glob"}]}), "Glob"),
        (json!({"removeDictionaries": ["Nothing"]}), "Nothing"),
        (json!({"accounts": [{"username": "new-bot"}]}), "publicKey"),
        (json!({"accounts": [{"username": seed::USERNAME, "publicKey": "x"}]}), "PEM"),
        (json!({"removePolicies": ["PCI card numbers", "Nobody"]}), "Nobody"),
    ] {
        let Err(problem) = bench.double.patch_state(change.clone()) else { panic!("{change}: taken") };
        assert!(problem.contains(named), "{change}: {problem}");
        assert_eq!(bench.state(), before, "{change}");
    }
}
