//! 4.3 and section 8: what waits, what a deployment ships, what devices hold.

use serde_json::{Value, json};

use super::{Bench, seconds};

const PENDING: &str = "/Policies/Pending/Changes";

#[tokio::test(start_paused = true)]
async fn nothing_reaches_devices_before_a_deployment() {
    let bench = Bench::new().await;
    assert_eq!(bench.get(PENDING).await, false);
    assert_eq!(bench.get("/Policy/Changes").await, json!([]));
    let path = bench.create("ours").await;
    bench.ok("POST", &format!("{path}/Rules"), json!([bench.rule("usb-start-type")])).await;
    bench.ok("POST", &format!("{path}/Assignments"), json!([bench.group("Kiosks")])).await;
    bench.ok("POST", &format!("{path}/Enable/true"), Value::Null).await;
    assert_eq!(bench.get(PENDING).await, true);
    assert!(bench.state()["devices"]["Kiosks"].is_null());
    bench.ok("POST", "/Policy", Value::Null).await;
    assert_eq!(bench.get(PENDING).await, false);
    assert_eq!(bench.state()["devices"]["Kiosks"], json!({"ours": ["usb-start-type"]}));
    for (why, method, call) in
        [("disabled", "POST", format!("{path}/Enable/false")), ("deleted", "DELETE", path.clone())]
    {
        bench.patch(json!({"editPolicies": [{"policy": "ours", "enabled": true}], "deploy": true}));
        bench.ok(method, &call, Value::Null).await;
        assert!(!bench.state()["devices"]["Kiosks"].is_null(), "{why}: they keep it until then");
        bench.ok("POST", "/Policy", Value::Null).await;
        assert!(bench.state()["devices"]["Kiosks"].is_null(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_ships_other_peoples_unfinished_edits() {
    let bench = Bench::new().await;
    bench.patch(
        json!({"by": "CORP\\s.lindqvist", "editPolicies": [{"policy": "Browser baseline", "enabled": true}]}),
    );
    bench.create("ours").await;
    let changes = bench.get("/Policy/Changes").await;
    assert_eq!(changes.as_array().unwrap().len(), 2, "the API does not tell whose: {changes}");
    bench.ok("POST", "/Policy", Value::Null).await;
    let state = bench.state();
    assert_eq!(state["devices"]["Pilot ring"], json!({"Browser baseline": ["browser-home-page"]}));
    let last = state["deployments"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["by"], &last["shipped"][0]["by"]),
        (&json!("ordain-sandbox"), &json!("CORP\\s.lindqvist"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_rule_nobody_uses_makes_the_store_dirty() {
    let bench = Bench::new().await;
    bench.ok("POST", &format!("/Rules/{}/Enable/true", bench.rule("usb-start-type")), Value::Null).await;
    assert_eq!((bench.get(PENDING).await, bench.get("/Policy/Changes").await), (json!(true), json!([])));
    bench.ok("POST", "/Policy", Value::Null).await;
    bench.ok("POST", &format!("/Rules/{}/Enable/false", bench.rule("smb1-disabled")), Value::Null).await;
    assert_eq!(bench.get("/Policy/Changes").await[0]["PolicyName"], "Windows baseline", "its policies wait");
    assert_eq!(bench.state()["devices"]["All Devices"]["Windows baseline"].as_array().unwrap().len(), 3);
    bench.ok("POST", "/Policy", Value::Null).await;
    assert_eq!(bench.state()["devices"]["All Devices"]["Windows baseline"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_fragment_waits_for_a_deployment() {
    let bench = Bench::with(json!({"changesHold": "different"})).await;
    bench.patch(json!({"editFragments": [
        {"fragment": "1E-GuaranteedState-Windows-Check-BitLockerState", "version": 6}
    ]}));
    assert_eq!(bench.get("/Policy/Changes").await[0]["PolicyName"], "Disk encryption");
    bench.ok("POST", "/Policy", Value::Null).await;
    assert_eq!(bench.get("/Policy/Changes").await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn changes_are_those_edited_or_those_that_differ() {
    for (why, hold, expected) in [("edited", "edited", 2), ("different", "different", 1)] {
        let bench = Bench::with(json!({ "changesHold": hold })).await;
        bench.patch(json!({"touchPolicies": ["Windows baseline"], "removePolicies": ["Disk encryption"]}));
        let changes = bench.get("/Policy/Changes").await;
        assert_eq!(changes.as_array().unwrap().len(), expected, "{why}: {changes}");
        assert_eq!(changes[expected - 1]["ChangeType"], "Deleted", "{why}");
        let path = bench.create("short-lived").await;
        bench.ok("DELETE", &path, Value::Null).await;
        assert_eq!(bench.get("/Policy/Changes").await, changes, "{why}: it never was");
    }
}

#[tokio::test(start_paused = true)]
async fn shapes_of_changes_and_replies_differ() {
    let bench = Bench::new().await;
    bench.create("ours").await;
    bench.patch(json!({"touchPolicies": ["Windows baseline"], "removePolicies": ["Disk encryption"]}));
    let ours = bench.id("policies", "ours");
    for (form, expected) in [
        ("names", json!(["Windows baseline", "Disk encryption", "ours"])),
        (
            "grouped",
            json!({"Created": [ours], "Modified": [bench.id("policies", "Windows baseline")], "Deleted": [ours - 1]}),
        ),
    ] {
        bench.patch(json!({"options": {"changesForm": form}}));
        let changes = bench.get("/Policy/Changes").await;
        if form == "names" {
            assert_eq!(changes, expected);
        } else {
            assert_eq!(
                (&changes["Created"], &changes["Modified"]),
                (&expected["Created"], &expected["Modified"])
            );
            assert_eq!(changes["Deleted"].as_array().unwrap().len(), 1, "{changes}");
        }
    }
    bench.patch(json!({"options": {"pendingForm": "object", "pendingMember": "HasChanges"}}));
    assert_eq!(bench.get(PENDING).await, json!({"HasChanges": true}));
    for (reply, status, body) in [
        ("boolean", 200, json!(true)),
        ("empty", 200, Value::Null),
        ("accepted", 202, Value::Null),
        ("noContent", 204, Value::Null),
    ] {
        bench.patch(json!({"options": {"deployReply": reply}}));
        assert_eq!(bench.call("POST", "/Policy", &Value::Null).await, (status, body), "{reply}");
    }
    bench.patch(json!({"options": {"deployReply": "object"}}));
    assert!(bench.ok("POST", "/Policy", Value::Null).await["Id"].is_number());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_takes_its_time_and_ships_what_was_there_when_it_began() {
    for (during, pending) in [("pending", true), ("clear", false)] {
        let bench = Bench::with(json!({"deployMs": 60_000, "pendingDuring": during})).await;
        bench.patch(json!({"editPolicies": [{"policy": "Disk encryption", "enabled": false}]}));
        bench.ok("POST", "/Policy", Value::Null).await;
        assert_eq!(bench.get(PENDING).await, pending, "{during}");
        assert!(bench.state()["devices"]["Finance laptops"].is_object(), "{during}: not yet");
        assert!(bench.state()["deploying"].is_object(), "{during}");
        bench.patch(json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
        seconds(60).await;
        let state = bench.state();
        assert!(
            state["devices"]["Finance laptops"].is_null() && state["devices"]["Pilot ring"].is_null(),
            "{during}"
        );
        assert_eq!(
            (&state["pending"]["dirty"], &state["deploying"]),
            (&json!(true), &Value::Null),
            "{during}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_deployment_takes_over_or_is_refused() {
    for (switch, status, held) in [("accepted", 200, true), ("refused", 400, false)] {
        let bench = Bench::with(json!({"deployMs": 60_000, "deployWhileRunning": switch})).await;
        bench.create("first").await;
        bench.ok("POST", "/Policy", Value::Null).await;
        seconds(30).await;
        bench.patch(json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
        assert_eq!(bench.call("POST", "/Policy", &Value::Null).await.0, status, "{switch}");
        seconds(60).await;
        let state = bench.state();
        assert_eq!(state["devices"]["Pilot ring"].is_object(), held, "{switch}");
        let shipped = &state["deployments"].as_array().unwrap().last().unwrap()["shipped"];
        assert_eq!(shipped.as_array().unwrap().len(), if held { 2 } else { 1 }, "{switch}: {shipped}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scoped_deployer_ships_everything_or_what_they_see() {
    for (switch, hidden) in [("everything", true), ("visibleGroups", false)] {
        let bench = Bench::scoped(json!({ "scopedDeploy": switch })).await;
        bench.patch(json!({"editPolicies": [{"policy": "Browser baseline", "enabled": true}]}));
        bench.ok("POST", "/Policy", Value::Null).await;
        let devices = &bench.state()["devices"];
        assert!(devices["Lyon office"].is_object(), "{switch}");
        assert_eq!(devices["Pilot ring"].is_object(), hidden, "{switch}");
        assert!(devices["All Devices"].is_object(), "{switch}: what was there stays");
    }
}

#[tokio::test(start_paused = true)]
async fn devices_answer_for_the_rules_they_hold() {
    let bench = Bench::new().await;
    let rule = bench.rule("bitlocker-system-drive");
    let path = format!("/Policy/Responses/{rule}");
    let all = bench.ok("POST", &path, json!({"Start": "0;0"})).await;
    assert_eq!(all["Responses"].as_array().unwrap().len(), 16, "14 laptops and 2 tablets");
    let first = bench.ok("POST", &path, json!({"Start": "0;0", "PageSize": 10})).await;
    let second = bench.ok("POST", &path, json!({"Start": first["Range"], "PageSize": 10})).await;
    let length = |page: &Value| page["Responses"].as_array().unwrap().len();
    assert_eq!((length(&first), length(&second)), (10, 6), "{second}");
    let search = bench.ok("POST", "/Policy/Responses/Search", json!({"Start": "0;0"})).await;
    assert_eq!(length(&search), 2 * 16 + 3 * 80, "every device for every rule");
    for (why, start) in [("a number", json!(1)), ("nothing", Value::Null), ("no range", json!("x"))] {
        assert_eq!(bench.call("POST", &path, &json!({ "Start": start })).await.0, 400, "{why}");
    }
    bench.refused("POST", "/Policy/Responses/9999", json!({"Start": "0;0"}), 404, "Rule.NotFound").await;
}
