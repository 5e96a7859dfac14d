//! From an assignment to vendor policies: one per platform and target dimension (R1, R5).
//!
//! A policy of the system restricts by roles *and* users *and* groups; a selection of ours is a
//! union. So each dimension becomes a policy of its own, and one that is empty is never sent:
//! to the system, no restriction means everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    canonical,
    content::{self, Prepared},
    describe,
    dialect::Rules,
    resolve::{self, Dimension, Whom},
};
use crate::{
    api::{Compliance, Deploy, DeployMode, ForeignChanges, Ownership, PolicySpec, Reason, Wso2, Wso2Facet},
    drivers::{
        Binding, CompileContext, Compiled, DeploySettings, Described, Facts, Finding, Severity, Translate,
    },
    model::{
        Catalogue, Contribution, EntryKind, Identity, ItemKey, LeafPath, LeafValue, MemberKind, ObservedItem,
        OwnerId, Shape, catalogue::Lookup,
    },
};

/// Columns of the system (sheet section 3.1).
const NAME: usize = 45;
const DESCRIPTION: usize = 1000;
/// Blank and mark at the end of a description.
const MARK: usize = 36;

/// Pure knowledge about one WSO2 account's settings.
#[derive(Debug, Clone, Copy)]
pub struct Translator {
    rules: Rules,
    deploy: Deploy,
}

impl From<&Wso2> for Translator {
    fn from(system: &Wso2) -> Self {
        Self { rules: system.into(), deploy: system.deploy }
    }
}

/// What the system is.
pub const FACTS: Facts = Facts {
    system: "wso2",
    documents: false,
    snapshot: true,
    deploys: true,
    ordered: true,
    marks: true,
    deletes: true,
    switches: true,
    vets: false,
    additive: false,
    lists: true,
    reads: true,
    tells: "when; not by whom",
};

impl Translate for Translator {
    fn facts(&self) -> Facts {
        FACTS
    }

    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        let Some(facet) = &binding.policy.content.wso2 else {
            let message = "the Policy has no wso2 facet; add content.wso2 or assign another Policy";
            let finding = refused(Reason::FacetMissing, "spec.content", message.to_owned());
            return Compiled { findings: vec![finding], ..Compiled::default() };
        };
        compile(self.rules, facet, binding, context)
    }

    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value {
        canonical::leaf(&path.0, value)
    }

    /// A call names groups by the names they have now, so that one without cannot be sent; other kinds are sent as they are.
    fn is_member_gone(&self, kind: MemberKind, name: &str, catalogue: &Catalogue) -> bool {
        let found = || catalogue.lookup(EntryKind::Group, None, |group| group.id == name);
        kind == MemberKind::Group && found() == Lookup::NotFound
    }

    fn describe(&self, observed: &ObservedItem, _: &Catalogue) -> Result<Described, String> {
        describe::describe(self.rules, observed)
    }

    fn exact_lists(&self) -> &'static [&'static str] {
        &["features/"]
    }

    fn deploy_settings(&self) -> Option<DeploySettings> {
        Some(DeploySettings {
            automatic: self.deploy.mode == DeployMode::Automatic,
            hold_foreign: self.deploy.foreign_changes == ForeignChanges::Hold,
        })
    }

    fn secret_refs(&self, policy: &PolicySpec) -> BTreeSet<(String, String)> {
        policy.content.wso2.as_ref().map(content::secret_refs).unwrap_or_default()
    }
}

fn compile(rules: Rules, facet: &Wso2Facet, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
    let mut findings = lengths(binding);
    let profiles = content::profiles(facet, context, &mut findings);
    let platforms: BTreeSet<String> = profiles.keys().cloned().collect();
    let whom = resolve::reach(rules, &binding.reach, &platforms, context.catalogue, &mut findings);
    let refused = findings.iter().any(|finding| finding.severity == Severity::Refused);
    let policies = VendorPolicies { rules, binding, owner: context.owner, whom: &whom };
    let contributions = if refused { Vec::new() } else { policies.all(&profiles) };
    findings.sort();
    findings.dedup();
    let members: usize = contributions.iter().flat_map(|c| c.members.values()).map(BTreeSet::len).sum();
    let targets = u32::try_from(members).unwrap_or(u32::MAX);
    Compiled { contributions, findings, targets, ..Compiled::default() }
}

/// What does not fit into the system's columns.
fn lengths(binding: &Binding) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = &binding.display_name;
    let length = name.chars().count();
    if name.trim().is_empty() || length > NAME {
        let message = format!(
            "the name in the system would have {length} characters; set a displayName of 1 to {NAME}"
        );
        findings.push(refused(Reason::Invalid, "spec.displayName", message));
    }
    let described = binding.policy.description.as_deref().unwrap_or_default().chars().count();
    if described > DESCRIPTION - MARK {
        let most = DESCRIPTION - MARK;
        let message =
            format!("the description has {described} characters; the system holds {most} besides our mark");
        findings.push(refused(Reason::Invalid, "spec.description", message));
    }
    findings
}

/// What all vendor policies of one assignment share.
struct VendorPolicies<'a> {
    rules: Rules,
    binding: &'a Binding,
    owner: &'a OwnerId,
    whom: &'a Whom,
}

impl VendorPolicies<'_> {
    fn all(&self, profiles: &BTreeMap<String, Prepared>) -> Vec<Contribution> {
        let mut contributions = Vec::new();
        for (platform, prepared) in profiles {
            let dimensions = self.whom.dimensions(platform);
            contributions
                .extend(dimensions.into_iter().map(|dimension| self.one(platform, prepared, dimension)));
        }
        contributions
    }

    fn one(&self, platform: &str, prepared: &Prepared, dimension: Dimension) -> Contribution {
        let assignment = &self.binding.assignment;
        let variant = format!("{platform}/{}", dimension.word());
        let identity = Identity {
            owner: self.owner.clone(),
            kind: "PolicyAssignment",
            object: assignment.clone(),
            variant: variant.clone(),
        };
        Contribution {
            assignment: assignment.clone(),
            item: ItemKey(format!("{assignment}/{variant}").into()),
            shape: Shape::Object { mark: Some(identity.mark()) },
            title: self.binding.display_name.to_string(),
            leaves: self.leaves(prepared),
            members: self.whom.members(self.rules, platform, dimension),
            enabled: self.binding.policy.enabled.or((!self.adopts()).then_some(true)),
            priority: self.binding.spec.priority.unwrap_or(0),
            status_key: variant,
        }
    }

    /// What an adopted object holds and nobody names is not ours (promise 1).
    fn adopts(&self) -> bool {
        self.binding.spec.adopt.is_some()
    }

    fn leaves(&self, prepared: &Prepared) -> BTreeMap<LeafPath, LeafValue> {
        let options = self.binding.spec.wso2.unwrap_or_default();
        let created = !self.adopts();
        let compliance = options.compliance.or(created.then_some(Compliance::Enforce)).map(compliance_word);
        let ownership = options.ownership.or(created.then_some(Ownership::Any)).map(ownership_word);
        let plain = [
            ("name", Some(&*self.binding.display_name)),
            ("description", self.binding.policy.description.as_deref()),
            ("platform", Some(prepared.platform.as_str())),
            ("compliance", compliance),
            ("ownership", ownership),
        ];
        let leaf = |(path, text): (&str, Option<&str>)| {
            Some((LeafPath(path.into()), LeafValue { value: text?.into(), secret: false }))
        };
        plain.into_iter().filter_map(leaf).chain(prepared.features.clone()).collect()
    }
}

/// The words that the code of the system compares with, not the documented ones (sheet section 7).
const fn compliance_word(compliance: Compliance) -> &'static str {
    match compliance {
        Compliance::Enforce => "enforce",
        Compliance::Warning => "warn",
        Compliance::Monitor => "monitor",
    }
}

const fn ownership_word(ownership: Ownership) -> &'static str {
    match ownership {
        Ownership::Any => "ANY",
        Ownership::Byod => "BYOD",
        Ownership::Cope => "COPE",
    }
}

fn refused(reason: Reason, subject: &str, message: String) -> Finding {
    Finding { severity: Severity::Refused, reason, subject: subject.to_owned(), message }
}

#[cfg(test)]
mod tests;
