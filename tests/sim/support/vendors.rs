//! Doubles in the same process, behind the gate: every call is a numbered I/O.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Request, Response};
use ordain::{
    api::SystemSpec,
    drivers::{
        self, Driver, DriverError,
        http::{BodyStream, Transport, TransportError},
    },
    index::BackendView,
    model::{Clock, OwnerId, Secret},
    operator::{FencedWire, limits},
    report::metrics::Metrics,
    sandbox::{Double, DoubleService, service::Dropped},
    worker::ports::{Connector, Fence},
};
use tower::Service;

use super::{SimClock, gate::Process};

/// Doubles by the host of their URL: `http://wso2.test` is the double of wso2.
#[derive(Clone, Default)]
pub struct Vendors(BTreeMap<String, DoubleService>);

impl Vendors {
    /// Adds a double under `<name>.test`.
    pub fn add(&mut self, name: &str, double: Arc<dyn Double>, clock: Arc<dyn Clock>) -> DoubleService {
        let service = DoubleService::new(double, clock);
        self.0.insert(format!("{name}.test"), service.clone());
        service
    }

    /// The double of that name.
    pub fn of(&self, name: &str) -> &DoubleService {
        &self.0[&format!("{name}.test")]
    }

    /// The double of that name, if there is one.
    pub fn get(&self, name: &str) -> Option<&DoubleService> {
        self.0.get(&format!("{name}.test"))
    }

    /// The way there for one incarnation.
    pub fn transport(&self, process: Process) -> Arc<dyn Transport> {
        Arc::new(InProcess { vendors: self.clone(), process })
    }

    /// Calls seen by a double, as `METHOD /path?query`.
    pub fn calls(&self, name: &str) -> Vec<String> {
        let seen = self.of(name).recorder().since(0);
        seen.into_iter()
            .map(|seen| {
                let query = if seen.query.is_empty() { String::new() } else { format!("?{}", seen.query) };
                format!("{} {}{query}", seen.method, seen.path)
            })
            .collect()
    }

    /// Calls that may change something.
    pub fn effects(&self, name: &str) -> Vec<String> {
        self.calls(name)
            .into_iter()
            .filter(|call| !call.starts_with("GET") && !call.contains("token") && !call.contains("register"))
            .collect()
    }
}

/// Makes drivers of one incarnation over the doubles.
pub struct Connect {
    pub vendors: Vendors,
    pub process: Process,
    pub clock: SimClock,
    pub owner: OwnerId,
    pub fence: Arc<dyn Fence>,
    pub metrics: Metrics,
}

impl Connector for Connect {
    fn connect(
        &self,
        backend: &BackendView,
        system: &SystemSpec,
        credentials: &BTreeMap<String, Secret>,
        _: Option<&str>,
    ) -> Result<Arc<dyn Driver>, DriverError> {
        let transport = FencedWire {
            wire: self.vendors.transport(self.process.clone()),
            system: system.name(),
            metrics: self.metrics.clone(),
            clock: Arc::new(self.clock.clone()),
            fence: self.fence.clone(),
        };
        drivers::connect::connect(
            system,
            credentials,
            &self.owner,
            Arc::new(transport),
            limits(backend),
            Arc::new(self.clock.clone()),
        )
    }
}

struct InProcess {
    vendors: Vendors,
    process: Process,
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let Some(mut service) = self.vendors.0.get(&host).cloned() else {
            return Err(TransportError { maybe_sent: false, message: format!("{host}: connection refused") });
        };
        let label = format!("vendor {} {} {}", host, request.method(), request.uri().path());
        let request = origin_form(request);
        let answer =
            self.process.pass(label, async move { service.call(request.map(Body::from)).await }).await;
        match answer {
            Ok(response) => Ok(response.map(|body| {
                body.into_data_stream()
                    .map_err(|e| TransportError { maybe_sent: true, message: e.to_string() })
                    .boxed()
            })),
            Err(Dropped::BeforeEffect | Dropped::AfterEffect) => Err(TransportError {
                maybe_sent: true,
                message: "connection closed without an answer".into(),
            }),
        }
    }
}

/// On the wire a request names its path only.
fn origin_form(mut request: Request<Bytes>) -> Request<Bytes> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let host = request.uri().authority().map(ToString::to_string);
    *request.uri_mut() = target.parse().expect("it was a part of a valid URI");
    if let Some(host) = host.and_then(|host| host.parse().ok()) {
        request.headers_mut().entry(http::header::HOST).or_insert(host);
    }
    request
}
