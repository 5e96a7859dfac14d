//! How long a token is used (vendor sheet section 2): nothing documents it, its own words may tell.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;

use super::wire;
use crate::model::Secret;

/// As other clients assume it.
const DEFAULT: i64 = 3600;
/// A token is renewed this long before its end.
const MARGIN: i64 = 300;
const LONGEST: i64 = 24 * 3600;

/// How long to use a token given at `now`.
pub fn of(token: &Secret, now: Timestamp) -> Duration {
    let told = token.expose_str().and_then(end).map(|end| end.as_second().saturating_sub(now.as_second()));
    // One that seems to have ended was made by a clock that is off.
    let life = told.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT).min(LONGEST);
    let used = life - MARGIN.min(life / 2);
    Duration::from_secs(u64::try_from(used).unwrap_or_default().max(1))
}

/// When a token says that it ends: `Expiration` in the first segment, else `exp` in the second.
pub fn end(token: &str) -> Option<Timestamp> {
    let mut segments = token.split('.').map(|segment| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(segment.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let (first, second) = (segments.next().flatten(), segments.next().flatten());
    let told = |segment: Option<Value>, name: &str| moment(wire::member(&segment?, name)?);
    told(first, "Expiration").or_else(|| told(second, "exp"))
}

/// Seconds or milliseconds since 1970, or an RFC 3339 text, also without a zone, which is UTC then.
fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(text) = value.as_str().map(str::trim) {
        let zoned = || format!("{text}Z").parse().ok();
        return text.parse::<Timestamp>().ok().or_else(zoned).or_else(|| since_1970(text.parse().ok()?));
    }
    since_1970(value.as_i64()?)
}

fn since_1970(number: i64) -> Option<Timestamp> {
    /// Seconds do not get this large before the year 5138.
    const MILLISECONDS: i64 = 100_000_000_000;
    if number < MILLISECONDS { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) }
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn lasts(segments: &[Value]) -> u64 {
        let text: Vec<_> = segments.iter().map(|s| BASE64_URL_SAFE_NO_PAD.encode(s.to_string())).collect();
        of(&Secret::new(text.join(".")), Timestamp::from_second(NOW).unwrap()).as_secs()
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_own_end() {
        let cases = [
            (vec![json!({"Expiration": NOW + 7200})], 6900, "seconds"),
            (vec![json!({"expiration": (NOW + 7200) * 1000})], 6900, "milliseconds"),
            (vec![json!({"Expiration": "2023-11-14T23:13:20Z"})], 3300, "a text with a zone"),
            (vec![json!({"Expiration": "2023-11-14T23:13:20"})], 3300, "a text without one"),
            (vec![json!({"alg": "RS256"}), json!({"exp": NOW + 1200})], 900, "a JWT"),
            (vec![json!({"alg": "RS256"}), json!({"exp": NOW + 100})], 50, "short: half of it"),
            (vec![json!({"Expiration": NOW - 100})], 3300, "ended: a clock is off"),
            (vec![json!({"Expiration": "soon"}), json!({})], 3300, "not understood"),
            (vec![json!({"Expiration": NOW + 999_999_999})], 86_100, "at most a day"),
            (vec![], 3300, "says nothing"),
        ];
        for (segments, expected, why) in cases {
            assert_eq!(lasts(&segments), expected, "{why}");
        }
    }
}
