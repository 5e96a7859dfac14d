//! Lists: what is complete, what is being listed again, what cannot be listed.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    object::{Feed, Kind, Scope},
    tables::{Index, Names},
};
use crate::model::{BackendId, BackendKind, ObjectName};

/// One list with its watch.
#[derive(Debug, Default)]
struct State {
    /// Has been listed to the end at least once.
    listed: bool,
    /// While it is listed again: what is known and has not come yet.
    awaited: Option<Names>,
    /// Why it cannot be listed now: verb, resource, answer.
    barred: Option<Arc<str>>,
}

/// All lists.
#[derive(Debug, Default)]
pub(super) struct Feeds(BTreeMap<Feed, State>);

impl Feeds {
    pub fn new(scope: &Scope) -> Self {
        Self(scope.feeds().into_iter().map(|feed| (feed, State::default())).collect())
    }

    /// An object came through; should a list be under way it stays.
    pub fn seen(&mut self, kind: Kind, name: &ObjectName) {
        let whole = Feed { kind, namespace: None };
        let part = || Feed { kind, namespace: Some(Arc::clone(&name.namespace)) };
        let feed = if self.0.contains_key(&whole) { whole } else { part() };
        if let Some(awaited) = self.0.get_mut(&feed).and_then(|state| state.awaited.as_mut()) {
            awaited.remove(name);
        }
    }

    /// Whether what is absent in this namespace is absent.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn listed(&self, kind: Kind, namespace: &str) -> Result<(), String> {
        let open = self.0.iter().find(|(feed, state)| !state.listed && feed.carries(kind, namespace));
        open.map_or(Ok(()), |(feed, state)| Err(why(feed, state)))
    }

    /// Feeds that were never listed to the end, with the reason where there is one.
    pub fn missing(&self) -> impl Iterator<Item = (&Feed, Option<&str>)> {
        self.0.iter().filter(|(_, state)| !state.listed).map(|(feed, state)| (feed, state.barred.as_deref()))
    }

    /// Everything that cannot be listed now, whether or not it was before.
    pub fn barred(&self) -> impl Iterator<Item = (&Feed, &str)> {
        self.0.iter().filter_map(|(feed, state)| Some((feed, state.barred.as_deref()?)))
    }
}

fn why(feed: &Feed, state: &State) -> String {
    match &state.barred {
        Some(barred) => {
            format!("{feed} cannot be listed, so nothing is concluded from what is missing: {barred}")
        }
        None => format!("{feed} are being listed"),
    }
}

impl Index {
    /// A list begins. What it does not bring is removed at its end, not before (F3).
    pub fn begin(&mut self, feed: &Feed) {
        let mut awaited = self.all(feed.kind);
        awaited.retain(|name| feed.carries(feed.kind, &name.namespace));
        if let Some(state) = self.feeds.0.get_mut(feed) {
            state.awaited = Some(awaited);
        }
    }

    /// A list is complete: what it did not bring is gone.
    pub fn end(&mut self, feed: &Feed) {
        let Some(state) = self.feeds.0.get_mut(feed) else { return };
        let Some(missing) = state.awaited.take() else { return };
        let first = !std::mem::replace(&mut state.listed, true);
        let was_barred = state.barred.take().is_some();
        for name in &missing {
            self.remove(feed.kind, name);
        }
        if first || was_barred {
            self.doubt(feed);
        }
    }

    /// The list cannot be read, and trying again will not help: `why` names verb, resource and answer. What was known
    /// stays known.
    pub fn bar(&mut self, feed: &Feed, why: &str) {
        let Some(state) = self.feeds.0.get_mut(feed) else { return };
        if state.barred.as_deref() != Some(why) {
            state.barred = Some(why.into());
            if !state.listed {
                self.doubt(feed);
            }
        }
    }

    /// The list or its watch works again.
    pub fn unbar(&mut self, feed: &Feed) {
        let Some(state) = self.feeds.0.get_mut(feed) else { return };
        if state.barred.take().is_some() && !state.listed {
            self.doubt(feed);
        }
    }

    /// Whether every list is complete or known not to be readable: from then on verdicts are given.
    pub fn is_open(&self) -> bool {
        self.feeds.missing().all(|(_, barred)| barred.is_some())
    }

    /// Whether every list has been complete once.
    pub fn is_complete(&self) -> bool {
        self.feeds.missing().next().is_none()
    }

    /// What cannot be listed or watched now, each with verb, resource and answer; for `readyz`.
    pub fn barred(&self) -> impl Iterator<Item = (&Feed, &str)> {
        self.feeds.barred()
    }

    /// Whether all assignments that may name this backend, and the backends of its kind, have been
    /// listed: the gate of its account. Other lists that are missing freeze assignments one by one.
    pub fn gate(&self, backend: &BackendId) -> bool {
        let own = match backend.kind {
            BackendKind::Backend => self.feeds.listed(Kind::Backend, &backend.namespace),
            BackendKind::ClusterBackend => self.feeds.listed(Kind::ClusterBackend, ""),
        };
        let touches = |feed: &Feed| {
            feed.kind == Kind::PolicyAssignment
                && (backend.kind == BackendKind::ClusterBackend
                    || feed.carries(Kind::PolicyAssignment, &backend.namespace))
        };
        own.is_ok() && !self.feeds.missing().any(|(feed, _)| touches(feed))
    }

    /// What is missing from a feed now means something else: look again at whatever may refer to it.
    fn doubt(&mut self, feed: &Feed) {
        match &feed.namespace {
            None => self.stale.all_assignments = true,
            Some(namespace) => {
                let concerned: Vec<_> = self.in_namespace(namespace).map(|(name, _)| name.clone()).collect();
                self.stale.assignments.extend(concerned);
            }
        }
        self.stale.backends.extend(self.backends.keys().cloned());
    }
}
