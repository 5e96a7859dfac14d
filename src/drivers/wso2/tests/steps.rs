#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

fn is_list(seen: &Seen) -> bool {
    seen.line.starts_with("GET") && seen.line.split('?').next().unwrap().ends_with("/policies")
}

/// Answers lists with these policies, and everything else as the closure says.
fn server(
    api: &'static str,
    standing: Vec<i64>,
    mut answer: impl FnMut(&Seen) -> Reply + Send + 'static,
) -> Server {
    let policies: Vec<_> = standing.into_iter().map(policy).collect();
    Server::new(api, move |seen| match seen.line.as_str() {
        line if line.ends_with("types") => Reply::json(200, &json!([{"id": 1, "name": "android"}])),
        _ if is_list(seen) && api == "MdmAdmin" => Reply::json(200, &wrapped(200, Some(json!(policies)))),
        _ if is_list(seen) => page(seen, &policies),
        _ => answer(seen),
    })
}

fn effects(server: &Server) -> Vec<String> {
    server.calls().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

async fn class(server: &Server, step: &Step) -> Result<Outcome, Class> {
    server.driver.execute(step).await.map_err(|error| error.class)
}

fn create() -> Step {
    Step::Create(Box::new(wanted(None).0))
}

fn replace(id: i64) -> Step {
    let (desired, observed) = wanted(Some(id));
    Step::Replace { desired: Box::new(desired), observed: Box::new(observed) }
}

#[tokio::test(start_paused = true)]
async fn creating_tells_the_id_where_the_system_does() {
    let b = server("DeviceMgtV1", vec![], |_| Reply::json(201, &policy(12)));
    assert_eq!(class(&b, &create()).await, Ok(Outcome::created(Some(id(12)))));
    assert_eq!(effects(&b), ["POST /api/device-mgt/v1.0/policies"]);
    let sent = b.transport.seen().last().unwrap().json();
    assert_eq!((&sent["active"], &sent["roles"]), (&json!(false), &json!(["engineer"])));
    for status in [200, 201] {
        let a = server("MdmAdmin", vec![], move |_| Reply::json(status, &wrapped(201, None)));
        assert_eq!(class(&a, &create()).await, Ok(Outcome::DONE), "no id is told");
        assert_eq!(effects(&a), ["POST /mdm-admin/policies/inactive-policy"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_is_lost_or_unreadable_is_ambiguous() {
    let cases = [
        ("DeviceMgtV1", Reply::Lost { sent: true }, Class::Ambiguous),
        ("DeviceMgtV1", Reply::Lost { sent: false }, Class::Transient),
        ("DeviceMgtV1", Reply::Cut(201, "{".into()), Class::Ambiguous),
        ("DeviceMgtV1", Reply::text(200, "<html>Login</html>"), Class::Ambiguous),
        ("DeviceMgtV1", Reply::text(502, "bad gateway"), Class::Ambiguous),
        ("DeviceMgtV1", Reply::text(500, ""), Class::Ambiguous),
        ("DeviceMgtV1", Reply::text(503, ""), Class::Transient),
        ("DeviceMgtV1", Reply::text(400, r#"{"message":"Bad Request","errorItems":[]}"#), Class::Rejected),
        ("MdmAdmin", Reply::json(200, &wrapped(500, None)), Class::Ambiguous),
        ("MdmAdmin", Reply::json(200, &wrapped(400, None)), Class::Rejected),
        ("MdmAdmin", Reply::text(500, r#"{"errorMessage":"boom"}"#), Class::Ambiguous),
    ];
    for (api, reply, expected) in cases {
        let shown = format!("{api} {reply:?}");
        let server = server(api, vec![], move |_| reply.clone());
        assert_eq!(class(&server, &create()).await, Err(expected), "{shown}");
        assert_eq!(effects(&server).len(), 1, "{shown}: never twice");
    }
}

#[tokio::test(start_paused = true)]
async fn replacing_what_is_not_there_is_gone() {
    let cases = [
        ("DeviceMgtV1", vec![12], Reply::text(200, "\"ok\""), Ok(Outcome::DONE)),
        ("DeviceMgtV1", vec![12], Reply::text(200, "Policy updated"), Ok(Outcome::DONE)),
        ("DeviceMgtV1", vec![], Reply::text(404, "not found"), Err(Class::Gone)),
        ("DeviceMgtV1", vec![12], Reply::text(404, "not found"), Err(Class::Transient)),
        ("MdmAdmin", vec![12], Reply::json(200, &wrapped(201, None)), Ok(Outcome::DONE)),
        ("MdmAdmin", vec![], Reply::text(500, r#"{"errorMessage":"x"}"#), Err(Class::Gone)),
        ("MdmAdmin", vec![12], Reply::text(500, r#"{"errorMessage":"x"}"#), Err(Class::Ambiguous)),
        ("MdmAdmin", vec![], Reply::json(200, &wrapped(404, None)), Err(Class::Gone)),
    ];
    for (api, standing, reply, expected) in cases {
        let shown = format!("{api} {standing:?} {reply:?}");
        let server = server(api, standing, move |_| reply.clone());
        assert_eq!(class(&server, &replace(12)).await, expected, "{shown}");
        let base = if api == "MdmAdmin" { "mdm-admin" } else { "api/device-mgt/v1.0" };
        assert_eq!(effects(&server), [format!("PUT /{base}/policies/12")], "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn switching_is_one_call_for_many_and_one_by_one_when_that_is_refused() {
    let on = Step::SetEnabled { ids: vec![id(1), id(2)], enabled: true };
    let b = server("DeviceMgtV1", vec![1, 2], |_| Reply::text(200, "\"ok\""));
    assert_eq!(class(&b, &on).await, Ok(Outcome::DONE));
    let bodies = |server: &Server| -> Vec<String> {
        let seen = server.transport.seen();
        seen.iter().filter(|s| s.line.contains("activate-policy")).map(|s| s.body.clone()).collect()
    };
    assert_eq!(bodies(&b), ["[1,2]"]);
    let picky = server("DeviceMgtV1", vec![1, 2], |seen| match seen.body.contains(',') {
        true => Reply::text(500, "one of them"),
        false => Reply::text(200, "\"ok\""),
    });
    assert_eq!(class(&picky, &on).await, Ok(Outcome::DONE));
    assert_eq!(bodies(&picky), ["[1,2]", "[1]", "[2]"]);
    let a = server("MdmAdmin", vec![1, 2], |_| Reply::json(200, &wrapped(200, None)));
    let off = Step::SetEnabled { ids: vec![id(1)], enabled: false };
    assert_eq!(class(&a, &off).await, Ok(Outcome::DONE));
    assert_eq!(effects(&a), ["PUT /mdm-admin/policies/inactivate"]);
}

#[tokio::test(start_paused = true)]
async fn a_build_that_switches_by_put_is_found_out_once() {
    for refusal in [404, 405] {
        let server = server("DeviceMgtV1", vec![1, 2], move |seen| match seen.line.starts_with("PUT") {
            true => Reply::text(200, "ok"),
            false => Reply::text(refusal, ""),
        });
        let on = Step::SetEnabled { ids: vec![id(1), id(2)], enabled: true };
        assert_eq!(class(&server, &on).await, Ok(Outcome::DONE), "{refusal}");
        let put = "PUT /api/device-mgt/v1.0/policies/activate-policy";
        let post = "POST /api/device-mgt/v1.0/policies/activate-policy";
        assert_eq!(
            effects(&server),
            [post, post, put, put],
            "together, then one by one, then by PUT for good"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn switching_what_is_not_there_is_gone_and_tries_nothing_else() {
    let on = Step::SetEnabled { ids: vec![id(7)], enabled: true };
    for (api, reply) in [
        ("DeviceMgtV1", Reply::text(404, r#"{"message":"no such policy"}"#)),
        ("DeviceMgtV1", Reply::text(500, "cache off")),
        ("Entgra", Reply::text(404, "none")),
        ("MdmAdmin", Reply::text(500, r#"{"errorMessage":"x"}"#)),
    ] {
        let server = server(api, vec![1], move |_| reply.clone());
        let error = server.driver.execute(&on).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Gone, Reason::ExternalObjectGone), "{api}");
        assert!(error.message.contains('7'), "{error}");
        assert_eq!(effects(&server).len(), 1, "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_given_ids_get_places_and_unknown_ones_are_named() {
    let order = Step::Reorder(vec![(id(3), 1), (id(1), 4)]);
    let ok = server("DeviceMgtV1", vec![1, 3], |_| Reply::text(200, "ok"));
    assert_eq!(class(&ok, &order).await, Ok(Outcome::DONE));
    let sent = ok.transport.seen().last().unwrap().json();
    assert_eq!(sent, json!([{"id": 3, "priority": 1}, {"id": 1, "priority": 4}]));
    let missing = server("MdmAdmin", vec![1], |_| Reply::text(500, "null profile"));
    let error = missing.driver.execute(&order).await.unwrap_err();
    assert_eq!(error.class, Class::Gone);
    assert!(error.message.contains('3') && !error.message.contains('1'), "{error}");
    let nothing = server("MdmAdmin", vec![], |_| Reply::text(500, ""));
    assert_eq!(class(&nothing, &Step::Reorder(vec![])).await, Ok(Outcome::DONE));
    assert_eq!(nothing.transport.seen().len(), 0, "no move, no call");
}

#[tokio::test(start_paused = true)]
async fn removing_what_is_not_there_is_done_if_a_whole_list_says_so() {
    let remove = Step::Delete(vec![id(7)]);
    let cases = [
        ("MdmAdmin", vec![1], Reply::text(500, ""), Ok(Outcome::DONE)),
        ("MdmAdmin", vec![1, 7], Reply::text(500, ""), Err(Class::Ambiguous)),
        ("MdmAdmin", vec![1, 7], Reply::json(200, &wrapped(200, None)), Ok(Outcome::DONE)),
        ("DeviceMgtV1", vec![1], Reply::text(400, r#"{"message":"unknown: 7"}"#), Ok(Outcome::DONE)),
        ("DeviceMgtV1", vec![7], Reply::text(400, r#"{"message":"locked"}"#), Err(Class::Rejected)),
        ("DeviceMgtV1", vec![1], Reply::Lost { sent: true }, Ok(Outcome::DONE)),
        ("DeviceMgtV1", vec![7], Reply::Lost { sent: true }, Err(Class::Ambiguous)),
        ("DeviceMgtV1", vec![1], Reply::text(503, ""), Err(Class::Transient)),
        ("Entgra", vec![7], Reply::text(404, "bad ids"), Err(Class::Transient)),
    ];
    for (api, standing, reply, expected) in cases {
        let shown = format!("{api} {standing:?} {reply:?}");
        let server = server(api, standing, move |_| reply.clone());
        assert_eq!(class(&server, &remove).await, expected, "{shown}");
    }
    let cut = Server::new("DeviceMgtV1", |seen| match is_list(seen) {
        true => Reply::json(200, &json!({"count": 9, "policies": [policy(1)]})),
        false => Reply::text(400, "unknown"),
    });
    assert_eq!(class(&cut, &remove).await, Err(Class::Rejected), "a cut list proves nothing");
}

#[tokio::test(start_paused = true)]
async fn publishing_while_a_run_is_scheduled_waits() {
    for api in ["MdmAdmin", "DeviceMgtV1", "Entgra"] {
        let server = server(api, vec![], |_| Reply::text(500, r#"{"errorMessage":"applying changes"}"#));
        let error = server.driver.execute(&Step::Deploy).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Transient, Reason::Deploying), "{api}");
    }
    let lost = server("DeviceMgtV1", vec![], |_| Reply::Lost { sent: true });
    assert_eq!(class(&lost, &Step::Deploy).await, Err(Class::Ambiguous));
    let ok = server("MdmAdmin", vec![], |_| Reply::json(200, &wrapped(200, None)));
    assert_eq!(class(&ok, &Step::Deploy).await, Ok(Outcome::DONE));
    assert_eq!(effects(&ok), ["PUT /mdm-admin/policies/apply-changes"]);
    assert_eq!(ok.transport.seen().last().unwrap().body, "");
}

#[tokio::test(start_paused = true)]
async fn a_secret_echoed_by_an_error_is_cut() {
    let server = server("DeviceMgtV1", vec![1], |seen| {
        let token = seen.headers["authorization"].to_str().unwrap().replace("Bearer ", "");
        Reply::text(400, &format!("bad {token} {PASSWORD} client-secret-canary"))
    });
    let error = server.driver.execute(&replace(1)).await.unwrap_err();
    for canary in ["access-t", "p4sswo", "client-s"] {
        assert!(!error.message.contains(canary), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_the_content_echoed_by_an_error_is_cut() {
    let server =
        server("Entgra", vec![1], |seen| Reply::text(400, &format!("invalid payload {}", seen.body)));
    let (mut desired, observed) = wanted(Some(1));
    let leaf = LeafValue { value: json!({"ssid": "corp", "password": "wifi-canary-4711"}), secret: true };
    desired.leaves.insert(LeafPath("features/WIFI".into()), leaf);
    for step in [
        Step::Create(Box::new(desired.clone())),
        Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed) },
    ] {
        let error = server.driver.execute(&step).await.unwrap_err();
        assert!(error.message.contains("invalid payload"), "{error}");
        assert!(!error.message.contains("wifi-can"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_of_groups_are_read_only_where_they_are_not_known() {
    let groups = json!({"count": 1, "deviceGroups": [{"id": 4, "name": "Finance"}]});
    let server = Server::new("DeviceMgtV1", move |seen| match seen.line.contains("/groups") {
        true => Reply::json(200, &groups),
        false => Reply::text(200, "ok"),
    });
    let (mut desired, mut observed) = wanted(Some(1));
    desired.members.insert(MemberKind::Group, BTreeSet::from(["4".to_owned()]));
    let step = |observed: &ObservedItem| Step::Replace {
        desired: Box::new(desired.clone()),
        observed: Box::new(observed.clone()),
    };
    server.driver.execute(&step(&observed)).await.unwrap();
    assert_eq!(server.calls().len(), 2, "list of groups, PUT");
    observed.raw["deviceGroups"] = json!([{"id": 4, "name": "Finance"}]);
    server.driver.execute(&step(&observed)).await.unwrap();
    assert_eq!(server.calls().len(), 3, "PUT");
    let sent = server.transport.seen().last().unwrap().json();
    assert_eq!(sent["deviceGroups"], json!([{"id": 4, "name": "Finance"}]));
}
