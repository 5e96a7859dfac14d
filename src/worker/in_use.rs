//! The Backend's finalizer: it stays as long as something hangs on it, for without it nothing could be released.

use super::Worker;
use crate::{
    index::{AssignmentView, Desired},
    model::{BackendKind, memory::Write},
    store::StoreError,
};

/// What the Backend's finalizer depends on.
#[derive(Debug, Clone, Copy)]
struct Situation {
    /// An assignment with our finalizer names it.
    used: bool,
    /// It was used before, by this installation.
    was_used: bool,
    /// It bears the finalizer.
    there: bool,
    deleting: bool,
    /// All assignments that can name it are seen.
    all_seen: bool,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tend {
    Hold,
    Free,
    Leave,
}

/// Once the last assignment is gone the Backend may go; until then it stays, also where assignments came from another
/// Backend or somebody took our finalizer off it. Who sees some namespaces only does not know who else uses a
/// ClusterBackend, and frees it of his own use alone.
fn tend(s: Situation) -> Tend {
    match s.used {
        true if !s.there && !s.deleting => Tend::Hold,
        false if s.there && (s.all_seen || s.was_used) => Tend::Free,
        _ => Tend::Leave,
    }
}

impl Worker {
    /// Puts the finalizer on; `false` if that did not work, and then nothing may be sent.
    ///
    /// The writer knows what stands there: our view of it may be older than what we wrote ourselves a moment ago.
    pub(super) async fn hold_backend(&self, desired: &Desired) -> bool {
        let backend = &desired.backend;
        let held = self.house.reporter.ensure_in_use(&backend.id, &backend.uid).await;
        if let Err(error) = &held {
            tracing::warn!(backend = %backend.id, %error, "the finalizer was not put on");
        }
        held.is_ok()
    }

    /// Holds or frees the Backend, as assignments come and go. That it is used stands in the store, so that it is known
    /// also after a restart.
    pub(super) async fn tend_backend(&mut self, desired: &Desired) -> Result<(), StoreError> {
        let backend = &desired.backend;
        let situation = self.situation(desired);
        if situation.used && !situation.was_used {
            self.commit(vec![Write::Seen(backend.uid.clone(), backend.generation)])?;
        }
        match tend(situation) {
            Tend::Hold => drop(self.hold_backend(desired).await),
            Tend::Free => match self.house.reporter.remove_in_use(&backend.id, &backend.uid).await {
                Ok(()) if situation.was_used => self.commit(vec![Write::Unseen(backend.uid.clone())])?,
                Ok(()) => {}
                Err(error) => tracing::warn!(backend = %backend.id, %error, "finalizer not removed yet"),
            },
            Tend::Leave => {}
        }
        Ok(())
    }

    fn situation(&self, desired: &Desired) -> Situation {
        let backend = &desired.backend;
        let bears_ours = |view: &AssignmentView| self.finalized.is_on(view);
        let in_scope = self.house.sees_everything || self.id.kind == BackendKind::Backend;
        Situation {
            used: desired.assignments.values().any(|view| bears_ours(view)),
            was_used: self.memory.seen.contains_key(&backend.uid),
            there: backend.finalizer,
            deleting: backend.deleting,
            // One that cannot be decoded may name it, and bear our finalizer.
            all_seen: in_scope && desired.undecodable.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_held_while_it_is_used_and_freed_by_who_knows() {
        let now = |used, was_used, there, deleting, all_seen| Situation {
            used,
            was_used,
            there,
            deleting,
            all_seen,
        };
        let cases = [
            ("nothing hangs on it", now(false, false, false, false, true), Tend::Leave),
            ("something does", now(true, false, false, false, true), Tend::Hold),
            ("and it is held", now(true, true, true, false, true), Tend::Leave),
            ("somebody took the finalizer off", now(true, true, false, false, true), Tend::Hold),
            (
                "it is going: the API server takes no new finalizer",
                now(true, true, false, true, true),
                Tend::Leave,
            ),
            ("the last one left", now(false, true, true, false, true), Tend::Free),
            ("its use was forgotten with the store", now(false, false, true, false, true), Tend::Free),
            ("it waits to go", now(false, true, true, true, true), Tend::Free),
            ("others may use it", now(false, false, true, false, false), Tend::Leave),
            ("others may, who hold it again then", now(false, true, true, false, false), Tend::Free),
        ];
        for (why, situation, expected) in cases {
            assert_eq!(tend(situation), expected, "{why}");
        }
    }
}
