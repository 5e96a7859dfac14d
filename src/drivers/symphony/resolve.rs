//! Which dictionaries a policy means, by id (R16; vendor sheet sections 4.1, 6, 12).
//!
//! A policy with fewer dictionaries than meant would let through what it is there to stop, and one with none is
//! disabled by the system itself. So one that does not resolve refuses the whole assignment.

use std::collections::BTreeSet;

use crate::{
    api::{IdOrName, Reason},
    drivers::{Finding, Severity},
    model::{Catalogue, EntryKind, catalogue::Lookup},
};

const FIELD: &str = "spec.content.symphony.dictionaries";

/// Ids of the dictionaries; where one does not resolve, a finding refuses the assignment.
pub fn dictionaries(
    wanted: &[IdOrName],
    catalogue: &Catalogue,
    findings: &mut Vec<Finding>,
) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for one in wanted {
        match find(one, catalogue) {
            Ok((id, note)) => {
                ids.insert(id);
                findings
                    .extend(note.map(|message| finding(Severity::Note, Reason::AmbiguousName, one, message)));
            }
            Err((reason, message)) => findings.push(finding(Severity::Refused, reason, one, message)),
        }
    }
    ids
}

fn finding(severity: Severity, reason: Reason, one: &IdOrName, message: String) -> Finding {
    let word = match one {
        IdOrName::Id(_) => "id",
        IdOrName::Name(_) => "name",
    };
    Finding { severity, reason, subject: format!("{FIELD}: {word} {}", one.text()), message }
}

type Found = Result<(String, Option<String>), (Reason, String)>;

fn find(one: &IdOrName, catalogue: &Catalogue) -> Found {
    let lookup = match one {
        IdOrName::Id(id) => catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.id == id.as_str()),
        // A second one of this name may be among those that were not seen.
        IdOrName::Name(_) if !catalogue.is_complete(EntryKind::Dictionary) => Lookup::Unknown,
        IdOrName::Name(name) => by_name(name.as_str(), catalogue),
    };
    match lookup {
        Lookup::Found(entry) => Ok((entry.id.clone(), other_case(one, &entry.name))),
        Lookup::NotFound => Err((
            Reason::DictionaryNotFound,
            format!("the system has no dictionary {:?}; create it there, or correct this", one.text()),
        )),
        Lookup::Ambiguous(many) => Err((
            Reason::AmbiguousName,
            format!("{many} dictionaries bear this name, or differ from it in case only; name it by id"),
        )),
        Lookup::Unknown => Err((
            Reason::CatalogueIncomplete,
            "the list of dictionaries could not be read whole, so that nothing is concluded; it is read again".into(),
        )),
    }
}

/// By the exact name, else by the one name that differs in case only: whether the system folds case is unknown, and two
/// that differ in nothing else can only stand where it does not.
fn by_name<'a>(name: &str, catalogue: &'a Catalogue) -> Lookup<'a> {
    let exact = catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.name == name.trim());
    if exact != Lookup::NotFound {
        return exact;
    }
    let folded = name.trim().to_lowercase();
    catalogue.lookup(EntryKind::Dictionary, None, |entry| entry.name.to_lowercase() == folded)
}

fn other_case(one: &IdOrName, found: &str) -> Option<String> {
    let IdOrName::Name(name) = one else { return None };
    (name.as_str().trim() != found).then(|| {
        format!("the system spells it {found:?}; whether it tells upper and lower case apart is unknown, so spell it so")
    })
}
