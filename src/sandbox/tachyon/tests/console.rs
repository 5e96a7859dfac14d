//! Changes by hand, and what tests see of the double.

use serde_json::{Value, json};

use super::{Bench, seed};
use crate::{api::SystemSpec, sandbox::Double as _};

#[tokio::test(start_paused = true)]
async fn the_backend_is_one_of_ours() {
    for (portal, expected) in [
        ("absent", None),
        ("host", Some("http://127.0.0.1:1")),
        ("root", Some("http://127.0.0.1:1/Tachyon/api")),
    ] {
        let bench = Bench::logged_out(json!({ "portalUrl": portal }));
        let backend = bench.double.backend("http://127.0.0.1:1/");
        let parsed: SystemSpec = serde_json::from_value(json!({"tachyon": backend})).unwrap();
        let SystemSpec::Tachyon(system) = parsed else { panic!("{backend}") };
        assert_eq!((system.portal_url.as_deref(), system.consumer.as_str()), (expected, seed::CONSUMER));
        assert_eq!(bench.double.system(), "tachyon");
        let keys: Vec<_> = bench.double.credentials().into_keys().collect();
        assert_eq!(keys, ["applicationId", "certificate", "privateKey"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_estate_is_believable_and_shows_no_secret() {
    let bench = Bench::new().await;
    let state = bench.state();
    let count = |kind: &str| state[kind].as_object().unwrap().len();
    assert_eq!((count("groups"), count("rules"), count("policies"), count("principals")), (12, 10, 3, 5));
    assert_eq!(
        state["fragments"].as_object().unwrap().values().filter(|one| one["licensed"] == false).count(),
        2
    );
    assert_eq!(bench.policy("Disk encryption")["unlicensed"], true);
    assert_eq!((&state["pending"]["dirty"], &state["deploying"]), (&json!(false), &Value::Null));
    assert_eq!(state["devices"].as_object().unwrap().len(), 3, "the draft is not deployed");
    assert!(!state.to_string().contains(&bench.token) && !state.to_string().contains("PRIVATE"));
    assert_eq!(state["sessions"]["alive"], json!([seed::APPLICATION]));
    let crowded = super::TachyonDouble::crowded(50, super::TachyonOptions::default(), bench.clock.clone());
    let state = crowded.state();
    assert_eq!(state["policies"].as_object().unwrap().len(), 53);
    assert_eq!(state["devices"]["Build servers"].as_object().unwrap().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn hands_change_everything() {
    let bench = Bench::new().await;
    bench.patch(json!({
        "by": "CORP\\j.doe",
        "addGroups": [{"name": "New ring", "devices": ["a.corp.example"]}],
        "editGroups": [{"group": "Kiosks", "rename": "Kiosk PCs"}],
        "addRules": [{"name": "by-hand", "check": "1E-GuaranteedState-General-Check-FileExists"}],
        "editRules": [{"rule": "usb-start-type", "rename": "usb", "description": "d", "enabled": false}],
        "addPolicies": [{"name": "Theirs", "enabled": true, "rules": ["by-hand"], "groups": ["New ring"]}],
        "editPolicies": [{
            "policy": "Browser baseline", "rename": "Browsers", "description": "x", "notes": "n",
            "addRules": ["usb"], "removeRules": ["browser-home-page"],
            "addGroups": ["kiosk pcs"], "removeGroups": ["Pilot ring"]
        }],
        "removePolicies": ["Disk encryption"],
        "removeRules": ["print-spooler-stopped"],
        "removeGroups": ["Lyon office"]
    }));
    let browsers = bench.policy("Browsers");
    assert_eq!((&browsers["groups"], &browsers["rules"]), (&json!(["Kiosk PCs"]), &json!(["usb"])));
    assert_eq!((&browsers["notes"], &browsers["description"]), (&json!("n"), &json!("x")));
    assert_eq!(bench.rules_of("Windows baseline"), ["smb1-disabled", "defender-service-running"]);
    assert_eq!(bench.policy("Disk encryption"), Value::Null);
    let edits = bench.state()["pending"]["edits"].clone();
    assert_eq!(edits.as_array().unwrap().len(), 4, "{edits}");
    assert!(edits.as_array().unwrap().iter().all(|edit| edit["by"] == "CORP\\j.doe"), "{edits}");
    bench.patch(json!({"deploy": true}));
    assert_eq!(bench.state()["devices"]["New ring"], json!({"Theirs": ["by-hand"]}));
    assert_eq!(
        bench.state()["deployments"].as_array().unwrap().last().unwrap()["by"],
        super::super::console::ADMIN
    );
    bench.patch(json!({"editPolicies": [{"policy": "Theirs", "rules": ["usb"], "groups": ["Quarantine"]}]}));
    assert_eq!(
        (bench.rules_of("Theirs"), bench.groups_of("Theirs")),
        (vec!["usb".to_owned()], vec!["Quarantine".to_owned()])
    );
    bench.patch(json!({"logOutAll": true}));
    bench.refused("GET", "/Policies", Value::Null, 401, "Authentication.InvalidToken").await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_change_is_refused_whole() {
    let bench = Bench::new().await;
    let before = bench.state();
    for (why, change, named) in [
        ("no such member", json!({"meteor": 1}), "meteor"),
        ("no such policy", json!({"editPolicies": [{"policy": "nobody"}]}), "nobody"),
        (
            "no such rule",
            json!({"editPolicies": [{"policy": "Disk encryption", "addRules": ["none"]}]}),
            "none",
        ),
        ("no such group", json!({"addPolicies": [{"name": "x", "groups": ["nowhere"]}]}), "nowhere"),
        ("it exists", json!({"addPolicies": [{"name": "disk encryption"}]}), "exists"),
        ("it exists", json!({"addGroups": [{"name": "KIOSKS"}]}), "exists"),
        ("it exists", json!({"addRules": [{"name": "smb1-disabled", "check": "x"}]}), "exists"),
        ("no such fragment", json!({"addRules": [{"name": "x", "check": "none"}]}), "none"),
        (
            "no such role",
            json!({"grants": [{"principal": "ordain-sandbox", "roles": [{"role": "King", "groups": []}]}]}),
            "King",
        ),
        ("no such principal", json!({"grants": [{"principal": "nobody", "roles": []}]}), "nobody"),
        ("half a certificate", json!({"principals": [{"principal": "x", "thumbprint": "y"}]}), "together"),
        (
            "no certificate",
            json!({"principals": [{"principal": "x", "thumbprint": "y", "certificate": "z"}]}),
            "certificate",
        ),
        ("no such option", json!({"options": {"meteor": 1}}), "meteor"),
        (
            "the first is taken back",
            json!({"editPolicies": [{"policy": "Disk encryption", "enabled": false}], "removeRules": ["none"]}),
            "none",
        ),
    ] {
        let problem = bench.double.patch_state(change).unwrap_err();
        assert!(problem.contains(named), "{why}: {problem}");
        assert_eq!(bench.state(), before, "{why}");
    }
}
