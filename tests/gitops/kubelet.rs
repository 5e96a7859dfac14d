//! A node without containers: what a pod says is run as a process of this machine, and its status tells what that does.
//!
//! It stands for kubelet, DNS and the volume: the container's arguments and environment are taken as the chart gives
//! them, the pod's ServiceAccount is who it is for the API server, probes are asked, a deleted pod gets SIGTERM. Only
//! where files and ports are is this machine's: the store lies in a folder of the claim's uid, the port is a free one.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{Container, EnvVar, Node, PersistentVolumeClaim, Pod, Service, ServiceAccount},
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    programs::{Program, path_of, signal},
};

const NODE: &str = "a-node";
const PAUSE: Duration = Duration::from_millis(100);
/// How often the node says that it is alive; the controller manager allows for 40 s.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The node; it and all its processes end when dropped.
pub struct Kubelet {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    logs: PathBuf,
}

impl Kubelet {
    /// Starts a node of this cluster.
    pub fn start(cluster: &Cluster) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (kubeconfig, folder) = (cluster.kubeconfig(), cluster.folder().join("node"));
        fs::create_dir_all(&folder).unwrap();
        let logs = folder.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut machine = Machine::new(kubeconfig, folder).await;
                while !stopped.load(Ordering::Relaxed) {
                    machine.turn().await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        });
        Self { stop, thread: Some(thread), logs }
    }

    /// Stops the process of a pod where it stands, as a machine does that has too much to do.
    pub fn freeze(&self, pod: &str) -> Frozen {
        let pid = fs::read_to_string(self.logs.join(format!("{pod}.pid"))).unwrap().parse().unwrap();
        signal(pid, "-STOP");
        Frozen(pid)
    }

    /// What all pods said.
    pub fn logs(&self) -> String {
        let files = fs::read_dir(&self.logs).unwrap().flatten().map(|entry| entry.path());
        let logs = files.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| fs::read_to_string(path).unwrap_or_default()).collect()
    }
}

/// A pod that neither answers nor works, until this is dropped.
pub struct Frozen(u32);

impl Drop for Frozen {
    fn drop(&mut self) {
        signal(self.0, "-CONT");
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if std::thread::panicking() {
            eprintln!("--- pods\n{}", self.logs());
        } else if let Some(Err(_)) = ended {
            panic!("the node broke, see above");
        }
    }
}

/// A pod's process.
struct Running {
    program: Program,
    /// Where its pages are.
    address: String,
    labels: BTreeMap<String, String>,
    ready: Option<bool>,
}

struct Machine {
    client: Client,
    http: reqwest::Client,
    admin: Kubeconfig,
    folder: PathBuf,
    /// By uid of the pod.
    pods: BTreeMap<String, Running>,
    starts: u32,
    beaten: Option<Instant>,
}

impl Machine {
    async fn new(kubeconfig: PathBuf, folder: PathBuf) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let admin = Kubeconfig::read_from(kubeconfig).unwrap();
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(admin.clone(), &options).await.unwrap();
        let client = Client::try_from(config).unwrap();
        let node: Node = serde_json::from_value(json!({"metadata": {"name": NODE}})).unwrap();
        Api::<Node>::all(client.clone()).create(&PostParams::default(), &node).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Self { client, http, admin, folder, pods: BTreeMap::new(), starts: 0, beaten: None }
    }

    async fn turn(&mut self) {
        if self.beaten.is_none_or(|at| at.elapsed() > HEARTBEAT) {
            self.beat().await;
        }
        // What fails now (a pod that is gone, a busy machine) is done in the next turn.
        let Ok(pods) = Api::<Pod>::all(self.client.clone()).list(&ListParams::default()).await else {
            return;
        };
        for pod in pods {
            self.tend(&pod).await;
        }
    }

    async fn beat(&mut self) {
        let now = jiff::Timestamp::now().to_string();
        let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "",
            "lastHeartbeatTime": now, "lastTransitionTime": now});
        let status = json!({"status": {"conditions": [ready]}});
        let api = Api::<Node>::all(self.client.clone());
        let told = api.patch_status(NODE, &PatchParams::default(), &Patch::Strategic(status)).await;
        self.beaten = told.is_ok().then(Instant::now);
    }

    async fn tend(&mut self, pod: &Pod) {
        let uid = pod.uid().unwrap();
        let phase = pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
        if pod.metadata.deletion_timestamp.is_some() {
            self.end(pod).await;
        } else if pod.spec.as_ref().unwrap().node_name.is_none() {
            self.bind(pod).await;
        } else if ["Succeeded", "Failed"].contains(&phase.as_str()) {
        } else if self.pods.contains_key(&uid) {
            self.watch(pod).await;
        } else if let Some(running) = self.run(pod).await {
            self.pods.insert(uid, running);
            self.tell(pod, "Running", Some(false)).await;
        }
    }

    /// The scheduler's part.
    async fn bind(&self, pod: &Pod) {
        let (name, namespace) = (pod.name_any(), pod.namespace().unwrap());
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}});
        let api = self.api(pod);
        let _: Value =
            api.create_subresource("binding", &name, &PostParams::default(), &binding).await.unwrap();
    }

    /// SIGTERM, and the pod is gone once the process is.
    async fn end(&mut self, pod: &Pod) {
        if let Some(mut running) = self.pods.remove(&pod.uid().unwrap()) {
            let patience = pod.spec.as_ref().unwrap().termination_grace_period_seconds.unwrap_or(30);
            assert!(
                ends(&mut running.program, patience).await,
                "it did not end within {patience} s of SIGTERM"
            );
        }
        let at_once = DeleteParams::default().grace_period(0);
        let _ = self.api(pod).delete(&pod.name_any(), &at_once).await;
    }

    /// Probes it, and looks whether it has ended by itself.
    async fn watch(&mut self, pod: &Pod) {
        let running = self.pods.get_mut(&pod.uid().unwrap()).unwrap();
        let restarts = pod.spec.as_ref().unwrap().restart_policy.as_deref() != Some("Never");
        if let Some(status) = running.program.ended() {
            self.pods.remove(&pod.uid().unwrap());
            if restarts {
                return self.tell(pod, "Running", Some(false)).await;
            }
            return self.tell(pod, if status.success() { "Succeeded" } else { "Failed" }, None).await;
        }
        let page = format!("http://{}/readyz", running.address);
        let ready = self.http.get(page).send().await.is_ok_and(|answer| answer.status().is_success());
        if running.ready != Some(ready) {
            running.ready = Some(ready);
            self.tell(pod, "Running", Some(ready)).await;
        }
    }

    async fn tell(&self, pod: &Pod, phase: &str, ready: Option<bool>) {
        let state = match phase {
            "Running" => json!({"running": {}}),
            _ => json!({"terminated": {"exitCode": i32::from(phase == "Failed")}}),
        };
        let word = if ready == Some(true) { "True" } else { "False" };
        let container = &pod.spec.as_ref().unwrap().containers[0];
        let conditions: Vec<_> =
            [("PodScheduled", "True"), ("Initialized", "True"), ("ContainersReady", word), ("Ready", word)]
                .map(|(condition, status)| json!({"type": condition, "status": status}))
                .into();
        let status = json!({"status": {"phase": phase, "conditions": conditions, "containerStatuses": [{
            "name": container.name, "image": container.image, "imageID": "", "restartCount": 0,
            "ready": ready == Some(true), "state": state,
        }]}});
        let patch = Patch::Strategic(status);
        // Gone in the meantime: there is nobody to tell it of.
        let _ = self.api(pod).patch_status(&pod.name_any(), &PatchParams::default(), &patch).await;
    }

    /// `None`: what it calls is not there yet.
    async fn run(&mut self, pod: &Pod) -> Option<Running> {
        let claim = self.claim(pod).await?;
        let container = &pod.spec.as_ref().unwrap().containers[0];
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(path_of("ORDAIN_BIN"));
        command.env_clear().args(self.arguments(pod, container).await?);
        for variable in container.env.iter().flatten() {
            command.env(&variable.name, value(pod, variable, &address, &claim));
        }
        if pod.spec.as_ref().unwrap().automount_service_account_token != Some(false) {
            command.env("KUBECONFIG", self.identity(pod).await);
        }
        self.starts += 1;
        let log = self.folder.join(format!("{}-{}.log", pod.name_any(), self.starts));
        let program = Program::start(command, &log);
        fs::write(self.folder.join(format!("{}.pid", pod.name_any())), program.id().to_string()).unwrap();
        Some(Running { program, address, labels: pod.labels().clone(), ready: None })
    }

    /// With the names of Services turned into where their pods listen.
    async fn arguments(&self, pod: &Pod, container: &Container) -> Option<Vec<String>> {
        let mut arguments = Vec::new();
        for argument in container.args.clone().unwrap_or_default() {
            arguments.push(match argument.strip_prefix("http://") {
                Some(host) => format!("http://{}", self.resolve(pod, host).await?),
                None => argument,
            });
        }
        Some(arguments)
    }

    /// `SERVICE.NAMESPACE:PORT`, as DNS and the Service resolve it: a running pod that its selector matches.
    async fn resolve(&self, pod: &Pod, host: &str) -> Option<String> {
        let (name, port) = host.split_once(':')?;
        let (service, namespace) = name.split_once('.')?;
        assert_eq!(namespace, pod.namespace().unwrap(), "the node knows names of the pod's namespace only");
        let api: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        let spec = api.get(service).await.ok()?.spec?;
        let port: i32 = port.parse().ok()?;
        let listed = spec.ports?.into_iter().find(|listed| listed.port == port);
        assert_eq!(listed.and_then(|listed| listed.target_port), Some(IntOrString::String("http".into())));
        let selector = spec.selector.unwrap_or_default();
        let chosen =
            |running: &&Running| selector.iter().all(|(key, value)| running.labels.get(key) == Some(value));
        self.pods.values().find(chosen).map(|running| running.address.clone())
    }

    /// The folder of the pod's volume: one for each claim that ever bore its name. `None`: there is none yet.
    async fn claim(&self, pod: &Pod) -> Option<PathBuf> {
        let volumes = pod.spec.as_ref().unwrap().volumes.iter().flatten();
        let Some(name) = volumes
            .filter_map(|volume| volume.persistent_volume_claim.as_ref())
            .map(|claim| &claim.claim_name)
            .next()
        else {
            return Some(self.folder.join("none"));
        };
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap());
        Some(self.folder.join(api.get(name).await.ok()?.uid().unwrap()))
    }

    /// A kubeconfig of the pod's ServiceAccount.
    async fn identity(&self, pod: &Pod) -> PathBuf {
        let account = pod.spec.as_ref().unwrap().service_account_name.clone().unwrap();
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap());
        let asked = api
            .create_token_request(&account, &PostParams::default(), &TokenRequest::default())
            .await
            .unwrap();
        let mut config = serde_json::to_value(&self.admin).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            user["user"] = json!({"token": asked.status.as_ref().unwrap().token});
        }
        let path = self.folder.join(format!("{}.kubeconfig", pod.name_any()));
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace().unwrap())
    }
}

/// SIGTERM, then time to end; who does not is killed.
async fn ends(program: &mut Program, seconds: i64) -> bool {
    signal(program.id(), "-TERM");
    for _ in 0..seconds * 10 {
        if program.ended().is_some() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    program.kill();
    false
}

fn value(pod: &Pod, variable: &EnvVar, address: &str, claim: &Path) -> String {
    let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
    match (field.map(|field| field.field_path.as_str()), variable.name.as_str()) {
        (Some("metadata.name"), _) => pod.name_any(),
        (Some("metadata.namespace"), _) => pod.namespace().unwrap(),
        (Some(other), _) => panic!("the node does not know {other}"),
        (None, "ORDAIN_STORE") => {
            variable.value.as_ref().unwrap().replace("/var/lib/ordain", claim.to_str().unwrap())
        }
        (None, "ORDAIN_LISTEN") => address.to_owned(),
        // Pods of this node share its ports.
        (None, "ORDAIN_PAGE") => "127.0.0.1:0".to_owned(),
        (None, _) => variable.value.clone().unwrap_or_default(),
    }
}
