//! The cluster as it would be.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{super::overlay::overlay, *};
use crate::{
    index::{Object, Scope},
    watch::{Arrived, Listed},
};

/// A cluster that holds these, each with a uid and in its seventh generation.
fn holding(objects: &[Value]) -> Listed {
    let mut listed = Listed::default();
    let mut living: Vec<Object> = parsed(objects).into_iter().map(|manifest| manifest.object).collect();
    let namespace = ObjectMeta { name: Some("team".into()), ..ObjectMeta::default() };
    living.push(Object::Namespace(Box::new(namespace)));
    for object in &mut living {
        let meta = object.metadata_mut();
        meta.uid = Some(format!("uid of {}", meta.name.as_deref().unwrap()));
        meta.generation = Some(7);
        meta.finalizers = Some(vec!["ordain.dev/release".into()]);
    }
    for feed in Scope::All.feeds() {
        let of_kind = living.iter().filter(|object| kind(object) == feed.kind.as_str());
        let of_kind = of_kind.map(|object| Arrived::Object(object.clone())).collect();
        listed.objects.push((feed, of_kind));
    }
    listed
}

fn kind(object: &Object) -> &'static str {
    match object {
        Object::Policy(_) => "Policy",
        Object::TargetGroup(_) => "TargetGroup",
        Object::Assignment(_) => "PolicyAssignment",
        Object::Backend(_) => "Backend",
        Object::ClusterBackend(_) => "ClusterBackend",
        Object::Namespace(_) => "Namespace",
    }
}

/// Metadata of all objects but Namespaces, after laying these over those.
fn laid(living: &[Value], manifests: &[Value]) -> Result<Vec<ObjectMeta>, Vec<String>> {
    let laid = overlay(&holding(living), &parsed(manifests), Timestamp::UNIX_EPOCH)?;
    let all = laid.objects.into_iter().flat_map(|(_, objects)| objects);
    Ok(all.map(|object| object.metadata().clone()).filter(|meta| meta.namespace.is_some()).collect())
}

#[test]
fn what_lives_keeps_who_it_is_and_counts_its_changes() {
    let living = [manifest("Policy", "web", &policy(1))];
    let cases = [("another spec", policy(2), 8), ("the same spec", policy(1), 7)];
    for (why, spec, generation) in cases {
        let metas = laid(&living, &[manifest("Policy", "web", &spec)]).unwrap();
        assert_eq!(metas.len(), 1, "{why}");
        assert_eq!(metas[0].uid.as_deref(), Some("uid of web"), "{why}");
        assert_eq!(metas[0].generation, Some(generation), "{why}");
        assert_eq!(metas[0].finalizers.as_ref().unwrap().len(), 1, "{why}: not the manifest's to take away");
    }
}

#[test]
fn what_is_new_is_born_and_what_is_not_named_stays() {
    let living = [manifest("Policy", "web", &policy(1))];
    let metas = laid(&living, &[manifest("Policy", "new", &policy(1))]).unwrap();
    let found: Vec<_> = metas.iter().map(|meta| (meta.uid.as_deref().unwrap(), meta.generation)).collect();
    assert_eq!(found, [("uid of web", Some(7)), ("planned: Policy team/new", Some(1))]);
    assert_eq!(metas[1].creation_timestamp.as_ref().unwrap().0, Timestamp::UNIX_EPOCH);
}

#[test]
fn annotations_of_others_stay() {
    let annotated = |words: Value| {
        let mut object = manifest("Policy", "web", &policy(1));
        object["metadata"]["annotations"] = words;
        object
    };
    let living = [annotated(json!({"a": "others", "b": "old"}))];
    let metas = laid(&living, &[annotated(json!({"b": "new"}))]).unwrap();
    let annotations = metas[0].annotations.clone().unwrap();
    assert_eq!(annotations, [("a", "others"), ("b", "new")].map(|(k, v)| (k.into(), v.into())).into());
}

#[test]
fn what_is_immutable_is_refused() {
    let living = [manifest("PolicyAssignment", "web", &assignment("web"))];
    let errors = laid(&living, &[manifest("PolicyAssignment", "web", &assignment("other"))]).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].starts_with("a.yaml: PolicyAssignment team/web: spec.policyRef: was changed"),
        "{errors:?}"
    );
}

#[test]
fn a_namespace_that_is_not_there_is_told() {
    let mut object = manifest("Policy", "web", &policy(1));
    object["metadata"]["namespace"] = "nowhere".into();
    let laid = overlay(&holding(&[]), &parsed(&[object]), Timestamp::UNIX_EPOCH).unwrap();
    assert!(laid.notes[0].contains("namespace nowhere does not exist"), "{:?}", laid.notes);
}
