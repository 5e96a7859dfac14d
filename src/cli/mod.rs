//! The subcommands of the binary, one file each.
