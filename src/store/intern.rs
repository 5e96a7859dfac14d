//! One allocation per distinct name: a loaded memory repeats the same paths tens of thousands of times.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{
    ItemKey, LeafPath,
    memory::{ClaimRecord, ItemRecord, LeafDigests, OperationRecord},
};

/// The names met so far.
#[derive(Default)]
pub(super) struct Interner(BTreeSet<Arc<str>>);

impl Interner {
    /// The one copy of this text.
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }

    pub(super) fn item(&mut self, mut item: ItemRecord) -> ItemRecord {
        if let Some(observed) = &mut item.observed {
            self.leaves(&mut observed.leaves);
        }
        self.leaves(&mut item.secrets);
        item.drifted.shrink_to_fit();
        item
    }

    pub(super) fn claim(&mut self, mut claim: ClaimRecord) -> ClaimRecord {
        self.leaves(&mut claim.leaves);
        claim
    }

    pub(super) fn operation(&mut self, mut operation: OperationRecord) -> OperationRecord {
        operation.items =
            operation.items.into_iter().map(|(key, d)| (ItemKey(self.get(&key.0)), d)).collect();
        operation
    }

    fn leaves(&mut self, leaves: &mut LeafDigests) {
        for (LeafPath(path), _) in leaves.iter_mut() {
            *path = self.get(path);
        }
        leaves.shrink_to_fit();
    }
}
