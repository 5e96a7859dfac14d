//! Everything that lives while the lease holds.

use std::{sync::Arc, time::Duration};

use futures::future::Either;
use kube::Client;
use tokio::{
    sync::{mpsc::UnboundedReceiver, watch},
    task::JoinSet,
    time::timeout,
};

use super::{
    KubeSecrets, OperatorError, Parts, Settings, readiness::Readiness, supervisor::Supervisor, until,
};
use crate::{
    index::Scope,
    lease::Leadership,
    model::OwnerId,
    report::{
        metrics::Metrics,
        writer::{StatusWriter, WriterHandle},
    },
    store::{Opened, Store},
    watch::{Announcer, IndexHandle, News, echo},
    worker::{House, session::Accounts},
};

/// What is still to be written when the process ends; workers had their time before.
const LAST_WRITES: Duration = Duration::from_millis(2_500);

/// The parts, put together and not yet running.
pub(super) struct Rooms {
    index: IndexHandle,
    writer: WriterHandle,
    pen: StatusWriter,
    news: UnboundedReceiver<News>,
    house: House,
    client: Client,
    readiness: Readiness,
    metrics: Metrics,
}

impl Rooms {
    pub(super) fn new(
        settings: &Settings,
        parts: Parts,
        lease: &Leadership,
        (opened, owner): (Opened, OwnerId),
    ) -> Self {
        let Parts { client, clock, connector, metrics, readiness, .. } = parts;
        let fence = lease.fence();
        let (writer, pen) =
            StatusWriter::new(client.clone(), clock.clone(), fence.clone(), &metrics, &settings.instance);
        let (announcer, news) = Announcer::new(writer.clone());
        let index = IndexHandle::new(settings.scope.clone(), Arc::new(announcer));
        let house = House {
            source: Arc::new(index.clone()),
            reporter: Arc::new(writer.clone()),
            secrets: Arc::new(KubeSecrets::new(client.clone())),
            connector: connector(owner.clone(), fence.clone()),
            fence: fence.clone(),
            lost: opened.store.loss().map(|loss| loss.why.clone()),
            store: Arc::new(opened.store),
            accounts: Accounts::default(),
            clock,
            owner,
            sees_everything: settings.scope == Scope::All,
            operator_namespace: settings.namespace.clone(),
            settle: settings.settle,
            metrics: metrics.clone(),
        };
        let readiness = Readiness {
            index: index.clone(),
            store: house.store.clone(),
            fence,
            metrics: metrics.clone(),
            told: readiness,
        };
        Self { index, writer, pen, news, house, client, readiness, metrics }
    }

    /// Lives until asked to end, or until the lease is lost: that drops everything under way, at once.
    pub(super) async fn live(
        self,
        lease: &mut Leadership,
        stop: watch::Receiver<bool>,
    ) -> Result<(), OperatorError> {
        let metrics = self.metrics.clone();
        metrics.leader(true);
        let (end, ended) = watch::channel(false);
        let outcome = {
            let hold = std::pin::pin!(lease.hold(until(ended)));
            let work = std::pin::pin!(self.work(stop));
            match futures::future::select(hold, work).await {
                Either::Left((held, _)) => held.map_err(OperatorError::from),
                Either::Right((outcome, hold)) => {
                    let _ = end.send(true);
                    hold.await?;
                    outcome
                }
            }
        };
        metrics.leader(false);
        outcome
    }

    async fn work(self, stop: watch::Receiver<bool>) -> Result<(), OperatorError> {
        let Self { index, writer, pen, news, house, client, readiness, metrics } = self;
        let store = house.store.clone();
        let (ink, dry) = watch::channel(false);
        let mut writing = JoinSet::new();
        writing.spawn(pen.run(until(dry)));
        let mut streams = JoinSet::new();
        let (watching, echoing) = (index.clone(), echo(index.clone(), writer.clone()));
        streams.spawn(async move { match crate::watch::run(client, watching).await {} });
        streams.spawn(echoing);
        streams.spawn(readiness.keep_telling());
        let supervisor = Supervisor::new(Arc::new(house), index, writer, metrics);
        let outcome = tokio::select! {
            outcome = supervisor.run(news, stop) => outcome,
            Some(_) = streams.join_next() => Err(OperatorError::Ended("a watch of the API server")),
            Some(_) = writing.join_next() => Err(OperatorError::Ended("the writer of statuses")),
        };
        streams.shutdown().await;
        let _ = ink.send(true);
        let _ = timeout(LAST_WRITES, writing.join_next()).await;
        close(store);
        outcome
    }
}

fn close(store: Arc<Store>) {
    match Arc::into_inner(store).map(Store::close) {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "the store's log is read at the next start"),
        None => tracing::warn!("the store is still in use and is closed with the process"),
    }
}
