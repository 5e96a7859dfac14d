use super::*;

struct Server {
    transport: Arc<Scripted>,
    driver: Arc<dyn Driver>,
}

/// Lists these policies, shows the first in full, and answers effects in one way.
fn server(policies: Vec<Value>, mut effect: impl FnMut(&Seen) -> Reply + Send + 'static) -> Server {
    let transport = Scripted::new(move |seen| {
        let read = reading(seen, &policies);
        let full = || seen.line.starts_with("GET /Consumer/Policies/").then(|| Reply::json(200, &in_full()));
        read.or_else(full).unwrap_or_else(|| effect(seen))
    });
    let driver =
        connected(&json!({}), &[("token", "t0ken")], Arc::clone(&transport) as SharedTransport).unwrap();
    Server { transport, driver }
}

fn in_full() -> Value {
    let mut full = policy();
    full["Rules"] = json!([{"Id": 310, "Name": "usb-start-type"}]);
    full["ManagementGroups"] = json!([{"Id": 7, "Name": "Finance", "UsableId": "x"}]);
    full["Colour"] = json!("blue");
    full
}

impl Server {
    fn effects(&self) -> Vec<String> {
        let reads = |line: &String| line.starts_with("GET") || line.ends_with("Search");
        self.transport.lines().into_iter().filter(|line| !reads(line)).collect()
    }

    async fn read(&self) -> (DesiredItem, ObservedItem) {
        let observed = self.driver.observe(&Scope::default()).await.unwrap().items.remove(0);
        let leaf = |(path, value): (&LeafPath, &Value)| {
            (path.clone(), LeafValue { value: value.clone(), secret: false })
        };
        let desired = DesiredItem {
            key: ItemKey("team/usb/policy".into()),
            shape: Shape::Object { mark: None },
            title: "usb".into(),
            status_key: "policy".into(),
            leaves: observed.leaves.iter().map(leaf).collect(),
            members: observed.members.clone(),
            enabled: Some(true),
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        };
        (desired, observed)
    }
}

fn replace((desired, observed): (DesiredItem, ObservedItem)) -> Step {
    Step::Replace { desired: Box::new(desired), observed: Box::new(observed) }
}

fn done(_: &Seen) -> Reply {
    Reply::text(200, "")
}

#[tokio::test(start_paused = true)]
async fn nothing_to_change_is_no_call() {
    let server = server(vec![policy()], done);
    let step = replace(server.read().await);
    server.driver.execute(&step).await.unwrap();
    assert_eq!(server.effects(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_put_resends_what_was_read_with_another_name() {
    let server = server(vec![policy()], done);
    let (mut desired, observed) = server.read().await;
    let mark: Mark = crate::model::Identity {
        owner: OwnerId::new("o"),
        kind: "Policy",
        object: crate::model::ObjectName::new("team", "usb"),
        variant: "policy".into(),
    }
    .mark();
    desired.shape = Shape::Object { mark: Some(mark.clone()) };
    desired.leaves.get_mut(&LeafPath("name".into())).unwrap().value = json!("USB");
    server.driver.execute(&replace((desired, observed))).await.unwrap();
    assert_eq!(server.effects(), ["PUT /Consumer/Policies"]);
    let mut expected = in_full();
    expected["Name"] = json!("USB");
    expected["Description"] = json!(mark.to_string());
    assert_eq!(server.transport.seen().pop().unwrap().json(), expected, "and nothing is left out");
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_another_by_now_is_not_put() {
    for change in [
        json!({"Description": "[ordain:aaaaaaaa/bbbbbbbbbbbbbbbb]"}),
        json!({"ManagementGroups": []}),
        json!({"Id": 42}),
        json!({"Rules": null, "ManagementGroups": "hidden"}),
    ] {
        let mut full = in_full();
        full.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let transport = Scripted::new(move |seen| {
            let read = reading(seen, &[policy()]);
            read.unwrap_or_else(|| Reply::json(200, &full))
        });
        let shared = Arc::clone(&transport) as SharedTransport;
        let driver = connected(&json!({}), &[("token", "t0ken")], shared).unwrap();
        let server = Server { transport, driver };
        let (mut desired, observed) = server.read().await;
        desired.leaves.get_mut(&LeafPath("name".into())).unwrap().value = json!("USB");
        let error = server.driver.execute(&replace((desired, observed))).await.unwrap_err();
        assert_eq!(error.class, Class::Conflict, "{change}: {error}");
        assert_eq!(server.effects(), [""; 0], "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_element_is_taken_out_at_a_time_and_what_is_not_in_it_is_out() {
    let mut full = in_full();
    (full["Rules"], full["ManagementGroups"]) = (json!([]), json!([]));
    let server = taking_nothing_out(Reply::json(200, &full), true);
    let (mut desired, observed) = server.read().await;
    without_members(&mut desired);
    desired.leaves.insert(LeafPath("rules/9".into()), LeafValue { value: json!(true), secret: false });
    server.driver.execute(&replace((desired, observed))).await.unwrap();
    assert_eq!(
        server.effects(),
        [
            "POST /Consumer/Policies/41/Rules",
            "DELETE /Consumer/Policies/41/Rules/310",
            "DELETE /Consumer/Policies/41/Assignments/ManagementGroups/7"
        ]
    );
}

/// Removals are not found; the policy is read in full as given, and listed at first only, or always.
fn taking_nothing_out(full: Reply, listed: bool) -> Server {
    let mut lists = 0;
    let transport = Scripted::new(move |seen| {
        lists += i64::from(seen.line.ends_with("ShallowSearch"));
        let stands = listed || lists <= 1;
        let policies = if stands { vec![policy()] } else { vec![] };
        let shown = || seen.line.starts_with("GET /Consumer/Policies/").then(|| full.clone());
        let answer = || match seen.line.contains("DELETE") {
            true => Reply::json(404, &json!([{"ErrorCode": "NotFound"}])),
            false => done(seen),
        };
        reading(seen, &policies).or_else(shown).unwrap_or_else(answer)
    });
    let shared = Arc::clone(&transport) as SharedTransport;
    Server { transport, driver: connected(&json!({}), &[("token", "t0ken")], shared).unwrap() }
}

/// Without the group, and with other rules.
fn without_members(desired: &mut DesiredItem) {
    desired.leaves.remove(&LeafPath("rules/310".into()));
    desired.members.get_mut(&MemberKind::ManagementGroup).unwrap().clear();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_out_is_out_only_if_the_policy_stands_without_it() {
    let not_found = || Reply::json(404, &json!([{"ErrorCode": "Policy.NotFound"}]));
    let in_full = || Reply::json(200, &in_full());
    let cases = [
        (in_full(), true, Class::Rejected, "still has it", "there is no such call"),
        (not_found(), false, Class::Gone, "no policy 41", "the policy itself is gone"),
        (not_found(), true, Class::Rejected, "NotFound", "listed, though it cannot be read"),
        (Reply::text(500, ""), true, Class::Transient, "500", "nobody can tell"),
        (Reply::json(200, &json!({"Id": 42})), true, Class::Rejected, "still has it", "another policy"),
    ];
    for (full, listed, class, words, why) in cases {
        let server = taking_nothing_out(full, listed);
        let (mut desired, observed) = server.read().await;
        desired.members.get_mut(&MemberKind::ManagementGroup).unwrap().clear();
        let error = server.driver.execute(&replace((desired, observed))).await.unwrap_err();
        assert_eq!(error.class, class, "{why}: {error}");
        assert!(error.message.contains(words), "{why}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_by_what_was_made_before_is_looked_at_again() {
    let mark = |object: &str| {
        let object = crate::model::ObjectName::new("team", object);
        crate::model::Identity { owner: OwnerId::new("o"), kind: "Policy", object, variant: "policy".into() }
            .mark()
    };
    let ours = mark("usb");
    let cases = [
        (ours.to_string(), Class::Conflict, Reason::Conflict, "it came through and was listed late"),
        (mark("other").to_string(), Class::Rejected, Reason::NameConflict, "made for something else"),
        (String::new(), Class::Rejected, Reason::NameConflict, "not made by us"),
    ];
    for (description, class, reason, why) in cases {
        let mut held = policy();
        held["Description"] = json!(description);
        let server =
            server(vec![held], |_| Reply::json(400, &json!([{"ErrorCode": "Policy.NameNotUnique"}])));
        let (mut desired, _) = server.read().await;
        desired.shape = Shape::Object { mark: Some(ours.clone()) };
        let error = server.driver.execute(&Step::Create(Box::new(desired))).await.unwrap_err();
        assert_eq!((error.class, error.reason), (class, reason), "{why}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn rules_that_nobody_names_stay() {
    let server = server(vec![policy()], done);
    let (mut desired, observed) = server.read().await;
    desired.leaves.retain(|path, _| !path.0.starts_with("rules/"));
    server.driver.execute(&replace((desired, observed))).await.unwrap();
    assert_eq!(server.effects(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn steps_of_other_systems_are_not_carried_out() {
    let write = Step::Write { changes: vec![], synchronous: true };
    let seed = Step::Seed { item: ItemKey("x".into()), from: (String::new(), String::new()) };
    for step in [write, seed, Step::Reorder(vec![])] {
        let server = server(vec![], done);
        let error = server.driver.execute(&step).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::InternalError));
        assert!(server.transport.seen().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_none_never_becomes_a_path() {
    for text in ["", "0", "-1", "41/Rules", "..", "%2e", "x"] {
        let server = server(vec![], done);
        let ids = || vec![id(text)];
        for step in [Step::Delete(ids()), Step::SetEnabled { ids: ids(), enabled: true }] {
            let error = server.driver.execute(&step).await.unwrap_err();
            assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Invalid), "{text}");
        }
        assert!(server.transport.seen().is_empty(), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn false_is_no_removal() {
    let server = server(vec![policy()], |_| Reply::json(200, &json!(false)));
    let error = server.driver.execute(&Step::Delete(vec![id("41")])).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Rejected), "{error}");
    server.driver.execute(&Step::SetEnabled { ids: vec![id("41")], enabled: false }).await.unwrap();
}
