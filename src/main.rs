//! The `ordain` binary: arguments in, exit status out.

use std::process::ExitCode;

use ordain::cli::Cli;

fn main() -> ExitCode {
    Cli::from_arguments().map_or_else(|status| status, Cli::run)
}
