//! One copy of what many objects share: names, references to backends, specs without their targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{api::PolicyAssignmentSpec, model::BackendId};

/// Pools are swept each time they have doubled, from this size on: amortised constant.
const SMALL: usize = 512;

/// The pools.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: BTreeSet<Arc<str>>,
    backends: BTreeSet<Arc<BackendId>>,
    specs: BTreeMap<Box<[u8]>, Arc<PolicyAssignmentSpec>>,
    swept: [usize; 2],
}

impl Interner {
    /// The one copy of `name`.
    pub fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let [swept, _] = &mut self.swept;
        if self.names.len() >= 2 * (*swept).max(SMALL) {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            *swept = self.names.len();
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
        // Specs have string keys only, so that they always serialise; should one not, it is not shared.
        let Ok(text) = serde_json::to_vec(&spec) else { return Arc::new(spec) };
        if let Some(known) = self.specs.get(text.as_slice()) {
            return Arc::clone(known);
        }
        let [_, swept] = &mut self.swept;
        if self.specs.len() >= 2 * (*swept).max(SMALL) {
            self.specs.retain(|_, spec| Arc::strong_count(spec) > 1);
            *swept = self.specs.len();
        }
        let new = Arc::new(spec);
        self.specs.insert(text.into(), Arc::clone(&new));
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
        assert!(interner.specs.len() <= 1025, "{} specs are kept", interner.specs.len());
    }
}
