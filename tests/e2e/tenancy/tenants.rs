//! Two teams of one operator, each with systems of its own.

use serde_json::{Value, json};

use crate::support::{Installation, apply_text, kubectl, vendors::Sandbox};

/// The installation and its second team.
pub struct Tenants {
    /// The operator, the first team and its systems.
    pub installation: Installation,
    /// Namespace of the second team.
    pub second: String,
    _sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

impl Tenants {
    /// Before the operator runs.
    pub fn new(name: &str) -> Self {
        let installation = Installation::without_operator(name);
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::start(folder.path());
        let second = format!("{name}-second");
        apply_text(&sandbox.cluster(&second));
        // WFBSS is known by its customers (R7), so these are others.
        let known = sandbox.state("wfbss")["customers"].clone();
        let gone: Vec<Value> = known.as_object().unwrap().keys().map(|id| json!({"customer": id})).collect();
        sandbox.by_hand("wfbss", &json!({"removeCustomer": gone, "addCustomer": {"name": "Elder Farm"}}));
        Self { installation, second, _sandbox: sandbox, _folder: folder }
    }

    /// Starts the operator over both.
    pub fn start(&mut self) {
        self.installation.start_with(&["--watch-namespaces", &self.second.clone()]);
    }

    /// Both teams' namespaces.
    pub fn teams(&self) -> [&str; 2] {
        [&self.installation.team, &self.second]
    }
}

/// Copies a Secret to another place under another name.
pub fn copy_secret(from: (&str, &str), to: (&str, &str)) {
    let (namespace, name) = from;
    let secret = kubectl(&["get", "secret", name, "-n", namespace, "-o", "json"]);
    let mut secret: Value = serde_json::from_str(&secret).unwrap();
    let labels = secret["metadata"]["labels"].clone();
    secret["metadata"] = json!({"name": to.1, "namespace": to.0, "labels": labels});
    apply_text(&secret.to_string());
}
