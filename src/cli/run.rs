//! `ordain run`: the operator.

use std::{collections::BTreeSet, io::IsTerminal as _, net::SocketAddr, sync::Arc};

use jiff::SignedDuration;
use tokio::{sync::watch, task::JoinSet};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{Cluster, ClusterError, Connections, Page, traces};
use crate::{
    index::Scope,
    lease::Pulse,
    model::{Clock, SystemClock, TRACE},
    operator::{self, OperatorError, Parts, RealConnector, Settings},
    report::metrics::Metrics,
    server::{self, Pages},
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, a JSON object a line.
    Json,
}

/// Arguments of `ordain run`; each also as `ORDAIN_…` in the environment.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    cluster: Cluster,
    /// Where the Lease, the operator's Secret and a ClusterBackend's Secrets live [default: POD_NAMESPACE, else ordain-system]
    #[arg(long, env = "ORDAIN_NAMESPACE")]
    namespace: Option<String>,
    /// Namespaces to work in, separated by commas [default: all]
    #[arg(long, env = "ORDAIN_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// The backing store; its folder is made if missing
    #[arg(long, env = "ORDAIN_STORE", default_value = "sqlite:///var/lib/ordain/ordain.db")]
    store: String,
    /// Where /livez, /readyz and /metrics listen
    #[arg(long, env = "ORDAIN_LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    #[command(flatten)]
    page: Page,
    /// Who writes the marks [default: a hash of the uid of namespace kube-system]
    #[arg(long, env = "ORDAIN_OWNER_ID")]
    owner_id: Option<String>,
    #[command(flatten)]
    connections: Connections,
    /// How log lines look [default: text on a terminal, else json]
    #[arg(long, env = "ORDAIN_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, or ordain::worker=debug,info
    #[arg(long, env = "ORDAIN_LOG", default_value = "info")]
    log: String,
    #[command(flatten)]
    traces: traces::Tracing,
    /// Seconds a system may take to list what was just created
    #[arg(long, env = "ORDAIN_CREATE_SETTLE", default_value_t = 150, hide = true)]
    create_settle: u32,
}

/// Why the operator could not run, in one line that says which.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag does not say what it must.
    #[error("configuration: {0}")]
    Flag(String),
    /// No way to the API server.
    #[error("configuration: cannot reach the API server")]
    Cluster(#[source] ClusterError),
    /// The address is taken, or may not be used.
    #[error("configuration: cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// It ran and ended.
    #[error(transparent)]
    Operator(#[from] OperatorError),
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`Error`].
pub async fn run(args: Args) -> Result<(), Error> {
    let traces = start_log(&args)?;
    let (client, host) = args.cluster.connect().await.map_err(Error::Cluster)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let metrics = Metrics::new();
    let (readiness, watched) = watch::channel(vec!["starting".to_owned()]);
    let mut tasks = JoinSet::new();
    let pulse = Pulse::new(clock.clone());
    let pages = Pages { readiness: watched, metrics: metrics.clone(), pulse: pulse.clone() };
    let address = server::start(args.listen, pages).map_err(|e| Error::Listen(args.listen, e))?;
    tracing::info!(%address, "listening");
    args.page.serve(&args.cluster, scope(&args.watch_namespaces), &metrics).await?;
    let schemas = client.clone();
    tasks.spawn(async move { operator::skew::tell(&schemas).await });
    let (stop, stopped) = watch::channel(false);
    tasks.spawn(stop_on_signal(stop));
    let connections = args.connections.settings(host.as_deref()).await.map_err(Error::Flag)?;
    let (time, measures) = (clock.clone(), metrics.clone());
    let parts = Parts {
        client,
        clock,
        connector: Box::new(move |owner, fence| {
            Arc::new(RealConnector { connections, owner, clock: time, metrics: measures, fence })
        }),
        metrics,
        hook: None,
        readiness,
        pulse,
    };
    let ended = operator::run(settings(&args), parts, stopped).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    ended?;
    tracing::info!("ended");
    Ok(())
}

fn settings(args: &Args) -> Settings {
    let given = args.namespace.clone().filter(|name| !name.is_empty());
    let pod = || std::env::var("POD_NAMESPACE").ok().filter(|name| !name.is_empty());
    Settings {
        namespace: given.or_else(pod).unwrap_or_else(|| "ordain-system".to_owned()),
        scope: scope(&args.watch_namespaces),
        store: args.store.clone(),
        owner_id: args.owner_id.clone().filter(|id| !id.is_empty()),
        instance: instance(),
        settle: SignedDuration::from_secs(i64::from(args.create_settle)),
    }
}

pub(super) fn scope(namespaces: &[String]) -> Scope {
    let names = namespaces.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let named: BTreeSet<Arc<str>> = names.map(Arc::from).collect();
    if named.is_empty() { Scope::All } else { Scope::Only(named) }
}

/// The pod, else the machine.
fn instance() -> String {
    let named = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    ["POD_NAME", "HOSTNAME"].iter().find_map(named).unwrap_or_else(|| "ordain".to_owned())
}

/// The log, and the traces where they are asked for. Each has a filter of its own, so that a span of a trace is no part of a
/// log line, and none is made where nobody collects it, not even at `--log trace`.
fn start_log(args: &Args) -> Result<Option<traces::Traces>, Error> {
    let filter = EnvFilter::try_new(&args.log).map_err(|e| Error::Flag(format!("--log: {e}")))?;
    let terminal = std::io::stderr().is_terminal();
    let format = args.log_format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let untraced = Targets::new().with_default(LevelFilter::TRACE).with_target(TRACE, LevelFilter::OFF);
    let filter = filter.and(untraced);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(terminal).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let mut layers = vec![lines];
    let endpoint = args.traces.endpoint().map_err(Error::Flag)?;
    let started = endpoint.map(|endpoint| -> Result<_, String> {
        traces::Traces::start(&endpoint, &args.connections.written()?, instance())
    });
    let traces = started.transpose().map_err(Error::Flag)?.map(|(traces, layer)| {
        layers.push(layer);
        traces
    });
    tracing_subscriber::registry().with(layers).try_init().map_err(|e| Error::Flag(format!("log: {e}")))?;
    Ok(traces)
}

/// SIGTERM and SIGINT mean the same: end in good order.
async fn stop_on_signal(stop: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("asked to end");
    let _ = stop.send(true);
    std::future::pending::<()>().await;
}
