//! How subcommands reach the API server: `--kubeconfig`, `--context`, the environment, or the pod's own account.

use std::path::PathBuf;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::watch;

/// Flags of everything that talks to the API server.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Cluster {
    /// Path of a kubeconfig [default: in the cluster its own account, else KUBECONFIG]
    #[arg(long, env = "ORDAIN_KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, env = "ORDAIN_CONTEXT")]
    pub context: Option<String>,
}

/// No way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The file is not there or not a kubeconfig.
    #[error("kubeconfig")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Neither in a cluster nor a kubeconfig.
    #[error("configuration")]
    Infer(#[from] kube::config::InferConfigError),
    /// The client cannot be built.
    #[error("client")]
    Client(#[from] kube::Error),
}

impl Cluster {
    /// A client that does not retry by itself: whoever calls has its own delays.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn client(&self) -> Result<Client, ClusterError> {
        let (client, _) = self.connect().await?;
        Ok(client)
    }

    /// The client and the host of the API server.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn connect(&self) -> Result<(Client, Option<String>), ClusterError> {
        let (client, host, _) = self.connect_in_context().await?;
        Ok((client, host))
    }

    /// The same, and the namespace of what names none.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn connect_in_context(&self) -> Result<(Client, Option<String>, String), ClusterError> {
        Self::connected(self.config().await?)
    }

    /// The same for people, who are told when nothing answers for [`watch::ANSWERS`] rather than left waiting.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn connect_to_look(&self) -> Result<(Client, Option<String>, String), ClusterError> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(watch::ANSWERS);
        config.read_timeout = Some(watch::ANSWERS);
        config.reset_reader_on_write = true;
        Self::connected(config)
    }

    fn connected(config: Config) -> Result<(Client, Option<String>, String), ClusterError> {
        let host = config.cluster_url.host().map(str::to_owned);
        let namespace = config.default_namespace.clone();
        Ok((Client::try_from(config)?, host, namespace))
    }

    /// Where the API server is, and as whom it is asked.
    ///
    /// # Errors
    /// [`ClusterError`].
    pub async fn config(&self) -> Result<Config, ClusterError> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &self.kubeconfig {
            Some(path) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?,
            None if self.context.is_some() => Config::from_kubeconfig(&options).await?,
            None => Config::infer().await?,
        };
        config.default_retry = false;
        Ok(config)
    }
}
