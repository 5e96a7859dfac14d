//! Laws: the order of events does not matter, history leaves no trace, nothing changes unsaid.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{prelude::*, sample::Index as Pick};
use serde_json::json;

use super::*;

/// One object that may exist, in one of a few states.
#[derive(Debug, Clone)]
enum Event {
    Apply(Manifest),
    Break(Manifest),
    Delete(Manifest),
}

impl Event {
    fn manifest(&self) -> &Manifest {
        match self {
            Self::Apply(manifest) | Self::Break(manifest) | Self::Delete(manifest) => manifest,
        }
    }
}

fn policies() -> impl Strategy<Value = Manifest> {
    let filter = json!({"type": "Warn", "contentTypes": ["Messages"], "scopes": ["Internal"], "dictionaries": [{"name": "d"}]});
    let states = vec![
        policy("p"),
        policy("p").spec("description", json!("other")),
        policy("p").spec("displayName", json!(" padded ")),
        policy("p").spec("content", json!({"symphony": filter})),
        policy("q"),
    ];
    prop::sample::select(states)
}

fn groups() -> impl Strategy<Value = Manifest> {
    let foreign = Manifest::new(Kind::TargetGroup, "g", json!({"tachyon": {}}));
    prop::sample::select(vec![group("g", &["sales"]), group("g", &["board"]), group("g", &["ANY"]), foreign])
}

fn backends() -> impl Strategy<Value = Manifest> {
    let shared =
        |access: Value| Manifest::new(Kind::ClusterBackend, "c", wso2("c").spec).spec("access", access);
    let entry = |namespaces: Value, targets: Value| json!([{"name": "e", "namespaces": namespaces, "targets": targets}]);
    let label = json!({"selector": {"matchLabels": {"region": "emea"}}});
    let states = vec![
        wso2("b"),
        symphony("b"),
        wso2("b").spec("suspend", json!(true)),
        shared(json!([])),
        shared(entry(json!({"names": [NS]}), json!({"wso2": {"roles": ["sales"]}}))),
        shared(entry(label, json!({"all": true}))),
    ];
    prop::sample::select(states)
}

fn assignments() -> impl Strategy<Value = Manifest> {
    let targets = prop::sample::select(vec![
        json!({"include": [{"wso2": {"roles": ["sales"]}}]}),
        json!({"include": [{"targetGroupRef": {"name": "g"}}], "exclude": [{"wso2": {"users": ["x"]}}]}),
        json!({"include": [], "exclude": [{"targetGroupRef": {"name": "g"}}]}),
        json!({"everyone": true}),
        json!(null),
    ]);
    let backend = prop::sample::select(vec![
        json!({"name": "b"}),
        json!({"kind": "ClusterBackend", "name": "c"}),
        json!({"name": "absent"}),
    ]);
    let shape = (0..3, prop::sample::select(vec!["p", "q"]), backend, targets, any::<bool>());
    shape.prop_map(|(i, policy, backend, targets, leaving)| {
        let manifest =
            assignment(&format!("a{i}"), policy, "b").spec("backendRef", backend).spec("targets", targets);
        if leaving { manifest.with("deletionTimestamp", "2026-03-02T00:00:00Z") } else { manifest }
    })
}

fn manifests() -> impl Strategy<Value = Manifest> {
    let labels = prop::sample::select(vec![json!({}), json!({"region": "emea"})]);
    prop_oneof![
        2 => policies(),
        2 => groups(),
        2 => backends(),
        4 => assignments(),
        1 => labels.prop_map(|labels| namespace(NS, labels)),
    ]
}

/// An assignment that does not decode may also hide whom it names.
fn hidden(manifest: Manifest, hide: bool) -> Manifest {
    if hide { manifest.spec("backendRef", json!(7)).spec("system", json!(7)) } else { manifest }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (manifests(), 0..8u8, any::<bool>()).prop_map(|(manifest, what, hide)| match what {
        0 => Event::Delete(manifest),
        1 if manifest.kind != Kind::Namespace => Event::Break(hidden(manifest, hide)),
        _ => Event::Apply(manifest),
    });
    prop::collection::vec(event, 1..40)
}

/// Numbers the events as an API server would: a rebirth has another uid, each write a higher version.
fn numbered(events: Vec<Event>) -> Vec<Event> {
    let mut alive: BTreeMap<(Kind, ObjectName), (String, i64)> = BTreeMap::new();
    let mut numbered = Vec::new();
    for (i, event) in events.into_iter().enumerate() {
        let version = u64::try_from(i).unwrap() + 10;
        let key = (event.manifest().kind, event.manifest().name());
        if let Event::Delete(manifest) = event {
            let Some((uid, generation)) = alive.remove(&key) else { continue };
            numbered.push(Event::Delete(manifest.with("uid", uid).at(generation, version)));
            continue;
        }
        let (uid, generation) = alive.entry(key).or_insert_with(|| (format!("uid-{i}"), 0));
        *generation += 1;
        let number = |manifest: Manifest| manifest.with("uid", uid.clone()).at(*generation, version);
        numbered.push(match event {
            Event::Break(manifest) => Event::Break(number(manifest)),
            Event::Apply(manifest) | Event::Delete(manifest) => Event::Apply(number(manifest)),
        });
    }
    numbered
}

/// The last event of each object that still exists.
fn standing(events: &[Event]) -> Vec<Event> {
    let mut last = BTreeMap::new();
    for event in events {
        last.insert((event.manifest().kind, event.manifest().name()), event.clone());
    }
    last.into_values().filter(|event| !matches!(event, Event::Delete(_))).collect()
}

fn feed_in(index: &mut Index, event: &Event) {
    match event {
        Event::Apply(manifest) => index.apply(manifest.object()),
        Event::Break(manifest) => index.undecodable(&manifest.broken("spec: broken")),
        Event::Delete(manifest) => {
            let name = manifest.name();
            let uid = Uid(manifest.meta["uid"].as_str().unwrap().into());
            index.delete(manifest.kind, &name.namespace, &name.name, &uid);
        }
    }
}

/// An index that has listed a cluster with nothing in it.
fn listed() -> Index {
    index(&[])
}

fn fresh(events: &[Event]) -> Index {
    let mut index = listed();
    for event in events {
        feed_in(&mut index, event);
    }
    index.settle();
    index
}

/// Whether two answers are the same object by object, not only equal.
fn untouched(before: &Desired, after: &Desired) -> bool {
    before.version == after.version
        && Arc::ptr_eq(&before.backend, &after.backend)
        && before.undecodable == after.undecodable
        && before.assignments.len() == after.assignments.len()
        && before
            .assignments
            .iter()
            .zip(after.assignments.iter())
            .all(|(one, other)| Arc::ptr_eq(one.1, other.1))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_objects_does_not_matter(events in events(), picks in prop::collection::vec(any::<Pick>(), 40)) {
        let mut standing = standing(&numbered(events));
        let sorted = fresh(&standing);
        let mut shuffled = listed();
        for pick in picks {
            if standing.is_empty() {
                break;
            }
            let event = standing.swap_remove(pick.index(standing.len()));
            feed_in(&mut shuffled, &event);
            if pick.index(3) == 0 {
                shuffled.settle();
            }
        }
        for event in &standing {
            feed_in(&mut shuffled, event);
        }
        shuffled.settle();
        prop_assert_eq!(all_desired(&shuffled), all_desired(&sorted));
        prop_assert!(shuffled.all_unbound().eq(sorted.all_unbound()));
    }

    #[test]
    fn history_leaves_no_trace_and_nothing_changes_unsaid(events in events()) {
        let events = numbered(events);
        let mut index = listed();
        for event in &events {
            let before: BTreeMap<_, _> = index.with_desired().map(|id| (id.clone(), index.desired(id))).collect();
            feed_in(&mut index, event);
            let dirty = index.settle();
            for (id, before) in before {
                if dirty.backends.contains(&id) {
                    continue;
                }
                let after = index.desired(&id);
                prop_assert!(before.zip(after).is_some_and(|(before, after)| untouched(&before, &after)), "{}", id);
            }
            let unsaid: Vec<_> = index.with_desired().filter(|id| !dirty.backends.contains(*id)).collect();
            prop_assert!(dirty.appeared.iter().all(|id| !unsaid.contains(&id)));
        }
        let fresh = fresh(&standing(&events));
        prop_assert_eq!(all_desired(&index), all_desired(&fresh));
        prop_assert!(index.all_unbound().eq(fresh.all_unbound()));
    }

    #[test]
    fn a_relist_equals_a_fresh_start(events in events(), lost in any::<Pick>()) {
        let events = numbered(events);
        // The watch is lost somewhere; what happened after that is seen by listing only.
        let seen = lost.index(events.len().max(1));
        let mut index = listed();
        events.iter().take(seen).for_each(|event| feed_in(&mut index, event));
        index.settle();
        let standing = standing(&events);
        let relist = |index: &mut Index| {
            for feed in Scope::All.feeds() {
                index.begin(&feed);
                let of_kind = standing.iter().filter(|event| event.manifest().kind == feed.kind);
                of_kind.for_each(|event| feed_in(index, event));
                index.end(&feed);
            }
            index.settle()
        };
        relist(&mut index);
        prop_assert_eq!(all_desired(&index), all_desired(&fresh(&standing)));
        prop_assert!(relist(&mut index).is_empty());
    }
}
