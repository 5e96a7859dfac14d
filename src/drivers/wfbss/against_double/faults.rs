//! Answers that are lost, late, wrong or partial.

use super::*;
use crate::drivers::Class;

/// A PUT meets the fault: the class of its error, and whether the effect took place.
async fn put_meets(fault: Value) -> (Class, bool) {
    let world = World::new(&json!({}), &json!({}));
    let mut fault = fault;
    fault["match"] = json!({"method": "PUT"});
    world.fault(&fault);
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let mut pass = world.pass(&wanted, true, true, false).await;
    let error = pass.results.pop().unwrap().unwrap_err();
    assert!(pass.results.is_empty());
    assert_eq!(world.writes().len(), 1, "an effect is never tried twice by itself: {fault}");
    world.service.clear_faults();
    let done = world.pass(&wanted, true, true, false).await.differing == 0;
    assert_eq!(
        world.pass(&wanted, true, true, false).await.differing,
        0,
        "looking again and writing mends all"
    );
    world.assert_scoped();
    (error.class, done)
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_write_is_ambiguous_and_reading_tells() {
    let status = |code: u16, effect: bool| json!({"kind": "status", "code": code, "effect": effect});
    let cases = [
        (json!({"kind": "dropBefore"}), Class::Ambiguous, false),
        (json!({"kind": "dropAfter"}), Class::Ambiguous, true),
        (json!({"kind": "delay", "ms": 60_000, "after": true}), Class::Ambiguous, true),
        (json!({"kind": "html", "effect": true}), Class::Ambiguous, true),
        (json!({"kind": "endless", "effect": true}), Class::Ambiguous, true),
        (status(500, true), Class::Ambiguous, true),
        (status(500, false), Class::Ambiguous, false),
        (status(503, false), Class::Transient, false),
        (status(409, false), Class::Conflict, false),
        (status(400, false), Class::Rejected, false),
        (status(404, false), Class::Gone, false),
        (json!({"kind": "redirect", "location": "https://elsewhere.example/"}), Class::Transient, false),
    ];
    for (fault, class, effect) in cases {
        assert_eq!(put_meets(fault.clone()).await, (class, effect), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pack_that_fails_may_have_been_written_in_part() {
    for (status, ok) in [(Some(500), false), (Some(404), false), (None, true)] {
        let world = World::new(&json!({}), &json!({}));
        let mut fault = json!({"kind": "partialWrite", "reach": 1, "match": {"method": "PUT"}, "times": 1});
        if let Some(status) = status {
            fault["status"] = json!(status);
        }
        world.fault(&fault);
        let both = wanted(&[&doc(ALDER, 1), &doc(BIRCH, 1)], &json!({"wtp": {"level": 2}}), &[]);
        let pass = world.pass(&both, true, true, false).await;
        assert_eq!(pass.results.len(), 1);
        let class = pass.results[0].as_ref().err().map(|error| error.class);
        assert_eq!(class, (!ok).then_some(Class::Ambiguous), "{status:?}");
        let again = world.pass(&both, true, true, false).await;
        assert_eq!(again.differing, 1, "{status:?}: reading tells who was left out");
        assert_eq!(world.writes()[1], format!("cids={BIRCH}&gids=1&os=win&sync=true"));
        assert_eq!(world.pass(&both, true, true, false).await.differing, 0);
        world.assert_scoped();
    }
}

#[tokio::test(start_paused = true)]
async fn one_bad_customer_in_a_pack_is_found_by_reading() {
    for bad in ["failAll", "skip"] {
        let world = World::new(&json!({"badCustomer": bad}), &json!({}));
        let three = [doc(ALDER, 1), doc(BIRCH, 1), doc(CEDAR, 1)];
        let names: Vec<&str> = three.iter().map(String::as_str).collect();
        let wanted = wanted(&names, &json!({"wtp": {"level": 2}}), &[]);
        let seen = world.read(&wanted).await.unwrap();
        // The licence ends between reading and writing.
        world.patch(json!({"expireCustomer": {"customer": BIRCH}}));
        let changes = seen.items.into_iter().filter_map(|item| world.change(&wanted, item, false)).collect();
        let [pack] =
            <[_; 1]>::try_from(world.driver.translate().pack(changes, crate::drivers::Packing::Proven))
                .unwrap();
        let result = world.driver.execute(&Step::Write { changes: pack, synchronous: true }).await;
        assert_eq!(result.err().map(|e| e.class), (bad == "failAll").then_some(Class::Ambiguous), "{bad}");
        world.pass(&wanted, true, true, false).await;
        let seen = world.read(&wanted).await.unwrap();
        assert_eq!(seen.missing.keys().collect::<Vec<_>>(), [&testing::key(&doc(BIRCH, 1))], "{bad}");
        assert!(
            seen.items.iter().all(|item| item.leaves[&path("/wtp/level")] == json!(2)),
            "{bad}: others are done"
        );
        world.assert_scoped();
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_to_an_expired_customer_says_so() {
    let world = World::new(&json!({}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let seen = world.read(&wanted).await.unwrap();
    world.patch(json!({"expireCustomer": {"customer": ALDER}}));
    let change = world.change(&wanted, seen.items[0].clone(), false).unwrap();
    let error =
        world.driver.execute(&Step::Write { changes: vec![change], synchronous: true }).await.unwrap_err();
    assert_eq!(error.class, Class::Gone);
    assert!(error.message.contains("licence has expired"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_refused_section_is_refused_for_good_and_spoils_no_reading() {
    let world = World::new(&json!({}), &json!({}));
    let settings = json!({"wtp": {"level": 2}, "no_such_section": {"on": 1}});
    let wanted = wanted(&[&doc(ALDER, 1)], &settings, &[]);
    let seen = world.read(&wanted).await.unwrap();
    assert!(seen.complete && seen.items[0].leaves[&path("/wtp/level")] == json!(1));
    let pass = world.pass(&wanted, true, true, false).await;
    let error = pass.results[0].as_ref().unwrap_err();
    assert_eq!(error.class, Class::Rejected);
    assert!(error.message.contains("no_such_section"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn garbled_reads_never_look_like_missing_documents() {
    let faults = [
        json!({"kind": "html"}),
        json!({"kind": "truncate"}),
        json!({"kind": "truncate", "clean": true}),
        json!({"kind": "status", "code": 200, "body": {"customers": []}}),
        json!({"kind": "status", "code": 200, "body": {"error": {"code": "Busy"}}}),
        json!({"kind": "rewrite", "remove": ["/customers/0/policies/0/gid"]}),
        json!({"kind": "rewrite", "remove": ["/customers/0/policies"]}),
        json!({"kind": "rewrite", "set": {"/customers/0/policies/0/policy": "?"}}),
        json!({"kind": "rewrite", "set": {"/customers/0/id": BIRCH}}),
        json!({"kind": "endless"}),
        json!({"kind": "dropAfter"}),
        json!({"kind": "status", "code": 500}),
    ];
    for fault in faults {
        let world = World::new(&json!({}), &json!({}));
        world.fault(&fault);
        let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
        match world.read(&wanted).await {
            Ok(seen) => {
                assert!(seen.items.is_empty() && !seen.complete, "{fault}: {seen:?}");
                assert_eq!((seen.missing.len(), seen.unread.len()), (0, 1), "{fault}: {seen:?}");
            }
            Err(error) => assert_eq!(error.class, Class::Transient, "{fault}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_page_of_documents_is_asked_for_again() {
    let world = World::new(&json!({}), &json!({}));
    world.fault(&json!({"kind": "pageAnomaly", "anomaly": "short", "times": 1}));
    let wanted = wanted(&[&doc(ALDER, 1), &doc(ALDER, 2)], &json!({"wtp": {"level": 2}}), &[]);
    let seen = world.read(&wanted).await.unwrap();
    assert_eq!((seen.items.len(), seen.missing.len(), seen.complete), (2, 0, true));
}

#[tokio::test(start_paused = true)]
async fn no_secret_leaves_through_errors() {
    let world = World::new(&json!({"unknownSections": "keep"}), &json!({}));
    let canary = "canary-7c1f9b20d4";
    let path = "/client_privileges/unload_password";
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[(path, canary)]);
    let told = format!("{canary} of 11111111-2222-3333-4444-555555555555 signed by example-secret-key");
    world.fault(&json!({"kind": "status", "code": 400, "body": told, "match": {"method": "PUT"}}));
    let pass = world.pass(&wanted, true, true, true).await;
    let error = pass.results[0].as_ref().unwrap_err();
    for secret in ["canary", "11111111-2222", "example-secret"] {
        assert!(!error.message.contains(secret), "{}", error.message);
        assert!(!format!("{pass:?}").contains(secret));
    }
}
