//! How long what the account was proven to see holds (vendor sheet section 10, 1 to 3).
//!
//! What the sheet warns of: groups on which the account loses its role vanish from every answer without a word, and a call
//! that replaces or takes away may then strike what is not seen. A proof takes two calls, the groups and everybody's roles,
//! and a worker looks several times for one edit. So a proof is kept, under two conditions:
//!
//! - **It is the same picture.** Every policy reaches exactly the groups, by name, that it reached when it was made. A
//!   group that is hidden, renamed, given or taken since makes a difference there, if anything reaches it; so does every
//!   policy that comes or goes. One that was deleted and made anew under its name makes none. It is read anew after
//!   [`LASTS`] at any rate, and once anybody finds the view partial.
//! - **Nothing that takes away rests on it.** Before a policy is replaced, switched off or removed, or a rule or group is
//!   taken out of it, a proof that was not made in the last look is made anew, once, names and all ([`confirm`]): two calls
//!   more for an edit that takes something out.
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
pub const LASTS: Duration = Duration::from_mins(20);

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
    /// Something says otherwise by now: no look takes it over, and what was seen by it waits for another one.
    refuted: bool,
}

impl Proof {
    fn holds(&self, reach: &Reach) -> bool {
        !self.refuted && self.made.elapsed() < LASTS && self.reach == *reach
    }
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
        let proof = proof.as_mut().filter(|proof| proof.holds(reach))?;
        proof.kept = true;
        Some(proof.names.clone())
    }

    /// What was proven holds no more, if anything was.
    pub fn refute(&self) {
        if let Some(proof) = self.proof().as_mut() {
            proof.refuted = true;
        }
    }

    fn is_to_confirm(&self) -> bool {
        self.proof().as_ref().is_some_and(|proof| proof.kept || proof.refuted)
    }

    /// The proof was made again; whether names lead to the same groups as in the last look.
    fn renew(&self, names: &GroupNames) -> bool {
        let mut proof = self.proof();
        let Some(proof) = proof.as_mut() else { return true };
        if proof.names != *names {
            proof.refuted = true;
            return false;
        }
        (proof.made, proof.kept, proof.refuted) = (Instant::now(), false, false);
        true
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
    session.sight().refute();
    let groups = directory::groups(session).await?;
    let view = view::view(session, groups.whole()).await?;
    let names = GroupNames::new(groups.listed.as_deref().unwrap_or_default());
    let proof = reach.filter(|_| view == View::Full).map(|reach| {
        let (made, names) = (Instant::now(), names.clone());
        Proof { made, names, reach, kept: false, refuted: false }
    });
    *session.sight().proof() = proof;
    Ok(Seen { names, partial: view.partial().map(str::to_owned) })
}

/// Makes sure that the account still sees all groups, before a call that may strike what it does not see. Free where the
/// last look proved it.
///
/// # Errors
/// `Conflict` where it is not known to any more: then everything is read again. Else as for [`look`].
pub async fn confirm(session: &Session) -> Result<(), DriverError> {
    if !session.sight().is_to_confirm() {
        return Ok(());
    }
    let groups = directory::groups(session).await?;
    let names = GroupNames::new(groups.listed.as_deref().unwrap_or_default());
    let message = match view::view(session, groups.whole()).await? {
        View::Full if session.sight().renew(&names) => return Ok(()),
        View::Full => {
            "management groups are others than when policies were read, so they are read again".into()
        }
        View::Partial(why) => {
            format!("the view has narrowed since policies were read, so they are read again: {why}")
        }
    };
    Err(DriverError::new(Class::Conflict, Reason::Conflict, message))
}

/// Groups of every policy; `None` where the list is not whole or one of them is not understood.
fn reach(listed: &Listed) -> Option<Reach> {
    let reached = |(id, row): (&Id, _)| Some((*id, wire::reached(row)?));
    listed.complete.then(|| listed.rows.iter().map(reached).collect::<Option<_>>()).flatten()
}
