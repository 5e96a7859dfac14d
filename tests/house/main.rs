//! Rules of the house: who knows whom, how long things are, generated files, the chart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod rooms;
