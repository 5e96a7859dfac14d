//! Every rule of the schemas again, in code, and those that a schema cannot hold.
//!
//! An object may have been written before a rule existed, or past it (F15); an upgrade of the CRDs
//! does not look at what is stored. So the operator asks here before it believes an object. Pure.
//! Field paths are those of the API server (`spec.content.wso2.profiles[0].features[2].code`).

mod backend;
mod policy;
mod targets;
#[cfg(test)]
mod tests;
mod text;

pub use text::{is_control_or_invisible, shown};

use std::{collections::BTreeSet, fmt};

use super::{
    AssignmentTargets, BackendSpec, ClusterBackendSpec, Policy, PolicyAssignmentSpec, PolicySpec,
    TargetGroupSpec, limits,
};

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Invalid {
    /// The field, such as `spec.targets.include[0].wso2.roles[3]`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What is allowed, or what to do.
    pub allowed: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field, self.problem, self.allowed)
    }
}

/// Whether a Policy is well formed, its name included where it stands for `displayName`.
pub fn policy(object: &Policy) -> Vec<Invalid> {
    let mut found = policy_spec(&object.spec);
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let needs_name = object.spec.content.symphony.is_some() && object.spec.display_name.is_none();
    if needs_name && name.chars().count() > limits::SYMPHONY_DISPLAY_NAME {
        found.push(Invalid {
            field: "metadata.name".into(),
            problem: "stands for displayName and is too long for Symphony".into(),
            allowed: format!("name a displayName of at most {} characters", limits::SYMPHONY_DISPLAY_NAME),
        });
    }
    found
}

/// Whether the spec of a Policy is well formed.
pub fn policy_spec(spec: &PolicySpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    policy::spec(spec, &mut found);
    found.0
}

/// Whether a change of a Policy takes something away that is only ever added.
pub fn policy_update(old: &PolicySpec, new: &PolicySpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    policy::update(old, new, &mut found);
    found.0
}

/// Whether the spec of a `TargetGroup` is well formed.
pub fn target_group_spec(spec: &TargetGroupSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    targets::spec(&spec.targets, "spec", &mut found);
    found.0
}

/// Whether the spec of a `PolicyAssignment` is well formed, whatever the backend's system.
pub fn assignment_spec(spec: &PolicyAssignmentSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    text::object_name(&spec.policy_ref.name, "spec.policyRef.name", &mut found);
    text::object_name(&spec.backend_ref.name, "spec.backendRef.name", &mut found);
    if let Some(targets) = &spec.targets {
        assignment_targets(targets, &mut found);
    }
    found.range(spec.priority, -1000..=1000, "spec.priority");
    if let Some(adopt) = &spec.adopt {
        let by_name = adopt.by_name == Some(true);
        found.require(
            adopt.id.is_some() != by_name,
            "spec.adopt",
            "names both or neither",
            "say id, or byName: true",
        );
        if let Some(id) = &adopt.id {
            text::id(id, "spec.adopt.id", &mut found);
        }
    }
    found.0
}

/// Whether a change of a `PolicyAssignment` touches what is immutable.
pub fn assignment_update(old: &PolicyAssignmentSpec, new: &PolicyAssignmentSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    let same_backend =
        (old.backend_ref.kind(), &old.backend_ref.name) == (new.backend_ref.kind(), &new.backend_ref.name);
    let allowed = "create another assignment";
    found.require(
        old.policy_ref == new.policy_ref,
        "spec.policyRef",
        "was changed but is immutable",
        allowed,
    );
    found.require(same_backend, "spec.backendRef", "was changed but is immutable", allowed);
    found.0
}

fn assignment_targets(spec: &AssignmentTargets, found: &mut Findings) {
    let at = "spec.targets";
    let everyone = spec.everyone == Some(true);
    found.require(
        everyone != spec.include.is_some(),
        at,
        "means everyone and names include, or neither",
        "say everyone: true, or name include",
    );
    for (field, selectors) in [("include", spec.include()), ("exclude", &spec.exclude)] {
        let at = format_args!("{at}.{field}");
        found.at_most(selectors.len(), limits::INCLUDE, at);
        for (i, selector) in selectors.iter().enumerate() {
            targets::selector(selector, format_args!("{at}[{i}]"), found);
        }
    }
}

/// Whether the spec of a Backend is well formed.
pub fn backend_spec(spec: &BackendSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    backend::spec(spec, &mut found);
    found.0
}

/// Whether the spec of a `ClusterBackend` is well formed.
pub fn cluster_backend_spec(spec: &ClusterBackendSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    backend::spec(&spec.backend, &mut found);
    backend::access(&spec.access, &mut found);
    found.0
}

/// Whether a change of a backend turns it into another kind of system.
pub fn backend_update(old: &BackendSpec, new: &BackendSpec) -> Vec<Invalid> {
    let mut found = Findings::default();
    found.require(
        old.system.name() == new.system.name(),
        "spec.system",
        "was changed to another kind of system but is immutable",
        "create another backend",
    );
    found.0
}

/// Where a field is, such as `spec.targets.include[0]`: written out only once a rule is broken.
trait Field: fmt::Display + Copy {}

impl<T: fmt::Display + Copy> Field for T {}

/// Broken rules as they are found.
#[derive(Default)]
struct Findings(Vec<Invalid>);

impl Findings {
    fn add(&mut self, field: impl Field, problem: impl Into<String>, allowed: impl Into<String>) {
        self.0.push(Invalid { field: field.to_string(), problem: problem.into(), allowed: allowed.into() });
    }

    fn require(&mut self, holds: bool, field: impl Field, problem: &str, allowed: &str) {
        if !holds {
            self.add(field, problem, allowed);
        }
    }

    fn range(&mut self, value: Option<i32>, allowed: std::ops::RangeInclusive<i32>, field: impl Field) {
        if let Some(value) = value.filter(|value| !allowed.contains(value)) {
            self.add(
                field,
                format!("is {value}"),
                format!("{} to {} is allowed", allowed.start(), allowed.end()),
            );
        }
    }

    fn at_most(&mut self, len: usize, max: usize, field: impl Field) {
        if len > max {
            self.add(field, format!("has {len} entries"), format!("at most {max} are allowed"));
        }
    }

    fn at_least_one(&mut self, len: usize, field: impl Field) {
        self.require(len > 0, field, "is empty", "at least one entry is required");
    }

    /// Each entry once; `shown` is how an entry is written in the message.
    fn unique<K: Ord>(&mut self, keys: impl IntoIterator<Item = (K, impl fmt::Display)>, field: impl Field) {
        let mut seen = BTreeSet::new();
        for (i, (key, shown)) in keys.into_iter().enumerate() {
            if !seen.insert(key) {
                self.add(format_args!("{field}[{i}]"), format!("{shown} is there twice"), "name each once");
            }
        }
    }
}
