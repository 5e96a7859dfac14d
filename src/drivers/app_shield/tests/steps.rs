//! Reads and saves: what is sent, and what the answers mean.

use super::*;
use crate::{
    drivers::DesiredItem,
    model::{ExternalId, ItemKey, LeafValue, MemberKind, ObservedItem, Shape},
};

fn id() -> ExternalId {
    ExternalId("639057069300123456".into())
}

fn stored() -> Value {
    json!({
        "id": &*id().0, "Name": "rows", "Description": "", "isActive": false, "Constraints": [],
        "Groups": [], "Users": [], "ErrorCode": "0", "ErrorMessage": "",
    })
}

fn desired() -> DesiredItem {
    DesiredItem {
        key: ItemKey("team/rows/policy".into()),
        shape: Shape::Object { mark: None },
        title: "rows".into(),
        status_key: "policy".into(),
        leaves: BTreeMap::from([(
            LeafPath("name".into()),
            LeafValue { value: json!("rows"), secret: false },
        )]),
        members: BTreeMap::from([(MemberKind::Group, BTreeSet::from(["16".to_owned()]))]),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

fn create() -> Step {
    Step::Create(Box::new(desired()))
}

fn replace() -> Step {
    Step::Replace { desired: Box::new(desired()), observed: Box::new(wire::policy(&stored()).unwrap()) }
}

/// Answers saves and the like with `reply`; sessions live.
fn answering(settings: &Value, reply: Reply) -> Server {
    Server::new(
        settings,
        move |seen| {
            if seen.line.ends_with("/CheckSession") { valid(true) } else { reply.clone() }
        },
    )
}

#[tokio::test(start_paused = true)]
async fn without_paths_nothing_is_asked_and_nothing_is_known() {
    let server = answering(&json!({}), Reply::json(200, &json!([])));
    let scope = Scope { objects: BTreeSet::from([id()]), ..Scope::default() };
    let view = server.driver.observe(&scope).await.unwrap();
    assert!(view.items.is_empty() && !view.complete);
    assert!(server.calls().is_empty(), "not even a login");
}

/// Where the id stands in the path, 404 is about the id, or about the call: another id tells.
#[tokio::test(start_paused = true)]
async fn a_path_that_is_not_found_is_corrected_unless_another_id_is() {
    let settings = json!({"paths": {"get": "/AppShield/Policy/{id}"}});
    let nobody = ExternalId("1".into());
    for (asked, there) in [(vec![nobody.clone()], false), (vec![nobody.clone(), id()], true)] {
        let server = Server::new(&settings, |seen| match seen.line.rsplit('/').next() {
            Some("CheckSession") => valid(true),
            Some("1") => Reply::json(404, &json!("no")),
            _ => Reply::json(200, &stored()),
        });
        let scope = Scope { objects: asked.into_iter().collect(), ..Scope::default() };
        let view = server.driver.observe(&scope).await;
        match view {
            Ok(view) => assert_eq!((there, view.absent), (true, BTreeSet::from([nobody.clone()]))),
            Err(error) => {
                assert!(!there && error.message.contains("paths.get"), "{error}");
            }
        }
    }
}

/// The same beside a list: one policy that was deleted in the console does not stop the account.
#[tokio::test(start_paused = true)]
async fn a_recorded_policy_that_is_neither_listed_nor_found_is_gone() {
    let settings = json!({"paths": {"list": "/AppShield/Policies", "get": "/AppShield/Policy/{id}"}});
    let rows = |rows: Value| Reply::json(200, &rows);
    let cases = [
        (json!([stored()]), 200, Some(true), "a listed one is read by the same call"),
        (json!([stored()]), 404, None, "a listed one is not found either: there is no such call"),
        (json!([]), 404, Some(true), "nothing tells, and the list stands for itself"),
    ];
    for (list, status, complete, why) in cases {
        let server = Server::new(&settings, move |seen| match seen.line.rsplit('/').next() {
            Some("CheckSession") => valid(true),
            Some("Policies") => rows(list.clone()),
            Some(id) if id == &*self::id().0 => Reply::json(status, &stored()),
            Some("1") => Reply::json(404, &json!("no")),
            _ => rows(json!([{"id": "11", "GroupName": "tenant-acme"}])),
        });
        let scope = Scope { objects: BTreeSet::from([ExternalId("1".into())]), ..Scope::default() };
        match server.driver.observe(&scope).await {
            Ok(view) => {
                assert_eq!(Some(view.complete), complete, "{why}: {:?}", view.lacking);
                assert!(view.items.iter().all(|item| item.id == Some(id())), "{why}");
            }
            Err(error) => {
                assert!(complete.is_none() && error.message.contains("paths.get"), "{why}: {error}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_is_one_call_and_its_answer_is_handed_on() {
    let server = answering(&json!({}), Reply::json(200, &stored()));
    let outcome = server.driver.execute(&create()).await.unwrap();
    let Outcome::Applied { id: told, answer: Some(answer) } = outcome else { panic!("{outcome:?}") };
    assert_eq!((told, answer.id.clone()), (Some(id()), Some(id())));
    let outcome = server.driver.execute(&replace()).await.unwrap();
    let Outcome::Applied { id: None, answer: Some(answer) } = outcome else { panic!("{outcome:?}") };
    assert!(answer.members[&MemberKind::Group].is_empty(), "a group that was dropped is told as it is");
    assert_eq!(server.calls(), ["DoLogin", "SaveAppShieldPolicy", "SaveAppShieldPolicy"]);
    let seen = server.transport.seen();
    assert_eq!((&seen[1].json()["groups"], &seen[1].json()["policy"]["id"]), (&json!([]), &json!(null)));
    assert_eq!(seen[2].json()["groups"], json!(["16"]));
    assert_eq!(seen[2].json()["sessionToken"], json!(token(1)));
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_to_a_save_means() {
    let coded = |code: Value| json!({"id": null, "ErrorCode": code, "ErrorMessage": "Name is taken."});
    let mut nameless = stored();
    nameless["id"] = json!("");
    let cases = [
        (Reply::json(200, &coded(json!("5004"))), Class::Rejected, Reason::Rejected, "5004: Name is taken."),
        (Reply::json(200, &coded(json!(5004))), Class::Rejected, Reason::Rejected, "5004: Name is taken."),
        (Reply::json(400, &coded(json!(5004))), Class::Rejected, Reason::Rejected, "5004"),
        (Reply::json(500, &coded(json!(5004))), Class::Ambiguous, Reason::Unreachable, "5004"),
        (Reply::json(200, &coded(json!(null))), Class::Ambiguous, Reason::UnexpectedAnswer, "without an id"),
        (Reply::json(200, &nameless), Class::Ambiguous, Reason::UnexpectedAnswer, "without an id"),
        (Reply::json(200, &json!({})), Class::Ambiguous, Reason::UnexpectedAnswer, "without an id"),
        (Reply::text(200, "<html>"), Class::Ambiguous, Reason::UnexpectedAnswer, "markup"),
        (Reply::text(200, ""), Class::Ambiguous, Reason::UnexpectedAnswer, "nothing"),
        (Reply::text(500, "<html>"), Class::Ambiguous, Reason::Unreachable, "500"),
        (Reply::text(502, "<html>"), Class::Ambiguous, Reason::Unreachable, "502"),
        (Reply::Lost { sent: true }, Class::Ambiguous, Reason::Unreachable, "reset"),
        (Reply::Lost { sent: false }, Class::Transient, Reason::Unreachable, "reset"),
        (Reply::text(404, "<html>"), Class::Rejected, Reason::Invalid, "SaveAppShieldPolicy answered 404"),
        (Reply::text(400, "bad"), Class::Rejected, Reason::Rejected, "bad"),
        (
            Reply::text(429, "").with("retry-after", "40"),
            Class::Throttled { after: Some(Duration::from_secs(40)) },
            Reason::Throttled,
            "429",
        ),
    ];
    for (reply, class, reason, words) in cases {
        for step in [create(), replace()] {
            let about = format!("{reply:?}");
            let server = answering(&json!({}), reply.clone());
            let error = server.driver.execute(&step).await.unwrap_err();
            assert_eq!((error.class, error.reason), (class, reason), "{about}: {error}");
            assert!(error.message.contains(words), "{about}: {error}");
            assert!(!error.message.contains("CANARY"), "{error}");
            assert_eq!(server.count("SaveAppShieldPolicy"), 1, "{about}: never twice by itself");
            assert_eq!(server.count("DoLogin"), 1, "{about}: the session lives");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_path_nobody_serves_names_its_field() {
    let scope = Scope { objects: BTreeSet::from([id()]), ..Scope::default() };
    for (paths, field) in [
        (json!({"list": "/AppShield/List"}), "spec.system.appShield.paths.list"),
        (json!({"get": "/AppShield/Get"}), "spec.system.appShield.paths.get"),
    ] {
        let server = answering(&json!({ "paths": paths }), Reply::text(404, "<html>"));
        let error = server.driver.observe(&scope).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Invalid), "{error}");
        assert!(error.message.contains(field) && error.message.contains("/AppShield/"), "{error}");
    }
    let server = answering(&json!({"paths": {"delete": "/AppShield/Delete"}}), Reply::text(404, "<html>"));
    let error = server.driver.execute(&Step::Delete(vec![id()])).await.unwrap_err();
    assert!(error.message.contains("spec.system.appShield.paths.delete"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_policy_is_read_by_its_id_in_body_and_path() {
    let reads = json!({"paths": {"get": "AppShield/Policies/{id}/"}});
    let server = answering(&reads, Reply::json(200, &stored()));
    let scope = Scope { objects: BTreeSet::from([id()]), ..Scope::default() };
    let view = server.driver.observe(&scope).await.unwrap();
    assert_eq!((view.items.len(), view.complete), (1, false), "the others are not known");
    let seen = server.transport.seen();
    assert_eq!(seen[1].line, format!("POST /yurbi/api/AppShield/Policies/{}", id()));
    assert_eq!((&seen[1].json()["id"], &seen[1].json()["policyId"]), (&json!(&*id().0), &json!(&*id().0)));
    let wrapped = answering(&reads, Reply::json(200, &json!([stored()])));
    assert_eq!(wrapped.driver.observe(&scope).await.unwrap().items.len(), 1, "in a list of one");
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_believed_unless_refused() {
    let settings = json!({"paths": {"delete": "/AppShield/DeletePolicy"}});
    let cases = [
        (Reply::json(200, &json!({"ErrorCode": 0})), None),
        (Reply::json(200, &json!(true)), None),
        (Reply::text(200, ""), None),
        (Reply::text(204, ""), None),
        (Reply::json(200, &json!(false)), Some(Class::Rejected)),
        (Reply::json(200, &json!({"ErrorCode": 5003})), Some(Class::Rejected)),
        (Reply::text(200, "<html>"), Some(Class::Ambiguous)),
        (Reply::Lost { sent: true }, Some(Class::Ambiguous)),
    ];
    for (reply, expected) in cases {
        let about = format!("{reply:?}");
        let server = answering(&settings, reply);
        let result = server.driver.execute(&Step::Delete(vec![id()])).await;
        assert_eq!(result.err().map(|error| error.class), expected, "{about}");
    }
    let server = answering(&json!({}), Reply::json(200, &json!({"ErrorCode": 0})));
    let error = server.driver.execute(&Step::Delete(vec![id()])).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Unsupported));
    assert!(server.calls().is_empty(), "no call is guessed");
}

#[tokio::test(start_paused = true)]
async fn steps_the_system_does_not_have_are_refused_without_a_call() {
    let server = answering(&json!({}), Reply::json(200, &stored()));
    let steps =
        [Step::SetEnabled { ids: vec![id()], enabled: false }, Step::Reorder(vec![(id(), 1)]), Step::Deploy];
    for step in steps {
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::InternalError), "{step:?}");
    }
    let nameless =
        Step::Replace { desired: Box::new(desired()), observed: Box::new(ObservedItem::default()) };
    let error = server.driver.execute(&nameless).await.unwrap_err();
    assert_eq!(error.class, Class::Rejected, "without an id it would be a create");
    assert!(server.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_list_is_whole_only_if_nothing_speaks_against_it() {
    let list = |ids: &[u64]| {
        let one = |id: &u64| {
            let mut policy = stored();
            policy["id"] = json!(id.to_string());
            policy
        };
        ids.iter().map(one).collect::<Value>()
    };
    let many: Vec<u64> = (1..=20).collect();
    let mut broken = list(&[1, 2]);
    broken[1]["id"] = json!(null);
    let recorded = BTreeSet::from([id()]);
    let cases = [
        (list(&[1, 2]), BTreeSet::new(), Some((2, true)), "whole"),
        (list(&[1, 1]), BTreeSet::new(), Some((1, false)), "one id twice"),
        (broken, BTreeSet::new(), Some((1, false)), "one without an id"),
        (
            json!({"Items": list(&[1]), "Total": 2}),
            BTreeSet::new(),
            Some((1, false)),
            "it says there are more",
        ),
        (list(&many), BTreeSet::new(), Some((20, true)), "twenty, and nothing is missed"),
        (list(&many), recorded.clone(), Some((20, false)), "twenty, and a recorded one is not among them"),
        (list(&[1, 2]), recorded, Some((2, true)), "a recorded one is gone"),
        (json!({"ErrorCode": 0}), BTreeSet::new(), None, "no list"),
    ];
    for (answer, objects, expected, why) in cases {
        let server = answering(&json!({"paths": {"list": "/AppShield/List"}}), Reply::json(200, &answer));
        let view = server.driver.observe(&Scope { objects, ..Scope::default() }).await;
        assert_eq!(view.ok().map(|view| (view.items.len(), view.complete)), expected, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_gone_only_if_the_list_is_no_page_or_the_call_is_known_to_read() {
    let paths = json!({"paths": {"list": "/AppShield/List", "get": "/AppShield/Get"}});
    let cases = [
        (25, false, false, "a page, and the call refuses whatever it is asked"),
        (25, true, true, "a page, and the call reads what is listed, but not this one"),
        (7, false, true, "no page: gone"),
    ];
    for (length, reads_listed, complete, why) in cases {
        let server = Server::new(&paths, move |seen| {
            let policy = |id: &str| {
                let mut policy = stored();
                policy["id"] = json!(id);
                policy
            };
            let (call, body) = (seen.line.rsplit('/').next().unwrap(), seen.json());
            match (call, body["id"].as_str()) {
                ("CheckSession", _) => valid(true),
                ("List", _) => {
                    Reply::json(200, &(1..=length).map(|n| policy(&n.to_string())).collect::<Value>())
                }
                ("Get", Some(asked)) if reads_listed && asked != &*id().0 => Reply::json(200, &policy(asked)),
                _ => Reply::json(200, &json!({"ErrorCode": 5003, "ErrorMessage": "No."})),
            }
        });
        let scope = Scope { objects: BTreeSet::from([id()]), ..Scope::default() };
        for _ in 0..2 {
            let view = server.driver.observe(&scope).await.unwrap();
            assert_eq!((view.items.len(), view.complete), (length, complete), "{why}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_save_that_failed_at_the_server_is_not_sent_again_whatever_the_session_is() {
    let failed = [Reply::json(500, &dead()), Reply::json(502, &dead()), Reply::json(504, &json!([dead()]))];
    for reply in failed {
        let about = format!("{reply:?}");
        let server = Server::new(&json!({}), move |seen| match seen.line.rsplit('/').next() {
            Some("CheckSession") => valid(false),
            _ => reply.clone(),
        });
        let error = server.driver.execute(&create()).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous, "{about}: {error}");
        assert_eq!(server.count("SaveAppShieldPolicy"), 1, "{about}: it may have been made");
        assert_eq!(server.count("DoLogin"), 2, "{about}: the next call has a living session");
    }
}
