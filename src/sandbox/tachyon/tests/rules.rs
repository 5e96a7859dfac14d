//! 4.4: rules, which policies share.

use serde_json::{Value, json};

use super::{Bench, names};

fn body(bench: &Bench, name: &str) -> Value {
    let fragment = |name: &str| bench.id("fragments", &format!("1E-GuaranteedState-General-{name}"));
    json!({
        "Name": name, "Description": "d", "Type": "Fix",
        "Check": {"FragmentId": fragment("Check-RegistryValue"), "Parameters": [{"Name": "Hive", "Value": "HKLM"}]},
        "Fix": {"FragmentId": fragment("Fix-RegistryValue"), "Parameters": []},
    })
}

#[tokio::test(start_paused = true)]
async fn a_rule_is_made_changed_and_deleted() {
    let bench = Bench::new().await;
    let created = bench.ok("POST", "/Rules", body(&bench, "ours")).await;
    assert_eq!((&created["Enabled"], &created["Type"]), (&json!(true), &json!("Fix")));
    assert_eq!(created["Check"]["Parameters"][0]["Value"], "HKLM");
    assert!(created["ReadablePayload"].as_str().unwrap().contains("Registry value"), "{created}");
    let path = format!("/Rules/{}", created["Id"]);
    assert_eq!(bench.get(&path).await, created);
    assert_eq!(bench.ok("POST", &format!("{path}/Enable/false"), Value::Null).await["Enabled"], false);
    let mut changed = bench.get(&path).await;
    changed["Description"] = "new".into();
    assert_eq!(bench.ok("PUT", "/Rules", changed).await["Description"], "new");
    assert_eq!(bench.get(&path).await["Enabled"], false, "as it was sent");
    assert!(names(&bench.get("/Rules").await).contains(&"ours"));
    assert_eq!(bench.ok("DELETE", &path, Value::Null).await, true);
    bench.refused("GET", &path, Value::Null, 404, "Rule.NotFound").await;
    bench.refused("DELETE", &path, Value::Null, 404, "Rule.NotFound").await;
    let (status, _) =
        Bench::with(json!({"ruleUpdate": "absent"})).await.call("PUT", "/Rules", &json!({})).await;
    assert_eq!(status, 405, "the update verb is not evidenced");
}

#[tokio::test(start_paused = true)]
async fn wrong_rules_are_refused() {
    let bench = Bench::new().await;
    let count = bench.state()["rules"].as_object().unwrap().len();
    let change = |name: &str, value: Value| super::but(&body(&bench, "x"), &json!({ name: value }));
    for (why, sent, status, code) in [
        ("no check", change("Check", Value::Null), 400, "Request.Invalid"),
        ("no name", change("Name", Value::Null), 400, "Name.Missing"),
        ("a name in use", change("Name", json!("USB-start-type")), 400, "Rule.NameAlreadyExists"),
        ("another type", change("Type", json!("Guess")), 400, "Request.Invalid"),
        ("no such fragment", change("Fix", json!({"FragmentId": 9999})), 404, "Fragment.NotFound"),
        (
            "nor as a precondition",
            change("Preconditions", json!([{"FragmentId": 9999}])),
            404,
            "Fragment.NotFound",
        ),
        (
            "no such trigger",
            change("Triggers", json!([{"TriggerTemplateId": 9999}])),
            404,
            "TriggerTemplate.NotFound",
        ),
    ] {
        bench.refused("POST", "/Rules", sent, status, code).await;
        assert_eq!(bench.state()["rules"].as_object().unwrap().len(), count, "{why}");
    }
    bench.refused("PUT", "/Rules", body(&bench, "x"), 400, "Request.Invalid").await;
    bench
        .refused("PUT", "/Rules", super::but(&body(&bench, "x"), &json!({"Id": 9999})), 404, "Rule.NotFound")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_in_use_is_refused_or_taken_out() {
    for (switch, status, left) in [("refused", 400, 2), ("detached", 200, 1)] {
        let bench = Bench::with(json!({ "deleteRule": switch })).await;
        let path = format!("/Rules/{}", bench.rule("bitlocker-system-drive"));
        assert_eq!(bench.call("DELETE", &path, &Value::Null).await.0, status, "{switch}");
        assert_eq!(bench.rules_of("Disk encryption").len(), left, "{switch}");
    }
}

#[tokio::test(start_paused = true)]
async fn searches_give_whole_rules_or_outlines() {
    let bench = Bench::new().await;
    let filter = |attribute: &str, value: &str| json!({"Filter": {"Attribute": attribute, "Operator": "==", "Value": value}});
    let found = bench.ok("POST", "/Rules/Search", filter("Name", "usb-start-type")).await;
    assert_eq!((&found["TotalCount"], names(&found["Items"])), (&json!(1), vec!["usb-start-type"]));
    assert!(found["Items"][0]["Check"]["FragmentId"].is_number());
    let found = bench.ok("POST", "/Rules/Shallow/Search", filter("Enabled", "false")).await;
    assert_eq!(names(&found["Items"]), ["agent-log-present"]);
    assert!(found["Items"][0]["Check"].is_null() && found["Items"][0]["Fragments"][0]["Name"].is_string());
    let found = bench.ok("POST", "/Rules/Search", filter("Type", "check")).await;
    assert_eq!(found["TotalCount"], 4, "{found}");
    bench.refused("POST", "/Rules/Search", filter("Description", "d"), 400, "Search.Invalid").await;
}
