//! The Portal API, which hands out tokens (vendor sheet section 2).
//!
//! ```text
//! root? ─▶ metadataendpoint ─▶ OIDC metadata (maybe another host, nothing of ours is sent) ─▶ token_endpoint
//!       ─▶ assertion for it, signed, sent to the root ─▶ token
//! ```

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

use super::{calls::Need, credentials::Application, faults, wire};
use crate::{
    api::Reason,
    drivers::{
        error::{Class, DriverError},
        http::{Answer, Call, HttpClient, address},
    },
    model::Secret,
};

/// Names the consumer, in every call.
pub const CONSUMER: HeaderName = HeaderName::from_static("x-tachyon-consumer");
/// Holds the token.
pub const AUTHENTICATE: HeaderName = HeaderName::from_static("x-tachyon-authenticate");

/// 9.x and 23.x, then 24.1 and later.
const ROOTS: [&str; 2] = ["Tachyon/api", "api"];

/// Where tokens come from.
pub struct Portal {
    /// Places where its root may be, in the order they are tried.
    places: Vec<HttpClient>,
    /// The place that answered.
    root: OnceCell<HttpClient>,
    consumer: HeaderValue,
}

impl Portal {
    /// The portal of the host that `http` is bound to, or the one at `url`, which is its root or that of its host.
    pub fn new(http: &HttpClient, url: Option<Url>, consumer: HeaderValue) -> Self {
        let told = url.map(|url| http.at(url));
        let host = told.as_ref().unwrap_or(http);
        let below: Vec<HttpClient> = ROOTS.iter().map(|root| host.at(under(host.origin(), root))).collect();
        let places = told.into_iter().chain(below).collect();
        Self { places, root: OnceCell::new(), consumer }
    }

    /// A token for the application, as the system spells it.
    ///
    /// # Errors
    /// `Unauthorized` where the system refuses the assertion, `Rejected` where no portal answers.
    pub async fn log_in(&self, application: &Application) -> Result<Secret, DriverError> {
        let root = self.root().await?;
        let audience = self.audience(root).await?;
        let assertion = application.assertion(&audience, root.clock().now())?;
        root.redact(&assertion);
        // Base64 and dots: nothing in it needs to be escaped.
        let text = assertion.expose_str().unwrap_or_default();
        let body = Zeroizing::new(format!("\"{text}\""));
        let path = ["Authentication", "RequestJwtAuthentication"];
        let call = Call {
            method: Method::POST,
            path: &path,
            query: &[],
            headers: self.headers(),
            body: Some((Bytes::copy_from_slice(body.as_bytes()), "application/json")),
            effect: false,
            authorise: None,
        };
        let answer = root.send(call).await?;
        if !is_success(&answer) {
            return Err(not_let_in(root, &answer));
        }
        let token = plain(&answer).filter(|token| HeaderValue::from_str(token).is_ok()).map(Secret::new);
        // What it says instead is not shown: it may be the token in another form.
        let token = token.ok_or_else(|| {
            let message = format!("{} answered without a token on one line", answer.call);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })?;
        root.redact(&token);
        Ok(token)
    }

    /// Ends a session, best effort.
    pub async fn log_out(&self, token: &Secret) {
        let Some(root) = self.root.get() else { return };
        let proof = proof(token);
        let call = Call {
            authorise: Some(&move |_, _, _| proof.clone()),
            ..get(&["Authentication", "Logout"], self.headers())
        };
        if let Err(error) = root.send(call).await {
            tracing::debug!(%error, "not logged out; the token ends by itself");
        }
    }

    /// The root that answers; it does not move while we are connected.
    async fn root(&self) -> Result<&HttpClient, DriverError> {
        self.root.get_or_try_init(|| self.find_root()).await
    }

    async fn find_root(&self) -> Result<HttpClient, DriverError> {
        let mut guarded = None;
        let mut last = String::new();
        for root in &self.places {
            let answer = root.send(get(&["information"], self.headers())).await?;
            match answer.status {
                // Pages of the console may be served for any path.
                200..=299 if !is_markup(&answer) => return Ok(root.clone()),
                401 | 403 => drop(guarded.get_or_insert_with(|| root.clone())),
                500..=599 | 429 => return Err(faults::error(root, &answer, Need::NOTHING)),
                _ => last = root.told(&answer),
            }
        }
        guarded.ok_or_else(|| {
            let message = format!("no Portal API is found, neither at /Tachyon/api nor at /api ({last}); set portalUrl to its root");
            DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
        })
    }

    /// For whom the assertion is made: the token endpoint of the identity provider, which is named, never called.
    async fn audience(&self, root: &HttpClient) -> Result<String, DriverError> {
        let path = ["Authentication", "metadataendpoint"];
        let answer = root.send(get(&path, self.headers())).await?;
        if !is_success(&answer) {
            return Err(not_let_in(root, &answer));
        }
        let address = plain(&answer).and_then(|text| Url::parse(&text).ok());
        let mut url = address.ok_or_else(|| unexpected(root, &answer, "without an address"))?;
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let query: Vec<(&str, &str)> =
            query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        url.set_query(None);
        url.set_fragment(None);
        let provider = root.at(allowed(url)?);
        // Whoever that is learns nothing of ours, not even the consumer's name.
        let answer = provider.send(Call { query: &query, ..get(&[], HeaderMap::new()) }).await?;
        let metadata = faults::checked(&provider, &answer, Need::NOTHING)?;
        let endpoint = wire::text(&metadata, "token_endpoint").map(str::trim).filter(|text| !text.is_empty());
        endpoint.map(str::to_owned).ok_or_else(|| unexpected(&provider, &answer, "without a token_endpoint"))
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(CONSUMER, self.consumer.clone())])
    }
}

/// An address that an answer named, checked like one that a user names.
fn allowed(url: Url) -> Result<Url, DriverError> {
    address::check_url(&url, true).map_err(|problem| {
        let message = format!("the portal says that its identity provider is at {url}: {problem}");
        DriverError::new(Class::Rejected, Reason::AddressRefused, message)
    })?;
    Ok(url)
}

/// The header that proves who we are.
pub fn proof(token: &Secret) -> HeaderMap {
    let value = HeaderValue::from_bytes(token.expose()).ok();
    value.map(|value| (AUTHENTICATE, value)).into_iter().collect()
}

fn get<'a>(path: &'a [&'a str], headers: HeaderMap) -> Call<'a> {
    Call { method: Method::GET, path, query: &[], headers, body: None, effect: false, authorise: None }
}

/// The host's URL with more path.
fn under(host: &Url, below: &str) -> Url {
    let mut url = host.clone();
    url.set_path(&format!("{}/{below}", host.path().trim_end_matches('/')));
    url
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

fn is_markup(answer: &Answer) -> bool {
    answer.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The text of an answer, which may stand in quotes.
fn plain(answer: &Answer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok().filter(|_| !is_markup(answer))?.trim();
    let text = serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
    let text = text.trim().trim_matches('"');
    let one_word = !text.is_empty() && !text.contains(char::is_whitespace) && !text.starts_with(['{', '[']);
    one_word.then(|| text.to_owned())
}

fn unexpected(client: &HttpClient, answer: &Answer, what: &str) -> DriverError {
    let message = format!("{} answered {what}: {}", answer.call, client.excerpt(&answer.body));
    DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
}

/// A login that is refused, whatever its status.
fn not_let_in(root: &HttpClient, answer: &Answer) -> DriverError {
    let error = faults::error(root, answer, Need::NOTHING);
    match (answer.status, error.class) {
        (_, Class::Throttled { .. }) => error,
        (400 | 401 | 403, _) => {
            let message = format!(
                "{}; the certificate must be mapped to a principal, applicationId registered as a client assertion id, \
                 and the consumer registered and enabled",
                root.told(answer)
            );
            DriverError::new(Class::Unauthorized, Reason::Unauthorized, message)
        }
        (404 | 405, _) => {
            let message = format!("{}; set portalUrl to the root of the Portal API", error.message);
            DriverError::new(Class::Rejected, Reason::VersionUnsupported, message)
        }
        _ => error,
    }
}
