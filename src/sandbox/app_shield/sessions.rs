//! Logins and the life of their tokens (section 3).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Moment,
    answer::Refusal,
    dates,
    estate::{Estate, User},
    options::{AppShieldOptions, ForcedLogin, PolicyEffect, SecondLocation, UnforcedLogin},
};

/// The code of a wrong password, one of the few that are published (section 3.1).
const LOGIN_FAILED: i64 = 101;
const LOGIN_FAILED_TEXT: &str = "Login Failed - Username or Password is invalid.";

/// What tokens are made of (section 3.1): `[` is why they must never get into a URL.
const ALPHABET: &[u8; 27] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ[";

/// The body of DoLogin (section 3.1).
#[derive(Debug, Default, Deserialize)]
pub struct Login {
    #[serde(rename = "UserId")]
    user: Option<String>,
    #[serde(rename = "UserPassword")]
    password: Option<String>,
    #[serde(rename = "isGuest")]
    guest: Option<bool>,
    #[serde(rename = "bolForceLogin")]
    force: Option<bool>,
}

/// A session that is not over.
#[derive(Debug, Clone)]
pub struct Session {
    /// The user's id.
    pub user: String,
    expires: Duration,
    /// The network location it is used from, and those it was taken away from.
    place: String,
    left: BTreeSet<String>,
    /// What filtered the user's queries when the passport was built.
    passport: Vec<Value>,
}

/// The living sessions by token, and what was tried.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    alive: BTreeMap<String, Session>,
    /// Wrong passwords in a row by login name, with the moment of the last.
    failures: BTreeMap<String, (u32, Duration)>,
    issued: u64,
}

impl Sessions {
    /// Takes away what is over.
    pub fn settle(&mut self, now: Duration) {
        self.alive.retain(|_, session| session.expires > now);
    }

    /// DoLogin: a token, or why not.
    ///
    /// # Errors
    /// Code 101 for whatever is wrong with name, password or guest; other codes are invented.
    pub fn login(
        &mut self,
        options: &AppShieldOptions,
        estate: &Estate,
        sent: &Login,
        place: &str,
        now: Moment,
    ) -> Result<String, Refusal> {
        let name = sent.user.as_deref().unwrap_or_default();
        if self.is_locked(options, name, now.mono) {
            return Err(Refusal::login(options.codes.locked_out, LOGIN_FAILED_TEXT));
        }
        let password = sent.password.as_deref().unwrap_or_default();
        let known = estate.by_login(name).filter(|(_, user)| knows(user, password));
        let Some((id, user)) = known.filter(|_| sent.guest != Some(true)) else {
            let failures = self.failures.entry(name.to_owned()).or_default();
            *failures = (failures.0.saturating_add(1), now.mono);
            return Err(Refusal::login(LOGIN_FAILED, LOGIN_FAILED_TEXT));
        };
        if user.two_factor {
            return Err(Refusal::login(options.codes.two_factor, "Two-factor code required."));
        }
        let forced = sent.force == Some(true);
        let elsewhere = self.alive.values().any(|session| session.user == *id);
        if elsewhere && !forced && options.unforced_login == UnforcedLogin::Refused {
            return Err(Refusal::login(options.codes.already_logged_in, "User is already logged in."));
        }
        if forced {
            self.force(options, id);
        }
        self.failures.remove(name);
        Ok(self.open(options, estate, id, place, now))
    }

    fn is_locked(&self, options: &AppShieldOptions, name: &str, now: Duration) -> bool {
        let locked_until = |last: Duration| last.saturating_add(Duration::from_secs(options.lockout_secs));
        options.lockout_after.is_some_and(|limit| {
            self.failures.get(name).is_some_and(|(count, last)| *count >= limit && now < locked_until(*last))
        })
    }

    /// A session of a user who has proved to be that user.
    pub fn open(
        &mut self,
        options: &AppShieldOptions,
        estate: &Estate,
        user: &str,
        place: &str,
        now: Moment,
    ) -> String {
        self.issued += 1;
        let token = token(self.issued, options.token_length);
        let session = Session {
            user: user.to_owned(),
            expires: until(options, now.mono),
            place: place.to_owned(),
            left: BTreeSet::new(),
            passport: estate.filters(user),
        };
        self.alive.insert(token.clone(), session);
        token
    }

    /// The session of a token used from `place`, unless it is over.
    pub fn used(
        &mut self,
        options: &AppShieldOptions,
        token: &str,
        place: &str,
        now: Moment,
    ) -> Option<&Session> {
        let session = self.alive.get_mut(token)?;
        if session.place != place {
            match options.second_location {
                SecondLocation::Ignored => {}
                SecondLocation::Moves if !session.left.contains(place) => {
                    session.left.insert(std::mem::replace(&mut session.place, place.to_owned()));
                }
                SecondLocation::Moves => return None,
                SecondLocation::Ends => {
                    self.alive.remove(token);
                    return None;
                }
            }
        }
        if options.use_extends {
            self.refresh(options, token, now.mono);
        }
        self.alive.get(token)
    }

    /// RefreshSession: the window begins anew, the token stays (section 3.2).
    pub fn refresh(&mut self, options: &AppShieldOptions, token: &str, now: Duration) {
        if let Some(session) = self.alive.get_mut(token) {
            session.expires = until(options, now);
        }
    }

    /// The session's permissions are read again.
    pub fn rebuild_passport(&mut self, estate: &Estate, token: &str) {
        if let Some(session) = self.alive.get_mut(token) {
            session.passport = estate.filters(&session.user);
        }
    }

    /// DoLogout.
    pub fn end(&mut self, token: &str) {
        self.alive.remove(token);
    }

    /// Nobody is logged in any more.
    pub fn end_all(&mut self) {
        self.alive.clear();
    }

    /// What `bolForceLogin: true` does to the account's other sessions (section 3.2).
    pub fn force(&mut self, options: &AppShieldOptions, user: &str) {
        if options.forced_login == ForcedLogin::EndsOthers {
            self.end_all_of(user);
        }
    }

    /// One account is not logged in any more.
    pub fn end_all_of(&mut self, user: &str) {
        self.alive.retain(|_, session| session.user != user);
    }

    /// `LoginSession` (section 3.1). `SessionTimeLeft` is 0 in the sample of a new session.
    pub fn login_session(&self, token: &str, now: Moment) -> Value {
        let expires = self.alive.get(token).map_or(now.mono, |session| session.expires);
        let left = expires.saturating_sub(now.mono);
        let at = now.wall.checked_add(left).unwrap_or(now.wall);
        json!({
            "ErrorCode": 0, "ErrorMessage": "", "SessionToken": token, "SessionFlag": 0,
            "SessionTimeLeft": 0, "isGuestSession": false, "SessionExpir": dates::expiry(at)
        })
    }

    /// For assertions: who is logged in and what filters their queries; never a token.
    pub fn summary(&self, options: &AppShieldOptions, estate: &Estate, now: Duration) -> Value {
        let login = |id: &str| estate.users.get(id).map(|user| user.login.clone());
        let filters = |session: &Session| match options.policy_effect {
            PolicyEffect::AtOnce => estate.filters(&session.user),
            PolicyEffect::Passport => session.passport.clone(),
        };
        let mut sessions: Vec<(u64, Value)> = self
            .alive
            .values()
            .map(|session| {
                let left = session.expires.saturating_sub(now).as_secs();
                let shown = json!({
                    "user": login(&session.user), "place": session.place, "secondsLeft": left,
                    "filters": filters(session)
                });
                (left, shown)
            })
            .collect();
        sessions.sort_by_key(|(left, shown)| (*left, shown.to_string()));
        sessions.into_iter().map(|(_, shown)| shown).collect()
    }
}

fn until(options: &AppShieldOptions, now: Duration) -> Duration {
    now.saturating_add(Duration::from_secs(options.session_secs))
}

fn knows(user: &User, password: &str) -> bool {
    !password.is_empty() && user.password.expose_str() == Some(password)
}

/// Never repeats, always holds a `[`; only as secret as a sandbox needs.
fn token(number: u64, length: usize) -> String {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(format!("session {number}").as_bytes()).finalize_xof().fill(&mut bytes);
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().unwrap_or(b'A');
    let mut token: String = bytes.into_iter().map(|byte| char::from(letter(byte))).collect();
    if !token.contains('[') && token.pop().is_some() {
        token.push('[');
    }
    token
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_looks_like_the_samples() {
        for length in [25, 23] {
            let token = token(1, length);
            assert_eq!(token.len(), length);
            assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)) && token.contains('['), "{token}");
        }
        assert_ne!(token(1, 25), token(2, 25));
    }
}
