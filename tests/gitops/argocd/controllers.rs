//! Argo CD without pods: its application-controller, its repo-server and their redis as processes, a Git repository on
//! disk, and the one Application that is made of it.

use std::{
    cell::RefCell,
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, root},
    eventually,
    programs::{Program, output},
};

/// Where Argo CD is.
pub const ARGOCD: &str = "argocd";
/// The Application.
pub const APPLICATION: &str = "policies";

/// The recipe that users are given.
const RECIPE: &str = include_str!("../../../docs/argo-cd.md");

/// What Argo CD's own installation says besides: a change of a status is news only if it changes the health.
const IGNORED: &str =
    r#"{"data": {"resource.customizations.ignoreResourceUpdates.all": "jsonPointers: [/status]\n"}}"#;

/// The running parts.
pub struct ArgoCd<'a> {
    cluster: &'a Cluster,
    repository: PathBuf,
    programs: RefCell<Vec<(&'static str, Program)>>,
}

impl<'a> ArgoCd<'a> {
    /// Started, with the rules of this repository in its ConfigMap, and a repository without a commit.
    pub fn start(cluster: &'a Cluster) -> Self {
        let crds = cluster.path("argocd").with_extension("crds.yaml");
        cluster.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]);
        // kubectl wait breaks off at a CRD that has no conditions yet.
        let served = |kind: &&str| {
            let crd = cluster.get("", "crd", &format!("{kind}.argoproj.io")).unwrap();
            let mut conditions = crd["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        };
        assert!(eventually(|| ["applications", "applicationsets", "appprojects"].iter().all(served)));
        cluster.kubectl(&["create", "namespace", ARGOCD]);
        let repository = cluster.folder().join("policies");
        fs::create_dir(&repository).unwrap();
        let argo = Self { cluster, repository, programs: RefCell::default() };
        argo.settings();
        argo.git(&["init", "--quiet", "--initial-branch=main"]);
        let (redis, repo) = (free_port(), free_port());
        let mut command = cluster.command("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &redis.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        argo.run("redis", command.current_dir(cluster.folder()), redis);
        let (redis, served) = (format!("127.0.0.1:{redis}"), format!("127.0.0.1:{repo}"));
        let pages = free_port().to_string();
        let mut command = argo.part("argocd-repo-server");
        command.args(["--address", "127.0.0.1", "--port", &repo.to_string(), "--redis", &redis]);
        argo.run(
            "repo-server",
            command.args(["--metrics-address", "127.0.0.1", "--metrics-port", &pages]),
            repo,
        );
        let pages = free_port();
        let mut command = argo.part("argocd-application-controller");
        command.env("HOSTNAME", "argocd-application-controller-0");
        command.args(["--redis", &redis, "--repo-server", &served, "--metrics-port", &pages.to_string()]);
        argo.run("application-controller", &mut command, pages);
        argo
    }

    /// What is in its namespace before it starts, and a kubeconfig that leads there.
    fn settings(&self) {
        let part = json!({"app.kubernetes.io/part-of": "argocd"});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"server.secretkey": "for-tests-only"},
            "metadata": {"name": "argocd-secret", "namespace": ARGOCD, "labels": part}});
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": ARGOCD, "labels": part}});
        let any = json!([{"group": "*", "kind": "*"}]);
        let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": ARGOCD}, "spec": {"sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}], "clusterResourceWhitelist": any}});
        [secret, config, project].iter().for_each(|object| self.apply(&object.to_string()));
        let merge = ["patch", "configmap", "argocd-cm", "-n", ARGOCD, "--type=merge"];
        let rules = root().join("integrations/argocd/argocd-cm.yaml");
        self.cluster.kubectl(&[&merge[..], &["--patch-file", rules.to_str().unwrap()]].concat());
        self.cluster.kubectl(&[&merge[..], &["-p", IGNORED]].concat());
        fs::copy(self.cluster.kubeconfig(), self.kubeconfig()).unwrap();
        let path = self.kubeconfig();
        let place = ["config", "set-context", "--current", "--namespace", ARGOCD, "--kubeconfig"];
        self.cluster.kubectl(&[&place[..], &[path.to_str().unwrap()]].concat());
    }

    fn kubeconfig(&self) -> PathBuf {
        self.cluster.folder().join("argocd.kubeconfig")
    }

    /// One of the programs that argocd is.
    fn part(&self, name: &str) -> Command {
        let folder = self.cluster.folder().join(name);
        fs::create_dir(&folder).unwrap();
        let mut command = self.cluster.command("argocd");
        command.env("ARGOCD_BINARY_NAME", name).env("KUBECONFIG", self.kubeconfig());
        command
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("TMPDIR", &folder);
        for variable in ["ARGOCD_TLS_DATA_PATH", "ARGOCD_SSH_DATA_PATH", "ARGOCD_GNUPGHOME"] {
            command.env(variable, folder.join(variable));
        }
        command
    }

    /// Starts it and waits until it listens.
    fn run(&self, name: &'static str, command: &mut Command, port: u16) {
        let command = std::mem::replace(command, Command::new("true"));
        let program = Program::start(command, &self.log_file(name));
        self.programs.borrow_mut().push((name, program));
        let listens = || {
            self.alive();
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        assert!(eventually(listens), "{name} does not listen: {}", self.log(name));
    }

    /// Panics if a part has ended.
    fn alive(&self) {
        for (name, program) in self.programs.borrow_mut().iter_mut() {
            assert!(program.ended().is_none(), "{name} has ended: {}", self.log(name));
        }
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.cluster.folder().join(format!("{name}.log"))
    }

    /// The last lines that a part said.
    pub fn log(&self, name: &str) -> String {
        let text = fs::read_to_string(self.log_file(name)).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.cluster.command("git");
        command.arg("-C").arg(&self.repository).args([
            "-c",
            "user.name=team",
            "-c",
            "user.email=team@example.com",
        ]);
        output(command.args(arguments)).trim().to_owned()
    }

    /// A commit of exactly these files, and Argo CD is told of it, as a webhook would. Its name.
    pub fn push(&self, files: &[(&str, &str)]) -> String {
        self.git(&["rm", "-rq", "--ignore-unmatch", "."]);
        files.iter().for_each(|(name, text)| fs::write(self.repository.join(name), text).unwrap());
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "policies"]);
        if self.application().is_some() {
            self.refresh();
        }
        self.git(&["rev-parse", "HEAD"])
    }

    /// The Application of the recipe, but for where its repository is.
    pub fn recipe(&self) {
        let block = RECIPE.split("```yaml\n").find(|text| text.contains("kind: Application\n"));
        let yaml = block.and_then(|text| text.split("```").next()).expect("the recipe has its Application");
        let url = format!("file://{}", self.repository.display());
        assert!(yaml.contains("https://git.example.com/policies.git"), "{yaml}");
        self.apply(&yaml.replace("https://git.example.com/policies.git", &url));
    }

    /// Asks for a look at Git and at the cluster, and waits until it was taken.
    pub fn refresh(&self) {
        let asked = "argocd.argoproj.io/refresh=normal";
        self.cluster.kubectl(&["annotate", "application", APPLICATION, "-n", ARGOCD, "--overwrite", asked]);
        let taken = || {
            self.alive();
            let app = self.application();
            app.is_none_or(|app| app["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null())
        };
        assert!(eventually(taken), "{}", self.log("application-controller"));
    }

    /// The Application, while it is there.
    pub fn application(&self) -> Option<Value> {
        self.cluster.get(ARGOCD, "application", APPLICATION)
    }

    /// Applies a manifest.
    pub fn apply(&self, manifest: &str) {
        let path = self.cluster.folder().join("applied.yaml");
        fs::write(&path, manifest).unwrap();
        self.cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]);
    }
}

/// A port that nobody has now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
