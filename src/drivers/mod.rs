//! drivers (under construction).
