//! Where a page is run: what its reader has before the first line.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    cluster::{Cluster, root},
    eventually,
    kubelet::Kubelet,
    programs::{Program, path_of},
    site::{LOOPBACK, Site, TEAM},
    vendors::Sandbox,
};

/// What is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A checkout, and `make playground` in another terminal.
    Playground,
    /// A cluster, and the systems.
    Doubles,
    /// The operator too, installed by helm, and a Ready Backend for each system.
    Installed,
    /// And `examples/`, all of it Ready.
    Examples,
    /// And a system of another team; the manifests of the page are applied before its first line.
    Team,
    /// Like [`Stage::Examples`], in the context `old`; and an empty cluster, in the context `new`.
    Two,
    /// A cluster with the kinds of Flux.
    Flux,
    /// A cluster with the kinds of Argo CD, and its settings as they are when it is installed.
    ArgoCd,
}

/// What the page is run on; all of it ends when dropped.
pub struct Ground {
    /// The reader's folder: a checkout, as far as the documentation goes.
    pub folder: PathBuf,
    /// What the documentation says, and what stands in for it here.
    pub stand_ins: Vec<(String, String)>,
    /// Typed before the first line.
    pub prepared: String,
    // Ended in this order: who uses the cluster, the cluster, the folders.
    playground: Option<Program>,
    second: Option<(Kubelet, Cluster)>,
    team: Option<Sandbox>,
    site: Option<Site>,
    _scratch: tempfile::TempDir,
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(mut playground) = self.playground.take() {
            playground.terminate();
        }
    }
}

impl Ground {
    /// Everything that the stage says, ready.
    pub fn new(stage: Stage) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("ordain");
        checkout(&folder);
        let mut ground = Self {
            folder,
            stand_ins: Vec::new(),
            prepared: String::new(),
            playground: None,
            second: None,
            team: None,
            site: None,
            _scratch: scratch,
        };
        match stage {
            Stage::Playground => ground.playground(),
            _ => ground.site(stage),
        }
        ground
    }

    fn playground(&mut self) {
        let target = self.folder.join("target/playground");
        let mut command = Command::new(root().join("scripts/demo"));
        command.arg("--playground").arg(&target);
        self.playground = Some(Program::start(command, &self.folder.join("playground.log")));
        let up = eventually(|| target.join("env").exists());
        assert!(up, "the playground is not up:\n{}", self.log());
    }

    fn site(&mut self, stage: Stage) {
        let site = Site::new();
        if !matches!(stage, Stage::Doubles | Stage::Flux | Stage::ArgoCd) {
            site.install(&[]).unwrap();
            site.backends();
            site.cluster.wait_for_all(TEAM, "backends", "Ready");
        }
        if matches!(stage, Stage::Examples | Stage::Team | Stage::Two) {
            site.cluster.kubectl(&["apply", "-f", root().join("examples").to_str().unwrap()]);
            site.cluster.wait_for_all(TEAM, "policyassignments", "Ready");
        }
        // Installed once more, or upgraded, the operator still works with the doubles.
        let loopback = format!(
            "helm() {{ case $1 in install | upgrade) command helm \"$@\" --set-json '{LOOPBACK}' ;; *) command helm \"$@\" ;; esac; }}\n"
        );
        let namespace = format!("kubectl config set-context --current --namespace {TEAM}\n");
        self.prepared = [loopback, namespace].concat();
        let backends = site.cluster.folder().join("sandbox/cluster.yaml");
        fs::copy(backends, self.folder.join("backends.yaml")).unwrap();
        let double = site.sandbox.url("wso2").to_owned();
        self.stands_in(&double);
        match stage {
            Stage::Team => self.team(&site),
            Stage::Two => self.two(&site),
            Stage::Flux => brought_by(&site.cluster, "kustomize-controller", "flux-system"),
            Stage::ArgoCd => {
                brought_by(&site.cluster, "argocd", "argocd");
                site.cluster.kubectl(&["create", "configmap", "argocd-cm", "--namespace", "argocd"]);
            }
            _ => {}
        }
        self.site = Some(site);
    }

    /// For the system that the documentation shows as one of the reader's.
    fn stands_in(&mut self, double: &str) {
        let told = [
            ("https://emm.example.com:8243", double),
            ("username: ordain", "username: policy-operator"),
            ("password: …", "password: Harbour-Lantern-42"),
        ];
        self.stand_ins = told.map(|(told, here)| (told.to_owned(), here.to_owned())).into();
    }

    fn team(&mut self, site: &Site) {
        let sandbox = Sandbox::start(&self.folder.join("team"));
        self.stands_in(sandbox.url("wso2"));
        self.team = Some(sandbox);
        site.cluster.kubectl(&["create", "namespace", "mobile"]);
        let phones = include_str!("../../../examples/wso2-baseline.yaml");
        let edited = phones.replace("minLength: 6", "minLength: 8").replace("[engineer]", "[sales]");
        assert!(edited.contains("minLength: 8") && edited.contains("[sales]"));
        fs::write(self.folder.join("phones.yaml"), edited).unwrap();
    }

    fn two(&mut self, site: &Site) {
        let second = Cluster::start();
        let node = Kubelet::start(&second);
        let merged = [("old", &site.cluster), ("new", &second)].map(|(name, cluster)| context(name, cluster));
        let all = |part: &str| merged.iter().map(|config| config[part].clone()).collect::<Value>();
        let config = serde_json::json!({"apiVersion": "v1", "kind": "Config", "current-context": "old",
            "contexts": all("context"), "clusters": all("cluster"), "users": all("user")});
        let path = self.folder.join("contexts");
        fs::write(&path, config.to_string()).unwrap();
        self.prepared = format!("export KUBECONFIG={}\n{}", path.display(), self.prepared);
        self.second = Some((node, second));
    }

    /// A program with what the reader's shell knows.
    pub fn command(&self, program: &str) -> Command {
        let binary = PathBuf::from(path_of("ORDAIN_BIN"));
        let mut command = match &self.site {
            Some(site) => site.cluster.command(program),
            None => Command::new(program),
        };
        let Some(site) = &self.site else { return command };
        let (ours, tools) = (binary.parent().unwrap(), site.cluster.path("kubectl"));
        let tools = tools.parent().unwrap();
        let path = format!("{}:{}:{}", ours.display(), tools.display(), std::env::var("PATH").unwrap());
        let endpoints: Value = serde_json::from_str(
            &fs::read_to_string(site.cluster.folder().join("sandbox/endpoints.json")).unwrap(),
        )
        .unwrap();
        command.env("PATH", path).env("CONSOLE", endpoints["control"].as_str().unwrap());
        command.env("ORDAIN_ALLOW_LOOPBACK", "true").env("HOME", &self.folder).stderr(Stdio::inherit());
        command
    }

    /// What the playground said; a node tells by itself what its pods said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("playground.log")).unwrap_or_default()
    }
}

/// What the documentation names of a checkout, without what a page writes there; the chart stands for an earlier one, too.
fn checkout(folder: &Path) {
    fs::create_dir_all(folder.join("target")).unwrap();
    for name in ["charts", "crds", "docs", "examples", "integrations", "scripts"] {
        symlink(root().join(name), folder.join(name)).unwrap();
    }
    symlink(root().join("charts/ordain"), folder.join("ordain-earlier")).unwrap();
}

/// The kinds that a tool brings, and the namespace it lives in.
fn brought_by(cluster: &Cluster, tool: &str, namespace: &str) {
    let crds = cluster.path(tool).with_extension("crds.yaml");
    cluster.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]);
    cluster.wait_for_crds();
    cluster.kubectl(&["create", "namespace", namespace]);
}

/// The parts of a cluster's kubeconfig, under one name.
fn context(name: &str, cluster: &Cluster) -> Value {
    let config: Value = serde_saphyr::from_str(&fs::read_to_string(cluster.kubeconfig()).unwrap()).unwrap();
    let part = |list: &str, key: &str| serde_json::json!({"name": name, key: config[list][0][key]});
    serde_json::json!({"cluster": part("clusters", "cluster"), "user": part("users", "user"),
        "context": {"name": name, "context": {"cluster": name, "user": name, "namespace": TEAM}}})
}
