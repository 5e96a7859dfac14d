//! Two operators in one cluster: where helm's check did not see it, the second one waits (F14).

use crate::support::{
    Installation,
    audit::{self, Asked},
    eventually, kubectl,
    pages::scrape,
};

/// What the second one's ServiceAccount did: whatever was refused, written elsewhere than onto its own Lease, or read of
/// what it would work on.
fn beyond_waiting(second: &Installation) -> Vec<Asked> {
    let user = format!("system:serviceaccount:{}:ordain", second.system);
    let waits = |asked: &Asked| match (asked.verb.as_str(), asked.resource.as_str()) {
        ("list", "leases") => asked.namespace.is_empty() && asked.name == "ordain",
        ("get" | "create" | "update", "leases") => asked.namespace == second.system && asked.name == "ordain",
        // Whether this is the first start.
        ("get", "secrets") => asked.namespace == second.system,
        _ => false,
    };
    audit::asked(&user).into_iter().filter(|asked| asked.forbidden || !waits(asked)).collect()
}

fn readyz(installation: &Installation) -> String {
    scrape(&installation.listens(), "/readyz", "*/*").1.trim().to_owned()
}

/// Seconds since the second one saw the first one renew its Lease.
fn last_seen(second: &Installation) -> Option<u64> {
    let told = readyz(second);
    told.split_once("(last seen ")?.1.split_once(" s ago)")?.0.parse().ok()
}

/// What its log says that it waits for, but for how long ago that was seen.
fn told_in_the_log(second: &Installation) -> Vec<String> {
    let logs = second.logs();
    let told = logs.lines().filter_map(|line| line.split_once("standing by: the operator of namespace "));
    told.map(|(_, told)| match (told.split_once(" ("), told.split_once(" ago)")) {
        (Some((waits, _)), Some((_, rest))) => waits.to_owned() + rest,
        _ => told.to_owned(),
    })
    .collect()
}

fn rename(installation: &Installation, name: &str) {
    let patch = format!(r#"[{{"op": "replace", "path": "/spec/displayName", "value": "{name}"}}]"#);
    kubectl(&["patch", "policy", "phone-baseline", "-n", &installation.team, "--type", "json", "-p", &patch]);
    installation.wait_ready("policy", "phone-baseline");
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    let state = installation.sandbox.state("wso2");
    let all = state["policies"].as_array().unwrap().iter();
    let marked = all.filter(|p| p["description"].as_str().is_some_and(|d| d.contains("[ordain:")));
    assert_eq!(marked.map(|p| p["policyName"].as_str().unwrap()).collect::<Vec<_>>(), [name], "once");
}

#[test]
fn a_second_operator_over_the_same_namespace_waits_until_the_first_is_uninstalled() {
    let mut first = Installation::narrow("neighbours");
    first.start();
    first.apply(&include_str!("../../examples/wso2-baseline.yaml").replace("ordain-demo", &first.team));
    first.wait_ready("policyassignment", "phone-baseline-engineers");

    let mut second = first.beside("intruder");
    second.start();
    let waits = || {
        readyz(&second)
            .contains("the operator of namespace neighbours-system works in neighbours (last seen ")
    };
    assert!(eventually(waits), "{}", second.logs());
    let told = readyz(&second);
    assert!(told.contains("this one would work in neighbours;"), "{told}");
    assert!(told.ends_with("kubectl delete lease ordain -n neighbours-system"), "{told}");
    rename(&first, "Renamed");

    // A restart of the first one is no way in.
    first.kill();
    assert!(eventually(|| last_seen(&second).is_some_and(|ago| ago > 15)), "{}", readyz(&second));
    first.start();
    rename(&first, "Renamed again");
    assert_eq!(beyond_waiting(&second), []);
    let told = told_in_the_log(&second);
    assert!(!told.is_empty() && told.windows(2).all(|two| two[0] != two[1]), "once each: {told:#?}");
    assert!(scrape(&second.listens(), "/livez", "*/*").0.contains("200"), "alive");

    // Nor is the command of the message, while the first one runs.
    let stage = || {
        let path = r"jsonpath={.metadata.annotations.ordain\.dev/stage}";
        kubectl(&["get", "lease", "ordain", "-n", &first.system, "-o", path, "--ignore-not-found"])
    };
    kubectl(&["delete", "lease", "ordain", "-n", &first.system]);
    assert!(eventually(|| stage() == "serving"), "{}", first.logs());
    assert!(first.operator().ended().is_none() && beyond_waiting(&second).is_empty());

    first.stop();
    // On a slow machine it may not be given back in time; then it runs out.
    let ended =
        || readyz(&second).contains("(it ended ") || first.logs().contains("the lease was not given back");
    assert!(eventually(ended), "{}", readyz(&second));
    kubectl(&["delete", "lease", "ordain", "-n", &first.system]);
    assert!(eventually(|| readyz(&second) == "ok"), "{}", readyz(&second));
    rename(&first, "By the second");
    let lease =
        kubectl(&["get", "lease", "ordain", "-n", &second.system, "-o", "jsonpath={.metadata.annotations}"]);
    assert!(
        lease.contains(r#""ordain.dev/watches":"neighbours""#)
            && lease.contains(r#""ordain.dev/stage":"serving""#)
    );
    second.stop();
}
