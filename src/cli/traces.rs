//! Traces for a collector, by OTLP over HTTP; nothing of it exists unless an endpoint is named.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider},
};
use tokio::{runtime::Handle, time::timeout};
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Layer, Registry, filter::Targets};
use url::Url;

use super::backdating::Backdating;
use crate::{
    drivers::http::real::{RealSettings, client},
    model::{TRACE, in_full},
};

/// A collector that is slow or gone holds nothing up but the thread that talks to it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last spans may take once the process is told to end.
const FLUSH: Duration = Duration::from_secs(2);
/// Spans that wait for the collector; what does not fit is dropped.
const WAITING: usize = 4096;

/// Flags of traces.
#[derive(Debug, Clone, clap::Args)]
pub struct Tracing {
    /// Where an OpenTelemetry collector takes traces by OTLP over HTTP, e.g. http://otel-collector.observability:4318
    /// [default: OTEL_EXPORTER_OTLP_ENDPOINT, else none are made]
    #[arg(long, env = "ORDAIN_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
}

impl Tracing {
    /// Where spans go; `None`: none are made.
    ///
    /// # Errors
    /// What is wrong with the URL, and what it may be.
    pub fn endpoint(&self) -> Result<Option<Url>, String> {
        let given = self.otlp_endpoint.clone().filter(|text| !text.is_empty());
        let standard = || std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok().filter(|text| !text.is_empty());
        given.or_else(standard).map(|text| endpoint(&text)).transpose()
    }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let told = |what: &str| format!("--otlp-endpoint: {what}; it is a URL like http://otel-collector:4318");
    let mut url = Url::parse(text).map_err(|error| told(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(told("OTLP is spoken over http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(told(
            "it bears no credentials and no query: OTEL_EXPORTER_OTLP_HEADERS is the place for a token",
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with("/v1/traces") {
        url.set_path(&format!("{path}/v1/traces"));
    }
    Ok(url)
}

/// What turns spans into batches; ended by [`Traces::end`].
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// The exporter, and the layer that feeds it. `instance` names this process.
    ///
    /// # Errors
    /// A client or an exporter that cannot be made, in words.
    pub fn start(
        endpoint: &Url,
        connections: &RealSettings,
        instance: String,
    ) -> Result<(Self, Box<dyn Layer<Registry> + Send + Sync>), String> {
        let client = client(connections).map_err(|error| error.to_string())?;
        let http = Courier { client, runtime: Handle::current(), told: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(endpoint.as_str())
            .with_timeout(TIMEOUT)
            .with_http_client(http)
            .build()
            .map_err(|error| format!("--otlp-endpoint: {}", in_full(&error)))?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(WAITING).build();
        let resource = Resource::builder()
            .with_service_name("ordain")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", instance),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Backdating(
                BatchSpanProcessor::builder(exporter).with_batch_config(batches).build(),
            ))
            .with_resource(resource)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("ordain"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TRACE, LevelFilter::from_level(Level::TRACE)));
        Ok((Self(provider), Box::new(layer)))
    }

    /// Sends what waits, for two seconds at most.
    pub async fn end(self) {
        // It waits for a thread, so not on one of the runtime's.
        let flushed = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("the last traces were not delivered");
        }
    }
}

/// Carries batches from the exporter's thread over the runtime's connections.
struct Courier {
    client: reqwest::Client,
    runtime: Handle,
    /// A failure was told and nothing was delivered since.
    told: AtomicBool,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

impl Courier {
    /// One warning per outage: a collector that is gone is no trouble of the operator's.
    fn note(&self, trouble: Option<&str>) {
        match trouble {
            Some(error) if !self.told.swap(true, Ordering::Relaxed) => tracing::warn!(
                error,
                "traces cannot be delivered and are dropped; this is said once until a delivery succeeds"
            ),
            Some(_) => {}
            None => self.told.store(false, Ordering::Relaxed),
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let late = || format!("the collector did not answer within {} s", TIMEOUT.as_secs());
        let delivery = async move { timeout(TIMEOUT, deliver(&client, request)).await };
        let sent = self.runtime.spawn(delivery).await.map(|answer| answer.unwrap_or_else(|_| Err(late())));
        let answer = sent.map_err(|error| error.to_string()).and_then(|answer| answer);
        let refused = answer.as_ref().ok().map(Response::status).filter(|status| !status.is_success());
        let refused = refused.map(|status| format!("the collector answered {status}"));
        self.note(answer.as_ref().err().or(refused.as_ref()).map(String::as_str));
        Ok(answer?)
    }
}

async fn deliver(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
    let told = |error: reqwest::Error| in_full(&error.without_url());
    let request: reqwest::Request = request.try_into().map_err(told)?;
    let status = client.execute(request).await.map_err(told)?.status();
    // What a collector says at length is of no use, and may have no end: a partial success is not repeated either.
    Response::builder().status(status).body(Bytes::new()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn an_endpoint_is_a_base_and_bears_no_secret() {
        let cases = [
            ("a base", "http://c:4318", Ok("http://c:4318/v1/traces")),
            ("with a slash", "http://c:4318/", Ok("http://c:4318/v1/traces")),
            ("below a path", "https://c/otlp", Ok("https://c/otlp/v1/traces")),
            ("the whole of it", "https://c/v1/traces", Ok("https://c/v1/traces")),
            ("no scheme", "collector:4318", Err("http or https")),
            ("gRPC", "grpc://c:4317", Err("http or https")),
            ("nothing of a URL", "//", Err("it is a URL like")),
            ("a password", "http://u:p@c:4318", Err("OTEL_EXPORTER_OTLP_HEADERS")),
            ("a token in a query", "http://c:4318?token=1", Err("OTEL_EXPORTER_OTLP_HEADERS")),
        ];
        for (why, text, expected) in cases {
            match (endpoint(text), expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected, "{why}"),
                (Err(error), Err(words)) => {
                    assert!(error.contains(words) && !error.contains("u:p"), "{why}: {error}");
                }
                (got, expected) => panic!("{why}: {got:?} instead of {expected:?}"),
            }
        }
    }
}
