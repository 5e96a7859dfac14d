//! The request target, built from parts so that no name can become a path, a query or a header (S5).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986 "unreserved": a URL parser on the way has nothing left to reinterpret.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Lists in a query are separated by literal commas.
const QUERY: &AsciiSet = &SEGMENT.remove(b',');

/// Why a target cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A segment without a character would merge its neighbours.
    #[error("a path segment is empty")]
    EmptySegment,
    /// `.` and `..` are resolved by clients and servers before anybody reads them.
    #[error("a path segment is {0:?}, which servers take for a step in the path")]
    DotSegment(String),
}

/// Encodes segments and query below `base`, the origin's own path.
///
/// Any other segment, name or value is decoded by the receiver to exactly what was given.
///
/// # Errors
/// For segments that cannot be said in a path.
pub fn encode(base: &str, path: &[&str], query: &[(&str, &str)]) -> Result<String, TargetError> {
    let mut target = base.trim_end_matches('/').to_owned();
    for segment in path {
        check(segment)?;
        target.push('/');
        target.extend(utf8_percent_encode(segment, SEGMENT));
    }
    if target.is_empty() {
        target.push('/');
    }
    for (index, (name, value)) in query.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.extend(utf8_percent_encode(name, QUERY));
        target.push('=');
        target.extend(utf8_percent_encode(value, QUERY));
    }
    Ok(target)
}

/// `application/x-www-form-urlencoded` text, for token requests.
pub fn form(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, SEGMENT));
        text.push('=');
        text.extend(utf8_percent_encode(value, SEGMENT));
    }
    text
}

fn check(segment: &str) -> Result<(), TargetError> {
    match segment {
        "" => Err(TargetError::EmptySegment),
        "." | ".." => Err(TargetError::DotSegment(segment.to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use url::Url;

    use super::*;

    proptest! {
        #[test]
        fn a_parser_reads_back_exactly_what_was_said(
            path in prop::collection::vec(any::<String>(), 1..5),
            query in prop::collection::vec((any::<String>(), any::<String>()), 0..5),
        ) {
            let path: Vec<&str> = path.iter().map(String::as_str).filter(|s| check(s).is_ok()).collect();
            let pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let target = encode("/base/", &path, &pairs).unwrap();
            let text = format!("https://host.example{target}");
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(url.as_str(), &text, "nothing is normalised on the way");
            let decoded: Vec<String> = url
                .path_segments()
                .unwrap()
                .skip(1)
                .map(|s| percent_encoding::percent_decode_str(s).decode_utf8().unwrap().into_owned())
                .collect();
            prop_assert_eq!(decoded, path);
            prop_assert_eq!(url.fragment(), None);
            let read: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(read, query);
            prop_assert!(text.parse::<http::Uri>().is_ok());
        }

        #[test]
        fn a_form_reads_back(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..5)) {
            let said: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let read: Vec<(String, String)> =
                url::form_urlencoded::parse(form(&said).as_bytes()).into_owned().collect();
            prop_assert_eq!(read, pairs);
        }
    }

    #[test]
    fn steps_in_a_path_are_refused() {
        assert_eq!(encode("", &["a", ""], &[]), Err(TargetError::EmptySegment));
        assert_eq!(encode("", &[".."], &[]), Err(TargetError::DotSegment("..".into())));
        assert_eq!(encode("", &["."], &[]), Err(TargetError::DotSegment(".".into())));
    }

    #[test]
    fn targets_read_as_expected() {
        let cases: [(&str, &[&str], &[(&str, &str)], &str); 5] = [
            ("", &[], &[], "/"),
            ("/", &["a"], &[], "/a"),
            ("/yurbi/api", &["x y", "a/b"], &[], "/yurbi/api/x%20y/a%2Fb"),
            ("", &["p"], &[("cids", "a,b"), ("q", "1&2=3 +")], "/p?cids=a,b&q=1%262%3D3%20%2B"),
            ("", &["%2e%2e"], &[], "/%252e%252e"),
        ];
        for (base, path, query, expected) in cases {
            assert_eq!(encode(base, path, query).unwrap(), expected);
        }
    }
}
