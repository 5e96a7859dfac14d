//! Client registration and tokens (vendor sheet section 1).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{
    answer::{self, Answer},
    options::Wso2Options,
    rows::Moment,
    store::Store,
};

/// A registered client. The same owner and name get the same one again.
#[derive(Debug, Clone)]
struct Client {
    secret: String,
    owner: String,
    name: String,
}

/// An issued access token; kept after its death so that calls can be told why they fail.
#[derive(Debug, Clone)]
struct Token {
    client: String,
    user: String,
    scopes: BTreeSet<String>,
    expires: Duration,
    revoked: bool,
    refresh: String,
    refresh_expires: Duration,
}

/// How a bearer token fared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bearer {
    Missing,
    Invalid,
    Expired,
    Revoked,
    Valid { user: String, scopes: BTreeSet<String> },
}

/// Clients and tokens.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    clients: BTreeMap<String, Client>,
    tokens: BTreeMap<String, Token>,
    issued: u64,
    registrations: u64,
    tokens_issued: u64,
    logins_refused: u64,
}

impl Accounts {
    /// A: `POST /dynamic-client-web/register`, open to everyone.
    pub fn register_dynamic(&mut self, options: &Wso2Options, body: &[u8]) -> Answer {
        let Ok(Value::Object(sent)) = serde_json::from_slice::<Value>(body) else {
            return answer::crash(options);
        };
        let text = |key: &str| sent.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, owner) = (text("clientName"), text("owner"));
        if name.is_empty() || owner.is_empty() || text("grantType").is_empty() {
            return Answer::json(
                400,
                &json!({
                    "error": "invalid_client_metadata",
                    "error_description": "clientName, owner and grantType are required"
                }),
            );
        }
        let (id, secret) = self.client(&owner, &name);
        Answer::json(
            201,
            &json!({
                "client_id": id, "client_secret": secret, "client_name": name,
                "callback_url": text("callbackUrl"), "redirect_uris": text("callbackUrl"),
                "grant_types": text("grantType")
            }),
        )
    }

    /// B: `POST /api-application-registration/register`, HTTP Basic of a user.
    pub fn register_application(
        &mut self,
        options: &Wso2Options,
        store: &Store,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Answer {
        let user = basic(headers).filter(|(user, password)| knows(store, user, password));
        let Some((user, _)) = user else {
            self.logins_refused += 1;
            return answer::unauthorized(headers, &options.unauthorized_texts.missing);
        };
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(name) = sent.get("applicationName").and_then(Value::as_str).filter(|n| !n.is_empty()) else {
            return answer::crash(options);
        };
        let tags = sent.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        if tags.is_empty() {
            return Answer::typed(406, "text/plain", "APIs tags should not be empty");
        }
        if tags.iter().any(|tag| tag != "device_management") {
            return Answer::typed(406, "text/plain", "APIs tags are not allowed");
        }
        let (id, secret) = self.client(&user, name);
        Answer::json(201, &json!({"client_id": id, "client_secret": secret}))
    }

    fn client(&mut self, owner: &str, name: &str) -> (String, String) {
        self.registrations += 1;
        let known = self.clients.iter().find(|(_, c)| c.owner == owner && c.name == name);
        if let Some((id, client)) = known {
            return (id.clone(), client.secret.clone());
        }
        let (id, secret) = (self.secret("client"), self.secret("secret"));
        let client = Client { secret: secret.clone(), owner: owner.to_owned(), name: name.to_owned() };
        self.clients.insert(id.clone(), client);
        (id, secret)
    }

    /// Never repeats; only as secret as a sandbox needs.
    fn secret(&mut self, purpose: &str) -> String {
        self.issued += 1;
        let digest = blake3::hash(format!("{purpose} {}", self.issued).as_bytes());
        digest.to_hex().chars().take(32).collect()
    }

    /// The token endpoint: grants `password`, `refresh_token` and `client_credentials`.
    pub fn token(
        &mut self,
        options: &Wso2Options,
        store: &Store,
        headers: &HeaderMap,
        form: &BTreeMap<String, String>,
        now: Moment,
    ) -> Answer {
        let client =
            basic(headers).filter(|(id, secret)| self.clients.get(id).is_some_and(|c| c.secret == *secret));
        let Some((client, _)) = client else {
            return self.refuse(401, "invalid_client", "Client Authentication failed.");
        };
        let field = |key: &str| form.get(key).map(String::as_str).unwrap_or_default();
        let scopes = field("scope").split_whitespace().map(str::to_owned).collect();
        match field("grant_type") {
            "password" if knows(store, field("username"), field("password")) => {
                self.grant(options, store, (client, field("username").to_owned(), scopes), now)
            }
            "password" => {
                let text = format!("Authentication failed for {}", field("username"));
                self.refuse(options.wrong_password_status, "invalid_grant", &text)
            }
            "client_credentials" => {
                let owner = self.clients.get(&client).map(|c| c.owner.clone()).unwrap_or_default();
                self.grant(options, store, (client, owner, scopes), now)
            }
            "refresh_token" => self.refresh(options, store, &client, field("refresh_token"), now),
            _ => self.refuse(400, "unsupported_grant_type", "Unsupported grant_type value"),
        }
    }

    fn refuse(&mut self, status: u16, error: &str, text: &str) -> Answer {
        self.logins_refused += 1;
        Answer::json(status, &json!({"error": error, "error_description": text}))
    }

    fn refresh(
        &mut self,
        options: &Wso2Options,
        store: &Store,
        client: &str,
        sent: &str,
        now: Moment,
    ) -> Answer {
        let known =
            self.tokens.values_mut().find(|t| t.refresh == sent && t.client == client && !sent.is_empty());
        let Some(token) = known.filter(|t| !t.revoked && t.refresh_expires > now.mono) else {
            return self.refuse(400, "invalid_grant", "Provided Authorization Grant is invalid");
        };
        let wanted = (token.client.clone(), token.user.clone(), token.scopes.clone());
        if options.refresh_rotates {
            token.revoked = true;
        } else {
            token.expires = now.mono;
        }
        self.grant(options, store, wanted, now)
    }

    /// Scopes the user has no permission for are silently left out.
    fn grant(
        &mut self,
        options: &Wso2Options,
        store: &Store,
        (client, user, wanted): (String, String, BTreeSet<String>),
        now: Moment,
    ) -> Answer {
        let mut scopes: BTreeSet<String> =
            wanted.into_iter().filter(|scope| store.may(&user, permission(scope))).collect();
        if scopes.is_empty() {
            scopes.insert("default".to_owned());
        }
        let alive = |t: &Token| !t.revoked && t.expires > now.mono;
        let same = |t: &Token| t.client == client && t.user == user && t.scopes == scopes;
        let known = self.tokens.iter().find(|(_, t)| options.reuse_active_token && alive(t) && same(t));
        if let Some((access, token)) = known {
            return granted(access, token, now);
        }
        let (access, refresh) = (self.secret("access"), self.secret("refresh"));
        let token = Token {
            client,
            user,
            scopes,
            expires: now.mono + Duration::from_secs(options.token_lifetime),
            revoked: false,
            refresh,
            refresh_expires: now.mono + Duration::from_secs(options.refresh_lifetime),
        };
        let answer = granted(&access, &token, now);
        self.tokens.insert(access, token);
        self.tokens_issued += 1;
        answer
    }

    /// What the `Authorization` header is worth now.
    pub fn bearer(&self, headers: &HeaderMap, now: Moment) -> Bearer {
        let sent = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
        let Some(("Bearer", access)) = sent.and_then(|v| v.split_once(' ')) else { return Bearer::Missing };
        match self.tokens.get(access.trim()) {
            None => Bearer::Invalid,
            Some(token) if token.revoked => Bearer::Revoked,
            Some(token) if token.expires <= now.mono => Bearer::Expired,
            Some(token) => Bearer::Valid { user: token.user.clone(), scopes: token.scopes.clone() },
        }
    }

    /// All tokens, access and refresh, are worthless from now on.
    pub fn revoke_all(&mut self) {
        for token in self.tokens.values_mut() {
            token.revoked = true;
        }
    }

    /// All registered clients are gone too.
    pub fn forget_clients(&mut self) {
        self.clients.clear();
    }

    /// Numbers for `state()`; never a token.
    pub fn summary(&self, now: Moment) -> Value {
        let alive = self.tokens.values().filter(|t| !t.revoked && t.expires > now.mono).count();
        let clients: BTreeSet<&str> = self.clients.values().map(|c| c.name.as_str()).collect();
        json!({
            "clients": clients, "activeTokens": alive, "registrations": self.registrations,
            "tokensIssued": self.tokens_issued, "loginsRefused": self.logins_refused
        })
    }
}

fn granted(access: &str, token: &Token, now: Moment) -> Answer {
    let scope: Vec<&str> = token.scopes.iter().map(String::as_str).collect();
    Answer::json(
        200,
        &json!({
            "access_token": access, "refresh_token": token.refresh, "scope": scope.join(" "),
            "token_type": "Bearer", "expires_in": token.expires.saturating_sub(now.mono).as_secs()
        }),
    )
}

/// The policy permission behind a scope: `…/view` or `…/manage` (section 1), in A's words.
fn permission(scope: &str) -> &'static str {
    let views = ["view", "details", "effective-policy", "compliance", "types", "features", "groups:groups"];
    if views.iter().any(|word| scope.contains(word)) { "list" } else { "update" }
}

fn knows(store: &Store, user: &str, password: &str) -> bool {
    !password.is_empty() && store.users.get(user).is_some_and(|u| u.password == password)
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(sent.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (name, secret) = text.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}
