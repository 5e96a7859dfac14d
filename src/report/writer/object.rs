//! What the writer writes: which objects there are, and what is reported of them.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    api::{FINALIZER_IN_USE, FINALIZER_RELEASE, GROUP, VERSION},
    model::{BackendId, BackendKind, ObjectName, Uid},
    report::{
        aggregate::{PolicyFacts, TargetGroupFacts, policy_status, target_group_status},
        conditions::{assignment_status, backend_status, ripens_at},
        facts::{AssignmentFacts, BackendFacts, Standing},
        memo::{Body, Memo},
    },
};

/// One custom resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A `PolicyAssignment`.
    Assignment(ObjectName),
    /// A Backend or `ClusterBackend`. Boxed, since keys of assignments are many and one pointer wide.
    Backend(Box<BackendId>),
    /// A Policy.
    Policy(ObjectName),
    /// A `TargetGroup`.
    TargetGroup(ObjectName),
}

impl Key {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Assignment(_) => "PolicyAssignment",
            Self::Backend(id) => match id.kind {
                BackendKind::Backend => "Backend",
                BackendKind::ClusterBackend => "ClusterBackend",
            },
            Self::Policy(_) => "Policy",
            Self::TargetGroup(_) => "TargetGroup",
        }
    }

    /// Its namespace; `None` where it is cluster-scoped.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Assignment(name) | Self::Policy(name) | Self::TargetGroup(name) => Some(&name.namespace),
            Self::Backend(id) => (id.kind == BackendKind::Backend).then_some(&*id.namespace),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Assignment(name) | Self::Policy(name) | Self::TargetGroup(name) => &name.name,
            Self::Backend(id) => &id.name,
        }
    }

    /// The finalizer we may put on it.
    pub const fn finalizer(&self) -> Option<&'static str> {
        match self {
            Self::Assignment(_) => Some(FINALIZER_RELEASE),
            Self::Backend(_) => Some(FINALIZER_IN_USE),
            Self::Policy(_) | Self::TargetGroup(_) => None,
        }
    }

    /// Its path at the API server. Names of objects that exist need no escaping.
    pub(super) fn path(&self) -> String {
        let plural = match self {
            Self::Assignment(_) => "policyassignments",
            Self::Backend(id) => match id.kind {
                BackendKind::Backend => "backends",
                BackendKind::ClusterBackend => "clusterbackends",
            },
            Self::Policy(_) => "policies",
            Self::TargetGroup(_) => "targetgroups",
        };
        let scope = self.namespace().map(|namespace| format!("namespaces/{namespace}/")).unwrap_or_default();
        format!("/apis/{GROUP}/{VERSION}/{scope}{plural}/{}", self.name())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Backend(id) => id.fmt(f),
            Self::Assignment(name) | Self::Policy(name) | Self::TargetGroup(name) => {
                write!(f, "{}/{name}", self.kind())
            }
        }
    }
}

/// What was last reported of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Report {
    Assignment(Box<AssignmentFacts>),
    Backend(Box<BackendFacts>),
    Policy(PolicyFacts),
    TargetGroup(TargetGroupFacts),
}

/// A status ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub memo: Memo,
    pub text: String,
}

impl Report {
    pub fn key(&self) -> Key {
        match self {
            Self::Assignment(facts) => Key::Assignment(facts.name.clone()),
            Self::Backend(facts) => Key::Backend(Box::new(facts.id.clone())),
            Self::Policy(facts) => Key::Policy(facts.name.clone()),
            Self::TargetGroup(facts) => Key::TargetGroup(facts.name.clone()),
        }
    }

    pub fn uid(&self) -> &Uid {
        match self {
            Self::Assignment(facts) => &facts.uid,
            Self::Backend(facts) => &facts.uid,
            Self::Policy(facts) => &facts.uid,
            Self::TargetGroup(facts) => &facts.uid,
        }
    }

    /// The generation it speaks of.
    pub const fn generation(&self) -> i64 {
        match self {
            Self::Assignment(facts) => facts.generation,
            Self::Backend(facts) => facts.generation,
            Self::Policy(facts) => facts.generation,
            Self::TargetGroup(facts) => facts.generation,
        }
    }

    /// The status it comes to.
    pub fn render(&self, before: Option<&Memo>, now: Timestamp) -> Rendered {
        match self {
            Self::Assignment(facts) => rendered(&assignment_status(facts, before, now)),
            Self::Backend(facts) => rendered(&backend_status(facts, before, now)),
            Self::Policy(facts) => rendered(&policy_status(facts, before, now)),
            Self::TargetGroup(facts) => rendered(&target_group_status(facts, before, now)),
        }
    }

    /// Whether numbers and messages may be taken from it: not from a backend out of reach (R21).
    pub fn has_details(&self) -> bool {
        let Self::Assignment(facts) = self else { return true };
        !matches!(facts.standing, Standing::Unavailable { .. })
    }

    /// Takes over since when the object stands as it does, where it stood so before.
    pub fn remember(&mut self, earlier: &Self) {
        let (Self::Assignment(now), Self::Assignment(before)) = (self, earlier) else { return };
        if now.generation == before.generation
            && let Standing::Unresolved(reason, _, since) = &mut now.standing
            && let Standing::Unresolved(was, _, earlier) = &before.standing
            && reason == was
        {
            *since = (*since).min(*earlier);
        }
    }

    /// In how long it comes to another status by time alone.
    pub fn ripens_in(&self, now: Timestamp) -> Option<Duration> {
        let ripe = match self {
            Self::Assignment(facts) => ripens_at(facts, now),
            Self::Policy(facts) => facts.tally.ripens_at(now),
            Self::TargetGroup(facts) => facts.tally.ripens_at(now),
            Self::Backend(_) => None,
        };
        let wait = ripe?.duration_since(now);
        Duration::try_from(wait).ok()
    }
}

fn rendered(status: &impl Body) -> Rendered {
    let (memo, text) = Memo::and_text(status);
    Rendered { memo, text }
}
