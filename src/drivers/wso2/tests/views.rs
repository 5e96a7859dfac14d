#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::model::EntryKind;

async fn observe(server: &Server) -> Result<Observation, DriverError> {
    server.driver.observe(&Scope::default()).await
}

fn ids(observation: &Observation) -> Vec<String> {
    observation.items.iter().map(|item| item.id.as_ref().unwrap().to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read_with_an_explicit_limit() {
    let policies: Vec<_> = (1..=250).map(policy).collect();
    let server = Server::new("DeviceMgtV1", move |seen| page(seen, &policies));
    let observation = observe(&server).await.unwrap();
    assert!(observation.complete);
    assert_eq!(observation.items.len(), 250);
    let offsets: Vec<_> =
        server.calls().iter().map(|line| line.split('?').nth(1).unwrap().to_owned()).collect();
    assert_eq!(offsets, ["offset=0&limit=100", "offset=100&limit=100", "offset=200&limit=100"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_caps_pages_is_read_whole() {
    let policies: Vec<_> = (1..=120).map(policy).collect();
    let server = Server::new("Entgra", move |seen| {
        let capped = Seen { line: seen.line.replace("limit=100", "limit=50"), ..seen.clone() };
        page(&capped, &policies)
    });
    let observation = observe(&server).await.unwrap();
    assert_eq!((observation.complete, observation.items.len()), (true, 120));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_shifts_once_is_read_again() {
    let (before, count) = ((1..=150).map(policy).collect::<Vec<_>>(), Count::default());
    let mut after = before.clone();
    after.swap(99, 100);
    let server = Server::new("DeviceMgtV1", move |seen| {
        // The second page is read after two policies have changed places across the border.
        page(seen, if count.next() == 1 { &before } else { &after })
    });
    let observation = observe(&server).await.unwrap();
    assert_eq!((observation.complete, observation.items.len()), (true, 150));
    assert_eq!(server.calls().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_keeps_contradicting_itself_is_incomplete() {
    let two = || vec![policy(1), policy(2)];
    let anomalies: Vec<(&str, Box<dyn Fn(usize) -> Value + Send>)> = vec![
        ("more counted than shown", Box::new(move |_| json!({"count": 3, "policies": two()}))),
        ("fewer counted than shown", Box::new(move |_| json!({"count": 1, "policies": two()}))),
        ("the same twice", Box::new(|_| json!({"count": 2, "policies": [policy(1), policy(1)]}))),
        ("a count that grows", Box::new(move |n| json!({"count": 100 + n, "policies": two()}))),
        ("one that is not understood", Box::new(|_| json!({"count": 2, "policies": [policy(1), {"id": 2}]}))),
        (
            "one without an id",
            Box::new(|_| json!({"count": 2, "policies": [policy(1), {"policyName": "x"}]})),
        ),
    ];
    for (why, answer) in anomalies {
        let count = Count::default();
        let server = Server::new("DeviceMgtV1", move |_| Reply::json(200, &answer(count.next())));
        let observation = observe(&server).await.unwrap();
        assert!(!observation.complete, "{why}");
        assert_eq!(ids(&observation)[0], "1", "{why}: what was seen is told");
        assert!(server.calls().len() <= 12, "{why}: no endless reading");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_list_is_never_an_empty_one() {
    let cases = [
        ("DeviceMgtV1", Reply::text(200, "<html>Login</html>")),
        ("DeviceMgtV1", Reply::text(200, "")),
        ("DeviceMgtV1", Reply::text(200, "null")),
        ("DeviceMgtV1", Reply::text(200, "{}")),
        ("DeviceMgtV1", Reply::text(200, r#"{"count": 5}"#)),
        ("DeviceMgtV1", Reply::text(200, r#"{"policies": {"id": 1}, "count": 1}"#)),
        ("DeviceMgtV1", Reply::Cut(200, r#"{"count": 0, "#.into())),
        ("DeviceMgtV1", Reply::text(500, "down")),
        ("DeviceMgtV1", Reply::text(404, "gone fishing")),
        ("MdmAdmin", Reply::json(200, &wrapped(404, None))),
        ("MdmAdmin", Reply::json(200, &wrapped(500, Some(json!([]))))),
        ("MdmAdmin", Reply::json(200, &wrapped(200, None))),
        ("MdmAdmin", Reply::text(200, r#"{"errorMessage": "x"}"#)),
    ];
    for (api, reply) in cases {
        let shown = format!("{reply:?}");
        let types = Reply::json(200, &json!([{"id": 1, "name": "android"}]));
        let server =
            Server::new(
                api,
                move |seen| if seen.line.ends_with("types") { types.clone() } else { reply.clone() },
            );
        assert!(observe(&server).await.is_err(), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn dialect_a_is_read_bare_or_wrapped() {
    for wrap in [false, true] {
        let server = Server::new("MdmAdmin", move |seen| {
            if seen.line.ends_with("types") {
                return Reply::json(200, &json!([{"id": 2, "name": "windows"}]));
            }
            let mut policy = policy(12);
            policy["profile"]["deviceType"] = json!({"id": 2});
            Reply::json(200, &if wrap { wrapped(200, Some(json!([policy]))) } else { json!([policy]) })
        });
        let observation = observe(&server).await.unwrap();
        assert!(observation.complete);
        assert_eq!(observation.items[0].leaves[&LeafPath("platform".into())], "windows");
        observe(&server).await.unwrap();
        assert_eq!(server.calls().iter().filter(|l| l.ends_with("types")).count(), 1, "read once");
    }
}

fn directory(seen: &Seen) -> Reply {
    let path = seen.line.split_once("v1.0/").map_or("", |(_, path)| path);
    let body = match path.split('?').next().unwrap() {
        "device-types" => json!({"deviceTypes": ["android", {"name": "ios", "id": 3}], "count": 2}),
        "device-types/android/features" => json!([{"code": "CAMERA", "name": "Camera"}]),
        "device-types/ios/features" => return Reply::text(404, "none"),
        "roles" => json!({"count": 2, "roles": ["engineer", "admin"]}),
        "users" => json!({"count": 1, "users": [{"username": "jdoe"}]}),
        "admin/groups" => return Reply::text(403, r#"{"fault":{"code":900910}}"#),
        "groups" => json!({"count": 1, "deviceGroups": [{"id": 4, "name": "Finance"}]}),
        "policies" => json!({"count": 1, "policies": [policy(1)]}),
        other => panic!("{other}"),
    };
    Reply::json(200, &body)
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_says_what_it_does_not_know() {
    let server = Server::new("DeviceMgtV1", directory);
    let catalogue = server.driver.catalogue().await.unwrap();
    let names = |kind| catalogue.of(kind).iter().map(|e| format!("{}={}", e.id, e.name)).collect::<Vec<_>>();
    assert_eq!(names(EntryKind::DeviceType), ["3=ios", "android=android"]);
    assert_eq!(names(EntryKind::Role), ["admin=admin", "engineer=engineer"]);
    assert_eq!(names(EntryKind::User), ["jdoe=jdoe"]);
    assert_eq!(names(EntryKind::Group), ["4=Finance"]);
    assert_eq!(catalogue.of(EntryKind::Feature)[0].parent.as_deref(), Some("android"));
    assert!(catalogue.is_complete(EntryKind::Role));
    assert!(!catalogue.is_complete(EntryKind::Group), "only the groups of this account");
    assert!(!catalogue.is_complete(EntryKind::Feature), "one platform would not tell");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_no_empty_catalogue() {
    let server = Server::new("DeviceMgtV1", |seen| match seen.line.contains("/roles") {
        true => Reply::text(500, "down"),
        false => directory(seen),
    });
    assert!(server.driver.catalogue().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn probing_tells_the_account_and_what_it_may() {
    let server = Server::new("DeviceMgtV1", directory);
    let account = server.driver.probe().await.unwrap().account;
    assert_eq!(account.fingerprint, "emm.example:9443/carbon.super");
    assert_eq!((account.api.as_str(), account.tenant.as_str()), ("DeviceMgtV1", "carbon.super"));
    let state = |name: &str| account.capabilities[name].as_str();
    assert_eq!((state("ListPolicies"), state("ListGroups")), ("Allowed", "Allowed"));
    assert_eq!(
        (state("UpdatePolicies"), state("ApplyChanges")),
        ("Allowed", "Denied"),
        "by the token's scopes"
    );
}

#[tokio::test(start_paused = true)]
async fn another_product_is_told_at_once() {
    let cases = [
        ("DeviceMgtV1", Reply::text(404, "no such page")),
        ("DeviceMgtV1", Reply::json(200, &json!([policy(1)]))),
        ("MdmAdmin", Reply::text(404, "")),
        ("MdmAdmin", Reply::json(200, &json!({"count": 1, "policies": []}))),
    ];
    for (api, reply) in cases {
        let shown = format!("{reply:?}");
        let server = Server::new(api, move |_| reply.clone());
        let error = server.driver.probe().await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Rejected, Reason::VersionUnsupported), "{shown}");
        assert!(error.message.contains(api), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_huge_directory_is_read_in_part_and_once() {
    let server = Server::new("DeviceMgtV1", |seen| {
        if !seen.line.contains("/users") {
            return directory(seen);
        }
        let query = url::Url::parse(&format!("https://x{}", seen.line.split_once(' ').unwrap().1)).unwrap();
        let offset: usize = query.query_pairs().find(|(n, _)| n == "offset").unwrap().1.parse().unwrap();
        let users: Vec<_> = (offset..offset + 100).map(|n| json!({"username": format!("user{n}")})).collect();
        Reply::json(200, &json!({"count": 80_000, "users": users}))
    });
    let catalogue = server.driver.catalogue().await.unwrap();
    assert_eq!(catalogue.of(EntryKind::User).len(), 5000);
    assert!(!catalogue.is_complete(EntryKind::User), "names beyond are taken on trust");
    let users = |server: &Server| server.calls().iter().filter(|line| line.contains("/users")).count();
    assert_eq!(users(&server), 50);
    server.driver.probe().await.unwrap();
    assert_eq!(users(&server), 51, "probing reads one page");
}
