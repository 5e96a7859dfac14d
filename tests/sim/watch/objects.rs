//! One object that cannot be understood, among others that can.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_undecodable_object_among_many_is_recorded_and_the_others_work() {
    let api = server();
    let mut bad = assignment("bad");
    bad["spec"]["priority"] = "high".into();
    api.stored_raw("PolicyAssignment", "team-a", "bad", bad);
    let running = Running::settled(&api).await;
    assert!(running.is_bound());
    let desired = running.desired();
    assert_eq!(desired.undecodable.into_iter().collect::<Vec<_>>(), ["PolicyAssignment team-a/bad"]);
    let Input::Frozen { message, .. } = &desired.assignments[&ObjectName::new("team-a", "bad")].input else {
        panic!("it must be frozen")
    };
    assert_eq!(message, "cannot be decoded: spec.priority: invalid type: string \"high\", expected i32");
    api.edit("PolicyAssignment", "team-a", "bad", |object| object["spec"]["priority"] = 7.into());
    running.rest().await;
    assert!(running.desired().undecodable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_abyss_of_nested_lists_does_not_swallow_its_neighbours() {
    let api = server();
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let mut abyss = policy("deep");
    abyss["metadata"]["name"] = "abyss".into();
    abyss["spec"]["content"]["wso2"]["profiles"][0]["features"][0]["content"] = json!({"x": deep});
    api.stored_raw("Policy", "team-a", "abyss", abyss);
    let running = Running::settled(&api).await;
    assert!(running.is_bound());
    let broken = running.handle.with(|index| index.undecodable_objects().count());
    assert_eq!(broken, 1);
}

#[tokio::test(start_paused = true)]
async fn a_status_in_an_unknown_form_is_no_status() {
    let api = server();
    let mut odd = assignment("odd");
    odd["status"] = json!({"observedGeneration": "seven", "conditions": 3});
    api.stored_raw("PolicyAssignment", "team-a", "odd", odd);
    let running = Running::start(&api, Scope::All);
    let told = running.rest().await;
    assert!(told.contains(&"seen PolicyAssignment odd None".to_owned()), "{told:?}");
    assert!(told.contains(&"seen PolicyAssignment a Some(-1)".to_owned()), "{told:?}");
    assert!(running.desired().undecodable.is_empty());
    assert_eq!(running.desired().assignments.len(), 2);
}
