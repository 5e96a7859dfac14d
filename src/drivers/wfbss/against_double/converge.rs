//! Whatever reading of the vendor's open questions is true, a wanted state is reached once and then left alone.

use super::*;

/// Settings of every kind: flags, numbers, a deep leaf, lists shallow and deep, URLs in many spellings.
fn settings() -> Value {
    json!({
        "behavior_monitoring": {"enabled": false, "ransomware": {"backup_files": 0}},
        "schedule": {"daily_min": 6, "daily_hour": "7"},
        "realtime_scan": {"compressed": {"max_layers": 4}, "exclusions": {"extensions": ["tmp", "log"]}},
        "device_control": {"exceptions": ["USB-1"]},
        "approvals": {},
        "approved_blocked_url": {"blocked": {
            "urls": ["http://Blocked.example/path/x", "https://other.example/*", " http://blocked.example "],
        }},
    })
}

/// Every reading that must not keep us from converging.
fn readings() -> Vec<Value> {
    let one = |name: &str, value: &str| json!({name: value});
    vec![
        json!({}),
        one("arrays", "append"),
        one("mergeDepth", "levelTwo"),
        one("urls", "asSent"),
        one("invalidUrls", "keep"),
        one("missingScheme", "add"),
        one("sentTimes", "accept"),
        one("unknownKeys", "drop"),
        one("unknownKeys", "reject"),
        one("wrongTypes", "coerce"),
        one("wrongTypes", "keep"),
        one("nulls", "remove"),
        one("nulls", "store"),
        one("numbers", "strings"),
        one("numbers", "booleans"),
        one("emptySections", "absent"),
        one("passwords", "masked"),
        one("passwords", "absent"),
        one("grouping", "mergeRequested"),
        one("sharedWrites", "split"),
        one("severalCustomers", "accept"),
        one("missingGroup", "skip"),
        one("badCustomer", "skip"),
        one("errorBody", "html"),
        one("policiesPaging", "absent"),
        one("policiesRecord", "customers"),
        json!({"mergeDepth": "levelTwo", "numbers": "booleans", "passwords": "masked", "urls": "asSent"}),
        json!({"mergeDepth": "levelTwo", "sentTimes": "accept", "numbers": "strings", "policiesRecord": "customers"}),
    ]
}

/// Owned leaves cut out, times of URLs too: what remains must never change.
fn others(world: &World, wanted: &Wanted) -> Value {
    let mut state = world.service.double().state()["customers"].clone();
    for (document, leaves) in wanted {
        let [customer, group, os] = document.0.split('/').collect::<Vec<_>>()[..] else {
            panic!("{document}")
        };
        for leaf in leaves.keys() {
            let place = format!("/{customer}/groups/{group}/policies/{os}{}", leaf.0);
            for place in [place.clone(), place.replace("/urls", "/url_times")] {
                if let Some(value) = state.pointer_mut(&place) {
                    *value = Value::Null;
                }
            }
        }
    }
    state
}

#[tokio::test(start_paused = true)]
async fn every_reading_converges_in_one_round_and_touches_nothing_else() {
    for reading in readings() {
        let world = World::new(&reading, &json!({}));
        // Numbers as texts are refused by strict systems, and that is the user's to mend.
        let mut settings = settings();
        settings["schedule"]["daily_hour"] = json!(7);
        if reading["arrays"] == "append" {
            // Its second level holds a list of others': see the next test.
            settings["realtime_scan"].as_object_mut().unwrap().remove("exclusions");
        }
        let documents = [doc(ALDER, 1), doc(ALDER, 4), doc(BIRCH, 1), doc(BIRCH, 2), doc(CEDAR, 1)];
        let names: Vec<&str> = documents.iter().map(String::as_str).collect();
        let wanted = wanted(&names, &settings, &[]);
        let before = others(&world, &wanted);
        let mut first = world.pass(&wanted, true, true, false).await;
        assert!(first.results.iter().all(Result::is_ok), "{reading}: {:?}", first.results);
        assert_eq!(first.differing, documents.len(), "{reading}");
        first = world.pass(&wanted, true, true, false).await;
        assert_eq!((first.differing, first.results.len()), (0, 0), "{reading}: no second write");
        assert_eq!(others(&world, &wanted), before, "{reading}: what is not ours is as it was");
        assert_eq!(world.stored(&documents[0], "/behavior_monitoring/enabled"), json!(0), "{reading}");
        assert_eq!(world.stored(&documents[0], "/realtime_scan/compressed/enabled"), json!(1), "{reading}");
        world.assert_scoped();
    }
}

/// The one harm that no body avoids: were the deep leaf sent alone, a system that merges two levels would lose the
/// lists beside it; sent along, a system that appends doubles them. Doubling loses nothing (R19).
#[tokio::test(start_paused = true)]
async fn lists_beside_a_deep_leaf_are_never_lost_though_they_may_double() {
    let folders = "/realtime_scan/exclusions/folders";
    let windows = "C:\\Windows\\SoftwareDistribution";
    let cases = [
        (json!({}), json!([windows])),
        (json!({"mergeDepth": "levelTwo"}), json!([windows])),
        (json!({"mergeDepth": "levelTwo", "arrays": "append"}), json!([windows])),
        (json!({"arrays": "append"}), json!([windows, windows])),
    ];
    for (reading, expected) in cases {
        let world = World::new(&reading, &json!({}));
        let settings = json!({"realtime_scan": {"exclusions": {"enabled": 0}}});
        let wanted = wanted(&[&doc(ALDER, 1)], &settings, &[]);
        world.pass(&wanted, true, true, false).await;
        assert_eq!(world.pass(&wanted, true, true, false).await.differing, 0, "{reading}");
        assert_eq!(world.stored(&doc(ALDER, 1), folders), expected, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_for_a_number_is_in_step_once_the_system_has_the_number() {
    let world = World::new(&json!({"wrongTypes": "coerce"}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"schedule": {"daily_hour": "7"}}), &[]);
    assert_eq!(world.pass(&wanted, true, true, false).await.differing, 1);
    assert_eq!(world.pass(&wanted, true, true, false).await.differing, 0);
    assert_eq!(world.stored(&doc(ALDER, 1), "/schedule/daily_hour"), json!(7));
}

#[tokio::test(start_paused = true)]
async fn secrets_beside_ours_survive_under_every_reading() {
    for reading in [json!({}), json!({"passwords": "masked"}), json!({"passwords": "absent"})] {
        let world = World::new(&reading, &json!({}));
        let place = doc(ALDER, 1);
        let console = |path: &str, value: Value| {
            let leaf = json!({"customer": ALDER, "group": 1, "os": "win", "path": path, "value": value});
            world.patch(json!({"set": leaf}));
        };
        console("/client_privileges/unload", json!({"unload_password": "theirs", "on": 0}));
        let path = "/client_privileges/uninstall_password";
        let wanted =
            wanted(&[&place], &json!({"client_privileges": {"unload": {"on": true}}}), &[(path, "ours")]);
        let pass = world.pass(&wanted, true, true, true).await;
        assert!(pass.results.iter().all(Result::is_ok), "{reading}: {:?}", pass.results);
        assert_eq!(world.stored(&place, path), json!("ours"), "{reading}");
        assert_eq!(
            world.stored(&place, "/client_privileges/unload/unload_password"),
            json!("theirs"),
            "{reading}"
        );
        let seen = world.read(&wanted).await.unwrap();
        let back = seen.items[0].leaves.get(&super::path(path)).and_then(Value::as_str).unwrap_or_default();
        assert!(back.chars().all(|c| c == '*'), "{reading}: a secret is never read back: {back}");
        assert_eq!(world.pass(&wanted, true, true, false).await.differing, 0, "{reading}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_console_changes_is_found_and_put_right_alone() {
    let world = World::new(&json!({}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1), &doc(BIRCH, 1)], &settings_without_texts(), &[]);
    world.pass(&wanted, true, true, false).await;
    let leaf =
        json!({"customer": BIRCH, "group": 1, "os": "win", "path": "/schedule/daily_min", "value": 59});
    world.patch(json!({"set": leaf}));
    let before = world.writes().len();
    assert_eq!(world.pass(&wanted, true, true, false).await.differing, 1);
    assert_eq!(world.writes()[before..], [format!("cids={BIRCH}&gids=1&os=win&sync=true")]);
    let body =
        world.service.recorder().since(0).into_iter().rev().find(|seen| seen.method == "PUT").unwrap().body;
    assert_eq!(body["policy"]["schedule"]["daily_min"], json!(6));
    assert_eq!(body.pointer("/policy/approved_blocked_url"), None, "lists that are right are not sent again");
}

fn settings_without_texts() -> Value {
    let mut settings = settings();
    settings["schedule"]["daily_hour"] = json!(7);
    settings
}

#[tokio::test(start_paused = true)]
async fn ten_customers_share_a_call_once_that_is_proven() {
    let world = World::large(25, 3);
    let catalogue = world.driver.catalogue().await.unwrap();
    let ids: Vec<_> = catalogue.of(crate::model::EntryKind::Customer).iter().map(|e| e.id.clone()).collect();
    let documents: Vec<_> = ids.iter().flat_map(|id| [doc(id, 1), doc(id, 3)]).collect();
    let names: Vec<&str> = documents.iter().map(String::as_str).collect();
    let first = wanted(&names, &json!({"wtp": {"level": 2}}), &[]);
    world.pass(&first, false, true, false).await;
    assert_eq!(world.writes().len(), 16, "one proof of ten customers, fifteen alone, two groups a call");
    let second = wanted(&names, &json!({"wtp": {"level": 0}}), &[]);
    world.pass(&second, true, true, false).await;
    assert_eq!(world.writes().len(), 16 + 3, "ten, ten, five");
    assert_eq!(world.pass(&second, true, true, false).await.differing, 0);
    world.assert_scoped();
}

#[tokio::test(start_paused = true)]
async fn values_put_back_and_copies_reach_exactly_one_document() {
    let world = World::new(&json!({}), &json!({}));
    let wanted = wanted(&[&doc(ALDER, 1)], &json!({"wtp": {"level": 2}}), &[]);
    let seen = world.read(&wanted).await.unwrap();
    let mut change = world.change(&wanted, seen.items[0].clone(), false).unwrap();
    change.restore = BTreeMap::from([(path("/schedule/daily_min"), json!(45))]);
    world.driver.execute(&Step::Write { changes: vec![change], synchronous: true }).await.unwrap();
    assert_eq!(world.stored(&doc(ALDER, 1), "/schedule/daily_min"), json!(45));
    let before = world.service.double().state()["customers"].clone();
    let copy = Step::Seed { item: testing::key(&doc(BIRCH, 3)), from: (ALDER.into(), "1".into()) };
    assert_eq!(world.driver.execute(&copy).await, Ok(Outcome::DONE));
    assert_eq!(world.stored(&doc(BIRCH, 3), ""), world.stored(&doc(ALDER, 1), ""));
    let mut after = world.service.double().state()["customers"].clone();
    let place = format!("/{BIRCH}/groups/3/policies/win");
    *after.pointer_mut(&place).unwrap() = before.pointer(&place).unwrap().clone();
    assert_eq!(after, before, "nothing else was copied to");
    world.assert_scoped();
}
