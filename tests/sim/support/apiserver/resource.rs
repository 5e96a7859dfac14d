//! What the fake API server serves, and by which rules of the real one.

use serde_json::{Value, json};

/// What a PUT without resourceVersion does, and one of what does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// Overwrites; never creates.
    Overwrites,
    /// Is refused; never creates.
    NeedsVersion,
    /// Is refused where there is an object, and creates where there is none.
    Creates,
}

/// One served resource.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group, empty for core.
    pub group: &'static str,
    /// Version.
    pub version: &'static str,
    /// Plural name, as in paths.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether it comes from a CRD: generation, status subresource with its default.
    pub custom: bool,
    /// How strict PUT is.
    pub put: Put,
}

const fn custom(plural: &'static str, kind: &'static str, namespaced: bool) -> Resource {
    let (group, version) = ("ordain.dev", "v1alpha1");
    Resource { group, version, plural, kind, namespaced, custom: true, put: Put::NeedsVersion }
}

const fn built_in(group: &'static str, plural: &'static str, kind: &'static str) -> Resource {
    let (version, put) = ("v1", Put::Overwrites);
    Resource { group, version, plural, kind, namespaced: true, custom: false, put }
}

/// Everything that is served.
pub static RESOURCES: [Resource; 10] = [
    custom("backends", "Backend", true),
    custom("clusterbackends", "ClusterBackend", false),
    custom("policies", "Policy", true),
    custom("targetgroups", "TargetGroup", true),
    custom("policyassignments", "PolicyAssignment", true),
    Resource { namespaced: false, ..built_in("", "namespaces", "Namespace") },
    built_in("", "secrets", "Secret"),
    built_in("", "configmaps", "ConfigMap"),
    Resource { put: Put::Creates, ..built_in("coordination.k8s.io", "leases", "Lease") },
    built_in("events.k8s.io", "events", "Event"),
];

impl Resource {
    /// The resource called `word`, be it a kind or a plural.
    pub fn named(word: &str) -> &'static Self {
        let found = RESOURCES.iter().find(|r| r.kind == word || r.plural == word);
        found.unwrap_or_else(|| panic!("`{word}` is no kind this API server serves"))
    }

    /// The resource of a path.
    pub fn at_path(group: &str, version: &str, plural: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|r| r.group == group && r.version == version && r.plural == plural)
    }

    /// The resource of a manifest.
    pub fn of(object: &Value) -> Option<&'static Self> {
        let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        RESOURCES.iter().find(|r| r.api_version() == api_version && r.kind == kind)
    }

    /// `group/version`, or the version alone for core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `plural.group`, as error messages name it.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.into() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Fills in what the schema of the CRD defaults: the status of an object nobody looked at yet.
    pub fn default_status(&self, object: &mut Value) {
        if self.custom && object.get("status").is_none_or(Value::is_null) {
            object["status"] = pending_status();
        }
    }
}

/// The default of `status` in the five CRDs (product.md, section 2).
pub fn pending_status() -> Value {
    json!({
        "observedGeneration": -1,
        "conditions": [{
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for Ordain",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }],
    })
}
