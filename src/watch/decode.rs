//! Objects as they come from the API server: decoded one by one, pruned, never fatal.
//!
//! A list with one bad object must not fail as a whole, and neither must one that nests deeper than
//! the parser follows; so the spec is read into a tree of bounded depth first. `managedFields` and
//! foreign annotations are never built at all: parsed they take most of an object's memory.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{Api, Client, Resource};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, DeserializeSeed, IgnoredAny},
};
use serde_json::{Map, Value};

use crate::{
    api::{
        Backend, BackendStatus, ClusterBackend, GROUP, Policy, PolicyAssignment, PolicyAssignmentStatus,
        PolicyStatus, TargetGroup, TargetGroupStatus,
    },
    index::{Kind, Object, RawFacts, Undecodable},
};

/// How deep a spec may nest and still be looked at. Validation allows 16 for free-form parts.
const DEPTH: usize = 64;

/// A status as the API server holds it.
#[derive(Debug, Clone)]
pub enum Status {
    /// Of a PolicyAssignment.
    Assignment(Box<PolicyAssignmentStatus>),
    /// Of a Backend or ClusterBackend.
    Backend(Box<BackendStatus>),
    /// Of a Policy.
    Policy(Box<PolicyStatus>),
    /// Of a TargetGroup.
    TargetGroup(Box<TargetGroupStatus>),
}

/// A kind of ours that is watched.
pub(super) trait Ours:
    Resource<DynamicType = ()> + Clone + fmt::Debug + Send + Sync + 'static
{
    const KIND: Kind;
    type Spec: DeserializeOwned;
    type Status: DeserializeOwned;

    fn object(metadata: ObjectMeta, spec: Self::Spec) -> Object;
    fn status(status: Self::Status) -> Status;
    fn api(client: &Client, namespace: Option<&str>) -> Api<Incoming<Self>>;
}

macro_rules! watched {
    ($($kind:ident as $object:ident with $status:ident in $of:ident, $api:expr;)+) => {$(
        impl Ours for $kind {
            const KIND: Kind = Kind::$kind;
            type Spec = <$kind as kube::core::object::HasSpec>::Spec;
            type Status = $status;

            fn object(metadata: ObjectMeta, spec: Self::Spec) -> Object {
                Object::$object(Box::new($kind { metadata, spec, status: None }))
            }

            fn status(status: $status) -> Status {
                Status::$of(Box::new(status))
            }

            fn api(client: &Client, namespace: Option<&str>) -> Api<Incoming<Self>> {
                $api(client, namespace)
            }
        }
    )+};
}

fn namespaced<K: Ours<Scope = kube::core::NamespaceResourceScope>>(
    client: &Client,
    namespace: Option<&str>,
) -> Api<Incoming<K>> {
    namespace.map_or_else(|| Api::all(client.clone()), |namespace| Api::namespaced(client.clone(), namespace))
}

fn cluster<K: Ours>(client: &Client, _: Option<&str>) -> Api<Incoming<K>> {
    Api::all(client.clone())
}

watched! {
    Policy as Policy with PolicyStatus in Policy, namespaced;
    TargetGroup as TargetGroup with TargetGroupStatus in TargetGroup, namespaced;
    PolicyAssignment as Assignment with PolicyAssignmentStatus in Assignment, namespaced;
    Backend as Backend with BackendStatus in Backend, namespaced;
    ClusterBackend as ClusterBackend with BackendStatus in Backend, cluster;
}

/// What came: the object, or what can be said of one that does not decode.
#[derive(Debug, Clone)]
pub enum Arrived {
    /// It decodes.
    Object(Object),
    /// It does not.
    Undecodable(Box<Undecodable>),
}

/// An object on its way from the API server to the index.
#[derive(Debug, Clone)]
pub(super) struct Incoming<K> {
    pub metadata: ObjectMeta,
    pub arrived: Arrived,
    /// `None` where there is none, or none that this version understands.
    pub status: Option<Status>,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<'de, K: Ours> Deserialize<'de> for Incoming<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { metadata, spec, status } = Wire::deserialize(deserializer)?;
        let metadata = metadata.pruned();
        let status = status.whole().and_then(|status| K::Status::deserialize(status).ok()).map(K::status);
        let arrived = match decode::<K>(&metadata, &spec) {
            Ok(object) => Arrived::Object(object),
            Err(error) => Arrived::Undecodable(Box::new(Undecodable {
                kind: K::KIND,
                metadata: metadata.clone(),
                error,
                raw: RawFacts::of(&spec.value),
            })),
        };
        Ok(Self { metadata, arrived, status, kind: std::marker::PhantomData })
    }
}

/// # Errors
/// What is wrong, and where.
fn decode<K: Ours>(metadata: &ObjectMeta, spec: &Shallow) -> Result<Object, String> {
    if spec.cut {
        return Err(format!("spec: nests deeper than {DEPTH} levels"));
    }
    let spec = serde_path_to_error::deserialize(&spec.value).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { "spec".to_owned() } else { format!("spec.{path}") };
        format!("{at}: {}", error.inner())
    })?;
    Ok(K::object(metadata.clone(), spec))
}

impl<K: Ours> Resource for Incoming<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Members of an object that are read; all others are skipped without being built.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    metadata: WireMeta,
    #[serde(default)]
    spec: Shallow,
    #[serde(default)]
    status: Shallow,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireMeta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    annotations: Option<BTreeMap<String, String>>,
}

impl WireMeta {
    fn pruned(self) -> ObjectMeta {
        let ours = |key: &str| key.split_once('/').is_some_and(|(domain, _)| domain == GROUP);
        let annotations = self.annotations.map(|mut all| {
            all.retain(|key, _| ours(key));
            all
        });
        ObjectMeta {
            name: self.name,
            namespace: self.namespace,
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            creation_timestamp: self.creation_timestamp,
            deletion_timestamp: self.deletion_timestamp,
            finalizers: self.finalizers,
            annotations: annotations.filter(|all| !all.is_empty()),
            ..ObjectMeta::default()
        }
    }
}

/// A tree of values down to [`DEPTH`]; what lies deeper is skipped, and `cut` says so.
#[derive(Default)]
struct Shallow {
    value: Value,
    cut: bool,
}

impl Shallow {
    fn whole(self) -> Option<Value> {
        (!self.cut && !self.value.is_null()).then_some(self.value)
    }
}

impl<'de> Deserialize<'de> for Shallow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut cut = false;
        let value = Tree { left: DEPTH, cut: &mut cut }.deserialize(deserializer)?;
        Ok(Self { value, cut })
    }
}

struct Tree<'a> {
    left: usize,
    cut: &'a mut bool,
}

impl Tree<'_> {
    fn below(&mut self) -> Tree<'_> {
        Tree { left: self.left.saturating_sub(1), cut: self.cut }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.left > 0 {
            return deserializer.deserialize_any(self);
        }
        *self.cut = true;
        IgnoredAny::deserialize(deserializer).map(|_| Value::Null)
    }
}

impl<'de> de::Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below())? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.below())?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}
