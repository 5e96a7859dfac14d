//! Who we are: a signed login at the pod and at the key manager (vendor sheet section 3).
//!
//! Two tokens stand for one session; there is no refresh and no word about their life, so both are used until a call
//! answers 401. One login at a time, whoever asks, and few a minute ([`Logins`]).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::{SignedDuration, fmt::rfc2822::DateTimeParser};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::{faults, key::Key, wire};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient},
        logins::Logins,
    },
    model::Secret,
};

/// A difference of clocks that may be why a login is refused.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// Header names are told apart without regard to case.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("sessiontoken");
const KEY_MANAGER_TOKEN: HeaderName = HeaderName::from_static("keymanagertoken");

/// What logs in.
pub struct Login {
    /// `username`.
    pub username: String,
    /// `privateKey`.
    pub key: Key,
}

/// Where the three services are.
pub struct Hosts {
    /// `podUrl`.
    pub pod: HttpClient,
    /// `keyManagerUrl`; without one its token is not asked for.
    pub key_manager: Option<HttpClient>,
    /// `agentUrl`.
    pub agent: HttpClient,
}

/// One logged-in account. Shared by all calls.
pub struct Session {
    hosts: Hosts,
    login: Login,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    issued: u64,
    logins: Logins,
}

#[derive(Clone)]
struct Tokens {
    session: Secret,
    key_manager: Option<Secret>,
    /// Counts logins, so that whoever was refused knows whether somebody has logged in since.
    number: u64,
}

/// One call of the Agent.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// GET, PUT, …
    pub method: Method,
    /// Segments below `/agent/v1/dlp`.
    pub path: &'a [&'a str],
    /// Query.
    pub query: &'a [(&'a str, &'a str)],
    /// JSON body.
    pub body: Option<&'a Value>,
    /// May change something.
    pub effect: bool,
}

impl Session {
    /// A session that logs in when first needed.
    pub fn new(hosts: Hosts, login: Login) -> Self {
        Self { hosts, login, state: Mutex::default() }
    }

    /// The HTTP client of the Agent.
    pub fn http(&self) -> &HttpClient {
        &self.hosts.agent
    }

    /// The HTTP client of the pod, which is who the account belongs to.
    pub fn pod(&self) -> &HttpClient {
        &self.hosts.pod
    }

    /// Sends a call with both tokens; after a 401, which changes nothing, it logs in and sends it once more.
    ///
    /// # Errors
    /// `Unauthorized` where the login or fresh tokens are refused, else as for [`HttpClient::send`].
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, DriverError> {
        let tokens = self.tokens(None).await?;
        let answer = self.once(ask, &tokens).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let fresh = self.tokens(Some(tokens.number)).await?;
        let answer = self.once(ask, &fresh).await?;
        if answer.status == 401 { Err(self.refused_again(&answer)) } else { Ok(answer) }
    }

    /// Forgets the tokens. The flow with a key has no logout.
    pub async fn close(&self) {
        self.state.lock().await.tokens = None;
    }

    fn refused_again(&self, answer: &Answer) -> DriverError {
        let mut error = faults::error(self.http(), answer);
        error.message.push_str(" (with tokens that were just given)");
        if self.hosts.key_manager.is_none() {
            error.message.push_str("; if this Agent wants the key manager's token, set keyManagerUrl");
        }
        error
    }

    async fn once(&self, ask: &Ask<'_>, tokens: &Tokens) -> Result<Answer, DriverError> {
        let path: Vec<&str> = ["agent", "v1", "dlp"].iter().chain(ask.path).copied().collect();
        let body = ask.body.map(|value| (Bytes::from(value.to_string()), "application/json"));
        let proof = tokens.headers();
        let call = Call {
            method: ask.method.clone(),
            path: &path,
            query: ask.query,
            headers: accept_json(),
            body,
            effect: ask.effect,
            authorise: Some(&move |_, _, _| proof.clone()),
        };
        self.http().send(call).await
    }

    /// Tokens that are not the refused ones. Whoever comes second waits for the first.
    async fn tokens(&self, refused: Option<u64>) -> Result<Tokens, DriverError> {
        let mut state = self.state.lock().await;
        if let Some(tokens) = state.tokens.as_ref().filter(|tokens| Some(tokens.number) != refused) {
            return Ok(tokens.clone());
        }
        state.tokens = None;
        state.logins.begin(self.http().origin())?;
        let outcome = self.log_in().await;
        state.logins.ended(&outcome);
        let (session, key_manager) = outcome?;
        state.issued += 1;
        let tokens = Tokens { session, key_manager, number: state.issued };
        state.tokens = Some(tokens.clone());
        Ok(tokens)
    }

    async fn log_in(&self) -> Result<(Secret, Option<Secret>), DriverError> {
        let session = self.token(&self.hosts.pod, &["login", "pubkey", "authenticate"], "podUrl").await?;
        let Some(key_manager) = &self.hosts.key_manager else { return Ok((session, None)) };
        let path = &["relay", "pubkey", "authenticate"];
        Ok((session, Some(self.token(key_manager, path, "keyManagerUrl").await?)))
    }

    /// One token, for a claim signed for this call alone.
    async fn token(&self, host: &HttpClient, path: &[&str], field: &str) -> Result<Secret, DriverError> {
        let claims = self.login.key.claims(&self.login.username, host.clock().now())?;
        host.redact(&claims);
        let body = Zeroizing::new(json!({ "token": claims.expose_str() }).to_string());
        let call = Call {
            method: Method::POST,
            path,
            query: &[],
            headers: accept_json(),
            body: Some((Bytes::copy_from_slice(body.as_bytes()), "application/json")),
            effect: false,
            authorise: None,
        };
        let answer = host.send(call).await?;
        let value = granted(host, &answer, field)?;
        let token = wire::text(&value, "token").filter(|token| !token.is_empty()).map(Secret::new);
        let token = token.ok_or_else(|| {
            let message = format!("{} answered without a token", answer.call);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })?;
        host.redact(&token);
        Ok(token)
    }
}

impl Tokens {
    /// Without a token that no header can hold; the system then says that it is missing.
    fn headers(&self) -> HeaderMap {
        let header = |name, token: &Secret| Some((name, HeaderValue::from_bytes(token.expose()).ok()?));
        let key_manager = self.key_manager.as_ref().and_then(|token| header(KEY_MANAGER_TOKEN, token));
        header(SESSION_TOKEN, &self.session).into_iter().chain(key_manager).collect()
    }
}

/// The JSON of a login that was let in; refusals are `Unauthorized` whatever their status.
fn granted(host: &HttpClient, answer: &Answer, field: &str) -> Result<Value, DriverError> {
    if (200..300).contains(&answer.status) {
        return host.json(answer);
    }
    let error = faults::error(host, answer);
    Err(match (answer.status, error.class) {
        (_, Class::Throttled { .. }) => error,
        (400 | 401 | 403, _) => {
            let message = format!("{}{}", error.message, clocks_apart(host, answer));
            DriverError::new(Class::Unauthorized, Reason::Unauthorized, message)
        }
        (404 | 405, _) => {
            let hint = format!("{}; set {field} to where logins are served", error.message);
            DriverError::new(Class::Rejected, Reason::VersionUnsupported, hint)
        }
        _ => error,
    })
}

/// A login is refused if it does not expire within five minutes of the system's clock, which stands in its answer.
fn clocks_apart(host: &HttpClient, answer: &Answer) -> String {
    let date = answer.headers.get(header::DATE).and_then(|value| value.to_str().ok());
    let theirs = date.and_then(|text| DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok());
    let ahead = theirs.map(|theirs| theirs.duration_since(host.clock().now()));
    match ahead.filter(|ahead| ahead.abs() > SKEW) {
        Some(ahead) => format!(
            "; its clock is {} s {} ours, and it refuses logins that do not expire within five minutes",
            ahead.abs().as_secs(),
            if ahead.is_negative() { "behind" } else { "ahead of" },
        ),
        None => String::new(),
    }
}

fn accept_json() -> HeaderMap {
    HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))])
}
