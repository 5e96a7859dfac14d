//! Section 14: what the sheet does not know, played both ways.

use serde_json::{Value, json};

use super::{Bench, DICTIONARIES, V1, V3, but};

const NONE: Value = Value::Null;

#[tokio::test(start_paused = true)]
async fn statuses_nobody_declares() {
    for (option, method, path, body, expected) in [
        ("unknownIdStatus", "GET", "/agent/v1/dlp/policies/x", NONE, 404),
        ("unknownIdStatus", "GET", "/agent/v1/dlp/dictionaries/x", NONE, 404),
        ("duplicateNameStatus", "POST", DICTIONARIES, json!({"name": "card-patterns"}), 409),
        ("invalidValueStatus", "POST", DICTIONARIES, json!({"name": ""}), 422),
        ("forbiddenStateStatus", "DELETE", "the enabled one", NONE, 409),
    ] {
        for (options, expected) in [(json!({}), 400), (json!({option: expected}), expected)] {
            let bench = Bench::with(options).await;
            let enabled = format!("{V1}/{}", bench.policy_id("PCI card numbers"));
            let path = if path.starts_with('/') { path } else { &enabled };
            let (status, answer) = bench.call(method, path, &body).await;
            assert_eq!((status, &answer["code"]), (expected, &json!(expected)), "{option}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dictionary_ids_left_out() {
    for (reading, created, updated, active) in
        [("asEmpty", 200, 200, false), ("keep", 200, 200, true), ("reject", 400, 400, true)]
    {
        let bench = Bench::with(json!({"absentDictionaries": reading})).await;
        let path = bench.enabled("Mine").await;
        let body = |name: &str| but(&bench.cards(name), &json!({"dictionaryIds": null}));
        assert_eq!(bench.call("POST", V1, &body("New")).await.0, created, "{reading}");
        assert_eq!(bench.call("PUT", &path, &body("Mine")).await.0, updated, "{reading}");
        let policy = bench.policy("Mine");
        assert_eq!(
            (policy["active"] == true, policy["dictionaries"] != json!([])),
            (active, active),
            "{reading}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn detached_dictionaries_may_not_survive() {
    for (reading, survives) in [("survive", true), ("deleted", false)] {
        let bench = Bench::with(json!({"detached": reading})).await;
        bench.patch(json!({"addDictionaries": [{"name": "Only mine"}]}));
        let ids = json!([bench.dictionary_id("Only mine"), bench.dictionary_id("card-patterns")]);
        let path = bench.create(V1, &but(&bench.cards("Mine"), &json!({"dictionaryIds": ids}))).await;
        bench.ok("PUT", &path, &but(&bench.cards("Mine"), &json!({"dictionaryIds": []}))).await;
        assert_eq!(bench.stored("dictionaries", "Only mine") != NONE, survives, "{reading}");
        assert_ne!(bench.stored("dictionaries", "card-patterns"), NONE, "others use it");
    }
}

#[tokio::test(start_paused = true)]
async fn enabling_and_disabling() {
    for (options, action, expected, why) in [
        (json!({}), "enable", 200, "twice is as good as once"),
        (json!({"repeatedState": "reject"}), "enable", 400, "it is enabled"),
        (json!({"repeatedState": "reject"}), "disable", 200, "that is a change"),
    ] {
        let bench = Bench::with(options).await;
        let path = bench.enabled("Mine").await;
        assert_eq!(bench.call("POST", &format!("{path}/{action}"), &NONE).await.0, expected, "{why}");
    }
    for (reading, expected) in [("reject", 400), ("accept", 200)] {
        let bench = Bench::with(json!({"enableEmpty": reading})).await;
        let path = bench.create(V1, &but(&bench.cards("Mine"), &json!({"dictionaryIds": []}))).await;
        assert_eq!(bench.call("POST", &format!("{path}/enable"), &NONE).await.0, expected, "{reading}");
    }
    let bench = Bench::new().await;
    let files = json!([{"dataType": "FileContent", "action": "Block", "rules": [
        {"type": "FILE_PASSWORD", "name": "p", "filePasswordConfig": {}}
    ]}]);
    let path = bench.create(V3, &but(&bench.projects("Files"), &json!({"appliesTo": files}))).await;
    bench.ok("POST", &format!("{path}/enable"), &NONE).await;
}

#[tokio::test(start_paused = true)]
async fn editing_an_enabled_policy_may_be_refused() {
    for (reading, expected) in [("accept", 200), ("reject", 400)] {
        let bench = Bench::with(json!({"editEnabled": reading})).await;
        let path = bench.enabled("Mine").await;
        assert_eq!(bench.call("PUT", &path, &bench.cards("Mine")).await.0, expected, "{reading}");
        bench.ok("POST", &format!("{path}/disable"), &NONE).await;
        bench.ok("PUT", &path, &bench.cards("Mine")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn which_changes_raise_the_version() {
    for (options, expected, why) in [
        (json!({}), "1.1", "a write counts, whether it changes anything or not"),
        (json!({"unchangedWrites": "keep"}), "1.0", "nothing changed"),
        (json!({"stateVersions": "raise"}), "1.2", "enabling counts too"),
        (json!({"stateVersions": "raise", "unchangedWrites": "keep"}), "1.1", "enabling alone"),
    ] {
        let bench = Bench::with(options).await;
        let path = bench.enabled("Mine").await;
        bench.ok("PUT", &path, &bench.cards("Mine")).await;
        let policy = bench.policy("Mine");
        assert_eq!((&policy["version"], &policy["active"]), (&json!(expected), &json!(true)), "{why}");
    }
    let bench = Bench::with(json!({"unchangedWrites": "keep"})).await;
    let path = bench.create(V3, &bench.projects("Mine")).await;
    bench.ok("POST", &format!("{path}/update"), &bench.projects("Mine")).await;
    assert_eq!(bench.policy("Mine")["version"], "3.0", "the ids of rules are no change");
    let id = bench.dictionary_id("Old campaigns");
    bench.ok("PUT", &format!("{DICTIONARIES}/{id}"), &json!({"name": "Old campaigns"})).await;
    bench.upload(&id, "").await;
    assert_eq!(bench.stored("dictionaries", "Old campaigns")["version"], "1.1");
}

#[tokio::test(start_paused = true)]
async fn how_long_and_how_equal_names_are() {
    for (reading, characters, expected) in [
        ("characters", "ü".repeat(30), 200),
        ("bytes", "ü".repeat(15), 200),
        ("bytes", "ü".repeat(16), 400),
        ("utf16", "🦉".repeat(15), 200),
        ("utf16", "🦉".repeat(16), 400),
    ] {
        let bench = Bench::with(json!({"nameLength": reading})).await;
        let (status, answer) = bench.call("POST", V1, &bench.cards(&characters)).await;
        assert_eq!(status, expected, "{reading} {characters}: {answer}");
    }
    for (reading, expected) in [("sensitive", 200), ("insensitive", 400)] {
        let bench = Bench::with(json!({"nameCase": reading})).await;
        assert_eq!(bench.call("POST", V1, &bench.cards("PCI CARD NUMBERS")).await.0, expected, "{reading}");
        let body = json!({"name": "Card-Patterns"});
        assert_eq!(bench.call("POST", DICTIONARIES, &body).await.0, expected, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_deleting_leaves() {
    for (reading, read, listed) in [("gone", 400, false), ("readable", 200, false), ("listed", 200, true)] {
        let bench = Bench::with(json!({"deletedPolicies": reading})).await;
        let path = bench.create(V3, &bench.projects("Mine")).await;
        bench.ok("POST", &format!("{path}/delete"), &NONE).await;
        let (status, answer) = bench.call("GET", &path, &NONE).await;
        assert_eq!(status, read, "{reading}");
        assert!(read == 400 || answer["data"]["deleted"] == true);
        let list = bench.get(V3).await;
        let all = list["policies"].as_array().unwrap();
        assert_eq!(all.iter().any(|one| one["deleted"] == true), listed, "{reading}");
        bench.refused("POST", &format!("{path}/enable"), &NONE, 400, "can not be found").await;
    }
    for (reading, expected) in [("free", 200), ("taken", 400)] {
        let bench = Bench::with(json!({"deletedNames": reading})).await;
        let path = bench.create(V1, &bench.cards("Mine")).await;
        bench.ok("DELETE", &path, &NONE).await;
        assert_eq!(bench.call("POST", V1, &bench.cards("Mine")).await.0, expected, "{reading}");
        let id = bench.dictionary_id("Old campaigns");
        bench.ok("DELETE", &format!("{DICTIONARIES}/{id}"), &NONE).await;
        let body = json!({"name": "Old campaigns"});
        assert_eq!(bench.call("POST", DICTIONARIES, &body).await.0, expected, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_content_type_may_mean_messages() {
    let bench = Bench::with(json!({"absentContentTypes": "messages"})).await;
    bench.create(V1, &but(&bench.cards("Mine"), &json!({"contentTypes": null}))).await;
    assert_eq!(bench.policy("Mine")["contentTypes"], json!(["Messages"]));
    bench
        .refused(
            "POST",
            V1,
            &but(&bench.cards("Two"), &json!({"contentTypes": []})),
            400,
            "must not be empty",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn answers_may_shout_and_reorder() {
    for (options, kind, types) in [
        (json!({}), "Block", json!(["RoomMeta", "Messages"])),
        (json!({"arrayOrder": "sorted"}), "Block", json!(["Messages", "RoomMeta"])),
        (json!({"arrayOrder": "reversed"}), "Block", json!(["Messages", "RoomMeta"])),
        (json!({"wordCase": "upper"}), "BLOCK", json!(["ROOMMETA", "MESSAGES"])),
    ] {
        let bench = Bench::with(options.clone()).await;
        let body = but(&bench.cards("Mine"), &json!({"contentTypes": ["RoomMeta", "Messages"]}));
        let path = bench.create(V1, &body).await;
        let policy = &bench.get(&path).await["data"];
        assert_eq!((&policy["type"], &policy["contentTypes"]), (&json!(kind), &types), "{options}");
        assert_eq!(bench.policy("Mine")["contentTypes"], json!(["RoomMeta", "Messages"]), "stored as sent");
    }
}
