//! Whether an assignment has proven the Policy and the TargetGroups that are there now.

use super::{Cluster, PolicyGlance, Seen, words::name as plain};
use crate::{
    api::{AssignmentTargets, PolicyAssignmentSpec, PolicyAssignmentStatus, PolicyStatus},
    index::Kind,
    model::{ObjectName, SourcesDigest},
};

/// What an assignment names, as it is now.
pub(super) struct Sources<'a> {
    policy_name: &'a str,
    policy: Option<&'a Seen<PolicyGlance, PolicyStatus>>,
    groups: Vec<&'a str>,
    /// `None` where something of it may not be seen.
    digest: Option<SourcesDigest>,
}

impl<'a> Sources<'a> {
    /// What this assignment names.
    pub(super) fn of(name: &ObjectName, spec: &'a PolicyAssignmentSpec, cluster: &'a Cluster) -> Self {
        let beside = |other: &str| ObjectName::new(name.namespace.clone(), other);
        let policy_name = spec.policy_ref.name.as_str();
        let policy = cluster.policies.get(&beside(policy_name));
        let groups: Vec<&str> = spec.targets.iter().flat_map(AssignmentTargets::groups).collect();
        let shown = cluster.shows_all(Kind::Policy, &name.namespace)
            && (groups.is_empty() || cluster.shows_all(Kind::TargetGroup, &name.namespace));
        let digest = shown.then(|| {
            let found = groups.iter().filter_map(|group| cluster.groups.get(&beside(group)));
            let policy = policy.into_iter().map(|seen| (&seen.uid, seen.generation));
            SourcesDigest::of(policy.chain(found.map(|seen| (&seen.uid, seen.generation))))
        });
        Self { policy_name, policy, groups, digest }
    }

    /// What of it is not proven by this status, in words; `None` where all is, as far as can be seen.
    ///
    /// A status of an earlier version carries no `observedSources`: it tells of the generation of the Policy only.
    pub(super) fn unproven(&self, status: &PolicyAssignmentStatus) -> Option<String> {
        let generations = self.policy.map(|policy| policy.generation).zip(status.policy_generation);
        if let Some((now, then)) = generations.filter(|(now, then)| now != then) {
            return Some(format!("generation {now} of the Policy is not proven yet; generation {then} is"));
        }
        let proven: SourcesDigest = status.observed_sources.as_ref()?.parse().ok()?;
        self.digest.filter(|now| *now != proven).map(|_| self.changed())
    }

    /// What may have changed where the generation of the Policy has not.
    fn changed(&self) -> String {
        let policy = plain(self.policy_name);
        if self.policy.is_none() {
            return format!("Policy {policy} is not there any more; what is in force was proven with it");
        }
        match self.groups.as_slice() {
            [] => {
                format!("Policy {policy} has taken the place of one of the same name, and is not proven yet")
            }
            [group] => {
                let group = plain(group);
                format!(
                    "a change of TargetGroup {group} is not proven yet, or Policy {policy} has taken the place of one of \
                     the same name"
                )
            }
            _ => format!(
                "a change of one of its TargetGroups is not proven yet, or Policy {policy} has taken the place of one of \
                 the same name"
            ),
        }
    }
}
