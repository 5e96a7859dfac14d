//! Stories of one WSO2 account, told in both families of its API.
//!
//! Each asserts what the system holds, the exact list of calls that may change something, and what was said.

mod crash;
mod life;
mod release;
mod restart;
mod story;
mod targets;
