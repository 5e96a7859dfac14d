//! What becomes wrong while it is assigned, since somebody changes it in the console: it is told, and nothing that was
//! applied is taken away; and a token that dies in the midst of a sequence, of which nothing is left to tell.

use serde_json::{Value, json};

use super::{
    manifests::{
        assignment, assignment_of_all, customer, dictionary, management_group, object, people, policy_of,
        rows, rule, scanner,
    },
    told, wait,
};
use crate::support::{
    Installation, kubectl,
    told::{Statuses, Told},
};

const TEAM: &str = "console";

fn policies() -> Vec<Value> {
    vec![
        policy_of("usb", "USB", &rule("usb-start-type")),
        policy_of("smb", "SMB", &rule("smb1-disabled")),
        policy_of("ring", "Ring", &rule("print-spooler-stopped")),
        policy_of("disks", "Disks", &rule("disk-space-system-drive")),
        policy_of("words", "Words", &dictionary("project-names")),
        policy_of("rows", "Rows", &rows()),
        policy_of("other-rows", "Other rows", &rows()),
        object("Policy", "scanner", &json!({"content": scanner()})),
    ]
}

fn assignments() -> Vec<Value> {
    vec![
        assignment("group-renamed", "usb", "tachyon", &management_group("Kiosks")),
        assignment("group-moved", "ring", "tachyon", &management_group("Pilot ring")),
        assignment("group-gone", "disks", "tachyon", &management_group("Lyon workshop")),
        assignment("rule-gone", "smb", "tachyon", &management_group("Build servers")),
        assignment_of_all("words-gone", "words", "symphony"),
        assignment("login-gone", "rows", "appshield", &people("users", "mara.holt")),
        assignment("people-renamed", "other-rows", "appshield", &people("groups", "tenant-acme")),
        assignment("customer-renamed", "scanner", "wfbss", &customer("Alder Clinic", "Servers")),
        assignment("customer-doubled", "scanner", "wfbss", &customer("Birch Dental", "Servers")),
    ]
}

/// Tokens die just before the second call of making something.
fn tokens_die(installation: &Installation) {
    let second = |path: &str| json!({"kind": "revokeSession", "match": {"method": "POST", "path": path}, "skip": 1, "times": 1});
    installation.sandbox.fault("tachyon", &second("Assignments"));
    installation.sandbox.fault("appShield", &second("SaveAppShieldPolicy"));
}

/// They did, each in the midst: another login was made, and everything else once.
fn nobody_noticed(installation: &Installation) {
    let logins = [("tachyon", "RequestJwtAuthentication", 4), ("appShield", "DoLogin", 2)];
    for (system, login, made) in logins {
        let requests = installation.sandbox.requests(system, 0);
        let is_login = |r: &&Value| r["path"].as_str().is_some_and(|path| path.ends_with(login));
        assert_eq!(requests.iter().filter(is_login).count(), 2, "{system}: {requests:#?}");
        let ours = policies_of(installation, system).iter().filter(|p| is_ours(p)).count();
        assert_eq!(ours, made, "{system}: each was made once");
    }
    let backends = Statuses::of(TEAM);
    for name in ["tachyon", "appshield"] {
        let ready = &backends.get("backend", name)["status"]["conditions"][0];
        assert_eq!((&ready["type"], &ready["status"]), (&json!("Ready"), &json!("True")), "{name}: {ready}");
    }
}

fn policies_of(installation: &Installation, system: &str) -> Vec<Value> {
    let state = installation.sandbox.state(system);
    state["policies"].as_object().unwrap().values().cloned().collect()
}

fn is_ours(policy: &Value) -> bool {
    policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
}

fn by_hand(installation: &Installation) {
    let groups = json!([
        {"group": "Kiosks", "rename": "Kiosk PCs"},
        {"group": "Pilot ring", "rename": "Former pilots"},
        {"group": "Executive tablets", "rename": "Pilot ring"}]);
    let hands = [
        ("tachyon", json!({"editGroups": groups, "removeRules": ["smb1-disabled"], "deploy": true})),
        ("symphony", json!({"removeDictionaries": ["project-names"]})),
        (
            "appShield",
            json!({"removeUser": {"user": "mara.holt"}, "renameGroup": {"group": "16", "name": "tenant-apex"}}),
        ),
        (
            "wfbss",
            json!({"renameCustomer": {"customer": "Alder Clinic", "name": "Alder Hospital"},
                "addCustomer": {"name": "birch dental", "id": "B9CC5A34-3CAD-480D-A9ED-87656316D3B9"}}),
        ),
    ];
    hands.iter().for_each(|(system, change)| installation.sandbox.by_hand(system, change));
}

fn table() -> Vec<Told> {
    let targets = "TargetsResolved";
    let include = "spec.targets.include[0]";
    let rows: &[(&str, (&'static str, &'static str), &[&str])] = &[
        (
            "group-renamed",
            (targets, "GroupNotFound"),
            &[include, "no management group \"Kiosks\"", "check the name"],
        ),
        ("group-moved", ("Ready", "HeldByGuard"), &["maxRemovals", "approve-removals"]),
        (
            "rule-gone",
            ("Accepted", "RuleNotFound"),
            &["spec.content.tachyon.rules", "smb1-disabled", "create it there"],
        ),
        (
            "words-gone",
            ("Accepted", "DictionaryNotFound"),
            &["spec.content.symphony.dictionaries", "project-names", "create it there"],
        ),
        ("login-gone", (targets, "UserNotFound"), &[include, "no user \"mara.holt\"", "check the name"]),
        (
            "people-renamed",
            (targets, "GroupNotFound"),
            &[include, "no group \"tenant-acme\"", "check the name"],
        ),
        (
            "customer-renamed",
            (targets, "CustomerNotFound"),
            &[include, "no customer \"Alder Clinic\"", "check the id"],
        ),
        ("customer-doubled", (targets, "AmbiguousName"), &[include, "Birch Dental", "name it by id"]),
    ];
    rows.iter().map(|(name, condition, says)| told("policyassignment", name, *condition, says)).collect()
}

/// The account no longer sees all groups: one that is assigned is hidden.
fn hide(installation: &Installation) {
    let roles = json!([{"role": "Guaranteed State Administrator", "groups": ["Kiosk PCs", "Former pilots", "Pilot ring", "Build servers"]}]);
    installation
        .sandbox
        .by_hand("tachyon", &json!({"grants": [{"principal": "ordain-sandbox", "roles": roles}]}));
}

fn ask_again(at: &str) {
    let asked = format!("ordain.dev/reconcile-requested-at={at}");
    for kind in ["backend", "policyassignment"] {
        kubectl(&["annotate", kind, "--all", "--overwrite", "-n", TEAM, &asked]);
    }
}

#[test]
fn what_changes_in_the_console_is_told_and_nothing_is_taken_away() {
    let mut installation = Installation::without_operator(TEAM);
    let none = r#"{"spec": {"guard": {"maxRemovals": 0}}}"#;
    kubectl(&["patch", "backend", "tachyon", "-n", TEAM, "--type", "merge", "-p", none]);
    tokens_die(&installation);
    installation.start();
    let items = [policies(), assignments()].concat();
    installation.apply_quietly(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    kubectl(&["wait", "--for=condition=Ready", "policyassignment", "--all", "-n", TEAM, "--timeout=120s"]);
    nobody_noticed(&installation);

    by_hand(&installation);
    ask_again("2026-01-01T00:00:00Z");
    wait(&installation, &table());
    everything_still_stands(&installation);

    hide(&installation);
    ask_again("2026-01-02T00:00:00Z");
    let hidden = ["spec.targets.include[0]", "does not see", "role"];
    wait(
        &installation,
        &[told("policyassignment", "group-gone", ("TargetsResolved", "CatalogueIncomplete"), &hidden)],
    );
}

/// What each led to before is still there, and what the moved name leads to now besides.
fn everything_still_stands(installation: &Installation) {
    let tachyon = policies_of(installation, "tachyon");
    let groups = |name: &str| tachyon.iter().find(|p| p["name"] == name).unwrap()["groups"].clone();
    let moved = || groups("Ring") == json!(["Former pilots", "Pilot ring"]);
    assert!(moved(), "what the name led to is held by the guard: {}", groups("Ring"));
    assert_eq!((groups("USB"), groups("SMB")), (json!(["Kiosk PCs"]), json!(["Build servers"])));
    let shield = policies_of(installation, "appShield");
    let rows = |name: &str| shield.iter().find(|p| p["name"] == name).unwrap().clone();
    assert_eq!(rows("Other rows")["groups"], json!(["16"]));
    assert_eq!(rows("Rows")["users"].as_array().map(Vec::len), Some(1), "{:#}", rows("Rows"));
    let state = installation.sandbox.state("wfbss");
    for customer in ["640FE47F-5118-4D79-8221-A35D0DE2EE2C", "A9CC5A34-3CAD-480D-A9ED-87656316D3B9"] {
        let groups = state["customers"][customer]["groups"].as_object().unwrap();
        let servers = groups.values().find(|group| group["name"] == "Servers").unwrap();
        assert_eq!(servers["policies"]["win"]["behavior_monitoring"]["enabled"], 1, "{customer}");
    }
}
