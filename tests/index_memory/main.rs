//! How much memory ten thousand assignments take. In a process of its own, so that nothing else counts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod manifests;

use ordain::index::{Index, Object, Scope};
use serde_json::json;

const COUNT: usize = 10_000;
/// What the index takes of the 2 kB that product and design allow per assignment, there of 2.6 kB; what the writer
/// remembers of a status comes on top. Measured 1,216.
const LIMIT: usize = 1_300;

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn apply(index: &mut Index, i: usize) {
    let object = manifests::assignment(i);
    index.apply(Object::Assignment(serde_json::from_value(object).unwrap()));
}

fn others(index: &mut Index) {
    for i in 0..manifests::NAMESPACES {
        let policy = manifests::policy(&manifests::namespace(i));
        index.apply(Object::Policy(serde_json::from_value(policy).unwrap()));
    }
    index.apply(Object::ClusterBackend(serde_json::from_value(manifests::backend()).unwrap()));
    for i in 0..manifests::NAMESPACES {
        let namespace = json!({"name": manifests::namespace(i)});
        index.apply(Object::Namespace(serde_json::from_value(namespace).unwrap()));
    }
}

#[test]
fn ten_thousand_assignments_fit_into_thirteen_megabytes() {
    let wire = manifests::assignment(7).to_string().len();
    assert!((2_600..3_800).contains(&wire), "the assignment measured has {wire} bytes");
    let mut index = Index::new(Scope::All);
    Scope::All.feeds().iter().for_each(|feed| index.begin(feed));
    others(&mut index);
    // The allocator and the code have their pages once a few have passed.
    (0..200).for_each(|i| apply(&mut index, i));
    let before = resident();
    (200..COUNT + 200).for_each(|i| apply(&mut index, i));
    Scope::All.feeds().iter().for_each(|feed| index.end(feed));
    let dirty = index.settle();
    let each = (resident() - before) / COUNT;
    let backend = dirty.appeared.first().expect("the backend");
    let desired = index.desired(backend).unwrap();
    assert_eq!(desired.assignments.len(), COUNT + 200);
    assert!(desired.assignments.values().all(|view| view.binding().is_some()), "all are bound");
    println!("{each} bytes of memory for each assignment of {wire} bytes");
    assert!(each <= LIMIT, "{each} bytes each, {LIMIT} are allowed");
}
