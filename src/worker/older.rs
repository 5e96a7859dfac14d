//! I7, F11: nothing is done on an account while an object of it is older than one already acted on.

use std::collections::BTreeMap;

use super::{Worker, facts::Behind, recall};
use crate::{
    index::{AssignmentView, Desired},
    model::{ObjectName, Uid, memory::Write, reckoned},
    store::StoreError,
};

/// An object that was acted on in a later generation than it has here.
struct Older {
    uid: Uid,
    generation: i64,
    applied: i64,
}

impl Worker {
    /// An assignment older than one already acted on comes from a stale list, and a newer one is on its way: then
    /// nothing is done on the account. Where none comes, the cluster was restored from a backup; a request on the Backend,
    /// made after this was told, says that what stands there now is meant.
    pub(super) fn is_behind(&mut self, desired: &Desired) -> Result<bool, StoreError> {
        let older: BTreeMap<Uid, (&ObjectName, Older)> = desired
            .assignments
            .iter()
            .flat_map(|(name, view)| {
                self.older_sources(view).map(move |older| (older.uid.clone(), (name, older)))
            })
            .collect();
        let told = self.account.behind.take();
        let Some((first, example)) = older.values().next() else { return Ok(false) };
        let requested = &desired.backend.requested_at;
        // One that was handled before is no answer: it may just have come ahead of the assignments.
        let open = self.requests.is_open(&self.id.to_string(), requested.as_deref());
        if open && told.as_ref().is_some_and(|told| told.requested_then != *requested) {
            // From here on what is acted on next counts. They stay known, in no generation.
            let anew = |uid: Uid| [Write::Unseen(uid.clone()), recall::noted(&uid)];
            self.commit(older.into_keys().flat_map(anew).collect())?;
            return Ok(false);
        }
        let message = format!(
            "older here than what was already applied: {}, counting the Policies and TargetGroups they name ({first}: \
             generation {}, applied {}), so nothing is written. A lagging API server mends itself; if the cluster was \
             restored from a backup and this state is meant, set annotation ordain.dev/reconcile-requested-at on the \
             backend to a new value",
            reckoned(older.len(), "assignment"),
            example.generation,
            example.applied
        );
        let requested_then = told.map_or_else(|| requested.clone(), |told| told.requested_then);
        self.account.behind = Some(Behind { message, requested_then });
        Ok(true)
    }

    /// Whether something it is made of was already acted on in a later generation than it has here.
    pub(super) fn is_older(&self, view: &AssignmentView) -> bool {
        self.older_sources(view).next().is_some()
    }

    /// Of the assignment, its Policy and its TargetGroups those that were.
    fn older_sources<'a>(&'a self, view: &'a AssignmentView) -> impl Iterator<Item = Older> + 'a {
        view.sources().filter_map(|(uid, generation)| {
            let applied = self.memory.seen.get(uid).copied().filter(|seen| *seen > generation)?;
            Some(Older { uid: uid.clone(), generation, applied })
        })
    }
}
