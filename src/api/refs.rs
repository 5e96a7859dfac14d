//! References to Kubernetes objects and to objects of the policy systems.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{limits, schema};

words! {
    /// What a `backendRef` points at.
    pub enum BackendKind {
        /// A Backend of the same namespace.
        Backend = "Backend",
        /// A `ClusterBackend`, if its `access` lets the namespace in.
        ClusterBackend = "ClusterBackend",
    }
}

words! {
    /// Where a certificate authority is kept.
    pub enum CaKind {
        /// A `ConfigMap`.
        ConfigMap = "ConfigMap",
        /// A Secret.
        Secret = "Secret",
    }
}

/// An object of the same namespace, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct LocalRef {
    /// Name of the object.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// Which backend an assignment uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct BackendRef {
    /// `Backend` (of the same namespace) or `ClusterBackend`. Absent: `Backend`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<BackendKind>,
    /// Name of the backend.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

impl BackendRef {
    /// The kind, `Backend` where none is named.
    pub fn kind(&self) -> BackendKind {
        self.kind.unwrap_or(BackendKind::Backend)
    }
}

/// One key of a Secret of the same namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyRef {
    /// Name of the Secret. It must bear the label `ordain.dev/use: content`.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
    /// Key in the Secret.
    #[schemars(schema_with = "schema::data_key")]
    pub key: String,
}

/// One key that holds PEM certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaRef {
    /// `ConfigMap` or `Secret`. Absent: `ConfigMap`. The object must bear the label
    /// `ordain.dev/use: credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<CaKind>,
    /// Name of the object, in the namespace of the Backend (for a `ClusterBackend`: the operator's).
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
    /// Key that holds the PEM text. Absent: `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::data_key")]
    pub key: Option<String>,
}

impl CaRef {
    /// The kind, `ConfigMap` where none is named.
    pub fn kind(&self) -> CaKind {
        self.kind.unwrap_or(CaKind::ConfigMap)
    }

    /// The key, `ca.crt` where none is named.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or("ca.crt")
    }
}

/// An id of a policy system: text, though a bare integer is understood too (`id: 310`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl Id {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Id;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an id: text, or an integer")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                Ok(Id(number.to_string()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "x-kubernetes-int-or-string": true,
            "minLength": 1,
            "maxLength": limits::ID,
        })
    }
}

/// A name in a policy system: trimmed, without control characters or marks of writing direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(pub String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schema::name(generator)
    }
}

union! {
    rules = schema::one_of;

    /// An object of a policy system, by its id or by its name.
    #[derive(Eq, PartialOrd, Ord, Hash)]
    pub enum IdOrName {
        /// Id in the policy system. Exactly one of `id` and `name`.
        Id(Id) = "id",
        /// Name in the policy system, resolved in every pass; upper and lower case as the system
        /// itself tells them apart. Exactly one of `id` and `name`.
        Name(Name) = "name",
    }
}

impl IdOrName {
    /// By id.
    pub fn id(id: impl Into<String>) -> Self {
        Self::Id(Id(id.into()))
    }

    /// By name.
    pub fn name(name: impl Into<String>) -> Self {
        Self::Name(Name(name.into()))
    }

    /// The id or the name, whichever is given.
    pub fn text(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Name(name) => name.as_str(),
        }
    }
}
