use serde_json::{Value, json};

use super::{ALDER, BIRCH, Bench, CEDAR, DOGWOOD, MONITORING, monitoring};

#[tokio::test(start_paused = true)]
async fn a_synchronous_write_is_partial_answers_nothing_and_reads_back() {
    let bench = Bench::new();
    let before = bench.stored(ALDER, 4, "/behavior_monitoring/block_mode");
    let answer = bench.put(&format!("policies?cids={ALDER}&gids=4&os=win&sync=true"), &monitoring(0)).await;
    assert_eq!(answer, Value::Null, "an empty body");
    let read = bench.get(&format!("policies?cids={ALDER}&gids=4&os=win&fields=behavior_monitoring")).await;
    let customer = &read["customers"][0];
    assert_eq!((&customer["id"], &customer["count"]), (&json!(ALDER), &json!(1)));
    assert_eq!(customer["policies"][0]["gid"], json!([4]));
    let policy = customer["policies"][0]["policy"].as_object().unwrap();
    assert_eq!(policy.keys().collect::<Vec<_>>(), ["behavior_monitoring"], "only the field asked for");
    assert_eq!(policy["behavior_monitoring"]["enabled"], 0);
    assert_eq!(policy["behavior_monitoring"]["block_mode"], before, "what was not sent stays");
    for (customer, gid) in [(ALDER, 1), (BIRCH, 3)] {
        assert_eq!(bench.stored(customer, gid, MONITORING), 1, "nobody else is touched");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_cids_really_hits_everyone_and_is_counted() {
    let bench = Bench::new();
    let (status, _) = bench.call("PUT", "policies?sync=true", &monitoring(0)).await;
    assert_eq!(status, 400, "sync needs cids");
    assert_eq!(bench.state()["unscopedWrites"], 0);

    bench.put("policies?cids=", &monitoring(0)).await;
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    let state = bench.state();
    assert_eq!((&state["unscopedWrites"], &state["ungroupedWrites"]), (&json!(1), &json!(1)));
    for (customer, gid) in [(ALDER, 1), (ALDER, 4), (BIRCH, 3), (CEDAR, 1)] {
        assert_eq!(bench.stored(customer, gid, MONITORING), 0, "{customer} {gid}");
    }
    assert_eq!(bench.stored(DOGWOOD, 1, MONITORING), 1, "expired: out of reach");
}

#[tokio::test(start_paused = true)]
async fn gids_mean_something_else_in_each_customer() {
    let bench = Bench::new();
    bench.put(&format!("policies?cids={ALDER},{BIRCH}&gids=3&sync=true"), &monitoring(0)).await;
    assert_eq!(bench.stored(ALDER, 3, MONITORING), 0, "Servers of Alder");
    assert_eq!(bench.stored(BIRCH, 3, MONITORING), 0, "Laptops of Birch");
}

#[tokio::test(start_paused = true)]
async fn windows_is_the_silent_default_and_documents_are_apart_by_os() {
    let bench = Bench::new();
    bench
        .put(&format!("policies?cids={ALDER}&gids=1&sync=true"), &json!({"policy": {"wtp": {"level": 3}}}))
        .await;
    assert_eq!(bench.stored(ALDER, 1, "/wtp/level"), 3);
    let mac = bench.get(&format!("policies?cids={ALDER}&gids=1&os=mac")).await;
    assert_eq!(mac["customers"][0]["policies"][0]["policy"]["wtp"]["level"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_refused_without_effect() {
    let bench = Bench::new();
    let before = bench.state();
    let (a, body) = (format!("cids={ALDER}"), monitoring(0));
    let unknown = "00000000-0000-4000-8000-000000000000";
    let eleven =
        (0..11).map(|n| format!("{n:08X}-0000-4000-8000-000000000000")).collect::<Vec<_>>().join(",");
    let cases = [
        (format!("policies?cids={eleven}&gids=1&sync=true"), body.clone(), 400, "at most 10"),
        (format!("policies?cids={unknown}&gids=1&sync=true"), body.clone(), 404, "does not exist"),
        (format!("policies?cids={DOGWOOD}&gids=1&sync=true"), body.clone(), 404, "expired"),
        (format!("policies?cids={ALDER},{DOGWOOD}&gids=1&sync=true"), body.clone(), 404, "expired"),
        (format!("policies?{a}&gids=99&sync=true"), body.clone(), 404, "no group 99"),
        (format!("policies?{a}&gids=1&os=linux&sync=true"), body.clone(), 400, "os"),
        (format!("policies?{a}&gids=1&sync=yes"), body.clone(), 400, "sync"),
        (format!("policies?{a}&gids=1&os=mac&sync=true"), body.clone(), 400, "behavior_monitoring"),
        (
            format!("policies?{a}&gids=1&sync=true"),
            json!({"policy": {"wtp": {"enabled": true}}}),
            400,
            "/wtp/enabled",
        ),
        (format!("policies?{a}&gids=1&sync=true"), json!({"policy": []}), 400, "body"),
        (format!("policies?{a}&gids=1&sync=true"), json!({}), 400, "neither"),
        (format!("policies?{a}&gids=1&sync=true"), Value::Null, 400, "body"),
        (
            format!("policies?{a}&gids=1&sync=true"),
            json!({"replicate_from": {"cid": BIRCH, "gid": 4}}),
            404,
            "no group 4",
        ),
    ];
    for (resource, body, expected, named) in cases {
        let (status, answer) = bench.call("PUT", &resource, &body).await;
        assert_eq!(status, expected, "{resource} {body}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(named), "{resource} {body}: {message}");
    }
    assert_eq!(bench.state(), before);
}

#[tokio::test(start_paused = true)]
async fn replicate_from_copies_once() {
    let bench = Bench::new();
    bench.put(&format!("policies?cids={BIRCH}&gids=2&sync=true"), &monitoring(7)).await;
    let copy = json!({"replicate_from": {"cid": BIRCH.to_lowercase(), "gid": 2}});
    bench.put(&format!("policies?cids={ALDER}&gids=3&sync=true"), &copy).await;
    assert_eq!(bench.stored(ALDER, 3, ""), bench.stored(BIRCH, 2, ""), "the whole document");
    bench.put(&format!("policies?cids={BIRCH}&gids=2&sync=true"), &monitoring(0)).await;
    assert_eq!(bench.stored(ALDER, 3, MONITORING), 7, "no lasting link");
}

#[tokio::test(start_paused = true)]
async fn urls_are_rewritten_and_their_times_are_the_servers() {
    let bench = Bench::new();
    let urls = json!(["https://intranet.example/some/path", "http://New.Example ", "http://new.example/*"]);
    let policy = json!({"approved_blocked_url": {"approved": {"urls": urls, "url_times": [1, 2, 3]}}});
    bench.put(&format!("policies?cids={ALDER}&gids=4&sync=true"), &json!({"policy": policy})).await;
    let approved = bench.stored(ALDER, 4, "/approved_blocked_url/approved");
    let now = bench.clock.now().as_second();
    let expected = json!({
        "urls": ["https://intranet.example/*", "http://new.example/*"],
        "url_times": [1_504_970_892, now],
    });
    assert_eq!(approved, expected, "kept URLs keep their time, sent times count for nothing");
}

#[tokio::test(start_paused = true)]
async fn global_settings_are_per_customer_and_hide_passwords() {
    let bench = Bench::new();
    let change = json!({"global_setting": {
        "agent_uninstall": {"password_required": 1, "password": "canary"},
        "blocked_url": {"blocked_urls": ["http://bad.example/x"]},
    }});
    bench.put(&format!("global_settings?cids={ALDER}&sync=true"), &change).await;
    let read =
        bench.get(&format!("global_settings?cids={ALDER},{BIRCH}&fields=agent_uninstall,blocked_url")).await;
    let alder = &read["customers"][0]["global_setting"];
    assert_eq!(alder["agent_uninstall"], json!({"password_required": 1, "password": ""}));
    assert_eq!(alder["blocked_url"]["blocked_urls"], json!(["http://bad.example/*"]));
    assert_eq!(alder["blocked_url"]["blocked_url_times"], json!([bench.clock.now().as_second()]));
    assert_eq!(read["customers"][1]["global_setting"]["agent_uninstall"]["password_required"], 0);
    let state = bench.state();
    assert_eq!(state["customers"][ALDER]["globalSettings"]["agent_uninstall"]["password"], "canary");
    let recorded = serde_json::to_string(&bench.service.recorder().since(0)).unwrap();
    assert!(!recorded.contains("canary"), "secrets are cut from the record");

    let copy = json!({"replicate_from": {"cid": ALDER}});
    bench.put(&format!("global_settings?cids={BIRCH}&sync=true"), &copy).await;
    let state = bench.state();
    assert_eq!(state["customers"][BIRCH]["globalSettings"], state["customers"][ALDER]["globalSettings"]);
    let defaults = bench.get(&format!("global_settings/default?cids={ALDER}&fields=agent_uninstall")).await;
    assert_eq!(defaults["customers"][0]["global_setting"]["agent_uninstall"]["password_required"], 0);
}

#[tokio::test(start_paused = true)]
async fn default_policies_differ_by_type_and_need_no_customer() {
    let bench = Bench::new();
    let desktop = bench.get("policies/default?fields=schedule,wtp").await;
    let expected = json!({"enabled": 1, "level": 1, "enable_bes": 0});
    assert_eq!(desktop["policies"][0]["policy"]["wtp"], expected);
    assert_eq!(desktop["policies"][0]["policy"]["schedule"]["daily_min"], 30);
    let server = bench.get(&format!("policies/default?cids={ALDER}&type=server")).await;
    assert_ne!(desktop["policies"][0]["policy"]["wtp"], server["policies"][0]["policy"]["wtp"]);
    let (status, _) = bench.call("GET", "policies/default?type=laptop", &Value::Null).await;
    assert_eq!(status, 400);
}

#[tokio::test(start_paused = true)]
async fn older_versions_lack_a_section_and_some_paths_lack_the_version() {
    let bench = Bench::new();
    let read = async |version: &str| {
        let target = format!("/SMPI/{version}service/wfbss/api/policies?cids={ALDER}&gids=1");
        let response = bench.send(bench.signed("GET", &target, &Value::Null)).await.unwrap();
        let (status, body) = crate::sandbox::support::read(response).await;
        (status, body["customers"][0]["policies"][0]["policy"].get("application_control").is_some())
    };
    assert_eq!(read("v2.6/").await, (200, false));
    assert_eq!(read("v2.7/").await, (200, true));
    assert_eq!(read("v2.8/").await, (200, true));
    assert_eq!(read("").await, (200, true));
    assert_eq!(read("v3.0/").await, (404, false));
}
