//! What a system holds and nobody manages, in the words of our API (`ordain inventory`).
//!
//! ```text
//! the cluster, listed ─▶ index ─┐
//!                               ├─▶ worker::survey ─▶ nobody's? ─▶ describe ─▶ prove ─▶ table, YAML
//! --kubeconfig ─▶ Secret ───────┘                                  (driver)
//! ```
//!
//! What is printed as YAML was compiled again and compared with what was read: applied as it stands, its plan is empty.
//! What fails this proof is told in a comment. Nothing can be written: see [`crate::preview`].

mod names;
mod prove;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod yaml;

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    drivers::DriverError,
    index::Desired,
    model::{BackendId, ExternalId, ObservedItem, OwnerId},
    preview::{self, Setup, house, scratch::Scratch},
    store::StoreError,
    watch::Listed,
    worker::{Worker, round::Halt, survey::Survey},
};

pub use prove::{Judge, Manifests};
pub use table::table;
pub use yaml::yaml;

/// What nobody manages on one account.
#[derive(Debug)]
pub struct Inventory {
    /// Of which backend.
    pub backend: BackendId,
    /// As spelled in `spec.system`.
    pub system: &'static str,
    /// Objects and documents, by name.
    pub entries: Vec<Entry>,
    /// Objects with our mark that no assignment claims any more.
    pub orphans: usize,
    /// Objects with the mark of another installation.
    pub others: usize,
    /// What could not be seen, in sentences.
    pub gaps: Vec<String>,
}

/// One object or document that nobody manages.
#[derive(Debug)]
pub struct Entry {
    /// What people call it.
    pub name: String,
    /// The vendor's id, or the coordinates of a document.
    pub id: String,
    /// The system's switch, where it has one.
    pub active: Option<bool>,
    /// Whom it reaches, in short.
    pub targets: String,
    /// The manifests, or why it cannot be said in their words.
    pub manifests: Result<Box<Manifests>, String>,
    /// What the manifests leave out.
    pub notes: Vec<String>,
}

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is no such backend.
    #[error("there is no {0}")]
    NotFound(BackendId),
    /// Its spec is not valid.
    #[error("{0} is not valid: {1}")]
    Invalid(BackendId, String),
    /// It cannot be asked.
    #[error("{0} cannot be asked: {reason}: {message}", reason = .1.reason, message = .1.message)]
    Account(BackendId, DriverError),
    /// It can be asked, but not for a list.
    #[error("{0} is a {1}, which lists nothing; set spec.system.{1}.paths.list, if it has such a call")]
    Blind(BackendId, &'static str),
    /// The temporary folder cannot be used.
    #[error("cannot use a temporary folder")]
    Scratch(#[source] std::io::Error),
    /// Nor the store in it.
    #[error("cannot use a temporary store")]
    Store(#[from] StoreError),
}

/// Takes the inventory of a backend; the manifests are for `namespace`.
///
/// # Errors
/// [`InventoryError`].
pub async fn take(
    setup: &Setup,
    listed: &Listed,
    id: &BackendId,
    namespace: &str,
) -> Result<Inventory, InventoryError> {
    let index = preview::index(&setup.scope, &listed.objects);
    let desired = index.desired(id).ok_or_else(|| InventoryError::NotFound(id.clone()))?;
    if let Some(problem) = &desired.backend.invalid {
        return Err(InventoryError::Invalid(id.clone(), problem.clone()));
    }
    let scratch = Scratch::new().map_err(InventoryError::Scratch)?;
    let house = Arc::new(house::house(setup, scratch.store(setup.clock.clone())?));
    let survey = Worker::new(id.clone(), house)?.survey(&desired).await.map_err(|halt| match halt {
        Halt::Account(error) => InventoryError::Account(id.clone(), error),
        Halt::Store(error) => InventoryError::Store(error),
    })?;
    let facts = survey.driver.translate().facts();
    if !facts.lists {
        return Err(InventoryError::Blind(id.clone(), facts.system));
    }
    let managed = managed(listed, &desired);
    Ok(sort(&survey, &managed, &setup.owner, id, namespace))
}

/// Ids of the objects that living assignments have, or are about to take over.
fn managed(listed: &Listed, desired: &Desired) -> BTreeSet<ExternalId> {
    let ids = preview::ids(listed);
    let recorded = ids.into_iter().filter(|((who, _), _)| desired.assignments.contains_key(who));
    let adopted = desired.assignments.values().filter_map(|view| {
        let id = view.binding()?.spec.adopt.as_ref()?.id.as_ref()?;
        Some(ExternalId(id.as_str().into()))
    });
    recorded.map(|(_, id)| id).chain(adopted).collect()
}

/// Tells what is nobody's from what is somebody's, and describes it.
fn sort(
    survey: &Survey,
    managed: &BTreeSet<ExternalId>,
    owner: &OwnerId,
    id: &BackendId,
    namespace: &str,
) -> Inventory {
    let judge = Judge {
        driver: survey.driver.translate(),
        catalogue: &survey.catalogue,
        owner,
        backend: id,
        namespace,
    };
    let mut inventory = Inventory {
        backend: id.clone(),
        system: judge.driver.facts().system,
        entries: Vec::new(),
        orphans: 0,
        others: 0,
        gaps: gaps(survey),
    };
    for item in &survey.observation.items {
        let held = item.id.as_ref().is_some_and(|id| managed.contains(id))
            || item.key.as_ref().is_some_and(|key| survey.claimed.contains(key));
        match &item.mark {
            _ if held => {}
            None => inventory.entries.push(judge.entry(item)),
            Some(mark) if survey.marks.contains(mark) => {}
            Some(mark) if mark.owner.as_ref() == Some(owner) => inventory.orphans += 1,
            Some(_) => inventory.others += 1,
        }
    }
    inventory.entries.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    inventory
}

/// Where something may stand that was not seen.
fn gaps(survey: &Survey) -> Vec<String> {
    let view = &survey.observation;
    let incomplete = (!view.complete && view.unread.is_empty())
        .then(|| format!("there may be more than is shown here: {}", view.why_incomplete(None)));
    let unread = view.unread.iter().map(|(item, why)| format!("{item} could not be read: {why}"));
    let kinds = survey.catalogue.partial.iter();
    let partial = kinds.map(|kind| format!("the list of {kind:?} entries may not be complete"));
    incomplete.into_iter().chain(view.partial.clone()).chain(unread).chain(partial).collect()
}

impl Judge<'_> {
    /// Describes what nobody manages.
    pub fn entry(&self, item: &ObservedItem) -> Entry {
        let described = self.driver.describe(item, self.catalogue);
        let targets = table::targets(item, described.as_ref().ok());
        let title = described.as_ref().ok().and_then(|described| described.title.clone());
        let name = title.unwrap_or_else(|| item.name.clone());
        let (manifests, notes) = match described.and_then(|described| self.prove(item, &name, described)) {
            Ok((manifests, notes)) => (Ok(Box::new(manifests)), notes),
            Err(why) => (Err(why), Vec::new()),
        };
        let key = item.key.as_ref().map(ToString::to_string);
        let id = key.or_else(|| item.id.as_ref().map(ToString::to_string)).unwrap_or_default();
        Entry { name, id, active: item.enabled, targets, manifests, notes }
    }
}
