//! Version text `major.minor` (section 8): compared as numbers, never as decimals.

use std::{fmt, str::FromStr};

/// Neither part grows beyond this.
const LARGEST: u16 = 999;

/// The version of a policy or a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
}

impl Version {
    /// The first one: `1.0` for dictionaries and EFv2 policies, `3.0` for EFv3 policies.
    pub const fn first(major: u16) -> Self {
        Self { major, minor: 0 }
    }

    /// The one after a change; none after 999.999.
    pub fn next(self) -> Option<Self> {
        match self {
            Self { major, minor } if minor < LARGEST => Some(Self { major, minor: minor + 1 }),
            Self { major, .. } if major < LARGEST => Some(Self::first(major + 1)),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('.')
            .and_then(|(major, minor)| Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? }));
        parts.ok_or_else(|| format!("version {text:?} is not major.minor"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn versions_grow_in_the_minor_and_roll_over_after_999() {
        for (from, to, why) in [
            ("1.0", Some("1.1"), "the first change"),
            ("1.9", Some("1.10"), "not 2.0: these are no decimals"),
            ("1.999", Some("2.0"), "the major goes up after 999"),
            ("999.999", None, "at most 999"),
        ] {
            let next = from.parse::<Version>().unwrap().next();
            assert_eq!(next.map(|v| v.to_string()).as_deref(), to, "{why}");
        }
        assert!("1.10".parse::<Version>().unwrap() > "1.9".parse().unwrap());
        assert!("1".parse::<Version>().is_err() && "1.x".parse::<Version>().is_err());
    }
}
