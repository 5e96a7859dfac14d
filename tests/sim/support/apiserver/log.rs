//! Every request the API server answered, and filters to count them by.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::Duration;

use serde_json::{Map, Value};

use super::call::Verb;

/// A part of an object that a write changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The object is new.
    Created,
    /// The object is gone.
    Removed,
    /// The deletion mark.
    Deletion,
    /// `metadata.finalizers`.
    Finalizers,
    /// `metadata.annotations`.
    Annotations,
    /// `metadata.labels`.
    Labels,
    /// `status`.
    Status,
    /// Anything outside metadata and status.
    Content,
}

impl Part {
    /// What differs between two states of an object.
    pub fn changed(before: Option<&Value>, after: Option<&Value>) -> BTreeSet<Self> {
        let (Some(before), Some(after)) = (before, after) else {
            return match (before, after) {
                (None, Some(_)) => [Self::Created].into(),
                (Some(_), None) => [Self::Removed].into(),
                _ => BTreeSet::new(),
            };
        };
        let meta = |field: &str| before["metadata"].get(field) != after["metadata"].get(field);
        let parts = [
            (Self::Deletion, meta("deletionTimestamp")),
            (Self::Finalizers, meta("finalizers")),
            (Self::Annotations, meta("annotations")),
            (Self::Labels, meta("labels") || meta("ownerReferences")),
            (Self::Status, before.get("status") != after.get("status")),
            (Self::Content, content(before) != content(after)),
        ];
        parts.into_iter().filter(|(_, changed)| *changed).map(|(part, _)| part).collect()
    }
}

fn content(object: &Value) -> Map<String, Value> {
    let mut content = object.as_object().cloned().unwrap_or_default();
    content.remove("metadata");
    content.remove("status");
    content
}

/// One answered request.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Simulated time since the clock was made.
    pub at: Duration,
    /// What was asked for.
    pub verb: Verb,
    /// Plural name.
    pub resource: &'static str,
    /// Subresource, empty for the object itself.
    pub subresource: String,
    /// Namespace; `None` is all, or cluster-scoped.
    pub namespace: Option<String>,
    /// Name; empty for collections.
    pub name: String,
    /// Query parameters.
    pub query: BTreeMap<String, String>,
    /// Whether only metadata was wanted.
    pub metadata_only: bool,
    /// User agent, else the name the client was made with.
    pub user_agent: String,
    /// Body, where there was one.
    pub body: Option<Value>,
    /// HTTP status answered; 0 where the connection broke.
    pub code: u16,
    /// What the request changed; empty for reads, no-ops and refusals.
    pub touched: BTreeSet<Part>,
}

impl Entry {
    /// `resource` or `resource/subresource`.
    pub fn target(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.into()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// Whether it asked for a change.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb, Verb::Get | Verb::List | Verb::Watch)
    }

    /// Whether it was a write of the operator's pulse or voice rather than of its work.
    fn is_background(&self) -> bool {
        matches!(self.resource, "leases" | "events")
    }
}

/// A selection of requests; filters chain: `api.requests().to("policyassignments").touching(Part::Status)`.
#[derive(Debug, Clone, Default)]
pub struct Requests(Vec<Entry>);

impl Deref for Requests {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.0
    }
}

impl Requests {
    /// A selection of these.
    pub fn new(entries: &[Entry]) -> Self {
        Self(entries.to_vec())
    }

    /// Those that `keep` holds.
    pub fn filter(mut self, keep: impl Fn(&Entry) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// Those to a resource, given as `policies` or, for a subresource alone, `policies/status`.
    pub fn to(self, target: &str) -> Self {
        self.filter(|entry| entry.resource == target || entry.target() == target)
    }

    /// Those with an RBAC verb.
    pub fn verb(self, verb: &str) -> Self {
        self.filter(|entry| entry.verb.rbac() == verb)
    }

    /// Those about one object.
    pub fn about(self, namespace: &str, name: &str) -> Self {
        self.filter(|entry| entry.namespace.as_deref().unwrap_or_default() == namespace && entry.name == name)
    }

    /// Those that changed a part of an object.
    pub fn touching(self, part: Part) -> Self {
        self.filter(|entry| entry.touched.contains(&part))
    }

    /// Writes, whatever became of them, except to Leases and Events.
    pub fn writes(self) -> Self {
        self.filter(|entry| entry.is_write() && !entry.is_background())
    }

    /// Writes that were accepted and changed nothing: noise (I6).
    pub fn no_ops(self) -> Self {
        self.writes().filter(|entry| entry.touched.is_empty() && (200..300).contains(&entry.code))
    }

    /// Those answered with one HTTP status; 0 for a broken connection.
    pub fn answered(self, code: u16) -> Self {
        self.filter(|entry| entry.code == code)
    }

    /// Those of one user agent or client name.
    pub fn by(self, user_agent: &str) -> Self {
        self.filter(|entry| entry.user_agent.starts_with(user_agent))
    }

    /// Counts by `verb target`.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.0 {
            *counts.entry(format!("{} {}", entry.verb.rbac(), entry.target())).or_default() += 1;
        }
        counts
    }

    /// Every verb and RBAC resource asked for: what the chart's roles are compared with (S7).
    pub fn grants_used(&self) -> BTreeSet<(String, String)> {
        self.0.iter().map(|entry| (entry.verb.rbac().to_owned(), entry.target())).collect()
    }
}
