//! What kubectl users see: columns, explain, wait, diff, selectors, and the plugin.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{
    Installation, crds, kubectl,
    programs::{path_of, run},
};

const WSO2: &str = include_str!("../../examples/wso2-baseline.yaml");
const KINDS: [&str; 5] = ["backends", "clusterbackends", "policies", "policyassignments", "targetgroups"];
/// Columns of a terminal.
const WIDE: usize = 120;

/// Fields of a schema by path, as `kubectl explain` finds them.
fn fields(schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let inner = if schema["type"] == "array" { &schema["items"] } else { schema };
    let values = inner["additionalProperties"].as_object().map(|_| &inner["additionalProperties"]);
    let inner = values.unwrap_or(inner);
    for (name, field) in inner["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        found.push((path.clone(), field.clone()));
        fields(field, &path, found);
    }
}

/// What is wrong with a field's description, if something is.
fn unreadable(description: &str) -> Option<&'static str> {
    let text = description.trim();
    if text.chars().count() < 12 {
        return Some("too short to say anything");
    }
    if !text.starts_with(|c: char| c.is_uppercase() || "`\"‹".contains(c) || c.is_numeric()) {
        return Some("does not begin like a sentence");
    }
    (!text.ends_with(['.', '?', ')', '`'])).then_some("does not end like a sentence")
}

#[test]
fn explain_reads_like_a_manual() {
    crds();
    let document: Value =
        serde_json::from_str(&kubectl(&["get", "--raw", "/openapi/v3/apis/ordain.dev/v1alpha1"])).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for kind in ["Backend", "ClusterBackend", "Policy", "PolicyAssignment", "TargetGroup"] {
        let schema = &document["components"]["schemas"][format!("dev.ordain.v1alpha1.{kind}")];
        let mut found = Vec::new();
        for part in ["spec", "status"] {
            let path = format!("{kind}.{part}");
            found.push((path.clone(), schema["properties"][part].clone()));
            fields(&schema["properties"][part], &path, &mut found);
        }
        count += found.len();
        for (path, field) in found {
            let description = field["description"].as_str().unwrap_or_default();
            wrong.extend(unreadable(description).map(|why| format!("{path}: {why}: {description:?}")));
        }
    }
    assert!(count > 300, "{count} fields");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for (path, words) in [
        ("policyassignment", "KIND:       PolicyAssignment"),
        ("policyassignment.spec.mode", "ENUM:\n    Apply\n    Observe"),
        ("policyassignment.spec.releasePolicy", "Delete"),
        ("policyassignment.spec.targets.include.wso2.roles", "<[]string>"),
        ("backend.spec.system.wso2.deploy", "DESCRIPTION:"),
        ("policy.spec.content.wso2.profiles.features.code", "<string>"),
    ] {
        let told = kubectl(&["explain", path]);
        assert!(told.contains(words), "{path}: {told}");
    }
}

/// A team with everything a table may show: in force, suspended, refused and held.
fn estate() -> Installation {
    let installation = Installation::new("mobile");
    let example = WSO2.replace("namespace: ordain-demo", "namespace: mobile");
    let parts: Vec<&str> = example.split("---\n").collect();
    let another = |name: &str, from: &str, to: &str| {
        let named = |part: &str| part.replace("phone-baseline", name).replace("Phone baseline", name);
        format!("{}---\n{}", named(parts[0]), named(parts[2])).replace(from, to)
    };
    installation.apply(&example);
    installation.apply(&another("kiosk-lockdown", "code: CAMERA", "code: CAMREA"));
    installation.apply(&another("tablet-baseline", "releasePolicy: Delete", "suspend: true"));
    installation.apply(&another("scanner-baseline", "releasePolicy: Delete", "releasePolicy: Delete"));
    for name in ["phone-baseline-engineers", "scanner-baseline-engineers"] {
        installation.wait_ready("policyassignment", name);
    }
    installation.wait_for("policyassignment", "kiosk-lockdown-engineers", "Stalled", "True", None);
    installation.wait_for(
        "policyassignment",
        "tablet-baseline-engineers",
        "Ready",
        "Unknown",
        Some("Suspended"),
    );
    let none = r#"{"spec":{"guard":{"maxRemovals":0}}}"#;
    kubectl(&["patch", "backend", "wso2", "-n", "mobile", "--type=merge", "-p", none]);
    kubectl(&["delete", "policyassignment", "scanner-baseline-engineers", "-n", "mobile", "--wait=false"]);
    installation.wait_for("policy", "kiosk-lockdown", "Ready", "True", Some("StalledAssignments"));
    installation.wait_for("backend", "wso2", "Held", "True", None);
    installation
}

/// A row of a table by its name, and its cells under their headers.
fn row(table: &str, name: &str) -> Value {
    let header = table.lines().next().unwrap();
    let starts: Vec<usize> = header
        .char_indices()
        .filter(|(at, c)| *c != ' ' && (*at == 0 || header[..*at].ends_with(' ')))
        .map(|(at, _)| at)
        .collect();
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{table}"));
    let cell = |at: usize| {
        let end = starts.get(at + 1).copied().unwrap_or(usize::MAX);
        let cell: String = line.chars().skip(starts[at]).take(end - starts[at]).collect();
        let head: String = header.chars().skip(starts[at]).take(end - starts[at]).collect();
        (head.trim().to_owned(), Value::from(cell.trim()))
    };
    Value::Object((0..starts.len()).map(cell).collect())
}

#[test]
fn a_table_says_what_is_in_force_and_why_not() {
    let installation = estate();
    for kind in KINDS {
        let namespace: &[&str] = if kind == "clusterbackends" { &[] } else { &["-n", "mobile"] };
        let table = kubectl(&[&["get", kind][..], namespace].concat());
        println!("$ kubectl get {kind}\n{table}");
        let longest = table.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or_default();
        assert!(longest <= WIDE, "{kind}: {longest} columns\n{table}");
    }
    let wide = kubectl(&["get", "policyassignments", "-n", "mobile", "-o", "wide"]);
    println!("$ kubectl get policyassignments -o wide\n{wide}");
    let stalled = row(&wide, "kiosk-lockdown-engineers");
    assert!(stalled["MESSAGE"].as_str().unwrap().contains("CAMREA"), "wide tells it all: {wide}");
    for (head, cell) in [("MODE", "Apply"), ("RELEASE", "Delete"), ("FAILED", "0")] {
        assert_eq!(row(&wide, "phone-baseline-engineers")[head], cell, "{wide}");
    }

    let assignments = kubectl(&["get", "orpa", "-n", "mobile"]);
    for (name, ready, reason) in [
        ("phone-baseline-engineers", "True", "InStep"),
        ("tablet-baseline-engineers", "Unknown", "Suspended"),
        ("kiosk-lockdown-engineers", "False", "Unsupported"),
        ("scanner-baseline-engineers", "False", "Terminating"),
    ] {
        let row = row(&assignments, name);
        assert_eq!((&row["READY"], &row["REASON"]), (&json!(ready), &json!(reason)), "{assignments}");
    }
    let policies = kubectl(&["get", "orpol", "-n", "mobile"]);
    assert_eq!(row(&policies, "phone-baseline")["INFORCE"], "1", "{policies}");
    for (head, cell) in [("INFORCE", "0"), ("STALLED", "1")] {
        assert_eq!(row(&policies, "kiosk-lockdown")[head], cell, "{policies}");
    }
    let backends = kubectl(&["get", "orb", "-n", "mobile"]);
    assert_eq!(row(&backends, "wso2")["HELD"], "True", "{backends}");
    for (kind, selector, name) in [
        ("orpa", "spec.policyRef.name=phone-baseline", "phone-baseline-engineers"),
        ("orpa", "spec.policyRef.name=kiosk-lockdown,spec.backendRef.name=wso2", "kiosk-lockdown-engineers"),
    ] {
        let found = kubectl(&["get", kind, "-n", "mobile", "--field-selector", selector, "--no-headers"]);
        assert_eq!(found.split_whitespace().next(), Some(name), "{selector}: {found}");
        assert_eq!(found.lines().count(), 1, "{selector}: {found}");
    }
    // What is held goes on, so that the namespace can be emptied.
    let all = r#"{"spec":{"guard":{"maxRemovals":10}}}"#;
    kubectl(&["patch", "backend", "wso2", "-n", "mobile", "--type=merge", "-p", all]);
    kubectl(&[
        "wait",
        "policyassignment/scanner-baseline-engineers",
        "-n",
        "mobile",
        "--for=delete",
        "--timeout=60s",
    ]);
    drop(installation);
}

#[test]
fn wait_and_diff_tell_the_truth() {
    let installation = Installation::new("kubectl-diff");
    let example = WSO2.replace("namespace: ordain-demo", "namespace: kubectl-diff");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phones.yaml");
    let file = file.to_str().unwrap();
    std::fs::write(file, &example).unwrap();
    kubectl(&["apply", "--server-side", "-f", file]);
    let ready =
        ["wait", "policyassignment/phone-baseline-engineers", "-n", "kubectl-diff", "--for=condition=Ready"];
    kubectl(&[&ready[..], &["--timeout=60s"]].concat());
    let diff = || run("kubectl", &["diff", "--server-side", "-f", file]);
    let (same, told) = diff();
    assert!(same, "what was written since is no difference to Git: {told}");

    std::fs::write(file, example.replace("minLength: 6", "minLength: 8")).unwrap();
    let code = Command::new("kubectl").args(["diff", "--server-side", "-f", file]).output().unwrap();
    assert_eq!(code.status.code(), Some(1));
    let text = String::from_utf8(code.stdout).unwrap();
    let changed: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---"))
        .map(|line| line[1..].trim())
        .collect();
    let expected = ["generation: 1", "generation: 2", "minLength: 6", "minLength: 8"];
    assert_eq!(changed, expected, "{text}");

    kubectl(&["apply", "--server-side", "-f", file]);
    kubectl(&[&ready[..], &["--timeout=60s"]].concat());
    let state = installation.sandbox.state("wso2").to_string();
    assert!(
        state.contains(r#"minLength\\\":8"#) || state.contains(r#"minLength\":8"#),
        "Ready at once meant proven"
    );
    assert!(diff().0, "{}", diff().1);
}

/// The binary as `kubectl ordain`, as krew links it.
struct Plugin(tempfile::TempDir);

impl Plugin {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(path_of("ORDAIN_BIN"), folder.path().join("kubectl-ordain")).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let path = format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        Command::new("kubectl").arg("ordain").args(arguments).env("PATH", path).output().unwrap()
    }
}

#[test]
fn the_plugin_is_called_what_the_user_types() {
    let plugin = Plugin::new();
    let text = |out: &Output| String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned();
    let help = plugin.run(&["--help"]);
    assert!(
        help.status.success() && text(&help).contains("Usage: kubectl ordain <COMMAND>"),
        "{}",
        text(&help)
    );
    let help = text(&plugin.run(&["plan", "--help"]));
    assert!(help.contains("Usage: kubectl ordain plan"), "{help}");
    let wrong = plugin.run(&["plna"]);
    assert!(wrong.status.code() == Some(1) && text(&wrong).contains("kubectl ordain"), "{}", text(&wrong));

    let installation = Installation::new("plugin");
    installation.wait_ready("backend", "wso2");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phones.yaml");
    let manifest = WSO2.replace("namespace: ordain-demo", "namespace: plugin");
    std::fs::write(&file, &manifest).unwrap();
    let plan = || plugin.run(&["plan", "--allow-loopback", "-f", file.to_str().unwrap()]);
    assert_eq!(plan().status.code(), Some(2), "something would change: {}", text(&plan()));
    installation.apply(&manifest);
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    assert_eq!(plan().status.code(), Some(0), "nothing would: {}", text(&plan()));
    std::fs::write(&file, manifest.replace("kind: Policy\n", "kind: Polciy\n")).unwrap();
    assert_eq!(plan().status.code(), Some(1), "it cannot be told: {}", text(&plan()));
}
