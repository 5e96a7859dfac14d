//! One server behind its lock: who is asked what, and may they.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{
    answer::{Answer, Failure},
    body, console,
    estate::{Estate, Hand},
    force::{self, Force},
    options::{AssignRight, Bearer, TachyonOptions},
    people::{ASSIGN, People, Sight},
    portal,
    routes::{self, Needs},
};
use crate::sandbox::faults::When;

const CONSUMER: &str = "X-Tachyon-Consumer";
const TOKEN: &str = "X-Tachyon-Authenticate";

/// A request with the time it came in, and what is known of its caller.
pub struct Call {
    /// The method.
    pub method: Method,
    /// As on the wire.
    pub uri: Uri,
    /// As on the wire.
    pub headers: HeaderMap,
    /// As on the wire.
    pub body: Bytes,
    /// The segments of the path, decoded; without `Consumer` once routed.
    pub path: Vec<String>,
    /// The query, names in lower case.
    pub query: BTreeMap<String, String>,
    /// The server's wall clock.
    pub now: Timestamp,
    /// The monotonic clock.
    pub elapsed: Duration,
    /// What strikes this request.
    pub struck: Vec<Force>,
    /// The principal; known once authenticated.
    pub principal: i32,
    /// Whether roles permit the caller to change assignments too.
    pub may_assign: bool,
    /// The groups the caller sees.
    pub sight: Sight,
    by: String,
}

impl Call {
    /// A request before it is routed.
    pub fn new(parts: http::request::Parts, body: Bytes, now: Timestamp, elapsed: Duration) -> Self {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Self {
            path: parts.uri.path().split('/').filter(|one| !one.is_empty()).map(decode).collect(),
            query: query.into_owned().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            now,
            elapsed,
            struck: Vec::new(),
            principal: 0,
            may_assign: false,
            sight: Sight::all(),
            by: String::new(),
        }
    }

    /// The path in lower case: case does not matter (section 1).
    pub fn lower(&self) -> Vec<String> {
        self.path.iter().map(|one| one.to_ascii_lowercase()).collect()
    }

    /// The id at a position of the path.
    ///
    /// # Errors
    /// 400 for what is no id.
    pub fn id(&self, at: usize) -> Result<i32, Failure> {
        let text = self.path.get(at).map(String::as_str).unwrap_or_default();
        let id = text.parse();
        id.map_err(|_| Failure::malformed(format!("{text:?} is not an id.")).about(text))
    }

    /// A yes or no at a position of the path.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn flag(&self, at: usize) -> Result<bool, Failure> {
        let text = self.path.get(at).map(|one| one.to_ascii_lowercase()).unwrap_or_default();
        text.parse().map_err(|_| Failure::malformed(format!("{text:?} is neither true nor false.")))
    }

    /// The body as an array of ids.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn ids(&self) -> Result<Vec<i32>, Failure> {
        body::ids(&self.body)
    }

    /// Whether this write stops half way.
    pub fn breaks(&self) -> bool {
        self.struck.contains(&Force::PartialWrite)
    }

    /// The caller, now.
    pub fn hand(&self) -> Hand {
        Hand { by: self.by.clone(), now: self.now, elapsed: self.elapsed }
    }
}

/// Everything that changes.
pub struct Inner {
    /// The switches.
    pub options: TachyonOptions,
    /// What is configured.
    pub estate: Estate,
    /// Who may do what.
    pub people: People,
    /// Faults that only this double knows.
    pub forced: Vec<(When, Force)>,
}

impl Inner {
    /// Answers a request.
    ///
    /// # Errors
    /// The refusal to send.
    pub fn handle(&mut self, call: &mut Call) -> Result<Answer, Failure> {
        self.estate.fleet.settle(call.elapsed);
        call.struck = force::strike(&mut self.forced, &call.method, &call.uri);
        self.before(call);
        if let Some(answer) = portal::answer(self, call) {
            return answer;
        }
        let nothing = || Failure::new(404, "Request.NotFound", "There is nothing here.");
        if call.path.first().is_none_or(|first| !first.eq_ignore_ascii_case("consumer")) {
            return Err(nothing());
        }
        call.path.remove(0);
        let path = call.lower();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some((handler, needs)) = routes::find(&self.options, call.method.as_str(), &path) else {
            return Err(match routes::is_known(&self.options, &path) {
                true => Failure::new(405, "Request.MethodNotAllowed", "The method is not allowed here."),
                false => nothing(),
            });
        };
        self.admit(call, needs)?;
        let answer = handler(self, call)?;
        match call.breaks() && needs.is_write() {
            true => Err(Failure::new(500, "Server.Error", "The operation was not completed.")),
            false => Ok(answer),
        }
    }

    /// What happens just before the request: tokens die, others edit.
    fn before(&mut self, call: &Call) {
        for force in &call.struck {
            match force {
                Force::RevokeSession => self.people.revoke(),
                Force::ForeignEdit(change) => {
                    if let Err(problem) = console::patch(self, change.clone(), call.now, call.elapsed) {
                        tracing::warn!(%problem, "a foreignEdit could not be made");
                    }
                }
                _ => {}
            }
        }
    }

    /// Consumer, then token, then permission: all of them 401 (section 11).
    fn admit(&self, call: &mut Call, needs: Needs) -> Result<(), Failure> {
        if needs != Needs::NoConsumer {
            self.consumer(call)?;
        }
        call.principal = self.caller(call)?;
        let principal = self.people.principals.get(&call.principal);
        call.by = principal.map(|one| one.name.clone()).unwrap_or_default();
        call.sight = self.sight(call);
        call.may_assign = !self.options.scoped() || self.permits(call, ASSIGN);
        match needs {
            Needs::NoConsumer | Needs::Token => Ok(()),
            Needs::Permission(permission) => self.require(call, permission),
            Needs::Assign(permission) => {
                if self.options.scoped() {
                    self.require(call, ASSIGN)?;
                    if self.options.assign_right == AssignRight::AssignAlone {
                        return Ok(());
                    }
                }
                self.require(call, permission)
            }
        }
    }

    /// The consumer must be registered, licensed and enabled; case does not matter (section 2).
    ///
    /// # Errors
    /// 401.
    pub fn consumer(&self, call: &Call) -> Result<(), Failure> {
        let refuse = |code, message: &str| Err(Failure::unauthorized(code, message));
        let Some(name) = call.headers.get(CONSUMER).and_then(|value| value.to_str().ok()) else {
            return refuse("Consumer.Missing", "The header X-Tachyon-Consumer is missing.");
        };
        match self.people.consumers.get(&name.to_ascii_lowercase()) {
            None => refuse("Consumer.NotRegistered", "The consumer is not registered."),
            Some(one) if !one.licensed => refuse("Consumer.NotLicensed", "The consumer is not licensed."),
            Some(one) if !one.enabled || call.struck.contains(&Force::ConsumerDisabled) => {
                refuse("Consumer.Disabled", "The consumer is disabled.")
            }
            Some(_) => Ok(()),
        }
    }

    /// The token a client sent.
    pub fn token<'a>(&self, call: &'a Call) -> Option<&'a str> {
        let own = call.headers.get(TOKEN).and_then(|value| value.to_str().ok());
        let bearer = call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|text| text.strip_prefix("Bearer "));
        own.or(bearer.filter(|_| self.options.bearer == Bearer::Honoured))
    }

    /// The principal behind the token.
    ///
    /// # Errors
    /// 401.
    pub fn caller(&self, call: &Call) -> Result<i32, Failure> {
        let token = self.token(call).ok_or_else(|| {
            Failure::unauthorized("Authentication.NoToken", "There is no authentication token.")
        })?;
        self.people.holder(token, call.elapsed).ok_or_else(|| {
            Failure::unauthorized("Authentication.InvalidToken", "The token is unknown or expired.")
        })
    }

    /// Whether roles permit the caller something, and no fault takes it away.
    pub fn permits(&self, call: &Call, permission: &str) -> bool {
        let removed = |force: &Force| matches!(force, Force::PermissionRemoved(one) if one == permission);
        self.people.permits(call.principal, permission) && !call.struck.iter().any(removed)
    }

    /// Refuses a caller without a permission.
    ///
    /// # Errors
    /// 401: 403 is never mentioned (section 3).
    pub fn require(&self, call: &Call, permission: &str) -> Result<(), Failure> {
        if self.permits(call, permission) {
            return Ok(());
        }
        let message = format!("The caller does not have the permission {permission}.");
        Err(Failure::unauthorized("Permission.Denied", message).about(permission))
    }

    /// From 8.0 on a caller sees the groups they hold a role on (section 10).
    fn sight(&self, call: &Call) -> Sight {
        let mut sight = match self.options.scoped() {
            true => self.people.sight(call.principal, self.estate.all_devices()),
            false => Sight::all(),
        };
        for force in &call.struck {
            if let Force::HideGroups(names) = force {
                let hidden = |name: &String| console::group(&self.estate, name).ok();
                sight.hide(&names.iter().filter_map(hidden).collect::<BTreeSet<_>>());
            }
        }
        sight
    }

    /// From when on lists show what is made now (F22).
    pub fn visible_from(&self, call: &Call) -> Duration {
        call.elapsed.saturating_add(Duration::from_millis(self.options.new_visible_after_ms))
    }

    /// No object of this kind has the id.
    pub fn unknown(&self, code: &'static str, id: i32) -> Failure {
        let message = format!("There is no object with id {id}.");
        Failure::new(self.options.not_found_status, code, message).about(id)
    }

    /// What the state forbids, or what is there already.
    pub fn conflict(&self, code: &'static str, message: impl Into<String>) -> Failure {
        Failure::new(self.options.conflict_status, code, message)
    }
}
