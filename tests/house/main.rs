//! Rules of the house: who knows whom, how long things are, generated files, the API's rules in code as in CEL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod argocd;
mod book;
mod cases;
mod crds;
mod rooms;
mod rules;
