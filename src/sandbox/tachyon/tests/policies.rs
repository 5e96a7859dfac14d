//! 4.1: every call about policies and their rules.

use serde_json::{Value, json};

use super::{Bench, but, names};

#[tokio::test(start_paused = true)]
async fn a_policy_is_made_step_by_step() {
    let bench = Bench::new().await;
    let created = bench.ok("POST", "/Policies", json!({"Name": "usb", "Description": "off"})).await;
    assert_eq!((&created["Enabled"], &created["Rules"]), (&json!(false), &json!([])), "{created}");
    let path = format!("/Policies/{}", created["Id"]);
    let (usb, smb) = (bench.rule("usb-start-type"), bench.rule("smb1-disabled"));
    let answer = bench.ok("POST", &format!("{path}/Rules"), json!([usb])).await;
    assert_eq!(names(&answer["Rules"]), ["usb-start-type"]);
    let answer = bench.ok("POST", &format!("{path}/Rules"), json!([smb.to_string()])).await;
    assert_eq!(names(&answer["Rules"]), ["usb-start-type", "smb1-disabled"], "it adds, quoted ids too");
    let answer = bench.ok("POST", &format!("{path}/Assignments"), json!([bench.group("Kiosks")])).await;
    assert_eq!(names(&answer["ManagementGroups"]), ["Kiosks"]);
    let answer = bench.ok("POST", &format!("{path}/Enable/True"), Value::Null).await;
    assert_eq!(answer["Enabled"], true);
    let read = bench.get(&path).await;
    assert_eq!(names(&read["ManagementGroups"]), ["Kiosks"]);
    assert!(read["Rules"][0]["Check"]["FragmentId"].is_number(), "whole rules: {read}");
    let answer = bench.ok("DELETE", &format!("{path}/Rules/{usb}"), Value::Null).await;
    assert_eq!(names(&answer["Rules"]), ["smb1-disabled"]);
    bench.ok("DELETE", &format!("{path}/Rules"), Value::Null).await;
    assert!(bench.rules_of("usb").is_empty());
    bench.ok("POST", &format!("{path}/Enable/false"), Value::Null).await;
    assert_eq!(bench.policy("usb")["enabled"], false);
    assert_eq!(bench.ok("DELETE", &path, Value::Null).await, true);
    bench.refused("GET", &path, Value::Null, 404, "Policy.NotFound").await;
    bench.get(&format!("/Rules/{smb}")).await;
}

#[tokio::test(start_paused = true)]
async fn members_are_read_in_any_case_and_ids_in_both_forms() {
    let bench = Bench::new().await;
    let rule = bench.rule("usb-start-type");
    let body = json!({
        "name": "camel", "description": "d", "enabled": "true", "rules": [{"id": rule.to_string()}],
        "managementGroups": [bench.group("Kiosks")]
    });
    let created = bench.ok("POST", "/Policies", body).await;
    assert_eq!((&created["Name"], &created["Enabled"]), (&json!("camel"), &json!(true)));
    assert_eq!(bench.rules_of("camel"), ["usb-start-type"]);
    assert_eq!(bench.groups_of("camel"), ["Kiosks"]);
}

#[tokio::test(start_paused = true)]
async fn wrong_bodies_and_unknown_ids_are_refused() {
    let bench = Bench::new().await;
    let path = bench.create("p").await;
    let id = bench.id("policies", "p");
    for (why, method, path, body, status, code) in [
        ("no body", "POST", "/Policies", Value::Null, 400, "Request.Invalid"),
        ("no object", "POST", "/Policies", json!([]), 400, "Request.Invalid"),
        ("no name", "POST", "/Policies", json!({}), 400, "Name.Missing"),
        ("a blank name", "POST", "/Policies", json!({"Name": " "}), 400, "Name.Missing"),
        ("a name of another type", "POST", "/Policies", json!({"Name": 1}), 400, "Request.Invalid"),
        (
            "a flag of another type",
            "POST",
            "/Policies",
            json!({"Name": "x", "Enabled": 2}),
            400,
            "Request.Invalid",
        ),
        ("a name in use", "POST", "/Policies", json!({"Name": "P"}), 400, "Policy.NameAlreadyExists"),
        ("no such rule", "POST", "/Policies", json!({"Name": "x", "Rules": [1]}), 404, "Rule.NotFound"),
        ("no id in a PUT", "PUT", "/Policies", json!({"Name": "x"}), 400, "Request.Invalid"),
        ("no such policy", "PUT", "/Policies", json!({"Id": 9999, "Name": "x"}), 404, "Policy.NotFound"),
        (
            "another's name",
            "PUT",
            "/Policies",
            json!({"Id": id, "Name": "disk ENCRYPTION"}),
            400,
            "Policy.NameAlreadyExists",
        ),
        ("nor here", "DELETE", "/Policies/9999", Value::Null, 404, "Policy.NotFound"),
        ("nor here", "POST", "/Policies/9999/Enable/true", Value::Null, 404, "Policy.NotFound"),
        ("nor here", "POST", "/Policies/9999/Rules", json!([]), 404, "Policy.NotFound"),
        ("nor here", "DELETE", "/Policies/9999/Rules", Value::Null, 404, "Policy.NotFound"),
    ] {
        bench.refused(method, path, body.clone(), status, code).await;
        assert_eq!(bench.state()["policies"].as_object().unwrap().len(), 4, "{why}");
    }
    for (why, method, below, body, status, code) in [
        ("neither on nor off", "POST", "/Enable/perhaps", Value::Null, 400, "Request.Invalid"),
        ("no array", "POST", "/Rules", json!({}), 400, "Request.Invalid"),
        ("no ids", "POST", "/Rules", json!(["x"]), 400, "Request.Invalid"),
        ("no such rule", "POST", "/Rules", json!([9999]), 404, "Rule.NotFound"),
        ("a rule it does not have", "DELETE", "/Rules/9999", Value::Null, 404, "Rule.NotFound"),
    ] {
        bench.refused(method, &format!("{path}{below}"), body, status, code).await;
        assert!(bench.rules_of("p").is_empty(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_can_be_put_back_whole() {
    let bench = Bench::new().await;
    let path = bench.path("Disk encryption");
    let read = bench.get(&path).await;
    assert!(read["Notes"].is_string(), "a member the sheet does not know");
    let before = bench.policy("Disk encryption");
    let answer = bench.ok("PUT", "/Policies", read.clone()).await;
    assert_eq!(bench.policy("Disk encryption"), before);
    assert_eq!(
        but(&answer, &json!({"ModifiedTimestampUtc": null})),
        but(&read, &json!({"ModifiedTimestampUtc": null}))
    );
    assert_eq!(bench.state()["pending"]["dirty"], true, "nothing changed, and yet it waits");
}

#[tokio::test(start_paused = true)]
async fn unlicensed_policies_are_listed_by_id() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/Policies/Unlicensed").await, json!([bench.id("policies", "Disk encryption")]));
    bench.patch(json!({"editFragments": [
        {"fragment": "1E-GuaranteedState-Windows-Check-BitLockerState", "licensed": true},
        {"fragment": "1E-GuaranteedState-Windows-Fix-BitLockerState", "licensed": true}
    ]}));
    assert_eq!(bench.get("/Policies/Unlicensed").await, json!([]));
    let path = bench.create("ours").await;
    bench.ok("POST", &format!("{path}/Rules"), json!([bench.rule("print-spooler-stopped")])).await;
    bench.patch(json!({"editFragments": [
        {"fragment": "1E-GuaranteedState-General-Fix-ServiceState", "licensed": false}
    ]}));
    let ids = bench.get("/Policies/Unlicensed").await;
    assert_eq!(ids.as_array().unwrap().len(), 2, "a fix counts like a check: {ids}");
    let (status, _) =
        Bench::with(json!({"version": "5.0"})).await.call("GET", "/Policies/Unlicensed", &Value::Null).await;
    assert_eq!(status, 404, "since 5.1 only");
}

#[tokio::test(start_paused = true)]
async fn the_list_is_whole_and_dates_are_utc() {
    let bench = Bench::new().await;
    let list = bench.get("/Policies").await;
    assert_eq!(names(&list), ["Windows baseline", "Disk encryption", "Browser baseline"]);
    for policy in list.as_array().unwrap() {
        let date = policy["CreatedTimestampUtc"].as_str().unwrap();
        assert!(date.ends_with('Z') && date.parse::<jiff::Timestamp>().is_ok(), "{date}");
    }
}
