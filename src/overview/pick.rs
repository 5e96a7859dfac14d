//! A part of an overview: one namespace, one account, one state.

use super::{Assignment, Overview, State};

/// What is asked for; `None` is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Namespace.
    pub namespace: Option<String>,
    /// `Backend/<namespace>/<name>` or `ClusterBackend/<name>`.
    pub account: Option<String>,
    /// State of assignments.
    pub state: Option<State>,
}

impl Pick {
    /// Whether everything is asked for.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an assignment is asked for.
    pub fn takes(&self, one: &Assignment) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == one.namespace)
            && self.account.as_ref().is_none_or(|account| *account == one.backend)
            && self.state.is_none_or(|state| state == one.state)
    }
}

impl Overview {
    /// Its assignments that are asked for.
    pub fn picked<'a>(&'a self, pick: &'a Pick) -> impl Iterator<Item = &'a Assignment> {
        self.assignments.iter().filter(|one| pick.takes(one))
    }
}
