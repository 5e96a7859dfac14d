//! Who we are: client registration, password grant, refresh (vendor sheet section 1).
//!
//! One login at a time, whoever asks, and few authentication calls a minute ([`Logins`]).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};
use zeroize::Zeroizing;

use super::{
    dialect::Dialect,
    faults::{self, Denial},
    headers::{accept_json, authorization, basic},
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient, target},
        logins::Logins,
    },
    model::Secret,
};

const DEFAULT_LIFE: u64 = 3600;

/// What logs in.
pub struct Login {
    /// `username`.
    pub username: String,
    /// `password`.
    pub password: Secret,
    /// `clientId` and `clientSecret`, where given.
    pub client: Option<(String, Secret)>,
    /// Name under which a client is registered otherwise.
    pub client_name: String,
}

/// Where a login goes: the client and the path below its origin.
pub struct Endpoint {
    /// Bound to the endpoint's origin.
    pub http: HttpClient,
    /// Empty where the URL itself names the endpoint.
    pub path: &'static [&'static str],
}

/// One logged-in account. Shared by all calls.
pub struct Session {
    http: HttpClient,
    dialect: Dialect,
    login: Login,
    token_endpoint: Endpoint,
    registration: Endpoint,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    client: Option<(String, Secret)>,
    /// A token was asked for with it, and it or the password was judged.
    client_tried: bool,
    token: Option<Token>,
    issued: u64,
    /// Every authentication call is one, also a registration and a refresh.
    logins: Logins,
}

#[derive(Clone)]
struct Token {
    access: Secret,
    refresh: Option<Secret>,
    scopes: Option<String>,
    renew_at: Instant,
    /// Counts tokens, so that whoever was refused knows whether somebody has renewed it since.
    number: u64,
}

/// One call of the API.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// GET, PUT, …
    pub method: Method,
    /// Segments below the dialect's base.
    pub path: &'a [&'a str],
    /// Query.
    pub query: &'a [(&'a str, &'a str)],
    /// JSON body.
    pub body: Option<&'a Value>,
    /// May change something.
    pub effect: bool,
}

impl<'a> Ask<'a> {
    /// A read.
    pub fn get(path: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method: Method::GET, path, query, body: None, effect: false }
    }
}

impl Session {
    /// A session that logs in when first needed.
    pub fn new(
        http: HttpClient,
        dialect: Dialect,
        login: Login,
        token_endpoint: Endpoint,
        registration: Endpoint,
    ) -> Self {
        http.redact(&login.password);
        let client = login.client.clone();
        if let Some((_, secret)) = &client {
            http.redact(secret);
        }
        let state = Mutex::new(State { client, ..State::default() });
        Self { http, dialect, login, token_endpoint, registration, state }
    }

    /// The HTTP client of the API.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Sends a call with a token; one that is refused is renewed once.
    ///
    /// # Errors
    /// `Unauthorized` where also a fresh token or the login is refused, else as for [`HttpClient::send`].
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, DriverError> {
        let token = self.token(None).await?;
        let answer = self.once(ask, &token).await?;
        if faults::denial(&answer) != Some(Denial::Token) {
            return Ok(answer);
        }
        let fresh = self.token(Some(token.number)).await?;
        self.once(ask, &fresh).await
    }

    /// The scopes of the token, where the system tells them.
    pub async fn scopes(&self) -> Option<String> {
        self.state.lock().await.token.as_ref()?.scopes.clone()
    }

    /// Forgets the token.
    pub async fn close(&self) {
        self.state.lock().await.token = None;
    }

    async fn once(&self, ask: &Ask<'_>, token: &Token) -> Result<Answer, DriverError> {
        let path: Vec<&str> = self.dialect.base().iter().chain(ask.path).copied().collect();
        let body = ask.body.map(|value| (Bytes::from(value.to_string()), "application/json"));
        let bearer = authorization("Bearer ", token.access.expose());
        self.http
            .send(Call {
                method: ask.method.clone(),
                path: &path,
                query: ask.query,
                headers: accept_json(),
                body,
                effect: ask.effect,
                authorise: Some(&move |_, _, _| bearer.clone()),
            })
            .await
    }

    /// A token that is not the refused one and does not expire soon. Whoever comes second waits for the first.
    async fn token(&self, refused: Option<u64>) -> Result<Token, DriverError> {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token {
            if Some(token.number) != refused && Instant::now() < token.renew_at {
                return Ok(token.clone());
            }
        }
        let obtained = self.obtain(&mut state).await;
        match &obtained {
            Ok(_) => state.logins.forgive(),
            Err(error) if matches!(error.class, Class::Throttled { .. }) => {}
            Err(error) => state.logins.refused(error),
        }
        obtained
    }

    async fn obtain(&self, state: &mut State) -> Result<Token, DriverError> {
        let old = state.token.take();
        if let Some(refresh) = old.and_then(|token| token.refresh) {
            match self.refresh(state, &refresh).await {
                // A refresh token that is refused is no reason to give up: there is the password, of which it says nothing.
                Err(error) if error.class == Class::Unauthorized => state.logins.forgive(),
                other => return other,
            }
        }
        self.log_in(state).await
    }

    async fn refresh(&self, state: &mut State, refresh: &Secret) -> Result<Token, DriverError> {
        let refresh = utf8(refresh, "refresh token")?;
        self.grant(state, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    /// Logs in with the password, which is shown once: too many refusals lock an account out. No answer tells a refused
    /// client from a refused password, and a registration may be deleted; so a used one is made anew, if a call is left.
    async fn log_in(&self, state: &mut State) -> Result<Token, DriverError> {
        if state.client_tried && self.login.client.is_none() && state.logins.left() > 1 {
            self.register_anew(state).await?;
        }
        let scopes = self.dialect.scopes();
        let password = utf8(&self.login.password, "password")?;
        let form = [
            ("grant_type", "password"),
            ("username", self.login.username.as_str()),
            ("password", password),
            ("scope", scopes.as_str()),
        ];
        self.grant(state, &form).await
    }

    /// Where it cannot be registered, the client that worked before may work still: it is tried next, at once unless the
    /// registration showed the password and was refused it.
    async fn register_anew(&self, state: &mut State) -> Result<(), DriverError> {
        let before = state.client.take();
        let answer = self.register(state).await;
        let refused = !self.dialect.is_a() && answer.as_ref().is_ok_and(|answer| answer.status == 401);
        let Err(error) = answer.and_then(|answer| self.registered(state, &answer)) else { return Ok(()) };
        (state.client, state.client_tried) = (before, false);
        if refused {
            return Err(error);
        }
        state.logins.forgive();
        tracing::debug!(%error, "no new client; the one before is tried");
        Ok(())
    }

    async fn grant(&self, state: &mut State, form: &[(&str, &str)]) -> Result<Token, DriverError> {
        let (id, secret) = self.client(state).await?;
        let body = Zeroizing::new(target::form(form));
        let headers = basic(&id, &secret);
        let body = (Bytes::copy_from_slice(body.as_bytes()), "application/x-www-form-urlencoded");
        let answer = self.authenticate(state, &self.token_endpoint, body, headers).await?;
        state.client_tried |= answer.status < 429;
        let value = self.granted(state, &answer, "tokenUrl")?;
        state.issued += 1;
        let token = self.issued(&value, state.issued).ok_or_else(|| {
            let message = format!("{} answered without an access_token", answer.call);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })?;
        state.token = Some(token.clone());
        Ok(token)
    }

    fn issued(&self, value: &Value, number: u64) -> Option<Token> {
        let secret = |member| wire::text(value, member).filter(|t| !t.is_empty()).map(Secret::new);
        let access = secret("access_token")?;
        let refresh = secret("refresh_token");
        self.http.redact(&access);
        refresh.iter().for_each(|refresh| self.http.redact(refresh));
        let told = value.get("expires_in").and_then(wire::integer).and_then(|s| u64::try_from(s).ok());
        let life = told.unwrap_or(DEFAULT_LIFE).clamp(10, 365 * 24 * 3600);
        let renew_at = Instant::now() + Duration::from_secs(life - (life / 10).min(60));
        let scopes = wire::text(value, "scope").map(str::to_owned);
        Some(Token { access, refresh, scopes, renew_at, number })
    }

    /// The OAuth client: given, registered before, or registered now and kept in memory only.
    async fn client(&self, state: &mut State) -> Result<(String, Secret), DriverError> {
        if let Some(client) = &state.client {
            return Ok(client.clone());
        }
        let answer = self.register(state).await?;
        self.registered(state, &answer)
    }

    async fn register(&self, state: &mut State) -> Result<Answer, DriverError> {
        let (body, headers) = self.registration_call();
        let body = (Bytes::from(body.to_string()), "application/json");
        self.authenticate(state, &self.registration, body, headers).await
    }

    fn registered(&self, state: &mut State, answer: &Answer) -> Result<(String, Secret), DriverError> {
        let value = self.granted(state, answer, "registrationUrl")?;
        let member = |snake, camel| wire::text(&value, snake).or_else(|| wire::text(&value, camel));
        let found = member("client_id", "clientId").zip(member("client_secret", "clientSecret"));
        let (id, secret) = found.ok_or_else(|| {
            let message = format!("{} answered without client_id and client_secret", answer.call);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })?;
        let client = (id.to_owned(), Secret::new(secret));
        self.http.redact(&client.1);
        (state.client, state.client_tried) = (Some(client.clone()), false);
        Ok(client)
    }

    fn registration_call(&self) -> (Value, HeaderMap) {
        let name = &self.login.client_name;
        if self.dialect.is_a() {
            let body = json!({
                "clientName": name, "owner": self.login.username, "grantType": "password refresh_token",
                "tokenScope": "default", "callbackUrl": "", "saasApp": true,
            });
            return (body, HeaderMap::new());
        }
        let body = json!({"applicationName": name, "tags": ["device_management"]});
        (body, basic(&self.login.username, &self.login.password))
    }

    async fn authenticate(
        &self,
        state: &mut State,
        endpoint: &Endpoint,
        body: (Bytes, &'static str),
        proof: HeaderMap,
    ) -> Result<Answer, DriverError> {
        state.logins.begin(self.http.origin())?;
        let call = Call {
            method: Method::POST,
            path: endpoint.path,
            query: &[],
            headers: accept_json(),
            body: Some(body),
            effect: false,
            authorise: Some(&move |_, _, _| proof.clone()),
        };
        let answer = endpoint.http.send(call).await;
        if answer.as_ref().map_or(true, |answer| answer.status == 429 || answer.status >= 500) {
            // Nobody judged the credentials.
            state.logins.take_back();
        }
        answer
    }

    /// The JSON of a granted request; refusals of the login are `Unauthorized` whatever their status.
    /// What a refusal says stands until a login succeeds: the calls that follow it may use up the budget.
    fn granted(&self, state: &mut State, answer: &Answer, field: &str) -> Result<Value, DriverError> {
        if (200..300).contains(&answer.status) {
            return self.http.json(answer);
        }
        let error = faults::error(&self.http, answer);
        Err(match answer.status {
            400 | 401 | 403 => {
                let refused = DriverError::new(Class::Unauthorized, Reason::Unauthorized, error.message);
                state.logins.refused(&refused);
                refused
            }
            404 | 405 => {
                let hint = format!("{}; set `{field}` if logins are served elsewhere", error.message);
                DriverError::new(Class::Rejected, Reason::VersionUnsupported, hint)
            }
            _ => error,
        })
    }
}

fn utf8<'a>(secret: &'a Secret, what: &str) -> Result<&'a str, DriverError> {
    secret.expose_str().ok_or_else(|| {
        let message = format!("the {what} is not UTF-8 text");
        DriverError::new(Class::Rejected, Reason::CredentialsInvalid, message)
    })
}
