//! Section 12 of the sheet: each open question about saves, played both ways.

use serde_json::{Value, json};

use super::{Bench, but, deep, named, without};

/// A policy with a constraint, group 16 and Mara, and its id.
async fn filled(bench: &Bench) -> String {
    let policy = but(named("filled"), json!({"Constraints": [{"n": 1}]}));
    let answer = bench.save(deep(policy, json!(["16"]), json!([bench.user("mara.holt")]))).await;
    assert_eq!(answer["ErrorCode"], "0", "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// How many constraints, groups and users are stored.
fn held(bench: &Bench, id: &str) -> (usize, usize, usize) {
    let stored = bench.stored(id);
    let count = |name: &str| stored[name].as_array().unwrap().len();
    (count("constraints"), count("groups"), count("users"))
}

#[tokio::test(start_paused = true)]
async fn a_shallow_save_may_leave_the_lists_alone_or_not() {
    let emptied = deep(but(named("shallow"), json!({"Constraints": []})), json!([]), json!([]));
    for (why, options, flag, expected) in [
        ("false", json!({}), json!(false), (1, 1, 1)),
        ("absent is false", json!({}), Value::Null, (1, 1, 1)),
        ("true", json!({}), json!(true), (0, 0, 0)),
        ("false without meaning", json!({"shallowSave": "everything"}), json!(false), (0, 0, 0)),
    ] {
        let bench = Bench::with(options).await;
        let id = filled(&bench).await;
        let policy = but(emptied["policy"].clone(), json!({"id": id}));
        let answer = bench.save(but(emptied.clone(), json!({"policy": policy, "isDeepSave": flag}))).await;
        assert_eq!((&answer["Name"], held(&bench, &id)), (&json!("shallow"), expected), "{why}");
    }
    let bench = Bench::new().await;
    let policy = but(named("new"), json!({"Constraints": [1]}));
    let body = but(deep(policy, json!(["16"]), json!([])), json!({"isDeepSave": false}));
    let id = bench.save(body).await["id"].as_str().unwrap().to_owned();
    assert_eq!(held(&bench, &id), (0, 0, 0), "a shallow create is empty");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_may_clear_or_keep() {
    for (reading, expected) in [("clear", (0, 0, 0)), ("keep", (1, 1, 1))] {
        let bench = Bench::with(json!({"missingLists": reading})).await;
        for (why, constraints, groups) in
            [("absent", false, json!({})), ("null", true, json!({"groups": null, "users": null}))]
        {
            let id = filled(&bench).await;
            let policy = but(named("filled"), json!({"id": id, "Constraints": null}));
            let policy = if constraints { policy } else { without(policy, "Constraints") };
            bench.save(but(json!({"policy": policy, "isDeepSave": true}), groups)).await;
            assert_eq!(held(&bench, &id), expected, "{reading}, {why}");
        }
    }
    for (reading, active, description) in
        [("reset", json!(false), Value::Null), ("keep", json!(true), json!("managed; ref 7c1e9a"))]
    {
        let bench = Bench::with(json!({"missingFields": reading})).await;
        let id = filled(&bench).await;
        let minimal = json!({"id": id, "Name": "filled"});
        bench.save(deep(minimal, json!(["16"]), json!([]))).await;
        let stored = bench.stored(&id);
        assert_eq!((&stored["isActive"], &stored["description"]), (&active, &description), "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_may_replace_or_merge() {
    for (reading, expected) in [("replace", json!(["17"])), ("merge", json!(["16", "17"]))] {
        let bench = Bench::with(json!({"lists": reading})).await;
        let id = filled(&bench).await;
        bench.save(deep(but(named("filled"), json!({"id": id})), json!(["17", "17"]), json!([]))).await;
        assert_eq!(bench.stored(&id)["groups"], expected, "{reading}, and each once");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_inside_the_policy_may_be_ignored_used_or_refused() {
    for (reading, code, groups) in
        [("ignored", "0", json!([])), ("used", "0", json!(["17"])), ("refused", "5007", json!(["16"]))]
    {
        let bench = Bench::with(json!({"nestedLists": reading})).await;
        let id = filled(&bench).await;
        let policy = but(named("filled"), json!({"id": id, "Groups": [{"GroupId": "17"}], "Users": []}));
        let answer = bench.save(json!({"policy": policy, "isDeepSave": true})).await;
        assert_eq!(
            (&answer["ErrorCode"], &bench.stored(&id)["groups"]),
            (&json!(code), &groups),
            "{reading}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn constraints_may_not_be_saved_this_way_or_come_back_changed() {
    for (why, options, code, expected) in [
        ("stored", json!({}), "0", json!([{"n": 2}])),
        ("silently dropped", json!({"constraintSaves": "ignored"}), "0", json!([])),
        ("refused", json!({"constraintSaves": "refused"}), "5007", json!([])),
    ] {
        let bench = Bench::with(options).await;
        let policy = but(named(why), json!({"Constraints": [{"n": 2}]}));
        let answer = bench.save(deep(policy, json!([]), json!([]))).await;
        assert_eq!((&answer["ErrorCode"], &answer["Constraints"]), (&json!(code), &expected), "{why}");
    }
    let bench = Bench::with(json!({"constraintElements": "decorated"})).await;
    let id = filled(&bench).await;
    assert_eq!(
        bench.stored(&id)["constraints"],
        json!([{"n": 1, "ID": "1", "PolicyID": id, "ErrorCode": null, "ErrorMessage": null}])
    );
}

#[tokio::test(start_paused = true)]
async fn a_create_may_not_be_active() {
    for (reading, code, active) in
        [("stored", "0", json!(true)), ("ignored", "0", json!(false)), ("refused", "5007", json!(false))]
    {
        let bench = Bench::with(json!({"activeOnCreate": reading})).await;
        let answer = bench.save(deep(named("new"), json!([]), json!([]))).await;
        assert_eq!((&answer["ErrorCode"], &answer["isActive"]), (&json!(code), &active), "{reading}");
        let inert = but(named("inert"), json!({"isActive": false}));
        let id = bench.save(deep(inert, json!([]), json!([]))).await["id"].clone();
        let answer = bench.save(deep(but(named("inert"), json!({"id": id})), json!([]), json!([]))).await;
        assert_eq!(answer["isActive"], true, "{reading}: an update may always activate");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_an_error_a_create_or_nothing() {
    let sent = "630000000000000001";
    for (reading, code, answers_sent, created) in [
        ("error", "5003", false, 0),
        ("create", "0", false, 1),
        ("createAsSent", "0", true, 1),
        ("ignore", "0", true, 0),
    ] {
        let bench = Bench::with(json!({"unknownId": reading})).await;
        let answer = bench.save(deep(but(named("gone"), json!({"id": sent})), json!([]), json!([]))).await;
        assert_eq!((&answer["ErrorCode"], answer["id"] == sent), (&json!(code), answers_sent), "{reading}");
        let stored = bench.names().iter().filter(|name| *name == "gone").count();
        assert_eq!((stored, bench.counter("creates")), (created, created as u64), "{reading}");
    }
    let bench = Bench::new().await;
    let answer = bench.save(deep(but(named("empty"), json!({"id": ""})), json!([]), json!([]))).await;
    assert_eq!(answer["ErrorCode"], "0", "an empty id is none");
}

#[tokio::test(start_paused = true)]
async fn names_may_have_to_be_unique() {
    for (reading, same, folded) in
        [("allowed", "0", "0"), ("refused", "5004", "0"), ("refusedFolded", "5004", "5004")]
    {
        let bench = Bench::with(json!({"duplicateNames": reading})).await;
        let id = bench.create("Rows").await;
        let own = bench.save(deep(but(named("Rows"), json!({"id": id})), json!([]), json!([]))).await;
        assert_eq!(own["ErrorCode"], "0", "{reading}: its own name is no duplicate");
        for (name, code) in [("Rows", same), ("ROWS", folded)] {
            let answer = bench.save(deep(named(name), json!([]), json!([]))).await;
            assert_eq!(answer["ErrorCode"], code, "{reading}: {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_members_are_echoed_refused_or_dropped() {
    for (reading, code, groups) in [
        ("accepted", "0", json!(["999", "16"])),
        ("refused", "5005", Value::Null),
        ("dropped", "0", json!(["16"])),
    ] {
        let bench = Bench::with(json!({"unknownMembers": reading})).await;
        let answer = bench.save(deep(named("x"), json!(["999", "16"]), json!([]))).await;
        assert_eq!(answer["ErrorCode"], code, "{reading}");
        let stored = bench.stored(answer["id"].as_str().unwrap_or_default());
        assert_eq!(stored["groups"], groups, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn texts_and_lists_may_be_limited() {
    for (reading, code, name, description) in [
        ("refused", "5006", json!("longer name"), Value::Null),
        ("cut", "0", json!("longer"), json!("managed; ")),
    ] {
        let options = json!({"overlong": reading, "nameLimit": 6, "descriptionLimit": 9});
        let bench = Bench::with(options).await;
        let answer = bench.save(deep(named("longer name"), json!([]), json!([]))).await;
        assert_eq!((&answer["ErrorCode"], &answer["Name"]), (&json!(code), &name), "{reading}");
        assert_eq!(answer["Description"], description, "{reading}: a mark at the end is lost");
    }
    let bench = Bench::with(json!({"listLimit": 1})).await;
    let answer = bench.save(deep(named("x"), json!(["16", "17"]), json!([]))).await;
    assert_eq!(answer["ErrorCode"], "5006");
}

#[tokio::test(start_paused = true)]
async fn answers_may_look_otherwise() {
    let bench = Bench::with(json!({"policyCodes": "integer", "memberOrder": "sorted"})).await;
    let answer = bench.save(deep(named("x"), json!(["16", "2"]), json!([]))).await;
    assert_eq!((&answer["ErrorCode"], &answer["Groups"][0]["GroupId"]), (&json!(0), &json!("2")));
    let bench = Bench::with(json!({"refusedSave": "bare"})).await;
    let answer = bench.save(json!({"policy": {"id": "1"}})).await;
    assert_eq!(answer, json!({"ErrorCode": "5003", "ErrorMessage": "AppShield policy was not found."}));
    for (reading, expected) in
        [("kept", "2023-11-14T23:13:20.000000+01:00"), ("fromRequest", "2016-01-01T00:00:00.123456+01:00")]
    {
        let bench = Bench::with(json!({"createdDate": reading})).await;
        let id = bench.create("x").await;
        assert_ne!(bench.stored(&id)["createdDate"], "2016-01-01T00:00:00.123456+01:00", "never at create");
        let answer = bench.save(deep(but(named("x"), json!({"id": id})), json!([]), json!([]))).await;
        assert_eq!(answer["CreatedDate"], expected, "{reading}");
    }
}
