//! One server behind its lock: how a request becomes a call, and a call an answer.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, header};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    Moment,
    answer::{Answer, Refusal, envelope, policy_code},
    dates,
    estate::Estate,
    options::{AppShieldOptions, DeleteAbsent, LogoutOfNobody, Rights},
    present, reads,
    routes::{self, Op},
    save::{Done, Saving},
    sessions::Sessions,
    trouble::{self, Force, Stored, Struck},
};
use crate::sandbox::faults::When;

/// Where requests come from unless something says otherwise.
const HERE: &str = "127.0.0.1";

/// A request, its body read.
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Everything that changes.
pub struct Inner {
    pub options: AppShieldOptions,
    pub estate: Estate,
    pub sessions: Sessions,
    pub forced: Vec<(When, Force)>,
    pub counters: Counters,
}

/// How often what happened, for assertions.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    pub logins: u64,
    pub logins_refused: u64,
    pub logouts: u64,
    pub refreshes: u64,
    pub templates: u64,
    pub creates: u64,
    pub updates: u64,
    pub deletes: u64,
    /// Saves that were refused.
    pub saves_refused: u64,
    /// Calls with a token that is no session's.
    pub invalid_sessions: u64,
}

/// A call with everything it needs to know.
pub struct Call {
    pub op: Op,
    pub body: Map<String, Value>,
    place: String,
    pub now: Moment,
    stored: Stored,
}

impl Call {
    /// The token, which counts only in the body and only as `sessionToken` (section 2).
    fn token(&self) -> &str {
        self.body.get("sessionToken").and_then(Value::as_str).unwrap_or_default()
    }

    /// The body in the call's own fields.
    fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_value(Value::Object(self.body.clone()))
            .map_err(|error| Refusal::Malformed(error.to_string()))
    }
}

impl Inner {
    /// Answers any request; true: with the members of objects in another order.
    pub fn handle(&mut self, request: &Request, now: Moment) -> (Answer, bool) {
        self.sessions.settle(now.mono);
        let struck = trouble::strike(&mut self.forced, &request.method, &request.uri);
        if struck.revoked {
            self.sessions.end_all();
        }
        let reordered = struck.reordered;
        let answer = match self.call(request, &struck, now) {
            Ok(call) => self.answer(&call, struck),
            Err(refused) => refused,
        };
        (answer, reordered)
    }

    /// What the web server and its framework let through: POST and JSON (section 2).
    fn call(&self, request: &Request, struck: &Struck, now: Moment) -> Result<Call, Answer> {
        let Some(op) = routes::find(&self.options, request.uri.path()) else {
            return Err(Answer::page(404, "File or directory not found."));
        };
        if request.method != Method::POST {
            let text = format!("The requested resource does not support http method '{}'.", request.method);
            return Err(Answer::framework(405, &text));
        }
        let content_type = text(&request.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let text = format!("The request entity's media type '{essence}' is not supported.");
            return Err(Answer::framework(415, &text));
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
            return Err(Answer::framework(400, "The request is invalid. The body is no JSON object."));
        };
        let forwarded = text(&request.headers, "x-forwarded-for");
        let forwarded = forwarded.and_then(|all| all.split(',').next()).map(str::trim);
        let place = struck.address.as_deref().or(forwarded).unwrap_or(HERE).to_owned();
        Ok(Call { op, body, place, now, stored: struck.stored })
    }

    fn answer(&mut self, call: &Call, struck: Struck) -> Answer {
        let outcome = match &struck.error {
            Some(error) if !error.effect => Ok(Value::Null),
            _ => self.perform(call),
        };
        let outcome = match struck.error {
            Some(error) => Err(Refusal::Coded { status: 200, code: error.code, message: error.message }),
            None => outcome,
        };
        match outcome {
            Ok(json) => Answer::ok(json),
            Err(why) => Answer::refused(&self.options, call.op, &call.body, why),
        }
    }

    fn perform(&mut self, call: &Call) -> Result<Value, Refusal> {
        match call.op {
            Op::DoLogin => self.login(call),
            Op::DoLogout => self.logout(call),
            Op::ValidSession => {
                let user = self.session(call)?;
                Ok(self.login_answer(call.token(), &user, call.now))
            }
            Op::CheckSession => {
                self.session(call)?;
                Ok(json!({"IsValid": true, "ErrorCode": 0, "ErrorMessage": null}))
            }
            Op::RefreshSession => {
                self.session(call)?;
                self.sessions.refresh(&self.options, call.token(), call.now.mono);
                self.counters.refreshes += 1;
                Ok(envelope(json!(0), ""))
            }
            Op::ResetPassport => self.reset_passport(call),
            Op::NewPolicy => self.template(call),
            Op::SavePolicy => self.save(call).inspect_err(|_| self.counters.saves_refused += 1),
            Op::PolicyList | Op::GetPolicy | Op::GroupList | Op::ContactList => {
                self.administrator(call)?;
                reads::answer(&self.options, &self.estate, call)
            }
            Op::DeletePolicy => self.delete(call),
        }
    }

    /// The user of the token, if it is a session's.
    fn session(&mut self, call: &Call) -> Result<String, Refusal> {
        let session = self.sessions.used(&self.options, call.token(), &call.place, call.now);
        let user = session.map(|session| session.user.clone());
        user.filter(|id| self.estate.users.contains_key(id)).ok_or_else(|| {
            self.counters.invalid_sessions += 1;
            Refusal::invalid_session(&self.options)
        })
    }

    /// The same, if the user may manage (section 3.1).
    fn administrator(&mut self, call: &Call) -> Result<String, Refusal> {
        let user = self.session(call)?;
        if self.options.rights == Rights::Enforced && !self.estate.is_admin(&user) {
            let text = "You do not have permission to perform this action.";
            return Err(Refusal::new(&self.options, self.options.codes.missing_rights, text));
        }
        Ok(user)
    }

    fn login(&mut self, call: &Call) -> Result<Value, Refusal> {
        let sent = call.read()?;
        let opened = self.sessions.login(&self.options, &self.estate, &sent, &call.place, call.now);
        let token = opened.inspect_err(|_| self.counters.logins_refused += 1)?;
        self.counters.logins += 1;
        let session = self.sessions.used(&self.options, &token, &call.place, call.now);
        let user = session.map(|session| session.user.clone()).unwrap_or_default();
        Ok(self.login_answer(&token, &user, call.now))
    }

    fn login_answer(&self, token: &str, user: &str, now: Moment) -> Value {
        let contact = self.estate.users.get(user).map(|found| present::contact(&self.estate, user, found));
        json!({
            "ErrorCode": 0, "ErrorMessage": "", "LoginSession": self.sessions.login_session(token, now),
            "LoginUser": contact, "isPassportExpiredBase": false, "isPassportFirstRun": false,
            "LicensePortalAddress": ""
        })
    }

    fn logout(&mut self, call: &Call) -> Result<Value, Refusal> {
        let session = self.session(call);
        if self.options.logout_of_nobody == LogoutOfNobody::Refused {
            session?;
        }
        self.sessions.end(call.token());
        self.counters.logouts += 1;
        Ok(envelope_of_null())
    }

    fn reset_passport(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.session(call)?;
        self.sessions.rebuild_passport(&self.estate, call.token());
        if self.options.passport_logs_out {
            self.sessions.end(call.token());
        }
        Ok(envelope(json!(0), ""))
    }

    fn template(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.administrator(call)?;
        self.counters.templates += 1;
        let (zone, wall) = (self.options.zone_minutes, call.now.wall);
        Ok(present::template(&dates::iso(zone, wall), &dates::american(zone, wall)))
    }

    fn save(&mut self, call: &Call) -> Result<Value, Refusal> {
        let sent = call.read()?;
        let user = self.administrator(call)?;
        let Self { options, estate, .. } = self;
        let mut saving = Saving { options, estate, user: &user, now: call.now, stored: call.stored };
        let (policy, done) = saving.save(sent)?;
        match done {
            Done::Created => self.counters.creates += 1,
            Done::Updated => self.counters.updates += 1,
            Done::Nothing => {}
        }
        Ok(present::policy(&self.estate, &self.options, &policy))
    }

    fn delete(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.administrator(call)?;
        let gone = reads::id(&self.options, call).and_then(|id| self.estate.policies.remove(id));
        if gone.is_none() && self.options.delete_absent == DeleteAbsent::Error {
            return Err(reads::unknown(&self.options));
        }
        self.counters.deletes += u64::from(gone.is_some());
        Ok(envelope(policy_code(&self.options, json!(0)), ""))
    }
}

/// Some successes say null where others say nothing (section 7).
fn envelope_of_null() -> Value {
    json!({"ErrorCode": 0, "ErrorMessage": null})
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
