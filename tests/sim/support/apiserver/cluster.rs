//! The state of the cluster and the writes to it, without HTTP, faults or permissions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::call::{Call, PatchKind, Verb};
use super::failure::Failure;
use super::log::Part;
use super::meta::{self, Birth};
use super::patch;
use super::read::Lag;
use super::resource::{Put, Resource};
use super::ssa;
use super::store::{Key, Store};

/// Objects, the counter behind their uids, and which readers lag behind.
#[derive(Debug)]
pub struct Cluster {
    /// The objects.
    pub store: Store,
    /// Lagging reads, by plural name.
    pub lags: BTreeMap<&'static str, Lag>,
    born: u64,
}

/// The effect of a write.
#[derive(Debug, Clone)]
pub struct Written {
    /// 200, or 201 for a creation.
    pub code: u16,
    /// What is answered.
    pub object: Value,
    /// What changed; empty for a no-op.
    pub touched: BTreeSet<Part>,
}

impl Cluster {
    /// A cluster with the namespaces every cluster has.
    pub fn new(now: &str) -> Self {
        let mut cluster = Self { store: Store::new(), lags: BTreeMap::new(), born: 0 };
        for name in ["default", "kube-system"] {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let key = Key::new(Resource::named("Namespace"), "", name);
            let born = meta::born(Resource::named("Namespace"), namespace, cluster.birth("", now));
            cluster.store.put(key, born.expect("a well-formed namespace"));
        }
        cluster
    }

    /// What the server decides about a new object. uids are counted, so that runs repeat exactly.
    pub fn birth(&mut self, namespace: &str, now: &str) -> Birth {
        self.born += 1;
        let uid = format!("00000000-0000-4000-8000-{:012x}", self.born);
        Birth { namespace: namespace.into(), uid, now: now.into(), suffix: format!("{:05x}", self.born) }
    }

    /// Executes a write.
    ///
    /// # Errors
    /// As a real API server.
    pub fn write(&mut self, call: &Call, now: &str) -> Result<Written, Failure> {
        let written = match call.verb {
            Verb::Create => self.create(call, call.required_body()?.clone(), now),
            Verb::Update => self.update(call, now),
            Verb::Patch(kind) => self.patch(call, kind, now),
            Verb::Delete => self.delete(call, now),
            Verb::DeleteCollection => self.delete_collection(call, now),
            Verb::Get | Verb::List | Verb::Watch => Err(Failure::bad_request("not a write")),
        };
        self.sweep_namespaces();
        written
    }

    fn create(&mut self, call: &Call, body: Value, now: &str) -> Result<Written, Failure> {
        let namespace = call.namespace.clone().unwrap_or_default();
        if call.resource.namespaced && namespace.is_empty() {
            return Err(Failure::bad_request("an empty namespace may not be set during creation"));
        }
        if !meta::text(&body, "resourceVersion").is_empty() {
            return Err(Failure::plain(500, "resourceVersion should not be set on objects to be created"));
        }
        let birth = self.birth(&namespace, now);
        let object = meta::born(call.resource, body, birth)?;
        let name = meta::text(&object, "name");
        self.check_namespace_alive(call.resource, &name, &namespace)?;
        let key = Key::new(call.resource, &namespace, &name);
        if let Some(standing) = self.store.get(&key) {
            return Err(Failure::already_exists(call.resource, &name, meta::is_terminating(standing)));
        }
        let touched = Part::changed(None, Some(&object));
        let object = if dry_run(call) { object } else { (*self.store.put(key, object)).clone() };
        Ok(Written { code: 201, object, touched })
    }

    fn check_namespace_alive(&self, resource: &Resource, name: &str, namespace: &str) -> Result<(), Failure> {
        if namespace.is_empty() {
            return Ok(());
        }
        let namespaces = Resource::named("Namespace");
        match self.store.get(&Key::new(namespaces, "", namespace)) {
            None => Err(Failure::not_found(namespaces, namespace)),
            Some(object) if meta::is_terminating(object) => {
                Err(Failure::namespace_terminating(resource, name, namespace))
            }
            Some(_) => Ok(()),
        }
    }

    fn update(&mut self, call: &Call, now: &str) -> Result<Written, Failure> {
        let body = call.required_body()?.clone();
        let old = self.store.get(&call.key()).cloned();
        let creates = call.resource.put == Put::Creates && call.subresource.is_empty();
        if old.is_none() && !creates {
            return Err(Failure::not_found(call.resource, &call.name));
        }
        // Also of what is not there: a Lease that was deleted is not made again by a PUT that names the former one.
        let (asked, standing) =
            (meta::text(&body, "uid"), old.as_ref().map(|old| meta::text(old, "uid")).unwrap_or_default());
        if !asked.is_empty() && asked != standing {
            let why =
                format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {standing}");
            return Err(Failure::conflict(call.resource, &call.name, &why));
        }
        let Some(old) = old else { return self.create(call, body, now) };
        self.replace(call, &old, body)
    }

    fn patch(&mut self, call: &Call, kind: PatchKind, now: &str) -> Result<Written, Failure> {
        let patch = call.required_body()?;
        let Some(old) = self.store.get(&call.key()).cloned() else {
            return self.apply_to_nothing(call, kind, now);
        };
        match kind {
            PatchKind::Merge => {
                let mut new = (*old).clone();
                patch::merge(&mut new, patch);
                self.replace(call, &old, new)
            }
            PatchKind::Json => self.replace(call, &old, patch::json(&old, patch)?),
            PatchKind::Apply => self.apply(call, &old, patch),
        }
    }

    /// Only server-side apply makes what is missing, and not for a uid that is no more.
    fn apply_to_nothing(&mut self, call: &Call, kind: PatchKind, now: &str) -> Result<Written, Failure> {
        let body = call.required_body()?.clone();
        if kind != PatchKind::Apply || !call.subresource.is_empty() {
            return Err(Failure::not_found(call.resource, &call.name));
        }
        let (me, uid) = (manager(call)?, meta::text(&body, "uid"));
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Failure::conflict(call.resource, &call.name, &why));
        }
        let claims = ssa::claims(&body);
        let written = self.create(call, body, now)?;
        if !dry_run(call) {
            self.store.set_owners(call.key(), [(me, claims)].into());
        }
        Ok(written)
    }

    fn apply(&mut self, call: &Call, old: &Arc<Value>, body: &Value) -> Result<Written, Failure> {
        let me = manager(call)?;
        let mut claims = ssa::claims(body);
        if call.resource.custom {
            let keep = |member: &String| (member == "status") == (call.subresource == "status");
            if let Some(members) = claims.as_object_mut() {
                members.retain(|member, _| keep(member));
            }
        }
        let mut owners = self.store.owners(&call.key());
        if !call.flag("force")
            && let Some((other, path)) = ssa::conflict(old, &claims, &owners, &me)
        {
            let why = format!("Apply failed with 1 conflict: conflict with \"{other}\": {path}");
            return Err(Failure::conflict(call.resource, &call.name, &why));
        }
        let mut new = (**old).clone();
        let others: Vec<&Value> =
            owners.iter().filter(|(who, _)| **who != me).map(|(_, claims)| claims).collect();
        ssa::apply(&mut new, &claims, owners.get(&me), &others);
        for guard in ["uid", "resourceVersion"] {
            if let Some(value) = body["metadata"].get(guard) {
                new["metadata"][guard] = value.clone();
            }
        }
        let written = self.replace(call, old, new)?;
        if !dry_run(call) && self.store.get(&call.key()).is_some() {
            owners.insert(me, claims);
            self.store.set_owners(call.key(), owners);
        }
        Ok(written)
    }

    /// The common end of PUT and PATCH: version check, update rules, then store, remove or nothing.
    fn replace(&mut self, call: &Call, old: &Arc<Value>, new: Value) -> Result<Written, Failure> {
        match meta::text(&new, "resourceVersion") {
            given if given.is_empty() && call.resource.put == Put::Overwrites => {}
            given if given.is_empty() => {
                let why = "Invalid value: 0: must be specified for an update";
                return Err(Failure::invalid(call.resource, &call.name, "metadata.resourceVersion", why));
            }
            given if given != meta::text(old, "resourceVersion") => {
                return Err(Failure::modified(call.resource, &call.name));
            }
            _ => {}
        }
        let new = meta::updated(call.resource, &call.subresource, old, new)?;
        let touched = Part::changed(Some(old), Some(&new));
        if touched.is_empty() || dry_run(call) {
            return Ok(Written { code: 200, object: new, touched });
        }
        let finished = meta::is_terminating(old) && meta::finalizers(&new).is_empty();
        if finished && call.resource.kind != "Namespace" {
            self.store.remove(&call.key());
            return Ok(Written {
                code: 200,
                object: new,
                touched: touched.into_iter().chain([Part::Removed]).collect(),
            });
        }
        let object = (*self.store.put(call.key(), new)).clone();
        Ok(Written { code: 200, object, touched })
    }

    fn delete(&mut self, call: &Call, now: &str) -> Result<Written, Failure> {
        let key = call.key();
        let Some(old) = self.store.get(&key).cloned() else {
            return Err(Failure::not_found(call.resource, &call.name));
        };
        check_preconditions(call, &old)?;
        let waits = !meta::finalizers(&old).is_empty() || call.resource.kind == "Namespace";
        if !waits {
            if !dry_run(call) {
                self.store.remove(&key);
            }
            return Ok(Written { code: 200, object: success(call, &old), touched: [Part::Removed].into() });
        }
        let mut marked = (*old).clone();
        meta::mark_deleted(&mut marked, now);
        let touched = Part::changed(Some(&old), Some(&marked));
        if touched.is_empty() || dry_run(call) {
            return Ok(Written { code: 200, object: marked, touched });
        }
        if call.resource.kind == "Namespace" {
            marked["status"]["phase"] = "Terminating".into();
        }
        let object = (*self.store.put(key, marked)).clone();
        if call.resource.kind == "Namespace" {
            self.empty_namespace(&call.name, now);
        }
        Ok(Written { code: 200, object, touched })
    }

    fn delete_collection(&mut self, call: &Call, now: &str) -> Result<Written, Failure> {
        let list = self.list(call)?;
        let mut touched = BTreeSet::new();
        for item in list["items"].as_array().into_iter().flatten() {
            touched.extend(self.delete(&one_of(call, item), now)?.touched);
        }
        Ok(Written { code: 200, object: list, touched })
    }

    /// The namespace controller's work: everything in the namespace is deleted.
    fn empty_namespace(&mut self, namespace: &str, now: &str) {
        let inside: Vec<Key> = self.keys_in(namespace);
        for key in inside {
            let resource = Resource::named(key.resource);
            let call = Call::own(Verb::Delete, resource, key.namespace(), key.name());
            self.delete(&call, now).expect("the object was just listed");
        }
    }

    /// Terminating namespaces go when they are empty.
    fn sweep_namespaces(&mut self) {
        let terminating: Vec<Key> = self
            .store
            .all("namespaces")
            .filter(|(_, ns)| meta::is_terminating(ns))
            .map(|(key, _)| key.clone())
            .collect();
        for key in terminating {
            if self.keys_in(key.name()).is_empty() {
                self.store.remove(&key);
            }
        }
    }

    fn keys_in(&self, namespace: &str) -> Vec<Key> {
        self.store
            .everything()
            .map(|(key, _)| key)
            .filter(|key| key.namespace() == namespace)
            .cloned()
            .collect()
    }
}

fn one_of(call: &Call, item: &Value) -> Call {
    let mut one = call.clone();
    one.verb = Verb::Delete;
    one.name = meta::text(item, "name");
    one.namespace = Some(meta::text(item, "namespace")).filter(|namespace| !namespace.is_empty());
    one
}

fn manager(call: &Call) -> Result<(String, String), Failure> {
    let manager = call.parameter("fieldManager").ok_or_else(|| {
        Failure::bad_request("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value")
    })?;
    Ok((manager.to_owned(), call.subresource.clone()))
}

fn dry_run(call: &Call) -> bool {
    call.parameter("dryRun") == Some("All")
}

fn check_preconditions(call: &Call, old: &Value) -> Result<(), Failure> {
    let conditions = call.body.as_ref().map_or(&Value::Null, |body| &body["preconditions"]);
    for (field, what) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let standing = meta::text(old, field);
        if let Some(asked) = conditions[field].as_str().filter(|asked| *asked != standing) {
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({standing})"
            );
            return Err(Failure::conflict(call.resource, &call.name, &why));
        }
    }
    Ok(())
}

fn success(call: &Call, old: &Value) -> Value {
    let uid = meta::text(old, "uid");
    let details =
        json!({"name": call.name, "group": call.resource.group, "kind": call.resource.plural, "uid": uid});
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}
