//! 4.1 and 4.2: assignments; section 10: groups the caller does not see.

use serde_json::{Value, json};

use super::{Bench, names, seed};

type Act<'a> = &'a dyn Fn(&Bench) -> (&'static str, Value);

#[tokio::test(start_paused = true)]
async fn assignments_are_added_replaced_and_removed() {
    let bench = Bench::new().await;
    let path = format!("{}/Assignments", bench.create("p").await);
    let [kiosks, pilot, build] = ["Kiosks", "Pilot ring", "Build servers"].map(|name| bench.group(name));
    bench.ok("POST", &path, json!([kiosks])).await;
    bench.ok("POST", &path, json!([pilot, kiosks])).await;
    assert_eq!(bench.groups_of("p"), ["Kiosks", "Pilot ring"]);
    assert_eq!(names(&bench.get(&path).await), ["Kiosks", "Pilot ring"]);
    bench.ok("PUT", &path, json!([build, pilot])).await;
    assert_eq!(bench.groups_of("p"), ["Build servers", "Pilot ring"], "it replaces all");
    bench.ok("DELETE", &format!("{path}/ManagementGroups/{pilot}"), Value::Null).await;
    assert_eq!(bench.groups_of("p"), ["Build servers"]);
    bench.ok("DELETE", &path, Value::Null).await;
    assert!(bench.groups_of("p").is_empty());
    bench.refused("POST", &path, json!([9999]), 404, "ManagementGroup.NotFound").await;
    bench.refused("PUT", &path, json!([pilot, 9999]), 404, "ManagementGroup.NotFound").await;
    bench.refused("POST", "/Policies/9999/Assignments", json!([pilot]), 404, "Policy.NotFound").await;
    assert!(bench.groups_of("p").is_empty(), "all or nothing");
}

#[tokio::test(start_paused = true)]
async fn assignments_are_rows_too() {
    let bench = Bench::new().await;
    bench.create("p").await;
    let pair = json!({
        "PolicyId": bench.id("policies", "p"), "ManagementGroupId": bench.group("Kiosks")
    });
    let row = bench.ok("POST", "/PolicyAssignments", pair.clone()).await;
    assert_eq!(bench.groups_of("p"), ["Kiosks"]);
    let path = format!("/PolicyAssignments/{}", row["Id"]);
    assert_eq!(bench.get(&path).await, row);
    let all = bench.get("/PolicyAssignments").await;
    assert!(all.as_array().unwrap().len() == 6 && all.as_array().unwrap().contains(&row), "{all}");
    assert_eq!(bench.ok("POST", "/PolicyAssignments", pair.clone()).await, row, "again: the same row");
    bench.ok("DELETE", &path, Value::Null).await;
    assert!(bench.groups_of("p").is_empty());
    bench.refused("GET", &path, Value::Null, 404, "PolicyAssignment.NotFound").await;
    bench.refused("DELETE", &path, Value::Null, 404, "PolicyAssignment.NotFound").await;
    let unknown = json!({"PolicyId": 9999, "ManagementGroupId": bench.group("Kiosks")});
    bench.refused("POST", "/PolicyAssignments", unknown, 404, "Policy.NotFound").await;
    bench.refused("POST", "/PolicyAssignments", json!({"PolicyId": 1}), 400, "Request.Invalid").await;
}

#[tokio::test(start_paused = true)]
async fn who_holds_no_role_on_a_group_does_not_see_it() {
    let bench = Bench::scoped(json!({})).await;
    let path = bench.path("Browser baseline");
    let hidden = bench.group("Pilot ring");
    assert_eq!(bench.groups_of("Browser baseline"), ["Lyon office", "Pilot ring"], "what is stored");
    assert_eq!(names(&bench.get(&path).await["ManagementGroups"]), ["Lyon office"], "in the policy");
    assert_eq!(names(&bench.get(&format!("{path}/Assignments")).await), ["Lyon office"]);
    assert_eq!(
        names(&bench.get("/ManagementGroups?includeSystemGroups=true").await),
        ["Lyon office", "Lyon workshop"]
    );
    let rows = bench.get("/PolicyAssignments").await;
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    let shallow = bench.ok("POST", "/Policies/ShallowSearch", json!({})).await;
    assert_eq!(shallow["Items"][2]["ManagementGroups"], json!(["Lyon office"]));
    assert_eq!(shallow["Items"][0]["ManagementGroups"], json!([]), "on All Devices, which is hidden");
    for (why, method, path, body) in [
        ("read", "GET", format!("/ManagementGroups/Id/{hidden}"), Value::Null),
        ("read by name", "GET", "/ManagementGroups/Name/Pilot%20ring".to_owned(), Value::Null),
        ("its members", "GET", format!("/ManagementGroups/Contents/Id/{hidden}"), Value::Null),
        ("All Devices", "GET", "/ManagementGroups/AllDevices".to_owned(), Value::Null),
        ("assign", "POST", format!("{path}/Assignments"), json!([hidden])),
        ("replace", "PUT", format!("{path}/Assignments"), json!([hidden])),
        ("unassign", "DELETE", format!("{path}/Assignments/ManagementGroups/{hidden}"), Value::Null),
    ] {
        bench.refused(method, &path, body, 404, "ManagementGroup.NotFound").await;
        assert_eq!(bench.groups_of("Browser baseline"), ["Lyon office", "Pilot ring"], "{why}");
    }
    bench.patch(json!({"options": {"version": "5.1"}}));
    assert_eq!(bench.get("/ManagementGroups").await.as_array().unwrap().len(), 11, "before 8.0 all is seen");
}

#[tokio::test(start_paused = true)]
async fn replacing_under_a_partial_view_may_hit_hidden_groups() {
    let replace = |bench: &Bench| ("PUT", json!([bench.group("Lyon workshop")]));
    let remove = |_: &Bench| ("DELETE", Value::Null);
    let cases: [(&str, Value, Act<'_>, &[&str]); 4] = [
        ("PUT loses them", json!({}), &replace, &["Lyon workshop"]),
        (
            "PUT keeps them",
            json!({"putAssignmentsKeepsHidden": true}),
            &replace,
            &["Lyon workshop", "Pilot ring"],
        ),
        ("DELETE loses them", json!({}), &remove, &[]),
        ("DELETE keeps them", json!({"deleteAssignmentsKeepsHidden": true}), &remove, &["Pilot ring"]),
    ];
    for (why, options, act, left) in cases {
        let bench = Bench::scoped(options).await;
        let (method, body) = act(&bench);
        let path = format!("{}/Assignments", bench.path("Browser baseline"));
        bench.ok(method, &path, body).await;
        assert_eq!(bench.groups_of("Browser baseline"), left, "{why}");
    }
    for (why, keeps, left) in [
        ("a PUT of the policy", false, vec!["Lyon office"]),
        ("kept", true, vec!["Lyon office", "Pilot ring"]),
    ] {
        let bench = Bench::scoped(json!({"putAssignmentsKeepsHidden": keeps})).await;
        let read = bench.get(&bench.path("Browser baseline")).await;
        bench.ok("PUT", "/Policies", read).await;
        assert_eq!(bench.groups_of("Browser baseline"), left, "{why}: what was read was put back");
    }
}

#[tokio::test(start_paused = true)]
async fn assigning_needs_a_permission_of_its_own_since_8() {
    let without = json!({"kind": "permissionRemoved", "permission": "PolicyAssignment/Assign"});
    for (version, status) in [("5.1", 200), ("8.0", 401)] {
        let bench = Bench::with(json!({ "version": version })).await;
        let (path, group) = (bench.create("p").await, bench.group("Kiosks"));
        bench.fault(without.clone());
        for (method, below, body) in [
            ("POST", "/Assignments".to_owned(), json!([group])),
            ("PUT", "/Assignments".to_owned(), json!([group])),
            ("DELETE", format!("/Assignments/ManagementGroups/{group}"), Value::Null),
            ("DELETE", "/Assignments".to_owned(), Value::Null),
        ] {
            assert_eq!(
                bench.call(method, &format!("{path}{below}"), &body).await.0,
                status,
                "{version} {method} {below}"
            );
        }
        let with = json!({"Name": "with groups", "ManagementGroups": [group]});
        assert_eq!(
            bench.call("POST", "/Policies", &with).await.0,
            status,
            "{version}: groups in a policy, too"
        );
        bench.ok("POST", "/Policies", json!({"Name": "without groups"})).await;
        bench.get(&format!("{path}/Assignments")).await;
    }
    for (right, status) in [("both", 401), ("assignAlone", 200)] {
        let bench = Bench::with(json!({ "assignRight": right })).await;
        let path = format!("{}/Assignments", bench.create("p").await);
        bench.patch(json!({"grants": [{"principal": seed::APPLICATION, "roles": [
            {"role": "Guaranteed State Policy Assigner", "groups": ["All Devices"]}
        ]}]}));
        let (got, _) = bench.call("POST", &path, &json!([bench.group("Kiosks")])).await;
        assert_eq!(got, status, "{right}");
    }
}
