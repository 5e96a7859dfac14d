# How the crate is built for checks and tests; to be sourced after lib.sh.
# shellcheck shell=bash

need cargo "it builds Ordain; install Rust (https://rustup.rs)"

cd "$root" || exit 1

# Tests, binary, lints and documentation are built with the features of one dependency graph, that of the tests
# (dev-dependencies switch some on). A plain `cargo build` or `cargo doc` would compile every dependency once more.
build_all() { cargo build --bins --tests "$@"; }

target_folder() { cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'; }

ORDAIN_BIN=${ORDAIN_BIN:-$(target_folder)/debug/ordain}
export ORDAIN_BIN
