//! From what a worker foresees to what a plan says. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    report::{BackendPlan, Cause, Change, Detail, Effect, LeftBehind, Problem, Severity},
    trouble,
};
use crate::{
    api::SystemName,
    drivers::{DesiredItem, Members},
    index::Desired,
    model::{ItemKey, LeafPath, MemberKind, ObjectName, ObservedItem, reckoned},
    plan::{self, ChangeKind, Difference, diff::elements_lost, draft::DRIFT},
    worker::{
        outstanding::Counted,
        preview::{Known, Preview, is_former},
    },
};

/// Instead of a value whose content comes from a Secret.
const SECRET: &str = "<secret>";

/// A backend that could not be asked.
pub(super) fn unreachable(then: &Desired, reason: &str, message: &str) -> BackendPlan {
    let subject = then.backend.id.to_string();
    let (reason, message) = (reason.to_owned(), message.to_owned());
    let error = Problem { severity: Severity::Error, reason, subject, message };
    BackendPlan { error: Some(error), ..empty(then) }
}

/// A backend that is not to be asked.
pub(super) fn suspended(then: &Desired) -> BackendPlan {
    let note =
        "it is suspended: the operator makes no call until spec.suspend is false, and neither does a plan";
    BackendPlan { notes: vec![note.into()], ..empty(then) }
}

fn empty(then: &Desired) -> BackendPlan {
    BackendPlan {
        backend: then.backend.id.to_string(),
        system: then.backend.system.name().to_string(),
        error: None,
        held: None,
        deploy: None,
        changes: Vec::new(),
        left_behind: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    }
}

/// What a worker foresees, in the words of a report.
pub(super) fn shape(now: Option<&Desired>, then: &Desired, known: &Known, preview: Preview) -> BackendPlan {
    let context = Context { now, then, preview: &preview };
    let moves = preview.moves.iter().filter(|m| !preview.changes.iter().any(|c| c.item == m.item));
    let changes = preview.changes.iter().filter_map(|change| context.change(change));
    let changes: Vec<Change> = changes.chain(moves.map(|m| context.moved(m))).collect();
    let left_behind = preview.orphaned.iter().map(|release| LeftBehind {
        item: release.item.to_string(),
        title: context.title(&release.item),
        assignment: release.by.to_string(),
        paths: release.leaves.iter().flatten().map(ToString::to_string).collect(),
    });
    BackendPlan {
        held: preview.held.clone(),
        deploy: deploy(&preview, &changes),
        left_behind: left_behind.collect(),
        problems: trouble::problems(now, then, known, &preview),
        notes: notes(&preview, known, &changes),
        changes,
        ..empty(then)
    }
}

fn deploy(preview: &Preview, changes: &[Change]) -> Option<String> {
    if let Some(held) = &preview.deploy_held {
        return Some(format!("nothing is written before this is settled: {held}"));
    }
    let words = match preview.deploys? {
        true => "a deploy of the whole account follows by itself",
        false => "deploy.mode is Manual: devices get nothing of it before somebody deploys in the console",
    };
    (!changes.is_empty()).then(|| words.to_owned())
}

fn notes(preview: &Preview, known: &Known, changes: &[Change]) -> Vec<String> {
    let mut notes: Vec<String> = preview
        .observing
        .iter()
        .map(|(name, summary)| {
            format!("{name} only observes (mode: Observe), nothing is written; with Apply {summary}")
        })
        .collect();
    if changes.iter().any(|change| change.removals > 0) {
        notes.extend(what_was_counted(preview, known));
    }
    if !preview.facts.reads && !changes.is_empty() {
        notes.push(
            "nothing can be read from this system (spec.system.appShield.paths): what stands there is told as it was \
             applied last, and a save replaces what somebody made of it since"
                .to_owned(),
        );
    }
    if changes.iter().any(|change| change.effect == Effect::Copy) {
        notes.push("settings of a copied document are compared once the copy is made".to_owned());
    }
    if preview.facts.ordered && changes.iter().any(|change| change.effect == Effect::Create) {
        notes.push(
            "an object gets its place in the order once it exists; places of others of ours may change with it"
                .to_owned(),
        );
    }
    if !preview.secrets.is_empty() {
        notes.push(
            "whether a Secret holds something new since it was last sent, only the operator knows".to_owned(),
        );
    }
    notes
}

/// What the verdict of the guard rests on (R2): the operator counts what is outstanding on the whole account.
fn what_was_counted(preview: &Preview, known: &Known) -> Vec<String> {
    let Counted { told, others, unread } = preview.counted;
    let mut notes = vec![format!(
        "counted for the guard: {} of this plan and {others} that other assignments on this backend have outstanding. It \
         also counts removals made within its window, which only the operator knows",
        reckoned(told, "removal")
    )];
    if unread > 0 {
        notes.push(format!(
            "not counted, since a plan does not read so much: {} of other assignments that the operator is not done with",
            reckoned(unread, "thing")
        ));
    }
    notes.extend(
        known.held.as_ref().map(|held| format!("the operator holds removals on this backend now: {held}")),
    );
    notes
}

struct Context<'a> {
    now: Option<&'a Desired>,
    then: &'a Desired,
    preview: &'a Preview,
}

impl Context<'_> {
    fn title(&self, item: &ItemKey) -> String {
        self.preview.titles.get(item).cloned().unwrap_or_default()
    }

    /// `None` where no call follows.
    fn change(&self, change: &plan::Change) -> Option<Change> {
        let item = &change.item;
        let (effect, observed, details) = match &change.kind {
            ChangeKind::Forget | ChangeKind::Hold => return None,
            ChangeKind::Seed(seed) => {
                let from = format!("customer {}, group {}", seed.from.0, seed.from.1);
                let note = Some(format!("the whole document of {from}, revision {}", seed.revision));
                (Effect::Copy, None, vec![Detail { note, ..Detail::at("replicateFrom") }])
            }
            ChangeKind::Create(desired) => (Effect::Create, None, created(desired)),
            ChangeKind::Update { desired, observed, difference, restore } => {
                let mut details = self.updated(desired, observed, difference);
                details.extend(self.restored(item, observed, restore));
                (Effect::Update, Some(observed), details)
            }
            ChangeKind::Restore { observed, leaves, members } => {
                let leaves = self.restored(item, observed, leaves);
                let details = leaves.into_iter().chain(members_back(observed, members));
                (Effect::Restore, Some(observed), details.collect())
            }
            ChangeKind::Retire { observed, .. } => {
                let effect = if self.preview.facts.deletes { Effect::Delete } else { Effect::Disable };
                (effect, Some(observed), blind(observed).into_iter().chain(reached(observed)).collect())
            }
        };
        let place = self.preview.moves.iter().find(|moved| moved.item == *item).map(place);
        Some(Change {
            effect,
            cause: cause(change),
            item: item.to_string(),
            title: observed.map_or_else(|| self.title(item), |observed| self.name(item, observed)),
            id: observed.and_then(|observed| observed.id.as_ref()).map(ToString::to_string),
            assignments: change.assignments.iter().map(ToString::to_string).collect(),
            removals: change.removals(),
            widens: self.widens(change),
            held: self.preview.held_items.contains(item),
            details: details.into_iter().chain(place).collect(),
        })
    }

    fn name(&self, item: &ItemKey, observed: &ObservedItem) -> String {
        let title = self.title(item);
        if title.is_empty() { observed.name.clone() } else { title }
    }

    fn moved(&self, moved: &plan::order::Move) -> Change {
        Change {
            effect: Effect::Move,
            cause: Cause::Edit,
            item: moved.item.to_string(),
            title: self.title(&moved.item),
            id: Some(moved.id.to_string()),
            assignments: Vec::new(),
            removals: 0,
            widens: false,
            held: false,
            details: vec![place(moved)],
        }
    }

    /// Whether somebody is reached who was not before.
    fn widens(&self, change: &plan::Change) -> bool {
        let writes = matches!(change.kind, ChangeKind::Create(_) | ChangeKind::Update { .. });
        let everyone = || change.assignments.iter().any(|name| self.says_everyone_anew(name));
        match &change.kind {
            _ if writes && everyone() => true,
            ChangeKind::Update { observed, difference, .. } => {
                let new_target = observed.key.is_some() && self.is_new_to(&change.item, &change.assignments);
                new_target
                    || !difference.add.is_empty()
                    || self.opens(difference.switch, !difference.remove.is_empty())
            }
            ChangeKind::Retire { .. } => self.opens(Some(false), true),
            _ => false,
        }
    }

    /// Constraints of App Shield narrow what people see: off, or for fewer people, they open (appshield sheet section 4).
    fn opens(&self, switch: Option<bool>, fewer: bool) -> bool {
        self.then.backend.system.name() == SystemName::AppShield && (switch == Some(false) || fewer)
    }

    /// A target that a living assignment did not reach.
    fn is_new_to(&self, item: &ItemKey, assignments: &BTreeSet<ObjectName>) -> bool {
        let lived = |name: &ObjectName| self.now.is_some_and(|now| now.assignments.contains_key(name));
        let held = |name: &ObjectName| self.preview.before.contains(&(item.clone(), name.clone()));
        assignments.iter().any(lived) && !assignments.iter().any(held)
    }

    fn says_everyone_anew(&self, name: &ObjectName) -> bool {
        let everyone = |desired: &Desired| {
            let view = desired.assignments.get(name);
            view.and_then(|view| view.binding()).is_some_and(|binding| binding.reach.everyone)
        };
        everyone(self.then) && !self.now.is_some_and(everyone)
    }

    fn is_secret(&self, item: &ItemKey, path: &LeafPath) -> bool {
        self.preview.secrets.contains(&(item.clone(), path.clone()))
    }

    fn updated(
        &self,
        desired: &DesiredItem,
        observed: &ObservedItem,
        difference: &Difference,
    ) -> Vec<Detail> {
        let leaves = difference.leaves.iter().map(|path| self.leaf(desired, observed, path));
        let mut details: Vec<Detail> = blind(observed).into_iter().chain(leaves).collect();
        // What others wrote there may be a secret of theirs: only that it goes is told.
        details.extend(
            difference
                .extra
                .iter()
                .map(|path| Detail { removed: vec![path.to_string()], ..Detail::at(path.to_string()) }),
        );
        let kinds: BTreeSet<MemberKind> =
            difference.add.keys().chain(difference.remove.keys()).copied().collect();
        let names = |of: &BTreeMap<MemberKind, BTreeSet<String>>, kind| -> Vec<String> {
            of.get(&kind).into_iter().flatten().cloned().collect()
        };
        details.extend(kinds.into_iter().map(|kind| Detail {
            added: names(&difference.add, kind),
            removed: names(&difference.remove, kind),
            ..Detail::at(members(kind))
        }));
        details.extend(difference.switch.map(|on| Detail {
            before: observed.enabled.map(Value::from),
            after: Some(on.into()),
            ..Detail::at("enabled")
        }));
        let mark =
            || Detail { note: Some("our mark is added to the description".into()), ..Detail::at("mark") };
        details.extend(difference.unmarked.then(mark));
        let again = || Detail { note: Some("sent again: it cannot be read".into()), ..Detail::at("(all)") };
        details.extend(difference.again.then(again));
        details
    }

    fn leaf(&self, desired: &DesiredItem, observed: &ObservedItem, path: &LeafPath) -> Detail {
        let wanted = desired.leaves.get(path).map(|leaf| &leaf.value);
        let stands = observed.leaves.get(path);
        if self.is_secret(&desired.key, path) {
            let hidden = |value: Option<&Value>| value.map(|_| SECRET.into());
            return Detail { before: hidden(stands), after: hidden(wanted), ..Detail::at(path.to_string()) };
        }
        let lost = wanted.map_or(0, |wanted| elements_lost(stands, wanted));
        let note = (lost > 0).then(|| format!("removes {} of the list", reckoned(lost, "element")));
        Detail { before: stands.cloned(), after: wanted.cloned(), note, ..Detail::at(path.to_string()) }
    }

    fn restored(
        &self,
        item: &ItemKey,
        observed: &ObservedItem,
        leaves: &BTreeMap<LeafPath, Value>,
    ) -> Vec<Detail> {
        let detail = |(path, former): (&LeafPath, &Value)| {
            let hide = self.is_secret(item, path);
            let shown = |value: &Value| if hide { SECRET.into() } else { value.clone() };
            let unknown = is_former(former);
            Detail {
                before: observed.leaves.get(path).map(shown),
                after: (!unknown && !former.is_null()).then(|| shown(former)),
                note: unknown
                    .then(|| "put back to what stood there before, which only the operator knows".into()),
                ..Detail::at(path.to_string())
            }
        };
        leaves.iter().map(detail).collect()
    }
}

/// The place in the account's order that an object gets.
fn place(moved: &plan::order::Move) -> Detail {
    Detail { after: Some(moved.slot.into()), ..Detail::at("priority") }
}

fn cause(change: &plan::Change) -> Cause {
    match &change.kind {
        ChangeKind::Retire { .. } | ChangeKind::Restore { .. } => Cause::Release,
        _ if change.why == DRIFT => Cause::Drift,
        _ => Cause::Edit,
    }
}

/// What is said first of an object of which nothing but the id is known here.
fn blind(observed: &ObservedItem) -> Option<Detail> {
    let note = "cannot be read, and what was applied last is not known here: the save replaces what stands there, whoever it \
                reaches; counted as one removal";
    observed.is_blind().then(|| Detail { note: Some(note.into()), ..Detail::at("(all)") })
}

/// Who goes when an adopted object is put back. Whom we took out only the operator knows.
fn members_back(observed: &ObservedItem, wanted: &Members) -> Vec<Detail> {
    let back = |(kind, wanted): (&MemberKind, &BTreeSet<String>)| {
        let stand = observed.members.get(kind);
        Detail {
            removed: stand.into_iter().flat_map(|stand| stand.difference(wanted)).cloned().collect(),
            note: Some(
                "as far as they were not there before, and with those that were taken out, which only the operator knows"
                    .into(),
            ),
            ..Detail::at(members(*kind))
        }
    };
    wanted.iter().map(back).collect()
}

/// Whom an object reaches that goes.
fn reached(observed: &ObservedItem) -> Vec<Detail> {
    let members = observed.members.iter().filter(|(_, names)| !names.is_empty()).map(|(kind, names)| {
        Detail { removed: names.iter().cloned().collect(), ..Detail::at(members(*kind)) }
    });
    members.collect()
}

fn members(kind: MemberKind) -> String {
    format!("members/{kind:?}")
}

fn created(desired: &DesiredItem) -> Vec<Detail> {
    let leaves = desired.leaves.iter().map(|(path, leaf)| {
        let after = if leaf.secret { SECRET.into() } else { leaf.value.clone() };
        Detail { after: Some(after), ..Detail::at(path.to_string()) }
    });
    let members = desired
        .members
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(kind, names)| Detail { added: names.iter().cloned().collect(), ..Detail::at(members(*kind)) });
    let enabled = desired.enabled.map(|on| Detail { after: Some(on.into()), ..Detail::at("enabled") });
    leaves.chain(members).chain(enabled).collect()
}
