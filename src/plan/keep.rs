//! What a difference must not hold: members that are not ours to take away, leaves that cannot be written, a switch that
//! must not be thrown.

use std::collections::BTreeSet;

use super::{Difference, draft::Inputs};
use crate::{
    api::conditions::Reason,
    drivers::DesiredItem,
    model::{ItemKey, LeafPath, LeafValue, ObservedItem, memory::ItemRecord},
};

/// Which members of an object stay, whatever is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staying {
    /// None: members are exact.
    None,
    /// Those we did not give it (R5).
    Theirs,
    /// All: an include does not resolve (R16), or only a part of them is seen.
    All,
}

/// Which members of this item stay now.
pub fn staying(inputs: &Inputs<'_>, item: &ItemKey) -> Staying {
    if inputs.keep_members.contains(item) || inputs.observation.partial.is_some() {
        Staying::All
    } else if inputs.driver.facts().additive {
        Staying::Theirs
    } else {
        Staying::None
    }
}

/// Adds the members that stay to what is wanted.
pub fn members(
    staying: Staying,
    desired: &mut DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
) {
    let none = BTreeSet::new();
    for (kind, names) in &observed.members {
        let ours = record.and_then(|r| r.added.get(kind)).unwrap_or(&none);
        let orphaned = record.and_then(|r| r.kept.get(kind)).unwrap_or(&none);
        let kept: Vec<String> = match staying {
            Staying::None => names.intersection(orphaned).cloned().collect(),
            Staying::Theirs => names
                .iter()
                .filter(|name| !ours.contains(*name) || orphaned.contains(*name))
                .cloned()
                .collect(),
            Staying::All => names.iter().cloned().collect(),
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
    // Also where it is on already: then that is said, and left to a human.
    let unfit = observed.unfit.as_ref().filter(|_| desired.enabled == Some(true));
    if unfit.is_some() {
        difference.switch = difference.switch.filter(|on| !on);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::model::{ExternalId, MemberKind, Shape, memory::Origin};

    const KIND: MemberKind = MemberKind::ManagementGroup;

    fn set(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn path(path: &str) -> LeafPath {
        LeafPath(path.into())
    }

    fn desired(members: &str, leaves: &[(&str, &str)]) -> DesiredItem {
        let leaf = |(p, v): &(&str, &str)| (path(p), LeafValue { value: (*v).into(), secret: false });
        DesiredItem {
            key: ItemKey("team/usb/policy".into()),
            shape: Shape::Object { mark: None },
            title: "USB".into(),
            status_key: "policy".into(),
            leaves: leaves.iter().map(leaf).collect(),
            members: BTreeMap::from([(KIND, set(members))]),
            enabled: Some(true),
            rank: (0, String::new()),
            contributors: BTreeSet::new(),
        }
    }

    fn observed(members: &str, leaves: &[(&str, &str)]) -> ObservedItem {
        ObservedItem {
            id: Some(ExternalId("41".into())),
            leaves: leaves.iter().map(|(p, v)| (path(p), Value::from(*v))).collect(),
            members: BTreeMap::from([(KIND, set(members))]),
            ..ObservedItem::default()
        }
    }

    fn record(added: &str) -> ItemRecord {
        let added = BTreeMap::from([(KIND, set(added))]);
        ItemRecord { added, ..ItemRecord::new(Origin::Created, None, None, "", "") }
    }

    #[test]
    fn only_members_that_are_ours_may_go() {
        let cases = [
            (Staying::None, "7", "7 8 9", "8", "7", "exact: whoever gave them"),
            (Staying::Theirs, "7", "7 8 9", "7 8", "7 9", "8 was ours, 9 is theirs"),
            (Staying::Theirs, "", "7 9", "7", "9", "the last of ours goes, theirs stays"),
            (Staying::Theirs, "7", "7 9", "", "7 9", "a lost store: nothing is known to be ours"),
            (
                Staying::All,
                "7",
                "7 8 9",
                "7 8",
                "7 8 9",
                "a partial view, or an include that does not resolve",
            ),
        ];
        for (staying, wanted, stand, added, expected, reason) in cases {
            let mut item = desired(wanted, &[]);
            members(staying, &mut item, &observed(stand, &[]), Some(&record(added)));
            assert_eq!(item.members[&KIND], set(expected), "{reason}");
        }
    }

    #[test]
    fn under_a_partial_view_what_needs_a_whole_replace_waits_and_the_rest_goes_on() {
        let mut item = desired("7", &[("name", "new"), ("rules/310", "on")]);
        let mut stands = observed("7", &[("name", "old")]);
        stands.fixed = BTreeSet::from([path("name"), path("description")]);
        let mut difference = Difference {
            leaves: BTreeSet::from([path("name"), path("rules/310")]),
            unmarked: true,
            ..Difference::default()
        };
        let (reason, message) = what_cannot_be_done(&mut item, &stands, &mut difference).unwrap();
        assert_eq!(reason, Reason::PartialView);
        assert!(message.contains("name") && message.contains("full view"), "{message}");
        assert_eq!(difference.leaves, BTreeSet::from([path("rules/310")]));
        assert!(!difference.unmarked && difference.needs_write());
        assert_eq!(item.leaves[&path("name")].value, "old", "what is sent does not change it");
    }

    #[test]
    fn what_is_unfit_is_not_switched_on_but_may_be_switched_off() {
        let mut stands = observed("7", &[]);
        stands.unfit = Some("rule 311 needs fragments that are not licensed".into());
        let cases = [
            (Some(true), Some(true), None, true, "it is not switched on"),
            (Some(true), None, None, true, "it is on already: that is told"),
            (Some(false), Some(false), Some(false), false, "it may be switched off"),
            (None, None, None, false, "its switch is not ours"),
        ];
        for (enabled, switch, left, told, reason) in cases {
            let mut difference = Difference { switch, ..Difference::default() };
            let mut wanted = DesiredItem { enabled, ..desired("7", &[]) };
            let said = what_cannot_be_done(&mut wanted, &stands, &mut difference);
            assert_eq!((difference.switch, said.is_some()), (left, told), "{reason}");
        }
    }
}
