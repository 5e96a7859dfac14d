//! Which vendor object is which item (product.md section 4). Documents name themselves; objects are told by the
//! recorded id first, by their mark second, and by `adopt` only while no id is recorded.
//!
//! | recorded id | object with that id | objects with our mark | outcome |
//! |---|---|---|---|
//! | yes | there, our mark or none | – | found (a missing mark is drift) |
//! | yes | there, another identity's mark | – | `OwnedByAnother`: the id was reused, nothing is written |
//! | yes | gone | – | absent (`plan` counts confirming reads) |
//! | no | – | one | found: a lost store or a lost answer; adopted, if `adopt` is said |
//! | no | – | several | `AmbiguousIdentity`, nothing written |
//! | no | – | none, `adopt` names one | found, adopted |
//! | no | – | none, its name is taken | `NameConflict`, nothing written |
//!
//! Where names stand exactly as written there is no mark: a namesake is ours if our own create of it was under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{conditions::Reason, limits, validate::shown},
    model::{ExternalId, ItemKey, Mark, Observation, ObservedItem, OwnerId, memory::Memory},
};

/// What is being looked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The item.
    pub key: &'a ItemKey,
    /// A document, which names itself.
    pub document: bool,
    /// Its mark; documents and objects whose names stand exactly as written have none.
    pub mark: Option<Mark>,
    /// The name it will bear, for conflicts and adoption by name.
    pub name: &'a str,
    /// `spec.adopt`.
    pub adopt: Option<Adopt>,
}

/// `spec.adopt`, resolved among contributors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopt {
    /// `id`.
    Id(ExternalId),
    /// `byName: true`.
    ByName,
}

/// Why an item cannot be told, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Machine-readable.
    pub reason: Reason,
    /// For people.
    pub message: String,
}

/// What identifying came to.
#[derive(Debug, Default)]
pub struct Identified<'a> {
    /// Items and what stands for them at the vendor.
    pub found: BTreeMap<ItemKey, &'a ObservedItem>,
    /// Items found through `adopt` in this pass.
    pub adopted: BTreeSet<ItemKey>,
    /// Items that must not be touched.
    pub trouble: BTreeMap<ItemKey, Trouble>,
    /// Ids of further objects with the mark of a recorded one: reported, untouched.
    pub duplicates: BTreeMap<ItemKey, Vec<ExternalId>>,
    /// Objects with our owner's mark that no item claims (`objects.orphaned`), left alone.
    pub orphaned: Vec<&'a ObservedItem>,
    /// Objects without any mark that no item is: somebody else's (I4).
    pub foreign: Vec<&'a ObservedItem>,
}

/// Tells which observed object is which wanted item. `held`: somebody who is there holds this item, wanted now or not.
pub fn identify<'a>(
    wanted: &[Wanted<'_>],
    memory: &Memory,
    observation: &'a Observation,
    owner: &OwnerId,
    held: &dyn Fn(&ItemKey) -> bool,
) -> Identified<'a> {
    let mut out = Identified::default();
    let index = Index::new(observation, memory);
    for item in wanted {
        identify_one(item, memory, &index, &mut out);
    }
    sort_the_rest(memory, observation, owner, held, &mut out);
    out
}

struct Index<'a, 'm> {
    by_key: BTreeMap<&'a ItemKey, &'a ObservedItem>,
    by_id: BTreeMap<&'a ExternalId, &'a ObservedItem>,
    by_mark: BTreeMap<&'a Mark, Vec<&'a ObservedItem>>,
    by_name: BTreeMap<String, Vec<&'a ObservedItem>>,
    /// Ids that are recorded, and for which item.
    recorded: BTreeMap<&'m ExternalId, &'m ItemKey>,
}

impl<'a, 'm> Index<'a, 'm> {
    fn new(observation: &'a Observation, memory: &'m Memory) -> Self {
        let mut index = Self {
            by_key: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_mark: BTreeMap::new(),
            by_name: BTreeMap::new(),
            recorded: memory
                .items
                .iter()
                .filter_map(|(key, record)| Some((record.id.as_ref()?, key)))
                .collect(),
        };
        for item in &observation.items {
            if let Some(key) = &item.key {
                index.by_key.insert(key, item);
            }
            if let Some(id) = &item.id {
                index.by_id.insert(id, item);
                index.by_name.entry(fold(&item.name)).or_default().push(item);
            }
            item.mark.iter().for_each(|mark| index.by_mark.entry(mark).or_default().push(item));
        }
        index
    }
}

/// Names are the same if they differ in case or outer blanks only.
fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

fn identify_one<'a>(wanted: &Wanted<'_>, memory: &Memory, index: &Index<'a, '_>, out: &mut Identified<'a>) {
    if wanted.document {
        if let Some(document) = index.by_key.get(wanted.key) {
            out.found.insert(wanted.key.clone(), document);
        }
        return;
    }
    // The recorded id decides: what is recorded for another item is that one, whatever six characters it bears.
    let others = |o: &&&ObservedItem| {
        o.id.as_ref().and_then(|id| index.recorded.get(id)).is_none_or(|key| *key == wanted.key)
    };
    let marked = wanted.mark.as_ref().and_then(|mark| index.by_mark.get(mark)).into_iter().flatten();
    let marked: Vec<_> = marked.filter(others).copied().collect();
    let recorded = memory.items.get(wanted.key).and_then(|record| record.id.as_ref());
    let found = match (recorded, &marked[..]) {
        (Some(id), _) => by_record(wanted, id, &marked, index, out),
        (None, [one]) => {
            // Whether we made it is not known any more; what was adopted is never taken for ours to delete (R11).
            if wanted.adopt.is_some() {
                out.adopted.insert(wanted.key.clone());
            }
            Some(*one)
        }
        (None, []) => {
            made_just_now(wanted, memory, index).or_else(|| by_adoption_or_name(wanted, index, out))
        }
        (None, several) => {
            out.trouble.insert(wanted.key.clone(), ambiguous(several));
            None
        }
    };
    if let Some(item) = found {
        out.found.insert(wanted.key.clone(), item);
    }
}

/// Without a mark: the one of this name, if the answer to our create of it was lost (its name was free before).
fn made_just_now<'a>(
    wanted: &Wanted<'_>,
    memory: &Memory,
    index: &Index<'a, '_>,
) -> Option<&'a ObservedItem> {
    let created = wanted.mark.is_none() && memory.intents.contains_key(wanted.key);
    match index.by_name.get(&fold(wanted.name)).filter(|_| created).map(Vec::as_slice) {
        Some([one]) => Some(*one),
        _ => None,
    }
}

fn by_record<'a>(
    wanted: &Wanted<'_>,
    id: &ExternalId,
    marked: &[&'a ObservedItem],
    index: &Index<'a, '_>,
    out: &mut Identified<'a>,
) -> Option<&'a ObservedItem> {
    let others: Vec<_> = marked.iter().filter_map(|o| o.id.clone()).filter(|other| other != id).collect();
    let item = index.by_id.get(id).copied();
    match item.map(|i| i.mark.as_ref()) {
        Some(Some(theirs)) if Some(theirs) != wanted.mark.as_ref() => {
            let message = format!(
                "object {id}, recorded as ours, now bears the mark {theirs} of something else; nothing is written \
                 to it. Remove the mark in the console or point spec.adopt.id at the right object"
            );
            out.trouble.insert(wanted.key.clone(), Trouble { reason: Reason::OwnedByAnother, message });
            None
        }
        Some(_) => {
            if !others.is_empty() {
                out.duplicates.insert(wanted.key.clone(), others);
            }
            item
        }
        // The recorded object is gone, but exactly one bears our mark: it was re-created by us before a crash.
        None => match marked {
            [one] => Some(*one),
            _ => None,
        },
    }
}

fn by_adoption_or_name<'a>(
    wanted: &Wanted<'_>,
    index: &Index<'a, '_>,
    out: &mut Identified<'a>,
) -> Option<&'a ObservedItem> {
    let namesakes = index.by_name.get(&fold(wanted.name)).map(Vec::as_slice).unwrap_or_default();
    let chosen = match &wanted.adopt {
        Some(Adopt::Id(id)) => match index.by_id.get(id) {
            Some(item) => Ok(Some(*item)),
            None => Err(gone(&format!("spec.adopt.id names object {id}, which does not exist"))),
        },
        Some(Adopt::ByName) => match namesakes {
            [one] => Ok(Some(*one)),
            [] => Err(gone(&format!("spec.adopt.byName finds no object named {:?}", wanted.name))),
            several => Err(ambiguous(several)),
        },
        None => match namesakes.iter().find(|item| item.mark.is_none()) {
            Some(taken) => Err(name_taken(wanted.name, taken)),
            None => Ok(None),
        },
    };
    match chosen {
        Ok(Some(item)) if item.mark.is_some() => {
            let message = format!("{} bears another mark and can never be adopted", describe(item));
            out.trouble.insert(wanted.key.clone(), Trouble { reason: Reason::OwnedByAnother, message });
            None
        }
        Ok(Some(item)) => {
            out.adopted.insert(wanted.key.clone());
            Some(item)
        }
        Ok(None) => None,
        Err(trouble) => {
            out.trouble.insert(wanted.key.clone(), trouble);
            None
        }
    }
}

fn gone(what: &str) -> Trouble {
    let message = format!("{what}. Correct spec.adopt, or remove it to have the object created");
    Trouble { reason: Reason::AdoptionTargetNotFound, message }
}

fn ambiguous(several: &[&ObservedItem]) -> Trouble {
    let list: Vec<_> = several.iter().take(5).map(|item| describe(item)).collect();
    Trouble {
        reason: Reason::AmbiguousIdentity,
        message: format!(
            "{} objects could be this one: {}. Nothing is written until one remains or spec.adopt.id names one",
            several.len(),
            list.join(", ")
        ),
    }
}

fn name_taken(name: &str, taken: &ObservedItem) -> Trouble {
    Trouble {
        reason: Reason::NameConflict,
        message: format!(
            "the name {name:?} is held by {}, which is not ours. Choose another spec.displayName, or take it over \
             with spec.adopt",
            describe(taken)
        ),
    }
}

/// What the system calls it, on one line: anybody with a console may have named it.
pub fn called(item: &ObservedItem) -> String {
    limits::clip(&shown(item.name.trim()), limits::NAME)
}

fn describe(item: &ObservedItem) -> String {
    let name = called(item);
    item.id.as_ref().map_or_else(|| name.clone(), |id| format!("object {id} ({name})"))
}

fn sort_the_rest<'a>(
    memory: &Memory,
    observation: &'a Observation,
    owner: &OwnerId,
    held: &dyn Fn(&ItemKey) -> bool,
    out: &mut Identified<'a>,
) {
    let taken: BTreeSet<&ExternalId> = out
        .found
        .values()
        .filter_map(|item| item.id.as_ref())
        .chain(
            memory.items.iter().filter(|(item, _)| held(item)).filter_map(|(_, record)| record.id.as_ref()),
        )
        .collect();
    for item in observation.items.iter().filter(|item| item.id.as_ref().is_some_and(|id| !taken.contains(id)))
    {
        match &item.mark {
            // A mark without an owner is only read where it proves to be ours.
            Some(mark) if mark.owner.as_ref().is_none_or(|of| of == owner) => out.orphaned.push(item),
            Some(_) => {}
            None => out.foreign.push(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_told_as_what_it_is_called_without_tricks() {
        let named = |name: &str, id: Option<&str>| ObservedItem {
            id: id.map(|id| ExternalId(id.into())),
            name: name.into(),
            ..ObservedItem::default()
        };
        let cases = [
            (named("VPN", Some("2")), "object 2 (VPN)", "most names"),
            (
                named("a\u{202e}b\n\u{1b}[31m", Some("2")),
                "object 2 (a\\u{202e}b\\n\\u{1b}[31m)",
                "turned round, red",
            ),
            (named("VPN", None), "VPN", "no id"),
        ];
        for (item, told, why) in cases {
            assert_eq!(describe(&item), told, "{why}");
        }
        assert!(describe(&named(&"x".repeat(100_000), Some("2"))).chars().count() < 300);
    }
}
