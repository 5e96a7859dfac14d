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
    report::writer::WriterHandle,
    watch::{IndexHandle, News},
    worker::{House, Worker, ports::Reporter as _},
};

/// Between a panic and the next start of the same worker.
const PAUSE: Duration = Duration::from_secs(10);
/// Workers end within their running call.
const ENDING: Duration = Duration::from_secs(8);

/// What a task of the supervisor came to.
enum Ended {
    Worker,
    Finalizer,
}

/// Starts and watches workers.
pub struct Supervisor {
    house: Arc<House>,
    index: IndexHandle,
    writer: WriterHandle,
    tasks: JoinSet<Ended>,
    workers: BTreeMap<BackendId, Id>,
}

impl Supervisor {
    /// No worker yet.
    pub fn new(house: Arc<House>, index: IndexHandle, writer: WriterHandle) -> Self {
        Self { house, index, writer, tasks: JoinSet::new(), workers: BTreeMap::new() }
    }

    /// Supervises until `stop`, then lets workers end.
    ///
    /// # Errors
    /// The news ended: the index is gone.
    pub async fn run(
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
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.ended(ended, &stop),
            }
        };
        let rest = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(ENDING, rest).await;
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
        let task = self.tasks.spawn(async move {
            sleep(pause).await;
            match Worker::new(backend.clone(), house) {
                Ok(worker) => worker.run(stop).await,
                // Sleep so that a store that cannot be read is not asked in a loop.
                Err(error) => {
                    tracing::error!(%backend, %error, "its memory cannot be read");
                    sleep(PAUSE).await;
                }
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
        if panicked {
            tracing::error!(backend = %id, "its worker panicked and is started again");
        }
        if self.index.with(|index| index.desired(&id).is_some()) {
            self.start(id, PAUSE, stop);
        }
    }
}
