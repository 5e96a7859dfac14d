//! What the server's JSON writer does to a feature's `content` (vendor sheet section 4).

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The string that is stored for a `content` that was sent.
///
/// Members that are null vanish, numbers become doubles (if `doubles`), `<`, `>`, `&`, `=` and `'`
/// become escapes. A string is serialised again and so ends up encoded twice.
pub(super) fn stored(content: &Value, doubles: bool) -> String {
    let mut out = String::new();
    write_value(&mut out, content, doubles);
    out
}

fn write_value(out: &mut String, value: &Value, doubles: bool) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) if doubles => out.push_str(&double(n)),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::String(s) => write_string(out, s),
        Value::Array(items) => {
            separated(out, '[', ']', items.iter(), |out, item| write_value(out, item, doubles));
        }
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, v)| !v.is_null());
            separated(out, '{', '}', kept, |out, (key, value)| {
                write_string(out, key);
                out.push(':');
                write_value(out, value, doubles);
            });
        }
    }
}

fn separated<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}' => escape(out, c),
            c if u32::from(c) < 0x20 => escape(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn escape(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

/// As `java.lang.Double.toString` writes it: `6.0`, `0.5`, `1.0E7`.
fn double(number: &Number) -> String {
    let value = number.as_f64().unwrap_or(0.0);
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::stored;

    #[test]
    fn writes_as_the_server_does() {
        let cases = [
            (json!({"minLength": 6}), r#"{"minLength":6.0}"#, "an integer becomes a double"),
            (json!({"minLength": "6"}), r#"{"minLength":"6"}"#, "a string stays one"),
            (json!({"n": 10_000_000}), r#"{"n":1.0E7}"#, "from 10^7 on in scientific form"),
            (json!({"n": 1_234_567_890}), r#"{"n":1.23456789E9}"#, "with all digits"),
            (json!({"n": 0.5}), r#"{"n":0.5}"#, "a fraction stays"),
            (json!({"n": 0.0001}), r#"{"n":1.0E-4}"#, "small ones in scientific form"),
            (json!({"n": -3}), r#"{"n":-3.0}"#, "negative"),
            (json!({"a": null, "b": 1}), r#"{"b":1.0}"#, "null members vanish"),
            (json!([null, 1]), "[null,1.0]", "but stay in arrays"),
            (json!({"p": "a=b<c>&'"}), r#"{"p":"a\u003db\u003cc\u003e\u0026\u0027"}"#, "HTML-safe"),
            (json!("{\"enabled\":true}"), r#""{\"enabled\":true}""#, "a string is encoded twice"),
            (json!(null), "null", "nothing sent"),
        ];
        for (sent, want, why) in cases {
            assert_eq!(stored(&sent, true), want, "{why}");
        }
    }

    #[test]
    fn keeps_numbers_when_told() {
        assert_eq!(stored(&json!({"minLength": 6}), false), r#"{"minLength":6}"#);
    }

    #[test]
    fn stays_parseable() {
        let sent = json!({"text": "quote \" back \\ line \n é 漢 \u{1}", "list": [1, true, {"x": 2.5}]});
        let read: serde_json::Value = serde_json::from_str(&stored(&sent, false)).unwrap();
        assert_eq!(read, sent);
    }
}
