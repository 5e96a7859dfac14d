//! What a plan says: the schema of `ordain plan --output json`, and the order in which everything is told.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::reckoned;

/// What applying the manifests would change. Everything is sorted: what is lost or widened first, then by item.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Counts, and the plan in one line.
    pub summary: Summary,
    /// Backends that something would change on, or that could not be asked.
    pub backends: Vec<BackendPlan>,
    /// What is wrong with assignments that no backend takes.
    pub problems: Vec<Problem>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// Counts of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The plan in one line.
    pub text: String,
    /// Changes of objects and documents in the systems.
    pub changes: u32,
    /// Changes that remove, switch off or put something back.
    pub removing: u32,
    /// Changes that reach more than before.
    pub widening: u32,
    /// Objects that would be created.
    pub creating: u32,
    /// Elements that would be removed, as `guard.maxRemovals` counts them.
    pub removals: u32,
    /// Changes whose removals the guard would hold.
    pub held: u32,
    /// Problems of severity `Error`, and backends that could not be asked.
    pub errors: u32,
}

/// What would change on one backend.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendPlan {
    /// `Backend/<namespace>/<name>` or `ClusterBackend/<name>`.
    pub backend: String,
    /// As spelled in `spec.system`.
    pub system: String,
    /// Why it could not be asked; then nothing is known of what would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// The guard holds removals (R2): both numbers, and the ways on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What is said of the deploy that has to follow, where the system has one (R18).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<String>,
    /// What would be done to objects and documents.
    pub changes: Vec<Change>,
    /// What is let go of and stays in the system as it is.
    pub left_behind: Vec<LeftBehind>,
    /// What is refused, left out, blocked or waits.
    pub problems: Vec<Problem>,
    /// What only the operator knows, and other remarks.
    pub notes: Vec<String>,
}

/// What is done to an object or document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Effect {
    /// An object is switched off, then removed.
    Delete,
    /// An object is switched off and emptied, where the system removes none.
    Disable,
    /// Former values are put back.
    Restore,
    /// An object is made.
    Create,
    /// Another group's document is copied over this one.
    Copy,
    /// An object or document is changed.
    Update,
    /// An object gets another place in the account's order.
    Move,
}

/// Why it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Cause {
    /// The manifests say so.
    Edit,
    /// An assignment lets go of it.
    Release,
    /// Somebody changed it in the system; the manifests say what they said before.
    Drift,
}

/// One change of one object or document.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What is done.
    pub effect: Effect,
    /// Why.
    pub cause: Cause,
    /// What it is done to, within the account.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// The id in the system, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// PolicyAssignments it is done for, as `<namespace>/<name>`.
    pub assignments: Vec<String>,
    /// Elements that are removed, as `guard.maxRemovals` counts them.
    pub removals: u32,
    /// It reaches more than before.
    pub widens: bool,
    /// The guard would hold its removals.
    pub held: bool,
    /// What differs, place by place.
    pub details: Vec<Detail>,
}

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// Path of a setting, `members/<kind>`, `enabled`, `mark` or `priority`.
    pub path: String,
    /// What stands there; absent where nothing does, or where it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What would stand there; absent where nothing would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Members or elements that are added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Members or elements that are removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// What cannot be shown, in words: a secret, a value only the operator knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Detail {
    /// Nothing yet said of a place.
    pub fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            before: None,
            after: None,
            added: Vec::new(),
            removed: Vec::new(),
            note: None,
        }
    }
}

/// What is let go of without a call: `releasePolicy: Orphan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftBehind {
    /// What it is, within the account.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// Who lets go of it.
    pub assignment: String,
    /// Which settings of it; empty: all of it.
    pub paths: Vec<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Severity {
    /// Something of the manifests cannot be done: the exit status is 1.
    Error,
    /// Something is left out, or waits.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// The reason, as it would stand in a condition.
    pub reason: String,
    /// What it is about.
    pub subject: String,
    /// What is wrong, what is allowed, what to do.
    pub message: String,
}

/// What a plan came to: its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing would change.
    Nothing,
    /// Something would.
    Changes,
    /// Something cannot be done, or could not be found out.
    Error,
}

/// The JSON schema of [`Report`], as it is written.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Report>().to_value()
}

impl Report {
    /// Sorts and counts.
    pub fn new(mut backends: Vec<BackendPlan>, mut problems: Vec<Problem>, notes: Vec<String>) -> Self {
        problems.sort();
        for plan in &mut backends {
            plan.changes.sort_by(|a, b| a.order().cmp(&b.order()));
            plan.left_behind.sort_by(|a, b| (&a.item, &a.assignment).cmp(&(&b.item, &b.assignment)));
            plan.problems.sort();
            plan.problems.dedup();
        }
        backends.sort_by(|a, b| a.order().cmp(&b.order()));
        let summary = summary(&backends, &problems);
        Self { summary, backends, problems, notes }
    }

    /// What it came to.
    pub fn outcome(&self) -> Outcome {
        let lets_go = self.backends.iter().any(|plan| !plan.left_behind.is_empty());
        match &self.summary {
            summary if summary.errors > 0 => Outcome::Error,
            summary if summary.changes > 0 || lets_go => Outcome::Changes,
            _ => Outcome::Nothing,
        }
    }
}

impl BackendPlan {
    /// What could not be asked, then what loses or widens something, then what changes at all.
    fn order(&self) -> (bool, bool, bool, &str) {
        let first = self.changes.iter().any(Change::comes_first);
        (self.error.is_none(), !first, self.changes.is_empty(), &self.backend)
    }
}

impl Change {
    /// Whether something is lost or reached anew: told first.
    pub fn comes_first(&self) -> bool {
        self.removals > 0
            || self.widens
            || matches!(self.effect, Effect::Delete | Effect::Disable | Effect::Restore)
    }

    fn order(&self) -> (bool, bool, Effect, &str) {
        (!self.comes_first(), self.removals == 0, self.effect, &self.item)
    }
}

fn count<'a>(changes: impl Iterator<Item = &'a Change>, of: impl Fn(&Change) -> bool) -> u32 {
    u32::try_from(changes.filter(|change| of(change)).count()).unwrap_or(u32::MAX)
}

fn summary(backends: &[BackendPlan], problems: &[Problem]) -> Summary {
    let all = || backends.iter().flat_map(|plan| &plan.changes);
    let bad = |problem: &&Problem| problem.severity == Severity::Error;
    let errors = problems.iter().filter(bad).count()
        + backends.iter().filter(|plan| plan.error.is_some()).count()
        + backends.iter().flat_map(|plan| &plan.problems).filter(bad).count();
    let changed = backends.iter().filter(|plan| !plan.changes.is_empty()).count();
    let mut summary = Summary {
        text: String::new(),
        changes: count(all(), |_| true),
        removing: count(all(), |change| change.removals > 0),
        widening: count(all(), |change| change.widens),
        creating: count(all(), |change| change.effect == Effect::Create),
        removals: all().map(|change| change.removals).fold(0, u32::saturating_add),
        held: count(all(), |change| change.held),
        errors: u32::try_from(errors).unwrap_or(u32::MAX),
    };
    let left: usize = backends.iter().map(|plan| plan.left_behind.len()).sum();
    summary.text = in_words(&summary, changed, left);
    summary
}

fn in_words(summary: &Summary, backends: usize, left: usize) -> String {
    let mut text = match summary.changes {
        0 => "nothing would change".to_owned(),
        changes => {
            let on = reckoned(backends, "backend");
            let what = reckoned(usize::try_from(changes).unwrap_or(usize::MAX), "change");
            format!("{what} on {on}")
        }
    };
    let parts = [
        (summary.removing, "removing something"),
        (summary.widening, "reaching more than before"),
        (summary.held, "held by the guard"),
    ];
    for (number, words) in parts.into_iter().filter(|(number, _)| *number > 0) {
        text += &format!(", {number} {words}");
    }
    if left > 0 {
        text += &format!("; {} let go of and left as it is", reckoned(left, "thing"));
    }
    if summary.errors > 0 {
        text += &format!("; {}", reckoned(usize::try_from(summary.errors).unwrap_or(usize::MAX), "error"));
    }
    text
}
