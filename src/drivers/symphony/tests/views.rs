use super::*;
use crate::model::catalogue::Lookup;

fn policies(count: usize) -> Vec<Value> {
    (0..count).map(policy).collect()
}

/// Pages by number of reading and page: a closure that changes what stands in between.
fn scripted(mut rows: impl FnMut(usize, usize) -> (Vec<Value>, Option<usize>) + Send + 'static) -> Server {
    let mut readings = 0;
    Server::new(move |seen| {
        let number = asked(seen, "page");
        readings += usize::from(number == 0);
        let (all, count) = rows(readings, number);
        let slice: Vec<_> = all.iter().skip(number * 50).take(50).collect();
        let mut answer = json!({"policies": slice, "page": number});
        if let Some(count) = count {
            answer["pageCount"] = json!(count);
        }
        Reply::json(200, &answer)
    })
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_whole_with_as_few_calls_as_prove_it() {
    // policies, calls: one page proves itself, several are read twice, a full last one is looked behind.
    for (count, calls) in [(0, 1), (1, 1), (49, 1), (50, 2), (51, 4), (120, 6)] {
        for told in [true, false] {
            let server = scripted(move |_, _| (policies(count), told.then(|| count.div_ceil(50))));
            let view = server.observe().await.unwrap();
            assert_eq!((view.items.len(), view.complete), (count, true), "{count} {told}");
            assert_eq!(server.calls().len(), calls, "{count} {told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_of_one_page_is_believed_the_second_time() {
    let server = scripted(|_, _| (vec![], Some(1)));
    assert!(server.observe().await.unwrap().complete);
    assert_eq!(server.calls().len(), 2);
    let server = scripted(|reading, _| (policies(if reading == 1 { 0 } else { 3 }), Some(1)));
    let view = server.observe().await.unwrap();
    assert_eq!((view.items.len(), view.complete), (3, true), "it was lost once");
}

#[tokio::test(start_paused = true)]
async fn what_changes_between_pages_is_noticed() {
    // One is removed after the first page was read: the 51st slides onto it and is seen nowhere.
    let server = scripted(|reading, page| {
        let mut rows = policies(70);
        if (reading, page) != (1, 0) {
            rows.remove(3);
        }
        (rows, Some(2))
    });
    let view = server.observe().await.unwrap();
    assert_eq!((view.items.len(), view.complete), (69, true), "two later readings agree");
    assert_eq!(server.calls().len(), 6);
    let restless = scripted(|reading, page| {
        let mut rows = policies(70);
        if page == 1 {
            rows.drain(..reading);
        }
        (rows, Some(2))
    });
    let view = restless.observe().await.unwrap();
    assert!(!view.complete);
    assert_eq!(view.items.len(), 69, "all that any reading saw");
}

#[tokio::test(start_paused = true)]
async fn contradictions_make_the_view_incomplete() {
    type Twist = fn(usize, &mut Value);
    let twists: [(&str, Twist); 9] = [
        ("too many pages told", |_, answer| answer["pageCount"] = json!(3)),
        ("too few pages told", |_, answer| answer["pageCount"] = json!(1)),
        ("another page than asked for", |_, answer| answer["page"] = json!(7)),
        ("a number of pages that changes", |page, answer| answer["pageCount"] = json!(2 + page % 2)),
        ("the same page again and again", |_, answer| answer["policies"] = json!(policies(50))),
        ("a page that is empty", |page, answer| {
            if page == 1 {
                answer["policies"] = json!([]);
            }
        }),
        ("a page that is short", |page, answer| {
            if page == 0 {
                answer["policies"] = json!(policies(49));
            }
        }),
        ("an entry that is not understood", |page, answer| {
            if page == 1 {
                answer["policies"][0]["dictionaryRefs"] = json!(null);
            }
        }),
        ("more than a page holds", |page, answer| {
            if page == 1 {
                answer["policies"] = json!((50..101).map(policy).collect::<Vec<_>>());
            }
        }),
    ];
    for (why, twist) in twists {
        let server = Server::new(move |seen| {
            let number = asked(seen, "page");
            let slice: Vec<_> = policies(70).into_iter().skip(number * 50).take(50).collect();
            let mut answer = json!({"policies": slice, "page": number, "pageCount": 2});
            twist(number, &mut answer);
            Reply::json(200, &answer)
        });
        let view = server.observe().await.unwrap();
        assert!(!view.complete, "{why}: {} policies", view.items.len());
        assert!(server.calls().len() <= 9, "{why}: {}", server.calls().len());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_list_is_an_error_and_never_an_empty_pod() {
    let html = "<html><body>Sign in</body></html>";
    let cases = [
        (Reply::text(200, html), Class::Transient, Reason::UnexpectedAnswer, "markup"),
        (Reply::text(200, ""), Class::Transient, Reason::UnexpectedAnswer, "nothing"),
        (Reply::json(200, &json!({})), Class::Transient, Reason::UnexpectedAnswer, "no list"),
        (Reply::json(200, &json!({"policies": null})), Class::Transient, Reason::UnexpectedAnswer, "no list"),
        (Reply::json(200, &json!([policy(1)])), Class::Transient, Reason::UnexpectedAnswer, "no list"),
        (Reply::text(404, "nothing here"), Class::Transient, Reason::UnexpectedAnswer, "agentUrl"),
        (Reply::text(500, "oops"), Class::Transient, Reason::Unreachable, "oops"),
        (
            Reply::json(403, &json!({})),
            Class::Rejected,
            Reason::Forbidden,
            "Expression Filter Policy Management",
        ),
        (Reply::Lost { sent: true }, Class::Transient, Reason::Unreachable, "reset"),
    ];
    for (reply, class, reason, says) in cases {
        let answer = reply.clone();
        let server = Server::new(move |_| answer.clone());
        let error = server.observe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (class, reason), "{reply:?}: {error}");
        assert!(error.message.contains(says), "{reply:?}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_entries_do_not_stand() {
    let mut gone = policy(2);
    gone["deleted"] = json!(true);
    gone.as_object_mut().unwrap().remove("name");
    let server = Server::new(move |seen| page(seen, "policies", &[policy(1), gone.clone()]));
    let view = server.observe().await.unwrap();
    assert_eq!((view.items.len(), view.complete), (1, true));
}

fn dictionary(id: &str, name: &str) -> Value {
    json!({"dictRef": {"dictId": id, "name": name, "version": "1.0"}, "type": "Word"})
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_is_all_dictionaries_or_says_that_it_is_not() {
    let whole = [dictionary("d2", "b"), dictionary("d1", " a ")];
    let server = Server::new(move |seen| page(seen, "items", &whole));
    let catalogue = server.driver.catalogue().await.unwrap();
    assert_eq!(server.calls(), ["GET /agent/v1/dlp/dictionaries?page=0&limit=50"]);
    let names: Vec<_> = catalogue.of(EntryKind::Dictionary).iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let gone = catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.name == "c");
    assert_eq!(gone, Lookup::NotFound);
    for (row, why) in
        [(json!({"dictRef": {"name": "c"}}), "without an id"), (json!({"type": "Word"}), "nothing")]
    {
        let rows = [dictionary("d1", "a"), row];
        let server = Server::new(move |seen| page(seen, "items", &rows));
        let catalogue = server.driver.catalogue().await.unwrap();
        assert!(!catalogue.is_complete(EntryKind::Dictionary), "{why}");
        assert_eq!(catalogue.of(EntryKind::Dictionary).len(), 1, "{why}");
    }
    let server = Server::new(|_| Reply::json(403, &json!({})));
    let catalogue = server.driver.catalogue().await.unwrap();
    assert!(!catalogue.is_complete(EntryKind::Dictionary), "forbidden is not none");
}

#[tokio::test(start_paused = true)]
async fn probing_reads_and_names_what_may_be_listed() {
    let cases: [(Reply, &str); 4] = [
        (Reply::json(200, &json!({"items": []})), "Allowed"),
        (Reply::json(403, &json!({})), "Denied"),
        (Reply::text(500, "oops"), "Unknown"),
        (Reply::text(404, ""), "Unknown"),
    ];
    for (dictionaries, expected) in cases {
        let server = Server::with(&json!({"podUrl": "https://pod.example:8443/app"}), move |seen| match seen
            .line
            .as_str()
        {
            line if line.contains("/policies") => page(seen, "policies", &[]),
            line if line.contains("/dictionaries") => dictionaries.clone(),
            _ => Reply::json(200, &json!({"version": "Agent-24.12.3-1"})),
        });
        let account = server.driver.probe().await.unwrap().account;
        assert_eq!(account.capabilities["ListPolicies"], "Allowed");
        assert_eq!(account.capabilities["ListDictionaries"], expected);
        assert_eq!((account.fingerprint.as_str(), account.api.as_str()), ("pod.example:8443", "V1"));
        assert_eq!(account.evidence, BTreeSet::from(["pod pod.example:8443".to_owned()]));
        assert_eq!(account.version, "Agent-24.12.3-1");
        assert!(server.calls().iter().all(|line| line.starts_with("GET ")), "{:?}", server.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn probing_tells_what_is_wrong() {
    let cases = [
        (
            Reply::json(403, &json!({})),
            Class::Rejected,
            Reason::Forbidden,
            "Expression Filter Policy Management",
        ),
        (Reply::text(404, ""), Class::Rejected, Reason::VersionUnsupported, "agentUrl"),
        (Reply::json(200, &json!({"apps": []})), Class::Transient, Reason::UnexpectedAnswer, "no list"),
        (Reply::text(503, ""), Class::Transient, Reason::Unreachable, "503"),
    ];
    for (reply, class, reason, says) in cases {
        let answer = reply.clone();
        let server = Server::new(move |_| answer.clone());
        let error = server.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (class, reason), "{reply:?}: {error}");
        assert!(error.message.contains(says), "{error}");
    }
    let silent = Server::new(|seen| match seen.line.contains("/info") {
        true => Reply::text(404, ""),
        false => Reply::json(200, &json!({"policies": [], "items": []})),
    });
    assert_eq!(silent.driver.probe().await.unwrap().account.version, "", "for people only");
}
