//! Argo CD without pods: its application-controller, its repo-server and their redis as processes, a Git repository on
//! disk, and the one Application that is made of it.

use std::{
    cell::{OnceCell, RefCell},
    fs,
    net::TcpListener,
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

/// To a loopback port, whatever the developer's own curl is set to: no curlrc (only as the first one), no proxy.
const CURL: [&str; 7] = ["-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60"];

/// How many ports a part is offered.
const PORTS: usize = 5;

/// The running parts.
pub struct ArgoCd<'a> {
    cluster: &'a Cluster,
    repository: PathBuf,
    redis: String,
    repo: String,
    server: OnceCell<String>,
    programs: RefCell<Vec<(&'static str, Program)>>,
}

impl<'a> ArgoCd<'a> {
    /// Started, with the rules of this repository in its ConfigMap, and a repository without a commit.
    pub fn start(cluster: &'a Cluster) -> Self {
        let crds = cluster.path("argocd").with_extension("crds.yaml");
        cluster.kubectl(&["apply", "--server-side", "-f", crds.to_str().unwrap()]);
        cluster.wait_for_crds();
        cluster.kubectl(&["create", "namespace", ARGOCD]);
        let repository = cluster.folder().join("policies");
        fs::create_dir(&repository).unwrap();
        let argo = Self {
            cluster,
            repository,
            redis: String::new(),
            repo: String::new(),
            server: OnceCell::new(),
            programs: RefCell::default(),
        };
        argo.settings();
        argo.git(&["init", "--quiet", "--initial-branch=main"]);
        argo.start_parts()
    }

    fn start_parts(mut self) -> Self {
        let folder = self.cluster.folder();
        self.redis = self.serve("redis", "Ready to accept connections", |port| {
            let mut command = self.cluster.command("redis-server");
            command.current_dir(folder).args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
            command.args(["--save", "", "--appendonly", "no"]);
            command
        });
        self.repo = self.serve("repo-server", "is listening on", |port| {
            let mut command = self.part("argocd-repo-server");
            command.args(["--address", "127.0.0.1", "--port", &port.to_string(), "--redis", &self.redis]);
            command.args(["--metrics-address", "127.0.0.1", "--metrics-port", "0"]);
            command
        });
        let mut command = self.part("argocd-application-controller");
        command.env("HOSTNAME", "argocd-application-controller-0");
        command.args(["--redis", &self.redis, "--repo-server", &self.repo, "--metrics-port", "0"]);
        let program = Program::start(command, &self.log_file("application-controller"));
        self.programs.borrow_mut().push(("application-controller", program));
        self
    }

    /// Where its API server is, which serves people; started when it is asked for first.
    pub(super) fn server(&self) -> &str {
        self.server.get_or_init(|| {
            self.serve("server", "serving on port", |port| {
                let mut command = self.part("argocd-server");
                command.args(["--address", "127.0.0.1", "--port", &port.to_string()]);
                command.args(["--metrics-address", "127.0.0.1", "--metrics-port", "0"]);
                command.args(["--redis", &self.redis, "--repo-server", &self.repo]);
                command.args(["--disable-auth", "--insecure"]);
                command
            })
        })
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
        fs::create_dir_all(&folder).unwrap();
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

    /// Starts it on a port that nobody has, and waits until it says that it has it. Where somebody else was faster it
    /// ends, and gets another one. Its address.
    fn serve(&self, name: &'static str, says: &str, command: impl Fn(u16) -> Command) -> String {
        for _ in 0..PORTS {
            let port = free_port();
            let mut program = Program::start(command(port), &self.log_file(name));
            let listens = || fs::read_to_string(self.log_file(name)).is_ok_and(|log| log.contains(says));
            let decided = eventually(|| listens() || program.ended().is_some());
            assert!(decided, "{name} does not listen: {}", self.log(name));
            if program.ended().is_none() {
                self.programs.borrow_mut().push((name, program));
                return format!("127.0.0.1:{port}");
            }
        }
        panic!("{name} found no port: {}", self.log(name));
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
        for (name, text) in files {
            let path = self.repository.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
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
        let url = self.url();
        assert!(yaml.contains("https://git.example.com/policies.git"), "{yaml}");
        self.apply(&yaml.replace("https://git.example.com/policies.git", &url));
    }

    /// Asks for a look at Git and at the cluster, and waits until it was taken.
    pub fn refresh(&self) {
        self.look(APPLICATION, "normal");
    }

    /// A look at an Application; a hard one makes its manifests anew, whether Git has changed or not.
    pub fn look(&self, name: &str, how: &str) {
        let asked = format!("argocd.argoproj.io/refresh={how}");
        self.cluster.kubectl(&["annotate", "application", name, "-n", ARGOCD, "--overwrite", &asked]);
        let taken = || {
            self.alive();
            let app = self.cluster.get(ARGOCD, "application", name);
            app.is_none_or(|app| app["metadata"]["annotations"]["argocd.argoproj.io/refresh"].is_null())
        };
        assert!(eventually(taken), "{}", self.log("application-controller"));
    }

    /// What Argo CD says of an Application.
    pub fn status_of(&self, name: &str) -> Value {
        let app = self.cluster.get(ARGOCD, "application", name);
        app.map(|app| app["status"].clone()).unwrap_or_default()
    }

    /// Where its commits are.
    pub fn url(&self) -> String {
        format!("file://{}", self.repository.display())
    }

    /// Runs an action on an object of the Application, as the command line does; or why it is refused.
    pub fn action(&self, kind: &str, name: &str, action: &str) -> Result<(), String> {
        let mut command = self.cluster.command("argocd");
        command.args(["--server", self.server(), "--plaintext", "--config"]).arg(self.log_file("config"));
        command.args(["app", "actions", "run", APPLICATION, action, "--kind", kind, "--resource-name", name]);
        let out = command.output().unwrap();
        out.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&out.stderr).into_owned())
    }

    /// Approves so many removals of a Backend, as the pages of Argo CD do, which alone can pass a number; or why it is
    /// refused.
    pub fn approve(&self, namespace: &str, backend: &str, count: &str) -> Result<(), String> {
        let body = json!({"name": APPLICATION, "namespace": namespace, "resourceName": backend, "group": "ordain.dev",
            "version": "v1alpha1", "kind": "Backend", "action": "approve-removals",
            "resourceActionParameters": [{"name": "count", "value": count}]});
        let answer = self.call("resource/actions/v2", &["--json", &body.to_string()]);
        answer["message"].as_str().map_or(Ok(()), |refused| Err(refused.to_owned()))
    }

    /// Health and its message of an object, as the pages of Argo CD show them now.
    pub fn shown(&self, kind: &str, name: &str) -> (String, String) {
        let tree = self.call("resource-tree", &[]);
        let mut nodes = tree["nodes"].as_array().into_iter().flatten();
        let node = nodes.find(|node| node["kind"] == kind && node["name"] == name).unwrap_or(&Value::Null);
        let text = |member: &str| node["health"][member].as_str().unwrap_or_default().to_owned();
        (text("status"), text("message"))
    }

    fn call(&self, path: &str, arguments: &[&str]) -> Value {
        let url = format!("http://{}/api/v1/applications/{APPLICATION}/{path}", self.server());
        let answer = output(self.cluster.command("curl").args(CURL).arg(&url).args(arguments));
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{path}: {e}: {answer}"))
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

/// A port that nobody has now; whoever is faster can still take it.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
