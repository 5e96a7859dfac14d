//! A cluster with a node, the doubles beside it, and the operator as helm installs it.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    cluster::{Cluster, root},
    kubelet::Kubelet,
    vendors::Sandbox,
};

/// Where the operator is installed.
pub const SYSTEM: &str = "ordain-system";
/// Where the team works.
pub const TEAM: &str = "ordain-demo";
/// Lets Backends point at the doubles.
pub const LOOPBACK: &str = r#"extraEnv=[{"name":"ORDAIN_ALLOW_LOOPBACK","value":"true"}]"#;

/// A cluster with a node, and the doubles beside it.
pub struct Site {
    // Ended in this order: the node's processes, the doubles, the API server.
    /// The node.
    pub node: Kubelet,
    /// The doubles.
    pub sandbox: Sandbox,
    /// The cluster.
    pub cluster: Cluster,
}

impl Site {
    /// Everything but the operator.
    pub fn new() -> Self {
        let cluster = Cluster::start();
        let sandbox = Sandbox::start(&cluster.folder().join("sandbox"));
        Self { node: Kubelet::start(&cluster), sandbox, cluster }
    }

    /// The operator at work as the chart installs it, and the team's Backends.
    pub fn at_work() -> Self {
        let site = Self::new();
        site.install(&[]).unwrap();
        site.backends();
        site
    }

    /// `helm install` of the operator, to its end.
    pub fn install(&self, settings: &[&str]) -> Result<String, String> {
        let chart = root().join("charts/ordain");
        let mut arguments =
            vec!["install", "ordain", chart.to_str().unwrap(), "-n", SYSTEM, "--create-namespace"];
        arguments.extend(["--wait", "--timeout", "120s", "--set-json", LOOPBACK]);
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        self.cluster.helm(&arguments)
    }

    /// Namespace, Secrets and Backends of the team; that of WSO2 is Ready.
    pub fn backends(&self) {
        let manifest = self.cluster.folder().join("sandbox/cluster.yaml");
        self.cluster.kubectl(&["apply", "-f", manifest.to_str().unwrap()]);
        self.cluster.wait(TEAM, "backends/wso2", "Ready");
    }

    /// The team's chart: its policy with a PIN of so many digits.
    pub fn phones(&self, digits: u32) -> PathBuf {
        let policy = include_str!("../../examples/wso2-baseline.yaml")
            .replace("minLength: 6", &format!("minLength: {digits}"));
        self.chart("phones", &policy)
    }

    /// A chart of these manifests.
    pub fn chart(&self, name: &str, manifests: &str) -> PathBuf {
        let folder = self.cluster.folder().join(name);
        fs::create_dir_all(folder.join("templates")).unwrap();
        fs::write(folder.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"))
            .unwrap();
        fs::write(folder.join("templates/all.yaml"), manifests).unwrap();
        folder
    }

    /// helm in the team's namespace, which waits for what it did.
    pub fn team(&self, verb: &[&str], arguments: &[&str]) -> Result<String, String> {
        let mut all = verb.to_vec();
        all.extend(["-n", TEAM, "--wait", "--timeout", "120s"]);
        all.extend(arguments);
        self.cluster.helm(&all)
    }

    /// Digits of the PIN in each policy of that name that the system holds and has in force.
    pub fn digits(&self) -> Vec<f64> {
        let state = self.sandbox.state("wso2");
        let named = |policy: &&Value| policy["policyName"] == "Phone baseline";
        let held = state["policies"].as_array().unwrap().iter().filter(named);
        held.filter_map(pin).collect()
    }
}

/// The system makes 6.0 of 6.
fn pin(policy: &Value) -> Option<f64> {
    policy["contents"]["PASSCODE_POLICY"]["minLength"].as_f64()
}
