//! From a Policy to the one vendor policy it comes to, whatever number of assignments name it (R5).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{body::NAME, canonical, describe, resolve};
use crate::{
    api::{Naming, PolicySpec, Reason, Symphony, SymphonyFacet},
    drivers::{Binding, CompileContext, Compiled, Described, Facts, Finding, Severity, Translate},
    model::{
        Catalogue, Contribution, Identity, ItemKey, LeafPath, LeafValue, Mark, ObjectName, ObservedItem,
        OwnerId, Shape,
    },
};

const VARIANT: &str = "policy";

/// Pure knowledge about one Symphony pod's settings.
#[derive(Debug, Clone, Copy)]
pub struct Translator {
    naming: Naming,
}

impl From<&Symphony> for Translator {
    fn from(system: &Symphony) -> Self {
        Self { naming: system.naming() }
    }
}

/// What the system is, with `naming: Suffixed`; with `Exact` there are no marks.
pub const FACTS: Facts = Facts {
    system: "symphony",
    documents: false,
    snapshot: true,
    deploys: false,
    ordered: false,
    marks: true,
    switches: true,
    vets: false,
    additive: false,
    lists: true,
    reads: true,
    deletes: true,
    tells: "when, the version, who made it; not who changed it",
};

impl Translate for Translator {
    fn facts(&self) -> Facts {
        Facts { marks: self.naming == Naming::Suffixed, ..FACTS }
    }

    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        let Some(facet) = &binding.policy.content.symphony else {
            let message = "the Policy has no symphony facet; add content.symphony or assign another Policy";
            let finding = refused(Reason::FacetMissing, "spec.content", message.to_owned());
            return Compiled { findings: vec![finding], ..Compiled::default() };
        };
        self.one(facet, binding, context)
    }

    fn describe(&self, observed: &ObservedItem, _: &Catalogue) -> Result<Described, String> {
        describe::describe(observed)
    }

    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value {
        canonical::leaf(&path.0, value)
    }

    fn secret_refs(&self, _: &PolicySpec) -> BTreeSet<(String, String)> {
        BTreeSet::new()
    }
}

impl Translator {
    fn one(self, facet: &SymphonyFacet, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        let mark = self.mark(binding, context.owner);
        let mut findings = Vec::new();
        findings.extend(targets(binding));
        findings.extend(name(binding, mark.as_ref()));
        findings.extend(empty(facet));
        let dictionaries = resolve::dictionaries(&facet.dictionaries, context.catalogue, &mut findings);
        findings.extend(disabled(facet));
        findings.sort();
        findings.dedup();
        if findings.iter().any(|finding| finding.severity == Severity::Refused) {
            return Compiled { findings, ..Compiled::default() };
        }
        let scopes: BTreeSet<_> = facet.scopes.iter().collect();
        let contribution = Contribution {
            assignment: binding.assignment.clone(),
            item: ItemKey(
                format!("{}/{}/{VARIANT}", binding.assignment.namespace, binding.policy_name).into(),
            ),
            shape: Shape::Object { mark },
            title: binding.display_name.to_string(),
            leaves: leaves(facet, &binding.display_name, &dictionaries),
            members: BTreeMap::new(),
            enabled: enabled(facet, binding),
            priority: binding.spec.priority.unwrap_or(0),
            status_key: VARIANT.to_owned(),
        };
        let targets = u32::try_from(scopes.len()).unwrap_or(u32::MAX);
        Compiled { contributions: vec![contribution], findings, targets, ..Compiled::default() }
    }

    /// The system has no descriptions: the mark stands in the name, or nowhere.
    fn mark(self, binding: &Binding, owner: &OwnerId) -> Option<Mark> {
        let identity = Identity {
            owner: owner.clone(),
            kind: "Policy",
            object: ObjectName::new(binding.assignment.namespace.clone(), binding.policy_name.clone()),
            variant: VARIANT.to_owned(),
        };
        (self.naming == Naming::Suffixed).then(|| identity.suffix())
    }
}

fn leaves(
    facet: &SymphonyFacet,
    name: &str,
    dictionaries: &BTreeSet<String>,
) -> BTreeMap<LeafPath, LeafValue> {
    let leaves = [
        ("name", json!(name.trim())),
        ("type", json!(facet.action)),
        ("contentTypes", json!(facet.content_types)),
        ("scopes", json!(facet.scopes)),
        ("dictionaries", json!(dictionaries)),
    ];
    let leaf = |(path, value): (&str, Value)| {
        (LeafPath(path.into()), LeafValue { value: canonical::leaf(path, &value), secret: false })
    };
    leaves.into_iter().map(leaf).collect()
}

/// What an adopted object holds and nobody names is not ours (promise 1). A policy without dictionaries is disabled by
/// the system itself, and to switch it on again and again would be a quarrel with it.
fn enabled(facet: &SymphonyFacet, binding: &Binding) -> Option<bool> {
    let wanted = binding.policy.enabled.or(binding.spec.adopt.is_none().then_some(true));
    wanted.filter(|on| !on || !facet.dictionaries.is_empty())
}

/// The index refuses them first; here too, so that nobody is taken for a target who is none.
fn targets(binding: &Binding) -> Option<Finding> {
    let named = !(binding.reach.include.is_empty() && binding.reach.exclude.is_empty());
    named.then(|| {
        let message = "symphony has no targets, the reach is the policy's scopes; remove it";
        refused(Reason::TargetsNotApplicable, "spec.targets", message.to_owned())
    })
}

fn name(binding: &Binding, mark: Option<&Mark>) -> Option<Finding> {
    let name = binding.display_name.trim();
    let most = NAME - mark.map_or(0, |mark| mark.to_string().chars().count());
    let length = name.chars().count();
    (name.is_empty() || length > most).then(|| {
        let why = if mark.is_some() { ", since 7 of the system's 30 mark it as ours" } else { "" };
        let message = format!("the name has {length} characters; set a displayName of 1 to {most}{why}");
        refused(Reason::Invalid, "spec.displayName", message)
    })
}

/// Lists the system does not take empty (sheet section 4.1).
fn empty(facet: &SymphonyFacet) -> Vec<Finding> {
    let meant = facet.allow_empty_dictionaries == Some(true);
    let lists = [
        ("contentTypes", facet.content_types.is_empty(), "name what is looked at"),
        ("scopes", facet.scopes.is_empty(), "name the directions that are looked at"),
        (
            "dictionaries",
            facet.dictionaries.is_empty() && !meant,
            "the system disables such a policy; name a dictionary, or say allowEmptyDictionaries: true",
        ),
    ];
    let empty = lists.into_iter().filter(|(_, empty, _)| *empty);
    empty
        .map(|(field, _, what)| {
            refused(Reason::Invalid, &format!("spec.content.symphony.{field}"), format!("is empty: {what}"))
        })
        .collect()
}

fn disabled(facet: &SymphonyFacet) -> Option<Finding> {
    facet.dictionaries.is_empty().then(|| Finding {
        severity: Severity::Note,
        reason: Reason::Unsupported,
        subject: "spec.content.symphony.allowEmptyDictionaries".to_owned(),
        message:
            "without dictionaries the system disables the policy by itself: it enforces nothing, and is not \
                  switched on until a dictionary is named"
                .to_owned(),
    })
}

fn refused(reason: Reason, subject: &str, message: String) -> Finding {
    Finding { severity: Severity::Refused, reason, subject: subject.to_owned(), message }
}

#[cfg(test)]
mod tests;
