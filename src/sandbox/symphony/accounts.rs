//! Service accounts and their sessions (section 3).

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{jwt::PublicKey, options::SymphonyOptions};

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The number that answers call `creatorId`.
    pub user_id: i64,
    /// The key its logins are signed with.
    pub key: PublicKey,
    /// A deactivated account cannot log in.
    pub active: bool,
    /// Role "Expression Filter Policy Management" (3.5).
    pub policy_management: bool,
    /// A content export user, `ceservice` (3.5).
    pub content_export: bool,
}

/// Which of the two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// From the pod, header `sessionToken`.
    Session,
    /// From the key manager, header `keyManagerToken`.
    KeyManager,
}

impl Kind {
    /// The header the token belongs in, also the `name` in the answer.
    pub fn header(self) -> &'static str {
        match self {
            Self::Session => "sessionToken",
            Self::KeyManager => "keyManagerToken",
        }
    }
}

#[derive(Debug, Clone)]
struct Token {
    account: String,
    until: Duration,
}

/// Accounts by user name, tokens, and how often they were asked for.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// By user name.
    pub by_name: BTreeMap<String, Account>,
    tokens: BTreeMap<(Kind, String), Token>,
    issued: u64,
    logins: BTreeMap<Kind, u64>,
    refused: u64,
}

impl Accounts {
    /// The key of an account that may log in.
    pub fn key(&self, name: &str) -> Option<&PublicKey> {
        self.by_name.get(name).filter(|account| account.active).map(|account| &account.key)
    }

    /// A new token. Older ones live on.
    pub fn issue(&mut self, kind: Kind, name: &str, options: &SymphonyOptions, elapsed: Duration) -> String {
        self.tokens.retain(|_, token| token.until > elapsed);
        self.issued += 1;
        *self.logins.entry(kind).or_default() += 1;
        let life = match kind {
            Kind::Session => options.session_secs,
            Kind::KeyManager => options.key_manager_secs,
        };
        let text = match kind {
            Kind::Session => self.session(name, options.simplified_key_delivery),
            Kind::KeyManager => format!("0100{}", self.opaque("key manager")),
        };
        let token = Token { account: name.to_owned(), until: elapsed + Duration::from_secs(life) };
        self.tokens.insert((kind, text.clone()), token);
        text
    }

    /// Reads as a JWT: clients look for one claim in it (3.4).
    fn session(&self, name: &str, simplified: bool) -> String {
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = part(json!({"typ": "JWT", "alg": "RS512"}));
        let claims = json!({"sub": name, "canUseSimplifiedKeyDelivery": simplified, "jti": self.issued});
        format!("{header}.{}.{}", part(claims), self.opaque("session"))
    }

    /// Never repeats; only as secret as a sandbox needs.
    fn opaque(&self, purpose: &str) -> String {
        blake3::hash(format!("{purpose} {}", self.issued).as_bytes()).to_hex().to_string()
    }

    /// A login that failed.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// The account a living token stands for.
    pub fn holder(&self, kind: Kind, token: &str, elapsed: Duration) -> Option<&str> {
        let token = self.tokens.get(&(kind, token.to_owned())).filter(|token| token.until > elapsed)?;
        Some(&token.account)
    }

    /// Ends one session; false if there was none.
    pub fn log_out(&mut self, kind: Kind, token: &str) -> bool {
        self.tokens.remove(&(kind, token.to_owned())).is_some()
    }

    /// Ends all sessions of these kinds.
    pub fn revoke(&mut self, kinds: &[Kind]) {
        self.tokens.retain(|(kind, _), _| !kinds.contains(kind));
    }

    /// Ends the sessions of one account.
    pub fn revoke_of(&mut self, name: &str) {
        self.tokens.retain(|_, token| token.account != name);
    }

    /// For assertions: no token, no key.
    pub fn state(&self, elapsed: Duration) -> (Value, Value) {
        let accounts = self.by_name.iter().map(|(name, account)| {
            let shown = json!({
                "userId": account.user_id,
                "active": account.active,
                "policyManagement": account.policy_management,
                "contentExport": account.content_export,
            });
            (name.clone(), shown)
        });
        let alive = |wanted: Kind| {
            self.tokens.iter().filter(|((kind, _), token)| *kind == wanted && token.until > elapsed).count()
        };
        let logins = |kind: Kind| self.logins.get(&kind).copied().unwrap_or_default();
        let sessions = json!({
            "sessionLogins": logins(Kind::Session),
            "keyManagerLogins": logins(Kind::KeyManager),
            "loginsRefused": self.refused,
            "sessions": alive(Kind::Session),
            "keyManagerSessions": alive(Kind::KeyManager),
        });
        (accounts.collect::<serde_json::Map<_, _>>().into(), sessions)
    }
}
