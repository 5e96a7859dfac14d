//! The body of a watch: JSON lines, as events come, until it ends.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{Error as IoError, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::FakeApi;
use super::call::Call;
use super::cluster::Cluster;
use super::failure::Failure;
use super::faults::WatchFault;
use super::read::{bookmark, represent};
use super::select::Selector;
use super::store::Change;
use crate::support::gate::Process;

/// How often an idle watch is sent a bookmark.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// How long before its end a watch is sent a last bookmark.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lasts when the client names no time.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(45);
/// How many delivered events are kept for [`WatchFault::Repeat`].
const MEMORY: usize = 32;

/// One running watch.
pub struct Watch {
    api: FakeApi,
    process: Process,
    call: Call,
    selector: Selector,
    changed: watch::Receiver<u64>,
    /// The revision up to which everything is queued.
    cursor: u64,
    queue: VecDeque<Bytes>,
    sent: VecDeque<Bytes>,
    disturbances_seen: usize,
    bookmark_at: Option<Instant>,
    deadline: Instant,
    stalled: bool,
    swap: bool,
    cut: bool,
    end: End,
}

/// Whether and how a watch is over, once its queue is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    Closed,
    Broken,
}

impl Watch {
    /// Starts a watch; errors about its resourceVersion come as an event, as from a real server.
    ///
    /// # Errors
    /// 422 for a streaming list without `resourceVersionMatch`, 400 for bad selectors.
    pub fn start(api: &FakeApi, process: &Process, call: &Call) -> Result<Self, Failure> {
        let streaming_list = call.flag("sendInitialEvents");
        if streaming_list && call.parameter("resourceVersionMatch") != Some("NotOlderThan") {
            let why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            return Err(Failure::invalid(call.resource, "", "resourceVersionMatch", why));
        }
        let seconds = call.parameter("timeoutSeconds").and_then(|text| text.parse().ok()).filter(|s| *s > 0);
        let now = Instant::now();
        let mut watch = Self {
            api: api.clone(),
            process: process.clone(),
            call: call.clone(),
            selector: Selector::of(call)?,
            changed: api.subscribe(),
            cursor: 0,
            queue: VecDeque::new(),
            sent: VecDeque::new(),
            disturbances_seen: api.state().disturbances.len(),
            bookmark_at: None,
            deadline: now + seconds.map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            stalled: false,
            swap: false,
            cut: false,
            end: End::NotYet,
        };
        watch.schedule_bookmark(now);
        watch.begin(&api.state().cluster, streaming_list);
        Ok(watch)
    }

    /// Queues what a watch starts with.
    fn begin(&mut self, cluster: &Cluster, streaming_list: bool) {
        let resource = self.call.resource.plural;
        let from = match self.call.parameter("resourceVersion") {
            None | Some("0") => None,
            Some(text) => text.parse::<u64>().ok(),
        };
        let visible = cluster.visible(resource);
        match from {
            Some(from) if streaming_list && from > visible => self.fail(&Failure::too_large(from, visible)),
            Some(from) if !streaming_list && from < cluster.store.floor() => {
                let message = format!("too old resource version: {from} ({})", cluster.store.floor());
                self.fail(&Failure::expired(message));
            }
            Some(from) if !streaming_list => self.cursor = from,
            _ => {
                self.cursor = visible;
                for (_, object) in
                    cluster.snapshot(resource, visible).iter().filter(|(k, v)| self.selector.matches(k, v))
                {
                    self.queue.push_back(line("ADDED", &represent(self.call.metadata_only, object)));
                }
                if streaming_list {
                    self.queue.push_back(self.bookmark_line(visible, true));
                }
            }
        }
    }

    /// The body.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, IoError>> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            let chunk = watch.next().await?;
            Some((chunk, watch))
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, IoError>> {
        loop {
            self.suffer();
            if self.stalled || self.process.is_dead() {
                return pending().await;
            }
            self.pull();
            let held_back = self.swap && self.queue.len() == 1 && self.end == End::NotYet;
            if let Some(line) = self.queue.pop_front_if(|_| !held_back) {
                return Some(Ok(self.deliver(line)));
            }
            match self.end {
                End::NotYet => self.idle().await,
                End::Closed => return None,
                End::Broken => {
                    self.end = End::Closed;
                    return Some(Err(IoError::new(ErrorKind::ConnectionReset, "connection reset by peer")));
                }
            }
        }
    }

    /// Waits for anything to happen.
    async fn idle(&mut self) {
        let bookmark_at = self.bookmark_at;
        let until_bookmark = async move {
            match bookmark_at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.process.dead() => {}
            changed = self.changed.changed() => changed.expect("the watch keeps the server"),
            () = until_bookmark => {
                let visible = self.visible();
                self.queue.push_back(self.bookmark_line(visible, false));
                self.schedule_bookmark(Instant::now());
            }
            () = sleep_until(self.deadline) => self.end = End::Closed,
        }
    }

    fn schedule_bookmark(&mut self, now: Instant) {
        let next = (now + BOOKMARK_EVERY).min(self.deadline.checked_sub(LAST_BOOKMARK).unwrap_or(now));
        self.bookmark_at = (self.call.flag("allowWatchBookmarks") && next > now).then_some(next);
    }

    fn visible(&self) -> u64 {
        self.api.state().cluster.visible(self.call.resource.plural)
    }

    /// Takes the faults made for running watches since it last looked.
    fn suffer(&mut self) {
        let faults: Vec<_> = self.api.state().disturbances[self.disturbances_seen..].to_vec();
        self.disturbances_seen += faults.len();
        for (resource, fault) in faults {
            if resource.is_some_and(|resource| resource != self.call.resource.plural) {
                continue;
            }
            match fault {
                WatchFault::Drop => self.stop(End::Closed),
                WatchFault::Reset => self.stop(End::Broken),
                WatchFault::Cut => self.cut = true,
                WatchFault::Stall => self.stalled = true,
                WatchFault::Repeat(count) => {
                    let skip = self.sent.len().saturating_sub(count);
                    self.queue.extend(self.sent.iter().skip(skip).cloned().collect::<Vec<_>>());
                }
                WatchFault::Swap => self.swap = true,
                WatchFault::Expire => {
                    self.queue.clear();
                    self.fail(&Failure::expired("The resourceVersion for the provided watch is too old."));
                }
            }
        }
    }

    /// Queues what happened since.
    fn pull(&mut self) {
        if self.end != End::NotYet {
            return;
        }
        let api = self.api.clone();
        let state = api.state();
        let visible = state.cluster.visible(self.call.resource.plural);
        for change in state.cluster.store.changes(self.cursor, visible) {
            if change.key.resource == self.call.resource.plural
                && let Some(line) = self.event(change)
            {
                self.queue.push_back(line);
            }
        }
        self.cursor = self.cursor.max(visible);
        if self.swap && self.queue.len() >= 2 {
            self.queue.swap(0, 1);
            self.swap = false;
        }
    }

    fn event(&self, change: &Change) -> Option<Bytes> {
        let meant = |state: &&std::sync::Arc<Value>| self.selector.matches(&change.key, state);
        let (before, after) = (change.before.as_ref().filter(meant), change.after.as_ref().filter(meant));
        let metadata_only = self.call.metadata_only;
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some(line("ADDED", &represent(metadata_only, after))),
            (Some(_), Some(after)) => Some(line("MODIFIED", &represent(metadata_only, after))),
            (Some(before), None) => {
                let mut last = represent(metadata_only, before);
                last["metadata"]["resourceVersion"] = change.revision.to_string().into();
                Some(line("DELETED", &last))
            }
        }
    }

    fn bookmark_line(&self, revision: u64, initial_end: bool) -> Bytes {
        line("BOOKMARK", &bookmark(self.call.resource, self.call.metadata_only, revision, initial_end))
    }

    /// Ends with an ERROR event.
    fn fail(&mut self, failure: &Failure) {
        self.queue.push_back(line("ERROR", &failure.status()));
        self.end = End::Closed;
    }

    /// Ends without what is still queued.
    fn stop(&mut self, end: End) {
        self.queue.clear();
        self.end = end;
    }

    fn deliver(&mut self, line: Bytes) -> Bytes {
        if self.cut {
            self.stop(End::Closed);
            return line.slice(..line.len() / 2);
        }
        if self.sent.len() == MEMORY {
            self.sent.pop_front();
        }
        self.sent.push_back(line.clone());
        line
    }
}

/// One event. `type` comes before `object`, as real servers write it: clients that decode into raw
/// JSON depend on the order.
fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{{\"type\":{},\"object\":{object}}}\n", json!(kind)))
}
