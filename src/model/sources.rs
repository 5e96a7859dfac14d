//! What an assignment is made of besides itself, in eight bytes.

use std::{fmt, num::NonZeroU64, str::FromStr};

use super::Uid;

/// Which Policy and which TargetGroups something speaks of, each by uid and generation.
///
/// Equal for equal lists, in any process and version, so that it can be written into a status and compared with what is
/// there now. An edit changes it, and so does a namesake that takes the place of an object at the same generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourcesDigest(NonZeroU64);

impl SourcesDigest {
    /// The digest of these, in this order.
    pub fn of<'a>(sources: impl IntoIterator<Item = (&'a Uid, i64)>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for (uid, generation) in sources {
            hasher.update(&(uid.0.len() as u64).to_le_bytes());
            hasher.update(uid.0.as_bytes());
            hasher.update(&generation.to_le_bytes());
        }
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Self(NonZeroU64::new(u64::from_le_bytes(first)).unwrap_or(NonZeroU64::MAX))
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for SourcesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SourcesDigest {
    type Err = std::num::ParseIntError;

    /// # Errors
    /// It is no number other than zero in hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A `NonZero` reads decimal digits only.
        u64::from_str_radix(text, 16)?.to_string().parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(sources: &[(&str, i64)]) -> SourcesDigest {
        let sources: Vec<_> = sources.iter().map(|(uid, of)| (Uid((*uid).into()), *of)).collect();
        SourcesDigest::of(sources.iter().map(|(uid, of)| (uid, *of)))
    }

    #[test]
    fn it_differs_where_anything_does() {
        let base = of(&[("p", 1), ("g", 1)]);
        let others = [
            ("nothing of it", of(&[])),
            ("an edit of the Policy", of(&[("p", 2), ("g", 1)])),
            ("an edit of a group", of(&[("p", 1), ("g", 2)])),
            ("a namesake of the Policy", of(&[("q", 1), ("g", 1)])),
            ("a group that is gone", of(&[("p", 1)])),
            ("names that run into each other", of(&[("pg", 1)])),
        ];
        for (why, other) in others {
            assert_ne!(base, other, "{why}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let digest = of(&[("p", 1)]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        // Written into statuses: a version that makes it in another way would find none of them proven.
        assert_eq!(digest.to_string(), "c4696b9b33a5da8a");
        for text in ["", "0000000000000000", "x", "10000000000000000", "-1"] {
            assert!(text.parse::<SourcesDigest>().is_err(), "{text}");
        }
    }
}
