//! What a plan knows of what it does not read, and of what it is not about.

use ordain::sandbox::app_shield::{AppShieldDouble, AppShieldOptions};

use super::*;

/// The team with App Shield as it is out of the box: nothing can be read.
async fn team_with_app_shield() -> Whole {
    let mut whole = Whole::new();
    let clock: Arc<dyn Clock> = Arc::new(whole.clock.clone());
    let double = AppShieldDouble::new(AppShieldOptions::default(), clock.clone());
    whole.vendors.add("app-shield", double, clock);
    whole.connect_as("app-shield", "appShield");
    apply(&whole, &rows("DE", &["16", "17"]));
    whole.start(None);
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "rows"), "True InStep");
    whole
}

fn rows(region: &str, groups: &[&str]) -> [Value; 2] {
    let constraints = json!([{"AppField": "Sales.Region", "Operator": "in", "Value": region, "Join": "AND"}]);
    let policy = json!({"displayName": "Rows", "content": {"appShield": {"constraints": constraints}}});
    let groups: Vec<_> = groups.iter().map(|id| json!({"id": id})).collect();
    pair("rows", "app-shield", &policy, &json!({"targets": {"include": [{"appShield": {"groups": groups}}]}}))
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_as_it_was_applied_last() {
    let mut whole = team_with_app_shield().await;
    let report = whole.plan(&rows("DE", &["16", "17"])).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Nothing, "{}", text(&report));

    let after = rows("DE,AT", &["17", "11"]);
    let report = whole.plan(&after).await.unwrap();
    let said = text(&report);
    let [change] = &on(&report, "appShield").changes[..] else { panic!("{said}") };
    let members = change.details.iter().find(|detail| detail.path == "members/Group").unwrap();
    assert_eq!(
        (&members.added[..], &members.removed[..]),
        (&["11".into()][..], &["16".into()][..]),
        "{said}"
    );
    let constraints = change.details.iter().find(|detail| detail.path == "constraints").unwrap();
    let region = |value: &Option<Value>| value.as_ref().unwrap()[0]["Value"].clone();
    assert_eq!(
        (region(&constraints.before), region(&constraints.after)),
        (json!("DE"), json!("DE,AT")),
        "{said}"
    );
    assert!(change.widens, "whoever is filtered no more sees more: {said}");
    assert!(said.contains("told as it was applied last"), "{said}");

    // The operator counts the same.
    let told = change.removals;
    let spec = whole.api.get("Backend", TEAM, "app-shield").unwrap()["spec"].clone();
    whole.apply("Backend", "app-shield", with(spec, "guard", json!({"maxRemovals": 0})));
    apply(&whole, &after);
    whole.settle().await;
    let (_, _, message) = held(&whole, "app-shield");
    assert_eq!(ordain::plan::guard::outstanding(&message), Some(told), "{message}\n{said}");
    whole.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_knows_here_is_said_in_words_and_counted_as_one_removal() {
    let mut whole = team_with_app_shield().await;
    whole.end().await.unwrap();
    // The operator has not said that this is applied.
    apply(&whole, &rows("FR", &["16"]));
    let report = whole.plan(&rows("DE,AT", &["17"])).await.unwrap();
    let said = text(&report);
    let [change] = &on(&report, "appShield").changes[..] else { panic!("{said}") };
    assert_eq!(change.removals, 1, "{said}");
    assert!(said.contains("cannot be read") && said.contains("counted as one removal"), "{said}");
}

fn held(whole: &Whole, backend: &str) -> (String, String, String) {
    let status = whole.api.get("Backend", TEAM, backend).unwrap()["status"].clone();
    let conditions = status["conditions"].as_array().unwrap();
    let held = conditions
        .iter()
        .find(|condition| condition["type"] == "Held")
        .unwrap_or_else(|| panic!("{status:#}"));
    let text = |member: &str| held[member].as_str().unwrap().to_owned();
    (text("status"), text("reason"), text("message"))
}

/// R2: the guard looks at everything that is outstanding on the account.
#[tokio::test(start_paused = true)]
async fn removals_that_others_have_outstanding_are_counted_as_the_operator_does() {
    let mut whole = team_in_force().await;
    let spec = whole.api.get("Backend", TEAM, "wso2").unwrap()["spec"].clone();
    whole.apply("Backend", "wso2", with(spec, "guard", json!({"maxRemovals": 1})));
    whole.settle().await;
    whole.end().await.unwrap();
    whole.api.delete("PolicyAssignment", TEAM, "same");
    let narrower =
        pair("narrow", "wso2", &with(camera(true), "displayName", "Narrow".into()), &to_roles(&["engineer"]));
    let report = whole.plan(&narrower).await.unwrap();
    let (plan, said) = (on(&report, "wso2"), text(&report));
    assert_eq!(plan.changes.len(), 1, "what is not concerned is not told: {said}");
    assert!(plan.held.as_ref().is_some_and(|held| held.starts_with("2 removals are waiting")), "{said}");
    assert!(plan.changes[0].held, "{said}");
    assert!(said.contains("1 removal of this plan and 1 that other assignments"), "{said}");

    apply(&whole, &narrower);
    whole.start(None);
    whole.settle().await;
    let (status, _, message) = held(&whole, "wso2");
    assert_eq!(status, "True");
    assert!(message.starts_with("2 removals are waiting"), "and so it is: {message}");

    let report = whole.plan(&narrower).await.unwrap();
    assert_eq!(on(&report, "wso2").held.as_deref(), Some(message.as_str()), "{}", text(&report));
}
