//! Section 5: filters, sorts and pages, by policies.

use serde_json::{Value, json};

use super::{Bench, names};

const SEARCH: &str = "/Policies/Search";

fn leaf(attribute: &str, value: &str) -> Value {
    json!({"Attribute": attribute, "Operator": "==", "Value": value})
}

#[tokio::test(start_paused = true)]
async fn filters_combine() {
    let bench = Bench::new().await;
    let node = |operator: &str, operands: Value| json!({"Operator": operator, "Operands": operands});
    let (windows, disk, browser) = ("Windows baseline", "Disk encryption", "Browser baseline");
    for (why, filter, expected) in [
        ("equality", leaf("Name", windows), vec![windows]),
        ("whatever the case", leaf("name", "WINDOWS BASELINE"), vec![windows]),
        ("a boolean as text", leaf("Enabled", "False"), vec![browser]),
        ("another column", leaf("Description", "Draft of S. Lindqvist"), vec![browser]),
        ("all of them", node("AND", json!([leaf("Enabled", "true"), leaf("Name", disk)])), vec![disk]),
        ("one of them", node("OR", json!([leaf("Name", windows), leaf("Name", disk)])), vec![windows, disk]),
        (
            "nested",
            node(
                "and",
                json!([
                    leaf("Enabled", "true"),
                    node("or", json!([leaf("Name", browser), leaf("Name", disk)]))
                ]),
            ),
            vec![disk],
        ),
        ("nothing", leaf("Name", "nobody"), vec![]),
        ("no filter", Value::Null, vec![windows, disk, browser]),
    ] {
        let found = bench.ok("POST", SEARCH, json!({ "Filter": filter })).await;
        assert_eq!(
            (names(&found["Items"]), &found["TotalCount"]),
            (expected.clone(), &json!(expected.len())),
            "{why}"
        );
    }
    assert_eq!(bench.ok("POST", SEARCH, Value::Null).await["TotalCount"], 3, "no body");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_refused() {
    let bench = Bench::new().await;
    let filter = |filter: Value| json!({ "Filter": filter });
    let sort = |sort: Value| json!({ "Sort": sort });
    for (why, body) in [
        ("no such column", filter(leaf("Id", "1"))),
        ("no such operator", filter(json!({"Attribute": "Name", "Operator": "=", "Value": "x"}))),
        ("no operator", filter(json!({"Attribute": "Name", "Value": "x"}))),
        ("a value that is no string", filter(json!({"Attribute": "Name", "Operator": "==", "Value": 1}))),
        ("no value", filter(json!({"Attribute": "Name", "Operator": "=="}))),
        ("no such node", filter(json!({"Operator": "NOT", "Operands": []}))),
        ("wrong within", filter(json!({"Operator": "OR", "Operands": [leaf("Id", "1")]}))),
        ("no expression", filter(json!("Name == 'x'"))),
        ("a sort by another column", sort(json!([{"Column": "Id"}]))),
        ("another direction", sort(json!([{"Column": "Name", "Direction": "UP"}]))),
        ("no array of sorts", sort(json!({"Column": "Name"}))),
        ("it counts from 1", json!({"Start": 0})),
        ("an empty page", json!({"PageSize": 0})),
        ("no object", json!([])),
    ] {
        let (status, answer) = bench.call("POST", SEARCH, &body).await;
        assert!(status == 400 && answer[0]["ErrorCode"].is_string(), "{why}: {status} {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_count_from_one_and_sorts_apply_before() {
    let bench = Bench::new().await;
    let by_name = json!([{"Column": "Name", "Direction": "desc"}]);
    let sorted = ["Windows baseline", "Disk encryption", "Browser baseline"];
    for (why, body, expected) in [
        ("all", json!({"Sort": by_name}), &sorted[..]),
        ("the first page", json!({"sort": by_name, "start": 1, "pagesize": 2}), &sorted[..2]),
        ("the second", json!({"Sort": by_name, "Start": 3, "PageSize": 2}), &sorted[2..]),
        ("none left", json!({"Sort": by_name, "Start": 5, "PageSize": 2}), &[]),
    ] {
        let found = bench.ok("POST", SEARCH, body).await;
        assert_eq!(names(&found["Items"]), expected, "{why}");
        assert_eq!(found["TotalCount"], 3, "{why}");
    }
    let two = json!([{"Column": "Enabled"}, {"Column": "Name"}]);
    let found = bench.ok("POST", SEARCH, json!({ "Sort": two })).await;
    assert_eq!(names(&found["Items"]), ["Browser baseline", "Disk encryption", "Windows baseline"]);
}

#[tokio::test(start_paused = true)]
async fn searches_read_otherwise_by_option() {
    let page = json!({"PageSize": 2});
    for (why, options, body, items, total) in [
        ("the count of all", json!({}), page.clone(), 2, 3),
        ("the count of the page", json!({"totalCount": "returned"}), page.clone(), 2, 2),
        ("a maximum", json!({"pageSize": {"max": 1}}), page.clone(), 1, 3),
        ("a default", json!({"pageSize": {"default": 1}}), json!({}), 1, 3),
        (
            "case counts",
            json!({"searchCase": "exact"}),
            json!({"Filter": leaf("Name", "disk encryption")}),
            0,
            0,
        ),
        (
            "but not of a boolean",
            json!({"searchCase": "exact"}),
            json!({"Filter": leaf("Enabled", "TRUE")}),
            2,
            2,
        ),
        (
            "other operators",
            json!({"operators": {"equals": "Equals", "or": "Any"}}),
            json!({"Filter": {"Operator": "Any", "Operands": [{"Attribute": "Name", "Operator": "Equals", "Value": "Disk encryption"}]}}),
            1,
            1,
        ),
    ] {
        let bench = Bench::with(options).await;
        let found = bench.ok("POST", SEARCH, body).await;
        assert_eq!(
            (found["Items"].as_array().unwrap().len(), &found["TotalCount"]),
            (items, &json!(total)),
            "{why}"
        );
    }
    let bench = Bench::with(json!({"operators": {"equals": "Equals"}})).await;
    bench.refused("POST", SEARCH, json!({"Filter": leaf("Name", "x")}), 400, "Search.Invalid").await;
}

#[tokio::test(start_paused = true)]
async fn a_shallow_search_has_ids_and_names() {
    let bench = Bench::new().await;
    let found =
        bench.ok("POST", "/Policies/ShallowSearch", json!({"Filter": leaf("Name", "Disk encryption")})).await;
    let item = &found["Items"][0];
    let rules = json!([bench.rule("bitlocker-system-drive"), bench.rule("disk-space-system-drive")]);
    assert_eq!(
        (&item["Rules"], &item["ManagementGroups"]),
        (&rules, &json!(["Finance laptops", "Executive tablets"]))
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_may_move_items_between_pages() {
    let bench = Bench::with(json!({"listOrder": "newest"})).await;
    super::seconds(1).await;
    bench.ok("POST", &format!("{}/Enable/true", bench.path("Disk encryption")), Value::Null).await;
    assert_eq!(names(&bench.get("/Policies").await)[0], "Disk encryption");
    bench.ok("POST", &format!("/Rules/{}/Enable/true", bench.rule("agent-log-present")), Value::Null).await;
    assert_eq!(names(&bench.get("/Rules").await)[0], "agent-log-present");
}

#[tokio::test(start_paused = true)]
async fn what_is_new_may_be_missing_from_lists() {
    let bench = Bench::with(json!({"newVisibleAfterMs": 2000})).await;
    let path = bench.create("new").await;
    bench.get(&path).await;
    for (after, expected) in [(1, 3), (1, 4)] {
        super::seconds(after).await;
        assert_eq!(bench.get("/Policies").await.as_array().unwrap().len(), expected);
        assert_eq!(bench.ok("POST", SEARCH, json!({})).await["TotalCount"], expected);
    }
}
