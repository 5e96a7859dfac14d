//! 4.5 to 4.7: fragments, trigger templates and management groups.

use serde_json::{Value, json};

use super::{Bench, names};

#[tokio::test(start_paused = true)]
async fn fragments_are_read_and_never_written() {
    let bench = Bench::new().await;
    let name = "1E-GuaranteedState-General-Check-RegistryValue";
    let all = bench.get("/Fragments").await;
    assert_eq!(all.as_array().unwrap().len(), 10);
    let one = &all[0];
    assert_eq!((&one["Name"], &one["Type"]), (&json!(name), &json!("Check")));
    assert_eq!(&bench.get(&format!("/Fragments/{}", one["Id"])).await, one);
    assert!(one["Payload"].is_string());
    let shallow = bench.get("/Fragments/Shallow/All").await;
    assert!(shallow[0]["Payload"].is_null() && shallow[0]["Name"] == name, "{shallow}");
    let filter = json!({"filter": {"attribute": "Name", "operator": "==", "value": name}});
    let found = bench.ok("POST", "/Fragments/Search", filter.clone()).await;
    assert!(found["TotalCount"] == 1 && found["Items"][0]["Payload"].is_string(), "{found}");
    let found = bench.ok("POST", "/Fragments/Shallow/Search", filter).await;
    assert!(found["TotalCount"] == 1 && found["Items"][0]["Payload"].is_null(), "{found}");
    let sort = json!({"Sort": [{"Column": "ReadablePayload"}]});
    bench.refused("POST", "/Fragments/Search", sort, 400, "Search.Invalid").await;
    bench.refused("GET", "/Fragments/9999", Value::Null, 404, "Fragment.NotFound").await;
    bench.refused("POST", "/Fragments/UploadFile", Value::Null, 400, "Fragment.NotSigned").await;
    for method in ["POST", "PUT"] {
        assert_eq!(bench.call(method, "/Fragments", &json!({})).await.0, 405, "withdrawn in 5.1");
    }
    let old = Bench::with(json!({"version": "4.0"})).await;
    assert_eq!(old.call("GET", "/Fragments/Shallow/All", &Value::Null).await.0, 404, "since 5.1");
}

#[tokio::test(start_paused = true)]
async fn trigger_templates_are_where_we_guess_or_nowhere() {
    let bench = Bench::new().await;
    let all = bench.get("/TriggerTemplates").await;
    assert_eq!(
        (all.as_array().unwrap().len(), &all[0]["Name"]),
        (8, &json!("TriggerTemplate-IntervalSeconds"))
    );
    assert_eq!(bench.get(&format!("/TriggerTemplates/{}", all[0]["Id"])).await, all[0]);
    bench.refused("GET", "/TriggerTemplates/9999", Value::Null, 404, "TriggerTemplate.NotFound").await;
    let bench = Bench::with(json!({"triggerTemplates": false})).await;
    assert_eq!(bench.call("GET", "/TriggerTemplates", &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn groups_are_found_by_every_path() {
    let bench = Bench::new().await;
    let listed = bench.get("/ManagementGroups").await;
    assert!(!names(&listed).contains(&"All Devices"), "the system's is hidden by default");
    let listed = bench.get("/ManagementGroups?includeSystemGroups=true").await;
    assert_eq!(listed.as_array().unwrap().len(), 12);
    let all = bench.get("/ManagementGroups/AllDevices").await;
    assert_eq!((&all["UsableId"], &all["TachyonDeviceCount"]), (&json!("global"), &json!(-1)));
    assert_ne!(all["Id"], 1, "nobody may count on 1");
    let zurich = bench.get("/ManagementGroups/Name/call%20centre%20Z%C3%BCrich").await;
    assert_eq!(zurich["Name"], "Call centre Zürich", "names ignore case");
    assert_eq!(bench.get(&format!("/ManagementGroups/Id/{}", zurich["Id"])).await, zurich);
    let devices = bench.get(&format!("/ManagementGroups/Contents/Id/{}", zurich["Id"])).await;
    assert_eq!(Some(devices.as_array().unwrap().len() as u64), zurich["TachyonDeviceCount"].as_u64());
    let filter = json!({"Filter": {"Attribute": "Name", "Operator": "==", "Value": "kiosks"}});
    assert_eq!(names(&bench.ok("POST", "/ManagementGroups/Search", filter).await["Items"]), ["Kiosks"]);
    bench.refused("GET", "/ManagementGroups/Id/9999", Value::Null, 404, "ManagementGroup.NotFound").await;
    bench.refused("GET", "/ManagementGroups/Name/nobody", Value::Null, 404, "ManagementGroup.NotFound").await;
}

#[tokio::test(start_paused = true)]
async fn a_group_by_name_is_percent_encoded_or_base64() {
    let bench = Bench::with(json!({"groupName": "base64"})).await;
    let (kiosks, plain) = ("/ManagementGroups/Name/S2lvc2tz", "/ManagementGroups/Name/Kiosks!");
    assert_eq!(bench.get(kiosks).await["Name"], "Kiosks");
    assert_eq!(bench.call("GET", plain, &Value::Null).await.0, 400, "no base64");
    let bench = Bench::new().await;
    assert_eq!(bench.call("GET", kiosks, &Value::Null).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn groups_look_as_before_8_or_since() {
    for (version, count, absent) in
        [("5.1", "Count", "TachyonDeviceCount"), ("8.0", "TachyonDeviceCount", "Count")]
    {
        let bench = Bench::with(json!({ "version": version })).await;
        let group = bench.get("/ManagementGroups/Name/Kiosks").await;
        assert!(group[count] == 6 && group.get(absent).is_none(), "{version}: {group}");
        let hash = group["HashOfMembers"].clone();
        bench.patch(json!({"editGroups": [{"group": "Kiosks", "devices": ["a", "b"]}]}));
        let group = bench.get("/ManagementGroups/Name/Kiosks").await;
        assert!(group[count] == 2 && group["HashOfMembers"] != hash, "members change by themselves");
        assert_eq!(bench.state()["pending"]["dirty"], false, "which is no edit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_synchronisation_needs_its_permission() {
    let bench = Bench::new().await;
    let body = json!({"Repository": "SLA"});
    bench.refused("POST", "/ManagementGroups/InitiateSlaSync", body.clone(), 401, "Permission.Denied").await;
    bench.patch(json!({"grants": [{"principal": super::seed::APPLICATION, "roles": [
        {"role": "Full Administrator", "groups": ["All Devices"]}
    ]}]}));
    bench.ok("POST", "/ManagementGroups/InitiateSlaSync", body).await;
    assert_eq!(bench.state()["synchronised"], json!(["SLA"]));
}
