//! Section 4: the template, creates and updates as the sheet shows them.

use serde_json::{Value, json};

use super::{Bench, NEW, SAVE, but, deep, named, seconds};
use crate::sandbox::Double as _;

#[tokio::test(start_paused = true)]
async fn a_template_is_blank_and_creates_nothing() {
    let bench = Bench::new().await;
    let before = bench.names();
    let template = bench.ask(NEW, json!({})).await;
    assert_eq!(
        template,
        json!({
            "id": null, "Name": "New AppShield Policy",
            "Description": "AppShield Policy Created 11/14/2023 11:13:20 PM", "isActive": false,
            "Constraints": [], "Groups": null, "Users": null, "CreatedBy": null, "ModifiedBy": null,
            "CreatedDate": "2023-11-14T23:13:20.000000+01:00", "ModifiedDate": "11/14/2023 11:13:20 PM",
            "ErrorCode": null, "ErrorMessage": null
        }),
        "codes are null, dates in the server's zone"
    );
    assert_eq!(bench.names(), before);
    let saved = bench.save(deep(template, json!([]), json!([]))).await;
    assert_eq!(saved["ErrorCode"], "0", "and can be saved as it is");
}

#[tokio::test(start_paused = true)]
async fn a_create_answers_the_policy_with_stubs() {
    let bench = Bench::new().await;
    let mara = bench.user("mara.holt");
    seconds(70).await;
    let answer = bench.save(deep(named("tenant-acme-rows"), json!(["16", "11"]), json!([mara]))).await;
    assert_eq!(answer["id"], "638356004700000000", "local ticks, a string beyond 2^53");
    assert_eq!(answer["isActive"], true, "one call creates, fills and activates");
    assert_eq!((&answer["ErrorCode"], &answer["ErrorMessage"]), (&json!("0"), &json!("")));
    assert_eq!(answer["CreatedDate"], "2023-11-14T23:14:30.000000+01:00", "not what was sent");
    assert_eq!(answer["ModifiedDate"], "11/14/2023 11:14:30 PM");
    assert_eq!(
        answer["Groups"][0],
        json!({
            "GroupId": "16", "GroupName": null, "GroupDescription": null, "GroupStatus": 0,
            "GroupCreated": "0001-01-01T00:00:00", "GroupModified": "0001-01-01T00:00:00",
            "GroupRoles": null, "Membership": null, "AllRoles": null, "AllUsers": null,
            "ErrorCode": 0, "ErrorMessage": null
        }),
        "only the id is filled; its own code is an integer"
    );
    assert_eq!(answer["Groups"][1]["GroupId"], "11", "in the order sent");
    let user = &answer["Users"][0];
    assert_eq!(
        (&user["ID"], &user["LoginName"], &user["isAdmin"]),
        (&json!(mara), &Value::Null, &json!(false))
    );
    assert_eq!(answer["CreatedBy"]["LoginName"], "policy-operator", "people come in full");
    assert!(answer["ModifiedBy"].as_object().unwrap().len() > 30);
}

#[tokio::test(start_paused = true)]
async fn an_update_keeps_who_and_when_created() {
    let bench = Bench::with(json!({"sessionSecs": 7200})).await;
    let id = bench.create("rows").await;
    let created = bench.stored(&id)["createdDate"].clone();
    seconds(3600).await;
    let echoed = bench.save(deep(but(named("renamed"), json!({"id": id})), json!(["17"]), json!([]))).await;
    assert_eq!((&echoed["id"], &echoed["Name"]), (&json!(id), &json!("renamed")));
    assert_eq!(echoed["CreatedDate"], created);
    assert_eq!(echoed["ModifiedDate"], "11/15/2023 12:13:20 AM");
    let stored = bench.stored(&id);
    assert_eq!((&stored["groups"], &stored["saves"]), (&json!(["17"]), &json!(2)));
    assert_eq!((bench.counter("creates"), bench.counter("updates")), (1, 1));
    let again = bench.save(deep(but(echoed, json!({"isActive": false})), json!(["17"]), json!([]))).await;
    assert_eq!(again["ErrorCode"], "0", "an answer sent back with a field changed is a good request");
    assert_eq!(bench.stored(&id)["isActive"], false);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_create_makes_a_twin() {
    let bench = Bench::new().await;
    let (first, second) = (bench.create("twin").await, bench.create("twin").await);
    assert_ne!(first, second, "even within one tick");
    assert_eq!(bench.names().iter().filter(|name| *name == "twin").count(), 2);
    bench.fault(json!({"kind": "dropAfter", "match": {"path": "SaveAppShieldPolicy"}, "times": 1}));
    let body = bench.body(deep(named("lost"), json!(["16"]), json!([])));
    let request = crate::sandbox::support::request("POST", &format!("/api{SAVE}"), &body);
    let (mut parts, body) = request.into_parts();
    parts.headers.insert("content-type", "application/json".parse().unwrap());
    assert!(bench.send(http::Request::from_parts(parts, body)).await.is_err(), "no answer, no id");
    assert!(bench.names().contains(&"lost".to_owned()), "and there it is");
    bench.create("lost").await;
    assert_eq!(bench.names().iter().filter(|name| *name == "lost").count(), 2, "nothing heals it");
}

#[tokio::test(start_paused = true)]
async fn an_id_is_local_time_and_no_order() {
    let bench = Bench::new().await;
    let summer = bench.create("before the clocks go back").await;
    seconds(60).await;
    bench.patch(json!({"options": {"zoneMinutes": 0}}));
    let winter = bench.create("after").await;
    assert!(winter < summer, "{winter} was made later");
}

#[tokio::test(start_paused = true)]
async fn the_last_writer_wins() {
    let bench = Bench::new().await;
    let id = bench.create("contested").await;
    bench.patch(json!({"editPolicy": {"id": id, "description": "mine now", "groups": ["17"]}}));
    bench.save(deep(but(named("contested"), json!({"id": id})), json!(["16"]), json!([]))).await;
    let stored = bench.stored(&id);
    assert_eq!((&stored["groups"], &stored["description"]), (&json!(["16"]), &json!("managed; ref 7c1e9a")));
}

#[tokio::test(start_paused = true)]
async fn constraints_are_kept_as_they_are() {
    let bench = Bench::new().await;
    let odd = json!([{"zeta": 1.5, "Alpha": [null, {"x": "/#Login#/"}], "list": ["a", "b"]}, "bare", 7]);
    let policy = but(named("odd"), json!({"Constraints": odd}));
    let answer = bench.save(deep(policy, json!([]), json!([]))).await;
    assert_eq!(answer["Constraints"], odd, "whatever shape they have");
    assert_eq!(bench.stored(answer["id"].as_str().unwrap())["constraints"], odd);
}

#[tokio::test(start_paused = true)]
async fn who_is_filtered_follows_activity_and_members() {
    let bench = Bench::new().await;
    let (mara, ines) = (bench.user("mara.holt"), bench.user("ines.brandt"));
    for (why, policy, groups, users, filtered) in [
        ("a group's members", json!({}), json!(["16"]), json!([]), 2),
        ("one user", json!({}), json!([]), json!([mara]), 1),
        ("everybody", json!({}), json!(["3"]), json!([]), 2),
        ("no members, nobody", json!({}), json!([]), json!([]), 0),
        ("inactive, nobody", json!({"isActive": false}), json!(["16"]), json!([mara]), 0),
    ] {
        let policy = but(named(why), policy);
        let answer = bench.save(deep(policy, groups, users)).await;
        let state = bench.state();
        let hit = |user: &str| {
            let filters = state["users"][user]["filters"].as_array().unwrap();
            filters.iter().filter(|filter| filter["id"] == answer["id"]).count()
        };
        assert_eq!(hit(&mara) + hit(&ines), filtered, "{why}");
        bench.patch(json!({"removePolicy": {"id": answer["id"]}}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_save_looks_like_a_policy() {
    let bench = Bench::new().await;
    let answer = bench.save(deep(but(named("x"), json!({"id": "123"})), json!([]), json!([]))).await;
    for (member, value) in [
        ("id", Value::Null),
        ("Name", json!("x")),
        ("Groups", Value::Null),
        ("ErrorCode", json!("5003")),
        ("isActive", json!(false)),
    ] {
        assert_eq!(answer[member], value, "{member}");
    }
    let answer = bench.save(json!({"isDeepSave": true})).await;
    assert_eq!(answer["ErrorCode"], "5007", "no policy at all");
    assert_eq!(bench.double.state()["counters"]["savesRefused"], 2);
}
