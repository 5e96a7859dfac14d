//! `ordain sandbox`: doubles of the systems on loopback, for trying Ordain out and for tests.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    model::{Clock, SystemClock},
    sandbox::{self, Double, DoubleService, control, server},
};

/// The namespace of everything in `cluster.yaml`.
const NAMESPACE: &str = "ordain-demo";

/// Arguments of `ordain sandbox`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder that receives endpoints.json and cluster.yaml; made if missing
    #[arg(long)]
    pub dir: PathBuf,
    /// Systems to play, as spelled in spec.system [default: all]
    #[arg(long, value_delimiter = ',')]
    pub systems: Vec<String>,
    /// Loopback address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,
    /// Port of the control calls; the systems follow on the next ones [default: free ports]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port_base: Option<u16>,
}

/// Why the sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The doubles hold no secrets worth the name and must not be reachable from elsewhere.
    #[error("--listen {0}: the sandbox listens on loopback only, use 127.0.0.1 or ::1")]
    NotLoopback(IpAddr),
    /// Not a system of `spec.system`, or none that can be played.
    #[error("--systems: {name:?} cannot be played; known are {known}")]
    UnknownSystem {
        /// As given.
        name: String,
        /// What would do.
        known: String,
    },
    /// The ports would pass 65535.
    #[error("--port-base {0} leaves too few ports above it")]
    PortBase(u16),
    /// A port is taken, or may not be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The folder or a file in it.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output is gone, or signals cannot be caught.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves until SIGTERM or Ctrl-C, after having written the files and the line `ready`.
///
/// # Errors
/// [`Error`], before anything is served.
pub async fn run(args: Args) -> Result<(), Error> {
    let stop = stop_signal()?;
    let sandbox = Sandbox::start(&args).await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "ready")?;
    stdout.flush()?;
    tokio::select! {
        () = stop => Ok(()),
        () = sandbox.serve() => Ok(()),
    }
}

/// Completes at the first SIGTERM or SIGINT; both are caught from the call on.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// All sockets open, all files written, not yet serving.
struct Sandbox {
    control: (TcpListener, axum::Router),
    systems: Vec<(TcpListener, DoubleService)>,
}

impl Sandbox {
    async fn start(args: &Args) -> Result<Self, Error> {
        if !args.listen.is_loopback() {
            return Err(Error::NotLoopback(args.listen));
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let doubles = chosen(&args.systems, sandbox::all(&clock))?;
        let mut ports = Ports { listen: args.listen, next: args.port_base };
        let control = ports.open().await?;
        let mut systems = Vec::new();
        for double in doubles {
            systems.push((ports.open().await?, DoubleService::new(double, clock.clone())));
        }
        let router = control::router(systems.iter().map(|(_, service)| service.clone()));
        let sandbox = Self { control: (control, router), systems };
        sandbox.write_files(&args.dir).await?;
        Ok(sandbox)
    }

    async fn write_files(&self, dir: &Path) -> Result<(), Error> {
        let mut endpoints = BTreeMap::from([("control", url(&self.control.0)?)]);
        let mut manifests = vec![namespace()];
        for (listener, service) in &self.systems {
            let (double, base) = (service.double(), url(listener)?);
            manifests.extend([secret(double.as_ref()), backend(double.as_ref(), &base)]);
            endpoints.insert(double.system(), base);
        }
        tokio::fs::create_dir_all(dir)
            .await
            .map_err(|source| Error::Write { path: dir.to_owned(), source })?;
        write(dir.join("endpoints.json"), format!("{:#}\n", json!(endpoints))).await?;
        write(dir.join("cluster.yaml"), yaml(&manifests)?).await
    }

    async fn serve(self) {
        let mut servers = JoinSet::new();
        let (listener, router) = self.control;
        servers.spawn(server::serve(listener, router));
        for (listener, service) in self.systems {
            servers.spawn(server::serve(listener, service));
        }
        servers.join_all().await;
    }
}

fn chosen(names: &[String], all: Vec<Arc<dyn Double>>) -> Result<Vec<Arc<dyn Double>>, Error> {
    if names.is_empty() {
        return Ok(all);
    }
    if let Some(name) = names.iter().find(|name| !all.iter().any(|double| double.system() == *name)) {
        let known: Vec<_> = all.iter().map(|double| double.system()).collect();
        return Err(Error::UnknownSystem { name: name.clone(), known: known.join(", ") });
    }
    Ok(all.into_iter().filter(|double| names.iter().any(|name| name == double.system())).collect())
}

struct Ports {
    listen: IpAddr,
    next: Option<u16>,
}

impl Ports {
    async fn open(&mut self) -> Result<TcpListener, Error> {
        let port = self.next.unwrap_or(0);
        if let Some(port) = self.next {
            self.next = Some(port.checked_add(1).ok_or(Error::PortBase(port))?);
        }
        let address = SocketAddr::new(self.listen, port);
        TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })
    }
}

fn url(listener: &TcpListener) -> Result<String, Error> {
    Ok(format!("http://{}", listener.local_addr()?))
}

async fn write(path: PathBuf, content: String) -> Result<(), Error> {
    tokio::fs::write(&path, content).await.map_err(|source| Error::Write { path, source })
}

fn yaml(manifests: &[Value]) -> Result<String, Error> {
    let documents = manifests.iter().map(serde_saphyr::to_string).collect::<Result<Vec<_>, _>>();
    Ok(documents.map_err(io::Error::other)?.join("---\n"))
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
}

fn secret(double: &dyn Double) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": double.system().to_lowercase(),
            "namespace": NAMESPACE,
            "labels": {"ordain.dev/use": "credentials"},
        },
        "type": "Opaque",
        "stringData": double.credentials(),
    })
}

fn backend(double: &dyn Double, base: &str) -> Value {
    let name = double.system().to_lowercase();
    let mut system = double.backend(base);
    if let Value::Object(members) = &mut system {
        members.insert("credentialsRef".to_owned(), json!({"name": name}));
    }
    json!({
        "apiVersion": "ordain.dev/v1alpha1",
        "kind": "Backend",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"system": {double.system(): system}, "drift": {"interval": "1m", "correction": "Correct"}},
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn args(dir: &Path) -> Args {
        let listen = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Args { dir: dir.to_owned(), systems: vec!["wfbss".to_owned()], listen, port_base: None }
    }

    #[tokio::test]
    async fn the_files_name_every_system_and_make_it_ready_to_apply() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("made/if/missing");
        let _open = Sandbox::start(&args(&place)).await.unwrap();
        let endpoints: Value =
            serde_json::from_slice(&std::fs::read(place.join("endpoints.json")).unwrap()).unwrap();
        assert!(endpoints["control"].as_str().unwrap().starts_with("http://127.0.0.1:"));

        let cluster = std::fs::read_to_string(place.join("cluster.yaml")).unwrap();
        let manifests: Vec<Value> = serde_saphyr::from_multiple(&cluster).unwrap();
        assert_eq!(
            manifests.iter().map(|m| m["kind"].as_str().unwrap()).collect::<Vec<_>>(),
            ["Namespace", "Secret", "Backend"]
        );
        assert_eq!(manifests[1]["metadata"]["labels"]["ordain.dev/use"], "credentials");
        assert_eq!(manifests[1]["stringData"]["secretKey"], "example-secret-key");
        let system = &manifests[2]["spec"]["system"]["wfbss"];
        assert_eq!(system["url"], endpoints["wfbss"]);
        assert_eq!(system["credentialsRef"]["name"], manifests[1]["metadata"]["name"]);
    }

    #[tokio::test]
    async fn it_refuses_the_world_and_what_it_cannot_play() {
        let dir = tempfile::tempdir().unwrap();
        let world = Args { listen: "0.0.0.0".parse().unwrap(), ..args(dir.path()) };
        assert!(matches!(Sandbox::start(&world).await.err(), Some(Error::NotLoopback(_))));
        let unknown = Args { systems: vec!["intune".to_owned()], ..args(dir.path()) };
        let problem = Sandbox::start(&unknown).await.err().unwrap().to_string();
        assert!(problem.contains("intune") && problem.contains("wfbss"), "{problem}");
        let high = Args { port_base: Some(u16::MAX), ..args(dir.path()) };
        assert!(matches!(Sandbox::start(&high).await.err(), Some(Error::PortBase(_) | Error::Listen { .. })));
        assert!(
            !dir.path().join("endpoints.json").exists(),
            "nothing is written before all sockets are open"
        );
    }
}
