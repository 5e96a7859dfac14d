//! F43, F46, R24: whatever a user gets wrong stands in a condition with its own reason, its message names the thing,
//! nothing is sent for it, nobody else waits for it, and it is said once.

mod annotations;
mod console;
mod manifests;
mod written;

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    Installation, eventually, kubectl,
    told::{Statuses, Told},
};
use manifests::{assignment, object, policy, scanner, secret, wso2_backend};

/// A condition that is to be `False`.
fn told(kind: &'static str, name: &str, condition: (&'static str, &'static str), says: &[&str]) -> Told {
    Told {
        object: (kind, name.to_owned()),
        condition: (condition.0, "False", condition.1),
        says: says.iter().map(|&words| words.to_owned()).collect(),
    }
}

/// Waits until all is told.
fn wait(installation: &Installation, all: &[Told]) {
    let mut wrong = Vec::new();
    let told = eventually(|| {
        wrong = Statuses::of(&installation.team).wrong(all);
        wrong.is_empty()
    });
    assert!(told, "{}", wrong.join("\n"));
}

/// Expected by product.md sections 5 to 7.
fn table() -> Vec<Told> {
    let targets = |reason| ("TargetsResolved", reason);
    let include = "spec.targets.include[0]";
    let rows: &[(&str, &str, (&'static str, &'static str), &[&str])] = &[
        (
            "backend",
            "secret-missing",
            ("Ready", "CredentialsMissing"),
            &["spec.system.wso2.credentialsRef", "nowhere", "create it"],
        ),
        (
            "backend",
            "secret-unlabelled",
            ("Ready", "SecretNotUsable"),
            &["spec.system.wso2.credentialsRef", "ordain.dev/use"],
        ),
        ("backend", "key-missing", ("Ready", "CredentialsInvalid"), &["password"]),
        ("backend", "wrong-password", ("Ready", "Unauthorized"), &["spec.system.wso2.credentialsRef"]),
        ("backend", "closed-port", ("Ready", "Unreachable"), &["refused"]),
        ("backend", "html", ("Ready", "UnexpectedAnswer"), &["instead of JSON"]),
        ("backend", "redirect", ("Ready", "Unreachable"), &["not followed"]),
        ("backend", "generation", ("Ready", "VersionUnsupported"), &["V1"]),
        ("policyassignment", "no-backend", ("Ready", "BackendNotFound"), &["nobackend"]),
        ("policyassignment", "no-policy", ("Ready", "PolicyNotFound"), &["nopolicy"]),
        ("policyassignment", "no-facet", ("Ready", "FacetMissing"), &["wso2"]),
        ("policyassignment", "other-words", ("Ready", "SystemMismatch"), &["wfbss"]),
        ("policyassignment", "no-role", targets("RoleNotFound"), &[include, "nosuchrole", "correct this"]),
        (
            "policyassignment",
            "no-customer",
            targets("CustomerNotFound"),
            &[include, "00000000-5118", "check the id"],
        ),
        ("policyassignment", "no-group", targets("GroupNotFound"), &[include, "nosuchgroup", "check the id"]),
        (
            "policyassignment",
            "no-platform",
            ("Accepted", "Unsupported"),
            &["profiles[toaster]", "it has android"],
        ),
        (
            "policyassignment",
            "no-feature",
            ("Accepted", "Unsupported"),
            &["NO_SUCH_FEATURE", "Correct the code"],
        ),
        ("policyassignment", "too-deep", ("Ready", "Invalid"), &["features[0].content", "levels deep"]),
        ("policyassignment", "too-large", ("Ready", "Invalid"), &["features[0].content", "at most 256 kB"]),
        ("policyassignment", "no-content-secret", ("Ready", "SecretMissing"), &["nocontent"]),
    ];
    rows.iter().map(|(kind, name, condition, says)| told(kind, name, *condition, says)).collect()
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({}), |inner, _| json!({"x": inner}))
}

/// A policy that would have that name in the console.
fn named(display: &str) -> Value {
    let profiles = json!([{"platform": "android", "features": [{"code": "CAMERA"}]}]);
    object("Policy", "refused", &json!({"displayName": display, "content": {"wso2": {"profiles": profiles}}}))
}

fn backends(html: &str, redirect: &str, good: &str) -> Vec<Value> {
    let usable = json!({"ordain.dev/use": "credentials"});
    let pair = json!({"username": "policy-operator", "password": "not-the-password"});
    let symphony = json!({"podUrl": "https://a.example", "keyManagerUrl": "https://a.example",
        "agentUrl": "https://a.example", "generation": "V3", "naming": "Suffixed",
        "credentialsRef": {"name": "wrong"}});
    vec![
        secret("unlabelled", &json!({}), &pair),
        secret("half", &usable, &json!({"username": "policy-operator"})),
        secret("wrong", &usable, &pair),
        wso2_backend("secret-missing", good, "nowhere"),
        wso2_backend("secret-unlabelled", good, "unlabelled"),
        wso2_backend("key-missing", good, "half"),
        wso2_backend("wrong-password", good, "wrong"),
        wso2_backend("closed-port", "http://127.0.0.1:1", "wrong"),
        wso2_backend("html", html, "wrong"),
        wso2_backend("redirect", redirect, "wrong"),
        object("Backend", "generation", &json!({"system": {"symphony": symphony}})),
    ]
}

fn assignments() -> Vec<Value> {
    let camera = json!({"code": "CAMERA", "content": {"enabled": false}});
    let hidden = json!({"code": "CAMERA", "content": {"enabled": false}, "secrets": [
        {"path": "/password", "secretKeyRef": {"name": "nocontent", "key": "k"}}]});
    let engineers = json!({"wso2": {"roles": ["engineer"]}});
    let customer =
        |id: &str, group: &str| json!({"wfbss": {"customers": [{"id": id, "groups": [{"name": group}]}]}});
    let known = customer("640FE47F-5118-4D79-8221-A35D0DE2EE2C", "Server (Default)");
    let nobody = customer("00000000-5118-4D79-8221-A35D0DE2EE2C", "Server (Default)");
    let nowhere = customer("640FE47F-5118-4D79-8221-A35D0DE2EE2C", "nosuchgroup");
    vec![
        policy("good", "android", &camera),
        policy("toaster", "toaster", &camera),
        policy("feature", "android", &json!({"code": "NO_SUCH_FEATURE", "content": {"enabled": false}})),
        policy("hidden", "android", &hidden),
        policy("too-deep", "android", &json!({"code": "CAMERA", "content": nested(17)})),
        policy("too-large", "android", &json!({"code": "CAMERA", "content": {"x": "x".repeat(257 * 1024)}})),
        object("Policy", "scanner", &json!({"content": scanner()})),
        assignment("good", "good", "wso2", &engineers),
        assignment("no-backend", "good", "nobackend", &engineers),
        assignment("no-policy", "nopolicy", "wso2", &engineers),
        assignment("no-facet", "scanner", "wso2", &engineers),
        assignment("other-words", "good", "wso2", &known),
        assignment("no-role", "good", "wso2", &json!({"wso2": {"roles": ["nosuchrole"]}})),
        assignment("no-customer", "scanner", "wfbss", &nobody),
        assignment("no-group", "scanner", "wfbss", &nowhere),
        assignment("no-platform", "toaster", "wso2", &engineers),
        assignment("no-feature", "feature", "wso2", &engineers),
        assignment("too-deep", "too-deep", "wso2", &engineers),
        assignment("too-large", "too-large", "wso2", &engineers),
        assignment("no-content-secret", "hidden", "wso2", &engineers),
    ]
}

/// A web server that is no policy system; it lives as long as the test process.
fn web(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn versions(installation: &Installation, all: &[Told]) -> BTreeMap<String, String> {
    let statuses = Statuses::of(&installation.team);
    let version = |told: &Told| {
        let (kind, name) = &told.object;
        let version = statuses.get(kind, name)["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        (format!("{kind}/{name}"), version.to_owned())
    };
    all.iter().map(version).collect()
}

/// One more look at the good neighbour, from which on nothing else may have been written.
fn one_more_pass(installation: &Installation) {
    let at = "2026-01-01T00:00:00Z";
    let asked = format!("ordain.dev/reconcile-requested-at={at}");
    kubectl(&["annotate", "policyassignment", "good", "-n", &installation.team, &asked]);
    let handled = || {
        let good = installation.get("policyassignment", "good").unwrap_or_default();
        good["status"]["lastHandledReconcileAt"] == at
    };
    assert!(eventually(handled), "the good assignment was not looked at again");
}

fn nothing_was_sent_for_them(installation: &Installation) {
    let state = installation.sandbox.state("wso2");
    let marked = |p: &&Value| p["description"].as_str().is_some_and(|d| d.contains("[ordain:"));
    let count = state["policies"].as_array().unwrap().iter().filter(marked).count();
    assert_eq!(count, 1, "only the good one: {:#}", state["policies"]);
    let writes = |r: &&Value| ["PUT", "PATCH", "DELETE"].iter().any(|method| r["method"] == *method);
    let wfbss = installation.sandbox.requests("wfbss", 0);
    assert_eq!(wfbss.iter().find(writes), None);
}

#[test]
fn bad_input_is_told_and_harms_nobody() {
    let installation = Installation::new("bad-input");
    let html = web(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>",
    );
    let redirect = web(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    let mut items = backends(&html, &redirect, installation.sandbox.url("wso2"));
    items.extend(written::backends(&installation, &html));
    items.extend(assignments());
    items.extend(written::assignments());
    written::prepare(&installation);
    installation.apply_quietly(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    installation.wait_ready("policyassignment", "good");
    let all: Vec<Told> = table().into_iter().chain(written::table()).collect();
    wait(&installation, &all);
    nothing_was_sent_for_them(&installation);
    let before = versions(&installation, &all);
    one_more_pass(&installation);
    assert_eq!(versions(&installation, &all), before, "what stands is not written again");
}

/// A `ClusterBackend` with one `access` entry.
fn letting_in(namespaces: &Value) -> Value {
    let mut backend = wso2_backend("refused", "https://emm.example.com", "emm");
    backend["kind"] = "ClusterBackend".into();
    backend["spec"]["access"] = json!([{"name": "some", "namespaces": namespaces, "targets": {"all": true}}]);
    backend
}

/// (why, object, words of the refusal)
fn refusals() -> Vec<(&'static str, Value, &'static str)> {
    let roles = |roles: &Value| assignment("refused", "p", "b", &json!({"wso2": {"roles": roles}}));
    vec![
        ("R1: the word for everybody", roles(&json!(["ANY"])), "everyone"),
        (
            "R6: nobody in particular",
            letting_in(&json!({"selector": {}})),
            "an empty selector would mean every namespace",
        ),
        (
            "R6: no label in it",
            letting_in(&json!({"selector": {"matchLabels": {}}})),
            "name a namespace, or a label",
        ),
        ("a role twice", roles(&json!(["engineer", "engineer"])), "Duplicate value"),
        ("F43: a name that reads backwards", named("Laptop \u{202e}enilesab"), "spec.displayName"),
        ("F43: a name with NUL", named("Laptop\u{0}baseline"), "spec.displayName"),
        ("F43: a very long name", named(&"x".repeat(10_000)), "spec.displayName"),
    ]
}

#[test]
fn what_the_schema_can_see_is_refused_at_apply() {
    crate::support::crds();
    for (why, object, words) in refusals() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), object.to_string()).unwrap();
        let mut command = Command::new("kubectl");
        let out = command.args(["create", "--dry-run=server", "-f"]).arg(file.path()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && said.contains(words), "{why}: {said}");
    }
}
