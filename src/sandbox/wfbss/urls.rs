//! What the server makes of the URLs in approved and blocked lists (section 9.4).

use serde_json::Value;

use super::{
    answer::Failure,
    options::{InvalidUrls, MissingScheme, Urls, WfbssOptions},
};

/// The list as it is stored.
///
/// # Errors
/// 400 for an element that is no text, and for a URL that is not allowed where that is refused.
pub fn admit(list: &[Value], pointer: &str, options: &WfbssOptions) -> Result<Vec<Value>, Failure> {
    let mut admitted = Vec::new();
    for (index, element) in list.iter().enumerate() {
        let at = format!("{pointer}/{index}");
        let Value::String(sent) = element else {
            return Err(Failure::bad("InvalidUrl", format!("{at} is not a string")));
        };
        match (normalise(sent, options.missing_scheme), options.invalid_urls) {
            (Ok(normalised), _) => admitted.push(match options.urls {
                Urls::Normalised => Value::String(normalised),
                Urls::AsSent => element.clone(),
            }),
            (Err(problem), InvalidUrls::Reject) => {
                return Err(Failure::bad("InvalidUrl", format!("{at}, {sent:?}: {problem}")));
            }
            (Err(_), InvalidUrls::Drop) => {}
            (Err(_), InvalidUrls::Keep) => admitted.push(element.clone()),
        }
    }
    Ok(admitted)
}

/// `<scheme>://<host>/*`: filtering works on the host (rule 15).
fn normalise(sent: &str, missing: MissingScheme) -> Result<String, &'static str> {
    let url = sent.trim();
    if url.contains(['"', '<', '>', '|']) {
        return Err("the characters \" < > | are not allowed");
    }
    let lower = url.to_ascii_lowercase();
    let (scheme, rest) = match (lower.split_once("://"), missing) {
        (Some((scheme @ ("http" | "https"), rest)), _) => (scheme, rest),
        (Some(_), _) | (None, MissingScheme::Reject) => return Err("it must begin with http:// or https://"),
        (None, MissingScheme::Add) => ("http", lower.as_str()),
        (None, MissingScheme::Keep) => return Ok(url.to_owned()),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err("it has no host");
    }
    if host.ends_with('*') {
        return Err("a wildcard must not end the host");
    }
    Ok(format!("{scheme}://{host}/*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_cut_to_their_host() {
        let cases = [
            ("a path goes", "http://www.example.com/a/b?c=d", Ok("http://www.example.com/*")),
            ("none comes", "https://www.example.com", Ok("https://www.example.com/*")),
            ("case folds", "HTTPS://WWW.Example.com/*", Ok("https://www.example.com/*")),
            ("a trailing blank goes", "http://a.example/* ", Ok("http://a.example/*")),
            ("a port stays", "http://a.example:8080/x", Ok("http://a.example:8080/*")),
            ("a wildcard in front", "http://*.example.com/*", Ok("http://*.example.com/*")),
            ("a wildcard at the end", "http://www.example.*", Err(())),
            ("a wildcard behind the TLD", "http://www.example.com*", Err(())),
            ("no scheme", "www.example.com", Err(())),
            ("another scheme", "ftp://www.example.com", Err(())),
            ("a forbidden character", "http://a|b.example", Err(())),
            ("no host", "http:///x", Err(())),
        ];
        for (why, sent, expected) in cases {
            let normalised = normalise(sent, MissingScheme::Reject).map_err(|_| ());
            assert_eq!(normalised.as_deref(), expected.as_ref().copied().map_err(|()| &()), "{why}");
        }
        assert_eq!(normalise("a.example/x", MissingScheme::Add).as_deref(), Ok("http://a.example/*"));
        assert_eq!(normalise("a.example/x", MissingScheme::Keep).as_deref(), Ok("a.example/x"));
    }
}
