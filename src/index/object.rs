//! What the index is fed with.

use std::{collections::BTreeSet, fmt, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{
    Backend, BackendRef, ClusterBackend, Policy, PolicyAssignment, ReleasePolicy, SystemSpec, TargetGroup,
};

/// The kinds that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `Namespace`, for its labels.
    Namespace,
    /// `Policy`.
    Policy,
    /// `TargetGroup`.
    TargetGroup,
    /// `Backend`.
    Backend,
    /// `ClusterBackend`.
    ClusterBackend,
    /// `PolicyAssignment`.
    PolicyAssignment,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Namespace,
        Self::Policy,
        Self::TargetGroup,
        Self::Backend,
        Self::ClusterBackend,
        Self::PolicyAssignment,
    ];

    /// As spelt in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Policy => "Policy",
            Self::TargetGroup => "TargetGroup",
            Self::Backend => "Backend",
            Self::ClusterBackend => "ClusterBackend",
            Self::PolicyAssignment => "PolicyAssignment",
        }
    }

    /// As spelt in URLs and roles.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Policy => "policies",
            Self::TargetGroup => "targetgroups",
            Self::Backend => "backends",
            Self::ClusterBackend => "clusterbackends",
            Self::PolicyAssignment => "policyassignments",
        }
    }

    /// Whether its objects live in namespaces.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::ClusterBackend)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object as the API server holds it. A status that cannot be decoded is left out: it must
/// never make an object undecodable (F16).
#[derive(Debug, Clone)]
pub enum Object {
    /// A Policy.
    Policy(Box<Policy>),
    /// A TargetGroup.
    TargetGroup(Box<TargetGroup>),
    /// A PolicyAssignment.
    Assignment(Box<PolicyAssignment>),
    /// A Backend.
    Backend(Box<Backend>),
    /// A ClusterBackend.
    ClusterBackend(Box<ClusterBackend>),
    /// A Namespace's metadata.
    Namespace(Box<ObjectMeta>),
}

impl Object {
    /// Its metadata.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Policy(object) => &object.metadata,
            Self::TargetGroup(object) => &object.metadata,
            Self::Assignment(object) => &object.metadata,
            Self::Backend(object) => &object.metadata,
            Self::ClusterBackend(object) => &object.metadata,
            Self::Namespace(metadata) => metadata,
        }
    }

    /// The same, to be changed.
    pub fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Policy(object) => &mut object.metadata,
            Self::TargetGroup(object) => &mut object.metadata,
            Self::Assignment(object) => &mut object.metadata,
            Self::Backend(object) => &mut object.metadata,
            Self::ClusterBackend(object) => &mut object.metadata,
            Self::Namespace(metadata) => metadata,
        }
    }
}

/// An object whose spec cannot be decoded: recorded, never fatal.
#[derive(Debug, Clone)]
pub struct Undecodable {
    /// Which kind.
    pub kind: Kind,
    /// Its metadata, which the API server itself writes.
    pub metadata: ObjectMeta,
    /// What is wrong, and where.
    pub error: String,
    /// What can be read nevertheless.
    pub raw: RawFacts,
}

/// What can be read of a spec that does not decode as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawFacts {
    /// Name in `spec.policyRef`.
    pub policy: Option<String>,
    /// `spec.backendRef`.
    pub backend: Option<BackendRef>,
    /// `spec.releasePolicy`.
    pub release_policy: Option<ReleasePolicy>,
    /// `spec.system`.
    pub system: Option<SystemSpec>,
    /// `spec.suspend`.
    pub suspend: bool,
}

impl RawFacts {
    /// Reads what can be read of a `spec`.
    pub fn of(spec: &Value) -> Self {
        Self {
            policy: spec.pointer("/policyRef/name").and_then(Value::as_str).map(str::to_owned),
            backend: part(spec, "backendRef"),
            release_policy: part(spec, "releasePolicy"),
            system: part(spec, "system"),
            suspend: part(spec, "suspend").unwrap_or(false),
        }
    }
}

fn part<'a, T: Deserialize<'a>>(spec: &'a Value, member: &str) -> Option<T> {
    T::deserialize(spec.get(member)?).ok()
}

/// The namespaces the operator works in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// Only these (`--watch-namespaces`).
    Only(BTreeSet<Arc<str>>),
}

impl Scope {
    /// Whether it works in a namespace.
    pub fn covers(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(namespace),
        }
    }

    /// Whether both work in some namespace.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Only(mine), Self::Only(theirs)) => !mine.is_disjoint(theirs),
            _ => true,
        }
    }

    /// Where both work; `None`: nowhere.
    pub fn shared(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::All, one) | (one, Self::All) => Some(one.clone()),
            (Self::Only(mine), Self::Only(theirs)) => {
                let names: BTreeSet<_> = mine.intersection(theirs).cloned().collect();
                (!names.is_empty()).then_some(Self::Only(names))
            }
        }
    }

    /// Whether it works wherever the other does.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(mine), Self::Only(theirs)) => mine.is_superset(theirs),
        }
    }

    /// The lists that together are everything: cluster-scoped kinds as a whole, namespaced ones
    /// per namespace where only some are watched.
    pub fn feeds(&self) -> Vec<Feed> {
        let feeds = |kind: Kind| match self {
            Self::Only(names) if kind.is_namespaced() => {
                names.iter().map(|name| Feed { kind, namespace: Some(Arc::clone(name)) }).collect()
            }
            _ => vec![Feed { kind, namespace: None }],
        };
        Kind::ALL.into_iter().flat_map(feeds).collect()
    }
}

/// One list with its watch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Feed {
    /// Which kind.
    pub kind: Kind,
    /// Of which namespace; `None` is all, or cluster-scoped.
    pub namespace: Option<Arc<str>>,
}

impl Feed {
    /// Whether objects of this namespace come through it.
    pub(super) fn carries(&self, kind: Kind, namespace: &str) -> bool {
        self.kind == kind && self.namespace.as_deref().is_none_or(|own| own == namespace)
    }
}

impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in {namespace}", self.kind.plural()),
            None => f.write_str(self.kind.plural()),
        }
    }
}
