//! From references to a binding, or to the reason why there is none.

use std::sync::Arc;

use super::{
    access::{self, Request, Tenant},
    desired::Input,
    entry::{Assignment, Entry, Fault, Slot, Target, Targets},
    links::beside,
    object::Kind,
    tables::{Index, kind_of},
};
use crate::{
    api::{PolicyAssignmentSpec, PolicySpec, Reason, SystemName, TargetSpec, limits},
    drivers::{Binding, Finding, Reach, Severity},
    model::{BackendId, BackendKind, ObjectName, SourcesDigest, Uid},
};

type Resolved<T> = Result<T, Fault>;

fn fault<T>(reason: Reason, message: impl Into<Arc<str>>) -> Resolved<T> {
    Err(Fault { reason, message: message.into() })
}

impl Index {
    /// What an assignment comes to. The first thing that is wrong decides.
    pub(super) fn resolve(&self, name: &ObjectName, entry: &Assignment) -> Input {
        self.bind(name, entry).unwrap_or_else(|Fault { reason, message }| Input::Frozen {
            reason,
            message: message.to_string(),
        })
    }

    fn bind(&self, name: &ObjectName, entry: &Assignment) -> Resolved<Input> {
        if !self.scope.covers(&name.namespace) {
            return fault(
                Reason::NamespaceNotWatched,
                format!(
                    "the operator does not work in namespace {}; add it to --watch-namespaces",
                    name.namespace
                ),
            );
        }
        if let Some(broken) = entry.slot.fault.as_ref().filter(|fault| fault.is_undecodable()) {
            return Err((**broken).clone());
        }
        let (system, cluster) = self.system(entry.backend.as_deref())?;
        let spec = entry.slot.usable()?;
        let Some(policy_name) = &entry.policy else {
            return fault(Reason::PolicyNotFound, "spec.policyRef cannot be read");
        };
        let slot = self.policy(policy_name)?;
        let policy = usable("Policy", &spec.policy_ref.name, slot)?;
        fits(policy, &spec.policy_ref.name, spec, system)?;
        self.adoption(name, entry, spec, system)?;
        let (reach, findings) = self.reach(name, entry, system)?;
        self.allowed(name, entry, spec, (system != SystemName::Symphony).then_some(&reach))?;
        Ok(Input::Bound {
            binding: Box::new(Binding {
                assignment: name.clone(),
                policy_generation: slot.head.generation,
                display_name: display_name(policy, policy_name, system, cluster)?.into(),
                policy_name: Arc::clone(&policy_name.name),
                policy: Arc::clone(policy),
                spec: Arc::clone(spec),
                reach,
            }),
            findings,
            sources: self.sources(name, entry).map(|(uid, generation)| (uid.clone(), generation)).collect(),
        })
    }

    /// What else than the assignment itself says what is applied: an older state of it must not be acted on (I7). Its
    /// Policy and its TargetGroups, as far as they exist.
    fn sources<'a>(
        &'a self,
        name: &ObjectName,
        entry: &'a Assignment,
    ) -> impl Iterator<Item = (&'a Uid, i64)> {
        let policy =
            entry.policy.as_ref().and_then(|policy| self.policies.get(policy)).map(|slot| &slot.head);
        let groups = entry.groups().filter_map(|group| self.groups.get(&beside(name, group)));
        let heads = policy.into_iter().chain(groups.map(|slot| &slot.head));
        heads.map(|head| (&head.uid, head.generation))
    }

    /// The same in short: what a status speaks of, to be compared with what is there (R9).
    pub(super) fn named(&self, name: &ObjectName, entry: &Assignment) -> SourcesDigest {
        SourcesDigest::of(self.sources(name, entry))
    }

    /// The system of the backend, and whether it is a ClusterBackend.
    fn system(&self, id: Option<&BackendId>) -> Resolved<(SystemName, bool)> {
        let Some(id) = id else { return fault(Reason::BackendNotFound, "spec.backendRef cannot be read") };
        let kind = kind_of(id);
        let Some(slot) = self.backends.get(id) else {
            self.feeds.listed(kind, &id.namespace).or_else(|why| fault(Reason::Pending, why))?;
            return fault(
                Reason::BackendNotFound,
                format!("{kind} {} does not exist: create it, or delete this assignment", id.name),
            );
        };
        match (&slot.body, slot.is_undecodable()) {
            (Some(body), false) => Ok((body.system.name(), kind == Kind::ClusterBackend)),
            _ => fault(
                Reason::BackendUnavailable,
                format!("{kind} {} cannot be decoded: correct it as its condition Ready says", id.name),
            ),
        }
    }

    fn policy(&self, policy: &ObjectName) -> Resolved<&Slot<Arc<PolicySpec>>> {
        if let Some(slot) = self.policies.get(policy) {
            return Ok(slot);
        }
        self.feeds.listed(Kind::Policy, &policy.namespace).or_else(|why| fault(Reason::Pending, why))?;
        fault(
            Reason::PolicyNotFound,
            format!(
                "Policy {} does not exist, what was applied stays: create it, or delete this assignment",
                policy.name
            ),
        )
    }

    fn allowed(
        &self,
        name: &ObjectName,
        entry: &Assignment,
        spec: &PolicyAssignmentSpec,
        reach: Option<&Reach>,
    ) -> Resolved<()> {
        let Some(id) = entry.backend.as_deref().filter(|id| id.kind == BackendKind::ClusterBackend) else {
            return Ok(());
        };
        let body = self.backends.get(id).and_then(|slot| slot.body.as_ref());
        let entries = body.and_then(|body| body.access.as_deref()).unwrap_or_default();
        let tenant = Tenant { namespace: &name.namespace, labels: self.namespaces.get(&name.namespace) };
        access::check(entries, &tenant, &Request { spec, reach }).map_err(|refused| {
            let unlisted = self.feeds.listed(Kind::Namespace, "").err();
            match unlisted.filter(|_| refused.reason == Reason::Pending) {
                Some(why) => Fault { reason: Reason::Pending, message: why.into() },
                None => refused,
            }
        })
    }

    /// The union of includes with the field each comes from, and what is left out of it (R16).
    fn reach(
        &self,
        name: &ObjectName,
        entry: &Assignment,
        system: SystemName,
    ) -> Resolved<(Reach, Vec<Finding>)> {
        let targets = match (&entry.targets, system) {
            (None, SystemName::Symphony) => {
                return Ok((Reach { everyone: true, ..Reach::default() }, vec![]));
            }
            (Some(_), SystemName::Symphony) => {
                return fault(
                    Reason::TargetsNotApplicable,
                    "spec.targets: symphony has no targets, the reach is the policy's scopes; remove it",
                );
            }
            (None, _) => {
                return fault(
                    Reason::TargetsRequired,
                    format!("spec.targets is missing: {system} needs include, or everyone: true"),
                );
            }
            (Some(targets), _) => targets,
        };
        self.union(name, targets, system)
    }

    fn union(
        &self,
        name: &ObjectName,
        targets: &Targets,
        system: SystemName,
    ) -> Resolved<(Reach, Vec<Finding>)> {
        let mut findings = Vec::new();
        let mut resolve = |list: &[Entry], severity| {
            let mut found = Vec::with_capacity(list.len());
            for (field, target) in list {
                match self.selection(name, target, field, system)? {
                    Ok(selection) => found.push((Arc::clone(field), selection)),
                    Err(Fault { reason, message }) => {
                        findings.push(Finding {
                            severity,
                            reason,
                            subject: field.to_string(),
                            message: message.to_string(),
                        });
                    }
                }
            }
            Ok(found)
        };
        let include = resolve(&targets.include, Severity::LeftOut)?;
        let exclude = resolve(&targets.exclude, Severity::Refused)?;
        let reach = Reach { everyone: targets.everyone, include, exclude, allow_empty: targets.allow_empty };
        Ok((reach, findings))
    }

    /// The selection itself, or why this one is missing.
    ///
    /// # Errors
    /// What is wrong with the whole assignment.
    fn selection(
        &self,
        name: &ObjectName,
        target: &Target,
        field: &str,
        system: SystemName,
    ) -> Resolved<Resolved<Arc<TargetSpec>>> {
        let (selection, owner) = match target {
            Target::Inline(selection) => (selection, String::new()),
            Target::Group(group) => match self.group(name, group) {
                Ok(selection) => (selection, format!("TargetGroup {group} is ")),
                Err(missing) => return Ok(Err(missing)),
            },
        };
        if selection.system() == system {
            return Ok(Ok(Arc::clone(selection)));
        }
        fault(
            Reason::SystemMismatch,
            format!(
                "{field}: {owner}in the words of {}, but the backend is {system}; name targets of {system}",
                selection.system()
            ),
        )
    }

    fn group(&self, name: &ObjectName, group: &Arc<str>) -> Resolved<&Arc<TargetSpec>> {
        if let Some(slot) = self.groups.get(&beside(name, group)) {
            return usable("TargetGroup", group, slot);
        }
        let unlisted = self.feeds.listed(Kind::TargetGroup, &name.namespace).err();
        let absent = || format!("TargetGroup {group} does not exist: create it, or take it out");
        fault(Reason::TargetGroupNotFound, unlisted.unwrap_or_else(absent))
    }
}

fn usable<'a, T: PartialEq>(kind: &str, name: &str, slot: &'a Slot<T>) -> Resolved<&'a T> {
    slot.usable().map_err(|Fault { reason, message }| Fault {
        reason,
        message: format!("{kind} {name} {}", named_fault(reason, &message)).into(),
    })
}

fn named_fault(reason: Reason, message: &str) -> String {
    if reason == Reason::Undecodable { message.to_owned() } else { format!("is invalid: {message}") }
}

/// Whether policy and options speak of the backend's system.
fn fits(policy: &PolicySpec, name: &str, spec: &PolicyAssignmentSpec, system: SystemName) -> Resolved<()> {
    if !policy.facets().contains(&system) {
        return fault(
            Reason::FacetMissing,
            format!("Policy {name} has no spec.content.{system}: add it, or assign another Policy"),
        );
    }
    if spec.wso2.is_some() && system != SystemName::Wso2 {
        return fault(
            Reason::SystemMismatch,
            format!("spec.wso2 has options of wso2, but the backend is {system}: remove it"),
        );
    }
    Ok(())
}

/// `displayName`, or its default; a default may be too long, a name of its own was validated.
fn display_name(
    policy: &PolicySpec,
    name: &ObjectName,
    system: SystemName,
    cluster: bool,
) -> Resolved<String> {
    if let Some(given) = &policy.display_name {
        return Ok(given.clone());
    }
    let default = if cluster { format!("{}-{}", name.namespace, name.name) } else { name.name.to_string() };
    let max =
        if system == SystemName::Symphony { limits::SYMPHONY_DISPLAY_NAME } else { limits::DISPLAY_NAME };
    if default.chars().count() > max {
        return fault(
            Reason::Invalid,
            format!(
                "Policy {} has no spec.displayName, and its default {default} has more than {max} characters: name \
                 one",
                name.name
            ),
        );
    }
    Ok(default)
}
