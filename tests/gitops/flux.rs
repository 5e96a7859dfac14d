//! Flux for real: its kustomize-controller applies a revision and waits; what it calls Ready is what the systems hold.

use std::{
    fs,
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    cluster::{Cluster, root},
    eventually,
    programs::{Program, output},
    site::{Site, TEAM},
};

/// Where Flux is.
pub(super) const FLUX: &str = "flux-system";

/// The recipe that users are given.
const RECIPE: &str = include_str!("../../docs/flux.md");

/// kustomize-controller over one Kustomization, and a source whose revisions the test makes.
pub(super) struct Flux<'a> {
    cluster: &'a Cluster,
    /// The artifact that is served now.
    served: Arc<Mutex<Vec<u8>>>,
    url: String,
    revision: std::cell::Cell<u32>,
    controller: std::cell::RefCell<Program>,
}

impl<'a> Flux<'a> {
    /// Started, over a source without a revision.
    pub(super) fn start(cluster: &'a Cluster) -> Self {
        // Beside the controller, as its module has them.
        let crds = cluster.path("kustomize-controller").with_extension("crds.yaml");
        for manifest in [crds, root().join("tests/gitops/flux/sources.yaml")] {
            cluster.kubectl(&["apply", "--server-side", "-f", manifest.to_str().unwrap()]);
        }
        cluster.wait_for_crds();
        cluster.kubectl(&["create", "namespace", FLUX]);
        let mut command = cluster.command("kustomize-controller");
        command
            .args(["--watch-all-namespaces", "--enable-leader-election=false", "--metrics-addr=127.0.0.1:0"])
            .arg("--health-addr=0")
            .args(["--http-retry=2", "--requeue-dependency=2s", "--feature-gates=ExternalArtifact=true"])
            .env("RUNTIME_NAMESPACE", FLUX);
        let controller = Program::start(command, &cluster.folder().join("flux.log"));
        let served: Arc<Mutex<Vec<u8>>> = Arc::default();
        let url = serve(Arc::clone(&served));
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "ExternalArtifact",
            "metadata": {"name": "policies", "namespace": FLUX}, "spec": {}});
        apply(cluster, &source.to_string());
        Self { cluster, served, url, revision: std::cell::Cell::new(0), controller: controller.into() }
    }

    /// The Kustomization of the recipe, but for where it comes from and how long it is patient.
    pub(super) fn recipe(&self) {
        self.published(0);
    }

    /// The same, of the block of that number.
    fn published(&self, block: usize) {
        let yaml = RECIPE.split("```yaml\n").nth(block + 1).expect("the recipe has its YAML");
        let yaml = yaml.split("```").next().unwrap();
        for given in ["kind: GitRepository", "retryInterval: 1m", "timeout: 15m", "wait: true", "prune: true"]
        {
            assert!(yaml.contains(given), "{given} is not in the recipe any more");
        }
        let yaml = yaml
            .replace("kind: GitRepository", "kind: ExternalArtifact")
            .replace("retryInterval: 1m", "retryInterval: 2s")
            .replace("timeout: 15m", "timeout: 2m");
        apply(self.cluster, &yaml);
    }

    /// A new revision: these files. Tells its name.
    pub(super) fn push(&self, files: &[(&str, &str)]) -> String {
        self.revision.set(self.revision.get() + 1);
        let folder = self.cluster.folder().join(format!("revision-{}", self.revision.get()));
        fs::create_dir(&folder).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        let archive = folder.with_extension("tar.gz");
        output(Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(&folder).arg("."));
        let bytes = fs::read(archive).unwrap();
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let revision = format!("v{}@sha256:{digest}", self.revision.get());
        let now = jiff::Timestamp::now().to_string();
        let artifact = json!({"url": self.url, "path": "policies.tar.gz", "revision": revision,
            "digest": format!("sha256:{digest}"), "lastUpdateTime": now, "size": bytes.len()});
        *self.served.lock().unwrap() = bytes;
        let ready = json!({"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": now});
        let status = json!({"status": {"artifact": artifact, "conditions": [ready]}}).to_string();
        let patch = [
            "patch",
            "externalartifact",
            "policies",
            "-n",
            FLUX,
            "--subresource=status",
            "--type=merge",
            "-p",
        ];
        self.cluster.kubectl(&[&patch[..], &[&status]].concat());
        revision
    }

    /// What Flux says of the Kustomization.
    pub(super) fn status(&self) -> Value {
        let object = self.cluster.get(FLUX, "kustomization", "policies");
        object.map(|object| object["status"].clone()).unwrap_or_default()
    }

    /// Ready's status and message, where it speaks of this revision.
    fn ready(&self, revision: &str) -> Option<(String, String)> {
        let status = self.status();
        if status["lastAttemptedRevision"] != revision {
            return None;
        }
        let conditions = status["conditions"].as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
        Some((ready["status"].as_str()?.to_owned(), ready["message"].as_str()?.to_owned()))
    }

    /// Waits until it is Ready at this revision, and holds at each look that it is not Ready before `holds`.
    pub(super) fn waits_for_the_truth(&self, revision: &str, holds: impl Fn() -> bool) {
        let done = || {
            let ready = self.ready(revision).is_some_and(|(status, _)| status == "True");
            assert!(!ready || holds(), "Flux calls {revision} Ready, and a system does not hold it");
            assert!(self.controller.borrow_mut().ended().is_none(), "Flux has ended: {}", self.log());
            ready
        };
        assert!(eventually(done), "{:#}\n{}", self.status(), self.log());
    }

    /// What the controller said.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.cluster.folder().join("flux.log")).unwrap_or_default()
    }
}

fn apply(cluster: &Cluster, manifest: &str) {
    let path = cluster.folder().join("applied.yaml");
    fs::write(&path, manifest).unwrap();
    cluster.kubectl(&["apply", "-f", path.to_str().unwrap()]);
}

/// Serves what is in there, to whoever asks for anything; ends with the test process.
fn serve(content: Arc<Mutex<Vec<u8>>>) -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/policies.tar.gz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let body = content.lock().unwrap().clone();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    url
}

#[test]
fn what_flux_calls_ready_the_systems_hold() {
    let site = Site::new();
    site.install(&[]).unwrap();
    site.backends();
    let flux = Flux::start(&site.cluster);
    let phones = include_str!("../../examples/wso2-baseline.yaml");
    let longer = phones.replace("minLength: 6", "minLength: 8");
    let servers = include_str!("../../examples/wfbss-behavior.yaml");
    let cards = include_str!("../../examples/symphony-cards.yaml");

    let first = flux.push(&[("phones.yaml", phones), ("servers.yaml", servers), ("cards.yaml", cards)]);
    flux.recipe();
    flux.waits_for_the_truth(&first, || site.digits() == [6.0]);
    let second = flux.push(&[("phones.yaml", &longer), ("servers.yaml", servers), ("cards.yaml", cards)]);
    flux.waits_for_the_truth(&second, || site.digits() == [8.0]);

    let broken = phones.replace("code: CAMERA", "code: CAMREA");
    let busy = site.node.freeze("ordain-0");
    let third = flux.push(&[("phones.yaml", &broken), ("servers.yaml", servers), ("cards.yaml", cards)]);
    // It looks for the first time while the operator has not seen the edit, and then sees the Policy and its assignment
    // change in one look.
    let looking = format!("Running health checks for revision {third}");
    let looks = || flux.status().to_string().contains(&looking);
    assert!(eventually(looks), "{:#}\n{}", flux.status(), flux.log());
    drop(busy);
    let early = || {
        flux.ready(&third)
            .is_some_and(|(status, told)| status == "False" && told.contains("stalled resources"))
    };
    let stands = || {
        let of = |kind, name| site.cluster.get(TEAM, kind, name).map(|object| object["status"].clone());
        let assignment = of("policyassignment", "phone-baseline-engineers");
        format!("{:#?} {assignment:#?} {:?}", of("policy", "phone-baseline"), site.digits())
    };
    assert!(eventually(early), "it fails early: {:#}\n{}\n{}", flux.status(), stands(), flux.log());
    assert_eq!(site.digits(), [8.0], "nothing of a refused edit is sent");
    let fourth = flux.push(&[("phones.yaml", phones), ("servers.yaml", servers), ("cards.yaml", cards)]);
    flux.waits_for_the_truth(&fourth, || site.digits() == [6.0]);

    let assignment = || site.cluster.get(TEAM, "policyassignment", "phone-baseline-engineers").unwrap();
    let ask = ["annotate", "policyassignment", "phone-baseline-engineers", "-n", TEAM];
    site.cluster.kubectl(&[&ask[..], &["ordain.dev/reconcile-requested-at=once-more"]].concat());
    assert!(eventually(|| assignment()["status"]["lastHandledReconcileAt"] == "once-more"));

    let fifth = flux.push(&[("servers.yaml", servers), ("cards.yaml", cards)]);
    flux.waits_for_the_truth(&fifth, || true);
    assert!(eventually(|| site.digits().is_empty()), "pruned is released");
    let gone = || site.cluster.get(TEAM, "policyassignment", "phone-baseline-engineers").is_none();
    assert!(eventually(gone));
}

/// Plain waiting takes a system that is down for work in progress; with the published expressions Flux tells at once.
#[test]
fn with_its_expressions_flux_fails_while_a_system_is_down() {
    let site = Site::new();
    site.install(&[]).unwrap();
    site.backends();
    let flux = Flux::start(&site.cluster);
    let phones = include_str!("../../examples/wso2-baseline.yaml");
    let longer = phones.replace("minLength: 6", "minLength: 8");

    flux.published(1);
    let first = flux.push(&[("phones.yaml", phones)]);
    flux.waits_for_the_truth(&first, || site.digits() == [6.0]);
    site.sandbox.fault("wso2", &json!({"kind": "status", "code": 503}));
    let second = flux.push(&[("phones.yaml", &longer)]);
    let told = || {
        flux.ready(&second)
            .is_some_and(|(status, told)| status == "False" && told.contains("phone-baseline-engineers"))
    };
    assert!(eventually(told), "{:#}\n{}", flux.status(), flux.log());
    let status = flux.status().to_string();
    assert!(!status.contains("timeout waiting"), "it did not wait until the timeout: {status}");
    assert_eq!(site.digits(), [6.0]);
    site.sandbox.no_faults("wso2");
    flux.waits_for_the_truth(&second, || site.digits() == [8.0]);
}

/// Bad input: a Kustomization without health checks says nothing of the systems, as the recipe warns.
#[test]
fn without_waiting_ready_only_means_applied() {
    let site = Site::new();
    site.install(&[]).unwrap();
    let flux = Flux::start(&site.cluster);
    let phones = include_str!("../../examples/wso2-baseline.yaml");
    site.cluster.kubectl(&["create", "namespace", TEAM]);
    let revision = flux.push(&[("phones.yaml", phones)]);
    flux.recipe();
    let patch = [
        "patch",
        "kustomization",
        "policies",
        "-n",
        FLUX,
        "--type=merge",
        "-p",
        r#"{"spec":{"wait":false}}"#,
    ];
    site.cluster.kubectl(&patch);
    assert!(
        eventually(|| flux.ready(&revision).is_some_and(|(status, _)| status == "True")),
        "{:#}",
        flux.status()
    );
    let assignment = site.cluster.get(TEAM, "policyassignment", "phone-baseline-engineers").unwrap();
    let ready = assignment["status"]["conditions"].as_array().into_iter().flatten();
    let ready: Vec<_> =
        ready.filter(|condition| condition["type"] == "Ready" && condition["status"] == "True").collect();
    assert!(ready.is_empty(), "there is not even a Backend");
}
