//! Section 5: EFv3, where verbs, ids, types and rules differ.

use serde_json::{Value, json};

use super::{Bench, V1, V3, but, text};

const NONE: Value = Value::Null;

#[tokio::test(start_paused = true)]
async fn the_life_of_a_policy_goes_by_post() {
    let bench = Bench::new().await;
    let answer = bench.ok("POST", V3, &bench.projects(" Mine ")).await;
    let policy = &answer["data"];
    assert_eq!(
        (&policy["name"], &policy["version"], &policy["active"]),
        (&json!("Mine"), &json!("3.0"), &json!(false))
    );
    assert_eq!(
        (&policy["creatorId"], &policy["systemPolicy"]),
        (&json!(7_696_581_544_487_i64), &json!(false))
    );
    assert!(policy["appliesTo"][0]["rules"][0]["id"].is_string(), "rules get ids");
    let path = format!("{V3}/{}", policy["policyId"].as_str().unwrap());
    let other = format!("{V3}/{}", policy["id"].as_str().unwrap());
    bench.refused("GET", &other, &NONE, 400, "can not be found").await;
    assert_eq!(bench.call("PUT", &path, &bench.projects("Mine")).await.0, 405, "no PUT");
    assert_eq!(bench.call("DELETE", &path, &NONE).await.0, 405, "no DELETE");

    bench.ok("POST", &format!("{path}/enable"), &NONE).await;
    let updated = bench.ok("POST", &format!("{path}/update"), &bench.projects("Mine too")).await;
    assert_eq!((&updated["data"]["version"], &updated["data"]["active"]), (&json!("3.1"), &json!(true)));
    assert_eq!(
        updated["data"]["appliesTo"][0]["rules"][0]["id"], policy["appliesTo"][0]["rules"][0]["id"],
        "a rule of the same type and name is the same rule"
    );
    bench.refused("POST", &format!("{path}/delete"), &NONE, 400, "disable it first").await;
    bench.ok("POST", &format!("{path}/disable"), &NONE).await;
    bench.ok("POST", &format!("{path}/delete"), &NONE).await;
    bench.refused("GET", &path, &NONE, 400, "can not be found").await;
}

#[tokio::test(start_paused = true)]
async fn a_text_rule_without_dictionaries_turns_enforcement_off() {
    for (reading, empty, full, why) in [
        ("anyRule", Some(false), Some(false), "one empty rule is enough"),
        ("allRules", Some(false), Some(true), "only if all are empty"),
        ("reject", None, None, "refused"),
    ] {
        let bench = Bench::with(json!({"emptyRules": reading})).await;
        let whole = bench.projects("Mine");
        let path = bench.create(V3, &whole).await;
        let half = json!([{"dataType": "Messages", "action": "Warn", "rules": [
            text(json!([])), whole["appliesTo"][0]["rules"][0]
        ]}]);
        let none = json!([{"dataType": "Messages", "action": "Warn", "rules": [text(json!([]))]}]);
        for (applies_to, expected) in [(half, full), (none, empty)] {
            bench.ok("POST", &format!("{path}/update"), &whole).await;
            bench.ok("POST", &format!("{path}/enable"), &NONE).await;
            let body = but(&whole, &json!({"appliesTo": applies_to}));
            let (status, answer) = bench.call("POST", &format!("{path}/update"), &body).await;
            assert_eq!(answer["data"]["active"].as_bool(), expected, "{reading}: {why}: {status} {answer}");
            if expected == Some(false) {
                assert_eq!(bench.policy("Mine")["dictionaries"], json!([]), "{why}: all are detached");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_must_hold() {
    let bench = Bench::new().await;
    let whole = bench.projects("Mine");
    let good = &whole["appliesTo"][0]["rules"][0];
    let reference = &good["textMatchConfig"]["dictionaries"][0];
    let rule = |kind: &str, config: &str, value: Value| json!({"type": kind, "name": "r", config: value});
    let password = |criteria: Value| {
        rule(
            "FILE_PASSWORD",
            "filePasswordConfig",
            json!({"applicableFileTypes": ["ZIP"], "matchCriteria": criteria}),
        )
    };
    let labels = |labels: Value| {
        rule(
            "FILE_CLASSIFIER",
            "fileClassifierConfig",
            json!({"classifiers": labels, "applicableFileTypes": []}),
        )
    };
    let many: Value =
        (0..31).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let typed = |types: Value| {
        let mut rule = good.clone();
        rule["textMatchConfig"]["applicableFileTypes"] = types;
        rule
    };
    let target = |data_type: &str, action: &str, rule: &Value| json!([{"dataType": data_type, "action": action, "rules": [rule]}]);
    let messages = |rule: Value| target("Messages", "Block", &rule);
    let cases = [
        ("the example", messages(good.clone()), ""),
        ("nothing to look at", json!([]), "appliesTo must not be empty"),
        ("unknown data type", target("Mail", "Block", good), "dataType is"),
        ("unknown action", target("Messages", "Delete", good), "action is"),
        ("logging only", target("Messages", "LogOnly", good), ""),
        ("action left out", json!([{"dataType": "Messages", "rules": [good]}]), "action must not be null"),
        ("rules left out", json!([{"dataType": "Messages", "action": "Block"}]), "missing field"),
        ("a word of the schema without settings", messages(rule("UNKNOWN", "x", json!({}))), "type is"),
        (
            "settings of another type",
            messages(but(good, &json!({"type": "FILE_SIZE"}))),
            "settings of its type",
        ),
        ("two settings", messages(but(good, &json!({"fileSizeConfig": {}}))), "settings of its type"),
        (
            "a reference without version",
            messages(text(json!([but(reference, &json!({"version": null}))]))),
            "missing field",
        ),
        (
            "unknown dictionary",
            messages(text(json!([but(reference, &json!({"dictId": "x"}))]))),
            "invalid dictionaries",
        ),
        ("file types for messages", messages(typed(json!(["PDF"]))), "must be empty"),
        ("file types for files", target("FileContent", "Block", &typed(json!(["PDF"]))), ""),
        (
            "unknown file type",
            target("FileContent", "Block", &typed(json!(["PNG"]))),
            "applicableFileTypes is",
        ),
        (
            "one list of endings",
            messages(rule("FILE_EXTENSION", "fileExtensionConfig", json!({"allowLists": []}))),
            "missing field",
        ),
        (
            "endings",
            messages(rule(
                "FILE_EXTENSION",
                "fileExtensionConfig",
                json!({"allowLists": [], "blockLists": ["exe"]}),
            )),
            "",
        ),
        ("a size by default", messages(rule("FILE_SIZE", "fileSizeConfig", json!({}))), ""),
        ("a criterion", messages(password(json!("PASSWORD_PROTECTED"))), ""),
        (
            "a list, as the docs have it",
            messages(password(json!(["PASSWORD_PROTECTED"]))),
            "matchCriteria is",
        ),
        ("a label", messages(labels(json!({"classification": "Secret"}))), ""),
        ("an empty label", messages(labels(json!({"classification": ""}))), "1 to 30"),
        ("a long label", messages(labels(json!({"x".repeat(31): "a"}))), "1 to 30"),
        ("31 labels", messages(labels(many)), "at most 30 classifiers"),
    ];
    for (number, (why, applies_to, words)) in cases.into_iter().enumerate() {
        let body = but(&whole, &json!({"name": format!("Case {number}"), "appliesTo": applies_to}));
        let (status, answer) = bench.call("POST", V3, &body).await;
        let message = answer["message"].as_str().unwrap_or_default();
        let expected = if words.is_empty() { 200 } else { 400 };
        assert!(status == expected && message.contains(words), "{why}: {status} {answer}");
    }
    let size = bench.policy("Case 17")["appliesTo"][0]["rules"][0]["fileSizeConfig"].clone();
    assert_eq!(size, json!({"sizeLimit": 20}));
}

#[tokio::test(start_paused = true)]
async fn what_docs_and_openapi_say_differently() {
    let rules = |criteria: Value, count: Value| {
        let mut text = text(json!([]));
        text["textMatchConfig"]["countUniqueOccurrences"] = count;
        json!([
            text,
            {"type": "FILE_PASSWORD", "name": "p", "filePasswordConfig": {"matchCriteria": criteria}}
        ])
    };
    for (types, criteria, count, shown) in [
        ("spec", json!("PASSWORD_PROTECTED"), json!(3), (json!("PASSWORD_PROTECTED"), json!(3))),
        ("docs", json!(["PASSWORD_PROTECTED"]), json!("3"), (json!(["PASSWORD_PROTECTED"]), json!("3"))),
        ("docs", json!("PASSWORD_PROTECTED"), json!(3), (json!(["PASSWORD_PROTECTED"]), json!("3"))),
    ] {
        let bench = Bench::with(json!({"fieldTypes": types})).await;
        let applies_to =
            json!([{"dataType": "Messages", "action": "Block", "rules": rules(criteria, count)}]);
        let answer =
            bench.ok("POST", V3, &but(&bench.projects("Mine"), &json!({"appliesTo": applies_to}))).await;
        let rules = &answer["data"]["appliesTo"][0]["rules"];
        let got = (
            &rules[1]["filePasswordConfig"]["matchCriteria"],
            &rules[0]["textMatchConfig"]["countUniqueOccurrences"],
        );
        assert_eq!(got, (&shown.0, &shown.1), "{types}");
    }
    let bench =
        Bench::with(json!({"fileRules": "reject", "absentAction": "logOnly", "classifierCase": "lower"}))
            .await;
    let rule = |kind: &str, config: &str, value: Value| json!({"type": kind, "name": "r", config: value});
    let body = |rule: Value| {
        but(&bench.projects("Mine"), &json!({"appliesTo": [{"dataType": "FileMeta", "rules": [rule]}]}))
    };
    bench
        .refused(
            "POST",
            V3,
            &body(rule("FILE_SIZE", "fileSizeConfig", json!({"sizeLimit": 1}))),
            400,
            "cannot be set",
        )
        .await;
    let labels = rule("FILE_CLASSIFIER", "fileClassifierConfig", json!({"classifiers": {"Class": "Secret"}}));
    let answer = bench.ok("POST", V3, &body(labels)).await;
    let target = &answer["data"]["appliesTo"][0];
    assert_eq!(target["action"], "LogOnly");
    assert_eq!(target["rules"][0]["fileClassifierConfig"]["classifiers"], json!({"class": "secret"}));
}

#[tokio::test(start_paused = true)]
async fn the_vendors_own_policy_is_listed_and_cannot_be_changed() {
    let bench = Bench::new().await;
    let list = bench.get(V3).await;
    let all = list["policies"].as_array().unwrap();
    let own = all.iter().find(|one| one["systemPolicy"] == true).unwrap();
    let path = format!("{V3}/{}", own["policyId"].as_str().unwrap());
    for action in ["disable", "delete", "update"] {
        bench
            .refused("POST", &format!("{path}/{action}"), &bench.projects("Mine"), 400, "system policy")
            .await;
    }
    assert_eq!((&list["size"], &list["page"], &list["pageCount"]), (&json!(2), &json!(0), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn references_to_older_versions_may_be_refused() {
    for (reading, expected) in [("accept", 200), ("reject", 400)] {
        let bench = Bench::with(json!({"staleRefs": reading})).await;
        let body = bench.projects("Mine");
        bench.patch(json!({"editDictionaries": [{"dictionary": "project-names", "terms": ["owl"]}]}));
        let (status, answer) = bench.call("POST", V3, &body).await;
        assert_eq!(status, expected, "{reading}: {answer}");
        if status == 200 {
            let shown = &answer["data"]["appliesTo"][0]["rules"][0]["textMatchConfig"]["dictionaries"][0];
            assert_eq!(shown["version"], "1.2", "only the id counts");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn generations_may_see_but_never_write_each_others_policies() {
    for (reading, seen) in [("hidden", false), ("shown", true)] {
        let bench = Bench::with(json!({"otherGeneration": reading})).await;
        let (old, new) = (bench.policy_id("PCI card numbers"), bench.policy_id("Contract leak"));
        for (root, id, name) in [(V3, &old, "PCI card numbers"), (V1, &new, "Contract leak")] {
            let list = bench.get(root).await;
            let listed = list["policies"].as_array().unwrap().iter().any(|one| one["name"] == name);
            let (status, answer) = bench.call("GET", &format!("{root}/{id}"), &NONE).await;
            assert_eq!((listed, status == 200), (seen, seen), "{reading}: {name}: {answer}");
            bench.refused("POST", &format!("{root}/{id}/disable"), &NONE, 400, "can not be found").await;
        }
        let name = json!({"name": "Contract leak"});
        let (status, _) = bench.call("POST", V1, &but(&bench.cards(""), &name)).await;
        assert_eq!(status, if seen { 400 } else { 200 }, "{reading}: names are unique where they are seen");
    }
}
