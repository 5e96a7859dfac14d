//! The Portal API and the identity provider beside it: tokens (section 2).

use http::{Method, header};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    inner::{Call, Inner},
    jwt::{self, Wanted},
    options::{PortalRoot, TextForm},
};

const METADATA: &str = "/idp/.well-known/openid-configuration";
const TOKEN_ENDPOINT: &str = "/idp/oauth2/v1/token";

/// Answers a call to the Portal or the identity provider; `None` for another path.
pub fn answer(inner: &mut Inner, call: &Call) -> Option<Result<Answer, Failure>> {
    let path = call.lower();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if path.as_slice() == ["idp", ".well-known", "openid-configuration"] {
        return Some(Ok(Answer::json(json!({
            "issuer": format!("{}/idp", origin(call)),
            "token_endpoint": token_endpoint(call),
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        }))));
    }
    let below = match inner.options.portal_root {
        PortalRoot::TachyonApi => path.strip_prefix(&["tachyon", "api"])?,
        PortalRoot::Api => path.strip_prefix(&["api"])?,
    };
    Some(match (&call.method, below) {
        (&Method::GET, ["information"]) => Ok(Answer::json(json!({"Version": inner.options.version}))),
        (&Method::GET, ["authentication", "metadataendpoint"]) => {
            Ok(written(inner, format!("{}{METADATA}", origin(call))))
        }
        (&Method::POST, ["authentication", "requestjwtauthentication"]) => log_in(inner, call),
        (&Method::GET, ["authentication", "logout"]) => log_out(inner, call),
        _ => Err(Failure::new(404, "Request.NotFound", "There is nothing here.")),
    })
}

/// The server as the client calls it.
fn origin(call: &Call) -> String {
    let host = call.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| call.uri.authority().map(http::uri::Authority::as_str));
    let host = host.unwrap_or("localhost");
    // Elsewhere than on loopback something that speaks TLS stands in front.
    let plain = host.starts_with("127.") || host.starts_with("localhost");
    format!("{}://{host}", if plain { "http" } else { "https" })
}

fn token_endpoint(call: &Call) -> String {
    format!("{}{TOKEN_ENDPOINT}", origin(call))
}

fn written(inner: &Inner, text: String) -> Answer {
    match inner.options.text_form {
        TextForm::Plain => Answer::text(text),
        TextForm::Quoted => Answer::text(format!(" {}\r\n", Value::String(text))),
    }
}

/// The assertion comes as a JSON string; whatever is wrong with it is a 401.
fn log_in(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    inner.consumer(call)?;
    let sent: Result<String, _> = serde_json::from_slice(&call.body);
    let assertion = sent.map_err(|_| Failure::malformed("The body must be the JWT as a JSON string."))?;
    let audience = token_endpoint(call);
    let wanted =
        Wanted { audience: &audience, now: call.now.as_second(), life: inner.options.assertion_secs };
    let people = &inner.people;
    let claims = jwt::check(&assertion, &wanted, |application| {
        people.application(application).and_then(|(_, principal)| principal.certificate.as_ref())
    });
    let claims = claims.map_err(|why| refused(inner, why))?;
    let Some((principal, _)) = inner.people.application(&claims.sub) else {
        return Err(refused(inner, "the application is unknown"));
    };
    if !inner.people.first_use(&claims.jti) {
        return Err(refused(inner, "jti was used before"));
    }
    let secs = inner.options.token_secs;
    let token = inner.people.issue(principal, &inner.options, (call.now, call.elapsed), secs);
    Ok(written(inner, token))
}

fn refused(inner: &mut Inner, why: &str) -> Failure {
    inner.people.refused += 1;
    Failure::unauthorized("Authentication.Failed", format!("Authentication failed: {why}.")).about(why)
}

fn log_out(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    inner.consumer(call)?;
    inner.caller(call)?;
    inner.people.log_out(inner.token(call).unwrap_or_default());
    Ok(Answer::empty(http::StatusCode::OK))
}
