//! What users do with kubectl. None of it passes the gate, faults, permissions or the log.

use serde_json::Value;

use super::FakeApi;
use super::call::{Call, PatchKind, Verb};
use super::failure::Failure;
use super::meta;
use super::resource::Resource;
use super::store::Key;

impl FakeApi {
    /// `kubectl apply --server-side --force-conflicts`: fields the last apply named and this one
    /// does not are removed; status and what others added stay. A namespaced manifest without
    /// namespace goes to `default`.
    ///
    /// # Panics
    /// Where the API server refuses.
    pub fn apply(&self, manifest: Value) -> Value {
        self.try_apply(manifest).unwrap_or_else(|failure| panic!("apply: {}", failure.message))
    }

    /// [`FakeApi::apply`] that may be refused.
    ///
    /// # Errors
    /// What the API server answers.
    pub fn try_apply(&self, manifest: Value) -> Result<Value, Failure> {
        let resource = Resource::of(&manifest)
            .ok_or_else(|| Failure::bad_request(format!("no such kind: {}", manifest["kind"])))?;
        let (namespace, name) = (namespace_of(&manifest), meta::text(&manifest, "name"));
        let mut call = Call::own(Verb::Patch(PatchKind::Apply), resource, &namespace, &name);
        call.query = [("fieldManager", "kubectl"), ("force", "true")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        call.body = Some(manifest);
        self.write(&call).map(|written| written.object)
    }

    /// `kubectl apply -f`, several documents allowed.
    ///
    /// # Panics
    /// Where the text is no YAML or the API server refuses.
    pub fn apply_yaml(&self, manifests: &str) -> Vec<Value> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(manifests).expect("manifests in YAML");
        documents
            .into_iter()
            .filter(|document| !document.is_null())
            .map(|document| self.apply(document))
            .collect()
    }

    /// `kubectl create namespace`, with labels; nothing if it exists.
    pub fn namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let labels: serde_json::Map<_, _> =
            labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        self.apply(serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        }));
    }

    /// `kubectl delete --wait=false`; false if it was not there.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let call = Call::own(Verb::Delete, Resource::named(kind), namespace, name);
        self.write(&call).is_ok()
    }

    /// `kubectl get`, always current.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = key(kind, namespace, name);
        self.state().cluster.store.get(&key).map(|object| (**object).clone())
    }

    /// `kubectl get -A`, always current, in the order of etcd.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let resource = Resource::named(kind).plural;
        self.state().cluster.store.all(resource).map(|(_, object)| (**object).clone()).collect()
    }

    /// One condition as `(status, reason)`.
    pub fn condition(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        condition: &str,
    ) -> Option<(String, String)> {
        let object = self.get(kind, namespace, name)?;
        let conditions = object["status"]["conditions"].as_array()?;
        let found = conditions.iter().find(|found| found["type"] == condition)?;
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason")))
    }

    /// Every state any object of a kind ever had, oldest first: what a status linter reads.
    pub fn history(&self, kind: &str) -> Vec<Value> {
        let resource = Resource::named(kind).plural;
        let state = self.state();
        let changes = state.cluster.store.changes(0, u64::MAX).iter();
        let states = changes
            .filter(|change| change.key.resource == resource)
            .filter_map(|change| change.after.clone());
        states.map(|object| (*object).clone()).collect()
    }

    /// Takes the finalizers off by hand and deletes (F18); false if it was not there.
    pub fn force_delete(&self, kind: &str, namespace: &str, name: &str) -> bool {
        if self.get(kind, namespace, name).is_none() {
            return false;
        }
        self.edit(kind, namespace, name, |object| {
            object["metadata"].as_object_mut().map(|metadata| metadata.remove("finalizers"));
        });
        self.delete(kind, namespace, name);
        true
    }

    /// `kubectl edit`, of the object and, where the closure changes it, of its status.
    ///
    /// # Panics
    /// Where the object does not exist or the API server refuses.
    pub fn edit(&self, kind: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut object =
            self.get(kind, namespace, name).unwrap_or_else(|| panic!("no {kind} {namespace}/{name}"));
        let before = object.clone();
        change(&mut object);
        let status_changed = before.get("status") != object.get("status");
        let mut call = Call::own(Verb::Update, Resource::named(kind), namespace, name);
        call.body = Some(object.clone());
        let mut written =
            self.write(&call).unwrap_or_else(|failure| panic!("edit: {}", failure.message)).object;
        if status_changed && call.resource.custom {
            object["metadata"] = written["metadata"].clone();
            call.subresource = "status".into();
            call.body = Some(object);
            written =
                self.write(&call).unwrap_or_else(|failure| panic!("edit status: {}", failure.message)).object;
        }
        written
    }

    /// `kubectl annotate --overwrite`; `None` takes the annotation away.
    pub fn annotate(&self, kind: &str, namespace: &str, name: &str, key: &str, value: Option<&str>) {
        self.edit(kind, namespace, name, |object| {
            if let Some(value) = value {
                object["metadata"]["annotations"][key] = value.into();
            } else if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
                annotations.remove(key);
            }
        });
    }

    /// Stores an object past every check, as one written before a rule existed or by an older
    /// version: undecodable content, odd metadata. What the server owns is filled in where missing.
    pub fn stored_raw(&self, kind: &str, namespace: &str, name: &str, mut object: Value) {
        let resource = Resource::named(kind);
        let now = super::timestamp(ordain::model::Clock::now(&self.0.clock));
        {
            let mut state = self.state();
            let birth = state.cluster.birth(namespace, &now);
            let members = object.as_object_mut().expect("objects are objects");
            members.entry("apiVersion").or_insert(resource.api_version().into());
            members.entry("kind").or_insert(resource.kind.into());
            let metadata = members.entry("metadata").or_insert_with(|| serde_json::json!({}));
            let metadata = metadata.as_object_mut().expect("metadata is an object");
            metadata.insert("name".into(), name.into());
            if resource.namespaced {
                metadata.insert("namespace".into(), namespace.into());
            }
            metadata.entry("uid").or_insert(birth.uid.into());
            metadata.entry("creationTimestamp").or_insert(birth.now.into());
            if resource.custom {
                metadata.entry("generation").or_insert(1.into());
            }
            state.cluster.store.put(key(kind, namespace, name), object);
        }
        self.notify();
    }
}

fn namespace_of(manifest: &Value) -> String {
    let given = meta::text(manifest, "namespace");
    if given.is_empty() { "default".into() } else { given }
}

/// The key of an object called by kind, namespace (ignored for cluster-scoped kinds) and name.
pub(super) fn key(kind: &str, namespace: &str, name: &str) -> Key {
    let resource = Resource::named(kind);
    Key::new(resource, if resource.namespaced { namespace } else { "" }, name)
}
