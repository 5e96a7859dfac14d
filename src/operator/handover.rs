//! Memory of namespaces that were another installation's for a while.

use crate::{
    model::{BackendId, BackendKind},
    store::{Store, StoreError},
};

/// Forgets every account whose memory speaks of a namespace that came back to us, so that it is treated like that of a
/// lost store (R13): another installation may have worked past it.
///
/// A Backend belongs to its namespace. A ClusterBackend belongs to all of them, and is one account: it is forgotten as a
/// whole where somebody of such a namespace holds something on it, since the other installation sees it, too; and kept
/// where all that it remembers is of namespaces that were ours all the time.
///
/// To be called before our Lease says that these namespaces are ours. A process that dies in between leaves nothing that
/// is believed: the next one finds the Lease as it was, and goes on.
///
/// # Errors
/// Those of the store; what was forgotten so far stays so.
pub(super) fn forget_regained(
    store: &Store,
    regains: impl Fn(&str) -> bool,
) -> Result<Vec<BackendId>, StoreError> {
    let mut forgotten = Vec::new();
    for account in store.accounts()? {
        if is_outdated(store, &account, &regains)? {
            store.forget(&account)?;
            forgotten.push(account);
        }
    }
    Ok(forgotten)
}

fn is_outdated(
    store: &Store,
    account: &BackendId,
    regains: &impl Fn(&str) -> bool,
) -> Result<bool, StoreError> {
    Ok(match account.kind {
        BackendKind::Backend => regains(&account.namespace),
        BackendKind::ClusterBackend => {
            store.load(account)?.claims.claimants().any(|who| regains(&who.namespace))
        }
    })
}
