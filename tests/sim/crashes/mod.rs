//! Stories of one WSO2 account, told in both families of its API.
//!
//! Each asserts what the system holds, the exact list of calls that may change something, and what was said.
#![allow(dead_code, reason = "words of a story that no story of today uses")]

mod crash;
mod release;
mod restart;
mod story;
