//! The effect log: a line for each item that a step on a system touched, and what came of it.
//!
//! Written where the change journal is ([`super::apply`]), once the answer is there: a process that dies during a call has
//! the journal alone. A line names settings and never says what they hold: before and after are keyed digests, which tell
//! equal from different and nothing else (R22), and of a failure it tells reason, call and status, while what the system
//! answered, which may repeat what was sent, is left to the status. Unless somebody else changed an item meanwhile, or other
//! settings of it are managed since, what one line calls `after` the next one about its content calls `before`.

use std::collections::{BTreeMap, BTreeSet};

use super::{apply::Hand, journal::name, record};
use crate::{
    drivers::{Class, DesiredItem, DriverError, Outcome, Step, http::effects::Work},
    model::{
        Digest, Digester, ExternalId, ItemKey, LeafPath, ObjectName,
        memory::{ItemRecord, Memory},
    },
    plan::{diff::leaf_digest, steps::PlannedStep},
};

/// The target of these lines, for `--log`.
pub const TARGET: &str = "ordain::effect";
/// Names in a list of one line; the rest is counted.
const NAMED: usize = 5;
/// Hexadecimal digits of a digest in a line.
const DIGITS: usize = 12;
/// Nothing there, or not known.
const NOTHING: &str = "-";

/// Leaves by path, and members, as digests.
#[derive(Debug, Clone, Default, PartialEq)]
struct Content {
    leaves: BTreeMap<LeafPath, Digest>,
    members: Option<Digest>,
    /// Put back as they were: they change, and are no longer looked at afterwards.
    let_go: BTreeMap<LeafPath, Digest>,
}

/// One side of a change.
#[derive(Debug, Clone, PartialEq)]
enum Side {
    Nothing,
    Word(String),
    Content(Content),
}

/// Writes the lines of one step. `work`: the calls it made.
pub(super) fn tell(
    hand: &Hand<'_>,
    planned: &PlannedStep,
    result: &Result<Outcome, DriverError>,
    memory: &Memory,
    work: &Work,
) {
    if !tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        return;
    }
    let digester = hand.store.digester();
    let error = result.as_ref().err();
    let telling = error.and(work.telling.as_ref());
    let items: Vec<Option<&ItemKey>> =
        if planned.items.is_empty() { vec![None] } else { planned.items.iter().map(Some).collect() };
    for (at, item) in items.iter().enumerate() {
        let record = item.and_then(|item| memory.items.get(item));
        let (before, after) = sides(hand, &digester, &planned.step, *item, record);
        let who = item.map(|item| who(&planned.step, item, memory)).unwrap_or_default();
        tracing::info!(
            target: TARGET,
            backend = %hand.backend,
            system = hand.driver.translate().facts().system,
            object = item.map(tracing::field::display),
            id = id(result, record).map(tracing::field::display),
            title = title(&planned.step, *item, record),
            verb = name(&planned.step),
            changes = changes(&before, &after),
            why = %planned.why,
            policies = policies(hand, *item, &who, memory),
            assignments = some(who.iter().map(ToString::to_string)),
            before = before.text(&digester),
            after = after.text(&digester),
            outcome = outcome(result),
            reason = error.map(|error| error.reason.as_str()),
            call = telling.map(|made| made.call.as_str()),
            status = telling.and_then(|made| made.status),
            requests = work.effects,
            part = format!("{}/{}", at + 1, items.len()),
            "effect"
        );
    }
}

/// As the system calls it; of what was just made, from its answer.
fn id<'a>(
    result: &'a Result<Outcome, DriverError>,
    record: Option<&'a ItemRecord>,
) -> Option<&'a ExternalId> {
    let made = result.as_ref().ok().and_then(|outcome| match outcome {
        Outcome::Applied { id, .. } => id.as_ref(),
        Outcome::Pending { .. } => None,
    });
    made.or_else(|| record.and_then(|record| record.id.as_ref()))
}

fn outcome(result: &Result<Outcome, DriverError>) -> &'static str {
    match result {
        Ok(Outcome::Applied { .. }) => "applied",
        Ok(Outcome::Pending { .. }) => "pending",
        Err(error) if matches!(error.class, Class::Ambiguous) => "unknown",
        Err(_) => "failed",
    }
}

/// On whose behalf: who contributes, else who holds it.
fn who(step: &Step, item: &ItemKey, memory: &Memory) -> BTreeSet<ObjectName> {
    let contributors = desired(step, item).map(|desired| &desired.contributors).filter(|who| !who.is_empty());
    contributors.cloned().unwrap_or_else(|| memory.claims.on(item).map(|(who, _)| who.clone()).collect())
}

fn desired<'a>(step: &'a Step, item: &ItemKey) -> Option<&'a DesiredItem> {
    match step {
        Step::Create(desired) | Step::Replace { desired, .. } => Some(desired),
        Step::Write { changes, .. } => {
            changes.iter().map(|change| &change.desired).find(|desired| desired.key == *item)
        }
        _ => None,
    }
}

fn title<'a>(step: &'a Step, item: Option<&ItemKey>, record: Option<&'a ItemRecord>) -> Option<&'a str> {
    let wanted = item.and_then(|item| desired(step, item)).map(|desired| desired.title.as_str());
    wanted.filter(|title| !title.is_empty()).or(record.map(|record| record.title.as_str()))
}

/// The Policies, each with the generation that the item was compiled from: of what is released, when it was last sent.
fn policies(
    hand: &Hand<'_>,
    item: Option<&ItemKey>,
    who: &BTreeSet<ObjectName>,
    memory: &Memory,
) -> Option<String> {
    let bindings = who.iter().filter_map(|name| Some((name, hand.assignments.get(name)?.binding()?)));
    let of = |(name, binding): (&ObjectName, &crate::drivers::Binding)| {
        let key = item.map(|item| (item.clone(), name.clone()));
        let claim = key.and_then(|key| hand.claims.get(&key).or_else(|| memory.claims.get(&key)));
        let generation = claim.map_or(binding.policy_generation, |claim| claim.policy_generation);
        format!("{}/{}@{generation}", name.namespace, binding.policy_name)
    };
    some(bindings.map(of).collect::<BTreeSet<_>>().into_iter())
}

fn some(words: impl ExactSizeIterator<Item = String>) -> Option<String> {
    let more = words.len().saturating_sub(NAMED);
    let text = words.take(NAMED).collect::<Vec<_>>().join(", ");
    match more {
        0 if text.is_empty() => None,
        0 => Some(text),
        more => Some(format!("{text} and {more} more")),
    }
}

fn sides(
    hand: &Hand<'_>,
    digester: &Digester,
    step: &Step,
    item: Option<&ItemKey>,
    record: Option<&ItemRecord>,
) -> (Side, Side) {
    let stands = || record.and_then(stands).map_or(Side::Nothing, Side::Content);
    let driver = hand.driver.translate();
    let canonical = |path: &LeafPath, value: &serde_json::Value| {
        (path.clone(), digester.json(&driver.canonicalise(path, value)))
    };
    match (step, item) {
        (Step::SetEnabled { enabled, .. }, _) => (switch(!enabled), switch(*enabled)),
        (Step::Reorder(places), Some(_)) => {
            let place = record.and_then(|record| record.id.as_ref());
            let new = places.iter().find(|(id, _)| Some(id) == place).map(|(_, place)| *place);
            (slot(record.and_then(|record| record.slot)), slot(new))
        }
        (Step::Create(desired), _) => (Side::Nothing, Side::Content(wanted(hand, digester, desired))),
        (Step::Replace { desired, .. }, _) => (stands(), Side::Content(wanted(hand, digester, desired))),
        (Step::Write { changes, .. }, Some(item)) => {
            let change = changes.iter().find(|change| change.desired.key == *item);
            let after = change.map(|change| {
                let mut content = wanted(hand, digester, &change.desired);
                content.let_go = change.restore.iter().map(|(path, value)| canonical(path, value)).collect();
                content
            });
            (stands(), after.map_or(Side::Nothing, Side::Content))
        }
        (Step::Restore { leaves, members, .. }, _) => {
            let leaves = leaves.iter().map(|(path, value)| canonical(path, value)).collect();
            let members = Some(record::members_digest(digester, members.keys(), members));
            (stands(), Side::Content(Content { leaves, members, ..Content::default() }))
        }
        (Step::Delete(_), _) => (stands(), Side::Nothing),
        _ => (Side::Nothing, Side::Nothing),
    }
}

fn switch(on: bool) -> Side {
    Side::Word(if on { "on" } else { "off" }.to_owned())
}

fn slot(place: Option<i64>) -> Side {
    place.map_or(Side::Nothing, |place| Side::Word(format!("place {place}")))
}

/// As last read; of secrets that cannot be read, as last sent.
fn stands(record: &ItemRecord) -> Option<Content> {
    let observed = record.observed.as_ref()?;
    let leaves = observed.leaves.iter().chain(&record.secrets).cloned().collect();
    Some(Content { leaves, members: Some(observed.members), ..Content::default() })
}

fn wanted(hand: &Hand<'_>, digester: &Digester, desired: &DesiredItem) -> Content {
    let digest =
        |(path, leaf)| (LeafPath::clone(path), leaf_digest(hand.driver.translate(), digester, path, leaf));
    let members = record::members_digest(digester, desired.members.keys(), &desired.members);
    let leaves = desired.leaves.iter().map(digest).collect();
    Content { leaves, members: Some(members), ..Content::default() }
}

/// Names of the settings that differ, never what they hold.
fn changes(before: &Side, after: &Side) -> Option<String> {
    let Side::Content(after) = after else { return None };
    let none = Content::default();
    let before = if let Side::Content(before) = before { before } else { &none };
    let differs = |(path, digest): &(&LeafPath, &Digest)| before.leaves.get(*path) != Some(*digest);
    let leaves = after.leaves.iter().chain(&after.let_go).filter(differs).map(|(path, _)| path.to_string());
    let members = (before.members != after.members && after.members.is_some()).then(|| "members".to_owned());
    some(leaves.chain(members).collect::<Vec<_>>().into_iter())
}

impl Side {
    fn text(&self, digester: &Digester) -> String {
        match self {
            Self::Nothing => NOTHING.to_owned(),
            Self::Word(word) => word.clone(),
            Self::Content(content) => {
                let all = digester.bytes(format!("{:?} {:?}", content.leaves, content.members).as_bytes());
                all.to_string().chars().take(DIGITS).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_counted() {
        let words = |n: usize| some((0..n).map(|n| format!("a{n}")));
        let cases = [
            ("nothing is no field", 0, None),
            ("one", 1, Some("a0")),
            ("as many as are named", 5, Some("a0, a1, a2, a3, a4")),
            ("more", 7, Some("a0, a1, a2, a3, a4 and 2 more")),
        ];
        for (why, n, expected) in cases {
            assert_eq!(words(n).as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn only_what_differs_is_named() {
        let leaf = |name: &str, digest| (LeafPath(name.into()), Digest(digest));
        let content = |leaves: &[(LeafPath, Digest)], members| {
            Side::Content(Content {
                leaves: leaves.iter().cloned().collect(),
                members: Some(Digest(members)),
                ..Content::default()
            })
        };
        let before = content(&[leaf("a", 1), leaf("b", 2)], 3);
        let cases = [
            ("the same", before.clone(), None),
            ("one leaf", content(&[leaf("a", 9), leaf("b", 2)], 3), Some("a")),
            ("a new leaf and members", content(&[leaf("c", 1), leaf("b", 2)], 4), Some("c, members")),
            ("a switch has no settings", switch(true), None),
        ];
        for (why, after, expected) in cases {
            assert_eq!(changes(&before, &after).as_deref(), expected, "{why}");
        }
    }
}
