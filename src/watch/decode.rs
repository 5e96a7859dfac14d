//! Objects as they come from the API server: decoded one by one, pruned, never fatal.
//!
//! A list with one bad object must not fail as a whole, and neither must one that nests deeper than
//! the parser follows; so spec and status are set apart as text and read by themselves ([`Member`]).
//! `managedFields` and foreign annotations are never built at all: parsed they take most of an
//! object's memory.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{Api, Client, Resource};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny},
};

use crate::{
    api::{
        Backend, BackendStatus, ClusterBackend, GROUP, Policy, PolicyAssignment, PolicyAssignmentStatus,
        PolicyStatus, TargetGroup, TargetGroupStatus,
        member::{DEPTH, Member, Tree},
    },
    index::{Kind, Object, RawFacts, Undecodable},
    report::memo::{Body, Memo},
};

/// A kind of ours that is watched.
pub(super) trait Ours:
    Resource<DynamicType = ()> + Clone + fmt::Debug + Send + Sync + 'static
{
    const KIND: Kind;
    type Spec: DeserializeOwned;
    type Status: DeserializeOwned + Body;

    fn object(metadata: ObjectMeta, spec: Self::Spec) -> Object;
    fn api<S>(client: &Client, namespace: Option<&str>) -> Api<Incoming<Self, S>>;
}

/// What is kept of a status.
pub(super) trait Kept<T> {
    fn of(status: T) -> Self;
}

/// What must be remembered to write the next one.
impl<T: Body> Kept<T> for Memo {
    fn of(status: T) -> Self {
        Self::of(&status)
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Whole<T>(pub T);

impl<T> Kept<T> for Whole<T> {
    fn of(status: T) -> Self {
        Self(status)
    }
}

macro_rules! watched {
    ($($kind:ident as $object:ident with $status:ident, $api:expr;)+) => {$(
        impl Ours for $kind {
            const KIND: Kind = Kind::$kind;
            type Spec = <$kind as kube::core::object::HasSpec>::Spec;
            type Status = $status;

            fn object(metadata: ObjectMeta, spec: Self::Spec) -> Object {
                Object::$object(Box::new($kind { metadata, spec, status: None }))
            }

            fn api<S>(client: &Client, namespace: Option<&str>) -> Api<Incoming<Self, S>> {
                $api(client, namespace)
            }
        }
    )+};
}

fn namespaced<K: Ours<Scope = kube::core::NamespaceResourceScope>, S>(
    client: &Client,
    namespace: Option<&str>,
) -> Api<Incoming<K, S>> {
    namespace.map_or_else(|| Api::all(client.clone()), |namespace| Api::namespaced(client.clone(), namespace))
}

fn cluster<K: Ours, S>(client: &Client, _: Option<&str>) -> Api<Incoming<K, S>> {
    Api::all(client.clone())
}

watched! {
    Policy as Policy with PolicyStatus, namespaced;
    TargetGroup as TargetGroup with TargetGroupStatus, namespaced;
    PolicyAssignment as Assignment with PolicyAssignmentStatus, namespaced;
    Backend as Backend with BackendStatus, namespaced;
    ClusterBackend as ClusterBackend with BackendStatus, cluster;
}

/// What came: the object, or what can be said of one that does not decode.
#[derive(Debug, Clone)]
pub enum Arrived {
    /// It decodes.
    Object(Object),
    /// It does not.
    Undecodable(Box<Undecodable>),
}

impl Arrived {
    /// Its metadata, pruned.
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Object(object) => object.metadata(),
            Self::Undecodable(object) => &object.metadata,
        }
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Object(object) => object.metadata_mut(),
            Self::Undecodable(object) => &mut object.metadata,
        }
    }
}

/// An object on its way from the API server to the index.
#[derive(Debug, Clone)]
pub(super) struct Incoming<K, S = Memo> {
    pub arrived: Arrived,
    /// What is kept of its status; `None` where there is none, or none that this version understands.
    pub status: Option<S>,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<'de, K: Ours, S: Kept<K::Status>> Deserialize<'de> for Incoming<K, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { metadata, spec, status } = Wire::deserialize(deserializer)?;
        let metadata = metadata.pruned();
        let arrived = match spec.read() {
            Some(spec) => Arrived::Object(K::object(metadata, spec)),
            None => slowly::<K>(metadata, spec),
        };
        let status = status_of::<K>(status).map(S::of);
        Ok(Self { arrived, status, kind: std::marker::PhantomData })
    }
}

fn status_of<K: Ours>(status: Member<'_>) -> Option<K::Status> {
    status.read().or_else(|| {
        let tree = status.tree().ok()?;
        let whole = !tree.cut && !tree.value.is_null();
        whole.then(|| K::Status::deserialize(tree.value).ok())?
    })
}

/// Decodes what cannot be read in one go, or says why it cannot be decoded at all.
fn slowly<K: Ours>(metadata: ObjectMeta, spec: Member<'_>) -> Arrived {
    let (decoded, raw) = match spec.tree() {
        Ok(tree) => (decode::<K>(&tree), RawFacts::of(&tree.value)),
        Err(error) => (Err(format!("spec: {error}")), RawFacts::default()),
    };
    match decoded {
        Ok(spec) => Arrived::Object(K::object(metadata, spec)),
        Err(error) => Arrived::Undecodable(Box::new(Undecodable { kind: K::KIND, metadata, error, raw })),
    }
}

/// # Errors
/// What is wrong, and where.
fn decode<K: Ours>(spec: &Tree) -> Result<K::Spec, String> {
    if spec.cut {
        return Err(format!("spec: nests deeper than {DEPTH} levels"));
    }
    serde_path_to_error::deserialize(&spec.value).map_err(|error| {
        let path = error.path().to_string();
        let at = if path == "." { "spec".to_owned() } else { format!("spec.{path}") };
        format!("{at}: {}", error.inner())
    })
}

impl<K: Ours, S> Resource for Incoming<K, S> {
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
        self.arrived.metadata()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.arrived.metadata_mut()
    }
}

/// Members of an object that are read; all others are skipped without being built.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    metadata: WireMeta,
    #[serde(default, borrow)]
    spec: Member<'a>,
    #[serde(default, borrow)]
    status: Member<'a>,
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
    annotations: Option<Annotations>,
}

impl WireMeta {
    fn pruned(self) -> ObjectMeta {
        ObjectMeta {
            name: self.name,
            namespace: self.namespace,
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            creation_timestamp: self.creation_timestamp,
            deletion_timestamp: self.deletion_timestamp,
            finalizers: self.finalizers,
            annotations: self.annotations.map(|Annotations(ours)| ours).filter(|ours| !ours.is_empty()),
            ..ObjectMeta::default()
        }
    }
}

/// Annotations of ours; all others are skipped.
struct Annotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> de::Visitor<'de> for AnnotationsVisitor {
    type Value = Annotations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("annotations")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Annotations, A::Error> {
        let mut ours = BTreeMap::new();
        while let Some(key) = members.next_key::<String>()? {
            if key.split_once('/').is_some_and(|(domain, _)| domain == GROUP) {
                ours.insert(key, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Annotations(ours))
    }
}
