//! Which rules and management groups an assignment means, by id (R1, R16).
//!
//! A policy with fewer rules than meant would let through what it is there to stop, so a rule that does not resolve
//! refuses the whole assignment. A group that does not resolve is left out, and the others proceed.

use std::collections::BTreeSet;

use super::wire::{self, fold};
use crate::{
    api::{IdOrName, Reason, TargetSpec as Targets},
    drivers::{Finding, Reach, Severity},
    model::{Catalogue, Entry, EntryKind, catalogue::Lookup},
};

const RULES: &str = "spec.content.tachyon.rules";
const NOT_WHOLE: &str = "could not be read whole, so that nothing is concluded; it is read again";

/// Ids of the rules; where one does not resolve, a finding refuses the assignment.
pub fn rules(wanted: &[IdOrName], catalogue: &Catalogue, findings: &mut Vec<Finding>) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for one in wanted {
        let (reason, message) = match look_up(one, EntryKind::Rule, catalogue, true) {
            Lookup::Found(entry) => {
                ids.insert(entry.id.clone());
                continue;
            }
            Lookup::NotFound => (
                Reason::RuleNotFound,
                format!("the system has no rule {:?}; create it there, or correct this", one.text()),
            ),
            Lookup::Ambiguous(many) => {
                (Reason::AmbiguousName, format!("{many} rules bear this name; name it by id"))
            }
            Lookup::Unknown => (Reason::CatalogueIncomplete, format!("the list of rules {NOT_WHOLE}")),
        };
        let subject = format!("{RULES}: {} {}", word(one), one.text());
        findings.push(Finding { severity: Severity::Refused, reason, subject, message });
    }
    ids
}

/// Ids of the management groups an assignment reaches.
pub fn groups(reach: &Reach, catalogue: &Catalogue, findings: &mut Vec<Finding>) -> BTreeSet<String> {
    let mut resolver = Resolver { catalogue, findings };
    let mut ids = resolver.included(reach);
    resolver.subtract(reach, &mut ids);
    let left_out = resolver.findings.iter().any(|finding| finding.severity != Severity::Note);
    if ids.is_empty() && !reach.allow_empty && !left_out {
        let message =
            "no management group is named; nothing changes until one is, or allowEmpty: true is set";
        resolver.find(Severity::Refused, Reason::NoTargets, "spec.targets", message.to_owned());
    }
    ids
}

struct Resolver<'a> {
    catalogue: &'a Catalogue,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Resolver<'a> {
    fn included(&mut self, reach: &Reach) -> BTreeSet<String> {
        if reach.everyone && !reach.include.is_empty() {
            let message = "everyone: true and include contradict each other; remove one";
            self.find(Severity::Refused, Reason::Invalid, "spec.targets", message.to_owned());
        }
        let mut ids = BTreeSet::new();
        if reach.everyone {
            ids.extend(self.everyone());
        }
        for (field, targets) in &reach.include {
            for group in self.named(field, targets) {
                ids.extend(self.include(field, group));
            }
        }
        ids
    }

    /// All Devices, by the id that is the same on every server.
    fn everyone(&mut self) -> Option<String> {
        let kind = EntryKind::ManagementGroup;
        let (reason, message) = match self.catalogue.lookup(kind, Some(wire::EVERYONE), |_| true) {
            Lookup::Found(entry) => return Some(entry.id.clone()),
            Lookup::NotFound => {
                (Reason::EveryoneUnsupported, "the system lists no group All Devices; name groups in include")
            }
            Lookup::Ambiguous(_) => (
                Reason::EveryoneUnsupported,
                "several groups say that they are All Devices; name groups in include",
            ),
            Lookup::Unknown => (
                Reason::CatalogueIncomplete,
                "the account does not see the group All Devices; give it a role on All Devices, or name groups in include",
            ),
        };
        self.find(Severity::Refused, reason, "spec.targets.everyone", message.to_owned());
        None
    }

    fn named<'t>(&mut self, field: &str, targets: &'t Targets) -> &'t [IdOrName] {
        match targets {
            Targets::Tachyon(targets) => &targets.management_groups,
            other => {
                let message =
                    format!("targets of {} on a tachyon backend; name tachyon targets", other.system());
                self.find(Severity::Refused, Reason::SystemMismatch, field, message);
                &[]
            }
        }
    }

    fn include(&mut self, field: &str, wanted: &IdOrName) -> Option<String> {
        let subject = format!("{field}: group {}", wanted.text());
        let (reason, message) = match self.group(wanted) {
            Lookup::Found(Entry { unusable: Some(why), .. }) => {
                self.find(Severity::Refused, Reason::MatchesEveryone, &subject, why.clone());
                return None;
            }
            Lookup::Found(entry) => return Some(entry.id.clone()),
            Lookup::NotFound => (
                Reason::GroupNotFound,
                format!("the system has no management group {:?}; check the name or id in the console", wanted.text()),
            ),
            Lookup::Ambiguous(many) => {
                (Reason::AmbiguousName, format!("{many} management groups bear this name; name it by id"))
            }
            Lookup::Unknown => (
                Reason::CatalogueIncomplete,
                "the account does not see this management group: it does not exist, or the account holds no role on it, or \
                 the list was cut. Give the account a role on it"
                    .to_owned(),
            ),
        };
        self.find(Severity::LeftOut, reason, &subject, message);
        None
    }

    fn group(&self, wanted: &IdOrName) -> Lookup<'a> {
        look_up(wanted, EntryKind::ManagementGroup, self.catalogue, false)
    }

    /// The system cannot subtract. What can be taken out is a group that was itself put in.
    fn subtract(&mut self, reach: &Reach, ids: &mut BTreeSet<String>) {
        let named = if reach.everyone { BTreeSet::new() } else { ids.clone() };
        for (field, targets) in &reach.exclude {
            for wanted in self.named(field, targets) {
                let subject = format!("{field}: group {}", wanted.text());
                match self.group(wanted) {
                    Lookup::Found(entry) if named.contains(&entry.id) => {
                        ids.remove(&entry.id);
                        let message = "this group is taken out; the system cannot subtract devices, so those of its devices \
                                       that are in another group named are still reached";
                        self.find(Severity::Note, Reason::ExcludeUnsupported, &subject, message.to_owned());
                    }
                    Lookup::Found(_) => {
                        let message = "the system cannot subtract one group's devices from another's; only a group that \
                                       include names can be taken out again. Name whom you mean in include";
                        self.find(
                            Severity::Refused,
                            Reason::ExcludeUnsupported,
                            &subject,
                            message.to_owned(),
                        );
                    }
                    Lookup::Unknown => {
                        let message = format!("the list of management groups {NOT_WHOLE}");
                        self.find(Severity::Refused, Reason::CatalogueIncomplete, &subject, message);
                    }
                    Lookup::NotFound | Lookup::Ambiguous(_) => {
                        let message = "no one management group is called so; correct exclude";
                        self.find(Severity::Refused, Reason::ExcludeNotFound, &subject, message.to_owned());
                    }
                }
            }
        }
    }

    fn find(&mut self, severity: Severity, reason: Reason, subject: &str, message: String) {
        self.findings.push(Finding { severity, reason, subject: subject.to_owned(), message });
    }
}

/// By id, or by name without regard to case. A second of the name may be among those that were not seen, unless names
/// are told apart by the system.
fn look_up<'a>(wanted: &IdOrName, kind: EntryKind, catalogue: &'a Catalogue, may_repeat: bool) -> Lookup<'a> {
    match wanted {
        IdOrName::Id(id) => catalogue.lookup(kind, None, |entry| entry.id == id.as_str().trim()),
        IdOrName::Name(_) if may_repeat && !catalogue.is_complete(kind) => Lookup::Unknown,
        IdOrName::Name(name) => {
            let folded = fold(name.as_str());
            catalogue.lookup(kind, None, |entry| fold(&entry.name) == folded)
        }
    }
}

const fn word(one: &IdOrName) -> &'static str {
    match one {
        IdOrName::Id(_) => "id",
        IdOrName::Name(_) => "name",
    }
}
