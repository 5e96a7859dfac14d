//! What `compile` takes and gives: one binding, what it comes to, and what is wrong with it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    api::conditions::Reason,
    model::{Catalogue, Contribution, Digester, ItemKey, ObjectName, OwnerId, Secret},
};

/// One assignment with everything it refers to: the input of `compile`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The assignment.
    pub assignment: ObjectName,
    /// The Policy's generation.
    pub policy_generation: i64,
    /// `metadata.name` of the Policy.
    pub policy_name: Arc<str>,
    /// `displayName`, or its default (product.md section 2).
    pub display_name: Arc<str>,
    /// The Policy: content, description, enabled.
    pub policy: Arc<crate::api::PolicySpec>,
    /// The assignment: priority, adopt, options of one system.
    pub spec: Arc<crate::api::PolicyAssignmentSpec>,
    /// Reach: everyone, or the union of includes.
    pub reach: Reach,
}

/// Targets after resolving TargetGroups; still names, not ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reach {
    /// `everyone: true`.
    pub everyone: bool,
    /// Included target sections with the field they come from, e.g. `spec.targets.include[0]`.
    pub include: Vec<(Arc<str>, Arc<crate::api::TargetSpec>)>,
    /// Excluded ones.
    pub exclude: Vec<(Arc<str>, Arc<crate::api::TargetSpec>)>,
    /// `allowEmpty`.
    pub allow_empty: bool,
}

/// What compiling needs besides the binding.
pub struct CompileContext<'a> {
    /// Names and ids of the account.
    pub catalogue: &'a Catalogue,
    /// This installation, for marks.
    pub owner: &'a OwnerId,
    /// Digests.
    pub digester: &'a Digester,
    /// Content secrets of the assignment's namespace, by (secret, key); what is missing is a finding.
    pub secrets: &'a BTreeMap<(String, String), Secret>,
}

/// What one binding comes to. Pure: the same input gives the same output.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compiled {
    /// What is wanted, per item.
    pub contributions: Vec<Contribution>,
    /// Documents to be copied once per revision, before their settings (R27).
    pub seeds: BTreeMap<ItemKey, Seed>,
    /// What is wrong or left out.
    pub findings: Vec<Finding>,
    /// How many targets the assignment reaches (`status.targets.desired`).
    pub targets: u32,
}

/// A group whose document is copied (R27).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed {
    /// Customer and group, as [`Step::Seed`](super::Step::Seed) takes them.
    pub from: (String, String),
    /// `replicateFrom.revision`; compare with `ItemRecord::seeded`.
    pub revision: i64,
}

/// How far a finding reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The whole assignment is refused: nothing of it is sent, what was applied stays.
    Refused,
    /// One target is left out, all others proceed (R16); no removal while it lasts.
    LeftOut,
    /// Said in `problems`, nothing changes.
    Note,
}

/// Something the system cannot express, or a target that does not resolve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How far it reaches.
    pub severity: Severity,
    /// Machine-readable.
    pub reason: Reason,
    /// The target or field it is about, e.g. `640F…/Servers/win` or `spec.content.wso2.profiles[0]`.
    pub subject: String,
    /// What is wrong, what is allowed, what to do.
    pub message: String,
}

impl Finding {
    /// What is wrong and where, as a condition says it.
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.subject, self.message)
    }

    /// Whether it is about whom an assignment reaches, and not about what its Policy says.
    pub fn is_of_targets(&self) -> bool {
        !self.subject.starts_with("spec.") || self.subject.starts_with("spec.targets")
    }

    /// Whether listing the system again may make it go away: a name may appear, a list may be whole next time.
    pub fn may_resolve(&self) -> bool {
        matches!(
            self.reason,
            Reason::CustomerNotFound
                | Reason::GroupNotFound
                | Reason::RoleNotFound
                | Reason::UserNotFound
                | Reason::RuleNotFound
                | Reason::DictionaryNotFound
                | Reason::TargetNotFound
                | Reason::ExcludeNotFound
                | Reason::AmbiguousName
                | Reason::CustomerExpired
                | Reason::CatalogueIncomplete
                | Reason::NoTargets
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_targets_makes_them_unresolved() {
        let cases = [
            ("spec.targets.include[0]: role sales", true, "a field of the assignment's targets"),
            ("spec.targets", true, "all of them"),
            ("640FE47F-5118-4D79-8221-A35D0DE2EE2C/Servers/win", true, "a target, named as the system does"),
            ("everyone", true, "all targets of a system"),
            ("spec.content.tachyon.rules: name usb", false, "a rule is what the Policy says"),
            ("spec.displayName", false, "a name"),
            ("spec.adopt", false, "an object to be taken over"),
        ];
        for (subject, of_targets, why) in cases {
            let (severity, reason) = (Severity::Refused, Reason::Unsupported);
            let finding = Finding { severity, reason, subject: subject.to_owned(), message: "no".to_owned() };
            assert_eq!(finding.is_of_targets(), of_targets, "{why}");
            assert_eq!(finding.sentence(), format!("{subject}: no"), "{why}");
        }
    }
}
