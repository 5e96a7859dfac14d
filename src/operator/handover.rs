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
/// where all that it remembers is of namespaces that were ours all the time. What another installation did on one that is
/// kept is not known then, which is why one installation alone should use a ClusterBackend.
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
    if account.kind == BackendKind::Backend {
        return Ok(regains(&account.namespace));
    }
    Ok(store.load(account)?.claims.claimants().any(|who| regains(&who.namespace)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use jiff::Timestamp;

    use super::*;
    use crate::{
        model::{
            ItemKey, ObjectName, Secret, SystemClock, Uid,
            memory::{ClaimRecord, LeafDigests, Write},
        },
        store::{Expected, Keys},
    };

    fn store(folder: &tempfile::TempDir) -> Store {
        let keys = Keys::derive(&Secret::new("0123456789".repeat(4))).unwrap();
        let url = format!("sqlite://{}", folder.path().join("ordain.db").display());
        Store::open(&url, keys, Expected::default(), Arc::new(SystemClock::new())).unwrap().store
    }

    /// Why, the account, whose assignment holds something on it, and whether its memory, and what it saw, are kept.
    #[test]
    fn what_another_one_may_have_worked_past_is_forgotten() {
        for (why, kind, namespace, holder, kept, saw) in [
            ("it comes back", BackendKind::Backend, "team", "team", false, false),
            ("it stayed", BackendKind::Backend, "own", "own", true, true),
            ("what came back holds something", BackendKind::ClusterBackend, "", "team", false, false),
            ("what stayed holds all of it", BackendKind::ClusterBackend, "", "own", true, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = store(&folder);
            let account = BackendId { kind, namespace: namespace.into(), name: "trend".into() };
            let claim = ClaimRecord {
                leaves: LeafDigests::default(),
                members: BTreeMap::new(),
                priority: 0,
                generation: 1,
                policy_generation: 1,
            };
            let writes = [
                Write::Since(Timestamp::UNIX_EPOCH),
                Write::Seen(Uid("uid".into()), 3),
                Write::Claim(ItemKey("1/2/win".into()), ObjectName::new(holder, "web"), Some(claim)),
            ];
            store.commit(&account, &writes, &[]).unwrap();
            let forgotten = forget_regained(&store, |namespace| namespace == "team").unwrap();
            let memory = store.load(&account).unwrap();
            let found =
                (forgotten.is_empty(), memory.since.is_some(), memory.seen.contains_key(&Uid("uid".into())));
            assert_eq!(found, (kept, kept, saw), "{why}");
        }
    }
}
