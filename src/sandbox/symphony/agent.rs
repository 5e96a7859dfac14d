//! The Agent: tokens, entitlement, and which call is answered by what (3.4, 3.5, sections 4 to 6).

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    accounts::{Account, Kind},
    answer::{Answer, Failure},
    dictionaries,
    inner::{Call, Inner},
    options::{Generation, KeyManagerToken, SymphonyOptions},
    policies,
};

type Handler = fn(&mut Inner, &Call) -> Result<Answer, Failure>;

/// EFv3 updates and deletes by POST, EFv2 by PUT and DELETE (sections 4 and 5).
const ROUTES: [(&str, &str, Handler); 21] = [
    ("GET", "v1/dlp/policies", policies::list),
    ("POST", "v1/dlp/policies", policies::create),
    ("GET", "v1/dlp/policies/{id}", policies::read),
    ("PUT", "v1/dlp/policies/{id}", policies::update),
    ("DELETE", "v1/dlp/policies/{id}", policies::delete),
    ("POST", "v1/dlp/policies/{id}/enable", policies::enable),
    ("POST", "v1/dlp/policies/{id}/disable", policies::disable),
    ("GET", "v3/dlp/policies", policies::list),
    ("POST", "v3/dlp/policies", policies::create),
    ("GET", "v3/dlp/policies/{id}", policies::read),
    ("POST", "v3/dlp/policies/{id}/update", policies::update),
    ("POST", "v3/dlp/policies/{id}/delete", policies::delete),
    ("POST", "v3/dlp/policies/{id}/enable", policies::enable),
    ("POST", "v3/dlp/policies/{id}/disable", policies::disable),
    ("GET", "v1/dlp/dictionaries", dictionaries::list),
    ("POST", "v1/dlp/dictionaries", dictionaries::create),
    ("GET", "v1/dlp/dictionaries/{id}", dictionaries::read),
    ("PUT", "v1/dlp/dictionaries/{id}", dictionaries::rename),
    ("DELETE", "v1/dlp/dictionaries/{id}", dictionaries::delete),
    ("GET", "v1/dlp/dictionaries/{id}/data/download", dictionaries::download),
    ("POST", "v1/dlp/dictionaries/{id}/data/upload", dictionaries::upload),
];

/// Answers a call to the Agent.
///
/// # Errors
/// The refusal to send.
pub fn answer(inner: &mut Inner, call: &mut Call) -> Result<Answer, Failure> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let Some(("agent", path)) = path.split_first().map(|(first, rest)| (*first, rest)) else {
        return Err(nothing());
    };
    if path == ["v1", "info"] && call.method == Method::GET {
        return Ok(Answer::Json(json!({"version": inner.options.agent_version})));
    }
    let account = authenticate(inner, call)?;
    let (user, generation) = (account.user_id, generation(path));
    entitled(account, generation, &inner.options)?;
    let (handler, id) = find(&call.method, path, &inner.options)?;
    (call.user, call.id) = (user, id);
    call.generation = generation.unwrap_or_default();
    handler(inner, call)
}

fn nothing() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is nothing here")
}

/// Whose policies a path is about; `None`: dictionaries, or nothing known.
fn generation(path: &[&str]) -> Option<Generation> {
    match path {
        ["v1", "dlp", "policies", ..] => Some(Generation::V1),
        ["v3", "dlp", "policies", ..] => Some(Generation::V3),
        _ => None,
    }
}

/// 401 if a token is missing, unknown or expired (section 13), or if the two are not one caller's.
fn authenticate<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Account, Failure> {
    let holder = |kind: Kind| {
        let token = call.token(kind)?;
        let refusal = || Failure::unauthorized(format!("{} is unknown or expired", kind.header()));
        Some(inner.accounts.holder(kind, token, call.elapsed).ok_or_else(refusal))
    };
    let missing = |kind: Kind| Failure::unauthorized(format!("{} is missing", kind.header()));
    let name = holder(Kind::Session).unwrap_or_else(|| Err(missing(Kind::Session)))?;
    match holder(Kind::KeyManager).transpose()? {
        Some(other) if other != name => {
            return Err(Failure::unauthorized("the tokens are of two accounts"));
        }
        None if key_manager_needed(&inner.options) => return Err(missing(Kind::KeyManager)),
        _ => {}
    }
    let account = inner.accounts.by_name.get(name).filter(|account| account.active);
    account.ok_or_else(|| Failure::unauthorized("the account is not active"))
}

fn key_manager_needed(options: &SymphonyOptions) -> bool {
    match options.key_manager_token {
        KeyManagerToken::Always => true,
        KeyManagerToken::ByVersion => !is_new(&options.agent_version),
        KeyManagerToken::ByDelivery => !is_new(&options.agent_version) || !options.simplified_key_delivery,
    }
}

/// 24.12 or newer, as in `Agent-24.12.3-…`.
fn is_new(version: &str) -> bool {
    let mut parts = version.trim_start_matches("Agent-").split(['.', '-']).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (24, 12),
        _ => false,
    }
}

/// 403 if the account lacks the role or the pod the feature (3.5).
fn entitled(
    account: &Account,
    generation: Option<Generation>,
    options: &SymphonyOptions,
) -> Result<(), Failure> {
    let forbidden = |message: &str| Err(Failure::new(StatusCode::FORBIDDEN, message));
    if !account.policy_management {
        return forbidden("the account lacks the role Expression Filter Policy Management");
    }
    if options.content_export_required && !account.content_export {
        return forbidden("the account is not a content export user");
    }
    let licensed = match generation {
        Some(generation) => options.licensed(generation),
        None => options.v1_licensed || options.v3_licensed,
    };
    if licensed { Ok(()) } else { forbidden("the Expression Filter is not enabled on this pod") }
}

/// The handler of a call and the id in its path.
fn find(method: &Method, path: &[&str], options: &SymphonyOptions) -> Result<(Handler, String), Failure> {
    if generation(path) == Some(Generation::V1) && !options.v1_served {
        return Err(nothing());
    }
    let matches = |pattern: &str| {
        let mut segments = pattern.split('/');
        let fits = path.iter().all(|one| segments.next().is_some_and(|it| it == "{id}" || it == *one));
        fits && segments.next().is_none()
    };
    let of_path = || ROUTES.iter().filter(|(_, pattern, _)| matches(pattern));
    match of_path().find(|(verb, _, _)| *verb == method.as_str()) {
        Some((_, _, handler)) => Ok((*handler, path.get(3).copied().unwrap_or_default().to_owned())),
        None if of_path().next().is_none() => Err(nothing()),
        None => Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed here"))),
    }
}
