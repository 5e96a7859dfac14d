//! Whom an assignment reaches, refused where it cannot be proved narrower than everybody (R1, R16).

use std::collections::{BTreeMap, BTreeSet};

use super::{dialect::Rules, wire::ANY};
use crate::{
    api::{IdOrName, Reason, TargetSpec as Targets, Wso2Targets},
    drivers::{Finding, Reach, Severity},
    model::{Catalogue, Entry, EntryKind, MemberKind, catalogue::Lookup},
};

/// One way of restricting a policy; each becomes a vendor policy of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Nobody is left out.
    Everyone,
    /// Device groups.
    Groups,
    /// Roles of users.
    Roles,
    /// Users.
    Users,
    /// Single devices.
    Devices,
}

impl Dimension {
    /// As in `status.objects[].key`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Groups => "groups",
            Self::Roles => "roles",
            Self::Users => "users",
            Self::Devices => "devices",
        }
    }
}

/// Everybody meant, in the system's own words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whom {
    everyone: bool,
    roles: BTreeSet<String>,
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    /// By platform, in lower case.
    devices: BTreeMap<String, BTreeSet<String>>,
}

impl Whom {
    /// The dimensions in which a platform's policies restrict: never one that restricts nothing.
    pub fn dimensions(&self, platform: &str) -> Vec<Dimension> {
        let named = [
            (self.everyone, Dimension::Everyone),
            (!self.groups.is_empty(), Dimension::Groups),
            (!self.roles.is_empty(), Dimension::Roles),
            (!self.users.is_empty(), Dimension::Users),
            (self.devices.get(platform).is_some_and(|d| !d.is_empty()), Dimension::Devices),
        ];
        named.into_iter().filter_map(|(there, dimension)| there.then_some(dimension)).collect()
    }

    /// Exact members of the policy of one platform and dimension: what is not named is cleared.
    pub fn members(
        &self,
        rules: Rules,
        platform: &str,
        dimension: Dimension,
    ) -> BTreeMap<MemberKind, BTreeSet<String>> {
        let only = |wanted: Dimension, set: &BTreeSet<String>| {
            if wanted == dimension { set.clone() } else { BTreeSet::new() }
        };
        let everyone = BTreeSet::from([ANY.to_owned()]);
        let roles =
            if dimension == Dimension::Everyone { everyone } else { only(Dimension::Roles, &self.roles) };
        let mut members = BTreeMap::from([
            (MemberKind::Role, roles),
            (MemberKind::User, only(Dimension::Users, &self.users)),
            (MemberKind::Group, only(Dimension::Groups, &self.groups)),
        ]);
        if rules.device_links {
            let none = BTreeSet::new();
            let devices = self.devices.get(platform).unwrap_or(&none);
            members.insert(MemberKind::Device, only(Dimension::Devices, devices));
        }
        members
    }

    fn is_empty(&self) -> bool {
        !self.everyone
            && self.roles.is_empty()
            && self.users.is_empty()
            && self.groups.is_empty()
            && self.devices.is_empty()
    }
}

/// Resolves the reach of an assignment. `platforms` are those of the policy, in lower case.
pub fn reach(
    rules: Rules,
    reach: &Reach,
    platforms: &BTreeSet<String>,
    catalogue: &Catalogue,
    findings: &mut Vec<Finding>,
) -> Whom {
    let mut resolver =
        Resolver { rules, platforms, catalogue, findings, whom: Whom::default(), trusted: BTreeMap::new() };
    resolver.all(reach);
    resolver.whom
}

struct Resolver<'a> {
    rules: Rules,
    platforms: &'a BTreeSet<String>,
    catalogue: &'a Catalogue,
    findings: &'a mut Vec<Finding>,
    whom: Whom,
    /// Names taken as written, because the system does not list them.
    trusted: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Resolver<'_> {
    fn all(&mut self, reach: &Reach) {
        if !reach.exclude.is_empty() {
            let message = "the system cannot subtract from a policy's targets; name whom you mean in include";
            self.find(Severity::Refused, Reason::ExcludeUnsupported, "spec.targets.exclude", message.into());
        }
        if reach.everyone && !reach.include.is_empty() {
            let message = "everyone: true and include contradict each other; remove one";
            self.find(Severity::Refused, Reason::Invalid, "spec.targets", message.into());
        }
        self.whom.everyone = reach.everyone;
        for (field, targets) in &reach.include {
            match targets.as_ref() {
                Targets::Wso2(targets) => self.include(field, targets),
                other => {
                    let message =
                        format!("targets of {} on a wso2 backend; name wso2 targets", other.system());
                    self.find(Severity::Refused, Reason::SystemMismatch, field, message);
                }
            }
        }
        for (kind, names) in std::mem::take(&mut self.trusted) {
            let names: Vec<String> = names.into_iter().collect();
            let message = format!(
                "taken as written, because the system does not list them to this account: {}",
                names.iter().take(20).cloned().collect::<Vec<_>>().join(", ")
            );
            self.find(Severity::Note, Reason::PartialView, kind, message);
        }
        let left_out = self.findings.iter().any(|f| f.severity != Severity::Note);
        if self.whom.is_empty() && !reach.allow_empty && !left_out {
            let message =
                "no role, user or group is named; nothing changes until one is, or allowEmpty: true is set";
            self.find(Severity::Refused, Reason::NoTargets, "spec.targets", message.into());
        }
    }

    fn include(&mut self, field: &str, targets: &Wso2Targets) {
        for role in &targets.roles {
            if let Some(name) = self.named(field, EntryKind::Role, role) {
                self.whom.roles.insert(name);
            }
        }
        for user in &targets.users {
            if let Some(name) = self.named(field, EntryKind::User, user) {
                self.whom.users.insert(name);
            }
        }
        if !targets.groups.is_empty() && self.groups_allowed(field) {
            for group in &targets.groups {
                if let Some(id) = self.group(field, group) {
                    self.whom.groups.insert(id);
                }
            }
        }
        if !targets.devices.is_empty() && self.devices_allowed(field) {
            targets.devices.iter().for_each(|device| self.device(field, device));
        }
    }

    /// A role or user, which the system knows by name.
    fn named(&mut self, field: &str, kind: EntryKind, name: &str) -> Option<String> {
        let (word, reason) = match kind {
            EntryKind::Role => ("role", Reason::RoleNotFound),
            _ => ("user", Reason::UserNotFound),
        };
        let subject = format!("{field}: {word} {name}");
        if name.trim().eq_ignore_ascii_case(ANY) || name.trim().is_empty() {
            let message = "to the system this means everybody; say everyone: true, if you mean it";
            self.find(Severity::Refused, Reason::MatchesEveryone, &subject, message.into());
            return None;
        }
        match self.look_up(kind, name) {
            Lookup::Found(entry) => Some(entry.name.clone()),
            Lookup::Unknown => Some(self.trust(word, name)),
            // Lists leave these out, though policies may name them.
            Lookup::NotFound if kind == EntryKind::Role && is_internal(name) => Some(self.trust(word, name)),
            Lookup::NotFound => {
                let message = format!(
                    "the system has no {word} {name:?}; correct this, or add the {word} to its user store"
                );
                self.find(Severity::LeftOut, reason, &subject, message);
                None
            }
            Lookup::Ambiguous(many) => {
                let message = format!("{many} of them differ in case only; spell it as the system does");
                self.find(Severity::LeftOut, Reason::AmbiguousName, &subject, message);
                None
            }
        }
    }

    fn trust(&mut self, word: &'static str, name: &str) -> String {
        self.trusted.entry(word).or_default().insert(name.to_owned());
        name.to_owned()
    }

    /// By the exact name, else by the one name that differs in case only.
    fn look_up(&self, kind: EntryKind, name: &str) -> Lookup<'_> {
        match self.catalogue.lookup(kind, None, |entry| entry.name == name) {
            Lookup::NotFound | Lookup::Unknown => {
                let folded = name.to_lowercase();
                self.catalogue.lookup(kind, None, |entry| entry.name.to_lowercase() == folded)
            }
            found => found,
        }
    }

    fn groups_allowed(&mut self, field: &str) -> bool {
        let subject = format!("{field}.groups");
        if self.rules.dialect.is_a() {
            let message = "this version of the system has no groups in policies; name roles or users";
            self.find(Severity::Refused, Reason::TargetKindUnsupported, &subject, message.into());
            return false;
        }
        if !self.rules.accept_ungrouped {
            let message = "the system applies a policy for groups also to every device that is in no group; name \
                           roles or users, or set ungroupedDevices: Accept in the backend";
            self.find(Severity::Refused, Reason::AlsoMatchesUngroupedDevices, &subject, message.into());
            return false;
        }
        true
    }

    /// The id of a group, which stays the same when it is renamed.
    fn group(&mut self, field: &str, wanted: &IdOrName) -> Option<String> {
        let subject = format!("{field}: group {}", wanted.text());
        let found = match wanted {
            IdOrName::Id(id) => {
                self.catalogue.lookup(EntryKind::Group, None, |entry| entry.id == id.as_str())
            }
            IdOrName::Name(name) => self.look_up(EntryKind::Group, name.as_str()),
        };
        let (reason, message) = match found {
            Lookup::Found(Entry { id, name, .. }) if !name.trim().eq_ignore_ascii_case(ANY) => {
                return Some(id.clone());
            }
            Lookup::Found(_) => {
                let message =
                    "the system takes a group of this name for everybody; rename it, or say everyone: true";
                self.find(Severity::Refused, Reason::MatchesEveryone, &subject, message.into());
                return None;
            }
            Lookup::NotFound => (
                Reason::GroupNotFound,
                "the system has no such group; check the name or id in the console".to_owned(),
            ),
            Lookup::Ambiguous(many) => {
                (Reason::AmbiguousName, format!("{many} groups bear this name; name it by id"))
            }
            Lookup::Unknown => {
                let message = "not among the groups that this account may see; let it list all groups";
                (Reason::PartialView, message.to_owned())
            }
        };
        self.find(Severity::LeftOut, reason, &subject, message);
        None
    }

    fn devices_allowed(&mut self, field: &str) -> bool {
        let evaluated = self.rules.device_links && !self.rules.dialect.is_a();
        if !evaluated {
            let message = "the system stores links to single devices and does not look at them, so that the policy \
                           would reach everybody; if your build evaluates them, set deviceLinks: Evaluated";
            let subject = format!("{field}.devices");
            self.find(Severity::Refused, Reason::TargetKindUnsupported, &subject, message.into());
        }
        evaluated
    }

    fn device(&mut self, field: &str, device: &str) {
        let subject = format!("{field}: device {device}");
        let parts = device.split_once('/').filter(|(kind, id)| !kind.is_empty() && !id.is_empty());
        let Some((kind, id)) = parts else {
            let message = "a device is named as type/id";
            self.find(Severity::Refused, Reason::Invalid, &subject, message.into());
            return;
        };
        let kind = kind.to_lowercase();
        if !self.platforms.contains(&kind) {
            let message = format!("the policy has no profile for {kind}");
            self.find(Severity::LeftOut, Reason::TargetKindUnsupported, &subject, message);
            return;
        }
        let member = format!("{kind}/{id}");
        self.whom.devices.entry(kind).or_default().insert(member);
    }

    fn find(&mut self, severity: Severity, reason: Reason, subject: &str, message: String) {
        self.findings.push(Finding { severity, reason, subject: subject.to_owned(), message });
    }
}

fn is_internal(role: &str) -> bool {
    ["Internal/", "Application/", "Authentication/"].iter().any(|domain| role.starts_with(domain))
}
