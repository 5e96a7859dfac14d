//! The subcommands of the binary, one file each.

#[cfg(feature = "sandbox")]
pub mod sandbox;
