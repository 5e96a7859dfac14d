//! Names and identifiers, parsed once into types that cannot be mixed up.

use std::{cmp::Ordering, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Namespace and name of a namespaced object. One pointer wide: many maps and views hold the name of each assignment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectName(Arc<NameParts>);

/// What an [`ObjectName`] consists of.
#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NameParts {
    /// The namespace.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl std::ops::Deref for ObjectName {
    type Target = NameParts;

    fn deref(&self) -> &NameParts {
        &self.0
    }
}

/// By namespace, then name. Names and namespaces are mostly one copy, so that looking into them is rarely needed.
impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let by_name = || self.name.cmp(&other.name);
        if Arc::ptr_eq(&self.namespace, &other.namespace) {
            return by_name();
        }
        self.namespace.cmp(&other.namespace).then_with(by_name)
    }
}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ObjectName {
    /// Both parts as they stand in `metadata`.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(NameParts { namespace: namespace.into(), name: name.into() }))
    }

    /// Whether there is another clone of it.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// `metadata.uid`: guards process-internal things only, never an external identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Uid(pub Arc<str>);

impl std::borrow::Borrow<str> for Uid {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The two kinds of backend; the order is the one of R10 (a ClusterBackend works before a Backend).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BackendKind {
    /// Cluster-scoped, shared by access entries.
    ClusterBackend,
    /// Namespaced.
    Backend,
}

/// One Backend or ClusterBackend: the key of a worker and of its memory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BackendId {
    /// Which of the two kinds.
    pub kind: BackendKind,
    /// Empty for a ClusterBackend.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
}

impl BackendId {
    /// The one that is meant from within a namespace: a ClusterBackend has none.
    pub fn seen_from(namespace: &str, kind: BackendKind, name: &str) -> Self {
        let namespace = if kind == BackendKind::Backend { namespace } else { "" };
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for BackendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BackendKind::Backend => write!(f, "Backend/{}/{}", self.namespace, self.name),
            BackendKind::ClusterBackend => write!(f, "ClusterBackend/{}", self.name),
        }
    }
}

/// An id the vendor gave; always text, also where the vendor sends a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExternalId(pub Arc<str>);

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who writes the marks of this installation (product.md section 4): eight characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwnerId(Arc<str>);

impl OwnerId {
    /// A given owner id shortened to, or hashed into, eight characters of base32.
    ///
    /// Text of exactly eight characters `a-z2-7` is taken as it is, so that the id printed in a
    /// mark can be set again after a restore elsewhere; anything else is hashed.
    pub fn new(text: &str) -> Self {
        let fits = text.len() == 8 && text.bytes().all(|b| BASE32.contains(&b));
        if fits {
            Self(text.into())
        } else {
            Self(base32(&blake3::hash(text.as_bytes()).as_bytes()[..5]).into())
        }
    }

    /// The eight characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What makes an external object *this* one: (owner id, keying kind, namespace, name, variant).
///
/// No uid and no Backend: a restore, a reinstall or `replace --force` finds the same objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// This installation.
    pub owner: OwnerId,
    /// The kind that keys the object: `PolicyAssignment` or `Policy` (R5).
    pub kind: &'static str,
    /// Its namespace and name.
    pub object: ObjectName,
    /// What tells the objects of one key apart, e.g. `android/roles`.
    pub variant: String,
}

impl Identity {
    /// The mark that stands at the end of the vendor object's description.
    pub fn mark(&self) -> Mark {
        Mark { owner: Some(self.owner.clone()), identity: self.hash().into() }
    }

    /// The mark of objects that have a name only: `~` and six characters after it (product.md section 4).
    ///
    /// The name has no room for the owner, so the characters prove it: of those that the identity gives, the first six
    /// that the owner could have written.
    pub fn suffix(&self) -> Mark {
        let mut characters = self.hasher().finalize_xof();
        let mut next = || {
            let mut bytes = [0; 5];
            characters.fill(&mut bytes);
            let mut text = base32(&bytes);
            text.truncate(SUFFIX);
            text
        };
        let mut identity = next();
        while !proves(&self.owner, &identity) {
            identity = next();
        }
        Mark { owner: None, identity: identity.into() }
    }

    fn hash(&self) -> String {
        base32(&self.hasher().finalize().as_bytes()[..10])
    }

    fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        for part in [self.owner.as_str(), self.kind, &self.object.namespace, &self.object.name, &self.variant]
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher
    }
}

/// Finds an object again: `[ordain:<owner, 8>/<base32 of 80 bits of blake3(identity)>]` at the end of a description, or
/// `~` and six characters that prove the owner at the end of a name, where the system has no description.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The installation that wrote it. None in a name: what does not prove to be of this installation is no mark there.
    pub owner: Option<OwnerId>,
    /// Sixteen characters of base32, or six.
    pub identity: Arc<str>,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => write!(f, "[ordain:{}/{}]", owner.as_str(), self.identity),
            None => write!(f, "~{}", self.identity),
        }
    }
}

impl Mark {
    /// The description with this mark at its end.
    pub fn append_to(&self, description: &str) -> String {
        if description.is_empty() { self.to_string() } else { format!("{description} {self}") }
    }

    /// The name with this suffix.
    pub fn suffixed(&self, name: &str) -> String {
        format!("{name}{self}")
    }

    /// Splits a vendor's name into what people call the object and the suffix that `owner` wrote, if any. What only looks
    /// like one (`Cards~backup`) is part of the name.
    pub fn split_name<'n>(name: &'n str, owner: &OwnerId) -> (&'n str, Option<Self>) {
        match name.rsplit_once('~') {
            Some((text, identity)) if is_base32(identity, SUFFIX) && proves(owner, identity) => {
                (text, Some(Self { owner: None, identity: identity.into() }))
            }
            _ => (name, None),
        }
    }

    /// Splits a vendor's description into the text people wrote and the mark at its end, if any.
    pub fn split(description: &str) -> (&str, Option<Self>) {
        let trimmed = description.trim_end();
        let found = trimmed.rfind("[ordain:").and_then(|at| {
            let inner = trimmed.get(at..)?.strip_prefix("[ordain:")?.strip_suffix(']')?;
            let (owner, identity) = inner.split_once('/')?;
            (is_base32(owner, 8) && is_base32(identity, 16))
                .then(|| (at, Self { owner: Some(OwnerId(owner.into())), identity: identity.into() }))
        });
        match found {
            Some((at, mark)) => (trimmed.get(..at).unwrap_or_default().trim_end(), Some(mark)),
            None => (description, None),
        }
    }
}

/// Characters of a mark that stands in a name.
const SUFFIX: usize = 6;

/// Whether the owner could have written these six characters: one in 360 of all that there are, and no word of letters
/// alone. What is left of them tells three million objects apart.
fn proves(owner: &OwnerId, suffix: &str) -> bool {
    let digit = suffix.bytes().any(|byte| byte.is_ascii_digit());
    let hash = || blake3::hash(format!("ordain/{}/{suffix}", owner.as_str()).as_bytes());
    digit && hash().as_bytes().first() == Some(&0)
}

fn is_base32(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| BASE32.contains(&b))
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// RFC 4648 base32, lower case, for inputs that are a multiple of five bytes.
fn base32(bytes: &[u8]) -> String {
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0u64, |bits, b| bits << 8 | u64::from(*b));
            (0..8).rev().map(move |i| {
                let index = usize::try_from(bits >> (5 * i) & 31).unwrap_or_default();
                char::from(BASE32.get(index).copied().unwrap_or(b'a'))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]

    use super::*;

    fn identity() -> Identity {
        Identity {
            owner: OwnerId::new("a cluster"),
            kind: "PolicyAssignment",
            object: ObjectName::new("team", "laptops"),
            variant: "android/roles".into(),
        }
    }

    fn mark() -> Mark {
        identity().mark()
    }

    #[test]
    fn a_suffix_survives_the_trip_through_a_name() {
        for name in ["", "Cards", "odd~name", "~aaaaaa"] {
            let suffix = identity().suffix();
            let sent = suffix.suffixed(name);
            assert_eq!(Mark::split_name(&sent, &identity().owner), (name, Some(suffix)));
        }
    }

    #[test]
    fn what_only_looks_like_a_suffix_is_part_of_the_name() {
        let owner = identity().owner;
        let ours = identity().suffix().suffixed("Cards");
        let names = ["Cards", "a~b", "Cards~backup", "Cards~legacy", "Cards~draft2", "Cards~222222", ""];
        let spelled = [ours.to_uppercase(), format!("{ours} "), format!("{ours}a")];
        for name in names.into_iter().map(str::to_owned).chain(spelled) {
            assert_eq!(Mark::split_name(&name, &owner), (name.as_str(), None), "{name}");
        }
        assert_eq!(Mark::split_name(&ours, &OwnerId::new("another cluster")), (ours.as_str(), None));
    }

    /// Few enough of those that others write are taken for ours, and ours differ from each other.
    #[test]
    fn a_suffix_proves_its_owner_and_tells_objects_apart() {
        let named = |n: usize, owner: &str| Identity {
            owner: OwnerId::new(owner),
            object: ObjectName::new("team", n.to_string()),
            ..identity()
        };
        let suffixes: std::collections::BTreeSet<_> =
            (0..200).map(|n| named(n, "a cluster").suffix()).collect();
        assert_eq!(suffixes.len(), 200);
        let theirs = (0..200).map(|n| named(n, "another cluster").suffix().suffixed("Cards"));
        let taken = theirs.filter(|name| Mark::split_name(name, &identity().owner).1.is_some()).count();
        assert!(taken <= 4, "{taken} of 200");
    }

    #[test]
    fn a_mark_survives_the_trip_through_a_description() {
        for text in ["", "Camera off", "odd [ordain:x] text", "trailing [brackets]"] {
            let described = mark().append_to(text);
            assert_eq!(Mark::split(&described), (text, Some(mark())));
        }
    }

    #[test]
    fn text_that_only_looks_like_a_mark_is_left_alone() {
        for text in ["[ordain:/]", "[ordain:aaaaaaaa/bbbb]", "[ordain:AAAAAAAA/bbbbbbbbbbbbbbbb]", "x]"] {
            assert_eq!(Mark::split(text), (text, None), "{text}");
        }
    }

    #[test]
    fn an_owner_id_taken_from_a_mark_is_kept_as_it_is() {
        let owner = OwnerId::new("a cluster");
        assert_eq!(OwnerId::new(owner.as_str()), owner);
    }

    #[test]
    fn a_name_is_stored_as_its_two_parts() {
        let (name, stored) = (ObjectName::new("team", "laptops"), r#"{"namespace":"team","name":"laptops"}"#);
        assert_eq!(serde_json::to_string(&name).unwrap(), stored);
        assert_eq!(serde_json::from_str::<ObjectName>(stored).unwrap(), name);
    }

    #[test]
    fn names_are_in_order_whether_or_not_their_namespace_is_one_copy() {
        let shared: Arc<str> = "b".into();
        let names = [
            ObjectName::new("a", "z"),
            ObjectName::new(Arc::clone(&shared), "a"),
            ObjectName::new(shared, "b"),
            ObjectName::new("b", "c"),
            ObjectName::new("c", "a"),
        ];
        assert!(names.is_sorted_by(|one, other| one < other));
        assert_eq!(names[1].cmp(&ObjectName::new("b", "a")), Ordering::Equal);
    }
}
