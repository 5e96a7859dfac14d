//! One request: parsed, authorised, handed to its dialect.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{
    Inner, admin,
    answer::{self, Answer},
    apply::Outcome,
    auth::Bearer,
    directory, list,
    options::Wso2Options,
    route::{self, Op, Route},
    rows::Moment,
    store::Store,
    v1,
};

/// A request, its body read.
pub(super) struct Request {
    pub method: Method,
    pub path: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Request {
    /// Takes an HTTP request apart; segments are decoded, empty ones dropped.
    pub fn new(parts: &http::request::Parts, body: Vec<u8>) -> Self {
        let decode = |s: &str| percent_decode_str(s).decode_utf8_lossy().into_owned();
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().split('/').filter(|s| !s.is_empty()).map(decode).collect(),
            query: form(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers.clone(),
            body,
        }
    }
}

fn form(text: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// An authorised call.
pub(super) struct Call<'a> {
    pub options: &'a Wso2Options,
    pub store: &'a mut Store,
    pub request: &'a Request,
    pub user: String,
    pub outcome: Outcome,
    pub now: Moment,
}

impl Call<'_> {
    /// An integer of the query; absent is 0, anything else than a number matches no resource.
    pub fn number(&self, key: &str) -> Result<i64, Answer> {
        let Some(text) = self.request.query.get(key) else { return Ok(0) };
        text.parse().map_err(|_| answer::not_found(self.options, &self.request.headers))
    }

    /// A text of the query.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.request.query.get(key).map(String::as_str)
    }
}

/// Answers any request.
pub(super) fn serve(inner: &mut Inner, request: &Request, now: Moment) -> Answer {
    inner.store.settle(&inner.options, now);
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    if let Some(answer) = session(inner, request, &path, now) {
        return answer;
    }
    let op = match route::route(&inner.options, &request.method, &path) {
        Route::Found(op) => op,
        Route::WrongMethod => {
            return Answer::typed(405, "text/html", answer::page(405, "Method Not Allowed"));
        }
        Route::Unknown => return answer::not_found(&inner.options, &request.headers),
    };
    match allowed(inner, request, &op, now) {
        Ok(user) => perform(inner, request, user, op, now),
        Err(refusal) => refusal,
    }
}

/// Registration and tokens.
fn session(inner: &mut Inner, request: &Request, path: &[&str], now: Moment) -> Option<Answer> {
    let Inner { options, store, accounts, .. } = inner;
    let admin = options.dialect.is_admin();
    let plain = admin || !options.gateway;
    let known = match path {
        ["dynamic-client-web", "register"] => admin,
        ["api-application-registration", "register"] => !admin,
        ["oauth2", "token"] => plain,
        ["token"] => !plain,
        _ => false,
    };
    if !known {
        return None;
    }
    if request.method != Method::POST {
        return Some(Answer::typed(405, "text/html", answer::page(405, "Method Not Allowed")));
    }
    Some(match path {
        ["dynamic-client-web", _] => accounts.register_dynamic(options, &request.body),
        [_, "register"] => accounts.register_application(options, store, &request.headers, &request.body),
        _ => accounts.token(options, store, &request.headers, &form(&request.body), now),
    })
}

/// The user of the token, if the token is good for `op`.
fn allowed(inner: &mut Inner, request: &Request, op: &Op, now: Moment) -> Result<String, Answer> {
    let bearer = inner.accounts.bearer(&request.headers, now);
    let options = &inner.options;
    if options.dialect.is_admin() || !options.gateway {
        return plainly(inner, request, op, bearer);
    }
    if inner.throttled > 0 {
        inner.throttled -= 1;
        return Err(answer::fault(options, &request.headers, 429, 900_800, "Message throttled out"));
    }
    let fault = |status, code, text: &str| Err(answer::fault(options, &request.headers, status, code, text));
    match bearer {
        Bearer::Missing => fault(401, 900_902, "Missing Credentials"),
        Bearer::Invalid => fault(401, 900_901, "Invalid Credentials"),
        Bearer::Expired => fault(401, options.expired_code, "Access Token Expired"),
        Bearer::Revoked => fault(401, options.revoked_code, "Access Token Inactive"),
        Bearer::Valid { .. } if !options.subscribed => fault(403, 900_908, "Resource forbidden"),
        Bearer::Valid { user, scopes } => {
            let needed = route::scopes(options.dialect, op);
            let held = needed.is_empty() || needed.iter().any(|scope| scopes.contains(*scope));
            if held || !options.enforce_scopes {
                return Ok(user);
            }
            fault(403, 900_910, "The access token does not allow you to access the requested resource")
        }
    }
}

/// A, and B without the gateway: a 401 for everything, its text tells why.
fn plainly(inner: &Inner, request: &Request, op: &Op, bearer: Bearer) -> Result<String, Answer> {
    let options = &inner.options;
    let texts = &options.unauthorized_texts;
    let refuse = |text: &str| Err(answer::unauthorized(&request.headers, text));
    match bearer {
        Bearer::Missing => refuse(&texts.missing),
        Bearer::Invalid | Bearer::Revoked => refuse(&texts.invalid),
        Bearer::Expired => refuse(&texts.expired),
        Bearer::Valid { .. } if !options.dialect.is_admin() && !options.direct_accepts_tokens => {
            refuse(&texts.invalid)
        }
        Bearer::Valid { user, .. } => {
            let needed = route::permissions(op);
            let held = needed.is_empty() || needed.iter().any(|p| inner.store.may(&user, p));
            if held { Ok(user) } else { refuse(&texts.permission) }
        }
    }
}

fn perform(inner: &mut Inner, request: &Request, user: String, op: Op, now: Moment) -> Answer {
    let content_type = request.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_json = content_type.is_some_and(|t| t.starts_with("application/json"));
    if !request.body.is_empty() && !is_json {
        return Answer::typed(415, "text/html", answer::page(415, "Unsupported Media Type"));
    }
    let outcome = if op == Op::Apply { inner.next_outcome() } else { Outcome::Done };
    let Inner { options, store, .. } = inner;
    list::refresh(store, options, now);
    let mut call = Call { options, store, request, user, outcome, now };
    let result = match op {
        Op::DeviceTypes | Op::Features(_) | Op::Roles | Op::Users | Op::Groups => {
            directory::answer(&call, &op)
        }
        op if call.options.dialect.is_admin() => admin::answer(&mut call, op),
        op => v1::answer(&mut call, op),
    };
    result.unwrap_or_else(|refusal| refusal)
}
