//! Coordinates of a policy document, and the scope of a write.
//!
//! A write without `cids` reaches **every customer of the partner**, one without `gids` every group (sheet section
//! 4.2). [`PutScope`] is the only way to address a write and cannot be made without all three coordinates.

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::{api::Os, model::ItemKey};

/// Most customers in one call (sheet section 4).
pub const MAX_CUSTOMERS: usize = 10;

/// Most groups in one call: the vendor names no limit, but answers at most a hundred documents a page.
pub const MAX_GROUPS: usize = 100;

/// A customer: a GUID, upper case, as SMPI writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerId(Arc<str>);

impl CustomerId {
    /// Takes a GUID in either case; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        well_formed.then(|| Self(text.to_ascii_uppercase().into()))
    }

    /// The GUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group's number, meaningful only together with its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(u64);

impl GroupId {
    /// A number as the vendor sends it.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Takes decimal digits; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().map(Self)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One policy document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId {
    /// Whose.
    pub customer: CustomerId,
    /// Of which group.
    pub group: GroupId,
    /// For which platform.
    pub os: Os,
}

impl DocumentId {
    /// Reads `<customer>/<gid>/<os>`.
    pub fn parse(key: &ItemKey) -> Option<Self> {
        let mut parts = key.0.split('/');
        let (customer, group, os) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            customer: CustomerId::parse(customer)?,
            group: GroupId::parse(group)?,
            os: parse_os(os)?,
        })
    }

    /// Writes `<customer>/<gid>/<os>`.
    pub fn key(&self) -> ItemKey {
        ItemKey(self.to_string().into())
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.customer, self.group, self.os)
    }
}

fn parse_os(text: &str) -> Option<Os> {
    Os::ALL.iter().copied().find(|os| os.as_str() == text)
}

/// What one PUT reaches: never more than the documents it was made from.
///
/// ```
/// use ordain::{api::Os, drivers::wfbss::ids::{CustomerId, DocumentId, GroupId, PutScope}};
/// let customer = CustomerId::parse("640fe47f-5118-4d79-8221-a35d0de2ee2c").unwrap();
/// let scope = PutScope::covering([DocumentId { customer, group: GroupId::new(1), os: Os::Win }]).unwrap();
/// assert_eq!(scope.cids(), "640FE47F-5118-4D79-8221-A35D0DE2EE2C");
/// assert!(PutScope::covering([]).is_err());
/// ```
///
/// There is no other way to one:
///
/// ```compile_fail
/// use ordain::{api::Os, drivers::wfbss::ids::PutScope};
/// let everybody = PutScope { customers: Default::default(), groups: Default::default(), os: Os::Win };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutScope {
    customers: BTreeSet<CustomerId>,
    groups: BTreeSet<GroupId>,
    os: Os,
}

impl PutScope {
    /// The scope that reaches exactly these documents.
    ///
    /// # Errors
    /// A sentence, where one call cannot reach exactly them: none at all, several platforms, more than
    /// [`MAX_CUSTOMERS`] customers or [`MAX_GROUPS`] groups, or customers whose groups differ (`cids=A,B&gids=1,2`
    /// means both groups of both).
    pub fn covering(documents: impl IntoIterator<Item = DocumentId>) -> Result<Self, String> {
        let documents: BTreeSet<DocumentId> = documents.into_iter().collect();
        let Some(os) = documents.first().map(|first| first.os) else {
            return Err("a write without documents would reach every customer: not sent".into());
        };
        let customers: BTreeSet<_> = documents.iter().map(|d| d.customer.clone()).collect();
        let groups: BTreeSet<_> = documents.iter().map(|d| d.group).collect();
        if documents.iter().any(|d| d.os != os) {
            return Err("one write cannot reach documents of several platforms".into());
        }
        if customers.len() > MAX_CUSTOMERS || groups.len() > MAX_GROUPS {
            return Err(format!(
                "one write reaches at most {MAX_CUSTOMERS} customers and {MAX_GROUPS} groups"
            ));
        }
        if customers.len() * groups.len() != documents.len() {
            return Err("one write cannot reach different groups of different customers".into());
        }
        Ok(Self { customers, groups, os })
    }

    /// Value of `cids`: never empty.
    pub fn cids(&self) -> String {
        comma_list(&self.customers)
    }

    /// Value of `gids`: never empty.
    pub fn gids(&self) -> String {
        comma_list(&self.groups)
    }

    /// Value of `os`.
    pub const fn os(&self) -> &'static str {
        self.os.as_str()
    }

    /// Whether several customers are reached, so that one answer speaks for all of them.
    pub fn is_packed(&self) -> bool {
        self.customers.len() > 1
    }
}

/// Values joined as list parameters want them: in one parameter, commas literal (sheet section 4).
pub fn comma_list<T: fmt::Display>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::type_complexity)]
    use super::*;

    const A: &str = "640FE47F-5118-4D79-8221-A35D0DE2EE2C";
    const B: &str = "AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163";

    fn document(customer: &str, group: u64, os: Os) -> DocumentId {
        DocumentId { customer: CustomerId::parse(customer).unwrap(), group: GroupId::new(group), os }
    }

    #[test]
    fn ids_fold_case_and_refuse_what_is_none() {
        assert_eq!(CustomerId::parse(&A.to_lowercase()), CustomerId::parse(A));
        for text in
            ["", "640FE47F", "640FE47F-5118-4D79-8221-A35D0DE2EE2G", "640FE47F,5118-4D79-8221-A35D0DE2EE2C"]
        {
            assert_eq!(CustomerId::parse(text), None, "{text}");
        }
        for text in ["", "-1", "+1", "1,2", "1.0", "99999999999999999999999"] {
            assert_eq!(GroupId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let id = document(A, 7, Os::Android);
        assert_eq!(id.key().0.as_ref(), format!("{A}/7/android"));
        assert_eq!(DocumentId::parse(&id.key()), Some(id));
        for key in ["", "a/b/c", &format!("{A}/7"), &format!("{A}/7/beos"), &format!("{A}/7/win/x")] {
            assert_eq!(DocumentId::parse(&ItemKey(key.into())), None, "{key}");
        }
    }

    #[test]
    fn a_scope_reaches_exactly_its_documents_or_cannot_be_made() {
        use Os::{Mac, Win};
        let eleven = |n: u32| document(&format!("640FE47F-5118-4D79-8221-A35D0DE2{n:04X}"), 1, Win);
        let cases: [(&str, Vec<DocumentId>, Option<(&str, &str)>); 7] = [
            ("nothing", vec![], None),
            ("one", vec![document(A, 1, Win)], Some((A, "1"))),
            ("groups of one customer", vec![document(A, 2, Win), document(A, 1, Win)], Some((A, "1,2"))),
            ("two platforms", vec![document(A, 1, Win), document(A, 1, Mac)], None),
            ("groups differ", vec![document(A, 1, Win), document(B, 2, Win)], None),
            ("too many customers", (0..11).map(eleven).collect(), None),
            ("too many groups", (0..101).map(|n| document(A, n, Win)).collect(), None),
        ];
        for (why, documents, expected) in cases {
            let scope = PutScope::covering(documents).ok();
            let shown = scope.as_ref().map(|scope| (scope.cids(), scope.gids()));
            assert_eq!(shown.as_ref().map(|(c, g)| (c.as_str(), g.as_str())), expected, "{why}");
        }
        let packed = PutScope::covering([document(A, 1, Win), document(B, 1, Win)]).unwrap();
        assert!(packed.is_packed());
        assert_eq!((packed.cids(), packed.os()), (format!("{A},{B}"), "win"));
    }
}
