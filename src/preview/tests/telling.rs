//! How a plan is told: what is lost first, nothing that would be obeyed, nothing too long.

use super::{
    super::{
        report::{
            BackendPlan, Cause, Change, Detail, Effect, LeftBehind, Outcome, Problem, Report, Severity,
        },
        text::text,
    },
    *,
};

fn change(effect: Effect, item: &str, removals: u32) -> Change {
    Change {
        effect,
        cause: Cause::Edit,
        item: item.into(),
        title: item.to_uppercase(),
        id: None,
        assignments: vec!["team/web".into()],
        removals,
        widens: false,
        held: false,
        details: vec![],
    }
}

fn plan(changes: Vec<Change>) -> BackendPlan {
    BackendPlan {
        backend: "Backend/team/wso2".into(),
        system: "wso2".into(),
        error: None,
        held: None,
        deploy: None,
        changes,
        left_behind: vec![],
        problems: vec![],
        notes: vec![],
    }
}

fn problem(severity: Severity) -> Problem {
    let (reason, subject, message) = ("RoleNotFound".into(), "PolicyAssignment team/web".into(), "no".into());
    Problem { severity, reason, subject, message }
}

fn order(changes: Vec<Change>) -> Vec<String> {
    let report = Report::new(vec![plan(changes)], vec![], vec![]);
    report.backends[0].changes.iter().map(|change| change.item.clone()).collect()
}

#[test]
fn what_is_lost_or_widened_comes_first() {
    let wide = Change { widens: true, ..change(Effect::Update, "wide", 0) };
    let changes = vec![
        change(Effect::Update, "b", 0),
        change(Effect::Create, "new", 0),
        change(Effect::Update, "a", 0),
        wide,
        change(Effect::Update, "less", 2),
        change(Effect::Restore, "back", 1),
        change(Effect::Delete, "gone", 1),
    ];
    assert_eq!(order(changes), ["gone", "back", "less", "wide", "new", "a", "b"]);
}

#[test]
fn the_backend_to_look_at_comes_first() {
    let named = |name: &str, plan: BackendPlan| BackendPlan { backend: name.into(), ..plan };
    let failed = BackendPlan { error: Some(problem(Severity::Error)), ..plan(vec![]) };
    let backends = vec![
        named("a: nothing", plan(vec![])),
        named("b: creates", plan(vec![change(Effect::Create, "x", 0)])),
        named("c: removes", plan(vec![change(Effect::Delete, "x", 1)])),
        named("d: not asked", failed),
        named("e: removes", plan(vec![change(Effect::Update, "x", 1)])),
    ];
    let report = Report::new(backends, vec![], vec![]);
    let order: Vec<&str> = report.backends.iter().map(|plan| plan.backend.as_str()).collect();
    assert_eq!(order, ["d: not asked", "c: removes", "e: removes", "b: creates", "a: nothing"]);
}

#[test]
fn the_exit_status_is_that_of_the_worst() {
    let nothing = || plan(vec![]);
    let with = |severity| BackendPlan { problems: vec![problem(severity)], ..nothing() };
    let left = LeftBehind { item: "a".into(), title: "A".into(), assignment: "t/w".into(), paths: vec![] };
    let cases = [
        ("nothing", nothing(), Outcome::Nothing),
        ("a change", plan(vec![change(Effect::Create, "a", 0)]), Outcome::Changes),
        ("let go of", BackendPlan { left_behind: vec![left], ..nothing() }, Outcome::Changes),
        ("something waits", with(Severity::Warning), Outcome::Nothing),
        ("something worth knowing", with(Severity::Note), Outcome::Nothing),
        ("something cannot be done", with(Severity::Error), Outcome::Error),
        ("not asked", BackendPlan { error: Some(problem(Severity::Error)), ..nothing() }, Outcome::Error),
        (
            "a change and an error",
            BackendPlan { changes: vec![change(Effect::Create, "a", 0)], ..with(Severity::Error) },
            Outcome::Error,
        ),
    ];
    for (why, plan, expected) in cases {
        assert_eq!(Report::new(vec![plan], vec![], vec![]).outcome(), expected, "{why}");
    }
    let unbound = Report::new(vec![], vec![problem(Severity::Error)], vec![]);
    assert_eq!(unbound.outcome(), Outcome::Error, "an assignment without a backend");
}

#[test]
fn a_plan_reads_like_this() {
    let members = Detail {
        added: vec!["sales".into()],
        removed: vec!["ops".into(), "hr".into()],
        ..Detail::at("members/Role")
    };
    let leaf = Detail { before: Some(json!(3)), after: Some(json!("x")), ..Detail::at("/wtp/level") };
    let update = Change {
        id: Some("7".into()),
        held: true,
        widens: true,
        details: vec![leaf, members],
        ..change(Effect::Update, "a", 2)
    };
    let drift = Change { cause: Cause::Drift, ..change(Effect::Update, "c", 0) };
    let backend = BackendPlan {
        held: Some("2 removals are waiting".into()),
        deploy: Some("follows by itself".into()),
        problems: vec![problem(Severity::Warning)],
        ..plan(vec![drift, change(Effect::Create, "b", 0), update])
    };
    let expected = "\
## Ordain plan: 3 changes on 1 backend, 1 removing something, 1 reaching more than before, 1 held by the guard

### Backend/team/wso2 (wso2)

**Held by the guard.** 2 removals are waiting

**Removes, switches off, puts back or reaches more**

- **change** `A` (a, id 7), for team/web: removes 2, reaches more than before, **held by the guard**
  - `/wtp/level`: `3` → `\"x\"`
  - `members/Role` + `sales` − `ops`, `hr`

**Creates**

- **create** `B` (b), for team/web

**Changes**

- **change** `C` (c), for team/web: changed outside Git

**Problems**

- warning RoleNotFound: PolicyAssignment team/web: no

**Deploy:** follows by itself

> a note  
";
    assert_eq!(text(&Report::new(vec![backend], vec![], vec!["a note".into()])), expected);
}

/// An object that is one setting to the system is not told twice as a whole for one digit.
#[test]
fn of_objects_only_what_differs_is_told() {
    let cases = [
        (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}), "  - `x/b`: `2` → `3`\n"),
        (json!({"a": {"b": [1]}}), json!({"a": {"b": [2]}}), "  - `x/a/b`: `[1]` → `[2]`\n"),
        (json!({"a": 1}), json!({}), "  - `x/a`: `1` →\n"),
        (json!({}), json!({"a": 1}), "  - `x/a`: → `1`\n"),
        (json!({"a": 1}), json!(7), "  - `x`: `{\"a\":1}` → `7`\n"),
    ];
    for (before, after, expected) in cases {
        let detail = Detail { before: Some(before), after: Some(after), ..Detail::at("x") };
        let change = Change { details: vec![detail], ..change(Effect::Update, "a", 0) };
        let said = text(&Report::new(vec![plan(vec![change])], vec![], vec![]));
        assert!(said.ends_with(expected), "{said}");
    }
}

/// What is left out where it is empty must not be required of whoever reads the JSON by its schema.
#[test]
fn the_schema_requires_nothing_that_may_be_absent() {
    let bare = Change { details: vec![Detail::at("a")], ..change(Effect::Update, "a", 0) };
    let left = LeftBehind { item: "a".into(), title: "A".into(), assignment: "t/w".into(), paths: vec![] };
    let backend =
        BackendPlan { left_behind: vec![left], problems: vec![problem(Severity::Note)], ..plan(vec![bare]) };
    let report = serde_json::to_value(Report::new(vec![backend], vec![], vec![])).unwrap();
    let schema = super::super::report::schema();
    let places = [
        ("/required", "", 4),
        ("/$defs/Summary/required", "/summary", 8),
        ("/$defs/BackendPlan/required", "/backends/0", 6),
        ("/$defs/Change/required", "/backends/0/changes/0", 9),
        ("/$defs/Detail/required", "/backends/0/changes/0/details/0", 1),
        ("/$defs/LeftBehind/required", "/backends/0/leftBehind/0", 4),
        ("/$defs/Problem/required", "/backends/0/problems/0", 4),
    ];
    for (required, place, count) in places {
        let required = schema.pointer(required).unwrap().as_array().unwrap();
        assert_eq!(required.len(), count, "{place}: {required:?}");
        let object = report.pointer(place).unwrap();
        assert!(
            required.iter().all(|name| object.get(name.as_str().unwrap()).is_some()),
            "{place}: {object}"
        );
    }
}

#[test]
fn what_others_wrote_is_neither_obeyed_nor_endless() {
    let nasty = Detail {
        before: Some(json!("`\u{1b}[2J\n# Title")),
        after: Some(json!("y".repeat(5000))),
        ..Detail::at("a\u{7}b")
    };
    let change = Change {
        title: "evil\n- **delete** everything\u{1b}[31m".into(),
        details: vec![nasty],
        ..change(Effect::Update, "a", 0)
    };
    let said = text(&Report::new(vec![plan(vec![change])], vec![], vec![]));
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
    assert!(said.lines().all(|line| line.len() < 400 && !line.starts_with("- **delete**")), "{said}");
    assert!(said.contains("`` \"`"), "a value with a backtick stays within its fence: {said}");
}
