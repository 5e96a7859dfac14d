//! Rigs of other shapes, and writes in words.

use ordain::{index::desired::BackendSettings, report::facts::AssignmentFacts};

use super::*;

/// The customers of the seed, besides `CUSTOMER` (Alder Clinic: groups 1 to 4); the last one's licence has ended.
pub const BIRCH: &str = "A9CC5A34-3CAD-480D-A9ED-87656316D3B9";
pub const CEDAR: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";
pub const DOGWOOD: &str = "AD38F82D-51A1-46FD-B167-E0D0FF31BE83";

/// The seed's four customers, with these switches thrown.
pub fn rig_with(options: &Value, settings: impl FnOnce(&mut BackendSettings)) -> Rig {
    let options = WfbssOptions::default().patched(options).unwrap();
    Rig::new("wfbss", |clock| WfbssDouble::new(options, clock), settings)
}

/// So many customers, each with so many groups.
pub fn estate(customers: u32, groups: u32) -> Rig {
    let options = WfbssOptions::default();
    Rig::new("wfbss", move |clock| WfbssDouble::with_estate(customers, groups, options, clock), |_| {})
}

/// A started worker that brings 105 documents to everyone, more than one look reads; so many removals are free.
pub fn more_than_a_slice(free: u32) -> Rig {
    let mut rig = Rig::new(
        "wfbss",
        |clock| WfbssDouble::with_estate(21, 5, WfbssOptions::default(), clock),
        |settings| settings.max_removals = free,
    );
    let everyone = json!({"targets": {"everyone": true}, "releasePolicy": "Restore"});
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), everyone);
    rig.start();
    rig
}

/// The id of a customer of an estate, from 1.
pub fn customer(number: u32) -> String {
    format!("{number:08X}-0000-4000-8000-{number:012X}")
}

/// Everybody, with more members.
pub fn to_everyone(more: &Value) -> Value {
    let mut assignment = json!({"targets": {"everyone": true}});
    assignment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assignment
}

/// What stands at a pointer of somebody's document.
pub fn leaf(rig: &Rig, customer: &str, group: u32, os: &str, pointer: &str) -> Value {
    let document = &state(rig)["customers"][customer]["groups"][group.to_string()]["policies"][os];
    document.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub customers: Vec<String>,
    pub groups: Vec<u32>,
    pub os: String,
    pub sync: bool,
    pub body: Value,
}

/// All writes so far.
pub fn puts(rig: &Rig) -> Vec<Put> {
    let seen = rig.vendors.of("wfbss").recorder().since(0);
    seen.into_iter().filter(|seen| seen.method == "PUT").map(|seen| put(&seen.query, seen.body)).collect()
}

fn put(query: &str, body: Value) -> Put {
    let query = query.replace("%2C", ",");
    let parameter = |name: &str| {
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    };
    let list = |name| parameter(name).unwrap_or_else(|| panic!("no {name} in {query}")).split(',');
    Put {
        customers: list("cids").map(str::to_owned).collect(),
        groups: list("gids").map(|gid| gid.parse().unwrap()).collect(),
        os: parameter("os").unwrap().to_owned(),
        sync: parameter("sync") == Some("true"),
        body,
    }
}

/// How many customers each write reached, from one write on.
pub fn sizes(rig: &Rig, from: usize) -> Vec<usize> {
    puts(rig).iter().skip(from).map(|put| put.customers.len()).collect()
}

/// What was last told of an assignment.
pub fn last(rig: &Rig, name: &str) -> AssignmentFacts {
    rig.cluster.facts(name).pop().unwrap_or_else(|| panic!("nothing was told of {name}"))
}

pub fn assert_in_step(rig: &Rig, name: &str) {
    let facts = last(rig, name);
    assert_eq!(facts.standing, Standing::InStep, "{facts:#?}");
    assert_eq!(facts.in_sync.status, Some(true), "{facts:#?}");
    assert_eq!(facts.generation, rig.cluster.view(name).unwrap().generation, "an old generation");
}

/// The reason of the last standing.
pub fn reason(rig: &Rig, name: &str) -> Option<Reason> {
    match rig.cluster.standing(name)? {
        Standing::Working(reason, _)
        | Standing::Stalled(reason, _)
        | Standing::Unresolved(reason, ..)
        | Standing::Terminating { reason, .. } => Some(reason),
        _ => None,
    }
}

/// Problems as `(target, reason)`.
pub fn problems(rig: &Rig, name: &str) -> Vec<(String, Reason)> {
    last(rig, name).problems.into_iter().map(|problem| (problem.target, problem.reason)).collect()
}
