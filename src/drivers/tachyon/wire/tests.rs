#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;
use crate::model::{Identity, ObjectName, OwnerId};

fn mark() -> Mark {
    let identity = Identity {
        owner: OwnerId::new("o"),
        kind: "Policy",
        object: ObjectName::new("team", "usb"),
        variant: "policy".into(),
    };
    identity.mark()
}

fn listed() -> Vec<Group> {
    let row = |id: u32, name: &str| group(&json!({"Id": id, "Name": name, "UsableId": "x"})).unwrap();
    vec![row(7, "Finance"), row(8, "Kiosks"), row(9, "Twin"), row(10, "twin"), row(11, "41")]
}

fn full() -> Value {
    json!({
        "Id": 41, "Name": " USB ", "Description": mark().append_to("off"), "Enabled": true,
        "Rules": [{"Id": 310, "Name": "usb"}, {"Id": "311"}],
        "ManagementGroups": [{"Id": 7, "Name": "Finance", "UsableId": "x"}],
        "CreatedTimestampUtc": "2026-02-03T10:11:12.5Z", "ModifiedTimestampUtc": "2026-02-04T10:11:12Z",
        "ModifiedBy": "somebody",
    })
}

fn with(change: &[(&str, Value)]) -> Value {
    let mut value = full();
    for (name, wanted) in change {
        value[*name] = wanted.clone();
    }
    value
}

fn read_of(value: &Value) -> Result<Read, String> {
    policy(value, &GroupNames::new(&listed()))
}

#[test]
fn a_policy_is_read_alike_in_full_in_outline_and_in_another_spelling() {
    let outline = with(&[("Rules", json!([310, "311"])), ("ManagementGroups", json!(["FINANCE "]))]);
    let members = full().as_object().unwrap().clone();
    let lower: Value = members.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    let quoted = with(&[("Id", json!("41")), ("Enabled", json!("True"))]);
    for value in [full(), outline, lower, quoted] {
        let Read { item, unresolved } = read_of(&value).unwrap();
        assert_eq!(
            (item.id.unwrap().to_string(), &*item.name, item.enabled),
            ("41".into(), "USB", Some(true))
        );
        assert_eq!(item.mark, Some(mark()));
        let leaves: Vec<_> =
            item.leaves.iter().map(|(path, value)| (path.to_string(), value.clone())).collect();
        let expected = [
            ("description".to_owned(), json!("off")),
            ("name".to_owned(), json!("USB")),
            ("rules/310".to_owned(), json!(true)),
            ("rules/311".to_owned(), json!(true)),
        ];
        assert_eq!(leaves, expected, "{value}");
        assert_eq!(item.members[&MemberKind::ManagementGroup], BTreeSet::from(["7".to_owned()]), "{value}");
        assert!(unresolved.is_empty());
        assert_eq!(item.provenance.modified_by, "somebody");
    }
}

#[test]
fn what_cannot_be_understood_is_named() {
    let cases = [
        (with(&[("Id", json!(null))]), "Id"),
        (with(&[("Id", json!(0))]), "Id"),
        (with(&[("Name", json!(null))]), "Name"),
        (with(&[("Enabled", json!(null))]), "Enabled"),
        (with(&[("Rules", json!({}))]), "Rules"),
        (with(&[("Rules", json!(["usb"]))]), "Rules"),
        (with(&[("ManagementGroups", json!("Finance"))]), "ManagementGroups"),
        (json!([]), "Id"),
    ];
    for (value, says) in cases {
        assert!(read_of(&value).unwrap_err().contains(says), "{value}");
    }
    let empty =
        with(&[("Rules", Value::Null), ("ManagementGroups", Value::Null), ("Description", Value::Null)]);
    let item = read_of(&empty).unwrap().item;
    assert_eq!((item.leaves.len(), item.mark), (2, None), "null is none");
}

#[test]
fn a_group_that_leads_to_no_id_is_told_and_never_taken_for_no_member() {
    let cases = [
        (json!(["Finance", "Hidden"]), &["7"][..], &["Hidden"][..], "not listed"),
        (json!(["Twin"]), &[], &["Twin"], "two of this name"),
        (json!(["41"]), &["11"], &[], "a name that looks like a number"),
        (json!([8]), &["8"], &[], "a number is an id"),
        (json!([{"Id": 99, "Name": "Hidden"}]), &["99"], &[], "an object tells its id itself"),
        (json!([{}]), &[], &["{}"], "neither"),
    ];
    for (groups, known, unresolved, why) in cases {
        let read = read_of(&with(&[("ManagementGroups", groups)])).unwrap();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(read.item.members[&MemberKind::ManagementGroup], set(known), "{why}");
        assert_eq!(read.unresolved, set(unresolved), "{why}");
    }
}

#[test]
fn who_may_be_everyone_is_never_to_be_named() {
    let cases = [
        (json!({"Id": 3, "Name": "All Devices", "UsableId": "global"}), true, true),
        (json!({"Id": 3, "Name": "Alle", "UsableId": "GLOBAL"}), true, true),
        (json!({"Id": 3, "Name": "all DEVICES", "UsableId": "x"}), false, true),
        (json!({"Id": 3, "Name": "Alle", "TachyonDeviceCount": -1}), false, true),
        (json!({"Id": 1, "Name": "Finance", "UsableId": "x", "TachyonDeviceCount": 4}), false, false),
    ];
    for (row, global, everyone) in cases {
        let group = group(&row).unwrap();
        assert_eq!((group.global, group.everyone), (global, everyone), "{row}");
    }
    for row in [json!({"Id": 3}), json!({"Name": "x"}), json!({"Id": 3, "Name": " "}), json!("x")] {
        assert_eq!(group(&row), None, "{row}");
    }
}

#[test]
fn an_answer_of_unknown_form_says_yes_or_no_or_nothing() {
    let cases = [
        (json!(true), Some(true)),
        (json!("False"), Some(false)),
        (json!([]), Some(false)),
        (json!([{"PolicyId": 1}]), Some(true)),
        (json!(0), Some(false)),
        (json!(3), Some(true)),
        (json!({"PendingChanges": true}), Some(true)),
        (json!({"Pending": false, "Count": 3}), Some(false)),
        (json!({"Waits": true}), Some(true)),
        (json!({"Pending": false, "CanDeploy": true}), Some(false)),
        (json!({"canDeploy": false, "hasPendingChanges": "True"}), Some(true)),
        (json!({"HasChanges": true, "IsPending": false}), Some(true)),
        (json!({"CanDeploy": true, "Enabled": true}), None),
        (json!({"CanDeploy": false, "Enabled": false, "Count": 3}), None),
        (json!({"Policies": [], "Rules": [1]}), Some(true)),
        (json!({"Policies": []}), Some(false)),
        (json!({}), Some(false)),
        (json!({"At": "2026-01-01"}), None),
        (json!("perhaps"), None),
        (json!(null), None),
    ];
    for (value, expected) in cases {
        assert_eq!(says_yes(&value), expected, "{value}");
    }
}

#[test]
fn errors_of_every_shape_give_codes_and_words() {
    let cases = [
        (
            json!([{"ErrorCode": "Policy.NotFound", "Message": "No such policy.", "Data": ["41"]}, {"Message": "And more."}]),
            vec!["Policy.NotFound"],
            "No such policy. (Policy.NotFound); And more.",
        ),
        (json!({"Message": "An error.", "ExceptionMessage": "Why."}), vec![], "An error.: Why."),
        (json!([{"ErrorCode": "X.Y"}]), vec!["X.Y"], "(X.Y)"),
        (json!([]), vec![], ""),
        (json!("text"), vec![], ""),
    ];
    for (body, codes, words) in cases {
        assert_eq!(complaint(&body), (codes, words.to_owned()), "{body}");
    }
}

proptest! {
    #[test]
    fn a_leaf_has_one_spelling(path in "(name|description|rules/1)", text in any::<String>()) {
        let once = canonical::leaf(&path, &json!(text));
        prop_assert_eq!(canonical::leaf(&path, &once), once);
    }

    #[test]
    fn no_answer_breaks_the_reader(text in any::<String>(), number in any::<i64>()) {
        let odd = [json!(text), json!(number), json!([text, number]), json!({ text.as_str(): number })];
        for name in ["Id", "Name", "Description", "Enabled", "Rules", "ManagementGroups"] {
            for value in &odd {
                let _ = read_of(&with(&[(name, value.clone())]));
            }
        }
        for value in &odd {
            let _ = (says_yes(value), complaint(value), group(value), rule(value));
        }
    }

    #[test]
    fn what_is_written_reads_back(text in "[^\\[\\]]{0,40}") {
        let text = text.trim_end();
        let read = read_of(&with(&[("Description", json!(mark().append_to(text)))])).unwrap().item;
        prop_assert_eq!(&read.leaves[&LeafPath("description".into())], &json!(text));
        prop_assert_eq!(read.mark, Some(mark()));
    }
}
