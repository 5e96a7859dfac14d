//! What the subcommands that only read have in common: how they reach the systems, and that nothing else leaves them.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use super::{ClusterError, Connections};
use crate::{
    index::Scope,
    model::{Clock, SystemClock},
    operator::{self, IdentityError, KubeSecrets, RealConnector},
    preview::Setup,
    report::metrics::Metrics,
    watch::ListError,
    worker::ports::NoEffects,
};

/// Flags of everything that reads systems as the operator would.
#[derive(Debug, Clone, clap::Args)]
pub struct Reading {
    /// Where a ClusterBackend's Secrets live: the operator's namespace
    #[arg(long, default_value = "ordain-system")]
    operator_namespace: String,
    /// Who writes the marks [default: a hash of the uid of namespace kube-system]
    #[arg(long, env = "ORDAIN_OWNER_ID")]
    owner_id: Option<String>,
    #[command(flatten)]
    connections: Connections,
}

/// Why what was asked for cannot be read, or not be told.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// No way to the API server.
    #[error("cannot reach the API server")]
    Cluster(#[source] ClusterError),
    /// The owner id cannot be had.
    #[error("configuration")]
    Identity(#[from] IdentityError),
    /// A flag does not say what it must.
    #[error("configuration: {0}")]
    Flag(String),
    /// A kind cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// Standard output is gone.
    #[error("cannot write to standard output")]
    Write(#[source] io::Error),
}

/// Prints all of it.
///
/// # Errors
/// [`ReadingError::Write`].
pub fn print(text: &str) -> Result<(), ReadingError> {
    let mut stdout = io::stdout();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(ReadingError::Write)
}

impl Reading {
    /// The way to the systems, for what is listed in `scope`. `host` is that of the API server, where no Backend may point.
    ///
    /// # Errors
    /// [`ReadingError`].
    pub async fn setup(
        &self,
        client: kube::Client,
        host: Option<&str>,
        scope: Scope,
    ) -> Result<Setup, ReadingError> {
        let given = self.owner_id.as_deref().filter(|id| !id.is_empty());
        let owner = operator::owner(&client, given).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let metrics = Metrics::new();
        let connector = RealConnector {
            connections: self.connections.settings(host).await.map_err(ReadingError::Flag)?,
            owner: owner.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            // Whatever is asked of a driver: no call with an effect leaves the process.
            fence: Arc::new(NoEffects),
        };
        Ok(Setup {
            secrets: Arc::new(KubeSecrets::new(client)),
            connector: Arc::new(connector),
            owner,
            clock,
            operator_namespace: self.operator_namespace.clone(),
            scope,
            metrics,
        })
    }
}
