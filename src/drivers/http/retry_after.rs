//! `Retry-After`, which systems fill with anything (F27).

use std::time::Duration;

use http::{HeaderMap, header::RETRY_AFTER};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// The longest wait a system may impose on us.
pub const LONGEST: Duration = Duration::from_secs(300);
/// What is waited when a system throttles without a usable word about how long.
pub const DEFAULT: Duration = Duration::from_secs(5);

/// How long the answer asks to wait: seconds or an HTTP date, at most [`LONGEST`].
///
/// `None` where the header is absent, garbage or negative. A date in the past asks for no wait.
pub fn parse(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|b| b.is_ascii_digit()) {
        // Digits that do not fit are a very long time.
        (!text.is_empty()).then(|| text.parse().map_or(LONGEST, Duration::from_secs))?
    } else if let Ok(seconds) = text.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        until(text, now)?
    };
    Some(wait.min(LONGEST))
}

fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let date = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_spelling_gives_a_bounded_wait() {
        let now: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
        let secs = |s| Some(Duration::from_secs(s));
        let cases = [
            ("3", secs(3), "seconds"),
            (" 120 ", secs(120), "blanks around"),
            ("0", secs(0), "at once"),
            ("1.5", Some(Duration::from_millis(1500)), "fractions are not HTTP but clear"),
            ("301", Some(LONGEST), "more than we accept"),
            ("99999999999999999999999999", Some(LONGEST), "more than fits"),
            ("1e300", None, "a number no clock can hold"),
            ("-5", None, "negative"),
            ("NaN", None, "not a number at all"),
            ("", None, "empty"),
            ("soon", None, "garbage"),
            ("Tue, 03 Mar 2026 09:00:10 GMT", secs(10), "an HTTP date"),
            ("Mon, 03 Mar 2026 09:00:10 GMT", secs(10), "the wrong weekday changes nothing"),
            ("Tue, 03 Mar 2026 08:00:00 GMT", secs(0), "a date in the past"),
            ("Fri, 01 Jan 2100 00:00:00 GMT", Some(LONGEST), "a date far away"),
        ];
        for (text, expected, why) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(parse(&headers, now), expected, "{why}");
        }
        assert_eq!(parse(&HeaderMap::new(), now), None, "absent");
    }
}
