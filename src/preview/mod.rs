//! What applying manifests would change, found out without changing anything (`ordain plan`).
//!
//! ```text
//! manifests ─▶ overlay ─┐            ┌─▶ worker::preview, one per backend concerned ─▶ shape ─▶ Report ─▶ text, JSON
//! the cluster, listed ──┴─▶ two indexes: as it is, as it would be
//! ```
//!
//! The decisions are the controller's own: the same index, drivers, worker and guard. Nothing can be written: the reporter
//! is mute, the store is thrown away, and the transport refuses every call with an effect ([`NoEffects`]).
//!
//! [`NoEffects`]: crate::worker::ports::NoEffects

pub(crate) mod house;
pub mod manifest;
pub(crate) mod overlay;
pub mod report;
pub(crate) mod scratch;
mod shape;
mod strict;
#[cfg(test)]
mod tests;
pub mod text;
mod trouble;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;

use crate::{
    index::{AssignmentView, Desired, Index, Scope},
    model::{BackendId, Clock, ExternalId, ObjectName, OwnerId, Uid},
    report::metrics::Metrics,
    store::StoreError,
    watch::{Arrived, Listed},
    worker::{
        Worker,
        ports::{Connector, SecretSource},
        preview::Known,
        round::Halt,
    },
};

use manifest::Manifest;
use report::{BackendPlan, Problem, Report, Severity};

/// What a plan is made with.
pub struct Setup {
    /// Reads Secrets.
    pub secrets: Arc<dyn SecretSource>,
    /// Makes drivers over a transport that sends no effect.
    pub connector: Arc<dyn Connector>,
    /// The installation whose marks are looked for.
    pub owner: OwnerId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where a ClusterBackend's Secrets live.
    pub operator_namespace: String,
    /// The namespaces that were listed.
    pub scope: Scope,
    /// Measures, which nobody reads.
    pub metrics: Metrics,
}

/// Why there is no plan at all.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The API server would refuse these manifests; one line each.
    #[error("the manifests cannot be applied:\n{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// The temporary folder cannot be used.
    #[error("cannot use a temporary folder")]
    Scratch(#[source] std::io::Error),
    /// Nor the store in it.
    #[error("cannot use a temporary store")]
    Store(#[from] StoreError),
}

/// Plans.
///
/// # Errors
/// [`PreviewError`]. A backend that cannot be reached is told in the report.
pub async fn plan(setup: &Setup, listed: &Listed, manifests: &[Manifest]) -> Result<Report, PreviewError> {
    let laid_over = overlay::overlay(listed, manifests, setup.clock.now()).map_err(PreviewError::Refused)?;
    let now = index(&setup.scope, &listed.objects);
    let then = index(&setup.scope, &laid_over.objects);
    let named = &laid_over.uids;
    let scratch = scratch::Scratch::new().map_err(PreviewError::Scratch)?;
    let house = Arc::new(house::house(setup, scratch.store(setup.clock.clone())?));
    let ids = ids(listed);
    let mut plans = Vec::new();
    for id in then.with_desired() {
        let Some(desired) = then.desired(id) else { continue };
        let standing = now.desired(id);
        let concerned = concerned(standing.as_ref(), &desired, named);
        if concerned.is_empty() && !named.contains(&desired.backend.uid) {
            continue;
        }
        let (applied, outstanding) = by_status(listed, standing.as_ref(), &concerned);
        let known = Known {
            concerned,
            ids: ids.clone(),
            account: listed.accounts.get(id).cloned(),
            applied,
            outstanding,
            held: listed.held.get(id).cloned(),
        };
        let case = Case { id, now: standing.as_ref(), then: &desired, known: &known };
        let mut plan = case.plan(&house).await?;
        plan.notes.extend(case.unfinished(&listed.observed));
        plans.push(plan);
    }
    Ok(Report::new(plans, unbound(&then, manifests), laid_over.notes))
}

/// One backend that something is planned for.
struct Case<'a> {
    id: &'a BackendId,
    now: Option<&'a Desired>,
    then: &'a Desired,
    known: &'a Known,
}

impl Case<'_> {
    /// What the operator has not acted on yet: the last thing it let go of may still have to be taken back.
    fn unfinished(&self, observed: &BTreeMap<ObjectName, i64>) -> Vec<String> {
        let concerned = self.known.concerned.iter();
        let living = concerned.filter_map(|name| self.now?.assignments.get(name));
        living
            .filter(|view| view.finalizer && observed.get(&view.name) != Some(&view.generation))
            .map(|view| {
                format!(
                    "the operator has not finished with generation {} of {}: what that lets go of is not told here",
                    view.generation, view.name
                )
            })
            .collect()
    }

    async fn plan(&self, house: &Arc<crate::worker::House>) -> Result<BackendPlan, StoreError> {
        let backend = &self.then.backend;
        if let Some(problem) = &backend.invalid {
            return Ok(shape::unreachable(self.then, "Invalid", problem));
        }
        if backend.settings.suspend {
            return Ok(shape::suspended(self.then));
        }
        let worker = Worker::new(self.id.clone(), house.clone())?;
        match worker.preview(self.now, self.then, self.known).await {
            Ok(preview) => Ok(shape::shape(self.now, self.then, self.known, preview)),
            Err(Halt::Account(error)) => {
                Ok(shape::unreachable(self.then, error.reason.as_str(), &error.message))
            }
            Err(Halt::Store(error)) => Err(error),
        }
    }
}

/// An index of complete lists.
pub(crate) fn index(scope: &Scope, objects: &[(crate::index::Feed, Vec<Arrived>)]) -> Index {
    let mut index = Index::new(scope.clone());
    for (feed, objects) in objects {
        index.begin(feed);
        for object in objects {
            match object {
                Arrived::Object(object) => index.apply(object.clone()),
                Arrived::Undecodable(object) => index.undecodable(object),
            }
        }
        index.end(feed);
    }
    index.settle();
    index
}

/// What the operator says of the assignments of a backend: those that are applied as they stand in the cluster, and those
/// that nothing is planned for and that it is not done with.
fn by_status(
    listed: &Listed,
    now: Option<&Desired>,
    concerned: &BTreeSet<ObjectName>,
) -> (BTreeSet<ObjectName>, BTreeSet<ObjectName>) {
    let ours = now.into_iter().flat_map(|now| now.assignments.iter()).filter(|(_, view)| view.finalizer);
    let is_applied = |name: &ObjectName, view: &AssignmentView| {
        let policy = view.binding().map(|binding| binding.policy_generation);
        let applied = listed.applied.get(name).filter(|(generation, _)| *generation == view.generation);
        !view.deleting && policy.is_some() && applied.map(|(_, policy)| *policy) == policy
    };
    let (mut applied, mut outstanding) = (BTreeSet::new(), BTreeSet::new());
    for (name, view) in ours {
        if is_applied(name, view) {
            applied.insert(name.clone());
        } else if !concerned.contains(name) {
            outstanding.insert(name.clone());
        }
    }
    (applied, outstanding)
}

/// Assignments that a manifest names, or that are made of what one names, or that come to something else now.
fn concerned(now: Option<&Desired>, then: &Desired, named: &BTreeSet<Uid>) -> BTreeSet<ObjectName> {
    let backend_changed = now.is_none_or(|now| now.backend.generation != then.backend.generation);
    let before = |name: &ObjectName| now.and_then(|now| now.assignments.get(name));
    let is_concerned = |name: &ObjectName, view: &Arc<AssignmentView>| {
        backend_changed
            || view.sources().any(|(uid, _)| named.contains(uid))
            || before(name).is_none_or(|before| before != view)
    };
    let all = then.assignments.iter();
    all.filter(|(name, view)| is_concerned(name, view)).map(|(name, _)| name.clone()).collect()
}

pub(crate) fn ids(listed: &Listed) -> BTreeMap<(ObjectName, String), ExternalId> {
    let of = |(name, objects): (&ObjectName, &Vec<crate::api::ExternalObject>)| {
        let name = name.clone();
        let id = move |object: &crate::api::ExternalObject| {
            let id = object.id.as_deref().filter(|id| !id.is_empty())?;
            Some(((name.clone(), object.key.clone()), ExternalId(id.into())))
        };
        objects.iter().filter_map(id).collect::<Vec<_>>()
    };
    listed.known.iter().flat_map(of).collect()
}

/// Assignments of the manifests that no backend takes.
fn unbound(then: &Index, manifests: &[Manifest]) -> Vec<Problem> {
    let assignments = manifests.iter().filter_map(Manifest::assignment);
    assignments
        .filter_map(|name| then.unbound_assignment(&name))
        .map(|verdict| Problem {
            severity: Severity::Error,
            reason: verdict.facts.accepted.reason.as_str().to_owned(),
            subject: format!("PolicyAssignment {}", verdict.facts.name),
            message: verdict.facts.accepted.message,
        })
        .collect()
}

/// How long a system may take to list what was just created: nothing is created here.
const SETTLE: SignedDuration = SignedDuration::ZERO;
