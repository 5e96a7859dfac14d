//! Faults of this double, and the common ones where they matter.

use serde_json::{Value, json};

use super::{Bench, names};
use crate::sandbox::{Double as _, Dropped, support::read};

#[tokio::test(start_paused = true)]
async fn a_token_dies_in_the_middle_of_things() {
    let mut bench = Bench::new().await;
    bench.fault(json!({"kind": "revokeSession", "match": {"method": "POST"}, "skip": 1, "times": 1}));
    let path = bench.create("p").await;
    bench
        .refused("POST", &format!("{path}/Enable/true"), Value::Null, 401, "Authentication.InvalidToken")
        .await;
    bench.token = bench.log_in().await;
    bench.ok("POST", &format!("{path}/Enable/true"), Value::Null).await;
}

#[tokio::test(start_paused = true)]
async fn consumer_and_permission_are_taken_away() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "consumerDisabled", "times": 1}));
    bench.refused("GET", "/Policies", Value::Null, 401, "Consumer.Disabled").await;
    bench.get("/Policies").await;
    bench.fault(json!({"kind": "permissionRemoved", "permission": "PolicyDeployment/Execute"}));
    bench.refused("POST", "/Policy", Value::Null, 401, "Permission.Denied").await;
    assert_eq!(bench.get("/Permissions/Type/PolicyDeployment/Operation/Execute").await, false);
    bench.service.clear_faults();
    bench.ok("POST", "/Policy", Value::Null).await;
}

#[tokio::test(start_paused = true)]
async fn groups_vanish_from_view() {
    let bench = Bench::new().await;
    let kiosks = bench.group("Kiosks").to_string();
    bench.fault(json!({"kind": "hideGroups", "groups": ["finance laptops", kiosks]}));
    let path = bench.path("Disk encryption");
    assert_eq!(names(&bench.get(&format!("{path}/Assignments")).await), ["Executive tablets"]);
    assert_eq!(bench.get("/ManagementGroups").await.as_array().unwrap().len(), 9);
    assert_eq!(
        bench.groups_of("Disk encryption"),
        ["Executive tablets", "Finance laptops"],
        "they are there"
    );
}

#[tokio::test(start_paused = true)]
async fn somebody_edits_just_before() {
    let bench = Bench::new().await;
    let path = bench.create("ours").await;
    let change = json!({"editPolicies": [{"policy": "ours", "addRules": ["smb1-disabled"]}]});
    bench.fault(json!({"kind": "foreignEdit", "change": change, "match": {"path": "Enable"}, "times": 1}));
    assert!(bench.rules_of("ours").is_empty());
    let answer = bench.ok("POST", &format!("{path}/Enable/true"), Value::Null).await;
    assert_eq!(names(&answer["Rules"]), ["smb1-disabled"]);
}

#[tokio::test(start_paused = true)]
async fn of_several_things_the_first_is_written() {
    let bench = Bench::new().await;
    let [usb, smb] = ["usb-start-type", "smb1-disabled"].map(|name| bench.rule(name));
    let [kiosks, pilot] = ["Kiosks", "Pilot ring"].map(|name| bench.group(name));
    let breaks = || bench.fault(json!({"kind": "partialWrite", "times": 1}));
    breaks();
    let whole = json!({"Name": "p", "Rules": [usb], "ManagementGroups": [kiosks]});
    bench.refused("POST", "/Policies", whole, 500, "Server.Error").await;
    assert!(bench.rules_of("p").is_empty() && bench.groups_of("p").is_empty(), "the policy alone");
    let path = bench.path("p");
    breaks();
    bench.refused("POST", &format!("{path}/Rules"), json!([usb, smb]), 500, "Server.Error").await;
    assert_eq!(bench.rules_of("p"), ["usb-start-type"]);
    breaks();
    bench.refused("POST", &format!("{path}/Assignments"), json!([kiosks, pilot]), 500, "Server.Error").await;
    assert_eq!(bench.groups_of("p"), ["Kiosks"]);
    breaks();
    bench.refused("PUT", &format!("{path}/Assignments"), json!([pilot]), 500, "Server.Error").await;
    assert!(bench.groups_of("p").is_empty(), "removed, not added");
    breaks();
    let put = json!({"Id": bench.id("policies", "p"), "Name": "q", "Rules": [smb]});
    bench.refused("PUT", "/Policies", put, 500, "Server.Error").await;
    assert_eq!(bench.rules_of("q"), ["usb-start-type"], "the name alone");
    breaks();
    bench.ok("POST", "/Policies/Search", json!({})).await;
    assert_eq!(bench.state()["faults"], json!([]), "a search writes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_answered_and_lost() {
    let bench = Bench::new().await;
    bench.patch(json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
    bench.fault(json!({"kind": "deploymentLost", "match": {"method": "POST"}, "times": 1}));
    bench.ok("POST", "/Policy", Value::Null).await;
    assert_eq!(bench.get("/Policies/Pending/Changes").await, true);
    assert!(bench.state()["devices"]["Pilot ring"].is_null());
    bench.ok("POST", "/Policy", Value::Null).await;
    assert!(bench.state()["devices"]["Pilot ring"].is_object());
}

#[tokio::test(start_paused = true)]
async fn pages_are_cut_wrongly() {
    let bench = Bench::new().await;
    let (windows, disk, browser) = ("Windows baseline", "Disk encryption", "Browser baseline");
    for (anomaly, start, expected, total) in [
        ("repeat", 3, vec![windows, disk], 3),
        ("empty", 1, vec![], 3),
        ("short", 1, vec![windows], 3),
        ("countLow", 3, vec![browser], 2),
        ("countHigh", 3, vec![browser], 4),
    ] {
        bench.fault(json!({"kind": "pageAnomaly", "anomaly": anomaly, "times": 1}));
        let found = bench.ok("POST", "/Policies/Search", json!({"Start": start, "PageSize": 2})).await;
        assert_eq!((names(&found["Items"]), &found["TotalCount"]), (expected, &json!(total)), "{anomaly}");
    }
}

#[tokio::test(start_paused = true)]
async fn common_faults_play_the_rest() {
    let bench = Bench::new().await;
    bench.fault(json!({"kind": "dropAfter", "match": {"method": "POST"}, "times": 1}));
    let lost = bench.send(bench.signed("POST", "/Consumer/Policies", &json!({"Name": "unseen"}))).await;
    assert!(matches!(lost, Err(Dropped::AfterEffect)));
    assert_eq!(bench.policy("unseen")["name"], "unseen");
    bench.fault(json!({"kind": "html", "code": 503, "times": 1}));
    let (status, page) = bench.call("GET", "/Policies", &Value::Null).await;
    assert!(status == 503 && page.is_string(), "{page}");
    let request = bench.signed("GET", "/Consumer/Policies", &Value::Null);
    assert_eq!(read(bench.send(request).await.unwrap()).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_fault_is_refused_with_a_sentence() {
    let bench = Bench::new().await;
    for (why, fault, named) in [
        ("no such kind", json!({"kind": "meteor"}), "tachyon"),
        ("a setting too many", json!({"kind": "revokeSession", "tokens": 1}), "revokeSession"),
        (
            "no such permission",
            json!({"kind": "permissionRemoved", "permission": "All"}),
            "GuaranteedState/Read",
        ),
        ("no permission", json!({"kind": "permissionRemoved"}), "permission"),
        ("no groups", json!({"kind": "hideGroups"}), "groups"),
        ("no such change", json!({"kind": "foreignEdit", "change": {"meteor": 1}}), "meteor"),
        ("no such anomaly", json!({"kind": "pageAnomaly", "anomaly": "odd"}), "odd"),
        ("a wrong count", json!({"kind": "partialWrite", "times": "x"}), "times"),
    ] {
        let problem = bench.service.add_fault(&fault).unwrap_err();
        assert!(problem.contains(named), "{why}: {problem}");
    }
    assert_eq!(bench.state()["faults"], json!([]));
    bench.double.clear_faults();
}
