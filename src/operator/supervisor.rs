//! A worker per backend, from when it appears until it is gone; one that panicked is started again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    task::{Id, JoinError, JoinSet},
    time::sleep,
};

use super::OperatorError;
use crate::{
    model::BackendId,
    report::{metrics::Metrics, writer::WriterHandle},
    watch::{IndexHandle, News},
    worker::{House, Worker, ports::Reporter as _},
};

/// Before a worker is started again for another reason than a panic, which has pauses of its own.
const PAUSE: Duration = Duration::from_secs(10);
/// Workers end within their running call, or are dropped: what a call may have done stands in the journal.
const ENDING: Duration = Duration::from_secs(5);
/// A worker that lived for so long since its last panic starts with a clean record.
const FORGIVEN: Duration = Duration::from_hours(1);

/// What a task of the supervisor came to.
enum Ended {
    Worker,
    Finalizer,
}

/// Panics of one backend's workers in a row.
#[derive(Debug, Clone, Copy)]
struct Panics {
    times: u32,
    last: Duration,
}

/// Starts and watches workers.
pub(super) struct Supervisor {
    house: Arc<House>,
    index: IndexHandle,
    writer: WriterHandle,
    metrics: Metrics,
    tasks: JoinSet<Ended>,
    workers: BTreeMap<BackendId, Id>,
    panics: BTreeMap<BackendId, Panics>,
}

impl Supervisor {
    /// No worker yet.
    pub(super) fn new(house: Arc<House>, index: IndexHandle, writer: WriterHandle, metrics: Metrics) -> Self {
        let (tasks, workers, panics) = (JoinSet::new(), BTreeMap::new(), BTreeMap::new());
        Self { house, index, writer, metrics, tasks, workers, panics }
    }

    /// Supervises until `stop`, then lets workers end.
    ///
    /// # Errors
    /// The news ended: the index is gone.
    pub(super) async fn run(
        mut self,
        mut news: UnboundedReceiver<News>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), OperatorError> {
        let mut stopping = stop.clone();
        let outcome = loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => break Ok(()),
                item = news.recv() => match item {
                    Some(item) => self.hear(item, &stop),
                    None => break Err(OperatorError::Ended("the index")),
                },
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended, &stop),
            }
        };
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(ENDING, rest).await.is_err() {
            tracing::warn!("calls were cut off; what they did is found out at the next start");
        }
        self.tasks.shutdown().await;
        outcome
    }

    fn hear(&mut self, news: News, stop: &watch::Receiver<bool>) {
        match news {
            News::Appeared(id) => self.start(id, Duration::ZERO, stop),
            // Its worker sees that the backend is gone and ends.
            News::Gone(_) => {}
            News::Foreign(key) => self.index.retell(&key),
            News::LetGo(name, uid) => {
                let writer = self.writer.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = writer.remove_finalizer(&name, &uid).await {
                        tracing::warn!(assignment = %name, %error, "finalizer not removed yet");
                    }
                    Ended::Finalizer
                });
            }
        }
    }

    fn start(&mut self, id: BackendId, pause: Duration, stop: &watch::Receiver<bool>) {
        if self.workers.contains_key(&id) {
            return;
        }
        let (house, stop, backend) = (self.house.clone(), stop.clone(), id.clone());
        let panics = self.panics.get(&id).map(|panics| panics.times);
        let task = self.tasks.spawn(async move {
            tokio::select! {
                () = sleep(pause) => work(backend, house, panics, stop).await,
                () = super::until(stop.clone()) => {}
            }
            Ended::Worker
        });
        self.workers.insert(id, task.id());
    }

    /// A worker that ended while its backend is still there is started again: it panicked, or its memory was not
    /// readable (F5).
    fn ended(&mut self, ended: Result<(Id, Ended), JoinError>, stop: &watch::Receiver<bool>) {
        let (task, panicked) = match ended {
            Ok((_, Ended::Finalizer)) => return,
            Ok((task, Ended::Worker)) => (task, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let Some(id) = self.workers.iter().find(|(_, running)| **running == task).map(|(id, _)| id.clone())
        else {
            return;
        };
        self.workers.remove(&id);
        self.house.accounts.leave(&id);
        if !self.index.with(|index| index.desired(&id).is_some()) {
            self.forget(&id);
        } else if panicked {
            self.count_panic(&id);
            self.start(id, Duration::ZERO, stop);
        } else {
            self.start(id, PAUSE, stop);
        }
    }

    fn forget(&mut self, id: &BackendId) {
        self.panics.remove(id);
        self.metrics.forget(id);
        self.index.worker_ended(id);
    }

    fn count_panic(&mut self, id: &BackendId) {
        let now = self.house.clock.monotonic();
        let before = self.panics.get(id).filter(|panics| now.saturating_sub(panics.last) < FORGIVEN);
        let times = before.map_or(1, |panics| panics.times.saturating_add(1));
        tracing::error!(backend = %id, times, "its worker panicked and is started again after a pause");
        self.panics.insert(id.clone(), Panics { times, last: now });
    }
}

async fn work(backend: BackendId, house: Arc<House>, panics: Option<u32>, stop: watch::Receiver<bool>) {
    match Worker::new(backend.clone(), house) {
        Ok(worker) => match panics {
            Some(times) => worker.after_panic(times).run(stop).await,
            None => worker.run(stop).await,
        },
        Err(error) => tracing::error!(%backend, %error, "its memory cannot be read"),
    }
}
