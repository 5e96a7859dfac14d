//! One copy of every name.

use std::{collections::BTreeSet, sync::Arc};

/// Names that many objects share: namespaces, policies, groups, backends.
#[derive(Debug, Default)]
pub(super) struct Interner {
    names: BTreeSet<Arc<str>>,
    swept: usize,
}

impl Interner {
    /// The one copy of `name`.
    pub fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        self.sweep_when_doubled();
        let new: Arc<str> = name.into();
        self.names.insert(Arc::clone(&new));
        new
    }

    /// Forgets names nobody uses any more, each time the set has doubled: amortised constant.
    fn sweep_when_doubled(&mut self) {
        if self.names.len() >= 2 * self.swept.max(512) {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            self.swept = self.names.len();
        }
    }
}

#[cfg(test)]
mod tests {
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
}
