//! The subcommands of the binary, one file each.

mod backdating;
mod cluster;
mod connections;
pub mod crds;
pub mod docs;
pub mod inventory;
mod page;
pub mod plan;
mod reading;
pub mod ready;
pub mod release;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod status;
mod traces;

use std::{ffi::OsStr, path::Path, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use cluster::{Cluster, ClusterError};
pub use connections::Connections;
pub use page::Page;

use crate::model::in_full;

/// The arguments of the binary.
#[derive(Debug, Parser)]
#[command(name = "ordain", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do. Each variant holds the arguments of one file of this folder.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator.
    Run(Box<run::Args>),
    /// Tell what applying manifests would change, and change nothing: exit status 0 nothing, 2 changes, 1 error.
    Plan(Box<plan::Args>),
    /// Tell what a system holds and nobody manages, as a table or as manifests whose plan is empty.
    Inventory(Box<inventory::Args>),
    /// Tell what is in force, what is held and what drifts: exit status 0 all in force, 2 something is not, 1 error.
    Status(Box<status::Args>),
    /// Drop Ordain's finalizers and touch no system: the way out when the operator is gone for good.
    Release(release::Args),
    /// Ask a running operator whether it is ready, and tell what is not: exit status 0 ready, 1 not.
    Ready(ready::Args),
    /// Print the five CRDs as YAML, or write them to one file per kind.
    Crds(crds::Args),
    /// Write the reference pages that are made from the code.
    #[command(hide = true)]
    Docs(docs::Args),
    /// Serve doubles of the policy systems on loopback, to try Ordain out.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Args),
}

impl Cli {
    /// Reads the arguments of the process. What is wrong with them is told, with exit status 1: that of `plan` says with
    /// 2 that something would change.
    ///
    /// # Errors
    /// The exit status: 0 where help or the version was asked for.
    pub fn from_arguments() -> Result<Self, ExitCode> {
        let mut command = Self::command();
        if is_plugin(std::env::args_os().next().as_deref()) {
            // Help and errors name what the user typed.
            command = command.bin_name("kubectl ordain");
        }
        let parsed = command.try_get_matches_from_mut(std::env::args_os());
        let read = parsed.and_then(|found| Self::from_arg_matches(&found));
        read.map_err(|error| error.format(&mut command)).map_err(|error| {
            let _ = error.print();
            if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        })
    }

    /// Does what the arguments say and tells the exit status.
    pub fn run(self) -> ExitCode {
        // One TLS provider for everything; a second installation of it is refused and harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match self.command {
            Command::Run(args) => exit(block_on(run::run(*args))),
            Command::Plan(args) => block_on(plan::run(*args)),
            Command::Inventory(args) => block_on(inventory::run(*args)),
            Command::Status(args) => block_on(status::run(*args)),
            Command::Release(args) => exit(block_on(release::run(args))),
            Command::Ready(args) => exit(block_on(ready::run(&args))),
            Command::Crds(args) => exit(crds::run(&args)),
            Command::Docs(args) => exit(docs::run(&args)),
            #[cfg(feature = "sandbox")]
            Command::Sandbox(args) => exit(block_on(sandbox::run(args))),
        }
    }
}

/// Whether kubectl runs us: it finds its plugins by their file names.
fn is_plugin(invoked: Option<&OsStr>) -> bool {
    let name = invoked.and_then(|path| Path::new(path).file_stem());
    name.is_some_and(|name| name == "kubectl-ordain")
}

/// Runs on all cores.
fn block_on<F: Future>(future: F) -> F::Output {
    #[expect(
        clippy::expect_used,
        reason = "without threads and timers nothing can run, and nobody is there to tell"
    )]
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// An error becomes one line on stderr and exit status 1.
fn exit<E: std::error::Error>(outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ordain: {}", in_full(&error));
            ExitCode::FAILURE
        }
    }
}
