//! Who we are: one session per account, its token in every body (vendor sheet section 3).
//!
//! One login at a time, whoever asks. The system has no code for a dead session that is published, so whatever is
//! refused is followed by the question whether the session lives; only if it does not, the account logs in again,
//! and the call is repeated once. A login ends the other sessions of the account. If somebody else does the same,
//! both would do so for ever: sessions that end before their time are counted, and then we rest.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};
use zeroize::Zeroizing;

use super::{faults, wire};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient},
    },
    model::Secret,
};

/// What to correct where a published call does not exist.
pub const URL: &str =
    "spec.system.appShield.url, which ends where the vendor's paths begin (/api, /yurbi/api, ...)";

/// So many sessions that end before their time within `WINDOW` are somebody else's doing.
const LOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(600);
/// How long the account is left to the others then.
const REST: Duration = Duration::from_secs(300);
/// How long the same password is not tried again: wrong ones may lock the account (sheet section 7).
const REFUSED: Duration = Duration::from_secs(600);
/// A session whose life is not told is expected to live at least this long.
const YOUNG: Duration = Duration::from_secs(60);
/// A told life outside is the difference of two clocks, not a life.
const LIFE: std::ops::RangeInclusive<i64> = 30..=7 * 24 * 3600;

/// One logged-in account. Shared by all calls.
pub struct Session {
    http: HttpClient,
    username: Secret,
    password: Secret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    issued: u64,
    lost: VecDeque<Instant>,
    /// No login before, and why.
    rest: Option<(Instant, DriverError)>,
}

#[derive(Clone)]
struct Token {
    text: Secret,
    since: Instant,
    renew_at: Option<Instant>,
    is_admin: bool,
    /// Counts tokens, so that whoever was refused knows whether somebody has logged in since.
    number: u64,
}

impl Token {
    fn is_over(&self) -> bool {
        self.renew_at.is_some_and(|at| Instant::now() >= at)
    }

    /// Whether it should be alive.
    fn has_time_left(&self) -> bool {
        match self.renew_at {
            Some(at) => Instant::now() < at,
            None => self.since.elapsed() < YOUNG,
        }
    }
}

/// One call of the API: always a POST with a JSON object.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Segments below `url`.
    pub path: &'a [&'a str],
    /// What to correct where the path does not exist.
    pub field: &'static str,
    /// An object; the token is added.
    pub body: Value,
    /// May change something.
    pub effect: bool,
    /// Answers a list, which may be empty because the session is dead.
    pub list: bool,
}

impl<'a> Ask<'a> {
    /// A published call that lists.
    pub fn list(path: &'a [&'a str]) -> Self {
        Self { path, field: URL, body: json!({}), effect: false, list: true }
    }
}

impl Session {
    /// A session that logs in when first needed.
    pub fn new(http: HttpClient, username: Secret, password: Secret) -> Self {
        http.redact(&password);
        Self { http, username, password, state: Mutex::default() }
    }

    /// The HTTP client.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Sends a call; if the session turns out to be dead, logs in and sends it once more, unless it may have been carried
    /// out: a change that ends as a server's failure is not sent again, whatever the session is by then.
    ///
    /// # Errors
    /// `Unauthorized` for refused credentials, `Throttled` with `SessionContested` where somebody else ends our
    /// sessions, `Rejected` for an account that may not manage; else as for [`HttpClient::send`]. A refusal is an
    /// answer, for the caller to read.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, DriverError> {
        let token = self.token(None).await?;
        let answer = self.once(ask, &token).await?;
        if ask.effect && answer.status >= 500 {
            self.replace_if_dead(ask, &answer, &token).await;
            return Ok(answer);
        }
        if self.is_alive(ask, &answer, &token).await? {
            return Ok(answer);
        }
        let fresh = self.token(Some(&token)).await?;
        let answer = self.once(ask, &fresh).await?;
        if (ask.effect && answer.status >= 500) || self.is_alive(ask, &answer, &fresh).await? {
            return Ok(answer);
        }
        let mut state = self.state.lock().await;
        state.token.take_if(|token| token.number == fresh.number);
        Err(self.contested(&mut state))
    }

    /// Whether the account is told to be an administrator; logs in if need be.
    ///
    /// # Errors
    /// As for [`Session::send`].
    pub async fn is_admin(&self) -> Result<bool, DriverError> {
        Ok(self.token(None).await?.is_admin)
    }

    /// Logs out, best effort.
    pub async fn close(&self) {
        let token = self.state.lock().await.token.take();
        if let Some(token) = token {
            self.log_out(&token).await;
        }
    }

    async fn log_out(&self, token: &Token) {
        let call = self.post(&["Login", "DoLogout"], &json!({}), Some(token), false).await;
        if let Err(error) = call {
            tracing::debug!(%error, "logging out failed; the session ends by itself");
        }
    }

    async fn once(&self, ask: &Ask<'_>, token: &Token) -> Result<Answer, DriverError> {
        self.post(ask.path, &ask.body, Some(token), ask.effect).await
    }

    async fn post(
        &self,
        path: &[&str],
        body: &Value,
        token: Option<&Token>,
        effect: bool,
    ) -> Result<Answer, DriverError> {
        let mut body = body.clone();
        if let (Some(token), Some(members)) = (token, body.as_object_mut()) {
            members.insert("sessionToken".to_owned(), token.text.expose_str().into());
        }
        let body = Zeroizing::new(body.to_string());
        let body = Some((Bytes::copy_from_slice(body.as_bytes()), "application/json"));
        let headers = HeaderMap::new();
        let call = Call { method: Method::POST, path, query: &[], headers, body, effect, authorise: None };
        self.http.send(call).await
    }

    /// Whether the session behind an answer lives, asked only where the answer gives reason to.
    async fn is_alive(&self, ask: &Ask<'_>, answer: &Answer, token: &Token) -> Result<bool, DriverError> {
        if !faults::may_be_session(answer, ask.list) {
            return Ok(true);
        }
        let check = self.post(&["Session", "CheckSession"], &json!({}), Some(token), false).await?;
        match faults::verdict(&check) {
            Some(alive) => Ok(alive),
            None => faults::checked(&self.http, &check, URL).map(|_| true),
        }
    }

    /// For the calls that follow. What fails here is met again by them, and must not hide what the answer says.
    async fn replace_if_dead(&self, ask: &Ask<'_>, answer: &Answer, token: &Token) {
        let replaced = match self.is_alive(ask, answer, token).await {
            Ok(false) => self.token(Some(token)).await.map(drop),
            other => other.map(drop),
        };
        if let Err(error) = replaced {
            tracing::debug!(%error, "whether the session lives is not known");
        }
    }

    /// A living token that is not the dead one. Whoever comes second waits for the first.
    async fn token(&self, dead: Option<&Token>) -> Result<Token, DriverError> {
        let mut state = self.state.lock().await;
        let known = state.token.as_ref();
        if let Some(token) = known.filter(|t| Some(t.number) != dead.map(|d| d.number) && !t.is_over()) {
            return Ok(token.clone());
        }
        // Counted once, by whoever replaces it.
        if dead.is_some_and(|dead| dead.has_time_left() && known.is_some_and(|t| t.number == dead.number)) {
            state.lost.push_back(Instant::now());
        }
        state.token = None;
        state.lost.retain(|at| at.elapsed() < WINDOW);
        if state.lost.len() >= LOST {
            return Err(self.contested(&mut state));
        }
        if let Some(error) = resting(&state) {
            return Err(error);
        }
        self.log_in(&mut state).await
    }

    async fn log_in(&self, state: &mut State) -> Result<Token, DriverError> {
        let body = json!({
            "bolForceLogin": true, "isGuest": false,
            "UserId": self.username.expose_str(), "UserPassword": self.password.expose_str(),
        });
        let answer = self.post(&["login", "DoLogin"], &body, None, false).await?;
        self.keep_secret(&answer);
        let asked_at = Instant::now();
        let told = self.granted(&answer).inspect_err(|error| {
            if error.class == Class::Unauthorized {
                state.rest = Some((asked_at + REFUSED, error.clone()));
            }
        })?;
        state.issued += 1;
        let token = self.issued(&answer, &told, state.issued)?;
        if told.user.and_then(|user| user.is_admin()) == Some(false) {
            self.log_out(&token).await;
            let message = format!(
                "{}: the account is no administrator, and only administrators manage policies; give it that role",
                answer.call
            );
            return Err(DriverError::new(Class::Rejected, Reason::Forbidden, message));
        }
        state.rest = None;
        state.token = Some(token.clone());
        Ok(token)
    }

    /// A login that cannot be read may hold a token all the same, which no message may show.
    fn keep_secret(&self, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.body);
        let values = text.split("SessionToken").skip(1).filter_map(|rest| rest.split('"').nth(2));
        values.for_each(|token| self.http.redact(&Secret::new(token)));
    }

    /// What a login answered, if it is one. Only an answer that judges the credentials refuses them.
    fn granted(&self, answer: &Answer) -> Result<wire::LoggedIn, DriverError> {
        let refused = |message: String| DriverError::new(Class::Unauthorized, Reason::Unauthorized, message);
        let value = faults::checked(&self.http, answer, URL).map_err(|error| match answer.status {
            401 | 403 if !matches!(error.class, Class::Throttled { .. }) => refused(error.message),
            _ if error.reason == Reason::Rejected && answer.status < 300 => refused(error.message),
            _ => error,
        })?;
        let told = wire::LoggedIn::deserialize(&value)
            .map_err(|_| faults::unexpected(&self.http, answer, "not the answer of a login"))?;
        if told.session.is_none() && value.get("LoginSession").is_some() {
            return Err(refused(format!("{} answered without a session: the login is refused", answer.call)));
        }
        Ok(told)
    }

    fn issued(&self, answer: &Answer, told: &wire::LoggedIn, number: u64) -> Result<Token, DriverError> {
        let session = told.session.as_ref();
        let text = session.and_then(|session| session.token.as_deref()).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| {
            let message =
                format!("{} answered without a SessionToken; is it the API of the system?", answer.call);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })?;
        let text = Secret::new(text);
        self.http.redact(&text);
        let since = Instant::now();
        let expires = session.and_then(|session| session.expires.as_deref());
        let renew_at = expires.and_then(|text| self.life(text)).map(|life| since + life);
        let is_admin = told.user.as_ref().and_then(wire::LoginUser::is_admin) == Some(true);
        Ok(Token { text, since, renew_at, is_admin, number })
    }

    /// How long a session may be used, by our clock; `None` where the two clocks are too far apart to tell.
    fn life(&self, expires: &str) -> Option<Duration> {
        let expires: Timestamp = expires.parse().ok()?;
        let seconds = expires.duration_since(self.http.clock().now()).as_secs();
        let seconds = Some(seconds).filter(|seconds| LIFE.contains(seconds))?;
        u64::try_from(seconds - (seconds / 10).min(60)).ok().map(Duration::from_secs)
    }

    fn contested(&self, state: &mut State) -> DriverError {
        let message = format!(
            "{} ends our sessions before their time: another client logs in with the same account, or we reach it \
             from more than one address. Give Ordain an account of its own and one address to come from",
            self.http.origin()
        );
        let error = DriverError::new(Class::Transient, Reason::SessionContested, message);
        // The next attempt after the rest begins a count of its own.
        state.lost.clear();
        state.rest = Some((Instant::now() + REST, error.clone()));
        resting(state).unwrap_or(error)
    }
}

/// Why nothing is sent now. A pause has an end, refused credentials are for somebody to correct.
fn resting(state: &State) -> Option<DriverError> {
    let (until, error) = state.rest.as_ref()?;
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return None;
    }
    let class = match error.class {
        Class::Transient => Class::Throttled { after: Some(left) },
        class => class,
    };
    Some(DriverError { class, ..error.clone() })
}
