//! Policies.

use serde_json::{Value, json};

use super::{Accept, Case, CodeOnly, Refuse, case, object, policy, repeat, with};

const GUID: &str = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";

fn feature(code: &str) -> Value {
    json!({"code": code, "content": {"enabled": false}})
}

fn wso2(features: &Value) -> Value {
    policy(&json!({"wso2": {"profiles": [{"platform": "android", "features": features}]}}))
}

fn document(document: &Value) -> Value {
    policy(&json!({"wfbss": {"documents": [document]}}))
}

fn settings(settings: &Value) -> Value {
    document(&json!({"os": "win", "settings": settings}))
}

fn symphony(dictionaries: &Value) -> Value {
    policy(&json!({"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": dictionaries,
    }}))
}

fn rules(rules: Value) -> Value {
    policy(&json!({"tachyon": {"rules": rules}}))
}

fn named(name: &str) -> Value {
    with(rules(json!([])), "/spec/displayName", name.into())
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({"leaf": 1}), |inner, _| json!({"down": inner}))
}

fn secret(path: &str) -> Value {
    json!({"path": path, "secretKeyRef": {"name": "s", "key": "k"}})
}

pub fn cases() -> Vec<Case> {
    [facets(), names(), documents(), lists(), features()].into_iter().flatten().collect()
}

fn facets() -> Vec<Case> {
    let everything = json!({
        "symphony": {"type": "Warn", "contentTypes": ["Messages", "RoomMeta"], "scopes": ["Internal"],
            "dictionaries": [{"name": "card-patterns"}, {"id": "65a1f0c2d7e94b0012ab34cd"}]},
        "appShield": {"constraints": [{"Column": "region", "Value": null}, "free"]},
        "tachyon": {"rules": [{"name": "usb-start-type"}, {"id": 310}]},
        "wso2": {"profiles": [{"platform": "android", "features": [{"code": "CAMERA", "content": {"enabled": false}}]}]},
    });
    let long = |content: &Value| with(policy(content), "/metadata/name", "n".repeat(24).into());
    let filter = json!({"symphony": {
        "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": [{"name": "d"}],
    }});
    vec![
        case(
            "all facets but wfbss may have a switch",
            with(policy(&everything), "/spec/enabled", true.into()),
            Accept,
        ),
        case(
            "a policy without a facet says nothing",
            policy(&json!({})),
            Refuse("at least one of wfbss, symphony"),
        ),
        case("content is required", object("Policy", &json!({})), Refuse("spec.content: Required value")),
        case(
            "a document has no switch",
            with(settings(&json!({"a": 1})), "/spec/enabled", false.into()),
            Refuse("with a wfbss facet there is no `enabled`"),
        ),
        case(
            "23 characters and 7 of mark are Symphony's 30",
            with(policy(&filter), "/spec/displayName", "n".repeat(23).into()),
            Accept,
        ),
        case(
            "the mark must still fit",
            with(policy(&filter), "/spec/displayName", "n".repeat(24).into()),
            Refuse("at most 23 characters"),
        ),
        case(
            "a long object name needs a displayName for Symphony",
            long(&filter),
            Refuse("or a name that short"),
        ),
        case("other systems take long names", long(&json!({"tachyon": {}})), Accept),
        case(
            "without dictionaries Symphony disables the policy",
            symphony(&json!([])),
            Refuse("without dictionaries the system disables"),
        ),
        case(
            "an empty list of dictionaries can be meant",
            with(symphony(&json!([])), "/spec/content/symphony/allowEmptyDictionaries", true.into()),
            Accept,
        ),
        case(
            "no kind of content at all is never meant",
            with(symphony(&json!([{"id": "a"}])), "/spec/content/symphony/contentTypes", json!([])),
            Refuse("should have at least 1 items"),
        ),
        case(
            "a scope is named once",
            with(
                symphony(&json!([{"id": "a"}])),
                "/spec/content/symphony/scopes",
                json!(["Internal", "Internal"]),
            ),
            Refuse("Duplicate value"),
        ),
        case(
            "words are out of a list",
            with(symphony(&json!([{"id": "a"}])), "/spec/content/symphony/type", "LogOnly".into()),
            Refuse("Unsupported value: \"LogOnly\""),
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            "names may hold blanks and letters of any script",
            named("Laptop-Grundschutz für Büro №1 日本"),
            Accept,
        ),
        case("128 characters, not bytes, are allowed", named(&"ü".repeat(128)), Accept),
        case("129 characters are too many", named(&"ü".repeat(129)), Refuse("may not be more than 128")),
        case("an empty name is none", named(""), Refuse("spec.displayName")),
        case("systems trim names, so ours are trimmed", named(" x"), Refuse("spec.displayName")),
        case("a blank at the end is as bad", named("x\u{a0}"), Refuse("spec.displayName")),
        case("NUL ends a text for some systems", named("a\u{0}b"), Refuse("spec.displayName")),
        case("a line break is no part of a name", named("a\nb"), Refuse("spec.displayName")),
        case(
            "a mark that turns the writing round disguises a name",
            named("a\u{202e}b"),
            Refuse("spec.displayName"),
        ),
        case(
            "an invisible character makes two names look the same",
            named("a\u{200b}b"),
            Refuse("spec.displayName"),
        ),
        case("one letter is a name", named("x"), Accept),
        case(
            "a description has lines",
            with(rules(json!([])), "/spec/description", "Camera off,\n\tPIN on".into()),
            Accept,
        ),
        case(
            "the mark must still fit behind a description",
            with(rules(json!([])), "/spec/description", "x".repeat(901).into()),
            Refuse("may not be more than 900"),
        ),
        case(
            "a description has no controls",
            with(rules(json!([])), "/spec/description", "\u{1b}[2J".into()),
            Refuse("spec.description"),
        ),
    ]
}

fn documents() -> Vec<Case> {
    let seed = |customer: &str, revision: i64| {
        document(
            &json!({"os": "mac", "replicateFrom": {"customer": customer, "group": 2, "revision": revision}}),
        )
    };
    let secrets = |settings: Value, secrets: Value| {
        document(&json!({"os": "win", "settings": settings, "secrets": secrets}))
    };
    vec![
        case("a document can be only a copy", seed(GUID, 1), Accept),
        case("a copy names a GUID", seed("A9CC5A34", 1), Refuse("replicateFrom.customer")),
        case("revisions count up from 0", seed(GUID, -1), Refuse("should be greater than or equal to 0")),
        case(
            "a document that says nothing is a slip",
            document(&json!({"os": "ios"})),
            Refuse("name settings, secrets or replicateFrom"),
        ),
        case(
            "there are four operating systems",
            document(&json!({"os": "Windows", "settings": {}})),
            Refuse("Unsupported value: \"Windows\""),
        ),
        case(
            "one document per operating system",
            policy(
                &json!({"wfbss": {"documents": [{"os": "win", "settings": {}}, {"os": "win", "settings": {}}]}}),
            ),
            Refuse("Duplicate value"),
        ),
        case(
            "no document at all is a slip",
            policy(&json!({"wfbss": {"documents": []}})),
            Refuse("should have at least 1 items"),
        ),
        case(
            "settings are an object",
            settings(&json!(["a"])),
            Refuse("spec.content.wfbss.documents[0].settings"),
        ),
        case("16 levels are enough for every known document", settings(&nested(16)), Accept),
        case("17 levels are not expected from anybody", settings(&nested(17)), CodeOnly),
        case(
            "256 kB are a document, more is a mistake",
            settings(&json!({"a": "x".repeat(256 * 1024)})),
            CodeOnly,
        ),
        case("null means nothing all systems agree on", settings(&json!({"a": {"b": [1, null]}})), CodeOnly),
        case(
            "a secret leaf stands beside the settings",
            secrets(json!({"agent": {"port": 1}}), json!([secret("/agent/password")])),
            Accept,
        ),
        case(
            "a leaf is named in one place",
            secrets(json!({"agent": {"password": ""}}), json!([secret("/agent/password")])),
            CodeOnly,
        ),
        case(
            "a leaf has nothing below it",
            secrets(json!({}), json!([secret("/a"), secret("/a/b")])),
            CodeOnly,
        ),
        case(
            "a leaf has one secret",
            secrets(json!({}), json!([secret("/a"), secret("/a")])),
            Refuse("Duplicate value"),
        ),
        case(
            "a pointer starts with a slash",
            secrets(json!({}), json!([secret("agent")])),
            Refuse("secrets[0].path"),
        ),
        case("a tilde is escaped", secrets(json!({}), json!([secret("/a~2")])), Refuse("secrets[0].path")),
        case("escapes are fine", secrets(json!({}), json!([secret("/a~0b/c~1d")])), Accept),
        case(
            "a reference stays in its namespace",
            secrets(json!({}), json!([{"path": "/a", "secretKeyRef": {"name": "other/s", "key": "k"}}])),
            Refuse("secretKeyRef.name"),
        ),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        case("an empty list of rules is exact, too", rules(json!([])), Accept),
        case("256 rules are allowed", rules(repeat(256, |i| json!({"id": i}))), Accept),
        case(
            "257 rules are too many",
            rules(repeat(257, |i| json!({"id": i}))),
            Refuse("must have at most 256 items"),
        ),
        case(
            "a rule is named by id or by name, not both",
            rules(json!([{"id": "1", "name": "x"}])),
            Refuse("must validate one and only one schema (oneOf)"),
        ),
        case(
            "a rule is named by something",
            rules(json!([{}])),
            Refuse("must validate one and only one schema (oneOf)"),
        ),
        case("a name within a list is trimmed, too", rules(json!([{"name": "x "}])), Refuse("rules[0].name")),
        case("an id is not empty", rules(json!([{"id": ""}])), Refuse("rules[0].id")),
        case("an id is no fraction", rules(json!([{"id": 1.5}])), Refuse("rules[0].id")),
        case("the same rule twice is a slip", rules(json!([{"id": 1}, {"id": "1"}])), CodeOnly),
        case(
            "101 dictionaries are too many",
            symphony(&repeat(101, |i| json!({"id": format!("d{i}")}))),
            Refuse("must have at most 100 items"),
        ),
        case(
            "257 constraints are too many",
            policy(&json!({"appShield": {"constraints": repeat(257, |_| json!({}))}})),
            Refuse("must have at most 256 items"),
        ),
        case(
            "the shape of constraints is the system's",
            policy(&json!({"appShield": {"constraints": [{"a": [1, "x", null]}]}})),
            Accept,
        ),
    ]
}

fn features() -> Vec<Case> {
    let two = json!([{"platform": "android", "features": [feature("A")]}, {"platform": "android", "features": [feature("B")]}]);
    vec![
        case("codes differ", wso2(&json!([feature("CAMERA"), feature("WIFI")])), Accept),
        case(
            "the system ignores the case of codes",
            wso2(&json!([feature("CAMERA"), feature("camera")])),
            Refuse("codes of features must differ"),
        ),
        case(
            "a code stands once",
            wso2(&json!([feature("CAMERA"), feature("CAMERA")])),
            Refuse("Duplicate value"),
        ),
        case("64 features are allowed", wso2(&repeat(64, |i| feature(&format!("F{i}")))), Accept),
        case(
            "65 features are too many",
            wso2(&repeat(65, |i| feature(&format!("F{i}")))),
            Refuse("must have at most 64 items"),
        ),
        case(
            "a profile without features is a slip",
            wso2(&json!([])),
            Refuse("should have at least 1 items"),
        ),
        case("a code is one word", wso2(&json!([feature("PASS CODE")])), Refuse("features[0].code")),
        case(
            "one profile per platform",
            policy(&json!({"wso2": {"profiles": two}})),
            Refuse("Duplicate value"),
        ),
        case(
            "a feature's content is bounded as settings are",
            wso2(&json!([{"code": "A", "content": nested(17)}])),
            CodeOnly,
        ),
    ]
}
