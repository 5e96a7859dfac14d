//! Errors for people.

use std::error::Error;

/// An error and its causes in one line; what an error already says of its cause is not said twice.
pub fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Says(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn causes_follow_and_nothing_is_said_twice() {
        let end = || Some(Box::new(Says("connection refused", None)));
        let quiet = Says("cannot list", Some(Box::new(Says("service error", end()))));
        assert_eq!(in_full(&quiet), "cannot list: service error: connection refused");
        let loud = Says("service error: connection refused", end());
        assert_eq!(in_full(&loud), "service error: connection refused");
    }
}
