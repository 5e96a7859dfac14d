//! Argo CD for real: the rules it is given, and an Application from its first sync to its deletion.

mod application;
pub(crate) mod controllers;
mod people;
mod rules;
mod sources;
