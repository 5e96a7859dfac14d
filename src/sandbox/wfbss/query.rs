//! The query string, as the vendor reads it: one parameter each, lists joined by commas.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use super::{
    answer::Failure,
    names::{CustomerId, Os},
    options::EmptyCids,
};

/// A parsed query. `+` is a plus sign: blanks come as `%20` (section 2.2).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(BTreeMap<String, String>);

/// Which customers a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// No `cids`: every customer of the partner.
    All,
    /// At least one, in the order given, without repetitions.
    Listed(Vec<CustomerId>),
}

/// Which slice of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Counts from 1.
    pub number: usize,
    /// At most 100.
    pub limit: usize,
}

impl Query {
    /// Reads `a=b&c=d`.
    ///
    /// # Errors
    /// 400 for a parameter given twice and for bytes that are no UTF-8.
    pub fn parse(raw: &str) -> Result<Self, Failure> {
        let mut parameters = BTreeMap::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if parameters.insert(name.clone(), value).is_some() {
                return Err(wrong(&name, "is given twice; lists are joined by commas"));
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `cids`, at most `max`.
    ///
    /// # Errors
    /// 400 for a bad GUID, for too many, and for an empty list where that is refused.
    pub fn customers(&self, max: usize, empty: EmptyCids) -> Result<Scope, Failure> {
        let Some(list) = self.get("cids") else { return Ok(Scope::All) };
        if list.is_empty() {
            return match empty {
                EmptyCids::All => Ok(Scope::All),
                EmptyCids::Reject => Err(wrong("cids", "is empty")),
            };
        }
        let mut ids = Vec::new();
        for text in list.split(',') {
            let id = text.parse().map_err(|problem: String| wrong("cids", &problem))?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.len() > max {
            return Err(wrong("cids", &format!("has {} customers, at most {max} are allowed", ids.len())));
        }
        Ok(Scope::Listed(ids))
    }

    /// `cids` where the vendor requires it.
    ///
    /// # Errors
    /// As [`Self::customers`], and 400 without any.
    pub fn required_customers(&self, max: usize) -> Result<Vec<CustomerId>, Failure> {
        match self.customers(max, EmptyCids::Reject)? {
            Scope::All => Err(wrong("cids", "is required")),
            Scope::Listed(ids) => Ok(ids),
        }
    }

    /// `gids`; `None` is all groups.
    ///
    /// # Errors
    /// 400 for what is no number.
    pub fn groups(&self) -> Result<Option<BTreeSet<u32>>, Failure> {
        let Some(list) = self.get("gids").filter(|list| !list.is_empty()) else { return Ok(None) };
        let number = |text: &str| {
            text.parse().map_err(|_| wrong("gids", &format!("has {text:?}, wanted are numbers")))
        };
        list.split(',').map(number).collect::<Result<_, _>>().map(Some)
    }

    /// `os`, Windows if absent.
    ///
    /// # Errors
    /// 400 for any other word than the four.
    pub fn os(&self) -> Result<Os, Failure> {
        let Some(name) = self.get("os") else { return Ok(Os::Win) };
        Os::named(name)
            .ok_or_else(|| wrong("os", &format!("is {name:?}, allowed are win, mac, android, ios")))
    }

    /// `sync`, false if absent.
    ///
    /// # Errors
    /// 400 for any other word than true and false.
    pub fn sync(&self) -> Result<bool, Failure> {
        match self.get("sync") {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(wrong("sync", &format!("is {other:?}, allowed are true and false"))),
        }
    }

    /// `fields`; `None` is all sections.
    pub fn fields(&self) -> Option<BTreeSet<String>> {
        let list = self.get("fields").filter(|list| !list.is_empty())?;
        Some(list.split(',').map(|name| name.trim().to_owned()).collect())
    }

    /// `page` and `limit` (section 4.4).
    ///
    /// # Errors
    /// 400 for a page below 1 and a limit outside 1 to 100.
    pub fn page(&self, default_limit: usize) -> Result<Page, Failure> {
        let number = self.number("page", 1, usize::MAX)?.unwrap_or(1);
        let limit = self.number("limit", 1, 100)?.unwrap_or(default_limit);
        Ok(Page { number, limit })
    }

    fn number(&self, name: &str, min: usize, max: usize) -> Result<Option<usize>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (min..=max).contains(number));
        number
            .map(Some)
            .ok_or_else(|| wrong(name, &format!("is {text:?}, allowed are numbers from {min} to {max}")))
    }
}

/// 400 about one parameter.
pub fn wrong(name: &str, problem: &str) -> Failure {
    Failure::bad("InvalidParameter", format!("parameter {name} {problem}"))
}

fn decode(text: &str) -> Result<String, Failure> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| wrong(text, "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const A: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn lists_are_joined_by_commas_encoded_or_not() {
        let one = Scope::Listed(vec![A.parse().unwrap()]);
        for raw in [format!("cids={A}"), format!("cids={A},{}", A.to_lowercase()), format!("cids={A}%2C{A}")]
        {
            assert_eq!(query(&raw).customers(1, EmptyCids::All).unwrap(), one, "{raw}");
        }
        assert_eq!(query("gids=2,1").groups().unwrap(), Some([1, 2].into()));
        assert_eq!(query("").groups().unwrap(), None);
        assert_eq!(query("name=a%20b+c").get("name"), Some("a b+c"), "a plus is a plus");
    }

    #[test]
    fn limits_are_kept() {
        let eleven =
            (0..11).map(|n| format!("{n:08X}-0000-4000-8000-000000000000")).collect::<Vec<_>>().join(",");
        let cases: [(String, &str); 10] = [
            (format!("cids={eleven}"), "at most 10"),
            ("cids=7".into(), "GUID"),
            ("gids=x".into(), "numbers"),
            ("gids=1,".into(), "numbers"),
            ("os=windows".into(), "win, mac"),
            ("sync=1".into(), "true and false"),
            ("limit=0".into(), "1 to 100"),
            ("limit=101".into(), "1 to 100"),
            ("page=0".into(), "from 1"),
            ("os=win&os=mac".into(), "twice"),
        ];
        for (raw, expected) in cases {
            let failure = Query::parse(&raw).and_then(|query| {
                query.customers(10, EmptyCids::All)?;
                query.groups()?;
                query.os()?;
                query.sync()?;
                query.page(100)
            });
            let failure = failure.unwrap_err();
            assert!(failure.message.contains(expected), "{raw}: {}", failure.message);
            assert_eq!(failure.status, 400, "{raw}");
        }
    }

    #[test]
    fn an_empty_cids_is_everyone_or_an_error() {
        assert_eq!(query("cids=").customers(10, EmptyCids::All).unwrap(), Scope::All);
        assert!(query("cids=").customers(10, EmptyCids::Reject).is_err());
        assert!(query("cids=").required_customers(10).is_err());
        assert!(query("").required_customers(10).is_err());
    }
}
