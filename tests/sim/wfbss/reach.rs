//! R1 and R16: who is meant, by ids and names, and what happens while a name leads nowhere.

use std::collections::BTreeSet;

use super::{
    estate::{BIRCH, CEDAR, DOGWOOD, assert_in_step, last, leaf, problems, reason, rig_with, to_everyone},
    *,
};

fn wants(level: u8) -> Value {
    settings(&json!({"wtp": {"level": level}}))
}

fn to(customers: &Value, more: &Value) -> Value {
    let mut assignment = json!({"targets": {"include": [{"wfbss": {"customers": customers}}]}});
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

/// Customer's first letter and group, of every document that holds the level.
fn holding(rig: &Rig, level: u8) -> Vec<String> {
    let state = state(rig);
    let mut holding = Vec::new();
    for customer in state["customers"].as_object().unwrap().values() {
        let letter = customer["name"].as_str().unwrap().chars().next().unwrap();
        for (gid, group) in customer["groups"].as_object().unwrap() {
            if group["policies"]["win"]["wtp"]["level"] == level {
                holding.push(format!("{letter}{gid}"));
            }
        }
    }
    holding.sort();
    holding
}

#[tokio::test(start_paused = true)]
async fn targets_are_named_by_id_and_by_name() {
    let all = ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B5", "C1", "C2", "C4"];
    let without = |gone: &[&str]| all.iter().filter(|t| !gone.contains(t)).map(ToString::to_string).collect();
    let cases: [(&str, Value, Vec<String>); 6] = [
        (
            "an id in lower case, a group by id",
            to(&json!([{"id": CUSTOMER.to_lowercase(), "groups": [{"id": "3"}]}]), &json!({})),
            vec!["A3".into()],
        ),
        (
            "names in any case",
            to(
                &json!([{"name": "alder CLINIC", "groups": [{"name": "laptops"}, {"name": " servers "}]}]),
                &json!({}),
            ),
            vec!["A3".into(), "A4".into()],
        ),
        (
            "all groups of one and one group of another",
            to(
                &json!([{"id": CEDAR, "allGroups": true}, {"id": BIRCH, "groups": [{"id": "5"}]}]),
                &json!({}),
            ),
            vec!["B5".into(), "C1".into(), "C2".into(), "C4".into()],
        ),
        ("everybody whose licence runs", to_everyone(&json!({})), without(&[])),
        (
            "everybody but one customer and one group",
            json!({"targets": {"everyone": true, "exclude": [{"wfbss": {"customers": [
                {"name": "Birch Dental", "allGroups": true}, {"id": CUSTOMER, "groups": [{"name": "Laptops"}]}]}}]}}),
            without(&["A4", "B1", "B2", "B3", "B5"]),
        ),
        (
            "included and excluded: excluded",
            json!({"targets": {"include": [{"wfbss": {"customers": [{"id": CEDAR, "allGroups": true}]}}],
                "exclude": [{"wfbss": {"customers": [{"id": CEDAR, "groups": [{"id": "1"}]}]}}]}}),
            vec!["C2".into(), "C4".into()],
        ),
    ];
    for (why, assignment, expected) in cases {
        let mut rig = rig();
        rig.assign("one", wants(3), assignment);
        rig.start();
        rig.pass(60).await;
        assert_eq!(holding(&rig, 3), expected, "{why}");
        assert_in_step(&rig, "one");
        let targets = last(&rig, "one").targets;
        let count = u32::try_from(expected.len()).unwrap();
        assert_eq!((targets.desired, targets.accepted), (count, count), "{why}");
        let sent = effects(&rig).len();
        rig.pass(2 * 1800).await;
        assert_eq!(effects(&rig).len(), sent, "{why}: quiet");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_customer_is_a_note_for_everyone_and_a_problem_where_it_is_named() {
    let mut rig = rig();
    rig.assign("all", wants(3), to_everyone(&json!({})));
    let named = json!([{"name": "Dogwood Books", "allGroups": true}, {"id": CEDAR, "groups": [{"id": "1"}]}]);
    rig.assign("named", settings(&json!({"firewall": {"level": 1}})), to(&named, &json!({})));
    rig.start();
    rig.pass(60).await;
    assert_in_step(&rig, "all");
    assert_eq!(problems(&rig, "all"), [("everyone".to_owned(), Reason::CustomerExpired)]);
    assert_eq!(reason(&rig, "named"), Some(Reason::CustomerExpired), "{:#?}", last(&rig, "named"));
    assert_eq!(problems(&rig, "named"), [("Dogwood Books".to_owned(), Reason::CustomerExpired)]);
    assert_eq!(leaf(&rig, CEDAR, 1, "win", "/firewall/level"), 1, "all others proceed");
    rig.by_hand("wfbss", json!({"renewCustomer": {"customer": "Dogwood Books"}}));
    rig.pass(2 * 3600).await;
    assert_in_step(&rig, "named");
    assert_eq!(leaf(&rig, DOGWOOD, 3, "win", "/firewall/level"), 1);
    assert_eq!(leaf(&rig, DOGWOOD, 3, "win", "/wtp/level"), 3);
    assert!(problems(&rig, "all").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_yet_is_left_out_said_and_picked_up_when_it_comes() {
    let mut rig = rig();
    let customers = json!([
        {"id": CUSTOMER, "groups": [{"name": "Servers"}, {"name": "Kiosks"}]},
        {"name": "Elm Street", "groups": [{"name": "Server (Default)"}]}]);
    rig.assign("one", wants(3), to(&customers, &json!({})));
    rig.start();
    rig.pass(60).await;
    assert_eq!(holding(&rig, 3), ["A3"]);
    let facts = last(&rig, "one");
    assert!(matches!(facts.standing, Standing::Unresolved(..)), "{:?}", facts.standing);
    assert_eq!(facts.targets_resolved.status, Some(false));
    let expected = [
        ("Elm Street".to_owned(), Reason::CustomerNotFound),
        (format!("{CUSTOMER}/Kiosks/win"), Reason::GroupNotFound),
    ];
    let found: BTreeSet<String> = problems(&rig, "one").iter().map(|p| format!("{p:?}")).collect();
    assert_eq!(found, expected.iter().map(|p| format!("{p:?}")).collect());
    let told: BTreeSet<String> =
        rig.cluster.facts("one").iter().map(|f| format!("{:?}", (&f.problems, f.generation))).collect();
    assert_eq!(told.len(), 1, "said once");
    rig.by_hand("wfbss", json!({"addGroup": {"customer": CUSTOMER, "name": "Kiosks"}}));
    rig.pass(300).await;
    assert_eq!(holding(&rig, 3), ["A3", "A5"]);
    rig.by_hand("wfbss", json!({"addCustomer": {"name": "Elm Street"}}));
    rig.pass(3600).await;
    assert_eq!(holding(&rig, 3), ["A3", "A5", "E2"]);
    assert_in_step(&rig, "one");
    assert!(problems(&rig, "one").is_empty());
    assert_eq!(effects(&rig).len(), 3);
}

/// While something is missing the lists are read again, ever less often.
#[tokio::test(start_paused = true)]
async fn looking_for_a_name_grows_tired() {
    let mut rig = rig();
    rig.assign("one", wants(3), to(&json!([{"name": "Nobody", "allGroups": true}]), &json!({})));
    rig.start();
    rig.pass(24 * 3600).await;
    let calls = rig.vendors.calls("wfbss").len();
    assert!(calls < 400, "{calls} calls in a day for a name that does not exist");
    assert!(effects(&rig).is_empty());
    assert!(rig.cluster.facts("one").len() <= 2, "{:#?}", rig.cluster.facts("one"));
}

#[tokio::test(start_paused = true)]
async fn an_exclude_that_leads_nowhere_stops_the_whole_assignment() {
    let mut rig = rig();
    let assignment = json!({"targets": {"everyone": true, "exclude": [{"wfbss": {"customers": [
        {"name": "Elm Street", "allGroups": true}]}}]}});
    rig.assign("one", wants(3), assignment);
    rig.start();
    rig.pass(600).await;
    assert!(effects(&rig).is_empty());
    assert_eq!(reason(&rig, "one"), Some(Reason::ExcludeNotFound), "{:#?}", last(&rig, "one"));
    rig.by_hand("wfbss", json!({"addCustomer": {"name": "Elm Street"}}));
    rig.pass(3600).await;
    assert_in_step(&rig, "one");
    assert_eq!(holding(&rig, 3).len(), 11, "everybody else");
}

/// R16: a name that moves to another id is a change of targets, and the old one is released as the policy says.
#[tokio::test(start_paused = true)]
async fn a_name_that_moves_to_another_group_is_followed() {
    for (policy, former) in [("Orphan", json!(3)), ("Restore", json!(1))] {
        let mut rig = rig();
        let servers = to(
            &json!([{"id": CUSTOMER, "groups": [{"name": "Servers"}]}]),
            &json!({"releasePolicy": policy}),
        );
        rig.assign("one", wants(3), servers);
        rig.start();
        rig.pass(60).await;
        assert_eq!(holding(&rig, 3), ["A3"]);
        rig.by_hand(
            "wfbss",
            json!({"renameGroup": {"customer": CUSTOMER, "group": 3, "name": "Old servers"}}),
        );
        rig.by_hand("wfbss", json!({"addGroup": {"customer": CUSTOMER, "name": "Servers"}}));
        rig.pass(2 * 1800).await;
        assert_eq!(leaf(&rig, CUSTOMER, 5, "win", "/wtp/level"), 3, "{policy}");
        assert_eq!(leaf(&rig, CUSTOMER, 3, "win", "/wtp/level"), former, "{policy}");
        assert_in_step(&rig, "one");
        assert_eq!(effects(&rig).len(), if policy == "Orphan" { 2 } else { 3 });
    }
}

/// The name is gone and nothing bears it: what was applied stays, and stays ours (R16).
#[tokio::test(start_paused = true)]
async fn a_name_that_disappears_keeps_what_it_last_led_to() {
    let mut rig = rig();
    let servers = to(
        &json!([{"id": CUSTOMER, "groups": [{"name": "Servers"}]}]),
        &json!({"releasePolicy": "Restore", "priority": 9}),
    );
    rig.assign("one", wants(3), servers);
    let everywhere = to(&json!([{"id": CUSTOMER, "allGroups": true}]), &json!({"priority": 1}));
    rig.assign("low", wants(2), everywhere);
    rig.start();
    rig.pass(60).await;
    assert_eq!((holding(&rig, 3), holding(&rig, 2).len()), (vec!["A3".to_owned()], 3));
    let sent = effects(&rig).len();
    rig.by_hand("wfbss", json!({"renameGroup": {"customer": CUSTOMER, "group": 3, "name": "Old servers"}}));
    rig.pass(3 * 3600).await;
    assert_eq!(reason(&rig, "one"), Some(Reason::GroupNotFound));
    assert_eq!(holding(&rig, 3), ["A3"], "the claim stays, so the lower one does not get it");
    assert_eq!(effects(&rig).len(), sent);
    assert_eq!(last(&rig, "low").overridden.len(), 1);
    rig.by_hand("wfbss", json!({"renameGroup": {"customer": CUSTOMER, "group": 3, "name": "Servers"}}));
    rig.pass(3 * 3600).await;
    assert_in_step(&rig, "one");
    assert_eq!(effects(&rig).len(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_group_named_by_id_may_be_renamed() {
    let mut rig = rig();
    rig.assign("one", wants(3), to(&json!([{"id": CUSTOMER, "groups": [{"id": "3"}]}]), &json!({})));
    rig.start();
    rig.pass(60).await;
    let sent = effects(&rig).len();
    rig.by_hand("wfbss", json!({"renameGroup": {"customer": CUSTOMER, "group": 3, "name": "Old servers"}}));
    rig.pass(2 * 1800).await;
    assert_eq!(effects(&rig).len(), sent);
    assert_in_step(&rig, "one");
}

/// F33: the group is gone at the system. Nothing is made up for it, others go on, and letting go needs nobody.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_removed_is_said_and_holds_nobody_up() {
    let mut rig = rig();
    let groups = json!([{"id": CUSTOMER, "groups": [{"id": "3"}, {"id": "4"}]}]);
    rig.assign("one", wants(3), to(&groups, &json!({})));
    rig.start();
    rig.pass(60).await;
    rig.by_hand("wfbss", json!({"removeGroup": {"customer": CUSTOMER, "group": 3}}));
    rig.pass(2 * 1800).await;
    assert!(matches!(reason(&rig, "one"), Some(Reason::GroupNotFound)), "{:#?}", last(&rig, "one"));
    rig.assign("one", wants(2), to(&groups, &json!({})));
    rig.pass(60).await;
    assert_eq!(leaf(&rig, CUSTOMER, 4, "win", "/wtp/level"), 2);
    let calls = rig.vendors.calls("wfbss").len();
    rig.delete("one");
    rig.pass(5).await;
    assert!(!rig.cluster.exists("one"));
    assert_eq!(rig.vendors.calls("wfbss").len(), calls);
}

/// F23, I11: a list with a hole releases nobody, whatever hole it is.
#[tokio::test(start_paused = true)]
async fn a_cut_list_releases_nobody() {
    for anomaly in ["repeat", "empty", "short", "totalLow", "totalHigh"] {
        for path in ["api/customers", "customers/groups"] {
            let mut rig = rig_with(&json!({}), |_| {});
            rig.assign("all", wants(3), to_everyone(&json!({"releasePolicy": "Restore"})));
            let named = to(&json!([{"id": CEDAR, "allGroups": true}]), &json!({"releasePolicy": "Restore"}));
            rig.assign("named", settings(&json!({"firewall": {"level": 1}})), named);
            rig.start();
            rig.pass(60).await;
            assert_in_step(&rig, "all");
            let sent = effects(&rig).len();
            rig.fault(
                "wfbss",
                json!({"kind": "pageAnomaly", "anomaly": anomaly, "match": {"method": "GET", "path": path}}),
            );
            rig.pass(3 * 3600).await;
            assert_eq!(effects(&rig).len(), sent, "{anomaly} of {path}");
            assert_eq!(holding(&rig, 3).len(), 11, "{anomaly} of {path}");
            rig.heal("wfbss");
            rig.pass(2 * 3600).await;
            assert_eq!(effects(&rig).len(), sent, "{anomaly} of {path}, healed");
            assert_in_step(&rig, "all");
            assert_in_step(&rig, "named");
        }
    }
}

/// A customer that is listed no more is not one whose values could be put back, and keeps nobody waiting.
#[tokio::test(start_paused = true)]
async fn a_customer_that_left_the_partner_leaves_the_assignment() {
    for policy in ["Orphan", "Restore"] {
        let mut rig = rig();
        rig.assign("all", wants(3), to_everyone(&json!({"releasePolicy": policy})));
        rig.start();
        rig.pass(60).await;
        let sent = effects(&rig).len();
        rig.by_hand("wfbss", json!({"removeCustomer": {"customer": "Cedar Logistics"}}));
        rig.pass(3 * 3600).await;
        assert_in_step(&rig, "all");
        assert_eq!(last(&rig, "all").targets.accepted, 8, "{policy}");
        assert_eq!(effects(&rig).len(), sent, "{policy}");
    }
}
