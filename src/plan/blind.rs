//! Where nothing can be read, an answer to the last save stands for a read, or nothing at all is known.
//!
//! | what is known | what follows |
//! |---|---|
//! | the last answer, equal | in step; sent again where that is wanted and its time has come |
//! | the last answer, differing | an update like any other |
//! | the id alone | an update that counts as a removal, and only if everybody who has a share can be asked |

use super::{
    ChangeKind, Difference, ItemVerdict,
    draft::{Drafted1, Inputs},
    keep::Staying,
};
use crate::{
    api::conditions::Reason,
    drivers::DesiredItem,
    model::{ObservedItem, memory::ItemRecord},
};

/// What is peculiar to an object that was not read; `None`: it is an item like any other.
pub fn look(
    inputs: &Inputs<'_>,
    desired: &DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
    staying: Staying,
    difference: &mut Difference,
) -> Option<Drafted1> {
    difference.blind = observed.is_blind();
    if difference.blind && staying == Staying::All {
        let message = "whom it reaches cannot be read, and not every assignment that has a share in it says so now: one is \
                       suspended, frozen, or names what is not found. Mend that one first, for a save replaces the whole \
                       list";
        return Some((ItemVerdict::Blocked(Reason::NotReadable, message.into()), None));
    }
    if !difference.is_empty() || !is_sent_again(inputs, observed, record) {
        return None;
    }
    Some(match inputs.resting.get(&desired.key) {
        Some(resting) => (resting.clone(), None),
        None => (ItemVerdict::InStep, Some((send_again(desired, observed), "resend".into()))),
    })
}

fn send_again(desired: &DesiredItem, observed: &ObservedItem) -> ChangeKind {
    let again = Difference { again: true, ..Difference::default() };
    ChangeKind::Update {
        desired: Box::new(desired.clone()),
        observed: Box::new(observed.clone()),
        difference: Box::new(again),
        restore: std::collections::BTreeMap::new(),
    }
}

/// Nothing can be read, so what was sent an interval ago is sent again (appshield sheet section 4).
fn is_sent_again(inputs: &Inputs<'_>, observed: &ObservedItem, record: Option<&ItemRecord>) -> bool {
    let sent = record.and_then(|r| r.sent.as_ref()).map(|sent| sent.at);
    observed.remembered && inputs.driver.resends() && sent.is_none_or(|at| at <= inputs.stale_before)
}
