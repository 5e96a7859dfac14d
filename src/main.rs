//! The `ordain` binary: arguments in, exit status out.

use std::process::ExitCode;

use ordain::cli::Cli;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::from_arguments().map_or_else(|status| status, Cli::run)
}
