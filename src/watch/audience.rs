//! Who is told what the index finds out.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    index::{Kind, unbound::Unbound},
    model::{BackendId, ObjectName, Uid},
    report::{
        aggregate::{PolicyFacts, Said, TargetGroupFacts},
        facts::BackendFacts,
        memo::Memo,
    },
};

/// An object of ours, as the API server shows it.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Its kind, never `Namespace`.
    pub kind: Kind,
    /// Namespace (empty where it is cluster-scoped) and name.
    pub name: &'a ObjectName,
    /// Its uid.
    pub uid: &'a Uid,
    /// Its metadata, without `managedFields`, labels and the annotations of others.
    pub metadata: &'a ObjectMeta,
}

/// Whoever is told. All calls come one after the other, in the order of the changes they tell of,
/// while the index is locked: they must be quick and must not call back into the
/// [`IndexHandle`](super::IndexHandle).
pub trait Audience: Send + Sync {
    /// An object as the API server holds it now, from the first list on; `None` where its status is absent or in a form
    /// this version does not understand.
    fn seen(&self, object: &Watched<'_>, status: Option<Memo>);
    /// An object is gone.
    fn gone(&self, kind: Kind, name: &ObjectName);
    /// What the status of an assignment says now, as far as known.
    fn said(&self, assignment: &ObjectName) -> Option<Said>;
    /// The verdict on an assignment no worker owns.
    fn unbound(&self, verdict: Unbound);
    /// The verdict on a backend no worker owns.
    fn unbound_backend(&self, facts: BackendFacts);
    /// What a Policy comes to.
    fn policy(&self, facts: PolicyFacts);
    /// What a TargetGroup comes to.
    fn target_group(&self, facts: TargetGroupFacts);
    /// A backend needs a worker.
    fn backend_appeared(&self, backend: &BackendId);
    /// Its worker has nothing to do any more and ends.
    fn backend_gone(&self, backend: &BackendId);
}
