//! `ordain inventory`: what a system holds and nobody manages. Reads, and nothing else.

use std::{io, io::Write as _, process::ExitCode};

use super::{
    Cluster, ClusterError,
    reading::{Reading, ReadingError},
    run,
};
use crate::{
    inventory::{self, Inventory, InventoryError},
    model::{BackendId, BackendKind, in_full},
    watch::{self, ListError},
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
    /// Namespaces whose assignments to a ClusterBackend are seen, separated by commas [default: all]
    #[arg(long, env = "ORDAIN_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Why there is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to the API server.
    #[error("cannot reach the API server")]
    Cluster(#[source] ClusterError),
    /// No way to the systems.
    #[error(transparent)]
    Reading(#[from] ReadingError),
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
    // Only assignments of its own namespace can name a Backend.
    let own = [namespace.clone()];
    let scope = run::scope(if args.cluster { &args.watch_namespaces } else { &own });
    let setup = args.reading.setup(client.clone(), host.as_deref(), scope).await?;
    let listed = watch::list(&client, &setup.scope).await?;
    let id = backend(args, &namespace);
    let inventory = inventory::take(&setup, &listed, &id, &namespace).await?;
    print(&inventory, args.output).map_err(Error::Write)
}

fn backend(args: &Args, namespace: &str) -> BackendId {
    let kind = if args.cluster { BackendKind::ClusterBackend } else { BackendKind::Backend };
    BackendId::seen_from(namespace, kind, &args.backend)
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
