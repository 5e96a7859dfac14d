//! Section 3: permissions, roles, and who sees them.

use serde_json::{Value, json};

use super::{Bench, seed};

#[tokio::test(start_paused = true)]
async fn every_call_needs_its_permission() {
    let bench = Bench::new().await;
    let path = bench.path("Browser baseline");
    let calls = [
        ("GuaranteedState/Read", "GET", "/Policies".to_owned()),
        ("GuaranteedState/Read", "GET", path.clone()),
        ("GuaranteedState/Read", "POST", "/Policies/Search".to_owned()),
        ("GuaranteedState/Read", "POST", "/Policies/ShallowSearch".to_owned()),
        ("GuaranteedState/Read", "GET", "/Policies/Unlicensed".to_owned()),
        ("GuaranteedState/Read", "GET", format!("{path}/Assignments")),
        ("GuaranteedState/Read", "GET", "/PolicyAssignments".to_owned()),
        ("GuaranteedState/Read", "GET", "/Rules".to_owned()),
        ("GuaranteedState/Read", "GET", "/Fragments".to_owned()),
        ("GuaranteedState/Read", "POST", "/Policy/Responses/Search".to_owned()),
        ("GuaranteedState/Write", "POST", "/Policies".to_owned()),
        ("GuaranteedState/Write", "PUT", "/Policies".to_owned()),
        ("GuaranteedState/Write", "POST", format!("{path}/Enable/true")),
        ("GuaranteedState/Write", "POST", format!("{path}/Rules")),
        ("GuaranteedState/Write", "POST", format!("{path}/Assignments")),
        ("GuaranteedState/Write", "PUT", format!("{path}/Assignments")),
        ("GuaranteedState/Write", "POST", "/PolicyAssignments".to_owned()),
        ("GuaranteedState/Write", "POST", "/Rules".to_owned()),
        ("GuaranteedState/Write", "PUT", "/Rules".to_owned()),
        ("GuaranteedState/Write", "POST", "/Fragments/UploadFile".to_owned()),
        ("GuaranteedState/Delete", "DELETE", path.clone()),
        ("GuaranteedState/Delete", "DELETE", format!("{path}/Rules")),
        ("GuaranteedState/Delete", "DELETE", format!("{path}/Rules/1")),
        ("GuaranteedState/Delete", "DELETE", format!("{path}/Assignments")),
        ("GuaranteedState/Delete", "DELETE", format!("{path}/Assignments/ManagementGroups/1")),
        ("GuaranteedState/Delete", "DELETE", "/PolicyAssignments/1".to_owned()),
        ("GuaranteedState/Delete", "DELETE", "/Rules/1".to_owned()),
        ("PolicyDeployment/Execute", "POST", "/Policy".to_owned()),
        ("PolicyDeployment/Execute", "GET", "/Policy/Changes".to_owned()),
        ("PolicyDeployment/Execute", "GET", "/Policies/Pending/Changes".to_owned()),
        ("ManagementGroup/Read", "GET", "/ManagementGroups".to_owned()),
    ];
    for (permission, method, path) in calls {
        bench.fault(json!({"kind": "permissionRemoved", "permission": permission}));
        bench.refused(method, &path, Value::Null, 401, "Permission.Denied").await;
        bench.service.clear_faults();
        let (status, answer) = bench.call(method, &path, &Value::Null).await;
        assert_ne!(status, 401, "{permission} {method} {path}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_can_ask_what_it_may_do() {
    for (form, yes, no) in [
        ("boolean", json!(true), json!(false)),
        (
            "list",
            json!([{"SecurableTypeName": "GuaranteedState", "Operation": "Write", "Allowed": true}]),
            json!([]),
        ),
    ] {
        let bench = Bench::with(json!({ "permissionForm": form })).await;
        let path = "/Permissions/Type/GuaranteedState/Operation/Write";
        assert_eq!(bench.get(path).await, yes, "{form}");
        assert_eq!(bench.get("/Permissions/Type/Meteor/Operation/Write").await, no, "{form}");
        bench.patch(json!({"grants": [{"principal": seed::APPLICATION, "roles": [
            {"role": "Guaranteed State Viewer", "groups": ["All Devices"]}
        ]}]}));
        assert_eq!(bench.get(path).await, no, "{form}: by role");
    }
    for enabled in [true, false] {
        let bench = Bench::with(json!({ "rbacEnabled": enabled })).await;
        assert_eq!(bench.get("/Permissions/rbac/enabled").await, enabled);
    }
    assert_eq!(Bench::new().await.get("/Information").await["Version"], "9.2.0.118");
}

#[tokio::test(start_paused = true)]
async fn roles_tell_whether_the_view_is_whole() {
    let bench = Bench::new().await;
    let own = |rows: &Value| -> Vec<Value> {
        let rows = rows.as_array().unwrap().iter();
        rows.filter(|row| row["Principal"]["PrincipalName"] == seed::APPLICATION).cloned().collect()
    };
    let rows = bench.get("/PrincipalRoleManagementGroups").await;
    assert_eq!(rows.as_array().unwrap().len(), 6, "of all principals");
    let mine = own(&rows);
    assert_eq!(mine[0]["Role"]["HasAllDevicesManagementGroupAssigned"], true, "{mine:?}");
    assert_eq!(mine[0]["ManagementGroup"]["UsableId"], "global");
    bench.fault(json!({"kind": "hideGroups", "groups": ["Kiosks"]}));
    let mine = own(&bench.get("/PrincipalRoleManagementGroups").await);
    assert_eq!(mine[0]["Role"]["HasAllDevicesManagementGroupAssigned"], false, "{mine:?}");
    let bench = Bench::scoped(json!({"roleRows": "own"})).await;
    let rows = bench.get("/PrincipalRoleManagementGroups").await;
    assert_eq!((rows.as_array().unwrap().len(), own(&rows).len()), (2, 2), "{rows}");
    assert_eq!(rows[0]["Role"]["AssignedManagementGroupCount"], 2);
    assert_eq!(rows[0]["Role"]["HasAllDevicesManagementGroupAssigned"], false);
    for (reading, flagged) in [("perPrincipal", false), ("perRole", true)] {
        let bench = Bench::with(json!({ "roleFlag": reading })).await;
        let roles = json!([{"role": "Guaranteed State Administrator", "groups": ["Kiosks"]}]);
        bench.patch(json!({"principals": [{"principal": "somebody"}]}));
        bench.patch(json!({"grants": [{"principal": "somebody", "roles": roles}]}));
        let rows = bench.get("/PrincipalRoleManagementGroups").await;
        let theirs =
            rows.as_array().unwrap().iter().find(|row| row["Principal"]["PrincipalName"] == "somebody");
        let role = &theirs.unwrap()["Role"];
        assert_eq!(role["HasAllDevicesManagementGroupAssigned"], flagged, "{reading}: {role}");
        assert_eq!(own(&rows)[0]["Role"]["HasAllDevicesManagementGroupAssigned"], true, "{reading}");
    }
    let old = Bench::with(json!({"version": "7.0"})).await;
    assert_eq!(old.call("GET", "/PrincipalRoleManagementGroups", &Value::Null).await.0, 404, "since 8.0");
}
