//! Whom an assignment reaches, as ids of groups and users (R1, R16).
//!
//! Names are compared exactly: nothing tells whether the system minds upper and lower case. Ids are looked up too,
//! since the system may take an unknown one without a word (sheet section 4.3).

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::{AppShieldTargets, IdOrName, Reason, TargetSpec},
    drivers::{Finding, Reach, Severity},
    model::{Catalogue, Entry, EntryKind, MemberKind, catalogue::Lookup},
};

/// The built-in group that holds everybody; hidden in most lists (sheet section 1).
const ALL_USERS: &str = "All Users";
/// The built-in group of those who are not logged in (sheet section 6): whom it covers is not documented.
const ANONYMOUS: (&str, &str) = ("2", "Anonymous");

/// Everybody meant, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whom {
    groups: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl Whom {
    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.users.is_empty()
    }

    /// How many groups and users.
    pub fn len(&self) -> u32 {
        u32::try_from(self.groups.len() + self.users.len()).unwrap_or(u32::MAX)
    }

    /// Both lists, exact: what is not named is cleared.
    pub fn members(&self) -> BTreeMap<MemberKind, BTreeSet<String>> {
        BTreeMap::from([(MemberKind::Group, self.groups.clone()), (MemberKind::User, self.users.clone())])
    }

    fn of(&mut self, kind: EntryKind) -> &mut BTreeSet<String> {
        if kind == EntryKind::Group { &mut self.groups } else { &mut self.users }
    }
}

/// Resolves the reach of an assignment.
pub fn resolve(reach: &Reach, catalogue: &Catalogue, findings: &mut Vec<Finding>) -> Whom {
    let mut resolver = Resolver { catalogue, findings, whom: Whom::default() };
    resolver.all(reach);
    resolver.whom
}

/// Id of the one group that is known to hold everybody.
pub fn everybody(catalogue: &Catalogue) -> Option<&str> {
    match catalogue.lookup(EntryKind::Group, None, holds_everybody) {
        Lookup::Found(group) => Some(&group.id),
        _ => None,
    }
}

struct Resolver<'a> {
    catalogue: &'a Catalogue,
    findings: &'a mut Vec<Finding>,
    whom: Whom,
}

/// Why a name or id leads nowhere.
struct Missed {
    reason: Reason,
    message: String,
}

impl Resolver<'_> {
    fn all(&mut self, reach: &Reach) {
        if reach.everyone {
            self.everyone(reach);
        }
        for (field, targets) in &reach.include {
            for (kind, one) in self.of_this_system(field, targets) {
                self.include(field, kind, one);
            }
        }
        for (field, targets) in &reach.exclude {
            for (kind, one) in self.of_this_system(field, targets) {
                self.exclude(field, kind, one, reach);
            }
        }
        let explained = self.findings.iter().any(|finding| finding.severity != Severity::Note);
        if self.whom.is_empty() && !reach.allow_empty && !explained {
            let message = "no group or user is left; a policy that names nobody filters nobody, so that everybody \
                           would see everything. Nothing changes until one is named, or allowEmpty: true is set";
            self.find(Severity::Refused, Reason::NoTargets, "spec.targets", message.to_owned());
        }
    }

    fn of_this_system<'t>(&mut self, field: &str, targets: &'t TargetSpec) -> Vec<(EntryKind, &'t IdOrName)> {
        if let TargetSpec::AppShield(targets) = targets {
            let AppShieldTargets { groups, users } = &**targets;
            let groups = groups.iter().map(|one| (EntryKind::Group, one));
            return groups.chain(users.iter().map(|one| (EntryKind::User, one))).collect();
        }
        let message =
            format!("targets of {} on an appShield backend; name appShield targets", targets.system());
        self.find(Severity::Refused, Reason::SystemMismatch, field, message);
        Vec::new()
    }

    /// Only the system's own group holds those who come later, too.
    fn everyone(&mut self, reach: &Reach) {
        if !reach.include.is_empty() {
            let message = "everyone: true and include contradict each other; remove one";
            self.find(Severity::Refused, Reason::Invalid, "spec.targets", message.to_owned());
            return;
        }
        let (reason, message) = match self.catalogue.lookup(EntryKind::Group, None, holds_everybody) {
            Lookup::Found(group) => {
                self.whom.groups.insert(group.id.clone());
                return;
            }
            Lookup::Unknown => (
                Reason::CatalogueIncomplete,
                format!("the list of groups is not complete, so that {ALL_USERS:?} may be missing from it"),
            ),
            Lookup::NotFound => (
                Reason::EveryoneUnsupported,
                format!(
                    "the system does not list its group {ALL_USERS:?} to this account; name groups in include"
                ),
            ),
            Lookup::Ambiguous(many) => (
                Reason::EveryoneUnsupported,
                format!(
                    "{many} groups are called {ALL_USERS:?}, and nothing tells which one holds everybody"
                ),
            ),
        };
        self.find(Severity::Refused, reason, "spec.targets.everyone", message);
    }

    fn include(&mut self, field: &str, kind: EntryKind, wanted: &IdOrName) {
        let subject = subject(field, kind, wanted);
        match self.look_up(kind, wanted) {
            Ok(entry) if kind == EntryKind::Group && is_everybody(entry) => self.too_wide(&subject),
            Ok(entry) => {
                let id = entry.id.clone();
                self.whom.of(kind).insert(id);
            }
            Err(_) if kind == EntryKind::Group && says_everybody(wanted) => self.too_wide(&subject),
            Err(missed) => self.find(Severity::LeftOut, missed.reason, &subject, missed.message),
        }
    }

    fn too_wide(&mut self, subject: &str) {
        let message = "this built-in group may stand for everybody; say everyone: true, if you mean that, or name \
                       another group";
        self.find(Severity::Refused, Reason::MatchesEveryone, subject, message.to_owned());
    }

    /// Ids can be taken out of a list of ids; a user cannot be taken out of a group, nor a group out of users.
    fn exclude(&mut self, field: &str, kind: EntryKind, wanted: &IdOrName, reach: &Reach) {
        let subject = subject(field, kind, wanted);
        if reach.everyone || names_others(reach, kind) {
            let message = format!(
                "the system cannot subtract: {} can only be taken out of a selection that names {} and nothing \
                 else; name whom you mean in include",
                plural(kind),
                plural(kind)
            );
            self.find(Severity::Refused, Reason::ExcludeUnsupported, &subject, message);
            return;
        }
        match self.look_up(kind, wanted).map(|entry| entry.id.clone()) {
            Ok(id) => {
                self.whom.of(kind).remove(&id);
            }
            Err(missed) => {
                let reason = match missed.reason {
                    Reason::CatalogueIncomplete | Reason::AmbiguousName => missed.reason,
                    _ => Reason::ExcludeNotFound,
                };
                let message =
                    format!("{}; nothing is sent while it is unknown who is kept out", missed.message);
                self.find(Severity::Refused, reason, &subject, message);
            }
        }
    }

    fn look_up(&self, kind: EntryKind, wanted: &IdOrName) -> Result<&Entry, Missed> {
        let found = match wanted {
            IdOrName::Id(id) => self.catalogue.lookup(kind, None, |entry| entry.id == id.as_str()),
            IdOrName::Name(name) => self.catalogue.lookup(kind, None, |entry| entry.name == name.as_str()),
        };
        let (word, text) = (singular(kind), wanted.text());
        match found {
            Lookup::Found(entry) => Ok(entry),
            Lookup::NotFound => {
                let message = format!("the system has no {word} {text:?}{}", self.nearly(kind, text));
                Err(Missed { reason: not_found(kind), message })
            }
            Lookup::Ambiguous(many) => {
                let message =
                    format!("{many} {} are called {text:?}; name the one you mean by id", plural(kind));
                Err(Missed { reason: Reason::AmbiguousName, message })
            }
            Lookup::Unknown => {
                let message = format!(
                    "{word} {text:?} is not in the list of {}, which may not be complete, or may not be read",
                    plural(kind)
                );
                Err(Missed { reason: Reason::CatalogueIncomplete, message })
            }
        }
    }

    /// What was most likely meant.
    fn nearly(&self, kind: EntryKind, text: &str) -> String {
        let folded = text.trim().to_lowercase();
        let near = self.catalogue.of(kind).iter().find(|entry| entry.name.trim().to_lowercase() == folded);
        near.map_or_else(
            || "; check the name or id in the console".to_owned(),
            |entry| format!("; it has {:?}, names are compared exactly", entry.name),
        )
    }

    fn find(&mut self, severity: Severity, reason: Reason, subject: &str, message: String) {
        self.findings.push(Finding { severity, reason, subject: subject.to_owned(), message });
    }
}

/// Whether the selection holds anything but this kind: nobody can say who of it belongs to what is excluded.
fn names_others(reach: &Reach, kind: EntryKind) -> bool {
    reach.include.iter().any(|(_, targets)| match targets.as_ref() {
        TargetSpec::AppShield(targets) => {
            let others = if kind == EntryKind::Group { &targets.users } else { &targets.groups };
            !others.is_empty()
        }
        _ => false,
    })
}

fn holds_everybody(group: &Entry) -> bool {
    group.name.trim().eq_ignore_ascii_case(ALL_USERS)
}

/// The groups of which nobody can prove that they hold less than everybody.
fn is_everybody(group: &Entry) -> bool {
    let (id, name) = ANONYMOUS;
    holds_everybody(group) || group.id == id || group.name.trim().eq_ignore_ascii_case(name)
}

/// The same by a name that the system does not list.
fn says_everybody(wanted: &IdOrName) -> bool {
    let name =
        |name: &str| [ALL_USERS, ANONYMOUS.1].iter().any(|word| name.trim().eq_ignore_ascii_case(word));
    match wanted {
        IdOrName::Id(id) => id.as_str() == ANONYMOUS.0,
        IdOrName::Name(text) => name(text.as_str()),
    }
}

fn subject(field: &str, kind: EntryKind, wanted: &IdOrName) -> String {
    format!("{field}: {} {}", singular(kind), wanted.text())
}

const fn singular(kind: EntryKind) -> &'static str {
    if matches!(kind, EntryKind::Group) { "group" } else { "user" }
}

const fn plural(kind: EntryKind) -> &'static str {
    if matches!(kind, EntryKind::Group) { "groups" } else { "users" }
}

const fn not_found(kind: EntryKind) -> Reason {
    if matches!(kind, EntryKind::Group) { Reason::GroupNotFound } else { Reason::UserNotFound }
}

#[cfg(test)]
mod tests;
