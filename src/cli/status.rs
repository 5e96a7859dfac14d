//! `ordain status`: what is in force, what is held, what drifts. Reads the API server, and nothing else.

mod live;
mod screen;

use std::{io, process::ExitCode, sync::Arc};

use jiff::Timestamp;

use self::screen::Screen;
use super::{Cluster, ClusterError, run};
use crate::{index::Scope, model::in_full, overview::Overview, watch};

/// How the state is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// One screen, for people.
    #[default]
    Text,
    /// For machines: docs/reference/status.schema.json; with --watch one line each time.
    Json,
}

/// Arguments of `ordain status`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// Namespace to look at [default: that of the kubeconfig's context]
    #[arg(short, long)]
    namespace: Option<String>,
    /// Look at all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Stay, and show every change as it happens, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// How the state is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to the API server.
    #[error("cannot reach the API server")]
    Cluster(#[source] ClusterError),
    /// The assignments cannot be read, and without them nothing can be said.
    #[error("{0}")]
    Blind(String),
    /// It was asked to end before it had seen anything.
    #[error("ended before anything was seen: the API server had not answered yet")]
    Unseen,
    /// Standard output is gone.
    #[error("cannot write the state")]
    Write(#[source] io::Error),
}

/// Looks, prints, and tells the exit status: 0 all is in force, 2 something is not, 1 error. What is suspended, or only
/// observes, is so on purpose and is no reason for 2. With `--watch` it is that of the last view.
pub async fn run(args: Args) -> ExitCode {
    match shown(&args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("ordain: {}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}

async fn shown(args: &Args) -> Result<bool, Error> {
    let (client, _, context) = args.cluster.connect_to_look().await.map_err(Error::Cluster)?;
    let namespace = args.namespace.clone().unwrap_or(context);
    let scope = if args.all_namespaces { Scope::All } else { run::scope(&[namespace]) };
    let screen = Screen::new(args.output);
    let last = if args.watch {
        live::watched(client, &scope, screen).await.map_err(Error::Write)?
    } else {
        let mut cluster = watch::look(&client, &scope).await;
        watch::note_corrections(&client, &scope, &mut cluster).await;
        let overview = Overview::of(&cluster, Timestamp::now());
        screen.print(&overview).map_err(Error::Write)?;
        Some(Arc::new(overview))
    };
    judged(last.as_deref().ok_or(Error::Unseen)?)
}

/// # Errors
/// Where the assignments cannot be read.
fn judged(overview: &Overview) -> Result<bool, Error> {
    match overview.unlisted.iter().find(|one| one.assignments) {
        Some(unlisted) => Err(Error::Blind(unlisted.to_string())),
        None => Ok(overview.all_in_force()),
    }
}
