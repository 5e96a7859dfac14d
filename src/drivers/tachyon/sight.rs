//! How long what the account was proven to see holds (vendor sheet section 10, 1 to 3).
//!
//! What the sheet warns of: groups on which the account loses its role vanish from every answer without a word, and a call
//! that replaces or takes away may then strike what is not seen. A proof takes two calls, the groups and everybody's roles,
//! and a worker looks several times for one edit. So a proof is kept, under two conditions:
//!
//! - **It is the same picture.** Every policy reaches exactly the groups, by name, that it reached when it was made. A
//!   group that is hidden, renamed, made anew, given or taken since makes a difference there, if anything reaches it; so
//!   does every policy that comes or goes. It is read anew then, and at any rate after [`LASTS`].
//! - **Nothing rests on it that the sheet warns of.** Before a policy is replaced, switched off or removed, or a group is
//!   taken out of it, a proof that was not made in the last look is made anew, once ([`confirm`]). Rules are hidden from
//!   nobody, so putting them in and taking them out rests on no view.
//!
//! A view that was found partial is proven again in every look.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    calls::Id,
    directory,
    lists::Listed,
    session::Session,
    view::{self, View},
    wire::{self, GroupNames},
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
};

/// Less than the default drift interval, so that on a quiet account every look makes a proof.
const LASTS: Duration = Duration::from_mins(20);

/// Groups, as told, of each policy.
type Reach = BTreeMap<Id, BTreeSet<String>>;

/// The last proof of a full view.
#[derive(Default)]
pub struct Sight(Mutex<Option<Proof>>);

struct Proof {
    made: Instant,
    names: GroupNames,
    reach: Reach,
    /// It was taken over by a look, so that something may have been hidden since.
    kept: bool,
}

/// What a look knows of the groups.
pub struct Seen {
    /// Their names.
    pub names: GroupNames,
    /// Why the account is not known to see all of them.
    pub partial: Option<String>,
}

impl Sight {
    /// Nothing is taken as proven any more.
    pub fn forget(&self) {
        *self.proof() = None;
    }

    fn proof(&self) -> MutexGuard<'_, Option<Proof>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the groups, if the last proof holds for what is listed.
    fn keep(&self, reach: &Reach) -> Option<GroupNames> {
        let mut proof = self.proof();
        let proof = proof.as_mut().filter(|proof| proof.made.elapsed() < LASTS && proof.reach == *reach)?;
        proof.kept = true;
        Some(proof.names.clone())
    }

    fn is_kept(&self) -> bool {
        self.proof().as_ref().is_some_and(|proof| proof.kept)
    }

    fn renew(&self) {
        if let Some(proof) = self.proof().as_mut() {
            (proof.made, proof.kept) = (Instant::now(), false);
        }
    }
}

/// What the account sees, beside the policies just listed.
///
/// # Errors
/// As for [`view::view`] and [`directory::groups`].
pub async fn look(session: &Session, listed: &Listed) -> Result<Seen, DriverError> {
    let reach = reach(listed);
    if let Some(names) = reach.as_ref().and_then(|reach| session.sight().keep(reach)) {
        return Ok(Seen { names, partial: None });
    }
    session.sight().forget();
    let groups = directory::groups(session).await?;
    let view = view::view(session, groups.whole()).await?;
    let names = GroupNames::new(groups.listed.as_deref().unwrap_or_default());
    if let Some(reach) = reach.filter(|_| view == View::Full) {
        let proof = Proof { made: Instant::now(), names: names.clone(), reach, kept: false };
        *session.sight().proof() = Some(proof);
    }
    Ok(Seen { names, partial: view.partial().map(str::to_owned) })
}

/// Makes sure that the account still sees all groups, before a call that may strike what it does not see. Free where the
/// last look proved it.
///
/// # Errors
/// `Conflict` where it is not known to any more: then everything is read again. Else as for [`look`].
pub async fn confirm(session: &Session) -> Result<(), DriverError> {
    if !session.sight().is_kept() {
        return Ok(());
    }
    let groups = directory::groups(session).await?;
    match view::view(session, groups.whole()).await? {
        View::Full => {
            session.sight().renew();
            Ok(())
        }
        View::Partial(why) => {
            session.sight().forget();
            let message =
                format!("the view has narrowed since policies were read, so they are read again: {why}");
            Err(DriverError::new(Class::Conflict, Reason::Conflict, message))
        }
    }
}

/// Groups of every policy; `None` where the list is not whole or one of them is not understood.
fn reach(listed: &Listed) -> Option<Reach> {
    let reached = |(id, row): (&Id, _)| Some((*id, wire::reached(row)?));
    listed.complete.then(|| listed.rows.iter().map(reached).collect::<Option<_>>()).flatten()
}
