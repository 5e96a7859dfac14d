//! What the subcommands that only read have in common: how they reach the systems, and that nothing else leaves them.

use std::sync::Arc;

use super::run;
use crate::{
    index::Scope,
    model::{Clock, SystemClock},
    operator::{self, IdentityError, KubeSecrets, RealConnector},
    preview::Setup,
    report::metrics::Metrics,
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
    /// Let Backends point at loopback, over http too: for the sandbox
    #[arg(long, env = "ORDAIN_ALLOW_LOOPBACK")]
    allow_loopback: bool,
    /// Hosts that Backends may point at, separated by commas [default: all but the refused]
    #[arg(long, env = "ORDAIN_ALLOWED_HOSTS", value_delimiter = ',')]
    allowed_hosts: Vec<String>,
}

impl Reading {
    /// The way to the systems, for what is listed in `scope`. `host` is that of the API server, where no Backend may point.
    ///
    /// # Errors
    /// The owner id cannot be had.
    pub async fn setup(
        &self,
        client: kube::Client,
        host: Option<&str>,
        scope: Scope,
    ) -> Result<Setup, IdentityError> {
        let given = self.owner_id.as_deref().filter(|id| !id.is_empty());
        let owner = operator::owner(&client, given).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let metrics = Metrics::new(clock.clone());
        let connector = RealConnector {
            allow_loopback: self.allow_loopback,
            allowed_hosts: self.allowed_hosts.clone(),
            refused: run::api_server(host).await,
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
