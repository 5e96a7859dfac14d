//! The recorded id of an object, as an annotation of who contributes to it (R15).

use ordain::{
    report::facts::Standing,
    worker::ports::{Reporter, WriteError},
};
use serde_json::{Value, json};

use super::{Desk, name, seconds};

fn annotations(desk: &Desk, of: &str) -> Value {
    desk.api.get("PolicyAssignment", "team-a", of).unwrap()["metadata"]["annotations"].clone()
}

#[tokio::test(start_paused = true)]
async fn it_stands_beside_what_others_wrote() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.handle.note_external_id(&name("a"), &uid, "17.key.mac").await.unwrap();
    assert_eq!(annotations(&desk, "a"), json!({"ordain.dev/external-id": "17.key.mac"}));
    desk.api.edit("PolicyAssignment", "team-a", "a", |object| {
        object["metadata"]["annotations"]["example.com/theirs"] = "x".into();
    });
    desk.handle.note_external_id(&name("a"), &uid, "18.key.mac").await.unwrap();
    let both = json!({"ordain.dev/external-id": "18.key.mac", "example.com/theirs": "x"});
    assert_eq!(annotations(&desk, "a"), both);
}

#[tokio::test(start_paused = true)]
async fn a_namesake_does_not_get_its_predecessors() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    desk.api.force_delete("PolicyAssignment", "team-a", "a");
    let namesake = desk.assignment("a");
    assert_ne!(namesake, uid);
    assert_eq!(desk.handle.note_external_id(&name("a"), &uid, "17").await, Err(WriteError::Gone));
    assert_eq!(annotations(&desk, "a"), Value::Null);
    desk.api.force_delete("PolicyAssignment", "team-a", "a");
    assert_eq!(desk.handle.note_external_id(&name("a"), &namesake, "17").await, Err(WriteError::Gone));
}

#[tokio::test(start_paused = true)]
async fn it_comes_before_the_status_that_rests_on_it() {
    let desk = Desk::new();
    let uid = desk.assignment("a");
    let handle = desk.handle.clone();
    let noting = async move { handle.note_external_id(&name("a"), &uid, "17").await };
    desk.say("a", Standing::InStep);
    noting.await.unwrap();
    seconds(60).await;
    let labels = desk.api.gate().labels(1);
    let at = |label: &str| labels.iter().position(|l| l == label).unwrap();
    assert!(
        at("patch policyassignments team-a/a") < at("patch policyassignments/status team-a/a"),
        "{labels:?}"
    );
}
