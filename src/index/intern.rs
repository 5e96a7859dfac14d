//! One copy of what many objects share: names, references to backends, specs without their targets.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashSet},
    hash::Hash,
    sync::Arc,
};

use super::desired::Sources;
use crate::{
    api::{IdOrName, PolicyAssignmentSpec},
    model::{BackendId, ObjectName, Uid},
};

/// Pools are swept each time they have doubled, from this size on: amortised constant.
const SMALL: usize = 512;

/// The pools.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: Pool<Arc<str>>,
    policies: Pool<ObjectName>,
    backends: BTreeSet<Arc<BackendId>>,
    specs: Pool<Arc<PolicyAssignmentSpec>>,
    groups: Pool<Arc<[IdOrName]>>,
    sources: Pool<Sources>,
    /// An object that is about to be taken in.
    introduced: Option<ObjectName>,
    uid: Option<Uid>,
}

impl Interner {
    /// The one copy of `name`.
    pub fn get(&mut self, name: &str) -> Arc<str> {
        self.names.known(name).unwrap_or_else(|| self.names.add(name.into()))
    }

    /// The one copy of the name of a Policy in the namespace of an assignment.
    pub fn policy(&mut self, assignment: &ObjectName, policy: &str) -> ObjectName {
        let last = self.policies.last.as_ref();
        let same = |last: &&ObjectName| *last.name == *policy && last.namespace == assignment.namespace;
        if let Some(last) = last.filter(same) {
            return last.clone();
        }
        let name = self.get(policy);
        self.policies.get(ObjectName::new(Arc::clone(&assignment.namespace), name))
    }

    /// The one copy of a reference; there are as many as backends ever named.
    pub fn backend(&mut self, id: BackendId) -> Arc<BackendId> {
        if let Some(known) = self.backends.get(&id) {
            return Arc::clone(known);
        }
        let new = Arc::new(id);
        self.backends.insert(Arc::clone(&new));
        new
    }

    /// The one copy of a spec. Without targets most assignments of a policy say the same.
    pub fn spec(&mut self, spec: PolicyAssignmentSpec) -> Arc<PolicyAssignmentSpec> {
        self.specs.get(Arc::new(spec))
    }

    /// Puts the one copy of a list of groups in its place: many customers have groups of the same names.
    pub fn share(&mut self, groups: &mut Option<Arc<[IdOrName]>>) {
        *groups = groups.take().map(|groups| self.groups.get(groups));
    }

    /// The one copy of what assignments are resolved from, the same for most of a policy.
    pub fn sources(&mut self, sources: &Sources) -> Sources {
        self.sources.get(Arc::clone(sources))
    }

    /// Remembers the name of an object that is about to be taken in.
    pub fn introduce(&mut self, name: &ObjectName) {
        self.introduced = Some(name.clone());
    }

    /// The name that was introduced last, if this is it.
    pub fn introduced(&self, namespace: &str, name: &str) -> Option<ObjectName> {
        let introduced = self.introduced.as_ref()?;
        (*introduced.name == *name && *introduced.namespace == *namespace).then(|| introduced.clone())
    }

    /// The one copy of a uid for all who ask for it in a row.
    pub fn uid(&mut self, text: &str) -> Uid {
        match self.uid.as_ref().filter(|uid| *uid.0 == *text) {
            Some(uid) => uid.clone(),
            None => self.uid.insert(Uid(text.into())).clone(),
        }
    }
}

/// What is held by pointer, so that one copy serves many.
trait Shared: Clone + Eq + Hash {
    /// Whether somebody else than the pool holds it.
    fn is_used(&self) -> bool;
}

impl<T: Eq + Hash + ?Sized> Shared for Arc<T> {
    fn is_used(&self) -> bool {
        Arc::strong_count(self) > 1
    }
}

impl Shared for ObjectName {
    fn is_used(&self) -> bool {
        self.is_shared()
    }
}

/// Values of which there is one copy each.
#[derive(Debug)]
struct Pool<T> {
    all: HashSet<T>,
    /// The one asked for last: equal ones often come in a row, and comparing is cheaper than hashing.
    last: Option<T>,
    swept: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { all: HashSet::new(), last: None, swept: 0 }
    }
}

impl<T: Shared> Pool<T> {
    /// The one copy of `new`, which may become it.
    fn get(&mut self, new: T) -> T {
        if let Some(last) = self.last.as_ref().filter(|last| **last == new) {
            return last.clone();
        }
        let one = self.known(&new).unwrap_or_else(|| self.add(new));
        self.last.insert(one).clone()
    }

    fn known<Q: Eq + Hash + ?Sized>(&self, value: &Q) -> Option<T>
    where
        T: Borrow<Q>,
    {
        self.all.get(value).cloned()
    }

    fn add(&mut self, new: T) -> T {
        if self.all.len() >= 2 * self.swept.max(SMALL) {
            self.all.retain(T::is_used);
            self.swept = self.all.len();
        }
        self.all.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn equal_names_share_one_copy_and_unused_ones_go() {
        let mut interner = Interner::default();
        let kept = interner.get("kept");
        assert!(Arc::ptr_eq(&kept, &interner.get("kept")));
        for i in 0..5000 {
            interner.get(&format!("passing-{i}"));
        }
        assert!(interner.names.all.len() <= 1025, "{} names are kept", interner.names.all.len());
        assert!(Arc::ptr_eq(&kept, &interner.get("kept")));
    }

    #[test]
    fn equal_specs_share_one_copy_and_unused_ones_go() {
        let mut interner = Interner::default();
        let spec = |priority: i32| -> PolicyAssignmentSpec {
            serde_json::from_value(serde_json::json!({
                "policyRef": {"name": "p"}, "backendRef": {"name": "b"}, "priority": priority,
            }))
            .unwrap()
        };
        let kept = interner.spec(spec(1));
        assert!(Arc::ptr_eq(&kept, &interner.spec(spec(1))));
        assert!(!Arc::ptr_eq(&kept, &interner.spec(spec(2))));
        for i in 0..2000 {
            interner.spec(spec(i));
        }
        assert!(interner.specs.all.len() <= 1025, "{} specs are kept", interner.specs.all.len());
    }

    #[test]
    fn a_policy_has_one_name_for_all_assignments_of_its_namespace() {
        let mut interner = Interner::default();
        let [a, b] = ["a", "b"].map(|name| ObjectName::new("team", name));
        let one = interner.policy(&a, "p");
        let other = interner.policy(&ObjectName::new("sales", "a"), "p");
        assert_eq!([&one, &other], [&ObjectName::new("team", "p"), &ObjectName::new("sales", "p")]);
        assert_eq!(interner.policy(&b, "q"), ObjectName::new("team", "q"));
        let again = interner.policy(&b, "p");
        let (one_at, again_at) = (std::ptr::from_ref(&*one), std::ptr::from_ref(&*again));
        assert_eq!(one_at, again_at, "one copy, though another was asked for in between");
        for i in 0..2000 {
            interner.policy(&a, &format!("passing-{i}"));
        }
        assert!(interner.policies.all.len() <= 1025 && interner.policies.all.contains(&one));
    }

    #[test]
    fn equal_lists_of_groups_share_one_copy() {
        let mut interner = Interner::default();
        let list = |name: &str| Some(Arc::from([IdOrName::name(name)]));
        let (mut one, mut same, mut other) = (list("Servers"), list("Servers"), list("Desktops"));
        [&mut one, &mut same, &mut other].into_iter().for_each(|groups| interner.share(groups));
        assert!(Arc::ptr_eq(one.as_ref().unwrap(), same.as_ref().unwrap()));
        assert_ne!(one, other);
    }

    #[test]
    fn what_was_introduced_last_is_known_and_nothing_else() {
        let mut interner = Interner::default();
        let name = ObjectName::new("team", "a");
        interner.introduce(&name);
        let found = interner.introduced("team", "a").unwrap();
        assert!(Arc::ptr_eq(&found.name, &name.name));
        assert_eq!(interner.introduced("other", "a"), None);
        assert_eq!(interner.introduced("team", "b"), None);
        let uid = interner.uid("u");
        assert!(Arc::ptr_eq(&uid.0, &interner.uid("u").0));
        assert_eq!(interner.uid("v"), Uid("v".into()));
    }
}
