//! The index against tables of small clusters, and against laws.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::needless_pass_by_value, reason = "fixtures are written on the spot")]

mod access;
mod arriving;
mod laws;
mod lists;
mod resolving;
mod summaries;
mod unbound;
mod undecodable;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::{Desired, Dirty, Feed, Index, Input, Kind, Object, RawFacts, Scope, Undecodable};
use crate::{
    api::Reason,
    model::{BackendId, BackendKind, ObjectName, Uid},
};

pub const NS: &str = "team";

/// An object of a test cluster, still JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub kind: Kind,
    pub meta: Value,
    pub spec: Value,
}

impl Manifest {
    pub fn new(kind: Kind, name: &str, spec: Value) -> Self {
        let mut meta = json!({
            "name": name, "uid": format!("{kind}-{name}"), "generation": 1, "resourceVersion": "1",
            "creationTimestamp": "2026-03-01T00:00:00Z",
        });
        if kind.is_namespaced() {
            meta["namespace"] = NS.into();
        }
        Self { kind, meta, spec }
    }

    /// Sets a field of the metadata.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.meta[field] = value.into();
        self
    }

    /// The same object, later.
    pub fn at(self, generation: i64, version: u64) -> Self {
        self.with("generation", generation).with("resourceVersion", version.to_string())
    }

    /// Sets a member of the spec.
    pub fn spec(mut self, member: &str, value: Value) -> Self {
        self.spec[member] = value;
        self
    }

    pub fn metadata(&self) -> ObjectMeta {
        serde_json::from_value(self.meta.clone()).unwrap()
    }

    pub fn object(&self) -> Object {
        let whole = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": self.kind.as_str(), "metadata": self.meta, "spec": self.spec,
        });
        match self.kind {
            Kind::Namespace => Object::Namespace(Box::new(self.metadata())),
            Kind::Policy => Object::Policy(serde_json::from_value(whole).unwrap()),
            Kind::TargetGroup => Object::TargetGroup(serde_json::from_value(whole).unwrap()),
            Kind::PolicyAssignment => Object::Assignment(serde_json::from_value(whole).unwrap()),
            Kind::Backend => Object::Backend(serde_json::from_value(whole).unwrap()),
            Kind::ClusterBackend => Object::ClusterBackend(serde_json::from_value(whole).unwrap()),
        }
    }

    /// The same object as though its spec did not decode.
    pub fn broken(&self, error: &str) -> Undecodable {
        Undecodable {
            kind: self.kind,
            metadata: self.metadata(),
            error: error.into(),
            raw: RawFacts::of(&self.spec),
        }
    }

    pub fn name(&self) -> ObjectName {
        ObjectName::new(
            self.meta["namespace"].as_str().unwrap_or_default(),
            self.meta["name"].as_str().unwrap(),
        )
    }
}

pub fn policy(name: &str) -> Manifest {
    let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
    let content = json!({"wso2": {"profiles": [{"platform": "android", "features": features}]}});
    Manifest::new(Kind::Policy, name, json!({"content": content}))
}

pub fn wso2(name: &str) -> Manifest {
    let system = json!({"wso2": {
        "url": "https://emm.example.com", "api": "MdmAdmin", "deploy": {"mode": "Automatic", "foreignChanges": "Hold"},
        "credentialsRef": {"name": "emm"},
    }});
    Manifest::new(Kind::Backend, name, json!({"system": system}))
}

pub fn symphony(name: &str) -> Manifest {
    let system = json!({"symphony": {
        "podUrl": "https://pod.example.com", "agentUrl": "https://agent.example.com", "generation": "V3",
        "credentialsRef": {"name": "dlp"},
    }});
    Manifest::new(Kind::Backend, name, json!({"system": system}))
}

pub fn group(name: &str, roles: &[&str]) -> Manifest {
    Manifest::new(Kind::TargetGroup, name, json!({"wso2": {"roles": roles}}))
}

pub fn assignment(name: &str, policy: &str, backend: &str) -> Manifest {
    let targets = json!({"include": [{"wso2": {"roles": ["sales"]}}]});
    let spec = json!({"policyRef": {"name": policy}, "backendRef": {"name": backend}, "targets": targets});
    Manifest::new(Kind::PolicyAssignment, name, spec)
}

pub fn namespace(name: &str, labels: Value) -> Manifest {
    Manifest::new(Kind::Namespace, name, json!({})).with("labels", labels)
}

pub fn backend(name: &str) -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: NS.into(), name: name.into() }
}

pub fn cluster_backend(name: &str) -> BackendId {
    BackendId { kind: BackendKind::ClusterBackend, namespace: "".into(), name: name.into() }
}

pub fn team(name: &str) -> ObjectName {
    ObjectName::new(NS, name)
}

/// Lists everything once.
pub fn index(manifests: &[Manifest]) -> Index {
    let mut index = Index::new(Scope::All);
    list(&mut index, manifests);
    index
}

/// Lists every kind anew, as after a lost watch.
pub fn list(index: &mut Index, manifests: &[Manifest]) -> Dirty {
    for feed in Scope::All.feeds() {
        index.begin(&feed);
        manifests.iter().filter(|one| one.kind == feed.kind).for_each(|one| index.apply(one.object()));
        index.end(&feed);
    }
    index.settle()
}

pub fn apply(index: &mut Index, manifest: &Manifest) -> Dirty {
    index.apply(manifest.object());
    index.settle()
}

pub fn delete(index: &mut Index, manifest: &Manifest) -> Dirty {
    let name = manifest.name();
    index.delete(
        manifest.kind,
        &name.namespace,
        &name.name,
        &Uid(manifest.meta["uid"].as_str().unwrap().into()),
    );
    index.settle()
}

pub fn feed(kind: Kind) -> Feed {
    Feed { kind, namespace: None }
}

/// What the assignment `a` comes to on the backend `b`.
pub fn input(index: &Index) -> Input {
    index.desired(&backend("b")).expect("the backend is there").assignments[&team("a")].input.clone()
}

/// The reason and message of a frozen input.
pub fn frozen(input: &Input) -> (Reason, &str) {
    match input {
        Input::Frozen { reason, message } => (*reason, message),
        Input::Bound { .. } => panic!("bound: {input:?}"),
    }
}

/// Everything desired, less versions, which only count.
pub fn all_desired(index: &Index) -> Vec<(BackendId, Desired)> {
    let ids: Vec<_> = index.with_desired().cloned().collect();
    let desired = |id: BackendId| {
        let mut desired = index.desired(&id).unwrap();
        desired.version = 0;
        (id, desired)
    };
    ids.into_iter().map(desired).collect()
}
