//! From a Policy and its assignments to the one vendor policy they come to (R5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{canonical, describe, resolve};
use crate::{
    api::{Deploy, DeployMode, ForeignChanges, PolicySpec, Reason, Tachyon, TachyonFacet},
    drivers::{
        Binding, CompileContext, Compiled, DeploySettings, Described, Facts, Finding, Severity, Translate,
    },
    model::{
        Catalogue, Contribution, Identity, ItemKey, LeafPath, LeafValue, Mark, MemberKind, ObjectName,
        ObservedItem, OwnerId, Shape,
    },
};

const VARIANT: &str = "policy";

/// Pure knowledge about one server's settings.
#[derive(Debug, Clone, Copy)]
pub struct Translator {
    deploy: Deploy,
}

impl From<&Tachyon> for Translator {
    fn from(system: &Tachyon) -> Self {
        Self { deploy: system.deploy }
    }
}

/// What the system is.
pub const FACTS: Facts = Facts {
    system: "tachyon",
    documents: false,
    snapshot: true,
    deploys: true,
    ordered: false,
    marks: true,
    switches: true,
    vets: true,
    additive: true,
    lists: true,
    reads: true,
    deletes: true,
    tells: "when; by whom where its version tells",
};

impl Translate for Translator {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        let Some(facet) = &binding.policy.content.tachyon else {
            let message = "the Policy has no tachyon facet; add content.tachyon or assign another Policy";
            let finding = refused(Reason::FacetMissing, "spec.content", message);
            return Compiled { findings: vec![finding], ..Compiled::default() };
        };
        compile(facet, binding, context)
    }

    fn describe(&self, observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
        describe::describe(observed, catalogue)
    }

    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value {
        canonical::leaf(&path.0, value)
    }

    fn exact_lists(&self) -> &'static [&'static str] {
        &["rules/"]
    }

    fn deploy_settings(&self) -> Option<DeploySettings> {
        Some(DeploySettings {
            automatic: self.deploy.mode == DeployMode::Automatic,
            hold_foreign: self.deploy.foreign_changes == ForeignChanges::Hold,
        })
    }

    fn secret_refs(&self, _: &PolicySpec) -> BTreeSet<(String, String)> {
        BTreeSet::new()
    }
}

fn compile(facet: &TachyonFacet, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
    let mut findings: Vec<Finding> = [name(binding), no_rules(facet)].into_iter().flatten().collect();
    let wanted = facet.rules.as_deref().unwrap_or_default();
    let rules = resolve::rules(wanted, context.catalogue, &mut findings);
    let groups = resolve::groups(&binding.reach, context.catalogue, &mut findings);
    findings.sort();
    findings.dedup();
    if findings.iter().any(|finding| finding.severity == Severity::Refused) {
        return Compiled { findings, ..Compiled::default() };
    }
    let targets = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let contribution = Contribution {
        assignment: binding.assignment.clone(),
        item: ItemKey(format!("{}/{}/{VARIANT}", binding.assignment.namespace, binding.policy_name).into()),
        shape: Shape::Object { mark: Some(mark(binding, context.owner)) },
        title: binding.display_name.to_string(),
        leaves: leaves(binding, &rules),
        members: BTreeMap::from([(MemberKind::ManagementGroup, groups)]),
        // What an adopted object holds and nobody names is not ours (promise 1).
        enabled: binding.policy.enabled.or(binding.spec.adopt.is_none().then_some(true)),
        priority: binding.spec.priority.unwrap_or(0),
        status_key: VARIANT.to_owned(),
    };
    Compiled { contributions: vec![contribution], findings, targets, ..Compiled::default() }
}

/// One object whatever number of assignments name the Policy.
fn mark(binding: &Binding, owner: &OwnerId) -> Mark {
    let identity = Identity {
        owner: owner.clone(),
        kind: "Policy",
        object: ObjectName::new(binding.assignment.namespace.clone(), binding.policy_name.clone()),
        variant: VARIANT.to_owned(),
    };
    identity.mark()
}

fn leaves(binding: &Binding, rules: &BTreeSet<String>) -> BTreeMap<LeafPath, LeafValue> {
    let name = ("name".to_owned(), json!(&*binding.display_name));
    let description = binding.policy.description.as_ref().map(|text| ("description".to_owned(), json!(text)));
    let rules = rules.iter().map(|id| (format!("rules/{id}"), true.into()));
    let all = [name].into_iter().chain(description).chain(rules);
    all.map(|(path, value)| {
        let value = canonical::leaf(&path, &value);
        (LeafPath(path.into()), LeafValue { value, secret: false })
    })
    .collect()
}

fn name(binding: &Binding) -> Option<Finding> {
    let message = "the name in the system would be empty; set a displayName";
    binding.display_name.trim().is_empty().then(|| refused(Reason::Invalid, "spec.displayName", message))
}

/// An empty list would take every rule out of a policy that stays enabled, which is more likely a mistake than meant.
fn no_rules(facet: &TachyonFacet) -> Option<Finding> {
    let message = "is empty: name at least one rule, or remove the list if the rules are not ours; to stop what the policy \
                   does, set enabled: false";
    let empty = facet.rules.as_ref().is_some_and(Vec::is_empty);
    empty.then(|| refused(Reason::Invalid, "spec.content.tachyon.rules", message))
}

fn refused(reason: Reason, subject: &str, message: &str) -> Finding {
    Finding { severity: Severity::Refused, reason, subject: subject.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
