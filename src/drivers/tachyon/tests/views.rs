//! What answers of unknown form are believed.

use super::*;

/// Answers as [`reading`] does, but for what the closure answers.
fn driver(mut other: impl FnMut(&Seen) -> Option<Reply> + Send + 'static) -> Arc<dyn Driver> {
    let transport = Scripted::new(move |seen| {
        let read = other(seen).or_else(|| reading(seen, &[policy()]));
        read.unwrap_or_else(|| Reply::text(404, ""))
    });
    connected(&json!({}), &[("token", "t0ken")], transport as SharedTransport).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_missing_call_means_that_everything_is_licensed_only_before_it_existed() {
    for (version, believed) in
        [("5.0.9", true), ("4.1", true), ("5.1.0", false), ("23.7", false), ("", false)]
    {
        for status in [400, 404, 405] {
            let driver = driver(move |seen| match seen.line.rsplit('/').next() {
                Some("Information") => Some(Reply::json(200, &json!({ "Version": version }))),
                Some("Unlicensed") => Some(Reply::json(status, &json!([]))),
                _ => None,
            });
            let observed = driver.observe(&Scope::default()).await;
            let told = observed.map(|seen| seen.items.len()).map_err(|error| (error.class, error.reason));
            let refused = Err((Class::Transient, Reason::UnexpectedAnswer));
            assert_eq!(told, if believed { Ok(1) } else { refused }, "{version} {status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn policies_without_a_licence_are_all_understood_or_none() {
    let refused = Err((Class::Transient, Reason::UnexpectedAnswer));
    let cases = [
        (json!([41]), Ok(true)),
        (json!(["41"]), Ok(true)),
        (json!([{"Id": 41}]), Ok(true)),
        (json!([{"Id": 7, "PolicyId": 41}]), Ok(true)),
        (json!({"Items": [40]}), Ok(false)),
        (json!([{"Policy": "usb"}]), refused),
        (json!([40, {"Policy": "usb"}]), refused),
        (json!(["usb"]), refused),
        (json!({"Policies": 1}), refused),
    ];
    for (answer, expected) in cases {
        let shown = answer.to_string();
        let driver =
            driver(move |seen| seen.line.ends_with("/Unlicensed").then(|| Reply::json(200, &answer)));
        let observed = driver.observe(&Scope::default()).await;
        let unfit = observed.map(|seen| seen.items[0].unfit.is_some());
        assert_eq!(unfit.map_err(|error| (error.class, error.reason)), expected, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_done_is_no_change_that_waits() {
    let cases = [
        (json!({"Pending": false, "CanDeploy": true}), Ok(false)),
        (json!({"HasPendingChanges": true, "CanDeploy": false}), Ok(true)),
        (json!({"CanDeploy": true, "MayRead": true}), Err((Class::Transient, Reason::UnexpectedAnswer))),
    ];
    for (answer, expected) in cases {
        let shown = answer.to_string();
        let driver = driver(move |seen| seen.line.ends_with("/Changes").then(|| Reply::json(200, &answer)));
        let observed = driver.observe(&Scope::default()).await.map(|seen| seen.undeployed);
        assert_eq!(observed.map_err(|error| (error.class, error.reason)), expected, "{shown}");
    }
}

/// Policies with these ids.
fn policies(ids: std::ops::RangeInclusive<usize>) -> Vec<Value> {
    let one = |id: usize| {
        let mut one = policy();
        (one["Id"], one["Name"]) = (json!(id), json!(format!("policy {id}")));
        one
    };
    ids.map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_page_is_the_end_only_if_something_else_says_so() {
    // Rows that there are, rows of a page, whether the count tells all of them, and what is told without pages.
    let cases = [
        (50, 50, false, Some(50), true, "the same without pages"),
        (120, 50, false, Some(120), false, "pages are cut, and the second is refused"),
        (50, 50, false, None, false, "nothing but pages"),
        (120, 50, true, Some(120), false, "the count says that there is more"),
        (5, 50, false, None, true, "too short to have been cut"),
    ];
    for (there, size, counts, at_once, whole, why) in cases {
        let driver = driver(move |seen| match seen.line.as_str() {
            "POST /Consumer/Policies/ShallowSearch" if seen.json()["Start"] == json!(1) => {
                let rows = policies(1..=there.min(size));
                let count = if counts { there } else { rows.len() };
                Some(Reply::json(200, &json!({"TotalCount": count, "Items": rows})))
            }
            "POST /Consumer/Policies/ShallowSearch" => Some(Reply::json(400, &json!([{"Message": "No."}]))),
            "GET /Consumer/Policies" => Some(match at_once {
                Some(rows) => Reply::json(200, &json!(policies(1..=rows))),
                None => Reply::json(400, &json!([{"Message": "No."}])),
            }),
            _ => None,
        });
        let seen = driver.observe(&Scope::default()).await.unwrap();
        assert_eq!((seen.items.len(), seen.complete), (there.min(size), whole), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_of_the_whole_list_proves_its_end() {
    let driver = driver(|seen| match seen.line.as_str() {
        "POST /Consumer/Policies/ShallowSearch" => Some(match seen.json()["Start"].as_u64() {
            Some(1) => Reply::json(200, &json!({"TotalCount": 220, "Items": policies(1..=200)})),
            Some(201) => Reply::json(200, &json!({"TotalCount": 220, "Items": policies(201..=220)})),
            _ => Reply::json(400, &json!([{"Message": "No."}])),
        }),
        _ => None,
    });
    let seen = driver.observe(&Scope::default()).await.unwrap();
    assert_eq!((seen.items.len(), seen.complete), (220, true));
}
