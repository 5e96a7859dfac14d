//! How often credentials are shown to a system: so that one that refuses every token is not flooded, and an account is not
//! locked out (F34).

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use url::Url;

use super::error::{Class, DriverError};
use crate::api::Reason;

/// Logins within [`WINDOW`].
const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(60);

/// The logins of the last minute, and why the last one came to nothing, until one succeeds.
#[derive(Debug, Default)]
pub struct Logins {
    tried: VecDeque<Instant>,
    refused: Option<DriverError>,
}

impl Logins {
    /// How many may be tried now.
    pub fn left(&mut self) -> usize {
        self.tried.retain(|at| at.elapsed() < WINDOW);
        MOST.saturating_sub(self.tried.len())
    }

    /// Counts one that is about to be tried at `origin`.
    ///
    /// # Errors
    /// None is left: the last refusal still stands; where there was none, tokens that were just given are refused, which is
    /// `Throttled` until one is left.
    pub fn begin(&mut self, origin: &Url) -> Result<(), DriverError> {
        let left = self.left();
        let Some(first) = self.tried.front().filter(|_| left == 0) else {
            self.tried.push_back(Instant::now());
            return Ok(());
        };
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let class = Class::Throttled { after: Some(WINDOW.saturating_sub(first.elapsed())) };
        let message = format!(
            "{} refuses tokens that were just given; the next login is tried within a minute",
            origin.origin().ascii_serialization(),
        );
        Err(DriverError::new(class, Reason::Unauthorized, message))
    }

    /// What the last one that was begun came to.
    pub fn ended<T>(&mut self, outcome: &Result<T, DriverError>) {
        match outcome {
            Ok(_) => self.forgive(),
            Err(error) if matches!(error.class, Class::Transient | Class::Throttled { .. }) => {
                self.take_back();
            }
            Err(error) => self.refused(error),
        }
    }

    /// The last one does not count: nobody judged the credentials.
    pub fn take_back(&mut self) {
        self.tried.pop_back();
    }

    /// Why the last one came to nothing.
    pub fn refused(&mut self, why: &DriverError) {
        self.refused = Some(why.clone());
    }

    /// No refusal stands any more.
    pub fn forgive(&mut self) {
        self.refused = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failed(class: Class) -> Result<(), DriverError> {
        Err(DriverError::new(class, Reason::Unauthorized, "no"))
    }

    /// What so many logins a second apart came to, and how many are left after the last one.
    #[tokio::test(start_paused = true)]
    async fn three_a_minute_are_tried_of_those_that_were_judged() {
        let throttled = Class::Throttled { after: None };
        let cases: [(&[Result<(), DriverError>], usize, &str); 6] = [
            (&[], 3, "none was tried"),
            (&[Ok(()), Ok(())], 1, "each counts"),
            (&[Ok(()), Ok(()), Ok(())], 0, "that is all"),
            (&[failed(Class::Unauthorized), failed(Class::Rejected)], 1, "a refusal counts"),
            (&[failed(Class::Transient), failed(throttled)], 3, "nobody judged the credentials"),
            (&[Ok(()), failed(Class::Transient)], 2, "the one before still counts"),
        ];
        let origin = Url::parse("https://pod.example/path").unwrap();
        for (outcomes, left, why) in cases {
            let mut logins = Logins::default();
            for outcome in outcomes {
                logins.begin(&origin).unwrap();
                logins.ended(outcome);
                tokio::time::advance(SECOND).await;
            }
            assert_eq!(logins.left(), left, "{why}");
            tokio::time::advance(60 * SECOND).await;
            assert_eq!(logins.left(), 3, "{why}: a minute later");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_none_is_left_the_last_refusal_stands() {
        let origin = Url::parse("https://pod.example/path").unwrap();
        let mut logins = Logins::default();
        for _ in 0..3 {
            logins.begin(&origin).unwrap();
            tokio::time::advance(10 * SECOND).await;
        }
        let told = logins.begin(&origin).unwrap_err();
        assert_eq!(
            told.class,
            Class::Throttled { after: Some(30 * SECOND) },
            "until the first one is a minute old"
        );
        assert!(told.message.starts_with("https://pod.example refuses tokens"), "{told}");
        let refusal = DriverError::new(Class::Unauthorized, Reason::Unauthorized, "wrong password");
        logins.refused(&refusal);
        assert_eq!(logins.begin(&origin), Err(refusal));
        logins.forgive();
        assert_eq!(logins.begin(&origin), Err(told), "what is refused then are the tokens");
        tokio::time::advance(30 * SECOND).await;
        assert_eq!(logins.begin(&origin), Ok(()));
    }
}
