//! Manifests as people write them.

use super::{super::manifest::Source, *};

const POLICY: &str = "
apiVersion: ordain.dev/v1alpha1
kind: Policy
metadata: {name: web}
spec: {content: {wfbss: {documents: [{os: win, settings: {wtp: {level: 3}}}]}}}
";

#[test]
fn everything_kubectl_would_take_is_taken() {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        manifest("Policy", "one", &policy(1)), manifest("PolicyAssignment", "one", &assignment("one")),
    ]});
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\n";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team, labels: {a: b}}\n";
    let cases = [
        ("one document", POLICY.to_owned(), vec!["Policy here/web"], vec![]),
        (
            "several, empty ones among them",
            format!("---\n---\n{POLICY}---\n# nothing\n---\n{namespace}"),
            vec!["Namespace team", "Policy here/web"],
            vec![],
        ),
        ("a list, as JSON", list.to_string(), vec!["Policy team/one", "PolicyAssignment team/one"], vec![]),
        (
            "others' kinds are named",
            format!("{POLICY}---\n{secret}"),
            vec!["Policy here/web"],
            vec!["a.yaml: Secret team/s"],
        ),
        ("nothing at all", String::new(), vec![], vec![]),
    ];
    for (why, text, expected, skipped) in cases {
        let found = read(&source(&text), "here").unwrap_or_else(|errors| panic!("{why}: {errors:?}"));
        let titles: Vec<_> = found.objects.iter().map(Manifest::title).collect();
        assert_eq!(titles, expected, "{why}");
        assert_eq!(found.skipped, skipped, "{why}");
    }
}

#[test]
fn what_is_wrong_is_told_with_file_object_and_field() {
    let with = |spec: Value| manifest("Policy", "web", &spec).to_string();
    let twice = format!("{POLICY}---\n{POLICY}");
    let cases: [(&str, String, &[&str]); 10] = [
        ("not YAML", "a: [".into(), &["a.yaml: "]),
        ("not a manifest", "a: 1".into(), &["a document without apiVersion and kind"]),
        (
            "another version",
            POLICY.replace("v1alpha1", "v2"),
            &["Policy web", "ordain.dev/v2", "ordain.dev/v1alpha1"],
        ),
        ("no kind of ours", POLICY.replace("kind: Policy", "kind: Polcy"), &["has no kind Polcy"]),
        ("no name", POLICY.replace("name: web", "generateName: web-"), &["metadata.name"]),
        (
            "a slip of the pen",
            POLICY.replace("documents", "document"),
            &["Policy here/web: spec.content.wfbss.document: there is no such field"],
        ),
        (
            "one at the top",
            format!("{POLICY}sepc: {{}}\n"),
            &["Policy here/web: sepc: there is no such field"],
        ),
        (
            "a wrong type",
            with(json!({"content": {"wfbss": {"documents": [{"os": 7, "settings": {}}]}}})),
            &["Policy team/web: spec.content.wfbss.documents[0].os"],
        ),
        ("a rule that a type cannot hold", with(json!({"content": {}})), &["Policy team/web: spec.content"]),
        ("twice the same", twice, &["Policy here/web stands in a.yaml already"]),
    ];
    for (why, text, parts) in cases {
        let errors = read(&source(&text), "here").err().unwrap_or_else(|| panic!("{why}: taken"));
        let said = errors.join("\n");
        assert!(parts.iter().all(|part| said.contains(part)), "{why}: {said}");
        assert!(errors.iter().all(|line| line.starts_with("a.yaml: ")), "{why}: {said}");
    }
}

/// What is free-form for the system is free-form here.
#[test]
fn settings_may_hold_what_they_like() {
    let settings = json!({"anything": [{"at": {"all": 1}}], "includes": {}});
    let spec = json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": settings}]}}});
    assert_eq!(parsed(&[manifest("Policy", "web", &spec)]).len(), 1);
}

#[test]
fn all_errors_of_all_files_are_told() {
    let sources = ["b.yaml", "a.yaml"].map(|name| Source { name: name.into(), text: "kind: Policy".into() });
    let errors = read(&sources, "here").unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("b.yaml: "), "in the order given: {errors:?}");
}
