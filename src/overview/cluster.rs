//! What an overview is made from: objects of the five kinds as the API server holds them, less what it never shows.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::{
        BackendStatus, PolicyAssignmentSpec, PolicyAssignmentStatus, PolicySpec, PolicyStatus, SystemName,
        TargetGroupSpec, TargetGroupStatus,
    },
    index::{Feed, Kind},
    model::{BackendId, ObjectName, Uid},
    report::corrections::Correction,
};

/// One object.
#[derive(Debug, Clone)]
pub struct Seen<S, T> {
    /// `metadata.uid`.
    pub uid: Uid,
    /// `metadata.generation`.
    pub generation: i64,
    /// Since when it is being deleted, if it is.
    pub deleting: Option<Timestamp>,
    /// Its spec, or where it cannot be decoded.
    pub spec: Result<S, String>,
    /// Its status; `None` where there is none, or none that this version understands.
    pub status: Option<T>,
}

impl<S, T> Seen<S, T> {
    /// An object of this metadata.
    pub fn new(meta: &ObjectMeta, spec: Result<S, String>, status: Option<T>) -> Self {
        let deleting = meta.deletion_timestamp.as_ref().map(|time| time.0);
        let uid = Uid(meta.uid.as_deref().unwrap_or_default().into());
        Self { uid, generation: meta.generation.unwrap_or_default(), deleting, spec, status }
    }
}

/// What of a Policy is shown: never its content, which may be a secret.
#[derive(Debug, Clone, Default)]
pub struct PolicyGlance {
    /// Its name in the systems, where it has one of its own.
    pub display_name: Option<String>,
}

impl From<PolicySpec> for PolicyGlance {
    fn from(spec: PolicySpec) -> Self {
        Self { display_name: spec.display_name }
    }
}

/// What of a Backend is shown: never where it is, nor who logs in.
#[derive(Debug, Clone, Copy)]
pub struct BackendGlance {
    /// Which kind of system.
    pub system: SystemName,
}

/// A kind that cannot be read, and why: what is shown lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unlisted {
    /// Which: `backends in mobile`.
    pub what: String,
    /// The answer of the API server.
    pub why: String,
    /// Whether it is the assignments, without which nothing can be said.
    #[serde(skip)]
    pub assignments: bool,
    /// Whether it is Policies or TargetGroups: an edit of theirs that is not proven yet is not seen.
    #[serde(skip)]
    pub edits: bool,
    /// Whether it is Backends or ClusterBackends: what they hold back is not seen.
    #[serde(skip)]
    pub accounts: bool,
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be listed, so they are not shown: {}", self.what, self.why)
    }
}

/// The objects.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Assignments.
    pub assignments: BTreeMap<ObjectName, Seen<PolicyAssignmentSpec, PolicyAssignmentStatus>>,
    /// Policies.
    pub policies: BTreeMap<ObjectName, Seen<PolicyGlance, PolicyStatus>>,
    /// TargetGroups.
    pub groups: BTreeMap<ObjectName, Seen<TargetGroupSpec, TargetGroupStatus>>,
    /// Backends and ClusterBackends.
    pub backends: BTreeMap<BackendId, Seen<BackendGlance, BackendStatus>>,
    /// Lists that cannot be read.
    pub unlisted: BTreeMap<String, Unlisted>,
    /// What was put back lately, as far as whoever looks knows.
    pub corrections: Vec<Correction>,
    /// When all of an account was last proven, by what its backend is called. Only the operator knows: a status for it
    /// would be a write for every look.
    pub proven: BTreeMap<String, Timestamp>,
}

impl Cluster {
    /// Notes that something cannot be listed that no state depends on.
    pub fn misses(&mut self, what: String, why: &str) {
        let why = super::words::line(why);
        let told = Unlisted { what: what.clone(), why, assignments: false, edits: false, accounts: false };
        self.unlisted.insert(what, told);
    }

    /// Notes that a list cannot be read. What it showed before stays.
    pub fn fails(&mut self, feed: &Feed, why: &str) {
        let what = feed.to_string();
        let told = Unlisted {
            what: what.clone(),
            why: super::words::line(why),
            assignments: feed.kind == Kind::PolicyAssignment,
            edits: matches!(feed.kind, Kind::Policy | Kind::TargetGroup),
            accounts: matches!(feed.kind, Kind::Backend | Kind::ClusterBackend),
        };
        self.unlisted.insert(what, told);
    }

    /// Whether all of a kind in this namespace is shown: what is not, is not there.
    pub(super) fn shows_all(&self, kind: Kind, namespace: &str) -> bool {
        let fails =
            |namespace: Option<Arc<str>>| self.unlisted.contains_key(&Feed { kind, namespace }.to_string());
        self.unlisted.is_empty() || !(fails(None) || fails(Some(namespace.into())))
    }

    /// Notes that a list is read again.
    pub fn works(&mut self, feed: &Feed) {
        self.unlisted.remove(&feed.to_string());
    }

    /// Puts what a list showed in the place of what it showed before.
    pub fn replace(&mut self, feed: &Feed, mut listed: Self) {
        let ours = |namespace: &str| feed.namespace.as_deref().is_none_or(|own| own == namespace);
        match feed.kind {
            Kind::PolicyAssignment => {
                self.assignments.retain(|name, _| !ours(&name.namespace));
                self.assignments.append(&mut listed.assignments);
            }
            Kind::Policy => {
                self.policies.retain(|name, _| !ours(&name.namespace));
                self.policies.append(&mut listed.policies);
            }
            Kind::TargetGroup => {
                self.groups.retain(|name, _| !ours(&name.namespace));
                self.groups.append(&mut listed.groups);
            }
            Kind::Backend | Kind::ClusterBackend => {
                let same = |id: &BackendId| id.namespace.is_empty() == (feed.kind == Kind::ClusterBackend);
                self.backends.retain(|id, _| !(same(id) && ours(&id.namespace)));
                self.backends.append(&mut listed.backends);
            }
            Kind::Namespace => {}
        }
        self.works(feed);
    }
}
