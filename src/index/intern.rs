//! One copy of what many objects share: names, references to backends, specs without their targets.

use std::{
    collections::{BTreeSet, HashSet},
    hash::Hash,
    sync::Arc,
};

use crate::{
    api::{IdOrName, PolicyAssignmentSpec},
    model::{BackendId, ObjectName, Uid},
};

/// Pools are swept each time they have doubled, from this size on: amortised constant.
const SMALL: usize = 512;

/// The pools.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: HashSet<Arc<str>>,
    backends: BTreeSet<Arc<BackendId>>,
    specs: Pool<PolicyAssignmentSpec>,
    groups: Pool<[IdOrName]>,
    swept: usize,
    /// An object that is about to be taken in.
    introduced: Option<ObjectName>,
    uid: Option<Uid>,
}

impl Interner {
    /// The one copy of `name`.
    pub fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        if self.names.len() >= 2 * self.swept.max(SMALL) {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            self.swept = self.names.len();
        }
        let new: Arc<str> = name.into();
        self.names.insert(Arc::clone(&new));
        new
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

/// Values of which there is one copy each.
#[derive(Debug)]
struct Pool<T: ?Sized> {
    all: HashSet<Arc<T>>,
    swept: usize,
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self { all: HashSet::new(), swept: 0 }
    }
}

impl<T: Eq + Hash + ?Sized> Pool<T> {
    fn get(&mut self, new: Arc<T>) -> Arc<T> {
        if let Some(known) = self.all.get(&new) {
            return Arc::clone(known);
        }
        if self.all.len() >= 2 * self.swept.max(SMALL) {
            self.all.retain(|one| Arc::strong_count(one) > 1);
            self.swept = self.all.len();
        }
        self.all.insert(Arc::clone(&new));
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
        assert!(interner.names.len() <= 1025, "{} names are kept", interner.names.len());
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
