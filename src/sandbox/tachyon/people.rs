//! Who may do what: consumers, principals, roles and where they hold (sections 2 and 3).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::options::{TachyonOptions, TokenForm};
use crate::sandbox::rsa::PublicKey;

/// Everything on `GuaranteedState`, `PolicyDeployment`, `PolicyAssignment` and management groups.
pub const READ: &str = "GuaranteedState/Read";
/// See [`READ`].
pub const WRITE: &str = "GuaranteedState/Write";
/// See [`READ`].
pub const DELETE: &str = "GuaranteedState/Delete";
/// See [`READ`].
pub const EXECUTE: &str = "PolicyDeployment/Execute";
/// From 8.0 on.
pub const ASSIGN: &str = "PolicyAssignment/Assign";
/// See [`READ`].
pub const GROUPS: &str = "ManagementGroup/Read";
/// For InitiateSlaSync.
pub const SYNCHRONIZE: &str = "ManagementGroup/Synchronize";

/// Every permission there is.
pub const PERMISSIONS: [&str; 7] = [READ, WRITE, DELETE, EXECUTE, ASSIGN, GROUPS, SYNCHRONIZE];

/// A program that may call the API.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// As registered.
    pub name: String,
    /// Else 401.
    pub enabled: bool,
    /// Else 401.
    pub licensed: bool,
}

/// What an application logs in with.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// base64url of the SHA-1 of its DER: the key id that is mapped to a principal.
    pub thumbprint: String,
    /// Its key.
    pub key: PublicKey,
}

/// Somebody the server knows.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As it is shown.
    pub name: String,
    /// Else no token, and no call.
    pub enabled: bool,
    /// The client assertion id, of an application.
    pub application: Option<String>,
    /// Of an application.
    pub certificate: Option<Certificate>,
}

/// A system role.
#[derive(Debug, Clone)]
pub struct Role {
    /// As the vendor spells it.
    pub name: &'static str,
    /// What it permits.
    pub permissions: &'static [&'static str],
}

/// A principal holds a role on a group.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// Who.
    pub principal: i32,
    /// What.
    pub role: i32,
    /// Where.
    pub group: i32,
}

/// Which groups somebody sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// `None`: all of them.
    only: Option<BTreeSet<i32>>,
    hidden: BTreeSet<i32>,
}

impl Sight {
    /// All groups.
    pub fn all() -> Self {
        Self { only: None, hidden: BTreeSet::new() }
    }

    /// Whether a group is seen.
    pub fn sees(&self, group: i32) -> bool {
        !self.hidden.contains(&group) && self.only.as_ref().is_none_or(|only| only.contains(&group))
    }

    /// Whether every group is seen.
    pub fn is_full(&self) -> bool {
        self.only.is_none() && self.hidden.is_empty()
    }

    /// These groups are not seen either.
    pub fn hide(&mut self, groups: &BTreeSet<i32>) {
        self.hidden.extend(groups);
    }
}

#[derive(Debug, Clone)]
struct Token {
    principal: i32,
    until: Duration,
}

/// Everybody, and the tokens that were given out.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// By lower-case name.
    pub consumers: BTreeMap<String, Consumer>,
    /// By id.
    pub principals: BTreeMap<i32, Principal>,
    /// By id.
    pub roles: BTreeMap<i32, Role>,
    /// By id.
    pub grants: BTreeMap<i32, Grant>,
    tokens: BTreeMap<String, Token>,
    used: BTreeSet<String>,
    issued: u64,
    /// Logins that were refused.
    pub refused: u64,
    ready: Option<String>,
}

impl People {
    /// The principal behind an application id.
    pub fn application(&self, application: &str) -> Option<(i32, &Principal)> {
        let mut known = self.principals.iter();
        let found = known.find(|(_, one)| one.application.as_deref() == Some(application))?;
        Some((*found.0, found.1)).filter(|(_, principal)| principal.enabled)
    }

    /// False if an assertion with this `jti` was taken before.
    pub fn first_use(&mut self, jti: &str) -> bool {
        self.used.insert(jti.to_owned())
    }

    /// Whether somebody's roles permit something anywhere.
    pub fn permits(&self, principal: i32, permission: &str) -> bool {
        let held = self.grants.values().filter(|grant| grant.principal == principal);
        held.filter_map(|grant| self.roles.get(&grant.role))
            .any(|role| role.permissions.contains(&permission))
    }

    /// The groups somebody holds a role on; all of them through the group of all devices.
    pub fn sight(&self, principal: i32, all_devices: Option<i32>) -> Sight {
        let held = self.grants.values().filter(|grant| grant.principal == principal);
        let groups: BTreeSet<i32> = held.map(|grant| grant.group).collect();
        let full = all_devices.is_some_and(|all| groups.contains(&all));
        Sight { only: (!full).then_some(groups), hidden: BTreeSet::new() }
    }

    /// A new token; older ones live on.
    pub fn issue(
        &mut self,
        principal: i32,
        options: &TachyonOptions,
        (now, elapsed): (Timestamp, Duration),
        secs: u64,
    ) -> String {
        self.tokens.retain(|_, token| token.until > elapsed);
        self.issued += 1;
        let opaque = blake3::hash(format!("token {}", self.issued).as_bytes()).to_hex().to_string();
        let until = now.saturating_add(SignedDuration::from_secs(secs.try_into().unwrap_or(i64::MAX)));
        let text = dressed(options.token_form, opaque, until.unwrap_or(now));
        let token = Token { principal, until: elapsed.saturating_add(Duration::from_secs(secs)) };
        self.tokens.insert(text.clone(), token);
        text
    }

    /// The token that somebody made elsewhere for this principal, a living one.
    pub fn ready(&mut self, principal: i32, options: &TachyonOptions, time: (Timestamp, Duration)) -> String {
        if let Some(ready) = self.ready.clone().filter(|ready| self.holder(ready, time.1).is_some()) {
            return ready;
        }
        let fresh = self.issue(principal, options, time, options.ready_token_secs);
        self.ready = Some(fresh.clone());
        fresh
    }

    /// Who a living token stands for.
    pub fn holder(&self, token: &str, elapsed: Duration) -> Option<i32> {
        let token = self.tokens.get(token).filter(|token| token.until > elapsed)?;
        Some(token.principal).filter(|id| self.principals.get(id).is_some_and(|one| one.enabled))
    }

    /// Ends one token.
    pub fn log_out(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// Ends all tokens.
    pub fn revoke(&mut self) {
        self.tokens.clear();
    }

    /// For assertions: no token.
    pub fn sessions(&self, elapsed: Duration) -> Value {
        let alive = self.tokens.values().filter(|token| token.until > elapsed);
        let names = alive.filter_map(|token| self.principals.get(&token.principal)).map(|one| &one.name);
        json!({
            "tokensIssued": self.issued,
            "loginsRefused": self.refused,
            "alive": names.collect::<Vec<_>>(),
        })
    }
}

/// The forms in which third parties look for the end of a token's life (section 2).
fn dressed(form: TokenForm, opaque: String, until: Timestamp) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    match form {
        TokenForm::Opaque => opaque,
        TokenForm::Expiration => format!("{}.{opaque}", part(json!({"Expiration": until.to_string()}))),
        TokenForm::Jwt => {
            format!("{}.{}.{opaque}", part(json!({"alg": "RS256"})), part(json!({"exp": until.as_second()})))
        }
    }
}
