//! An installation of its own for every test: operator namespace, team namespace, rights from the chart, doubles.

pub mod audit;
pub mod collector;
pub mod pages;
mod patience;
pub mod programs;
pub mod told;
pub mod vendors;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

pub use patience::eventually;
use programs::{Program, output, path_of};
use vendors::Sandbox;

/// One operator over one team namespace.
pub struct Installation {
    /// Namespace of the operator: Lease, keys.
    pub system: String,
    /// Namespace of the team.
    pub team: String,
    /// The doubles.
    pub sandbox: Sandbox,
    folder: tempfile::TempDir,
    operator: Option<Program>,
    starts: u32,
}

impl Installation {
    /// Namespaces, rights, doubles, Backends; the operator is started.
    pub fn new(name: &str) -> Self {
        let mut installation = Self::without_operator(name);
        installation.start();
        installation
    }

    /// The same, before the operator runs.
    pub fn without_operator(name: &str) -> Self {
        Self::with_rights(name, None)
    }

    /// The same, with rights in the team's namespace alone, as the chart grants them where it is told the namespaces.
    pub fn narrow(name: &str) -> Self {
        Self::with_rights(name, Some(name))
    }

    /// A second installation over the same team, in a namespace of its own, with the rights of a release that works
    /// everywhere.
    pub fn beside(&self, name: &str) -> Self {
        let (system, folder) = (format!("{name}-system"), tempfile::tempdir().unwrap());
        kubectl(&["create", "namespace", &system]);
        apply_text(&rights(&system, None));
        let sandbox = Sandbox::start(&folder.path().join("sandbox"));
        Self { system, team: self.team.clone(), sandbox, folder, operator: None, starts: 0 }
    }

    fn with_rights(name: &str, only: Option<&str>) -> Self {
        crds();
        let folder = tempfile::tempdir().unwrap();
        let (system, team) = (format!("{name}-system"), name.to_owned());
        kubectl(&["create", "namespace", &system]);
        kubectl(&["create", "namespace", &team]);
        let rights = rights(&system, only);
        apply_text(&rights);
        let sandbox = Sandbox::start(&folder.path().join("sandbox"));
        apply_text(&sandbox.cluster(&team));
        Self { system, team, sandbox, folder, operator: None, starts: 0 }
    }

    /// Starts the operator with its own identity and nothing but the chart's rights.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with further flags.
    pub fn start_with(&mut self, flags: &[&str]) {
        self.start_as(Command::new(path_of("ORDAIN_BIN")), flags);
    }

    /// The same where no file may grow beyond so many bytes, as on a volume that is full.
    pub fn start_on_a_full_volume(&mut self, largest: u64) {
        // A size limit in blocks of 1,024 bytes; ignored, its signal becomes an error of the write.
        let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", largest / 1024);
        let mut command = Command::new("bash");
        command.args(["-c", &limit, &path_of("ORDAIN_BIN")]);
        self.start_as(command, &[]);
    }

    /// A second process over the same store and the same Lease; the first one is given back, still running.
    pub fn start_another(&mut self) -> Program {
        let first = self.operator.take().expect("the operator was started");
        self.start();
        first
    }

    /// File of the store.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store/ordain.db")
    }

    fn start_as(&mut self, mut command: Command, flags: &[&str]) {
        self.starts += 1;
        let kubeconfig = self.kubeconfig();
        let log = self.folder.path().join(format!("operator-{}.log", self.starts));
        let store = format!("sqlite://{}", self.store().display());
        command
            .args(["run", "--namespace", &self.system, "--watch-namespaces", &self.team])
            .env("ORDAIN_STORE", store)
            .args(["--listen", "127.0.0.1:0", "--allow-loopback", "--log-format", "json"])
            .args(flags)
            .env("KUBECONFIG", kubeconfig);
        self.operator = Some(Program::start(command, &log));
    }

    /// The operator, while it runs.
    pub fn operator(&mut self) -> &mut Program {
        self.operator.as_mut().expect("the operator was started")
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.operator().kill();
        self.operator = None;
    }

    /// SIGTERM; its exit status.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let status = self.operator().terminate();
        self.operator = None;
        status
    }

    /// What the operator said, all its runs.
    pub fn logs(&self) -> String {
        (1..=self.starts)
            .filter_map(|n| {
                std::fs::read_to_string(self.folder.path().join(format!("operator-{n}.log"))).ok()
            })
            .collect()
    }

    /// Where its pages are.
    pub fn listens(&self) -> String {
        assert!(eventually(|| pages::address(&self.logs()).is_some()), "{}", self.logs());
        pages::address(&self.logs()).unwrap()
    }

    /// Rules of statuses (product.md section 7) broken by what stands in the team's namespace now.
    fn untrue_statuses(&self) -> Vec<String> {
        let kinds = "backends,policies,targetgroups,policyassignments";
        let list = kubectl(&["get", kinds, "-n", &self.team, "-o", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        // A test that makes a ClusterBackend calls it like its namespace.
        let shared = kubectl(&["get", "clusterbackend", &self.team, "--ignore-not-found", "-o", "json"]);
        let shared: Option<Value> = serde_json::from_str(&shared).ok();
        let of = |object: &Value| {
            let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].clone());
            let generation = object["metadata"]["generation"].as_i64().unwrap();
            let broken = crate::status_lint::lint(kind, &object["status"], generation);
            broken.into_iter().map(|rule| format!("{kind} {name}: {rule}")).collect::<Vec<_>>()
        };
        list["items"].as_array().unwrap().iter().chain(&shared).flat_map(of).collect()
    }

    fn kubeconfig(&self) -> PathBuf {
        let path = self.folder.path().join("operator.kubeconfig");
        let token = output(Command::new("kubectl").args(["create", "token", "ordain", "-n", &self.system]));
        let admin = std::fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        std::fs::write(&path, with_token(&admin, token.trim())).unwrap();
        path
    }

    /// Applies a manifest into the team's namespace.
    pub fn apply(&self, yaml: &str) {
        let path = self.folder.path().join("manifest.yaml");
        std::fs::write(&path, yaml).unwrap();
        kubectl(&["apply", "-n", &self.team, "-f", path.to_str().unwrap()]);
    }

    /// Applies many objects without saying so of each.
    pub fn apply_quietly(&self, yaml: &str) {
        let path = self.folder.path().join("many.yaml");
        std::fs::write(&path, yaml).unwrap();
        kubectl(&["create", "-n", &self.team, "-f", path.to_str().unwrap(), "-o", "name"]);
    }

    /// An object of the team's namespace.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let out = Command::new("kubectl")
            .args(["get", kind, name, "-n", &self.team, "-o", "json", "--ignore-not-found"])
            .output()
            .unwrap();
        serde_json::from_slice(&out.stdout).ok()
    }

    /// Status and reason of a condition, e.g. `("True", "InStep")`.
    pub fn condition(&self, kind: &str, name: &str, condition: &str) -> Option<(String, String)> {
        let object = self.get(kind, name)?;
        let conditions = object["status"]["conditions"].as_array()?.clone();
        let found = conditions.into_iter().find(|c| c["type"] == condition)?;
        Some((found["status"].as_str()?.to_owned(), found["reason"].as_str()?.to_owned()))
    }

    /// Waits for a condition; shows the object and the end of the log when it does not come.
    pub fn wait_for(&self, kind: &str, name: &str, condition: &str, status: &str, reason: Option<&str>) {
        let hit = |found: Option<(String, String)>| {
            found.is_some_and(|(s, r)| s == status && reason.is_none_or(|reason| r == reason))
        };
        if !eventually(|| hit(self.condition(kind, name, condition))) {
            let object = self.get(kind, name).map(|o| o["status"].clone()).unwrap_or_default();
            panic!(
                "{kind}/{name}: {condition} did not become {status} {reason:?}\n{object:#}\n--- operator\n{}",
                tail(&self.logs())
            );
        }
    }

    /// Ready at the current generation.
    pub fn wait_ready(&self, kind: &str, name: &str) {
        self.wait_for(kind, name, "Ready", "True", None);
        let current = || {
            let object = self.get(kind, name)?;
            Some(object["status"]["observedGeneration"] == object["metadata"]["generation"])
        };
        assert!(eventually(|| current() == Some(true)), "{kind}/{name} is not Ready at its generation");
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- operator\n{}", tail(&self.logs()));
            return;
        }
        let untrue = self.untrue_statuses();
        assert!(untrue.is_empty(), "{}", untrue.join("\n"));
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Runs kubectl as administrator; its output.
pub fn kubectl(args: &[&str]) -> String {
    output(Command::new("kubectl").args(args))
}

/// Applies a manifest as it is.
pub fn apply_text(yaml: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.yaml");
    std::fs::write(&path, yaml).unwrap();
    kubectl(&["apply", "--server-side", "-f", path.to_str().unwrap()]);
}

/// The CRDs, once for all tests.
pub fn crds() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let folder = root().join("crds");
        kubectl(&["apply", "--server-side", "-f", folder.to_str().unwrap()]);
        assert!(eventually(all_kinds_are_published), "the API server never served and published all kinds");
    });
}

/// A schema is published some time after its kind is served; and `kubectl wait` breaks off at a CRD without conditions.
fn all_kinds_are_published() -> bool {
    let get = |path: &str| {
        let out = Command::new("kubectl").args(["get", "--raw", path]).output().unwrap();
        serde_json::from_slice::<Value>(&out.stdout).unwrap_or_default()
    };
    let (served, schemas) = (get("/apis/ordain.dev/v1alpha1"), get("/openapi/v3/apis/ordain.dev/v1alpha1"));
    let kinds: Vec<&Value> =
        served["resources"].as_array().into_iter().flatten().map(|kind| &kind["kind"]).collect();
    ["Policy", "PolicyAssignment", "TargetGroup", "Backend", "ClusterBackend"].iter().all(|kind| {
        kinds.contains(&&Value::from(*kind))
            && schemas["components"]["schemas"][format!("dev.ordain.v1alpha1.{kind}")].is_object()
    })
}

/// ServiceAccount and RBAC as the chart renders them for a release in this namespace that works everywhere, or in one
/// namespace alone.
pub fn rights(system: &str, only: Option<&str>) -> String {
    let chart = root().join("charts/ordain");
    let namespaces = only.map(|team| format!(",watchNamespaces={{{team}}}")).unwrap_or_default();
    output(
        Command::new("helm")
            .args(["template", system, chart.to_str().unwrap(), "--namespace", system])
            .args(["--set", &format!("serviceAccount.name=ordain{namespaces}")])
            .args(["--show-only", "templates/serviceaccount.yaml", "--show-only", "templates/rbac.yaml"]),
    )
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The administrator's kubeconfig with another user's token in it.
fn with_token(admin: &str, token: &str) -> String {
    let mut config: Value = serde_saphyr::from_str(admin).expect("a kubeconfig");
    for user in config["users"].as_array_mut().expect("users") {
        user["user"] = serde_json::json!({ "token": token });
    }
    config.to_string()
}
