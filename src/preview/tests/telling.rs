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
