//! From names to groups: include, exclude, everyone (R1, R16).
//!
//! A failed look-up never widens and never empties anything in silence: an include that does not resolve is left
//! out and said, an exclude that does not resolve refuses the whole assignment, and what a partial list lacks is
//! unknown rather than gone.

use std::collections::BTreeMap;

use super::ids::{CustomerId, DocumentId, GroupId};
use crate::{
    api::{Customer, GroupScope, IdOrName, Reason, TargetSpec, WfbssTargets},
    drivers::{Finding, Reach, Severity},
    model::{Catalogue, Entry, EntryKind},
};

/// Groups that are reached, with their names.
pub type Reached<'a> = BTreeMap<(CustomerId, GroupId), (&'a Entry, &'a Entry)>;

/// Resolves a reach against the catalogue. Each platform of the facet makes a target of its own in findings.
pub fn resolve<'a>(
    reach: &Reach,
    catalogue: &'a Catalogue,
    platforms: &[&str],
) -> (Reached<'a>, Vec<Finding>) {
    let mut resolver = Resolver::new(catalogue, platforms);
    if reach.everyone {
        resolver.everyone();
    }
    for (field, targets) in &reach.include {
        if let Some(targets) = resolver.of_this_system(field, targets) {
            targets.customers.iter().for_each(|customer| resolver.include(field, customer));
        }
    }
    for (field, targets) in &reach.exclude {
        if let Some(targets) = resolver.of_this_system(field, targets) {
            targets.customers.iter().for_each(|customer| resolver.exclude(customer));
        }
    }
    (resolver.reached, resolver.findings)
}

/// Whether the customer and the group of a document are listed; `None` where the lists are not complete.
pub fn is_listed(document: &DocumentId, catalogue: &Catalogue) -> Option<bool> {
    let directory = Directory::new(catalogue);
    if !directory.customers.contains_key(&document.customer) {
        return catalogue.is_complete(EntryKind::Customer).then_some(false);
    }
    let listed = directory.groups_of(&document.customer).iter().any(|(group, _)| *group == document.group);
    if listed { Some(true) } else { catalogue.is_complete(EntryKind::Group).then_some(false) }
}

/// Why a name leads nowhere.
enum Missed {
    NotFound,
    Ambiguous(usize),
    /// The list is partial or was never read.
    Unknown,
}

struct Resolver<'a, 'p> {
    directory: Directory<'a>,
    platforms: &'p [&'p str],
    reached: Reached<'a>,
    findings: Vec<Finding>,
}

impl<'a, 'p> Resolver<'a, 'p> {
    fn new(catalogue: &'a Catalogue, platforms: &'p [&'p str]) -> Self {
        Self {
            directory: Directory::new(catalogue),
            platforms,
            reached: Reached::new(),
            findings: Vec::new(),
        }
    }

    fn of_this_system<'t>(&mut self, field: &str, targets: &'t TargetSpec) -> Option<&'t WfbssTargets> {
        if let TargetSpec::Wfbss(targets) = targets {
            return Some(targets);
        }
        let message = format!("{field} is in the words of {}; name customers under wfbss", targets.system());
        self.say(Severity::Refused, Reason::SystemMismatch, field.to_owned(), message);
        None
    }

    /// All listed customers that can be written to, all their groups.
    fn everyone(&mut self) {
        let customers: Vec<_> =
            self.directory.customers.iter().map(|(id, entry)| (id.clone(), *entry)).collect();
        let (usable, expired): (Vec<_>, Vec<_>) =
            customers.into_iter().partition(|(_, e)| e.unusable.is_none());
        for (id, entry) in usable {
            self.include_all_groups(&id, entry);
        }
        if !expired.is_empty() {
            let names: Vec<_> = expired.iter().take(5).map(|(_, entry)| label(entry)).collect();
            let message = format!("{} expired customers are left out: {}", expired.len(), names.join(", "));
            self.say(Severity::Note, Reason::CustomerExpired, "everyone".into(), message);
        }
        for kind in [EntryKind::Customer, EntryKind::Group] {
            if !self.directory.catalogue.is_complete(kind) {
                let message = format!("the list of {} is not complete: more may follow", plural(kind));
                self.say(Severity::LeftOut, Reason::CatalogueIncomplete, "everyone".into(), message);
            }
        }
    }

    fn include(&mut self, field: &str, wanted: &Customer) {
        let text = wanted.customer.text();
        let (id, entry) = match self.directory.customer(&wanted.customer) {
            Ok(found) => found,
            Err(missed) => {
                let reason = not_found(&missed, Reason::CustomerNotFound);
                let message = format!("{} ({field})", sentence(&missed, "customer", text));
                return self.say(Severity::LeftOut, reason, text.into(), message);
            }
        };
        if let Some(why) = &entry.unusable {
            let message = format!("customer {text}: {why}, and the system refuses writes for it");
            return self.say(Severity::LeftOut, Reason::CustomerExpired, text.into(), message);
        }
        match wanted.scope() {
            GroupScope::All => {
                self.include_all_groups(&id, entry);
                if !self.directory.catalogue.is_complete(EntryKind::Group) {
                    let message =
                        format!("the list of groups of customer {text} is not complete: more may follow");
                    self.say(Severity::LeftOut, Reason::CatalogueIncomplete, text.into(), message);
                }
            }
            GroupScope::Only(groups) => {
                for group in groups {
                    self.include_group(field, (&id, entry), text, group);
                }
            }
        }
    }

    fn include_all_groups(&mut self, id: &CustomerId, customer: &'a Entry) {
        let groups = self.directory.groups_of(id);
        self.reached.extend(groups.iter().map(|(group, entry)| ((id.clone(), *group), (customer, *entry))));
    }

    fn include_group(
        &mut self,
        field: &str,
        (id, customer): (&CustomerId, &'a Entry),
        text: &str,
        wanted: &IdOrName,
    ) {
        match self.directory.group(id, wanted) {
            Ok((group, entry)) => {
                self.reached.insert((id.clone(), group), (customer, entry));
            }
            Err(missed) => {
                let reason = not_found(&missed, Reason::GroupNotFound);
                let what = sentence(&missed, &format!("group of customer {text}"), wanted.text());
                let message = format!("{what} ({field})");
                for os in self.platforms {
                    let subject = format!("{text}/{}/{os}", wanted.text());
                    self.say(Severity::LeftOut, reason, subject, message.clone());
                }
            }
        }
    }

    /// Subtracts; what cannot be named cannot be kept out, so then nothing of the assignment is sent.
    fn exclude(&mut self, wanted: &Customer) {
        let text = wanted.customer.text();
        let id = match self.directory.customer(&wanted.customer) {
            Ok((id, _)) => id,
            Err(missed) => {
                let reason = not_found(&missed, Reason::ExcludeNotFound);
                let message = format!("excluded: {}; nothing is sent", sentence(&missed, "customer", text));
                return self.say(Severity::Refused, reason, text.into(), message);
            }
        };
        match wanted.scope() {
            GroupScope::All => self.reached.retain(|(customer, _), _| *customer != id),
            GroupScope::Only(groups) => {
                for group in groups {
                    self.exclude_group(&id, text, group);
                }
            }
        }
    }

    fn exclude_group(&mut self, id: &CustomerId, text: &str, wanted: &IdOrName) {
        match self.directory.group(id, wanted) {
            Ok((group, _)) => {
                self.reached.remove(&(id.clone(), group));
            }
            Err(missed) => {
                let reason = not_found(&missed, Reason::ExcludeNotFound);
                let what = sentence(&missed, &format!("group of customer {text}"), wanted.text());
                let subject = format!("{text}/{}", wanted.text());
                self.say(Severity::Refused, reason, subject, format!("excluded: {what}; nothing is sent"));
            }
        }
    }

    fn say(&mut self, severity: Severity, reason: Reason, subject: String, message: String) {
        self.findings.push(Finding { severity, reason, subject, message });
    }
}

/// The catalogue by id and by folded name.
struct Directory<'a> {
    catalogue: &'a Catalogue,
    customers: BTreeMap<CustomerId, &'a Entry>,
    groups: BTreeMap<CustomerId, Vec<(GroupId, &'a Entry)>>,
}

impl<'a> Directory<'a> {
    fn new(catalogue: &'a Catalogue) -> Self {
        let customers = catalogue.of(EntryKind::Customer).iter();
        let mut groups: BTreeMap<CustomerId, Vec<(GroupId, &Entry)>> = BTreeMap::new();
        for entry in catalogue.of(EntryKind::Group) {
            let parent = entry.parent.as_deref().and_then(CustomerId::parse);
            if let Some((customer, id)) = parent.zip(GroupId::parse(&entry.id)) {
                groups.entry(customer).or_default().push((id, entry));
            }
        }
        Self {
            catalogue,
            customers: customers.filter_map(|entry| Some((CustomerId::parse(&entry.id)?, entry))).collect(),
            groups,
        }
    }

    fn groups_of(&self, customer: &CustomerId) -> &[(GroupId, &'a Entry)] {
        self.groups.get(customer).map_or(&[], Vec::as_slice)
    }

    fn customer(&self, wanted: &IdOrName) -> Result<(CustomerId, &'a Entry), Missed> {
        let complete = self.catalogue.is_complete(EntryKind::Customer);
        let all = self.customers.iter().map(|(id, entry)| (id.clone(), *entry));
        match wanted {
            IdOrName::Id(id) => {
                let id = CustomerId::parse(id.as_str()).ok_or(Missed::NotFound)?;
                let entry = self.customers.get(&id).copied();
                entry.map(|entry| (id, entry)).ok_or(absent(complete))
            }
            IdOrName::Name(name) => {
                only(all.filter(|(_, entry)| same_name(&entry.name, name.as_str())), complete)
            }
        }
    }

    fn group(&self, customer: &CustomerId, wanted: &IdOrName) -> Result<(GroupId, &'a Entry), Missed> {
        let complete = self.catalogue.is_complete(EntryKind::Group);
        let all = self.groups_of(customer).iter().copied();
        match wanted {
            IdOrName::Id(id) => {
                let id = GroupId::parse(id.as_str()).ok_or(Missed::NotFound)?;
                only(all.filter(|(group, _)| *group == id), complete)
            }
            IdOrName::Name(name) => {
                only(all.filter(|(_, entry)| same_name(&entry.name, name.as_str())), complete)
            }
        }
    }
}

/// The one hit among those found.
fn only<T>(mut hits: impl Iterator<Item = T>, complete: bool) -> Result<T, Missed> {
    match (hits.next(), hits.count()) {
        (Some(hit), 0) => Ok(hit),
        (Some(_), more) => Err(Missed::Ambiguous(more + 1)),
        (None, _) => Err(absent(complete)),
    }
}

const fn absent(complete: bool) -> Missed {
    if complete { Missed::NotFound } else { Missed::Unknown }
}

/// Names are told apart as people read them: without case and outer blanks.
fn same_name(one: &str, other: &str) -> bool {
    let fold = |text: &str| text.trim().to_lowercase();
    one.eq_ignore_ascii_case(other) || fold(one) == fold(other)
}

fn not_found(missed: &Missed, otherwise: Reason) -> Reason {
    match missed {
        Missed::NotFound => otherwise,
        Missed::Ambiguous(_) => Reason::AmbiguousName,
        Missed::Unknown => Reason::CatalogueIncomplete,
    }
}

fn sentence(missed: &Missed, what: &str, text: &str) -> String {
    match missed {
        Missed::NotFound => format!("there is no {what} {text:?}: check the id or the name in the console"),
        Missed::Ambiguous(count) => format!("{count} bear the name of {what} {text:?}: name it by id"),
        Missed::Unknown => {
            format!("the list is not complete, so whether there is a {what} {text:?} is not known")
        }
    }
}

fn plural(kind: EntryKind) -> &'static str {
    if kind == EntryKind::Customer { "customers" } else { "groups" }
}

/// What people call an entry; its id where it has no name.
pub fn label(entry: &Entry) -> &str {
    if entry.name.is_empty() { &entry.id } else { &entry.name }
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
