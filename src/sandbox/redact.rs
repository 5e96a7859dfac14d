//! Cuts what looks like a credential out of recorded requests (I9).

use serde_json::Value;

/// What stands where a credential stood.
pub const CUT: &str = "***";

const WORDS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "apikey",
    "credential",
    "authorization",
];

/// The body as it may be kept: JSON where it is JSON, else text, with credentials cut.
pub fn body(content_type: &str, bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    if let Ok(mut json) = serde_json::from_slice(bytes) {
        cut(&mut json);
        return json;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if content_type.starts_with("application/x-www-form-urlencoded") => {
            Value::String(form(text))
        }
        Ok(text) if is_jwt(text.trim()) => Value::String(CUT.to_owned()),
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => Value::String(format!("<{} bytes that are not text>", bytes.len())),
    }
}

/// `a=b&password=c` with the values of credential-like names cut; the rest stays byte for byte.
pub fn form(text: &str) -> String {
    text.split('&').map(pair).collect::<Vec<_>>().join("&")
}

fn pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_credential(name) => format!("{name}={CUT}"),
        _ => pair.to_owned(),
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if !text.is_empty() && is_credential(name) => CUT.clone_into(text),
                    other => cut(other),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(cut),
        Value::String(text) if is_jwt(text) => CUT.clone_into(text),
        Value::String(text) => cut_nested(text),
        _ => {}
    }
}

/// A signed token may stand alone, with no name that says what it is.
fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3 && !text.contains(char::is_whitespace)
}

/// JSON inside a string: some vendors wrap a policy's content that way.
fn cut_nested(text: &mut String) {
    if !text.starts_with(['{', '[']) {
        return;
    }
    let Ok(original) = serde_json::from_str::<Value>(text) else { return };
    let mut inner = original.clone();
    cut(&mut inner);
    if inner != original {
        *text = inner.to_string();
    }
}

fn is_credential(name: &str) -> bool {
    let folded: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| folded.contains(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_are_cut_and_everything_else_is_kept() {
        let cases = [
            ("flat", json!({"password": "x", "name": "n"}), json!({"password": CUT, "name": "n"})),
            ("deep, in lists", json!([{"a": {"clientSecret": "x"}}]), json!([{"a": {"clientSecret": CUT}}])),
            ("spelled otherwise", json!({"private_key": "x"}), json!({"private_key": CUT})),
            ("a flag is no secret", json!({"password_required": 1}), json!({"password_required": 1})),
            ("a signed token alone", json!("eyJhbGciOi.eyJzdWIi.c2ln"), json!(CUT)),
            (
                "a sentence that begins so",
                json!("eyJ is how. tokens. begin"),
                json!("eyJ is how. tokens. begin"),
            ),
            ("empty is worth seeing", json!({"password": ""}), json!({"password": ""})),
            (
                "JSON inside a string",
                json!({"content": "{\"token\":\"x\"}"}),
                json!({"content": "{\"token\":\"***\"}"}),
            ),
            (
                "a harmless string stays byte for byte",
                json!({"content": "{ \"a\": 1 }"}),
                json!({"content": "{ \"a\": 1 }"}),
            ),
        ];
        for (why, given, kept) in cases {
            assert_eq!(body("application/json", given.to_string().as_bytes()), kept, "{why}");
        }
    }

    #[test]
    fn forms_and_queries_are_cut_by_name() {
        assert_eq!(
            form("grant_type=password&username=u&password=p"),
            "grant_type=password&username=u&password=***"
        );
        let kept = body("application/x-www-form-urlencoded; charset=utf-8", b"client_secret=s&a=1");
        assert_eq!(kept, Value::String("client_secret=***&a=1".into()));
    }

    #[test]
    fn a_body_of_any_bytes_is_recorded() {
        assert_eq!(body("", b""), Value::Null);
        assert_eq!(body("", b"hello"), Value::String("hello".into()));
        assert_eq!(body("", b"eyJhbGciOi.eyJzdWIi.c2ln\n"), Value::String(CUT.into()));
        assert_eq!(body("", &[0xff, 0xfe]), Value::String("<2 bytes that are not text>".into()));
    }
}
