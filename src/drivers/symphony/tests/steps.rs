use super::*;

/// Answers lists with these policies and effects with one reply.
fn answering(rows: Vec<Value>, effect: Reply) -> Server {
    Server::new(
        move |seen| if seen.line.starts_with("GET") { page(seen, "policies", &rows) } else { effect.clone() },
    )
}

fn effects(server: &Server) -> Vec<String> {
    server.calls().into_iter().filter(|line| !line.starts_with("GET")).collect()
}

fn refusal(status: u16) -> Reply {
    Reply::json(
        status,
        &json!({"code": status, "message": format!("{status} No: {{\"message\":\"these words\"}}")}),
    )
}

fn steps() -> Vec<(Step, &'static str)> {
    let (desired, observed) = wanted(1);
    let (desired, observed) = (Box::new(desired), Box::new(observed));
    vec![
        (Step::Create(desired.clone()), "POST /agent/v1/dlp/policies"),
        (Step::Replace { desired, observed: observed.clone() }, "PUT /agent/v1/dlp/policies/p0001"),
        (
            Step::Restore { observed, leaves: BTreeMap::new(), members: BTreeMap::new() },
            "PUT /agent/v1/dlp/policies/p0001",
        ),
        (
            Step::SetEnabled { ids: vec![id("p0001")], enabled: true },
            "POST /agent/v1/dlp/policies/p0001/enable",
        ),
        (
            Step::SetEnabled { ids: vec![id("p0001")], enabled: false },
            "POST /agent/v1/dlp/policies/p0001/disable",
        ),
        (Step::Delete(vec![id("p0001")]), "DELETE /agent/v1/dlp/policies/p0001"),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_step_is_one_call_with_a_whole_body() {
    for (step, line) in steps() {
        let server = answering(vec![], Reply::json(200, &json!({"data": policy(7)})));
        let outcome = server.driver.execute(&step).await.unwrap();
        assert_eq!(server.calls(), [line], "nothing else is asked or sent");
        let created = matches!(step, Step::Create(_));
        assert_eq!(outcome, if created { Outcome::created(Some(id("p0007"))) } else { Outcome::DONE });
        let sent = server.transport.seen().pop().unwrap();
        let suffix = if matches!(step, Step::Restore { .. }) { String::new() } else { mark().to_string() };
        match step {
            Step::Create(_) | Step::Replace { .. } | Step::Restore { .. } => assert_eq!(
                sent.json(),
                json!({"name": format!("policy 1{suffix}"), "type": "Block", "contentTypes": ["Messages"],
                    "scopes": ["External"], "dictionaryIds": ["d1"]})
            ),
            _ => assert_eq!(sent.body, "", "no body"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn steps_of_other_systems_are_not_carried_out() {
    let write = Step::Write { changes: vec![], synchronous: true };
    let seed = Step::Seed { item: ItemKey("x".into()), from: (String::new(), String::new()) };
    for step in [write, seed, Step::Reorder(vec![]), Step::Deploy] {
        let server = answering(vec![], refusal(500));
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::InternalError));
        assert!(server.transport.seen().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_content_is_rejected_with_the_inner_words_under_every_status() {
    for status in [400, 404, 409, 412, 422] {
        for (step, line) in steps() {
            let mut row = policy(1);
            // The switch is not where it should be, so that the refusal counts.
            row["active"] = json!(!matches!(step, Step::SetEnabled { enabled: true, .. }));
            let server = answering(vec![row], refusal(status));
            let error = server.driver.execute(&step).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::Rejected),
                "{status} {line}: {error}"
            );
            assert!(error.message.contains("these words") && !error.message.contains('{'), "{error}");
            assert_eq!(effects(&server), [line], "never repeated");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_is_gone_only_if_a_whole_list_says_so() {
    for status in [400, 404, 409] {
        for (step, line) in steps().into_iter().skip(1) {
            let server = answering(vec![policy(2)], refusal(status));
            let outcome = server.driver.execute(&step).await;
            if matches!(step, Step::Delete(_)) {
                assert_eq!(outcome.unwrap(), Outcome::DONE, "gone is what was wanted");
                continue;
            }
            let error = outcome.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Gone, Reason::ExternalObjectGone),
                "{status} {line}"
            );
        }
    }
    for (step, line) in steps().into_iter().skip(1) {
        let server = Server::new(|seen| match seen.line.starts_with("GET") {
            true => Reply::json(200, &json!({"policies": [policy(2)], "page": 0, "pageCount": 2})),
            false => refusal(404),
        });
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!(error.class, Class::Transient, "{line}: a cut list proves nothing: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_names_its_holder() {
    let (desired, observed) = wanted(1);
    let mut holder = policy(9);
    holder["name"] = json!(format!("{} ", mark().suffixed("policy 1").to_uppercase()));
    for status in [400, 404, 409] {
        let steps = [
            Step::Create(Box::new(desired.clone())),
            Step::Replace { desired: Box::new(desired.clone()), observed: Box::new(observed.clone()) },
        ];
        for step in steps {
            let server = answering(vec![policy(1), holder.clone()], refusal(status));
            let error = server.driver.execute(&step).await.unwrap_err();
            assert_eq!(
                (error.class, error.reason),
                (Class::Rejected, Reason::NameConflict),
                "{status}: {error}"
            );
            assert!(error.message.contains("p0009") && error.message.contains("displayName"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_ours_that_was_listed_late_is_looked_at_again() {
    let (desired, _) = wanted(1);
    let mut late = policy(9);
    late["name"] = json!(mark().suffixed("policy 1"));
    let server = answering(vec![late], refusal(400));
    let error = server.driver.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Conflict, Reason::Conflict), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_switch_that_is_refused_has_what_it_wanted() {
    for on in [true, false] {
        let mut row = policy(1);
        row["active"] = json!(on);
        let server = answering(vec![row], refusal(400));
        let step = Step::SetEnabled { ids: vec![id("p0001")], enabled: on };
        assert_eq!(server.driver.execute(&step).await.unwrap(), Outcome::DONE);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_does_not_keep_the_others() {
    let ids = vec![id("p0001"), id("ghost"), id("p0002")];
    for (step, verb) in
        [(Step::SetEnabled { ids: ids.clone(), enabled: false }, "/disable"), (Step::Delete(ids.clone()), "")]
    {
        let server = Server::new(|seen| match seen.line.starts_with("GET") {
            true => page(seen, "policies", &[policy(1), policy(2), policy(3)]),
            false if seen.line.contains("p0001") => refusal(400),
            false => Reply::json(200, &json!({"data": policy(2)})),
        });
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!(error.class, Class::Rejected, "{error}");
        assert!(
            effects(&server).last().unwrap().ends_with(&format!("p0002{verb}")),
            "{:?}",
            effects(&server)
        );
    }
    let server = answering(vec![policy(1)], Reply::Lost { sent: true });
    let error = server.driver.execute(&Step::Delete(ids)).await.unwrap_err();
    assert_eq!((error.class, effects(&server).len()), (Class::Ambiguous, 1), "a lost answer ends the step");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_ambiguous_and_never_sent_twice() {
    let losses = [
        Reply::Lost { sent: true },
        Reply::Cut(200, "{\"da".into()),
        Reply::text(500, "oops"),
        Reply::text(502, "<html>"),
        Reply::text(200, "<html>login</html>"),
        Reply::text(200, "done"),
    ];
    for loss in losses {
        for (step, line) in steps() {
            let server = answering(vec![], loss.clone());
            let error = server.driver.execute(&step).await.unwrap_err();
            assert_eq!(error.class, Class::Ambiguous, "{line} {loss:?}: {error}");
            assert_eq!(server.calls(), [line], "{loss:?}");
        }
    }
    for (step, line) in steps() {
        let server = answering(vec![], Reply::text(204, ""));
        let outcome = server.driver.execute(&step).await.unwrap();
        assert_eq!(outcome, Outcome::DONE, "{line}: done, and the id is not told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_403_names_the_role_and_a_429_the_pause() {
    for (step, line) in steps() {
        let server = answering(vec![], refusal(403));
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Forbidden), "{line}");
        assert!(error.message.contains("Expression Filter Policy Management"), "{error}");
        assert_eq!(server.calls(), [line], "a list would tell no more");
        let server = answering(vec![], refusal(429).with("retry-after", "60"));
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!(error.class, Class::Throttled { after: Some(Duration::from_secs(60)) }, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_edit_while_enabled_is_told_a_way() {
    for (enabled, hint) in [(Some(true), true), (Some(false), false)] {
        let (desired, mut observed) = wanted(1);
        observed.enabled = enabled;
        let server = answering(vec![policy(1)], refusal(400));
        let step = Step::Replace { desired: Box::new(desired), observed: Box::new(observed) };
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!(error.message.contains("enabled: false"), hint, "{error}");
        assert_eq!(effects(&server).len(), 1, "enforcement is never interrupted for an edit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_would_lose_its_dictionaries_by_accident_is_not_sent() {
    let (mut desired, mut observed) = wanted(1);
    let path = LeafPath("dictionaries".into());
    desired.leaves.remove(&path);
    observed.leaves.insert(path, json!([]));
    let (desired, observed) = (Box::new(desired), Box::new(observed));
    let steps = [
        Step::Create(desired.clone()),
        Step::Replace { desired, observed: observed.clone() },
        Step::Restore { observed, leaves: BTreeMap::new(), members: BTreeMap::new() },
    ];
    for step in steps {
        let server = answering(vec![policy(1)], Reply::json(200, &json!({})));
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!(error.class, Class::Rejected, "{error}");
        assert!(server.transport.seen().is_empty(), "not even a login");
    }
}
