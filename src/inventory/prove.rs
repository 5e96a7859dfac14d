//! The proof of a description: it is compiled again, and must come to what stands there and to nothing else.

use std::{collections::BTreeMap, sync::Arc};

use kube::core::ObjectMeta;

use super::names;
use crate::{
    api::{
        Adopt, AssignmentTargets, BackendRef, Id, LocalRef, Mode, Policy, PolicyAssignment,
        PolicyAssignmentSpec, Selector, TargetSpec, validate,
    },
    drivers::{Binding, CompileContext, Described, DesiredItem, Reach, Severity, Translate},
    model::{BackendId, BackendKind, Catalogue, Digester, ObjectName, ObservedItem, OwnerId},
    plan::{
        diff::{Difference, difference, leaf_digest},
        merge::{Stake, merge},
    },
};

/// What a description is judged by.
pub struct Judge<'a> {
    /// The system's rules.
    pub driver: &'a dyn Translate,
    /// Names and ids of the account.
    pub catalogue: &'a Catalogue,
    /// This installation.
    pub owner: &'a OwnerId,
    /// Whose objects they are.
    pub backend: &'a BackendId,
    /// Where the manifests are to stand.
    pub namespace: &'a str,
}

/// The two objects that describe one of the vendor's.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifests {
    /// What holds.
    pub policy: Policy,
    /// Where, and for whom: it observes, and names the object to take over.
    pub assignment: PolicyAssignment,
}

impl Judge<'_> {
    /// Manifests whose plan is empty, and what they leave out.
    ///
    /// # Errors
    /// What applying them would change, or what the API server or the driver would refuse.
    pub fn prove(
        &self,
        item: &ObservedItem,
        title: &str,
        described: Described,
    ) -> Result<(Manifests, Vec<String>), String> {
        let mut notes = described.notes.clone();
        let manifests = without_bad_description(self.manifests(item, title, described), &mut notes);
        let wrong = validate::policy(&manifests.policy)
            .into_iter()
            .chain(validate::assignment_spec(&manifests.assignment.spec))
            .next();
        if let Some(wrong) = wrong {
            return Err(wrong.to_string());
        }
        let desired = self.desired(&manifests)?;
        let digester = Digester::new([0; 32]);
        let found = difference(&desired, item, &Vec::new(), self.driver, &digester);
        // The mark is what taking over adds; an assignment that observes adds nothing.
        let found = Difference { unmarked: false, ..found };
        if found.is_empty() {
            Ok((manifests, notes))
        } else {
            Err(format!("our words would change it: {}", differs(&found)))
        }
    }

    fn manifests(&self, item: &ObservedItem, title: &str, described: Described) -> Manifests {
        let id = item.id.as_ref().map(|id| id.0.to_string());
        let key = id.clone().or_else(|| item.key.as_ref().map(ToString::to_string)).unwrap_or_default();
        let name = names::name(&self.backend.name, title, &key);
        let metadata = || ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(self.namespace.to_owned()),
            ..ObjectMeta::default()
        };
        let kind = match self.backend.kind {
            BackendKind::Backend => None,
            BackendKind::ClusterBackend => Some(crate::api::BackendKind::ClusterBackend),
        };
        let spec = PolicyAssignmentSpec {
            policy_ref: LocalRef { name: name.clone() },
            backend_ref: BackendRef { kind, name: self.backend.name.to_string() },
            targets: described.targets,
            priority: self.priority(item),
            mode: Some(Mode::Observe),
            wso2: described.wso2,
            release_policy: None,
            // Documents name themselves.
            adopt: id.map(|id| Adopt { id: Some(Id(id)), by_name: None }),
            suspend: None,
        };
        Manifests {
            policy: Policy { metadata: metadata(), spec: described.policy, status: None },
            assignment: PolicyAssignment { metadata: metadata(), spec, status: None },
        }
    }

    /// Where the system has one order, the priority that keeps it among all that are taken over: a lower place is an
    /// earlier one (R17).
    fn priority(&self, item: &ObservedItem) -> Option<i32> {
        let slot = item.slot.filter(|_| self.driver.facts().ordered)?;
        i32::try_from(slot).ok().filter(|slot| (1..=1000).contains(slot)).map(|slot| -slot)
    }

    /// What the manifests come to: exactly one item.
    fn desired(&self, manifests: &Manifests) -> Result<DesiredItem, String> {
        let digester = Digester::new([0; 32]);
        let context = CompileContext {
            catalogue: self.catalogue,
            owner: self.owner,
            digester: &digester,
            secrets: &BTreeMap::new(),
        };
        let compiled = self.driver.compile(&binding(manifests), &context);
        if let Some(finding) = compiled.findings.iter().find(|f| f.severity != Severity::Note) {
            return Err(format!("{}: {}", finding.subject, finding.message));
        }
        let stakes: Vec<_> = compiled.contributions.iter().map(Stake::Live).collect();
        let digest = |path: &_, leaf: &_| leaf_digest(self.driver, &digester, path, leaf);
        let mut items = merge(&stakes, &digest, &|_, _| None).items.into_values();
        match (items.next(), items.next()) {
            (Some(item), None) => Ok(item),
            (None, _) => Err("our words would come to nothing".to_owned()),
            (Some(_), Some(_)) => Err("our words would come to several objects".to_owned()),
        }
    }
}

/// A description is only ours when named: one that our API does not take stays as it is.
fn without_bad_description(mut manifests: Manifests, notes: &mut Vec<String>) -> Manifests {
    let wrong =
        validate::policy(&manifests.policy).into_iter().find(|wrong| wrong.field == "spec.description");
    if let Some(wrong) = wrong {
        manifests.policy.spec.description = None;
        notes.push(format!("its description is left out and stays as it is: it {}", wrong.problem));
    }
    manifests
}

fn binding(manifests: &Manifests) -> Binding {
    let Manifests { policy, assignment } = manifests;
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = part(&policy.metadata.name);
    Binding {
        assignment: ObjectName::new(part(&assignment.metadata.namespace), name.clone()),
        policy_generation: 1,
        display_name: policy.spec.display_name.clone().unwrap_or_else(|| name.clone()).into(),
        policy_name: name.into(),
        policy: Arc::new(policy.spec.clone()),
        spec: Arc::new(assignment.spec.clone()),
        reach: reach(assignment.spec.targets.as_ref()),
    }
}

fn reach(targets: Option<&AssignmentTargets>) -> Reach {
    // A system without targets reaches whoever its scopes name.
    let Some(targets) = targets else { return Reach { everyone: true, ..Reach::default() } };
    let section = |(at, selector): (usize, &Selector)| {
        let field: Arc<str> = format!("spec.targets.include[{at}]").into();
        let targets = match selector.clone() {
            Selector::Wfbss(targets) => TargetSpec::Wfbss(targets),
            Selector::AppShield(targets) => TargetSpec::AppShield(targets),
            Selector::Tachyon(targets) => TargetSpec::Tachyon(targets),
            Selector::Wso2(targets) => TargetSpec::Wso2(targets),
            // No description refers to other objects.
            Selector::TargetGroupRef(_) => return None,
        };
        Some((field, Arc::new(targets)))
    };
    Reach {
        everyone: targets.everyone(),
        include: targets.include().iter().enumerate().filter_map(section).collect(),
        exclude: Vec::new(),
        allow_empty: targets.allow_empty(),
    }
}

fn differs(found: &Difference) -> String {
    let leaves = found.leaves.iter().chain(&found.extra).map(ToString::to_string);
    let members = found.add.keys().chain(found.remove.keys()).map(|kind| format!("its members ({kind:?})"));
    let switch = found.switch.map(|_| "its switch".to_owned());
    leaves.chain(members).chain(switch).collect::<Vec<_>>().join(", ")
}
