//! What the status of Policies and TargetGroups is made from (R9).

use std::collections::BTreeSet;

use super::{
    entry::Slot,
    links::{Links, beside, named},
    object::Kind,
    tables::Index,
};
use crate::{
    api::SystemName,
    model::ObjectName,
    report::aggregate::{AssignmentSummary, PolicyFacts, Said, Tally, TargetGroupFacts, Validity},
};

impl Index {
    /// What a Policy comes to; `said` tells what the status of an assignment says now. `None` where there is no such
    /// Policy, or its assignments have not been listed yet.
    pub fn policy_facts(
        &self,
        name: &ObjectName,
        said: impl Fn(&ObjectName) -> Option<Said>,
    ) -> Option<PolicyFacts> {
        let slot = self.policies.get(name)?;
        let all = self.summaries(&self.by_policy, name, said)?;
        let facets = slot.body.iter().flat_map(|policy| policy.facets()).map(SystemName::as_str);
        Some(PolicyFacts {
            name: name.clone(),
            uid: slot.head.uid.clone(),
            generation: slot.head.generation,
            validity: validity(slot),
            facets: facets.collect(),
            tally: Tally::of(&all),
        })
    }

    /// What a TargetGroup comes to; as [`Index::policy_facts`].
    pub fn target_group_facts(
        &self,
        name: &ObjectName,
        said: impl Fn(&ObjectName) -> Option<Said>,
    ) -> Option<TargetGroupFacts> {
        let slot = self.groups.get(name)?;
        let all = self.summaries(&self.by_group, name, said)?;
        Some(TargetGroupFacts {
            name: name.clone(),
            uid: slot.head.uid.clone(),
            generation: slot.head.generation,
            validity: validity(slot),
            tally: Tally::of(&all),
        })
    }

    /// The Policies and the TargetGroups that assignments name.
    pub fn named_by<'a>(
        &self,
        assignments: impl IntoIterator<Item = &'a ObjectName>,
    ) -> (BTreeSet<ObjectName>, BTreeSet<ObjectName>) {
        let (mut policies, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for name in assignments {
            let Some(entry) = self.assignments.get(name) else { continue };
            policies.extend(entry.policy.clone());
            groups.extend(entry.groups().map(|group| beside(name, group)));
        }
        (policies, groups)
    }

    fn summaries(
        &self,
        links: &Links,
        of: &ObjectName,
        said: impl Fn(&ObjectName) -> Option<Said>,
    ) -> Option<Vec<AssignmentSummary>> {
        self.feeds.listed(Kind::PolicyAssignment, &of.namespace).ok()?;
        let summary = |name: &ObjectName| {
            let entry = self.assignments.get(name)?;
            Some(AssignmentSummary {
                generation: entry.slot.head.generation,
                named: entry.named,
                suspended: entry.suspended,
                observe: entry.observe_only,
                said: said(name).unwrap_or_default(),
                name: name.clone(),
            })
        };
        Some(named(links, of).filter_map(summary).collect())
    }
}

fn validity<T>(slot: &Slot<T>) -> Validity {
    match &slot.fault {
        None => Validity::Valid,
        Some(fault) => Validity::Invalid(fault.message.to_string()),
    }
}
