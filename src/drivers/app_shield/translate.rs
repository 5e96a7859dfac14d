//! From an assignment to its share in a vendor policy: content from the Policy, members from itself (R5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{canonical, describe, targets};
use crate::{
    api::{AppShield, AppShieldFacet, FreeForm, PolicySpec, Reason, Resend},
    drivers::{Binding, CompileContext, Compiled, Described, Facts, Finding, Severity, Translate},
    model::{
        Catalogue, Contribution, Identity, ItemKey, LeafPath, LeafValue, ObjectName, ObservedItem, OwnerId,
        Shape,
    },
};

/// The one object of a Policy, in keys and in `status.objects[].key`.
const VARIANT: &str = "policy";
const CONSTRAINTS: &str = "spec.content.appShield.constraints";

/// What the system is where no `paths` are configured.
pub const FACTS: Facts = Facts {
    system: "appShield",
    documents: false,
    snapshot: false,
    deploys: false,
    ordered: false,
    marks: true,
    switches: false,
    vets: false,
    additive: false,
    lists: false,
    reads: false,
    deletes: false,
    tells: "who and when, as far as `paths` lead to it",
};

/// Pure knowledge about one account's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translator {
    facts: Facts,
    resends: bool,
}

impl From<&AppShield> for Translator {
    fn from(system: &AppShield) -> Self {
        let paths = system.paths();
        let lists = paths.list.is_some();
        let reads = lists || paths.get.is_some();
        let facts = Facts { lists, reads, snapshot: lists, deletes: paths.delete.is_some(), ..FACTS };
        Self { facts, resends: !reads && system.resend() == Resend::Interval }
    }
}

impl Translator {
    /// A save says everything, so what is not named is echoed as read. Where nothing can be read the last answer is
    /// echoed instead, and takes away what somebody built in the console since (promise 1): constraints must then be
    /// named always, and an adopted policy, of which there is no answer yet, whole.
    fn blindness(&self, facet: &AppShieldFacet, binding: &Binding) -> Option<Finding> {
        if self.facts.reads {
            return None;
        }
        let adopted = binding.spec.adopt.is_some();
        let fields = [
            ("spec.enabled", adopted && binding.policy.enabled.is_none()),
            ("spec.description", adopted && binding.policy.description.is_none()),
            (CONSTRAINTS, facet.constraints.is_none()),
        ];
        let missing: Vec<_> =
            fields.iter().filter(|(_, unnamed)| *unnamed).map(|(field, _)| *field).collect();
        (!missing.is_empty()).then(|| Finding {
            severity: Severity::Refused,
            reason: Reason::Invalid,
            subject: if adopted { "spec.adopt" } else { CONSTRAINTS }.to_owned(),
            message: format!(
                "without a path to read it, a policy is saved whole, and what is not named and was changed in the console \
                 would be lost. Name {} in the Policy ({CONSTRAINTS} as an empty list if there are to be none), or set \
                 paths.list or paths.get in the Backend",
                missing.join(", ")
            ),
        })
    }
}

impl Translate for Translator {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        let Some(facet) = &binding.policy.content.app_shield else {
            let message = "the Policy has no appShield facet; add content.appShield or assign another Policy";
            let finding = Finding {
                severity: Severity::Refused,
                reason: Reason::FacetMissing,
                subject: "spec.content".to_owned(),
                message: message.to_owned(),
            };
            return Compiled { findings: vec![finding], ..Compiled::default() };
        };
        match self.blindness(facet, binding) {
            Some(finding) => Compiled { findings: vec![finding], ..Compiled::default() },
            None => compile(facet, binding, context),
        }
    }

    fn describe(&self, observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
        describe::describe(observed, catalogue)
    }

    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value {
        canonical::leaf(&path.0, value)
    }

    fn resends(&self) -> bool {
        self.resends
    }

    /// Constraints hold values of profile tags, never secrets.
    fn secret_refs(&self, _policy: &PolicySpec) -> BTreeSet<(String, String)> {
        BTreeSet::new()
    }
}

fn compile(facet: &AppShieldFacet, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
    let mut findings = Vec::new();
    let whom = targets::resolve(&binding.reach, context.catalogue, &mut findings);
    let refused = findings.iter().any(|finding| finding.severity == Severity::Refused);
    // Who named people and reaches none of them yet has no share; an empty list must be asked for.
    let nobody = whom.is_empty() && !binding.reach.allow_empty;
    let contributions =
        if refused || nobody { Vec::new() } else { vec![contribution(facet, binding, context.owner, &whom)] };
    findings.sort();
    findings.dedup();
    let targets = if refused { 0 } else { whom.len() };
    Compiled { contributions, findings, targets, ..Compiled::default() }
}

fn contribution(
    facet: &AppShieldFacet,
    binding: &Binding,
    owner: &OwnerId,
    whom: &targets::Whom,
) -> Contribution {
    let policy = ObjectName::new(binding.assignment.namespace.clone(), binding.policy_name.clone());
    let identity = Identity {
        owner: owner.clone(),
        kind: "Policy",
        object: policy.clone(),
        variant: VARIANT.to_owned(),
    };
    // What an adopted object holds and nobody names is not ours (promise 1).
    let made_by_us = binding.spec.adopt.is_none();
    Contribution {
        assignment: binding.assignment.clone(),
        item: ItemKey(format!("{policy}/{VARIANT}").into()),
        shape: Shape::Object { mark: Some(identity.mark()) },
        title: binding.display_name.to_string(),
        leaves: leaves(facet, binding),
        members: whom.members(),
        enabled: binding.policy.enabled.or(made_by_us.then_some(true)),
        priority: binding.spec.priority.unwrap_or(0),
        status_key: VARIANT.to_owned(),
    }
}

fn leaves(facet: &AppShieldFacet, binding: &Binding) -> BTreeMap<LeafPath, LeafValue> {
    let constraints =
        facet.constraints.as_ref().map(|all| all.iter().map(FreeForm::to_value).collect::<Value>());
    let named = [
        ("name", Some(Value::from(&*binding.display_name))),
        ("description", binding.policy.description.as_deref().map(Value::from)),
        ("constraints", constraints),
    ];
    let leaf = |(path, value): (&str, Option<Value>)| {
        Some((LeafPath(path.into()), LeafValue { value: value?, secret: false }))
    };
    named.into_iter().filter_map(leaf).collect()
}

#[cfg(test)]
mod tests;
