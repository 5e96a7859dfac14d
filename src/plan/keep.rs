//! What a difference must not hold: members that are not ours to take away, leaves that cannot be written, a switch that
//! must not be thrown.

use std::collections::BTreeSet;

use super::{Difference, draft::Inputs};
use crate::{
    api::conditions::Reason,
    drivers::DesiredItem,
    model::{LeafPath, LeafValue, MemberKind, ObservedItem, memory::ItemRecord},
};

/// Adds to what is wanted the members that stay whatever is wanted.
///
/// | system or moment | what stays |
/// |---|---|
/// | an include does not resolve (R16), or the view is partial | every member |
/// | members are additive (R5) | members that we did not give |
pub fn members(
    inputs: &Inputs<'_>,
    desired: &mut DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
) {
    let all = inputs.keep_members.contains(&desired.key) || inputs.observation.partial.is_some();
    let none = BTreeSet::new();
    let ours = |kind: &MemberKind| record.and_then(|r| r.added.get(kind)).unwrap_or(&none);
    for (kind, names) in &observed.members {
        let theirs = names.iter().filter(|name| !ours(kind).contains(*name));
        let kept: Vec<String> = match (all, inputs.driver.facts().additive) {
            (true, _) => names.iter().cloned().collect(),
            (false, true) => theirs.cloned().collect(),
            (false, false) => Vec::new(),
        };
        if !kept.is_empty() {
            desired.members.entry(*kind).or_default().extend(kept);
        }
    }
}

/// Takes out what cannot be done now, and says why; the rest goes on.
pub fn what_cannot_be_done(
    desired: &mut DesiredItem,
    observed: &ObservedItem,
    difference: &mut Difference,
) -> Option<(Reason, String)> {
    let fixed = fixed_leaves(desired, observed, difference);
    let unfit = observed.unfit.as_ref().filter(|_| difference.switch == Some(true));
    if unfit.is_some() {
        difference.switch = None;
    }
    let words = unfit.map(|why| (Reason::UnlicensedFragments, why.clone()));
    fixed.or(words)
}

/// Under a partial view the whole object must not be replaced (R30): these leaves stay as they stand.
fn fixed_leaves(
    desired: &mut DesiredItem,
    observed: &ObservedItem,
    difference: &mut Difference,
) -> Option<(Reason, String)> {
    let is_fixed = |path: &&LeafPath| observed.fixed.contains(*path);
    let stuck: Vec<LeafPath> = difference.leaves.iter().filter(is_fixed).cloned().collect();
    for path in &stuck {
        difference.leaves.remove(path);
        match observed.leaves.get(path) {
            Some(value) => {
                desired.leaves.insert(path.clone(), LeafValue { value: value.clone(), secret: false });
            }
            None => drop(desired.leaves.remove(path)),
        }
    }
    // The mark stands in one of them.
    let marked = observed.fixed.is_empty() || !difference.unmarked;
    if !marked {
        difference.unmarked = false;
    }
    (!stuck.is_empty() || !marked).then(|| {
        let names: Vec<_> = stuck.iter().map(ToString::to_string).collect();
        let what = if names.is_empty() { "our mark".to_owned() } else { names.join(", ") };
        let message = format!(
            "{what} cannot be changed: the account sees only a part of whom this object reaches, and changing it \
             replaces the whole object. Give the account the full view, or change it in the console"
        );
        (Reason::PartialView, message)
    })
}
