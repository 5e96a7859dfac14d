//! Section 6: dictionaries, their content, and what they do to policies.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use serde_json::{Value, json};

use super::{Bench, DICTIONARIES, V1};
use crate::sandbox::support::read;

const NONE: Value = Value::Null;

async fn downloaded(bench: &Bench, path: &str) -> String {
    let answer = bench.get(&format!("{path}/data/download")).await;
    String::from_utf8(STANDARD.decode(answer.as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_dictionary_starts_empty_and_an_upload_replaces_everything() {
    let bench = Bench::new().await;
    let answer = bench.ok("POST", DICTIONARIES, &json!({"name": " Birds "})).await;
    let data = &answer["data"];
    assert_eq!(
        (&data["dictRef"]["name"], &data["dictRef"]["version"], &data["type"]),
        (&json!("Birds"), &json!("1.0"), &json!("Word"))
    );
    assert_eq!(data["creatorId"], "7696581544487");
    let id = data["dictRef"]["dictId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 24);
    let path = format!("{DICTIONARIES}/{id}");
    assert_eq!(bench.get(&format!("{path}/data/download")).await, NONE, "the Base64 of nothing is nothing");

    for (content, version) in [("falcon\nheron", "1.1"), ("owl", "1.2")] {
        let (status, answer) = bench.upload(&id, content).await;
        assert_eq!((status, &answer["data"]["dictRef"]["version"]), (200, &json!(version)));
        assert_eq!(downloaded(&bench, &path).await, content);
    }
    let response = bench
        .send(bench.signed("GET", &format!("{path}/data/download?dictVersion=1.1"), &NONE))
        .await
        .unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(
        read(response).await.1,
        STANDARD.encode("falcon\nheron"),
        "Base64, and of the version asked for"
    );
    assert_eq!(bench.get(&format!("{path}?dictVersion=1.0")).await["data"]["dictRef"]["version"], "1.0");
    bench.refused("GET", &format!("{path}?dictVersion=9.9"), &NONE, 400, "this version").await;
    assert_eq!(bench.stored("dictionaries", "Birds")["terms"], json!(["owl"]));
}

#[tokio::test(start_paused = true)]
async fn renaming_raises_versions_of_policies_nobody_touched() {
    let bench = Bench::new().await;
    let path = bench.enabled("Mine").await;
    let id = bench.dictionary_id("card-patterns");
    let body = json!({"name": "patterns of cards", "type": "Word"});
    let answer = bench.ok("PUT", &format!("{DICTIONARIES}/{id}"), &body).await;
    assert_eq!(
        (&answer["data"]["dictRef"]["version"], &answer["data"]["type"]),
        (&json!("1.2"), &json!("Regex")),
        "only the name"
    );
    let policy = &bench.get(&path).await["data"];
    assert_eq!((&policy["version"], &policy["active"]), (&json!("1.1"), &json!(true)));
    assert_eq!(
        policy["dictionaryRefs"][0],
        json!({"dictId": id, "name": "patterns of cards", "version": "1.2"})
    );
    assert_eq!(bench.policy("Insider & Marktmissbrauch")["version"], "1.0", "it does not use the dictionary");
    assert_eq!(bench.policy("Symphony default")["version"], "3.1", "EFv3 is no exception");
}

#[tokio::test(start_paused = true)]
async fn uploading_leaves_policies_their_version_and_may_move_their_references() {
    for (reading, shown) in [("current", "1.2"), ("pinned", "1.1")] {
        let bench = Bench::with(json!({"dictionaryRefs": reading})).await;
        let path = bench.enabled("Mine").await;
        bench.upload(&bench.dictionary_id("card-patterns"), "4[0-9]{15}").await;
        let policy = &bench.get(&path).await["data"];
        assert_eq!(
            (&policy["version"], &policy["dictionaryRefs"][0]["version"]),
            (&json!("1.0"), &json!(shown)),
            "{reading}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_dictionary_in_use_cannot_be_deleted() {
    let bench = Bench::new().await;
    let used = format!("{DICTIONARIES}/{}", bench.dictionary_id("card-patterns"));
    bench.refused("DELETE", &used, &NONE, 400, "used by policies").await;
    let free = format!("{DICTIONARIES}/{}", bench.dictionary_id("Old campaigns"));
    assert_eq!(bench.ok("DELETE", &free, &NONE).await["data"]["dictRef"]["name"], "Old campaigns");
    bench.refused("GET", &free, &NONE, 400, "can not be found").await;
    let list = bench.get(DICTIONARIES).await;
    assert!(!list.to_string().contains("Old campaigns"), "deleted ones are hidden");
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn deleting_one_in_use_may_empty_and_disable_policies() {
    let bench = Bench::with(json!({"referencedDictionary": "detach"})).await;
    let path = bench.enabled("Mine").await;
    bench.ok("DELETE", &format!("{DICTIONARIES}/{}", bench.dictionary_id("card-patterns")), &NONE).await;
    let policy = &bench.get(&path).await["data"];
    assert_eq!(
        (&policy["dictionaryRefs"], &policy["active"], &policy["version"]),
        (&json!([]), &json!(false), &json!("1.1"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_dictionary_must_be() {
    let bench = Bench::new().await;
    let path = format!("{DICTIONARIES}/{}", bench.dictionary_id("Old campaigns"));
    for (body, words, why) in [
        (json!({"name": ""}), "must not be empty", "no name"),
        (json!({"name": "x".repeat(31)}), "30", "a long name"),
        (json!({"name": "card-patterns "}), "exists already", "the name of another"),
        (json!([]), "invalid", "no object"),
    ] {
        for (method, path) in [("POST", DICTIONARIES), ("PUT", &path)] {
            let (status, answer) = bench.call(method, path, &body).await;
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(status == 400 && message.contains(words), "{why}: {method}: {answer}");
        }
    }
    bench.refused("POST", DICTIONARIES, &json!({"name": "New", "type": "word"}), 400, "type is").await;
    bench.ok("POST", DICTIONARIES, &json!({"name": "PCI card numbers"})).await;
    bench.ok("PUT", &path, &json!({"name": "Old campaigns"})).await;
    let mut request = bench.signed("POST", &format!("{path}/data/upload"), &json!({"data": "x"}));
    request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let (status, answer) = read(bench.send(request).await.unwrap()).await;
    assert!(status == 400 && answer.to_string().contains("multipart/form-data"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_download_says_octets_and_is_json() {
    for (reading, content_type) in [("octets", "application/octet-stream"), ("json", "application/json")] {
        let bench = Bench::with(json!({"downloadErrors": reading})).await;
        let request = bench.signed("GET", &format!("{DICTIONARIES}/x/data/download"), &NONE);
        let response = bench.send(request).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
        assert_eq!(read(response).await.1["code"], 400, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn content_may_come_back_in_another_form() {
    for (form, words, expressions) in [
        ("asUploaded", "a, b\r\nc\n", "x{1,2}\ny\n"),
        ("lines", "a\nb\nc", "x{1,2}\ny"),
        ("commas", "a,b,c", "x{1,2},y"),
    ] {
        let bench = Bench::with(json!({"contentForm": form})).await;
        for (name, sent, expected) in
            [("project-names", "a, b\r\nc\n", words), ("card-patterns", "x{1,2}\ny\n", expressions)]
        {
            let id = bench.dictionary_id(name);
            bench.upload(&id, sent).await;
            assert_eq!(downloaded(&bench, &format!("{DICTIONARIES}/{id}")).await, expected, "{form}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_nobody_publishes_can_be_set() {
    for (limits, words) in [
        (json!({"uploadBytes": 5}), "bytes"),
        (json!({"terms": 1}), "terms"),
        (json!({"termCharacters": 3}), "longer"),
        (json!({"rejectedTerms": ["heron"]}), "not valid"),
    ] {
        let bench = Bench::with(json!({ "limits": limits })).await;
        let id = bench.dictionary_id("project-names");
        let (status, answer) = bench.upload(&id, "owl\nheron").await;
        assert!(status == 400 && answer.to_string().contains(words), "{limits}: {answer}");
        assert_eq!(bench.stored("dictionaries", "project-names")["version"], "1.1", "nothing changed");
        assert_eq!(bench.upload(&id, "owl").await.0, 200, "{limits}");
    }
    let bench = Bench::with(json!({"limits": {"policies": 3}})).await;
    bench.refused("POST", V1, &bench.cards("Mine"), 400, "too many policies").await;
}
