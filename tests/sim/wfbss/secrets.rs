//! Leaves whose value is kept in a Secret, at a system that does not tell them back.

use ordain::sandbox::wfbss::Passwords;

use super::*;

const PATH: &str = "/client_privileges/unload_password";

fn with_passwords(passwords: Passwords) -> Rig {
    let options = WfbssOptions { passwords, ..WfbssOptions::default() };
    let rig = Rig::new("wfbss", |clock| WfbssDouble::new(options, clock), |_| {});
    rig.cluster.write_secret("agent", "password", "correct horse");
    rig
}

fn secret(more: &Value) -> Value {
    json!({"content": {"wfbss": {"documents": [{"os": "win", "settings": more,
        "secrets": [{"path": PATH, "secretKeyRef": {"name": "agent", "key": "password"}}]}]}}})
}

fn password(rig: &Rig) -> Value {
    document(rig)["client_privileges"]["unload_password"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_told_back_is_written_once() {
    for passwords in [Passwords::Empty, Passwords::Masked, Passwords::Absent] {
        let mut rig = with_passwords(passwords);
        rig.assign("one", secret(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
        rig.start();
        rig.pass(60).await;
        assert_eq!((password(&rig), level(&rig)), (json!("correct horse"), json!(3)));
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
        rig.pass(4 * 1800).await;
        rig.kill().await;
        rig.start();
        rig.pass(4 * 1800).await;
        assert_eq!(effects(&rig).len(), 1, "{passwords:?}: {:?}", effects(&rig));
        let told = format!(
            "{:?} {:?} {:?}",
            rig.cluster.facts("one"),
            rig.cluster.backend_facts(),
            rig.cluster.events()
        );
        assert!(!told.contains("correct horse"));
    }
}

/// Only the secret differs: the write waits for its answer, since reading could not prove it.
#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_written_and_waited_for() {
    for tasks in [false, true] {
        let mut rig = with_passwords(Passwords::Empty);
        if tasks {
            set_system(&rig, "execution", json!("Async"));
        }
        rig.assign("one", secret(&json!({})), to_servers(&json!({})));
        rig.start();
        rig.pass(60).await;
        rig.cluster.write_secret("agent", "password", "battery staple");
        rig.pass(2 * 1800).await;
        assert_eq!(password(&rig), "battery staple");
        let effects = effects(&rig);
        assert_eq!(effects.len(), 2, "{effects:?}");
        assert!(effects.iter().all(|call| call.contains("sync=true")), "{effects:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_holds_the_assignment_and_nobody_else() {
    let mut rig = with_passwords(Passwords::Empty);
    let mut policy = secret(&json!({"wtp": {"level": 3}}));
    policy["content"]["wfbss"]["documents"][0]["secrets"][0]["secretKeyRef"]["key"] = "missing".into();
    rig.assign("one", policy, to_servers(&json!({})));
    rig.assign("two", settings(&json!({"firewall": {"level": 3}})), to_servers(&json!({})));
    rig.start();
    rig.pass(120).await;
    assert_eq!((level(&rig), document(&rig)["firewall"]["level"].clone()), (json!(1), json!(3)));
    let (_, message) = stalled(&rig, "one").expect("stalled");
    assert!(message.contains("missing") && message.contains("agent"), "{message}");
    rig.cluster.write_secret("agent", "missing", "found");
    rig.pass(90).await;
    assert_eq!((level(&rig), password(&rig)), (json!(3), json!("found")), "looked for once a minute");
    assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
}

/// One Secret, two assignments, two documents: both get what it holds now.
#[tokio::test(start_paused = true)]
async fn everybody_who_refers_to_a_rotated_secret_gets_it() {
    let mut rig = with_passwords(Passwords::Empty);
    rig.assign("one", secret(&json!({})), to_servers(&json!({})));
    rig.assign("two", secret(&json!({})), json!({"targets": groups_of(CUSTOMER, &["Device (Default)"])}));
    rig.start();
    rig.pass(60).await;
    rig.cluster.write_secret("agent", "password", "battery staple");
    rig.edit("one", |view| view.requested_at = Some("now".into()));
    rig.pass(60).await;
    for group in ["1", "2"] {
        let document = &state(&rig)["customers"][CUSTOMER]["groups"][group]["policies"]["win"];
        assert_eq!(document.pointer(PATH), Some(&json!("battery staple")), "{group}");
    }
    assert_eq!(rig.cluster.standing("two"), Some(Standing::InStep));
}
