//! The one writer of custom resources: every status and finalizer goes through it.
//!
//! It keeps only the latest report per object, skips what the cluster says already, and writes in
//! two lanes with [`IN_FLIGHT`] calls under way; calls about one object never overlap, and come in
//! the order finalizer → status → finalizer removal. What fails is tried again with growing
//! delays, per object, so that one refused write holds up no other.

mod object;
mod queue;
mod wire;

use std::{
    collections::BTreeSet,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::FuturesUnordered};
use kube::{Client, api::ObjectMeta};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{sleep, timeout},
};
use tracing::{Instrument as _, Span};

pub use object::Key;
pub use queue::Observed;

use super::{
    aggregate::{PolicyFacts, Said, TargetGroupFacts},
    events::{EventSink, EventWriter},
    facts::{AssignmentFacts, BackendFacts},
    memo::Memo,
    metrics::Metrics,
};
use crate::{
    model::{BackendId, Clock, ObjectName, TRACE, Uid},
    worker::ports::{Event, Fence, Reporter, WriteError},
};
use object::Report;
use queue::{Now, Outcome, Pin, Pins, Queue, Seen, Step};

/// Calls under way at the same time.
pub const IN_FLIGHT: usize = 8;
/// How long the last writes may take once the process is told to stop.
pub const DRAIN: Duration = Duration::from_secs(2);
/// How soon leadership is asked for again where it was refused.
const FENCE_RETRY: Duration = Duration::from_secs(1);

/// What the writer and its handles share.
struct Shared {
    queue: Mutex<Queue>,
    clock: Arc<dyn Clock>,
    news: Notify,
    changes: watch::Sender<u64>,
}

impl Shared {
    fn now(&self) -> Now {
        Now { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    /// A panic elsewhere leaves the queue usable: each of its operations is complete in itself.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_changes(&self, queue: &Queue) {
        if queue.has_changed() {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Where reports go; clones lead to the same writer. Nothing here waits but for finalizers.
#[derive(Clone)]
pub struct WriterHandle {
    shared: Arc<Shared>,
    events: EventSink,
}

impl WriterHandle {
    /// Replaces what was last reported of a Policy.
    pub fn policy(&self, facts: PolicyFacts) {
        self.report(Report::Policy(facts));
    }

    /// Replaces what was last reported of a `TargetGroup`.
    pub fn target_group(&self, facts: TargetGroupFacts) {
        self.report(Report::TargetGroup(facts));
    }

    /// Takes in an object as the watch shows it, so that equal statuses are never written.
    ///
    /// `status` is `None` where it is absent or does not decode. Versions older than what this
    /// process has written are ignored. [`Observed::Foreign`] asks for a new report.
    pub fn observed(&self, key: &Key, uid: &Uid, metadata: &ObjectMeta, status: Option<Memo>) -> Observed {
        let pins = key.finalizer().map(|ours| {
            let list = metadata.finalizers.as_deref().unwrap_or_default();
            let bears = |wanted: bool| list.iter().any(|one| (one == ours) == wanted);
            Pins { ours: bears(true), others: bears(false) }
        });
        let seen = Seen {
            uid: uid.clone(),
            version: metadata.resource_version.as_deref().and_then(|v| v.parse().ok()).unwrap_or_default(),
            pins,
            memo: status,
        };
        let now = self.shared.now();
        let mut queue = self.shared.queue();
        let observed = queue.observed(key, seen, now);
        self.shared.tell_changes(&queue);
        drop(queue);
        self.shared.news.notify_one();
        observed
    }

    /// The watch says that the object is gone.
    pub fn gone(&self, key: &Key) {
        let mut queue = self.shared.queue();
        queue.forget(key);
        self.shared.tell_changes(&queue);
    }

    /// What the status of an assignment says, for [`super::aggregate`].
    pub fn said(&self, name: &ObjectName) -> Option<Said> {
        self.shared.queue().said(name)
    }

    /// Ticks when [`WriterHandle::take_changed`] has something to give.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Assignments whose [`Said`] has changed since this was last called.
    pub fn take_changed(&self) -> BTreeSet<ObjectName> {
        self.shared.queue().take_changed()
    }

    fn report(&self, report: Report) {
        let now = self.shared.now();
        self.shared.queue().report(report, now);
        self.shared.news.notify_one();
    }

    async fn pin(&self, key: Key, uid: &Uid, pin: Pin) -> Result<(), WriteError> {
        let (waiter, answer) = oneshot::channel();
        let now = self.shared.now();
        self.shared.queue().pin(&key, uid, pin, waiter, now);
        self.shared.news.notify_one();
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> WriteError {
    WriteError::Unavailable("the writer has stopped".to_owned())
}

#[async_trait]
impl Reporter for WriterHandle {
    fn assignment(&self, facts: AssignmentFacts) {
        self.report(Report::Assignment(Box::new(facts)));
    }

    fn backend(&self, facts: BackendFacts) {
        self.report(Report::Backend(Box::new(facts)));
    }

    fn event(&self, event: Event) {
        self.events.publish(event);
    }

    async fn ensure_finalizer(&self, assignment: &ObjectName, uid: &Uid) -> Result<(), WriteError> {
        self.pin(Key::Assignment(assignment.clone()), uid, Pin::Add).await
    }

    async fn note_external_id(
        &self,
        assignment: &ObjectName,
        uid: &Uid,
        value: &str,
    ) -> Result<(), WriteError> {
        let (waiter, answer) = oneshot::channel();
        let (key, now) = (Key::Assignment(assignment.clone()), self.shared.now());
        self.shared.queue().annotate(&key, uid, value.to_owned(), waiter, now);
        self.shared.news.notify_one();
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn remove_finalizer(&self, assignment: &ObjectName, uid: &Uid) -> Result<(), WriteError> {
        self.pin(Key::Assignment(assignment.clone()), uid, Pin::Remove).await
    }

    async fn ensure_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError> {
        self.pin(Key::Backend(Box::new(backend.clone())), uid, Pin::Add).await
    }

    async fn remove_in_use(&self, backend: &BackendId, uid: &Uid) -> Result<(), WriteError> {
        self.pin(Key::Backend(Box::new(backend.clone())), uid, Pin::Remove).await
    }
}

/// The writer itself; [`StatusWriter::run`] does all the work.
pub struct StatusWriter {
    pen: Pen,
    events: EventWriter,
}

/// Writes statuses and finalizers.
struct Pen {
    shared: Arc<Shared>,
    client: Client,
    fence: Arc<dyn Fence>,
}

type Flight = std::pin::Pin<Box<dyn Future<Output = (Step, Outcome)> + Send>>;

impl StatusWriter {
    /// A writer and the handle to it.
    ///
    /// `client` should not retry by itself. `instance` names this process in events.
    pub fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        fence: Arc<dyn Fence>,
        metrics: &Metrics,
        instance: &str,
    ) -> (WriterHandle, Self) {
        let (changes, _) = watch::channel(0);
        let queue = Mutex::new(Queue::new(metrics.clone()));
        let (sink, events) =
            EventWriter::new(client.clone(), clock.clone(), fence.clone(), metrics.clone(), instance);
        let shared = Arc::new(Shared { queue, clock, news: Notify::new(), changes });
        let handle = WriterHandle { shared: shared.clone(), events: sink };
        (handle, Self { pen: Pen { shared, client, fence }, events })
    }

    /// Writes until `stop` resolves, then drains what is due within [`DRAIN`] and returns.
    ///
    /// Dropping the future kills everything that is under way.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { pen, events } = self;
        let (stopping, mut stopped) = watch::channel(false);
        let voice = events.run(async move {
            // The sender lives as long as this function.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        });
        let write = async {
            let mut flying = FuturesUnordered::new();
            pen.write(&mut flying, stop).await;
            let _ = stopping.send(true);
            if timeout(DRAIN, pen.drain(&mut flying)).await.is_err() {
                tracing::warn!("stopped before everything reported was written");
            }
        };
        let mut voice = pin!(voice);
        let mut write = pin!(write);
        tokio::select! {
            () = &mut voice => write.await,
            () = &mut write => {
                let _ = timeout(DRAIN, voice).await;
            }
        }
    }
}

/// However the writer ends, nobody waits for it for ever.
impl Drop for Pen {
    fn drop(&mut self) {
        self.shared.queue().close();
    }
}

impl Pen {
    async fn write(&self, flying: &mut FuturesUnordered<Flight>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let pause = self.launch(flying);
            tokio::select! {
                biased;
                () = &mut stop => return,
                Some(landed) = flying.next(), if !flying.is_empty() => self.land(landed),
                () = self.shared.news.notified() => {}
                () = rest(pause) => self.wake(),
            }
        }
    }

    async fn drain(&self, flying: &mut FuturesUnordered<Flight>) {
        loop {
            let _ = self.launch(flying);
            match flying.next().await {
                Some(landed) => self.land(landed),
                None => return,
            }
        }
    }

    /// Starts what may start; tells how long until there is more to do by itself.
    fn launch(&self, flying: &mut FuturesUnordered<Flight>) -> Option<Duration> {
        let now = self.shared.now();
        let mut queue = self.shared.queue();
        while flying.len() < IN_FLIGHT && queue.is_ready() {
            if !self.fence.allows(wire::TIMEOUT) {
                queue.refuse_pins("this process does not hold the lease", now);
                return Some(FENCE_RETRY);
            }
            let Some(step) = queue.take(now) else { break };
            let client = self.client.clone();
            flying.push(Box::pin(async move {
                let span = status_span(&step);
                let outcome = wire::perform(&client, &step).instrument(span).await;
                (step, outcome)
            }));
        }
        queue.next_due().map(|due| due.saturating_sub(now.monotonic))
    }

    fn land(&self, (step, outcome): (Step, Outcome)) {
        let now = self.shared.now();
        let mut queue = self.shared.queue();
        queue.done(step, outcome, now);
        self.shared.tell_changes(&queue);
    }

    fn wake(&self) {
        let now = self.shared.now();
        self.shared.queue().wake(now);
    }
}

/// Of a status that a change ends in.
fn status_span(step: &Step) -> Span {
    if step.cause.is_none() {
        return Span::none();
    }
    tracing::trace_span!(target: TRACE, parent: &step.cause, "status", object = %step.key)
}

async fn rest(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}
