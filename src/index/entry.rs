//! What is kept of each object: pruned, shared, compact.

use std::{num::NonZeroU64, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{intern::Interner, object::RawFacts};
use crate::{
    api::{
        self, ANNOTATION_EXTERNAL_ID, ANNOTATION_RECONCILE, AssignmentTargets, BackendRef, FINALIZER_IN_USE,
        FINALIZER_RELEASE, Mode, PolicyAssignment, PolicyAssignmentSpec, ReleasePolicy, Selector, TargetSpec,
        conditions::Reason,
        validate::{self, Invalid},
    },
    model::{BackendId, BackendKind, ObjectName, SourcesDigest, Uid},
};

/// Rules named in a message; the rest are counted.
const NAMED: usize = 3;

/// The part of metadata that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub uid: Uid,
    pub generation: i64,
    pub created: Timestamp,
    pub deleting: bool,
    /// Bears a finalizer of ours.
    pub finalizer: bool,
    /// Annotation `ordain.dev/reconcile-requested-at`.
    pub requested_at: Option<Box<str>>,
    /// Annotation `ordain.dev/external-id`.
    pub external_id: Option<Box<str>>,
}

impl Head {
    pub fn of(meta: &ObjectMeta) -> Self {
        let ours = |name: &String| name == FINALIZER_RELEASE || name == FINALIZER_IN_USE;
        Self {
            uid: Uid(meta.uid.as_deref().unwrap_or_default().into()),
            generation: meta.generation.unwrap_or_default(),
            created: meta.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0),
            deleting: meta.deletion_timestamp.is_some(),
            finalizer: meta.finalizers.iter().flatten().any(ours),
            requested_at: annotation(meta, ANNOTATION_RECONCILE).map(Into::into),
            external_id: annotation(meta, ANNOTATION_EXTERNAL_ID).map(Into::into),
        }
    }
}

pub(super) fn annotation<'a>(meta: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(key).map(String::as_str)
}

/// Why an object cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// `Undecodable` or `Invalid`.
    pub reason: Reason,
    pub message: Arc<str>,
}

impl Fault {
    pub fn undecodable(error: &str) -> Self {
        let message = format!("cannot be decoded: {error}");
        Self { reason: Reason::Undecodable, message: message.into() }
    }

    /// `None` where no rule is broken.
    pub fn invalid(found: &[Invalid]) -> Option<Self> {
        let named: Vec<_> = found.iter().take(NAMED).map(ToString::to_string).collect();
        let more = found.len().saturating_sub(NAMED);
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        let message = format!("{}{tail}", named.join("; "));
        (!found.is_empty()).then(|| Self { reason: Reason::Invalid, message: message.into() })
    }

    pub fn is_undecodable(&self) -> bool {
        self.reason == Reason::Undecodable
    }
}

/// `metadata.resourceVersion`, where it can be compared.
pub(super) fn version(meta: &ObjectMeta) -> Option<NonZeroU64> {
    meta.resource_version.as_deref()?.parse().ok()
}

/// An object and what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Slot<T> {
    pub head: Head,
    /// `metadata.resourceVersion`, where it can be compared.
    pub version: Option<NonZeroU64>,
    /// `None` where nothing of it can be used.
    pub body: Option<T>,
    pub fault: Option<Box<Fault>>,
}

impl<T: PartialEq> Slot<T> {
    pub fn new(meta: &ObjectMeta, body: Option<T>, fault: Option<Fault>) -> Self {
        Self { head: Head::of(meta), version: version(meta), body, fault: fault.map(Box::new) }
    }

    /// The same, going by the one copy of its uid.
    fn known_as(mut self, meta: &ObjectMeta, names: &mut Interner) -> Self {
        self.head.uid = names.uid(meta.uid.as_deref().unwrap_or_default());
        self
    }

    /// The body, where nothing is wrong with it.
    ///
    /// # Errors
    /// What is wrong.
    pub fn usable(&self) -> Result<&T, Fault> {
        match (&self.fault, &self.body) {
            (Some(fault), _) => Err((**fault).clone()),
            (None, Some(body)) => Ok(body),
            (None, None) => Err(Fault::undecodable("it is empty")),
        }
    }

    pub fn is_undecodable(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.is_undecodable())
    }

    /// Whether both say the same, whatever their resourceVersion.
    pub fn same(&self, other: &Self) -> bool {
        self.head == other.head && self.body == other.body && self.fault == other.fault
    }
}

/// One entry of `include` or `exclude`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Group(Arc<str>),
    Inline(Arc<TargetSpec>),
}

/// An entry and the field it stands in, such as `spec.targets.include[0]`.
pub(super) type Entry = (Arc<str>, Target);

/// `spec.targets`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Targets {
    pub everyone: bool,
    pub include: Box<[Entry]>,
    pub exclude: Box<[Entry]>,
    pub allow_empty: bool,
}

impl Targets {
    fn of(spec: AssignmentTargets, names: &mut Interner) -> Self {
        let everyone = spec.everyone();
        let allow_empty = spec.allow_empty();
        let mut entries = |list: Vec<Selector>, word: &str| {
            let entry = |(i, one)| (names.get(&format!("spec.targets.{word}[{i}]")), target(one, names));
            list.into_iter().enumerate().map(entry).collect()
        };
        let include = entries(spec.include.unwrap_or_default(), "include");
        Self { everyone, include, exclude: entries(spec.exclude, "exclude"), allow_empty }
    }

    pub fn groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.include.iter().chain(&self.exclude).filter_map(|(_, target)| match target {
            Target::Group(name) => Some(name),
            Target::Inline(_) => None,
        })
    }
}

fn target(selector: Selector, names: &mut Interner) -> Target {
    Target::Inline(Arc::new(match selector {
        Selector::TargetGroupRef(group) => return Target::Group(names.get(&group.name)),
        Selector::Wfbss(mut targets) => {
            targets.customers.shrink_to_fit();
            targets.customers.iter_mut().for_each(|customer| names.share(&mut customer.groups));
            TargetSpec::Wfbss(targets)
        }
        Selector::AppShield(targets) => TargetSpec::AppShield(targets),
        Selector::Tachyon(targets) => TargetSpec::Tachyon(targets),
        Selector::Wso2(targets) => TargetSpec::Wso2(targets),
    }))
}

/// A PolicyAssignment.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub slot: Slot<Arc<PolicyAssignmentSpec>>,
    /// `None` where it cannot be read.
    pub backend: Option<Arc<BackendId>>,
    /// The same.
    pub policy: Option<ObjectName>,
    /// Kept apart from the spec, so that they are shared with the views.
    pub targets: Option<Targets>,
    pub release_policy: Option<ReleasePolicy>,
    pub suspended: bool,
    pub observe_only: bool,
    /// The Policy and the TargetGroups it names, as of the last [`Index::settle`](super::tables::Index::settle).
    pub named: SourcesDigest,
}

impl Assignment {
    /// Takes an object over, less its targets, sharing with `old` what has not changed.
    pub fn of(object: PolicyAssignment, name: &ObjectName, old: Option<&Self>, names: &mut Interner) -> Self {
        let PolicyAssignment { metadata, mut spec, .. } = object;
        let fault = Fault::invalid(&validate::assignment_spec(&spec));
        let targets = spec.targets.take().map(|targets| Targets::of(targets, names));
        let old_targets = old.and_then(|old| old.targets.as_ref());
        let targets = targets.map(|new| old_targets.filter(|old| **old == new).cloned().unwrap_or(new));
        Self {
            backend: Some(backend_id(&spec.backend_ref, &name.namespace, names)),
            policy: Some(names.policy(name, &spec.policy_ref.name)),
            targets,
            release_policy: spec.release_policy,
            suspended: spec.suspended(),
            observe_only: spec.mode() == Mode::Observe,
            named: nothing_named(),
            slot: Slot::new(&metadata, Some(names.spec(spec)), fault).known_as(&metadata, names),
        }
    }

    /// Takes over what can be read of one that does not decode.
    pub fn undecodable(
        meta: &ObjectMeta,
        error: &str,
        raw: &RawFacts,
        name: &ObjectName,
        names: &mut Interner,
    ) -> Self {
        Self {
            slot: Slot::new(meta, None, Some(Fault::undecodable(error))),
            backend: raw.backend.as_ref().map(|backend| backend_id(backend, &name.namespace, names)),
            policy: raw.policy.as_deref().map(|policy| names.policy(name, policy)),
            targets: None,
            release_policy: raw.release_policy,
            suspended: false,
            observe_only: false,
            named: nothing_named(),
        }
    }

    /// Whether both come to the same view.
    pub fn same_view(&self, other: &Self) -> bool {
        self.slot.same(&other.slot)
            && self.backend == other.backend
            && self.policy == other.policy
            && self.targets == other.targets
            && self.release_policy == other.release_policy
    }

    pub fn groups(&self) -> impl Iterator<Item = &Arc<str>> {
        self.targets.iter().flat_map(Targets::groups)
    }
}

/// Until it is settled.
fn nothing_named() -> SourcesDigest {
    SourcesDigest::of([])
}

pub(super) fn shared<T: PartialEq>(new: T, old: Option<&Arc<T>>) -> Arc<T> {
    old.filter(|old| ***old == new).map_or_else(|| Arc::new(new), Arc::clone)
}

fn backend_id(reference: &BackendRef, namespace: &Arc<str>, names: &mut Interner) -> Arc<BackendId> {
    let (kind, namespace) = match reference.kind() {
        api::BackendKind::Backend => (BackendKind::Backend, Arc::clone(namespace)),
        api::BackendKind::ClusterBackend => (BackendKind::ClusterBackend, names.get("")),
    };
    let name = names.get(&reference.name);
    names.backend(BackendId { kind, namespace, name })
}
