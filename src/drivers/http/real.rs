//! The transport to real sockets: TLS always verified, addresses checked at resolution, no redirects, and no proxy but the
//! one that the operator's flags name.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    fmt::{self, Write as _},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use url::Url;

use super::{BodyStream, Transport, TransportError, address};

/// What the operator's flags and one Backend's `caRef` say about connections.
#[derive(Debug, Clone, Default)]
pub struct RealSettings {
    /// Certificates (PEM) trusted besides the system's.
    pub ca_pem: Option<String>,
    /// `--allow-loopback`.
    pub allow_loopback: bool,
    /// `--allowed-hosts`; empty allows all that are not refused.
    pub allowed_hosts: Vec<String>,
    /// Addresses refused besides the fixed ones: the API server's.
    pub refused: BTreeSet<IpAddr>,
    /// `--ca-bundle`: certificates (PEM) trusted for every Backend.
    pub ca_bundle: Option<String>,
    /// `--https-proxy`.
    pub proxy: Option<HttpsProxy>,
}

/// A proxy that tunnels (`CONNECT`) to the systems. It resolves their names, so no address can be checked here: behind
/// one, only the names in `allowed_hosts` are reached, and the flags insist on some.
#[derive(Clone)]
pub struct HttpsProxy {
    /// Where it is; may bear credentials, so this type has no Debug that would print it.
    pub url: Url,
    /// `--no-proxy`: hosts and suffixes (`.example.com`) that are reached without it.
    pub direct: Vec<String>,
}

impl fmt::Debug for HttpsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsProxy").field("direct", &self.direct).finish_non_exhaustive()
    }
}

impl HttpsProxy {
    fn rule(&self) -> Result<reqwest::Proxy, SetupError> {
        let rule = reqwest::Proxy::https(self.url.clone())
            .map_err(|error| SetupError::Proxy(chain(&error.without_url())))?;
        Ok(rule.no_proxy(reqwest::NoProxy::from_string(&self.direct.join(","))))
    }
}

/// Turns names into addresses.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// All addresses of a name.
    ///
    /// # Errors
    /// Whatever the resolver says.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's resolver.
struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Calls real systems.
pub struct RealTransport {
    client: reqwest::Client,
    rules: Arc<Rules>,
}

/// What must hold for every connection.
struct Rules {
    allow_loopback: bool,
    allowed_hosts: Vec<String>,
    refused: BTreeSet<IpAddr>,
    lookup: Arc<dyn Lookup>,
    /// The operator's own choice, wherever it points.
    proxy_host: Option<String>,
}

/// A transport that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// `caRef` holds something else than certificates.
    #[error("spec.caRef: the data is not a list of PEM certificates ({0}); put the CA's certificate there")]
    Ca(String),
    /// `--ca-bundle` holds something else than certificates.
    #[error("--ca-bundle: the file is not a list of PEM certificates ({0})")]
    Bundle(String),
    /// `--https-proxy` cannot be used.
    #[error("--https-proxy: {0}")]
    Proxy(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl RealTransport {
    /// A transport under these rules.
    ///
    /// # Errors
    /// For certificates that cannot be read.
    pub fn new(settings: RealSettings) -> Result<Self, SetupError> {
        Self::with_lookup(settings, Arc::new(SystemLookup))
    }

    /// The same with another resolver.
    ///
    /// # Errors
    /// As for [`RealTransport::new`].
    pub fn with_lookup(settings: RealSettings, lookup: Arc<dyn Lookup>) -> Result<Self, SetupError> {
        let builder = builder(&settings)?;
        let proxy = settings.proxy.as_ref();
        let rules = Arc::new(Rules {
            proxy_host: proxy.and_then(|proxy| proxy.url.host_str().map(str::to_owned)),
            allow_loopback: settings.allow_loopback,
            allowed_hosts: settings.allowed_hosts,
            refused: settings.refused,
            lookup,
        });
        let builder = builder.dns_resolver(Checked(Arc::clone(&rules)));
        let client = builder.build().map_err(|error| SetupError::Tls(chain(&error)))?;
        Ok(Self { client, rules })
    }

    fn check(&self, request: &reqwest::Request) -> Result<(), TransportError> {
        let mut url = request.url().clone();
        url.set_query(None);
        address::check_url(&url, self.rules.allow_loopback).map_err(not_sent)?;
        let host = url.host_str().unwrap_or_default();
        if !address::is_listed(host, &self.rules.allowed_hosts) {
            return Err(not_sent(format!(
                "{host} is not among the hosts that the operator allows (--allowed-hosts); {}",
                address::REFUSED
            )));
        }
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        literal.map_or(Ok(()), |ip| self.rules.check(host, ip)).map_err(|error| not_sent(error.to_string()))
    }
}

#[async_trait]
impl Transport for RealTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        let request =
            reqwest::Request::try_from(request).map_err(|error| not_sent(chain(&error.without_url())))?;
        self.check(&request)?;
        let response = self.client.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body: BodyStream = response.bytes_stream().map_err(failed).boxed();
        let mut answer = Response::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

/// A resolver whose answers are checked, so that what is connected to is what was checked.
struct Checked(Arc<Rules>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = rules.resolve(name.as_str()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

impl Rules {
    /// Any refused address condemns the name: an honest one has no reason to mix them.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if address::is_localhost(name) && self.proxy_host.as_deref() != Some(name) {
            let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return both.into_iter().map(|ip| self.check(name, ip).map(|()| ip)).collect();
        }
        let addresses = self.lookup.lookup(name).await?;
        if self.proxy_host.as_deref() == Some(name) {
            return Ok(addresses);
        }
        addresses.iter().try_for_each(|ip| self.check(name, *ip))?;
        if addresses.is_empty() {
            return Err(io::Error::other(format!("{name} has no address")));
        }
        Ok(addresses)
    }

    fn check(&self, name: &str, ip: IpAddr) -> io::Result<()> {
        let why = if self.refused.contains(&ip) {
            Some("the Kubernetes API server")
        } else {
            address::refuse(ip, self.allow_loopback)
        };
        match why {
            Some(why) => {
                Err(io::Error::other(format!("{name} resolves to {ip}, {why}; {}", address::REFUSED)))
            }
            None => Ok(()),
        }
    }
}

/// A client under the same TLS, authorities and proxy that goes wherever it is told: for what the operator's own flags name.
///
/// # Errors
/// As for [`RealTransport::new`].
pub fn client(settings: &RealSettings) -> Result<reqwest::Client, SetupError> {
    builder(settings)?.build().map_err(|error| SetupError::Tls(chain(&error)))
}

fn builder(settings: &RealSettings) -> Result<reqwest::ClientBuilder, SetupError> {
    // The environment's proxies are not for us: what is reached is what the flags say.
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match &settings.proxy {
        Some(proxy) => builder.proxy(proxy.rule()?),
        None => builder,
    };
    Ok(builder
        .user_agent(concat!("ordain/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls(settings)?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(Duration::from_secs(10)))
}

fn tls(settings: &RealSettings) -> Result<ClientConfig, SetupError> {
    let mut roots = native_roots();
    trust(&mut roots, settings.ca_pem.as_deref()).map_err(SetupError::Ca)?;
    trust(&mut roots, settings.ca_bundle.as_deref()).map_err(SetupError::Bundle)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The machine's certificates. Without any, and without given ones, every https call fails, which is the safe side.
fn native_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "a certificate of this machine cannot be read");
    }
    roots.add_parsable_certificates(native.certs);
    roots
}

fn trust(roots: &mut RootCertStore, pem: Option<&str>) -> Result<(), String> {
    for certificate in pem.map(certificates).transpose()?.unwrap_or_default() {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(list) if list.is_empty() => Err("no certificate in it".to_owned()),
        Ok(list) => Ok(list),
        Err(error) => Err(format!("{error:?}")),
    }
}

fn not_sent(message: String) -> TransportError {
    TransportError { maybe_sent: false, message }
}

fn failed(error: reqwest::Error) -> TransportError {
    let maybe_sent = !(error.is_connect() || error.is_builder());
    TransportError { maybe_sent, message: chain(&error.without_url()) }
}

/// The error with what caused it; libraries hide the telling part at the end.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            let _ = write!(text, ": {said}");
        }
        source = cause.source();
    }
    text
}

#[cfg(all(test, feature = "sandbox"))]
mod tests;
