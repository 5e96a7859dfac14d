//! One table of objects for two judges: the real API server (`tests/e2e/crds.rs`) and the code
//! (`tests/house/rules.rs`).

#![allow(dead_code)] // two test programs use different parts of it

mod assignments;
mod backends;
mod policies;
mod updates;

use serde_json::{Value, json};

pub use updates::updates;

/// What happens to an object.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// Both take it.
    Accept,
    /// Both refuse it; the API server's message holds these words.
    Refuse(&'static str),
    /// Only the code refuses it: a schema cannot say the rule.
    CodeOnly,
}

use Expect::{Accept, CodeOnly, Refuse};

/// An object to create.
pub struct Case {
    /// The reason for the outcome.
    pub why: &'static str,
    /// The whole object.
    pub object: Value,
    /// The outcome.
    pub expect: Expect,
}

/// A change of an object.
pub struct Update {
    /// The reason for the outcome.
    pub why: &'static str,
    /// The object as it stands.
    pub old: Value,
    /// The object as wanted.
    pub new: Value,
    /// The outcome.
    pub expect: Expect,
}

/// The whole table.
pub fn all() -> Vec<Case> {
    [
        policies::cases(),
        assignments::cases(),
        assignments::targets_of_people(),
        assignments::targets_of_customers(),
        backends::cases(),
        backends::access(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn case(why: &'static str, object: Value, expect: Expect) -> Case {
    Case { why, object, expect }
}

fn object(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": kind, "metadata": {"name": "case"}, "spec": spec})
}

fn policy(content: &Value) -> Value {
    object("Policy", &json!({"content": content}))
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = object.pointer_mut(parent).expect("the parent exists");
    parent.as_object_mut().expect("the parent is an object").insert(key.to_owned(), value);
    object
}

fn repeat(count: usize, make: impl Fn(usize) -> Value) -> Value {
    (0..count).map(make).collect()
}
