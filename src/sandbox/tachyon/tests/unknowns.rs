//! Section 12: every switch, both ways, that has no place elsewhere.

use serde_json::{Value, json};

use super::{Bench, names};

#[tokio::test(start_paused = true)]
async fn refusals_come_in_four_shapes() {
    for (shape, check) in [
        ("array", (|answer| answer[0]["ErrorCode"] == "Policy.NotFound") as fn(&Value) -> bool),
        ("object", |answer| answer["ExceptionMessage"].is_string()),
        ("html", |answer| answer.as_str().is_some_and(|page| page.starts_with("<!DOCTYPE"))),
        ("empty", Value::is_null),
    ] {
        for status in [404, 400] {
            let bench = Bench::with(json!({"errorShape": shape, "notFoundStatus": status})).await;
            let (got, answer) = bench.call("GET", "/Policies/9999", &Value::Null).await;
            assert!(got == status && check(&answer), "{shape}: {got} {answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_groups_and_conflicts_have_statuses_of_their_own() {
    let bench = Bench::scoped(json!({"hiddenStatus": 401, "conflictStatus": 409})).await;
    let path = format!("/ManagementGroups/Id/{}", bench.group("Kiosks"));
    bench.refused("GET", &path, Value::Null, 401, "ManagementGroup.NotFound").await;
    bench
        .refused("POST", "/Policies", json!({"Name": "Disk encryption"}), 409, "Policy.NameAlreadyExists")
        .await;
}

#[tokio::test(start_paused = true)]
async fn creates_answer_in_four_ways() {
    for (reply, created, status) in [
        ("object", 200, 200),
        ("object", 201, 201),
        ("id", 201, 201),
        ("empty", 200, 200),
        ("empty", 201, 201),
        ("noContent", 201, 204),
    ] {
        let bench = Bench::with(json!({"createReply": reply, "createdStatus": created})).await;
        let (got, answer) = bench.call("POST", "/Policies", &json!({"Name": "p"})).await;
        let id = bench.id("policies", "p");
        let shown = match reply {
            "object" => answer["Id"] == id,
            "id" => answer == id,
            _ => answer.is_null(),
        };
        assert!(got == status && shown, "{reply} {created}: {got} {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn updates_and_deletes_answer_in_three() {
    for (reply, status) in [("empty", 200), ("noContent", 204)] {
        let bench = Bench::with(json!({"updateReply": reply, "deleteReply": reply})).await;
        let path = bench.create("p").await;
        let group = bench.group("Kiosks");
        for (method, call, body) in [
            ("POST", format!("{path}/Enable/true"), Value::Null),
            ("POST", format!("{path}/Rules"), json!([bench.rule("usb-start-type")])),
            ("POST", format!("{path}/Assignments"), json!([group])),
            ("PUT", "/Policies".to_owned(), json!({"Id": bench.id("policies", "p"), "Name": "p"})),
            ("DELETE", path.clone(), Value::Null),
        ] {
            assert_eq!(
                bench.call(method, &call, &body).await,
                (status, Value::Null),
                "{reply}: {method} {call}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ids_are_numbers_or_quoted() {
    let bench = Bench::with(json!({"idForm": "quoted"})).await;
    let policy = bench.get(&bench.path("Disk encryption")).await;
    assert!(policy["Id"].is_string() && policy["Rules"][0]["Check"]["FragmentId"].is_string(), "{policy}");
    assert!(policy["ManagementGroups"][0]["Id"].is_string());
    bench.ok("PUT", "/Policies", policy).await;
    let bench = Bench::with(json!({"idForm": "quoted", "version": "5.1"})).await;
    assert_eq!(bench.get("/ManagementGroups/Name/Kiosks").await["Count"], "6");
}

#[tokio::test(start_paused = true)]
async fn a_new_policy_is_enabled_or_not() {
    for (created, members, sent, enabled) in [
        ("disabled", "stored", Value::Null, false),
        ("enabled", "stored", Value::Null, true),
        ("disabled", "stored", json!(true), true),
        ("enabled", "stored", json!(false), false),
        ("disabled", "ignored", json!(true), false),
        ("enabled", "ignored", json!(false), true),
    ] {
        let bench = Bench::with(json!({"createdEnabled": created, "createMembers": members})).await;
        let body = json!({
            "Name": "p", "Enabled": sent, "Rules": [bench.rule("usb-start-type")],
            "ManagementGroups": [bench.group("Kiosks")]
        });
        bench.ok("POST", "/Policies", body).await;
        assert_eq!(bench.policy("p")["enabled"], enabled, "{created} {members} {sent}");
        let stored = usize::from(members == "stored");
        assert_eq!((bench.rules_of("p").len(), bench.groups_of("p").len()), (stored, stored), "{members}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_flips_enabled_or_not() {
    for (switch, sent, enabled) in [
        ("stored", json!(false), false),
        ("stored", Value::Null, true),
        ("ignored", json!(false), true),
        ("absentIsFalse", Value::Null, false),
        ("absentIsFalse", json!(true), true),
    ] {
        let bench = Bench::with(json!({ "putEnabled": switch })).await;
        let id = bench.id("policies", "Disk encryption");
        bench.ok("PUT", "/Policies", json!({"Id": id, "Name": "Disk encryption", "Enabled": sent})).await;
        assert_eq!(bench.policy("Disk encryption")["enabled"], enabled, "{switch} {sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_put_leaves_out_stays_or_goes() {
    let (text, none) = ("Laptops that leave the house", "");
    for (switch, sent, rules, groups, description) in [
        ("kept", false, 2, 2, text),
        ("cleared", false, 0, 0, none),
        ("listsIgnored", false, 2, 2, text),
        ("kept", true, 1, 1, text),
        ("cleared", true, 1, 1, none),
        ("listsIgnored", true, 2, 2, text),
    ] {
        let bench = Bench::with(json!({ "putOmitted": switch })).await;
        let mut body = json!({"Id": bench.id("policies", "Disk encryption"), "Name": "Disk encryption"});
        if sent {
            body["Rules"] = json!([{"Id": bench.rule("usb-start-type")}]);
            body["ManagementGroups"] = json!([{"Id": bench.group("Kiosks")}]);
        }
        bench.ok("PUT", "/Policies", body).await;
        let stored = bench.policy("Disk encryption");
        let lengths = [&stored["rules"], &stored["groups"]].map(|list| list.as_array().unwrap().len());
        assert_eq!(
            (lengths, &stored["description"]),
            ([rules, groups], &json!(description)),
            "{switch} {sent}"
        );
        assert_eq!(stored["notes"].is_null(), switch == "cleared", "{switch}: a member we do not know");
    }
}

#[tokio::test(start_paused = true)]
async fn adding_twice_does_nothing_or_is_an_error() {
    for (switch, status) in [("idempotent", 200), ("refused", 400)] {
        let bench = Bench::with(json!({ "duplicateAdds": switch })).await;
        let path = bench.create("p").await;
        let pair = json!({"PolicyId": bench.id("policies", "p"), "ManagementGroupId": bench.group("Kiosks")});
        for (call, body) in [
            (format!("{path}/Rules"), json!([bench.rule("usb-start-type")])),
            (format!("{path}/Assignments"), json!([bench.group("Kiosks")])),
        ] {
            bench.ok("POST", &call, body.clone()).await;
            assert_eq!(bench.call("POST", &call, &body).await.0, status, "{switch} {call}");
        }
        assert_eq!(bench.call("POST", "/PolicyAssignments", &pair).await.0, status, "{switch}");
        assert_eq!((bench.rules_of("p").len(), bench.groups_of("p").len()), (1, 1), "{switch}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_wrong_id_spoils_all_or_the_rest() {
    for (switch, added) in [("allOrNothing", 0), ("upToTheFirst", 1)] {
        let bench = Bench::with(json!({ "partialAdds": switch })).await;
        let path = bench.create("p").await;
        let rules = json!([bench.rule("usb-start-type"), 9999, bench.rule("smb1-disabled")]);
        bench.refused("POST", &format!("{path}/Rules"), rules, 404, "Rule.NotFound").await;
        let groups = json!([bench.group("Kiosks"), 9999]);
        bench.refused("POST", &format!("{path}/Assignments"), groups, 404, "ManagementGroup.NotFound").await;
        assert_eq!((bench.rules_of("p").len(), bench.groups_of("p").len()), (added, added), "{switch}");
    }
}

#[tokio::test(start_paused = true)]
async fn removing_what_is_not_there() {
    for (switch, status) in [("notFound", 404), ("accepted", 200)] {
        let bench = Bench::with(json!({ "removeAbsent": switch })).await;
        let path = bench.create("p").await;
        let rule = format!("{path}/Rules/{}", bench.rule("usb-start-type"));
        let group = format!("{path}/Assignments/ManagementGroups/{}", bench.group("Kiosks"));
        for call in [rule, group] {
            assert_eq!(bench.call("DELETE", &call, &Value::Null).await.0, status, "{switch} {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_a_policy_in_use_works_or_not() {
    for (switch, enabled, assigned, status) in [
        ("allowed", true, true, 200),
        ("refusedEnabled", true, false, 400),
        ("refusedEnabled", false, true, 200),
        ("refusedAssigned", false, true, 400),
        ("refusedAssigned", true, false, 200),
        ("refusedEither", true, false, 400),
        ("refusedEither", false, true, 400),
        ("refusedEither", false, false, 200),
    ] {
        let bench = Bench::with(json!({ "deletePolicy": switch })).await;
        let groups: &[&str] = if assigned { &["Kiosks"] } else { &[] };
        bench.patch(json!({"addPolicies": [{"name": "p", "enabled": enabled, "groups": groups}]}));
        let (got, _) = bench.call("DELETE", &bench.path("p"), &Value::Null).await;
        assert_eq!(got, status, "{switch} enabled {enabled} assigned {assigned}");
        assert_eq!(bench.policy("p").is_null(), status == 200, "{switch}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_unique_or_not_and_may_have_an_end() {
    for (switch, same, folded) in [("foldedCase", 400, 400), ("exactCase", 400, 200), ("notUnique", 200, 200)]
    {
        let bench = Bench::with(json!({ "uniqueNames": switch })).await;
        for (name, status) in [("Disk encryption", same), ("DISK encryption", folded)] {
            let (got, _) = bench.call("POST", "/Policies", &json!({ "Name": name })).await;
            assert_eq!(got, status, "{switch} {name}");
        }
    }
    let bench = Bench::with(json!({"nameLimit": 4})).await;
    bench.create("äöüß").await;
    bench.refused("POST", "/Policies", json!({"Name": "fünfe"}), 400, "Name.TooLong").await;
}

#[tokio::test(start_paused = true)]
async fn assignments_are_an_array_or_wrapped() {
    let bench = Bench::with(json!({"assignmentsForm": "wrapped"})).await;
    let answer = bench.get(&format!("{}/Assignments", bench.path("Disk encryption"))).await;
    assert_eq!(answer["PolicyId"], bench.id("policies", "Disk encryption"));
    assert_eq!(names(&answer["ManagementGroups"]), ["Finance laptops", "Executive tablets"]);
}
