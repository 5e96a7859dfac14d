//! Section 6: flags, the asynchronous task, what devices get.

use serde_json::{Value, json};

use super::{A, B, Bench, android, seconds};
use crate::sandbox::{
    Double as _,
    wso2::{Dialect, Wso2Options},
};

async fn bench() -> Bench {
    Bench::new(Wso2Options { apply_delay: 10, delivery_delay: 5, ..Wso2Options::default() }).await
}

fn flags(bench: &Bench, id: i64) -> (bool, bool) {
    let policy = bench.policy(id);
    (policy["active"] == true, policy["updated"] == true)
}

/// `(active, updated)` after each action on a policy in each state: the table of section 6.
#[tokio::test(start_paused = true)]
async fn the_table() {
    let bench = bench().await;
    for active in [false, true] {
        let mut body = android("t", json!({}));
        body["active"] = json!(active);
        let id = bench.create(&body).await;
        assert_eq!(flags(&bench, id), (active, active), "create: pending only if active");
        for (state, updated) in [(false, false), (false, true), (true, false), (true, true)] {
            let reset =
                || bench.patch(json!({"policies": [{"id": id, "active": state, "updated": updated}]}));
            let cases = [
                ("PUT", format!("/{id}"), android("t", json!({})), state),
                ("POST", "/activate-policy".to_owned(), json!([id]), true),
                ("POST", "/deactivate-policy".to_owned(), json!([id]), false),
                ("PUT", "/priorities".to_owned(), json!([{"id": id, "priority": 7}]), state),
            ];
            for (method, path, body, want) in cases {
                reset();
                assert_eq!(flags(&bench, id), (state, updated));
                let path = format!("{B}/policies{path}");
                let got = if method == "PUT" {
                    bench.put(&path, &body).await
                } else {
                    bench.post(&path, &body).await
                };
                assert_eq!(got.status, 200, "{}", got.text);
                assert_eq!(flags(&bench, id), (want, true), "{method} {path} from {state}, {updated}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn flags_clear_before_delivery_and_a_second_call_is_refused() {
    let bench = bench().await;
    let mut body = android("pin", json!({"minLength": "6"}));
    body["active"] = json!(true);
    let id = bench.create(&body).await;
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], Value::Null, "active, but nobody applied it");
    assert_eq!(bench.device("a-1001")["effectivePolicyId"], id);
    assert_eq!(bench.apply().await.status, 200);
    assert_eq!(bench.double.state()["applyRunning"], true);
    seconds(9).await;
    assert_eq!(bench.apply().await.status, 500, "scheduled");
    assert_eq!(flags(&bench, id), (true, true));
    seconds(1).await;
    assert_eq!(flags(&bench, id), (true, false));
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], Value::Null, "flags prove nothing");
    assert_eq!(bench.apply().await.status, 500, "still delivering");
    seconds(5).await;
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], id);
    assert_eq!(bench.double.state()["applyRunning"], false);
    assert_eq!(bench.apply().await.status, 200);
    let counters = bench.double.state()["counters"].clone();
    assert_eq!(
        (&counters["applyCalls"], &counters["applyRefused"], &counters["applyRuns"]),
        (&json!(4), &json!(2), &json!(2))
    );
}

#[tokio::test(start_paused = true)]
async fn busy_may_end_with_the_flags() {
    let bench = bench().await;
    bench.option("applyBusyUntilDelivered", json!(false));
    bench.create(&active("pin")).await;
    bench.apply().await;
    seconds(10).await;
    assert_eq!(bench.apply().await.status, 200, "the other reading");
    assert_eq!(bench.device("a-1001")["pushes"], 1, "what was under way is not lost");
}

fn active(name: &str) -> Value {
    let mut body = android(name, json!({"minLength": "6"}));
    body["active"] = json!(true);
    body
}

async fn applied(bench: &Bench) {
    assert_eq!(bench.apply().await.status, 200);
    seconds(15).await;
    bench.double.state();
}

#[tokio::test(start_paused = true)]
async fn editing_an_active_policy_reaches_devices_only_when_applied() {
    let bench = bench().await;
    let id = bench.create(&active("pin")).await;
    applied(&bench).await;
    let content = |bench: &Bench| bench.device("a-1001")["delivered"]["contents"]["PASSCODE_POLICY"].clone();
    bench.put(&format!("{B}/policies/{id}"), &android("pin", json!({"minLength": "8"}))).await;
    assert_eq!(content(&bench), json!({"minLength": "6"}));
    applied(&bench).await;
    assert_eq!(content(&bench), json!({"minLength": "8"}));
}

#[tokio::test(start_paused = true)]
async fn deleting_alone_leaves_devices_as_they_are() {
    let bench = bench().await;
    let id = bench.create(&active("pin")).await;
    applied(&bench).await;
    bench.post(&format!("{B}/policies/remove-policy"), &json!([id])).await;
    applied(&bench).await;
    assert_eq!(
        bench.device("a-1001")["deliveredPolicyId"],
        id,
        "nothing was pending, so nothing was evaluated"
    );

    let id = bench.create(&active("pin")).await;
    applied(&bench).await;
    bench.post(&format!("{B}/policies/deactivate-policy"), &json!([id])).await;
    applied(&bench).await;
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], Value::Null, "the safe order revokes");
}

#[tokio::test(start_paused = true)]
async fn only_platforms_with_a_pending_policy_and_only_changed_devices() {
    let bench = bench().await;
    let id = bench.create(&active("pin")).await;
    applied(&bench).await;
    let pushes = bench.counter("pushes");
    assert_eq!(bench.device("w-2001")["pushes"], 1, "windows only ever got its seed");
    bench.post(&format!("{B}/policies/activate-policy"), &json!([id])).await;
    applied(&bench).await;
    assert_eq!(bench.counter("pushes"), pushes, "B sends what is new or changed");
}

#[tokio::test(start_paused = true)]
async fn dialect_a_sends_always_and_never_revokes() {
    let bench = Bench::of(Dialect::MdmAdmin).await;
    bench.put(&format!("{A}/policies/activate"), &json!([2])).await;
    applied(&bench).await;
    assert_eq!(bench.device("a-1002")["pushes"], 2, "again, although nothing changed");
    bench.put(&format!("{A}/policies/inactivate"), &json!([2])).await;
    applied(&bench).await;
    assert_eq!(bench.device("a-1002")["deliveredPolicyId"], 2, "stays");
    assert_eq!(bench.counter("revocations"), 0);
    assert_eq!(bench.apply().await.status, 200);
    let second = bench.apply().await;
    assert_eq!((second.status, second.json()["errorMessage"].is_string()), (500, true));
}

#[tokio::test(start_paused = true)]
async fn tasks_may_go_wrong() {
    let bench = bench().await;
    let id = bench.create(&active("pin")).await;
    let outcome =
        |o: &str| bench.double.fault("taskOutcome", &json!({"outcome": o, "times": 1})).unwrap().unwrap();
    outcome("lost");
    applied(&bench).await;
    assert_eq!(flags(&bench, id), (true, true), "lost: as if it had never been asked for");
    outcome("undelivered");
    applied(&bench).await;
    assert_eq!(flags(&bench, id), (true, false));
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], Value::Null, "undelivered: flags lie");
    outcome("stuck");
    applied(&bench).await;
    seconds(3000).await;
    assert_eq!(bench.apply().await.status, 500, "stuck: refused for ever");
    bench.double.clear_faults();
    bench.patch(json!({"policies": [{"id": id, "updated": true}]}));
    applied(&bench).await;
    assert_eq!(bench.device("a-1001")["deliveredPolicyId"], id, "and well again");
}

#[tokio::test(start_paused = true)]
async fn effective_policy_and_compliance_of_a_device() {
    let bench = bench().await;
    let effective = format!("{B}/policies/effective-policy/android/a-1001");
    assert_eq!(bench.get(&effective).await.status, 404);
    assert_eq!(bench.get(&format!("{B}/devices/android/a-1001/effective-policy")).await.status, 204);
    let compliance = format!("{B}/devices/android/a-1001/compliance-data");
    assert_eq!(bench.get(&compliance).await.json(), json!({"deviceID": "a-1001"}), "no policy, no record");
    let id = bench.create(&active("pin")).await;
    applied(&bench).await;
    assert_eq!(bench.get(&effective).await.json()["id"], id);
    let data = bench.get(&compliance).await.json()["complianceData"].clone();
    assert_eq!((&data["id"], &data["status"]), (&json!(0), &json!(false)), "the agent has not reported yet");
    seconds(60).await;
    let data = bench.get(&compliance).await.json()["complianceData"].clone();
    assert_eq!((&data["status"], &data["policyId"]), (&json!(true), &json!(id)));
    assert!(data["id"].as_i64().unwrap() > 0);
    bench.patch(json!({"devices": [{"id": "a-1001", "type": "android", "violations": ["PASSCODE_POLICY"]}]}));
    let data = bench.get(&compliance).await.json()["complianceData"].clone();
    assert_eq!(
        (&data["status"], &data["complianceFeatures"][0]["featureCode"]),
        (&json!(false), &json!("PASSCODE_POLICY"))
    );
    let long = "x".repeat(46);
    assert_eq!(bench.get(&format!("{B}/devices/android/{long}/compliance-data")).await.status, 400);
}
