//! `ordain plan`: what applying manifests would change. Reads, and nothing else.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    Cluster,
    reading::{Reading, ReadingError, print},
    run,
};
use crate::{
    model::in_full,
    preview::{
        self, PreviewError,
        manifest::{self, Manifests, Source},
        report::{Outcome, Report},
        text::text,
    },
    watch,
};

/// How the plan is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// Markdown, for people.
    #[default]
    Text,
    /// For machines: docs/reference/plan.schema.json.
    Json,
}

/// Arguments of `ordain plan`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// Manifests: files, folders (their .yaml, .yml and .json files), or - for standard input
    #[arg(short = 'f', long = "filename", required = true, num_args = 1..)]
    filename: Vec<PathBuf>,
    /// Also look into folders within folders
    #[arg(short = 'R', long)]
    recursive: bool,
    /// How the plan is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Namespace of manifests that name none [default: that of the kubeconfig's context]
    #[arg(short, long)]
    namespace: Option<String>,
    /// Namespaces the operator works in, separated by commas [default: all]
    #[arg(long, env = "ORDAIN_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing to plan for.
    #[error("no manifests of Ordain in {0}")]
    Empty(String),
    /// What is wrong with the manifests, one line each.
    #[error("the manifests are not valid:\n{}", .0.join("\n"))]
    Invalid(Vec<String>),
    /// The cluster or the systems cannot be read, or the plan cannot be told.
    #[error(transparent)]
    Reading(#[from] ReadingError),
    /// No plan can be made.
    #[error(transparent)]
    Preview(#[from] PreviewError),
}

/// Plans, prints, and tells the exit status: 0 nothing would change, 2 something would, 1 error.
pub async fn run(args: Args) -> ExitCode {
    match planned(args).await {
        Ok(Outcome::Nothing) => ExitCode::SUCCESS,
        Ok(Outcome::Changes) => ExitCode::from(2),
        Ok(Outcome::Error) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ordain: {}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}

async fn planned(args: Args) -> Result<Outcome, Error> {
    let sources = sources(&args.filename, args.recursive)?;
    let (client, host, context) = args.cluster.connect_in_context().await.map_err(ReadingError::Cluster)?;
    let namespace = args.namespace.clone().unwrap_or(context);
    let Manifests { objects, skipped } = manifest::read(&sources, &namespace).map_err(Error::Invalid)?;
    skipped.iter().for_each(|line| eprintln!("ordain: {line} is not a kind of Ordain and is skipped"));
    if objects.is_empty() {
        let names: Vec<_> = args.filename.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::Empty(names.join(", ")));
    }
    let scope = run::scope(&args.watch_namespaces);
    let setup = args.reading.setup(client.clone(), host.as_deref(), scope).await?;
    let listed = watch::list(&client, &setup.scope).await.map_err(ReadingError::List)?;
    let report = preview::plan(&setup, &listed, &objects).await?;
    print(&written(&report, args.output)?)?;
    Ok(report.outcome())
}

fn written(report: &Report, output: Output) -> Result<String, ReadingError> {
    match output {
        Output::Text => Ok(text(report)),
        Output::Json => {
            let json = serde_json::to_string_pretty(report);
            Ok(json.map_err(|error| ReadingError::Write(io::Error::other(error)))? + "\n")
        }
    }
}

fn sources(paths: &[PathBuf], recursive: bool) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .map_err(|source| Error::Read { path: path.clone(), source })?;
            sources.push(Source { name: "standard input".into(), text });
            continue;
        }
        for file in files(path, recursive, true)? {
            let text =
                fs::read_to_string(&file).map_err(|source| Error::Read { path: file.clone(), source })?;
            sources.push(Source { name: file.display().to_string(), text });
        }
    }
    Ok(sources)
}

/// The file itself, or the manifests of a folder in the order of their names.
fn files(path: &Path, recursive: bool, top: bool) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    if !path.is_dir() {
        let is_manifest =
            path.extension().is_some_and(|e| ["yaml", "yml", "json"].iter().any(|known| e == *known));
        return Ok(if top || is_manifest { vec![path.to_owned()] } else { Vec::new() });
    }
    if !top && !recursive {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let found = paths.iter().map(|path| files(path, recursive, false)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}
