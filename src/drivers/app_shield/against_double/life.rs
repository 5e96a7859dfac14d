//! The life of one policy: made inert, filled, changed, drifting, let go.

use std::collections::BTreeMap;

use super::*;
use crate::{api::Reason, drivers::error::Class};

#[tokio::test(start_paused = true)]
async fn a_policy_is_made_inert_and_filled_by_one_save() {
    for paths in all_paths() {
        let world = World::new(&paths);
        let before = world.foreign();
        let desired = world.desired(&rows(), &acme()).await;
        let outcome = world.create(&desired).await.unwrap();
        let made = &world.ours()[0];
        assert_eq!(
            (&made["isActive"], &made["groups"], &made["users"]),
            (&json!(false), &json!([]), &json!([]))
        );
        let Outcome::Applied { id: Some(id), answer: Some(answer) } = outcome else { panic!("{outcome:?}") };
        assert_eq!(json!(&*id.0), made["id"], "{paths}");
        assert_eq!((answer.id, answer.mark), (Some(id), desired.mark()), "{paths}");
        assert_eq!(world.converge(&desired).await, 1, "{paths}: filled");
        let ours = &world.ours()[0];
        assert_eq!((&ours["name"], &ours["isActive"]), (&json!("Acme rows"), &json!(true)), "{paths}");
        assert_eq!(ours["constraints"], rows()["content"]["appShield"]["constraints"], "{paths}: unharmed");
        assert_eq!(ours["groups"], json!(["11", "16"]), "{paths}");
        assert_eq!(ours["users"].as_array().unwrap().len(), 1, "{paths}");
        assert_eq!(world.converge(&desired).await, 0, "{paths}: in step");
        assert_eq!((world.ours().len(), world.foreign()), (1, before), "{paths}: others are not touched");
        let calls: BTreeSet<String> = world.calls().into_iter().collect();
        let mut published =
            set(&["DoLogin", "GetAllSecurityGroups", "GetContactList", "SaveAppShieldPolicy"]);
        let readable = ["list", "get"].into_iter().find_map(|path| paths[path].as_str());
        published.extend(readable.and_then(|path| path.rsplit('/').next()).map(str::to_owned));
        assert_eq!(calls, published, "{paths}: nothing else is ever called");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_are_one_save_each() {
    for paths in all_paths() {
        let world = World::new(&paths);
        world.converge(&world.desired(&rows(), &acme()).await).await;
        let (mut renamed, mut bare, mut off) = (rows(), rows(), rows());
        renamed["displayName"] = json!("Acme only");
        bare["content"]["appShield"]["constraints"] = json!([]);
        off["enabled"] = json!(false);
        let fewer = json!({"groups": [{"name": "tenant-acme"}]});
        for (policy, include, why) in [
            (&renamed, acme(), "a name"),
            (&bare, acme(), "no constraints"),
            (&rows(), acme(), "constraints again"),
            (&rows(), fewer, "fewer members"),
            (&off, acme(), "members and the switch at once"),
            (&rows(), acme(), "on again"),
        ] {
            let desired = world.desired(policy, &include).await;
            assert_eq!(world.converge(&desired).await, 1, "{paths} {why}");
            let ours = &world.ours()[0];
            assert_eq!(ours["isActive"], json!(policy["enabled"] != json!(false)), "{paths} {why}");
            assert_eq!(ours["groups"].as_array().unwrap().len(), desired.members[&MemberKind::Group].len());
        }
        assert_eq!(world.ours().len(), 1, "{paths}");
    }
}

#[tokio::test(start_paused = true)]
async fn drift_is_seen_where_it_can_be_read_and_undone_by_one_save() {
    let drifts = [
        json!({"rename": "Other"}),
        json!({"description": "no mark"}),
        json!({"isActive": false}),
        json!({"constraints": []}),
        json!({"groups": ["Sales EMEA", "tenant-acme"]}),
        json!({"users": []}),
    ];
    for paths in &all_paths()[1..] {
        let world = World::new(paths);
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        for drift in &drifts {
            let mut change = drift.clone();
            change["id"] =
                world.answered.lock().unwrap().as_ref().unwrap().id.as_ref().unwrap().0.to_string().into();
            world.patch(json!({ "editPolicy": change }));
            assert_eq!(world.converge(&desired).await, 1, "{paths} {drift}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_sent_again_as_it_was() {
    let world = World::new(&json!({}));
    let desired = world.desired(&rows(), &acme()).await;
    world.converge(&desired).await;
    world.patch(json!({"editPolicy": {"id": world.ours()[0]["id"], "isActive": false, "constraints": [], "groups": []}}));
    let calls = world.calls().len();
    assert!(!world.observe().await.unwrap().complete);
    assert_eq!(world.calls().len(), calls, "there is nothing to ask");
    let last = world.find(&desired).await.unwrap();
    world.replace(&desired, last).await.unwrap();
    let ours = &world.ours()[0];
    assert_eq!((&ours["isActive"], &ours["groups"]), (&json!(true), &json!(["11", "16"])));
    assert_eq!(ours["constraints"], rows()["content"]["appShield"]["constraints"]);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_policy_keeps_what_nobody_names() {
    let world = World::new(&everything());
    let foreign =
        world.observe().await.unwrap().items.into_iter().find(|i| i.name == "tenant-birch rows").unwrap();
    let mut desired =
        world.desired(&json!({"displayName": "Birch", "content": {"appShield": {}}}), &acme()).await;
    desired.enabled = None;
    desired.members.clear();
    let before =
        world.policies().into_iter().find(|p| p["id"] == json!(&*foreign.id.as_ref().unwrap().0)).unwrap();
    world.replace(&desired, foreign.clone()).await.unwrap();
    let adopted = world.ours()[0].clone();
    assert_eq!(adopted["name"], json!("Birch"));
    for member in ["constraints", "groups", "users", "isActive"] {
        assert_eq!(adopted[member], before[member], "{member}");
    }
    let former = foreign.leaves.clone();
    let observed = world.find(&desired).await.unwrap();
    world
        .execute(&Step::Restore { observed: Box::new(observed), leaves: former, members: BTreeMap::new() })
        .await
        .unwrap();
    let restored = world.policies().into_iter().find(|p| p["id"] == adopted["id"]).unwrap();
    for member in ["name", "description", "constraints", "groups", "users", "isActive"] {
        assert_eq!(restored[member], before[member], "{member}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_let_go_by_emptying_it_or_by_deleting_it() {
    for paths in all_paths() {
        let world = World::new(&paths);
        let mut desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        desired.enabled = Some(false);
        desired.members.values_mut().for_each(BTreeSet::clear);
        assert_eq!(world.converge(&desired).await, 1, "{paths}: off and empty in one save");
        let ours = world.ours()[0].clone();
        assert_eq!(
            (&ours["isActive"], &ours["groups"], &ours["users"]),
            (&json!(false), &json!([]), &json!([]))
        );
        let id = ExternalId(ours["id"].as_str().unwrap().into());
        let result = world.execute(&Step::Delete(vec![id])).await;
        if world.driver.translate().facts().deletes {
            assert_eq!(result, Ok(Outcome::DONE), "{paths}");
            assert!(world.ours().is_empty() && world.foreign().len() == 3, "{paths}");
        } else {
            let error = result.unwrap_err();
            assert_eq!((error.class, error.reason), (Class::Rejected, Reason::Unsupported), "{paths}");
            assert_eq!(world.ours(), [ours], "{paths}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_succeeds_where_a_list_proves_it() {
    let proven = all_paths()[3].clone();
    let mut unproven = proven.clone();
    unproven.as_object_mut().unwrap().remove("list");
    for (paths, absent, works) in [
        (&proven, "error", true),
        (&proven, "success", true),
        (&unproven, "error", false),
        (&unproven, "success", true),
    ] {
        let world = World::with(paths, &json!({ "deleteAbsent": absent }));
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        let id = world.ours()[0]["id"].clone();
        world.patch(json!({"removePolicy": {"id": id}}));
        let result = world.execute(&Step::Delete(vec![ExternalId(id.as_str().unwrap().into())])).await;
        assert_eq!(result.is_ok(), works, "{paths} {absent}: {result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_vanished_is_told_where_a_list_proves_it() {
    for (paths, class) in [(&all_paths()[0], Class::Rejected), (&all_paths()[2], Class::Gone)] {
        let world = World::new(paths);
        let desired = world.desired(&rows(), &acme()).await;
        world.converge(&desired).await;
        let last = world.find(&desired).await.unwrap();
        world.patch(json!({"removePolicy": {"id": world.ours()[0]["id"]}}));
        let error = world.replace(&desired, last).await.unwrap_err();
        assert_eq!(error.class, class, "{paths}: {error}");
        assert!(error.message.contains("5003") && error.message.contains("was not found"), "{error}");
        assert!(world.ours().is_empty(), "nothing is made in its place");
    }
}
