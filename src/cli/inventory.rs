//! `ordain inventory`: what a system holds and nobody manages. Reads, and nothing else.

use std::{io, process::ExitCode};

use super::{
    Cluster,
    reading::{Reading, ReadingError, print},
    run,
};
use crate::{
    inventory::{self, Inventory, InventoryError},
    model::{BackendId, BackendKind, in_full},
    watch,
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
    /// The cluster cannot be read, or the inventory cannot be told.
    #[error(transparent)]
    Reading(#[from] ReadingError),
    /// The system cannot be asked.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
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
    let connected = args.cluster_access.connect_in_context().await;
    let (client, host, context) = connected.map_err(ReadingError::Cluster)?;
    let namespace = args.namespace.clone().unwrap_or(context);
    // Only assignments of its own namespace can name a Backend.
    let own = [namespace.clone()];
    let scope = run::scope(if args.cluster { &args.watch_namespaces } else { &own });
    let setup = args.reading.setup(client.clone(), host.as_deref(), scope).await?;
    let listed = watch::list(&client, &setup.scope).await.map_err(ReadingError::List)?;
    let id = backend(args, &namespace);
    let inventory = inventory::take(&setup, &listed, &id, &namespace).await?;
    Ok(print(&written(&inventory, args.output)?)?)
}

fn backend(args: &Args, namespace: &str) -> BackendId {
    let kind = if args.cluster { BackendKind::ClusterBackend } else { BackendKind::Backend };
    BackendId::seen_from(namespace, kind, &args.backend)
}

fn written(inventory: &Inventory, output: Output) -> Result<String, ReadingError> {
    match output {
        Output::Table => Ok(inventory::table(inventory)),
        Output::Yaml => {
            inventory::yaml(inventory).map_err(|error| ReadingError::Write(io::Error::other(error)))
        }
    }
}
