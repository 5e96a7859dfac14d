//! A control plane for every test: what is installed here belongs to the whole cluster.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    eventually,
    programs::{output, path_of},
};

/// etcd, API server and controller manager, without any right for anybody but the administrator.
pub struct Cluster {
    environment: BTreeMap<String, String>,
    kube: PathBuf,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Started and ready.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kube = folder.path().join("kube");
        let owner = std::process::id().to_string();
        output(
            Command::new(root().join("scripts/control-plane"))
                .args(["start", "--controller-manager", "--owner", &owner])
                .arg(&kube),
        );
        let printed = output(Command::new("bash").args(["-c", ". \"$0/env\" && env -0"]).arg(&kube));
        let pairs = printed.split('\0').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = pairs.filter(|(name, _)| !name.starts_with("GIT_")).chain(own_git()).collect();
        Self { environment, kube, folder }
    }

    /// A folder of the test's own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kube.join("kubeconfig")
    }

    /// Where a program lies. What is found in PATH is that of the given environment, not of this process.
    pub fn path(&self, program: &str) -> PathBuf {
        let mut found = self.environment["PATH"].split(':').map(|folder| Path::new(folder).join(program));
        found.find(|path| path.is_file()).unwrap_or_else(|| panic!("no {program}: run make test-gitops"))
    }

    /// A program that finds this cluster.
    pub fn command(&self, program: &str) -> Command {
        self.within(Command::new(self.path(program)))
    }

    fn within(&self, mut command: Command) -> Command {
        command.env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    /// kubectl as administrator; its output.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        output(self.command("kubectl").args(arguments))
    }

    /// helm as administrator; what it printed, and what it complained of.
    pub fn helm(&self, arguments: &[&str]) -> Result<String, String> {
        let out = self.command("helm").args(arguments).output().unwrap();
        told(&out)
    }

    /// The built binary as administrator.
    pub fn ordain(&self, arguments: &[&str]) -> Result<String, String> {
        told(&self.within(Command::new(path_of("ORDAIN_BIN"))).args(arguments).output().unwrap())
    }

    /// An object, if it is there.
    pub fn get(&self, namespace: &str, kind: &str, name: &str) -> Option<Value> {
        let found = self.kubectl(&["get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json"]);
        serde_json::from_str(&found).ok()
    }

    /// What the API server refused this user for want of a right; not what was refused after its roles had gone, with the
    /// release that made them.
    pub fn refused(&self, user: &str) -> Vec<String> {
        let log = std::fs::read_to_string(&self.environment["ORDAIN_AUDIT_LOG"]).unwrap();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut refused = Vec::new();
        for entry in entries {
            let resource = entry["objectRef"]["resource"].as_str().unwrap_or_default();
            if entry["verb"] == "delete" && resource == "clusterrolebindings" {
                return refused;
            }
            if entry["user"]["username"] == user && entry["responseStatus"]["code"] == 403 {
                refused.push(format!("{} {resource}", entry["verb"]));
            }
        }
        refused
    }

    /// How often the status of an object of this name was written.
    pub fn status_writes(&self, name: &str) -> usize {
        let log = std::fs::read_to_string(&self.environment["ORDAIN_AUDIT_LOG"]).unwrap();
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let written = |entry: &Value| {
            let object = &entry["objectRef"];
            entry["verb"] == "patch" && object["subresource"] == "status" && object["name"] == name
        };
        entries.filter(written).count()
    }

    /// Waits until every CRD is served. `kubectl wait` breaks off at one that has no conditions yet.
    pub fn wait_for_crds(&self) {
        let served = |crd: &Value| {
            let mut conditions = crd["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        };
        let all = || {
            let crds: Value = serde_json::from_str(&self.kubectl(&["get", "crds", "-o", "json"])).unwrap();
            crds["items"].as_array().unwrap().iter().all(served)
        };
        assert!(eventually(all), "not every CRD is Established");
    }

    /// Waits for a condition, as a user would.
    pub fn wait(&self, namespace: &str, object: &str, condition: &str) {
        let condition = format!("--for=condition={condition}");
        self.kubectl(&["wait", object, "-n", namespace, &condition, "--timeout=120s"]);
    }

    /// Waits until all there are of a kind meet a condition.
    pub fn wait_for_all(&self, namespace: &str, kind: &str, condition: &str) {
        let condition = format!("--for=condition={condition}");
        self.kubectl(&["wait", kind, "--all", "-n", namespace, &condition, "--timeout=240s"]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(root().join("scripts/control-plane")).arg("stop").arg(&self.kube).status();
    }
}

/// What git is told in a hook leads to the developer's own repository, and how it is set up is theirs, too.
fn own_git() -> impl Iterator<Item = (String, String)> {
    let own = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
    own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn told(out: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match out.status.success() {
        true => Ok(text(&out.stdout)),
        false => Err(text(&out.stderr) + &text(&out.stdout)),
    }
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
