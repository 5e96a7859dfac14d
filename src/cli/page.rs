//! `ordain run --page`: the read-only page beside the operator.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use kube::{Client, Config};

use super::{Cluster, run::Error};
use crate::{
    index::Scope,
    report::metrics::Metrics,
    server::page::{self, ApiServer, Glances},
};

/// Flags of the page.
#[derive(Debug, Clone, clap::Args)]
pub struct Page {
    /// Serve a read-only page for people here, such as 127.0.0.1:8081, to be reached with kubectl port-forward; on
    /// another address everybody who reaches it sees all that the operator watches [default: no page]
    #[arg(long = "page", env = "ORDAIN_PAGE", value_name = "ADDRESS")]
    address: Option<SocketAddr>,
    /// Names by which browsers may ask for the page, beside localhost and addresses, separated by commas
    #[arg(long = "page-hosts", env = "ORDAIN_PAGE_HOSTS", value_delimiter = ',', value_name = "NAMES")]
    hosts: Vec<String>,
}

impl Page {
    /// Serves it, if it is asked for, until the process ends.
    ///
    /// # Errors
    /// No way to the API server, or why nothing can listen at the address.
    pub async fn serve(&self, cluster: &Cluster, scope: Scope, metrics: &Metrics) -> Result<(), Error> {
        let Some(address) = self.address else { return Ok(()) };
        let config = cluster.config().await.map_err(Error::Cluster)?;
        self.listen(address, config, scope, metrics.clone()).map_err(|error| Error::Listen(address, error))
    }

    fn listen(&self, address: SocketAddr, config: Config, scope: Scope, metrics: Metrics) -> io::Result<()> {
        let listener = TcpListener::bind(address)?;
        let bound = listener.local_addr()?;
        if !bound.ip().is_loopback() {
            tracing::warn!(%bound, "the page is open to everybody who reaches this address");
        }
        let glances = move || {
            let client = Client::try_from(config).map_err(io::Error::other)?;
            Ok(Glances::new(ApiServer { client, scope, metrics }))
        };
        page::start(listener, glances, self.hosts.clone())?;
        tracing::info!(url = %format_args!("http://{bound}/"), "the page is served");
        Ok(())
    }
}
