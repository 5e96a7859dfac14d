//! Backends and ClusterBackends: what is kept of them, and their view.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{
    desired::{BackendSettings, BackendView},
    entry::{Fault, Slot, annotation, shared},
    object::RawFacts,
};
use crate::{
    api::{
        ANNOTATION_ACCEPT_ACCOUNT, ANNOTATION_APPROVE_REMOVALS, Access, Backend, BackendSpec, ClusterBackend,
        ClusterBackendSpec, Correction, SystemSpec, validate,
    },
    model::BackendId,
};

/// A backend of either kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    pub system: Arc<SystemSpec>,
    settings: BackendSettings,
    /// Entries of a ClusterBackend; `None` for a Backend, which its own namespace may use as it likes.
    pub access: Option<Arc<[Access]>>,
    accept_account: Option<String>,
    approve_removals: Option<String>,
}

impl Body {
    fn of(meta: &ObjectMeta, spec: BackendSpec, access: Option<Arc<[Access]>>, old: Option<&Self>) -> Self {
        let settings = settings(&spec);
        Self {
            system: shared(spec.system, old.map(|old| &old.system)),
            settings,
            access,
            accept_account: annotation(meta, ANNOTATION_ACCEPT_ACCOUNT).map(str::to_owned),
            approve_removals: annotation(meta, ANNOTATION_APPROVE_REMOVALS).map(str::to_owned),
        }
    }

    /// Whether assignments resolve alike against both.
    pub fn same_for_assignments(&self, other: &Self) -> bool {
        self.system.name() == other.system.name() && self.access == other.access
    }
}

/// Takes over a Backend.
pub(super) fn backend(object: Backend, old: Option<&Slot<Body>>) -> Slot<Body> {
    let Backend { metadata, spec, .. } = object;
    let fault = Fault::invalid(&validate::backend_spec(&spec));
    let body = Body::of(&metadata, spec, None, old.and_then(|old| old.body.as_ref()));
    Slot::new(&metadata, Some(body), fault)
}

/// Takes over a ClusterBackend.
pub(super) fn cluster_backend(object: ClusterBackend, old: Option<&Slot<Body>>) -> Slot<Body> {
    let ClusterBackend { metadata, spec, .. } = object;
    let fault = Fault::invalid(&validate::cluster_backend_spec(&spec));
    let ClusterBackendSpec { backend, access } = spec;
    let body = Body::of(&metadata, backend, Some(access.into()), old.and_then(|old| old.body.as_ref()));
    Slot::new(&metadata, Some(body), fault)
}

/// Takes over one that does not decode. Where at least the system can be read it has a view, which
/// makes no call; else it has none.
pub(super) fn undecodable(meta: &ObjectMeta, error: &str, raw: &RawFacts, cluster: bool) -> Slot<Body> {
    let body = raw.system.clone().map(|system| {
        let spec = BackendSpec {
            system,
            ca_ref: None,
            drift: None,
            limits: None,
            guard: None,
            suspend: Some(raw.suspend),
        };
        // An access list that cannot be read lets nobody in.
        let access: Option<Arc<[Access]>> = cluster.then(|| Arc::from([]));
        Body::of(meta, spec, access, None)
    });
    Slot::new(meta, body, Some(Fault::undecodable(error)))
}

fn settings(spec: &BackendSpec) -> BackendSettings {
    let (limits, guard) = (spec.effective_limits(), spec.effective_guard());
    let ca = spec.ca_ref.as_ref();
    BackendSettings {
        credentials: spec.system.credentials().name.clone(),
        ca: ca.map(|ca| (ca.kind().to_string(), ca.name.clone(), ca.key().to_owned())),
        drift_interval: spec.drift_interval(),
        correct_drift: spec.correction() == Correction::Correct,
        requests_per_minute: limits.requests_per_minute,
        burst: limits.burst,
        in_flight: limits.in_flight,
        max_targets: guard.max_targets,
        max_removals: guard.max_removals,
        guard_window: guard.window,
        suspend: spec.suspended(),
    }
}

/// The view of a backend; `None` where not even its system can be read.
pub(super) fn view(id: &BackendId, slot: &Slot<Body>) -> Option<BackendView> {
    let (head, body) = (&slot.head, slot.body.as_ref()?);
    Some(BackendView {
        id: id.clone(),
        uid: head.uid.clone(),
        generation: head.generation,
        created: head.created,
        deleting: head.deleting,
        finalizer: head.finalizer,
        system: Arc::clone(&body.system),
        settings: body.settings.clone(),
        accept_account: body.accept_account.clone(),
        approve_removals: body.approve_removals.clone(),
        requested_at: head.requested_at.as_deref().map(str::to_owned),
        invalid: slot.fault.as_ref().map(|fault| fault.message.to_string()),
    })
}
