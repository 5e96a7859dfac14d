//! That the verdicts are right is tested with the API server's table (`tests/house/rules.rs`); here
//! that they can be acted on, and that nothing a tenant writes breaks the judge.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::{SystemSpec, TargetSpec};

fn policy_of(content: &Value) -> PolicySpec {
    serde_json::from_value(json!({"content": content})).unwrap()
}

fn shown(found: &[Invalid]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn findings_name_the_field_the_problem_and_the_way_out() {
    let spec = policy_of(&json!({"wso2": {"profiles": [
        {"platform": "android", "features": [{"code": "CAMERA"}, {"code": "PASS CODE", "content": {"a": [{"b": null}]}}, {"code": "camera"}]},
    ]}}));
    assert_eq!(
        shown(&policy_spec(&spec)),
        [
            "spec.content.wso2.profiles[0].features[2]: camera is there twice; name each once",
            "spec.content.wso2.profiles[0].features[1].code: is not a word; letters, digits, . _ - are allowed, at most \
             100, a letter or digit first",
            "spec.content.wso2.profiles[0].features[1].content.a[0].b: is null; leave it out: what is absent is not ours",
        ]
    );
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let spec: PolicyAssignmentSpec = serde_json::from_value(json!({
        "policyRef": {"name": "P"}, "backendRef": {"name": "b"}, "priority": 5000, "adopt": {},
        "targets": {"everyone": true, "include": [{"wso2": {"roles": ["Any"]}}]},
    }))
    .unwrap();
    let fields: Vec<String> = assignment_spec(&spec).into_iter().map(|one| one.field).collect();
    assert_eq!(
        fields,
        [
            "spec.policyRef.name",
            "spec.targets",
            "spec.targets.include[0].wso2.roles[0]",
            "spec.priority",
            "spec.adopt"
        ]
    );
}

#[test]
fn a_secret_named_twice_never_shows_its_value() {
    let spec = policy_of(&json!({"wfbss": {"documents": [{
        "os": "win", "settings": {"agent": {"password": "hunter2"}},
        "secrets": [{"path": "/agent/password", "secretKeyRef": {"name": "s", "key": "k"}}],
    }]}}));
    let told = shown(&policy_spec(&spec)).join("\n");
    assert!(told.contains("is also named in the free-form part"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

/// A document that keeps the judge busy must not keep it busy for long (F43): the largest that decodes.
#[test]
fn hostile_documents_are_told_and_not_walked() {
    let deep = (0..100).fold(json!(1), |inner, _| json!({"a": inner}));
    let wide: Value =
        (0..100_000).map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into();
    for (settings, problem) in [(deep, "levels deep"), (wide, "bytes of JSON")] {
        let spec = policy_of(&json!({"wfbss": {"documents": [{"os": "win", "settings": settings}]}}));
        let told = shown(&policy_spec(&spec)).join("\n");
        assert!(told.contains(problem), "{told}");
        assert!(told.len() < 1000, "{} bytes of message", told.len());
    }
}

fn url_is_good(url: &str) -> bool {
    let mut found = Findings::default();
    text::url(url, "url", &mut found);
    found.0.is_empty()
}

/// S3: forms that look like one host and lead to another.
#[test]
fn hostile_urls_are_refused() {
    let hostile = [
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1:80@evil.example",
        "http://127.1",
        "http://0x7f.0.0.1",
        "http://0177.0.0.1",
        "http://2130706433",
        "http://127.0.0.1.",
        "http://localhost.",
        "http://LOCALHOST",
        "http://[::ffff:127.0.0.1]",
        "http://[::1%25lo]",
        "http://0.0.0.0",
        "http://169.254.169.254",
        "https://good.example\\@evil.example",
        "https://good.example\t.evil.example",
        "https://good.example%2eevil.example",
        "https://good.example#@evil.example",
        "https://good.example?@evil.example",
        "https://good.example:@evil.example",
        "https://good.example:",
        "https://good.example:99999",
        "https://good.example:４４３",
        "https:good.example",
        "https:/good.example",
        "https:\\\\good.example",
        " https://good.example",
        "https://good.example ",
        "HTTPS://good.example",
        "https://good。example",
        "https://xn--/",
        "https://-good.example-",
        "https://.good.example",
        "https://good..example/..",
        "https://good.example/a/./b",
        "https://good.example/\u{202e}moc",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//good.example",
        "",
    ];
    let taken: Vec<&&str> = hostile.iter().filter(|url| url_is_good(url)).collect();
    assert!(taken.is_empty(), "{taken:?}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,40}", "[a-z0-9:/@.\\\\\\[\\]?#%]{0,60}", Just("\u{202e}".to_owned())]
}

proptest! {
    #[test]
    fn a_url_that_is_taken_is_read_the_same_by_every_parser(host in "[a-z0-9.:@\\\\\\[\\]%-]{1,30}", path in text()) {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}/{path}");
            if url_is_good(&url) {
                let parsed = url::Url::parse(&url).unwrap();
                prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
                prop_assert!(parsed.query().is_none() && parsed.fragment().is_none());
                prop_assert_eq!(parsed.as_str().trim_end_matches('/'), url.trim_end_matches('/'));
                prop_assert!(scheme == "https" || crate_loopback(&parsed), "{}", url);
            }
        }
    }

    #[test]
    fn no_text_breaks_the_judge(texts in prop::collection::vec(text(), 12)) {
        let mut next = texts.iter().cycle().cloned();
        let mut t = || next.next().unwrap();
        let policy = policy_of(&json!({
            "wfbss": {"documents": [{"os": "win", "settings": {t(): t()}, "secrets": [
                {"path": t(), "secretKeyRef": {"name": t(), "key": t()}}, {"path": t(), "secretKeyRef": {"name": t(), "key": t()}},
            ], "replicateFrom": {"customer": t(), "group": t(), "revision": 0}}]},
            "tachyon": {"rules": [{"id": t()}, {"name": t()}]},
            "wso2": {"profiles": [{"platform": t(), "features": [{"code": t()}]}]},
        }));
        policy_spec(&policy);
        let targets: TargetSpec = serde_json::from_value(
            json!({"wso2": {"roles": [t(), t()], "users": [t()], "groups": [{"name": t()}], "devices": [t(), t()]}}),
        ).unwrap();
        target_group_spec(&TargetGroupSpec { targets });
        let system: SystemSpec = serde_json::from_value(
            json!({"wfbss": {"url": t(), "version": t(), "taskPath": t(), "credentialsRef": {"name": t()}}}),
        ).unwrap();
        let backend = BackendSpec { system, ca_ref: None, drift: None, limits: None, guard: None, suspend: None };
        backend_spec(&backend);
    }
}

fn crate_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
