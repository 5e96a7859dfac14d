//! Changes of objects that exist.

use serde_json::{Value, json};

use super::{Accept, Refuse, Update, object, with};

fn update(why: &'static str, old: &Value, new: Value, expect: super::Expect) -> Update {
    Update { why, old: old.clone(), new, expect }
}

pub fn updates() -> Vec<Update> {
    [assignments(), policies(), backends()].into_iter().flatten().collect()
}

fn assignments() -> Vec<Update> {
    let old = object(
        "PolicyAssignment",
        &json!({"policyRef": {"name": "p"}, "backendRef": {"name": "b"}, "targets": {"everyone": true}}),
    );
    let set = |field: &str, value: Value| with(old.clone(), &format!("/spec/{field}"), value);
    vec![
        update(
            "another policy is another assignment",
            &old,
            set("policyRef", json!({"name": "q"})),
            Refuse("policyRef is immutable"),
        ),
        update(
            "another backend is another assignment",
            &old,
            set("backendRef", json!({"name": "c"})),
            Refuse("backendRef is immutable"),
        ),
        update(
            "a ClusterBackend of the same name is another backend",
            &old,
            set("backendRef", json!({"kind": "ClusterBackend", "name": "b"})),
            Refuse("backendRef is immutable"),
        ),
        update(
            "naming the default kind changes nothing",
            &old,
            set("backendRef", json!({"kind": "Backend", "name": "b"})),
            Accept,
        ),
        update(
            "the release policy can always be changed",
            &old,
            set("releasePolicy", "Orphan".into()),
            Accept,
        ),
        update("targets can be changed", &old, set("targets", json!({"include": []})), Accept),
    ]
}

fn policies() -> Vec<Update> {
    let document = |os: &str| json!({"os": os, "settings": {"a": 1}});
    let profile = |platform: &str| json!({"platform": platform, "features": [{"code": "CAMERA"}]});
    let policy = |content: Value| object("Policy", &json!({"content": content}));
    let old = policy(json!({
        "wfbss": {"documents": [document("win"), document("mac")]},
        "wso2": {"profiles": [profile("android"), profile("ios")]},
    }));
    let set = |field: &str, value: Value| with(old.clone(), &format!("/spec/content/{field}"), value);
    vec![
        update("a facet is added", &old, set("tachyon", json!({"rules": []})), Accept),
        update(
            "a facet is not removed",
            &old,
            policy(json!({"wso2": {"profiles": [profile("android"), profile("ios")]}})),
            Refuse("facets are never removed"),
        ),
        update(
            "a document is added",
            &old,
            set("wfbss", json!({"documents": [document("ios"), document("win"), document("mac")]})),
            Accept,
        ),
        update(
            "a document is not removed",
            &old,
            set("wfbss", json!({"documents": [document("win"), document("ios")]})),
            Refuse("documents are never removed"),
        ),
        update(
            "a profile is not removed",
            &old,
            set("wso2", json!({"profiles": [profile("ios")]})),
            Refuse("profiles are never removed"),
        ),
        update(
            "what a profile says can change",
            &old,
            set(
                "wso2",
                json!({"profiles": [{"platform": "android", "features": [{"code": "WIFI"}]}, profile("ios")]}),
            ),
            Accept,
        ),
    ]
}

fn backends() -> Vec<Update> {
    let system = |system: Value| object("Backend", &json!({"system": system}));
    let wfbss = |url: &str| system(json!({"wfbss": {"url": url, "credentialsRef": {"name": "c"}}}));
    let shield =
        system(json!({"appShield": {"url": "https://bi.example.com", "credentialsRef": {"name": "c"}}}));
    let old = wfbss("https://cspi.trendmicro.com");
    vec![
        update("a system moves", &old, wfbss("https://cspi-eu.trendmicro.com"), Accept),
        update("a system stays of its kind", &old, shield, Refuse("the kind of system is immutable")),
    ]
}
