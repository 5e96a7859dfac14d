#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::drivers::wfbss::testing::any_json;

const A: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";

fn id() -> CustomerId {
    CustomerId::parse(A).unwrap()
}

#[test]
fn customers_are_read_as_the_sheet_shows_them() {
    let answer = json!({"paging": {"total": 1, "limit": 100, "page": 1}, "customers": [
        {"id": A.to_lowercase(), "eid": "x", "name": " Example Co ", "expire": "2030-06-01T15:59:59Z", "license_type": "1"},
        {"id": "no guid", "name": "Odd"},
        {"id": A.replace('6', "7"), "name": "No Expiry", "expire": null},
    ]});
    let page = customers(&answer).unwrap();
    assert_eq!(page.garbled, 1, "a record without a GUID is not dropped in silence");
    assert_eq!(page.paging, Some(Paging { total: 1, limit: 100 }));
    assert_eq!(page.rows[&id()].name, "Example Co");
    assert_eq!(page.rows[&id()].expire, "2030-06-01T15:59:59Z".parse().ok());
    assert_eq!(page.rows.len(), 2);
}

#[test]
fn groups_of_a_customer_met_twice_are_joined() {
    let answer = json!({"customers": [
        {"id": A, "groups": [{"type": 1, "id": 1, "name": "Device (Default)"}]},
        {"id": A, "groups": [{"type": 2, "id": "2", "name": "Server (Default)"}, {"id": "x", "name": "?"}]},
    ]});
    let page = groups(&answer).unwrap();
    let names: Vec<_> = page.rows[&id()].groups.values().map(String::as_str).collect();
    assert_eq!(names, ["Device (Default)", "Server (Default)"]);
    assert!(!page.rows[&id()].whole, "one group was not understood");
    assert_eq!(page.paging, None);
}

#[test]
fn documents_name_every_group_they_serve() {
    let answer = json!({"customers": [{"id": A, "count": 3, "policies": [
        {"gid": [1, "2"], "policy": {"wtp": {"enabled": 1}}},
        {"gid": 3, "policy": {}},
        {"gid": [], "policy": {}},
        {"gid": [4], "policy": []},
    ]}]});
    let row = &policies(&answer).unwrap().rows[&id()];
    let groups: Vec<Vec<u64>> =
        row.documents.iter().map(|d| d.groups.iter().map(|g| g.number()).collect()).collect();
    assert_eq!(groups, [vec![1, 2], vec![3]]);
    assert!(!row.whole, "two documents were not understood");
}

#[test]
fn task_states_are_celerys_and_unknown_ones_are_not_over() {
    let cases = [
        ("PENDING", TaskState::Pending),
        ("started", TaskState::Started),
        (" Success ", TaskState::Success),
        ("FAILURE", TaskState::Failure),
        ("REVOKED", TaskState::Revoked),
        ("RETRY", TaskState::Started),
        ("HALTED", TaskState::Pending),
    ];
    for (word, state) in cases {
        let read = task(&json!({"task": {"status": word, "id": "0e41"}})).unwrap();
        assert_eq!((read.state, read.id.as_deref()), (state, Some("0e41")), "{word}");
    }
    assert_eq!(task(&json!({"task": {"id": "0e41"}})), None);
    assert_eq!(task(&json!({"task": {"status": "PENDING", "id": ""}})).unwrap().id, None);
}

#[test]
fn other_answers_are_not_lists() {
    for answer in
        [json!(null), json!([]), json!({}), json!({"customers": {}}), json!({"error": {"code": "x"}})]
    {
        assert!(
            customers(&answer).is_none() && groups(&answer).is_none() && policies(&answer).is_none(),
            "{answer}"
        );
    }
}

proptest! {
    #[test]
    fn no_answer_makes_a_decoder_panic(inner in any_json(), key in "(customers|policies|groups|paging|task|gid)") {
        let records = json!({"customers": [{"id": A, key.clone(): inner.clone(), "name": inner.clone()}], key: inner.clone()});
        for answer in [inner, records] {
            let _ = (customers(&answer), groups(&answer), policies(&answer), task(&answer));
        }
    }
}
