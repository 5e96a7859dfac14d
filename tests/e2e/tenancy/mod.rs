//! S1, S2, R6, R24: two tenants of one operator, and nothing of one is reached by a reference of the other.

mod access;
mod fields;
mod matrix;
mod rows;
mod tenants;
