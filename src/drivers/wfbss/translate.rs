//! From an assignment to documents (pure).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ids::{CustomerId, DocumentId, GroupId},
    settings::{self, Leaves},
    targets::{self, Reached},
};
use crate::{
    api::{Document, PolicySpec, Reason, ReleasePolicy, ReplicateFrom},
    drivers::{Binding, CompileContext, Compiled, Finding, Seed, Severity},
    model::{Contribution, Shape},
};

/// One platform's part of the policy.
struct Part<'a> {
    document: &'a Document,
    leaves: Leaves,
}

/// Compiles an assignment: each group reached, each platform named, is one document to which it contributes.
///
/// A refusal leaves no contribution.
pub fn compile(binding: &Binding, context: &CompileContext<'_>) -> Compiled {
    let mut findings = rules(binding);
    let documents =
        binding.policy.content.wfbss.as_ref().map_or(&[] as &[Document], |facet| &facet.documents);
    let mut parts = Vec::new();
    for document in documents {
        let (leaves, wrong) = settings::leaves(document, context.secrets);
        findings.extend(wrong);
        findings
            .extend(document.replicate_from.as_ref().and_then(|from| seed_rules(binding, document, from)));
        parts.push(Part { document, leaves });
    }
    let platforms: Vec<&str> = documents.iter().map(|document| document.os.as_str()).collect();
    let (reached, unresolved) = targets::resolve(&binding.reach, context.catalogue, &platforms);
    findings.extend(unresolved);
    let mut compiled = Compiled {
        targets: u32::try_from(reached.len() * parts.len()).unwrap_or(u32::MAX),
        ..Compiled::default()
    };
    if !findings.iter().any(|finding| finding.severity == Severity::Refused) {
        for part in &parts {
            contribute(binding, part, &reached, &mut compiled);
        }
    }
    findings.sort();
    findings.dedup();
    compiled.findings = findings;
    compiled
}

/// Rules about the objects as a whole, checked again for objects written before the schema had them (F15).
fn rules(binding: &Binding) -> Vec<Finding> {
    let refused = |reason, subject: &str, message: &str| Finding {
        severity: Severity::Refused,
        reason,
        subject: subject.to_owned(),
        message: message.to_owned(),
    };
    let mut findings = Vec::new();
    match &binding.policy.content.wfbss {
        None => findings.push(refused(
            Reason::FacetMissing,
            "spec.content",
            "the Policy has no wfbss facet: add spec.content.wfbss, or assign another Policy",
        )),
        Some(facet) => {
            let platforms: BTreeSet<_> = facet.documents.iter().map(|document| document.os).collect();
            if platforms.len() < facet.documents.len() {
                let message = "a platform is named twice: write one document per os";
                findings.push(refused(Reason::Invalid, "spec.content.wfbss.documents", message));
            }
        }
    }
    if binding.policy.enabled.is_some() {
        let message =
            "WFBSS documents have no switch: remove enabled, or set the settings that switch a feature";
        findings.push(refused(Reason::Invalid, "spec.enabled", message));
    }
    if binding.spec.release_policy == Some(ReleasePolicy::Delete) {
        let message = "WFBSS documents exist as long as their group does: use Orphan or Restore";
        findings.push(refused(Reason::RestoreUnsupported, "spec.releasePolicy", message));
    }
    findings
}

/// What is copied cannot be taken back, and must be named by ids (R27).
fn seed_rules(binding: &Binding, document: &Document, from: &ReplicateFrom) -> Option<Finding> {
    let subject = format!("{}.replicateFrom", settings::field(document.os));
    let refused =
        |reason, message: String| Some(Finding { severity: Severity::Refused, reason, subject, message });
    if !matches!(binding.spec.release_policy, None | Some(ReleasePolicy::Orphan)) {
        return refused(
            Reason::SeedNeedsOrphan,
            "a copied document cannot be taken back: use releasePolicy: Orphan".into(),
        );
    }
    match source(from) {
        Some(_) => None,
        None => refused(
            Reason::Invalid,
            format!("{}/{} is not a customer's GUID and the number of a group", from.customer, from.group),
        ),
    }
}

fn source(from: &ReplicateFrom) -> Option<(CustomerId, GroupId)> {
    CustomerId::parse(&from.customer).zip(GroupId::parse(from.group.as_str()))
}

fn contribute(binding: &Binding, part: &Part<'_>, reached: &Reached<'_>, compiled: &mut Compiled) {
    let os = part.document.os;
    let seed = part.document.replicate_from.as_ref().and_then(|from| Some((source(from)?, from.revision)));
    for ((customer, group), (customer_entry, group_entry)) in reached {
        let id = DocumentId { customer: customer.clone(), group: *group, os };
        let item = id.key();
        if let Some((source, revision)) = &seed
            && (&source.0, source.1) != (customer, *group)
        {
            let from = (source.0.to_string(), source.1.to_string());
            compiled.seeds.insert(item.clone(), Seed { from, revision: i64::from(*revision) });
        }
        compiled.contributions.push(Contribution {
            assignment: binding.assignment.clone(),
            status_key: item.to_string(),
            item,
            shape: Shape::Document,
            title: format!("{}/{}/{os}", targets::label(customer_entry), targets::label(group_entry)),
            leaves: part.leaves.clone(),
            members: BTreeMap::new(),
            enabled: None,
            priority: binding.spec.priority(),
        });
    }
}

/// Secrets that the facet refers to, by (name, key).
pub fn secret_refs(policy: &PolicySpec) -> BTreeSet<(String, String)> {
    let documents = policy.content.wfbss.iter().flat_map(|facet| &facet.documents);
    let secrets = documents.flat_map(|document| &document.secrets);
    secrets.map(|leaf| (leaf.secret_key_ref.name.clone(), leaf.secret_key_ref.key.clone())).collect()
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
