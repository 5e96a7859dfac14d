# How the crate is built for checks, tests and the demo; to be sourced after lib.sh.
# shellcheck shell=bash
#
# All of them use one dependency graph, that of the tests, in which dev-dependencies switch some features on. A plain
# `cargo build` or `cargo doc` would compile a quarter of all dependencies once more. cargo takes the tests' graph
# when tests or examples are among the targets, even if there are none.

need cargo "it builds Ordain; install Rust (https://rustup.rs)"

cd "$root" || exit 1

build_binary() { cargo build --bins --examples "$@"; }
build_all() { cargo build --bins --tests "$@"; }
document() { cargo doc --no-deps --lib --examples "$@"; }

target_folder() { cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'; }

ORDAIN_BIN=$(target_folder)/debug/ordain
export ORDAIN_BIN
