//! Against real sockets on loopback, with servers that mean no good (F35, F36, F37, S3).

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpListener,
    sync::Mutex,
};

use http::{HeaderMap, Method};
use serde_json::json;
use tokio::task::JoinHandle;
use url::Url;

use super::*;
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient, Limits},
    },
    model::SystemClock,
    sandbox::{
        DoubleService, server,
        wso2::{Wso2Double, Wso2Options},
    },
};

/// Names and what they resolve to, one answer after the other; the last one stays.
struct Zone(Mutex<BTreeMap<&'static str, Vec<Vec<&'static str>>>>);

#[async_trait]
impl Lookup for Zone {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut zone = self.0.lock().unwrap();
        let answers = zone.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers.first().cloned().unwrap() };
        Ok(answer.iter().map(|ip| ip.parse().unwrap()).collect())
    }
}

fn zone(names: &[(&'static str, &[&'static str])]) -> Arc<Zone> {
    Arc::new(Zone(Mutex::new(names.iter().map(|(name, ips)| (*name, vec![ips.to_vec()])).collect())))
}

fn open() -> RealSettings {
    RealSettings { allow_loopback: true, ..RealSettings::default() }
}

fn client(transport: RealTransport, url: &str) -> HttpClient {
    let limits = Limits {
        requests_per_minute: 6000,
        burst: 100,
        in_flight: 2,
        timeout: Duration::from_secs(20),
        max_body: 1 << 20,
        meter: crate::drivers::http::Meter::default(),
    };
    HttpClient::new(Arc::new(transport), Url::parse(url).unwrap(), limits, Arc::new(SystemClock::new()))
}

async fn send(transport: RealTransport, url: &str, effect: bool) -> Result<Answer, DriverError> {
    let method = if effect { Method::POST } else { Method::GET };
    let call = Call {
        method,
        path: &["p"],
        query: &[],
        headers: HeaderMap::new(),
        body: None,
        effect,
        authorise: None,
    };
    client(transport, url).send(call).await
}

async fn refusal(settings: RealSettings, zone: Arc<Zone>, url: &str) -> DriverError {
    let transport = RealTransport::with_lookup(settings, zone).unwrap();
    send(transport, url, true).await.unwrap_err()
}

/// A sandbox on loopback that ends with the test.
struct Server {
    url: String,
    service: DoubleService,
    task: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        let clock = Arc::new(SystemClock::new());
        let service = DoubleService::new(Wso2Double::new(Wso2Options::default(), clock.clone()), clock);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(server::serve(listener, service.clone()));
        Self { url, service, task }
    }

    fn fault(&self, fault: &serde_json::Value) {
        self.service.add_fault(fault).unwrap();
    }

    fn requests(&self) -> usize {
        self.service.recorder().since(0).len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn loopback_needs_the_flag_and_nothing_is_sent_without_it() {
    let server = Server::start().await;
    let answer = send(RealTransport::new(open()).unwrap(), &server.url, false).await.unwrap();
    assert_eq!(answer.status, 404);
    let before = server.requests();
    let error =
        send(RealTransport::new(RealSettings::default()).unwrap(), &server.url, true).await.unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Transient, Reason::AddressRefused), "{error}");
    assert_eq!(server.requests(), before);
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_it_resolves_to() {
    let cases: [(&str, &[&str]); 8] = [
        ("loopback", &["127.0.0.1"]),
        ("loopback in IPv6", &["::1"]),
        ("metadata", &["169.254.169.254"]),
        ("a mapped address", &["::ffff:169.254.169.254"]),
        ("NAT64", &["64:ff9b::a9fe:a9fe"]),
        ("one bad among good ones", &["192.0.2.1", "127.0.0.1"]),
        ("unspecified", &["0.0.0.0"]),
        ("the API server", &["10.96.0.1"]),
    ];
    for (why, addresses) in cases {
        let settings = RealSettings {
            refused: BTreeSet::from(["10.96.0.1".parse().unwrap()]),
            ..RealSettings::default()
        };
        let error = refusal(settings, zone(&[("emm.example", addresses)]), "https://emm.example/").await;
        assert_eq!((error.class, error.reason), (Class::Transient, Reason::AddressRefused), "{why}: {error}");
        assert!(error.message.contains("emm.example"), "{why}: {error}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_again() {
    let server = Server::start().await;
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let answers = vec![vec!["192.0.2.1"], vec!["127.0.0.1"]];
    let rebinding = Arc::new(Zone(Mutex::new(BTreeMap::from([("emm.example", answers)]))));
    let transport = Arc::new(RealTransport::with_lookup(RealSettings::default(), rebinding).unwrap());
    assert_eq!(
        transport.rules.resolve("emm.example").await.unwrap(),
        ["192.0.2.1".parse::<IpAddr>().unwrap()]
    );
    let url = format!("https://emm.example:{port}/");
    let request = Request::builder().uri(&url).body(Bytes::new()).unwrap();
    let error = transport.send(request).await.err().unwrap();
    assert!(!error.maybe_sent && error.message.contains(address::REFUSED), "{error}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn localhost_is_never_looked_up() {
    let server = Server::start().await;
    let port = server.url.rsplit(':').next().unwrap();
    let transport = RealTransport::with_lookup(open(), zone(&[("localhost", &["192.0.2.1"])])).unwrap();
    let answer = send(transport, &format!("http://localhost:{port}"), false).await.unwrap();
    assert_eq!(answer.status, 404, "it went to this machine");
}

#[tokio::test]
async fn the_operators_list_of_hosts_narrows() {
    let settings = RealSettings { allowed_hosts: vec!["*.corp.example".into()], ..RealSettings::default() };
    let error = refusal(settings, zone(&[("evil.example", &["192.0.2.1"])]), "https://evil.example/").await;
    assert_eq!(error.reason, Reason::AddressRefused);
    assert!(error.message.contains("--allowed-hosts"), "{error}");
}

#[tokio::test]
async fn a_refused_connection_had_no_effect() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = send(RealTransport::new(open()).unwrap(), &format!("http://127.0.0.1:{port}"), true)
        .await
        .unwrap_err();
    assert_eq!((error.class, error.reason), (Class::Transient, Reason::Unreachable), "{error}");
}

#[tokio::test]
async fn hostile_answers_are_bounded_and_told_apart() {
    let cases = [
        (json!({"kind": "gzipBomb", "megabytes": 64}), Class::Ambiguous, "longer than"),
        (json!({"kind": "endless"}), Class::Ambiguous, "longer than"),
        (json!({"kind": "dropAfter"}), Class::Ambiguous, "POST"),
        (json!({"kind": "truncate"}), Class::Ambiguous, "POST"),
        (
            json!({"kind": "redirect", "location": "https://evil.example/steal"}),
            Class::Transient,
            "evil.example",
        ),
    ];
    for (fault, class, words) in cases {
        let server = Server::start().await;
        server.fault(&fault);
        let error = send(RealTransport::new(open()).unwrap(), &server.url, true).await.unwrap_err();
        assert_eq!(error.class, class, "{fault}: {error}");
        assert!(error.message.contains(words), "{fault}: {error}");
        assert_eq!(server.requests(), 1, "{fault}: sent once, followed nowhere");
    }
}

/// Answers one TLS connection after the other with a certificate for `name`; gives the URL and the certificate.
fn tls_server(name: &str) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the test process; it only ever waits for connections.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("the config is whole");
            let mut stream = rustls::StreamOwned::new(session, stream);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn certificates_are_verified_and_ca_ref_adds_to_the_trusted() {
    let (port, pem) = tls_server("localhost");
    let (other_port, other_pem) = tls_server("other.example");
    let trusting = |pem: &str| RealSettings { ca_pem: Some(pem.to_owned()), ..open() };
    let cases = [
        ("the authority is trusted", trusting(&pem), port, None),
        ("nobody knows the authority", open(), port, Some(Reason::TlsFailed)),
        ("another authority", trusting(&other_pem), port, Some(Reason::TlsFailed)),
        ("another name", trusting(&other_pem), other_port, Some(Reason::TlsFailed)),
    ];
    for (why, settings, port, expected) in cases {
        let url = format!("https://localhost:{port}");
        let result = send(RealTransport::new(settings).unwrap(), &url, true).await;
        assert_eq!(result.as_ref().err().map(|e| e.reason), expected, "{why}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.class, Class::Transient, "{why}: nothing was sent");
        }
    }
}

#[test]
fn a_ca_that_is_none_is_told() {
    for pem in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = RealTransport::new(RealSettings { ca_pem: Some(pem.into()), ..open() }).err();
        assert!(matches!(error, Some(SetupError::Ca(_))), "{pem:?}");
    }
}

/// A proxy that tunnels to one port of loopback, whatever it is asked for, and tells what that was.
fn tunnel(to: u16) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://user:secret@{}", listener.local_addr().unwrap())).unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&asked);
    // Ends with the test process; it only ever waits for connections.
    std::thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && near.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            told.lock().unwrap().push(String::from_utf8(head).unwrap());
            let _ = near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            let far = std::net::TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut from, mut into) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut into));
            let (mut from, mut into) = (far, near);
            std::thread::spawn(move || std::io::copy(&mut from, &mut into));
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_proxy_tunnels_to_what_is_listed_and_to_nothing_else() {
    let (port, pem) = tls_server("emm.example.test");
    let (url, asked) = tunnel(port);
    let behind = |direct: &[&str]| RealSettings {
        ca_bundle: Some(pem.clone()),
        allowed_hosts: vec!["*.example.test".to_owned(), "10.1.2.3".to_owned()],
        proxy: Some(HttpsProxy {
            url: url.clone(),
            direct: direct.iter().map(|&host| host.to_owned()).collect(),
        }),
        ..RealSettings::default()
    };
    // Nobody here can resolve the name: that is the proxy's part.
    let transport = RealTransport::with_lookup(behind(&[]), zone(&[])).unwrap();
    let answer = send(transport, "https://emm.example.test", true).await.unwrap();
    assert_eq!(answer.status, 200);
    let seen = asked.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(seen.len(), 1);
    let seen = seen.first().unwrap();
    assert!(seen.starts_with("CONNECT emm.example.test:443 "), "{seen:?}");
    let basic = "Basic dXNlcjpzZWNyZXQ=";
    assert!(seen.contains(basic), "the proxy's credentials go to the proxy: {seen:?}");
    let refused = [
        ("not listed", behind(&[]), "https://elsewhere.test", "--allowed-hosts"),
        ("a metadata service by its number", behind(&[]), "https://169.254.169.254", "metadata"),
        (
            "past the proxy, names are resolved and checked here",
            behind(&[".example.test"]),
            "https://emm.example.test",
            "link-local",
        ),
    ];
    for (why, settings, url, words) in refused {
        let error = refusal(settings, zone(&[("emm.example.test", &["169.254.169.254"])]), url).await;
        assert!(error.message.contains(words), "{why}: {}", error.message);
    }
    assert!(asked.lock().unwrap().is_empty(), "nothing of that reached the proxy");
}

#[test]
fn a_bundle_that_is_none_is_told_by_its_own_name() {
    let error = RealTransport::new(RealSettings { ca_bundle: Some("garbage".into()), ..open() }).err();
    assert!(matches!(error, Some(SetupError::Bundle(_))));
}
