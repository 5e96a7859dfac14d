//! `ordain inventory`: what a system holds and nobody manages. Reads, and nothing else.

use std::{io, io::Write as _, process::ExitCode, sync::Arc};

use super::{Cluster, ClusterError, run};
use crate::{
    inventory::{self, Inventory, InventoryError},
    model::{BackendId, BackendKind, Clock, SystemClock, in_full},
    operator::{self, IdentityError, KubeSecrets, RealConnector},
    preview::Setup,
    report::metrics::Metrics,
    watch::{self, ListError},
    worker::ports::NoEffects,
};

/// How the inventory is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// Manifests that observe, and whose plan is empty.
    Yaml,
}

/// Arguments of `ordain inventory`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster_access: Cluster,
    /// Name of the Backend
    backend: String,
    /// Namespace of the Backend, and of the manifests [default: that of the kubeconfig's context]
    #[arg(short, long)]
    namespace: Option<String>,
    /// It is a ClusterBackend
    #[arg(long)]
    cluster: bool,
    /// How the inventory is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Where a ClusterBackend's Secrets live: the operator's namespace
    #[arg(long, default_value = "ordain-system")]
    operator_namespace: String,
    /// Namespaces whose assignments to a ClusterBackend are seen, separated by commas [default: all]
    #[arg(long, env = "ORDAIN_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
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

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to the API server.
    #[error("cannot reach the API server")]
    Cluster(#[source] ClusterError),
    /// The owner id cannot be had.
    #[error("configuration")]
    Identity(#[from] IdentityError),
    /// A kind cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// The system cannot be asked.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// Standard output is gone.
    #[error("cannot write the inventory")]
    Write(#[source] io::Error),
}

/// Asks, prints, and tells the exit status: 0, or 1 for an error.
pub async fn run(args: Args) -> ExitCode {
    match taken(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ordain: {}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}

async fn taken(args: &Args) -> Result<(), Error> {
    let (client, host, context) = args.cluster_access.connect_in_context().await.map_err(Error::Cluster)?;
    let namespace = args.namespace.clone().unwrap_or(context);
    let setup = setup(args, &namespace, client.clone(), host.as_deref()).await?;
    let listed = watch::list(&client, &setup.scope).await?;
    let id = backend(args, &namespace);
    let inventory = inventory::take(&setup, &listed, &id, &namespace).await?;
    print(&inventory, args.output).map_err(Error::Write)
}

fn backend(args: &Args, namespace: &str) -> BackendId {
    let (kind, namespace) = match args.cluster {
        true => (BackendKind::ClusterBackend, ""),
        false => (BackendKind::Backend, namespace),
    };
    BackendId { kind, namespace: namespace.into(), name: args.backend.as_str().into() }
}

async fn setup(
    args: &Args,
    namespace: &str,
    client: kube::Client,
    host: Option<&str>,
) -> Result<Setup, Error> {
    let given = args.owner_id.as_deref().filter(|id| !id.is_empty());
    let owner = operator::owner(&client, given).await?;
    // Only assignments of its own namespace can name a Backend.
    let own = [namespace.to_owned()];
    let scope = run::scope(if args.cluster { &args.watch_namespaces } else { &own });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = Metrics::new(clock.clone());
    let connector = RealConnector {
        allow_loopback: args.allow_loopback,
        allowed_hosts: args.allowed_hosts.clone(),
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
        operator_namespace: args.operator_namespace.clone(),
        scope,
        metrics,
    })
}

fn print(inventory: &Inventory, output: Output) -> io::Result<()> {
    let written = match output {
        Output::Table => inventory::table(inventory),
        Output::Yaml => inventory::yaml(inventory).map_err(io::Error::other)?,
    };
    let mut stdout = io::stdout();
    stdout.write_all(written.as_bytes())?;
    stdout.flush()
}
