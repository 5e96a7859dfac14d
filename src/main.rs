//! The `ordain` binary: arguments in, exit status out.

use std::process::ExitCode;

use clap::Parser as _;
use ordain::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
