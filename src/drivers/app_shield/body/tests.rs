#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{super::wire, *};
use crate::{
    drivers::DesiredItem,
    model::{Identity, ItemKey, ObjectName, OwnerId, Shape},
};

fn desired() -> DesiredItem {
    let identity = Identity {
        owner: OwnerId::new("o"),
        kind: "Policy",
        object: ObjectName::new("team", "rows"),
        variant: "policy".into(),
    };
    let leaf = |path: &str, value: Value| (LeafPath(path.into()), LeafValue { value, secret: false });
    DesiredItem {
        key: ItemKey("team/rows/policy".into()),
        shape: Shape::Object { mark: Some(identity.mark()) },
        title: "Acme rows".into(),
        status_key: "policy".into(),
        leaves: BTreeMap::from([
            leaf("name", json!("Acme rows")),
            leaf("description", json!("Rows of Acme")),
            leaf("constraints", json!([{"AppField": "Sales.Region", "Unknown": null}])),
        ]),
        members: BTreeMap::from([
            (MemberKind::Group, BTreeSet::from(["16".to_owned(), "11".to_owned()])),
            (MemberKind::User, BTreeSet::from(["638500000000000001".to_owned()])),
        ]),
        enabled: Some(true),
        rank: (0, String::new()),
        contributors: BTreeSet::new(),
    }
}

fn stored() -> Value {
    json!({
        "id": "639057069300123456", "Name": "old", "Description": "by hand", "isActive": true,
        "Constraints": [{"AppField": "x", "Null": null, "N": 1.0}], "Groups": [{"GroupId": "17"}],
        "Users": [{"ID": "5"}], "CreatedBy": {"ID": "1"}, "ModifiedBy": {"ID": "1"},
        "CreatedDate": "2016-10-25T13:18:30.9455587-04:00", "ModifiedDate": "10/25/2016 1:18:30 PM",
        "ErrorCode": "0", "ErrorMessage": "", "Later": {"a": [1]},
    })
}

fn observed() -> ObservedItem {
    wire::policy(&stored()).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_770_106_500).unwrap()
}

#[test]
fn a_new_policy_filters_nobody_and_bears_our_mark() {
    let body = create(&desired(), true, now());
    let mark = desired().mark().unwrap();
    assert_eq!(
        body,
        json!({
            "policy": {
                "id": null, "Name": "Acme rows", "Description": format!("Rows of Acme {mark}"), "isActive": false,
                "Constraints": [{"AppField": "Sales.Region", "Unknown": null}], "Groups": null, "Users": null,
                "CreatedBy": null, "ModifiedBy": null, "CreatedDate": "2026-02-03T08:15:00.000000+00:00",
                "ModifiedDate": "2/3/2026 8:15:00 AM", "ErrorCode": null, "ErrorMessage": null,
            },
            "isDeepSave": true, "groups": [], "users": [],
        }),
        "the sheet's sample, inert; constraints unharmed"
    );
    assert_eq!(create(&desired(), false, now())["isDeepSave"], json!(false));
}

#[test]
fn a_save_echoes_what_is_not_ours() {
    let body = replace(&desired(), &observed(), true, now());
    let policy = &body["policy"];
    assert_eq!(policy["id"], json!("639057069300123456"));
    assert_eq!(policy["Later"], json!({"a": [1]}), "unknown fields stay");
    assert_eq!(policy["CreatedDate"], stored()["CreatedDate"], "so do dates");
    for name in ["Groups", "Users", "CreatedBy", "ModifiedBy", "ErrorCode", "ErrorMessage"] {
        assert_eq!(policy[name], Value::Null, "{name} is null in requests");
    }
    assert_eq!((&body["groups"], &body["users"]), (&json!(["11", "16"]), &json!(["638500000000000001"])));
    assert_eq!(policy["isActive"], json!(true));
}

#[test]
fn what_is_not_named_goes_back_as_it_stands() {
    let mut bare = desired();
    bare.leaves.retain(|path, _| &*path.0 == "name");
    bare.members.clear();
    bare.enabled = None;
    let body = replace(&bare, &observed(), true, now());
    assert_eq!(body["policy"]["Constraints"], stored()["Constraints"], "in the system's own spelling");
    assert_eq!(body["policy"]["Description"], json!(format!("by hand {}", bare.mark().unwrap())));
    assert_eq!((&body["groups"], &body["users"]), (&json!(["17"]), &json!(["5"])));
    assert_eq!(body["policy"]["isActive"], json!(true));
    let inactive = ObservedItem { enabled: Some(false), ..observed() };
    assert_eq!(replace(&bare, &inactive, true, now())["policy"]["isActive"], json!(false));
}

#[test]
fn restoring_puts_former_values_back_and_takes_the_mark_off() {
    let mut marked = observed();
    marked.mark = desired().mark();
    let former = BTreeMap::from([(LeafPath("name".into()), json!("older"))]);
    let body = restore(&marked, &former, &Members::new(), true, now());
    assert_eq!(body["policy"]["Name"], json!("older"));
    assert_eq!(body["policy"]["Description"], json!("by hand"));
    assert_eq!(body["policy"]["Constraints"], stored()["Constraints"]);
    assert_eq!(
        (&body["groups"], &body["policy"]["isActive"]),
        (&json!(["17"]), &json!(true)),
        "as they stand"
    );
    let former = BTreeMap::from([(LeafPath("constraints".into()), json!([{"a": null}]))]);
    assert_eq!(
        restore(&marked, &former, &Members::new(), true, now())["policy"]["Constraints"],
        json!([{"a": null}])
    );
}

#[test]
fn an_answer_that_was_not_kept_is_made_up_for() {
    let known = ObservedItem { id: observed().id, ..ObservedItem::default() };
    let body = replace(&desired(), &known, true, now());
    assert_eq!(body["policy"]["id"], json!("639057069300123456"), "never a second create");
    assert_eq!(body["policy"]["Constraints"], desired().leaves[&LeafPath("constraints".into())].value);
}

proptest! {
    /// What is sent and echoed by a faithful server reads as what was wanted.
    #[test]
    fn a_save_reads_back_as_desired(name in ".*", text in "[a-z \\[\\]]*", active: bool, ids in prop::collection::btree_set("[0-9]{1,18}", 0..5)) {
        let mut wanted = desired();
        wanted.enabled = Some(active);
        wanted.members.insert(MemberKind::Group, ids);
        for (path, value) in [("name", &name), ("description", &text)] {
            wanted.leaves.insert(LeafPath(path.into()), LeafValue { value: json!(value), secret: false });
        }
        let body = replace(&wanted, &observed(), true, now());
        let mut answer = body["policy"].clone();
        let stubs = |list: &Value, id: &str| list.as_array().unwrap().iter().map(|one| json!({ id: one })).collect::<Value>();
        answer["Groups"] = stubs(&body["groups"], "GroupId");
        answer["Users"] = stubs(&body["users"], "ID");
        let item = wire::policy(&answer).unwrap();
        prop_assert_eq!(&item.mark, &wanted.mark());
        prop_assert_eq!(&item.members, &wanted.members);
        prop_assert_eq!(item.enabled, wanted.enabled);
        for (path, leaf) in &wanted.leaves {
            prop_assert_eq!(&item.leaves[path], &super::super::canonical::leaf(&path.0, &leaf.value));
        }
    }
}
