//! What a person reads.

use serde_json::json;

use super::{cluster, condition, in_force, overview, with_backend};
use crate::overview::{
    Cluster, Overview,
    text::{Look, text},
};

fn plain(overview: &Overview) -> String {
    text(overview, overview.at, Look { width: 100, height: None, colour: false })
}

fn troubled() -> Cluster {
    let held =
        "12 removals are waiting and 0 were made within the window; guard.maxRemovals allows 10. Raise it";
    let waits = json!({"observedGeneration": 1, "policyGeneration": 1, "releasePolicy": "Delete",
        "conditions": [condition("Ready", "False", "HeldByGuard", held), condition("Reconciling", "True", "HeldByGuard", held)],
        "targets": {"desired": 3, "accepted": 2, "pending": 1},
        "objects": [{"key": "android/roles", "id": "9", "name": "PIN for sales"}],
        "plan": {"create": 0, "update": 0, "remove": 12, "summary": "held by the guard: 12 removals"}});
    let drifts = json!({"observedGeneration": 1, "policyGeneration": 1,
        "conditions": [condition("Ready", "False", "DriftDetected", "changed outside Git (last by jdoe at 11:00): minLength is 4 (Git says 6)"),
            condition("Reconciling", "True", "DriftDetected", "changed outside Git (last by jdoe at 11:00): minLength is 4 (Git says 6)"),
            condition("InSync", "False", "DriftDetected", "differs: android/roles minLength")],
        "targets": {"desired": 1, "pending": 1}});
    let all = cluster(&[("engineers", in_force()), ("sales", waits), ("field", drifts)]);
    with_backend(
        all,
        json!([condition("Ready", "True", "Connected", ""), condition("Held", "True", "HeldByGuard", held)]),
    )
}

#[test]
fn one_screen_tells_what_holds_what_is_held_and_what_drifts() {
    let expected = "\
Ordain: 1 of 3 assignments in force, 1 held, 1 drifting, 1 account not ready               12:00:00Z

STATE  ACCOUNT             SYSTEM                              OBJECTS  DRIFTED  PENDING  SINCE
held   Backend/mobile/emm  wso2 DeviceMgtV1 3.3, tenant -1234  12       1        0        30m
          HeldByGuard: 12 removals are waiting and 0 were made within the window; guard.maxRemovals
          allows 10. Raise it

HELD
Backend/mobile/emm: an approval lets 12 removals happen:
  mobile/sales: 12 would be removed, 0 changed, 0 created; objects of this assignment: PIN for sales
  (id 9)
  approve exactly these: kubectl annotate backend emm -n mobile ordain.dev/approve-removals=12
  an approval that stands there already is spent, remove it first: kubectl annotate backend emm -n mobile ordain.dev/approve-removals-

STATE     ASSIGNMENT        POLICY  BACKEND  TARGETS  INSYNC  SINCE
held      mobile/sales      pin@1   emm      2/3      ?       30m
          HeldByGuard: waits for an approval, see HELD
drifting  mobile/field      pin@1   emm      0/1      no      30m
          DriftDetected: changed outside Git (last by jdoe at 11:00): minLength is 4 (Git says 6)
          → Wait for the correction; with `drift.correction: Report`, or in Observe, decide who is
          right.
in force  mobile/engineers  pin@1   emm      1/1      yes     30m
";
    assert_eq!(plain(&overview(&troubled())), expected);
}

#[test]
fn nothing_and_a_kind_that_may_not_be_listed_are_told() {
    let mut empty = Cluster::default();
    assert!(plain(&overview(&empty)).starts_with("Ordain: no assignments"), "{}", plain(&overview(&empty)));
    let feed = crate::index::Feed { kind: crate::index::Kind::ClusterBackend, namespace: None };
    empty.fails(&feed, "clusterbackends is forbidden\u{1b}[2J");
    let shown = plain(&overview(&empty));
    let told =
        "clusterbackends cannot be listed, so they are not shown: clusterbackends is forbidden\\u{1b}[2J";
    assert!(shown.contains(told), "{shown}");
    let first = "Ordain: accounts may be missed (clusterbackends cannot be listed); else no assignments";
    assert!(shown.starts_with(first), "in the line that says what holds: {shown}");
    empty.works(&feed);
    assert!(overview(&empty).unlisted.is_empty());
    let feed = crate::index::Feed { kind: crate::index::Kind::PolicyAssignment, namespace: None };
    empty.fails(&feed, "connection refused");
    let blind = overview(&empty);
    assert!(plain(&blind).starts_with("Ordain: the assignments cannot be read  "), "{}", plain(&blind));
    assert!(!blind.all_in_force(), "who sees nothing says nothing");
}

#[test]
fn a_kind_that_is_missed_qualifies_what_is_said_and_what_is_known_without_it_is_known() {
    use crate::index::Kind;
    let cases = [
        (Kind::Policy, "edits", false),
        (Kind::TargetGroup, "edits", false),
        (Kind::ClusterBackend, "accounts", true),
        (Kind::Backend, "accounts", true),
    ];
    for (kind, missed, known) in cases {
        let mut all = cluster(&[("a", in_force())]);
        all.fails(&crate::index::Feed { kind, namespace: Some("mobile".into()) }, "forbidden");
        let shown = overview(&all);
        assert_eq!(shown.all_in_force(), known, "{kind:?}");
        let qualified =
            format!("{missed} may be missed ({} in mobile cannot be listed); else all 1", kind.plural());
        assert!(shown.summary.text.starts_with(&qualified), "{kind:?}: {}", shown.summary.text);
    }
}

#[test]
fn what_was_put_back_is_told_latest_first_and_the_rest_is_counted() {
    use crate::{model::ObjectName, report::corrections::Correction};
    let mut all = cluster(&[("a", in_force())]);
    let put_back = |minute: i8, times| Correction {
        assignment: ObjectName::new("mobile", "a"),
        note: format!("android/roles has been corrected at {minute}\u{1b}[2J"),
        at: jiff::civil::date(2026, 11, 29)
            .at(11, minute, 0, 0)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .unwrap()
            .timestamp(),
        times,
    };
    assert!(!plain(&overview(&all)).contains("PUT BACK"), "nothing was");
    all.corrections = vec![put_back(30, 1), put_back(58, 3)];
    let shown = plain(&overview(&all));
    let expected = "\
PUT BACK LATELY
mobile/a, 2m ago, 3 times: android/roles has been corrected at 58\\u{1b}[2J
mobile/a, 30m ago: android/roles has been corrected at 30\\u{1b}[2J
";
    assert!(shown.ends_with(expected), "{shown}");
    assert!(overview(&all).all_in_force(), "it was put back");
    all.corrections = (0..6).map(|minute| put_back(minute, 1)).collect();
    let shown = plain(&overview(&all));
    let command =
        "and 1 more correction: kubectl get events -n mobile --field-selector reason=DriftCorrected\n";
    assert!(shown.ends_with(command), "{shown}");
    all.corrections[0].assignment = ObjectName::new("other", "a");
    let shown = plain(&overview(&all));
    assert!(shown.contains("kubectl get events -A --field-selector"), "of more than one namespace: {shown}");
}

#[test]
fn where_the_backend_is_not_seen_the_assignment_says_itself_what_is_held() {
    let mut all = troubled();
    all.backends.clear();
    let feed = crate::index::Feed { kind: crate::index::Kind::Backend, namespace: Some("mobile".into()) };
    all.fails(&feed, "backends is forbidden");
    let shown = plain(&overview(&all));
    assert!(!shown.contains("HELD"), "there is nothing to see there: {shown}");
    assert!(shown.contains("HeldByGuard: 12 removals are waiting and 0 were made"), "{shown}");
}

#[test]
fn what_an_approval_lets_through_besides_is_told() {
    let mut all = troubled();
    let held = |all: &Cluster| overview(all).held[0].beside.clone();
    assert_eq!(held(&all), None, "the parts are all of it");
    all.assignments.values_mut().for_each(|one| {
        if let Some(plan) = one.status.as_mut().unwrap().plan.as_mut() {
            plan.remove = 9;
        }
    });
    let told = held(&all).unwrap();
    assert!(told.starts_with("and 3 more removals: of assignments not shown here"), "{told}");
    assert!(plain(&overview(&all)).contains("and 3 more removals"), "{}", plain(&overview(&all)));
}

#[test]
fn every_line_fits_whatever_the_window_is() {
    use unicode_width::UnicodeWidthStr as _;
    let shown = overview(&troubled());
    for (width, height) in [(60, 10), (80, 24), (120, 40), (1, 5), (200, 3)] {
        let text = text(&shown, shown.at, Look { width, height: Some(height), colour: false });
        assert!(text.lines().count() <= height, "{width}x{height}:\n{text}");
        for line in text.lines() {
            assert!(line.width() <= width.max(72), "{width}x{height}: {line:?}");
        }
    }
    let cut = text(&shown, shown.at, Look { width: 80, height: Some(10), colour: false });
    assert!(cut.lines().last().unwrap().starts_with("… "), "what does not fit is told: {cut}");
}

#[test]
fn colours_are_there_only_when_wanted() {
    let shown = overview(&troubled());
    let coloured = text(&shown, shown.at, Look { width: 100, height: None, colour: true });
    assert!(coloured.contains("\u{1b}[1m\u{1b}[33mheld\u{1b}[0m"), "{coloured:?}");
    assert!(!plain(&shown).contains('\u{1b}'));
}

#[test]
fn json_has_the_shape_that_is_documented() {
    let written = serde_json::to_value(overview(&troubled())).unwrap();
    assert_eq!(written["at"], "2026-11-29T12:00:00Z");
    assert_eq!(written["assignments"][2]["state"], "inForce");
    assert_eq!(written["assignments"][2]["named"], json!(["role sales"]));
    assert_eq!(written["assignments"][2]["objects"][0]["modified"], "2026-11-29 by ordain");
    assert_eq!(written["assignments"][0]["since"], "2026-11-29T11:30:00Z");
    assert_eq!(written["held"][0]["removals"], 12);
    let schema = crate::overview::schema();
    let properties = schema["properties"].as_object().unwrap();
    let told: Vec<_> = written.as_object().unwrap().keys().collect();
    assert_eq!(told.len(), properties.len());
    assert!(told.iter().all(|key| properties.contains_key(*key)), "{told:?}");
}

#[test]
fn who_holds_most_back_comes_first_and_before_all_what_is_not_counted() {
    use crate::{
        api::SystemName,
        model::{BackendId, BackendKind},
        overview::BackendGlance,
    };
    let held = |all: &mut Cluster, name: &str, message: &str| {
        let status = json!({"observedGeneration": 1,
            "conditions": [condition("Ready", "True", "Connected", ""), condition("Held", "True", "HeldByGuard", message)]});
        let id = BackendId { kind: BackendKind::Backend, namespace: "mobile".into(), name: name.into() };
        all.backends.insert(id, super::seen(BackendGlance { system: SystemName::Wso2 }, &status));
    };
    let waiting = |count: usize| format!("{count} removals are waiting and 0 were made within the window");
    let mut all = Cluster::default();
    for (name, message) in [
        ("few", waiting(9)),
        ("many", waiting(200)),
        ("somebody-elses-words", "a lot is waiting".to_owned()),
        ("more", waiting(30)),
    ] {
        held(&mut all, name, &message);
    }
    let shown = overview(&all);
    let order: Vec<_> = shown.held.iter().map(|one| one.backend.as_str()).collect();
    let expected =
        ["somebody-elses-words", "many", "more", "few"].map(|name| format!("Backend/mobile/{name}"));
    assert_eq!(order, expected);
    let text = plain(&shown);
    let at = |name: &str| text.find(&format!("\nBackend/mobile/{name}: ")).unwrap();
    assert!(expected.iter().map(|backend| at(&backend["Backend/mobile/".len()..])).is_sorted(), "{text}");
}
