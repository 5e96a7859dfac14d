//! Who we are, in every call (vendor sheet section 2).
//!
//! A 401 means "not logged in", "consumer not registered" or "not permitted", and nothing tells which. So a token that
//! is refused is renewed once; if a token that was just given is refused too, that is about a right. One login at a time,
//! whoever asks; few a minute ([`Logins`]), and none for a right that was missing a moment ago (F34).

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::{
    calls::{Effect, Need},
    credentials::Login,
    faults, life,
    lists::Counts,
    portal::{self, CONSUMER, Portal},
    sight::Sight,
};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient},
        logins::Logins,
    },
    model::Secret,
};

/// How long a missing right is taken for missing without a new login.
const DENIED: Duration = Duration::from_secs(600);

/// One logged-in account. Shared by all calls.
pub struct Session {
    http: HttpClient,
    consumer: HeaderValue,
    login: Login,
    portal: Portal,
    state: Mutex<State>,
    sight: Sight,
    counts: Counts,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    issued: u64,
    logins: Logins,
    /// Rights that were missing under a token that was just given.
    denied: BTreeMap<Need, Instant>,
}

#[derive(Clone)]
struct Token {
    secret: Secret,
    /// `None`: nobody can renew it here.
    renew_at: Option<Instant>,
    /// Counts tokens, so that whoever was refused knows whether somebody has renewed it since.
    number: u64,
}

/// One call of the Consumer API.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Value>,
    effect: bool,
    need: Need,
}

impl<'a> Ask<'a> {
    /// A read, of segments below `/Consumer`.
    pub fn get(path: &'a [&'a str], query: &'a [(&'a str, &'a str)], need: Need) -> Self {
        Self { method: Method::GET, path, query, body: None, effect: false, need }
    }

    /// A search, which is a read though it is posted.
    pub fn search(path: &'a [&'a str], body: Value, need: Need) -> Self {
        Self { method: Method::POST, path, query: &[], body: Some(body), effect: false, need }
    }
}

impl Session {
    /// A session that logs in when first needed.
    pub fn new(http: HttpClient, consumer: HeaderValue, login: Login, portal: Portal) -> Self {
        if let Login::Ready(token) = &login {
            http.redact(token);
        }
        let (state, sight, counts) = Default::default();
        Self { http, consumer, login, portal, state, sight, counts }
    }

    /// The HTTP client of the Consumer API.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// What the account was last proven to see.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// What counts of lists were found to mean.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Sends an effect and reads what it answers, null where that is nothing.
    ///
    /// # Errors
    /// As for [`Session::send`] and [`faults::accepted`].
    pub async fn effect(&self, effect: &Effect) -> Result<Value, DriverError> {
        let path = effect.path();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (body, need) = (effect.body(), effect.need());
        let ask = Ask { method: effect.method(), path: &path, query: &[], body, effect: true, need };
        let answer = self.send(&ask).await?;
        faults::accepted(&self.http, &answer, need)
    }

    /// Reads.
    ///
    /// # Errors
    /// As for [`Session::send`] and [`faults::checked`].
    pub async fn read(&self, ask: &Ask<'_>) -> Result<Value, DriverError> {
        let answer = self.send(ask).await?;
        faults::checked(&self.http, &answer, ask.need)
    }

    /// Sends a call with a token; after a 401, which changes nothing, it may log in and send it once more.
    ///
    /// # Errors
    /// `Unauthorized` where the login is refused, `Rejected` (`Forbidden`) where a right is missing, else as for
    /// [`HttpClient::send`].
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, DriverError> {
        let token = self.token(None).await?;
        let answer = self.once(ask, &token).await?;
        if answer.status != 401 {
            self.state.lock().await.denied.remove(&ask.need);
            return Ok(answer);
        }
        if token.renew_at.is_none() {
            return Err(self.ready_refused(ask, &token, &answer).await);
        }
        if self.is_denied(ask.need).await {
            return Err(self.forbidden(ask.need, &answer));
        }
        let fresh = match self.token(Some(token.number)).await {
            // No login is left to try; another call tells whether it is the token that is refused.
            Err(error) if error.reason == Reason::Unauthorized && self.works(ask.need, &token).await => {
                tracing::debug!(%error, "not logged in again: the token works");
                return Err(self.forbidden(ask.need, &answer));
            }
            other => other?,
        };
        let answer = self.once(ask, &fresh).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.state.lock().await.denied.insert(ask.need, Instant::now());
        Err(self.forbidden(ask.need, &answer))
    }

    /// Logs out where we logged in. A token made elsewhere is not ours to end.
    pub async fn close(&self) {
        let token = self.state.lock().await.token.take();
        if let Some(token) = token.filter(|token| token.renew_at.is_some()) {
            self.portal.log_out(&token.secret).await;
        }
    }

    async fn is_denied(&self, need: Need) -> bool {
        let state = self.state.lock().await;
        state.denied.get(&need).is_some_and(|since| since.elapsed() < DENIED)
    }

    fn forbidden(&self, need: Need, answer: &Answer) -> DriverError {
        let said = faults::error(&self.http, answer, need).message;
        let consumer = self.consumer.to_str().unwrap_or_default();
        let message = format!(
            "{said} (with a token that is valid): {}, or the consumer {consumer} is not registered, licensed and enabled",
            faults::lacks(need)
        );
        DriverError::new(Class::Rejected, Reason::Forbidden, message)
    }

    /// Without a login to try, another call tells whether it is the token that is refused.
    async fn ready_refused(&self, ask: &Ask<'_>, token: &Token, answer: &Answer) -> DriverError {
        if self.works(ask.need, token).await {
            return self.forbidden(ask.need, answer);
        }
        let said = faults::error(&self.http, answer, ask.need).message;
        let message = format!(
            "{said}; the token in key token of the Secret has ended or is wrong, or the consumer is not registered, or {}",
            faults::lacks(ask.need)
        );
        DriverError::new(Class::Unauthorized, Reason::Unauthorized, message)
    }

    /// Whether the token is good for another call than one that needs this.
    async fn works(&self, need: Need, token: &Token) -> bool {
        let page = serde_json::json!({"Start": 1, "PageSize": 1});
        let witness = Ask::search(&["Policies", "ShallowSearch"], page, Need::READ);
        need != Need::READ && self.once(&witness, token).await.is_ok_and(|answer| answer.status < 400)
    }

    async fn once(&self, ask: &Ask<'_>, token: &Token) -> Result<Answer, DriverError> {
        let path: Vec<&str> = ["Consumer"].iter().chain(ask.path).copied().collect();
        let body = ask.body.as_ref().map(|value| (Bytes::from(value.to_string()), "application/json"));
        let proof = portal::proof(&token.secret);
        let call = Call {
            method: ask.method.clone(),
            path: &path,
            query: ask.query,
            headers: self.headers(),
            body,
            effect: ask.effect,
            authorise: Some(&move |_, _, _| proof.clone()),
        };
        self.http.send(call).await
    }

    fn headers(&self) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        HeaderMap::from_iter([(header::ACCEPT, json), (CONSUMER, self.consumer.clone())])
    }

    /// A token that is not the refused one and does not end soon. Whoever comes second waits for the first.
    async fn token(&self, refused: Option<u64>) -> Result<Token, DriverError> {
        let application = match &self.login {
            Login::Ready(secret) => return Ok(Token { secret: secret.clone(), renew_at: None, number: 0 }),
            Login::Application(application) => application,
        };
        let mut state = self.state.lock().await;
        let usable = |token: &&Token| {
            Some(token.number) != refused && token.renew_at.is_some_and(|at| Instant::now() < at)
        };
        if let Some(token) = state.token.as_ref().filter(usable) {
            return Ok(token.clone());
        }
        state.logins.begin(self.http.origin())?;
        state.token = None;
        let outcome = self.portal.log_in(application).await;
        state.logins.ended(&outcome);
        let secret = outcome?;
        state.issued += 1;
        let lasts = life::of(&secret, self.http.clock().now());
        let renew_at = Some(Instant::now() + lasts);
        let token = Token { secret, renew_at, number: state.issued };
        state.token = Some(token.clone());
        Ok(token)
    }
}
