//! R11: the former state of what was adopted, taken together from what is remembered of it.
//!
//! | stands there | ours (`added`) | there before (`former`) | on Restore |
//! |---|---|---|---|
//! | yes | yes | no | goes |
//! | yes | – | yes | stays, whoever wants it |
//! | yes | no | no | stays: somebody else gave it |
//! | no | – | yes, and we took it out (`taken`) | comes back |
//! | no | – | yes, and somebody else took it out | stays away |
//! | no | – | yes, and the system has none of it any more | stays away |

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Change, ChangeKind, ItemVerdict,
    draft::Inputs,
    release::Release,
    retire::{incomplete, push},
};
use crate::{
    api::conditions::Reason,
    drivers::Members,
    model::{Digest, ItemKey, LeafPath, MemberKind, ObjectName, ObservedItem, memory::ItemRecord},
};

/// The former state of an adopted object: what we changed and nobody has changed since, and our mark off. Published, too,
/// before it counts as done (R18).
pub(super) fn adopted(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    releases: &[&Release],
    observed: &ObservedItem,
    changes: &mut Vec<Change>,
) -> ItemVerdict {
    if observed.is_blind() {
        return unseen();
    }
    let claims =
        releases.iter().filter_map(|release| inputs.memory.claims.get(&(item.clone(), release.by.clone())));
    let claimed: BTreeMap<&LeafPath, Digest> =
        claims.clone().flat_map(|claim| claim.leaves.iter().map(|(path, digest)| (path, *digest))).collect();
    let kinds: BTreeSet<MemberKind> = claims.flat_map(|claim| claim.members.keys().copied()).collect();
    let record = inputs.memory.items.get(item);
    let members =
        former_members(record, &kinds, observed, &staying(inputs, item, releases), &|kind, name| {
            is_gone(inputs, record, kind, name)
        });
    let (leaves, mut lost) = former_leaves(inputs, item, observed, &claimed);
    lost.extend(members.lost.iter().map(|kind| format!("members/{kind:?}")));
    if !lost.is_empty() {
        return incomplete(&lost);
    }
    if let Some(kind) = members.nobody {
        return emptied(kind);
    }
    if !leaves.is_empty() || !members.change.is_empty() || observed.mark.is_some() {
        let (observed, members) = (Box::new(observed.clone()), members.change);
        push(changes, item, releases, ChangeKind::Restore { observed, leaves, members });
        return ItemVerdict::Differs(vec!["(former state)".into()]);
    }
    if inputs.driver.facts().deploys && observed.pending {
        return ItemVerdict::Undeployed;
    }
    push(changes, item, releases, ChangeKind::Forget);
    ItemVerdict::InStep
}

/// How many members a Restore takes away (R2).
pub(super) fn members_lost(observed: &ObservedItem, members: &Members) -> u32 {
    let lost = |(kind, stand): (&MemberKind, &BTreeSet<String>)| {
        members.get(kind).map_or(0, |wanted| stand.difference(wanted).count())
    };
    u32::try_from(observed.members.iter().map(lost).sum::<usize>()).unwrap_or(u32::MAX)
}

/// Members that nobody lets go of now: kept with `releasePolicy: Orphan`, or claimed by somebody who releases nothing (R3).
fn staying(inputs: &Inputs<'_>, item: &ItemKey, releases: &[&Release]) -> Members {
    let mut staying = inputs.memory.items.get(item).map(|record| record.kept.clone()).unwrap_or_default();
    let leaves = |who: &ObjectName| releases.iter().any(|release| release.by == *who);
    for (_, claim) in inputs.memory.claims.on(item).filter(|(who, _)| !leaves(who)) {
        for (kind, names) in &claim.members {
            staying.entry(*kind).or_default().extend(names.iter().cloned());
        }
    }
    staying
}

/// What becomes of an adopted object's members.
#[derive(Debug, Default, PartialEq)]
struct Former {
    /// Whom it is to reach, of each kind that changes.
    change: Members,
    /// Kinds of which it is not known who was there before.
    lost: Vec<MemberKind>,
    /// A kind of which nobody would be left, though somebody was there before: a system may take that for everybody.
    nobody: Option<MemberKind>,
}

/// The system has nobody of this name any more, by a list that was made after our last write took it out: a Restore that
/// names it would be refused for ever (R16).
fn is_gone(inputs: &Inputs<'_>, record: Option<&ItemRecord>, kind: MemberKind, name: &str) -> bool {
    let sent = record.and_then(|record| record.sent.as_ref()).map(|sent| sent.at);
    let catalogue = inputs.memory.catalogue.as_ref().filter(|listed| sent.is_none_or(|at| at < listed.at));
    catalogue.is_some_and(|listed| inputs.driver.is_member_gone(kind, name, &listed.catalogue))
}

fn former_members(
    record: Option<&ItemRecord>,
    kinds: &BTreeSet<MemberKind>,
    observed: &ObservedItem,
    staying: &Members,
    is_gone: &dyn Fn(MemberKind, &str) -> bool,
) -> Former {
    let (mut out, none) = (Former::default(), BTreeSet::new());
    for kind in kinds {
        let Some((record, former)) = record.and_then(|r| Some((r, r.former.get(kind)?))) else {
            out.lost.push(*kind);
            continue;
        };
        let of = |members: &Members| members.get(kind).cloned().unwrap_or_default();
        let stand = observed.members.get(kind).unwrap_or(&none);
        let (ours, stays) = (of(&record.added), of(staying));
        let goes = |name: &&String| ours.contains(*name) && !former.contains(*name) && !stays.contains(*name);
        let mut wanted: BTreeSet<String> = stand.iter().filter(|name| !goes(name)).cloned().collect();
        wanted.extend(of(&record.taken).into_iter().filter(|name| !is_gone(*kind, name)));
        if wanted.is_empty() && !former.is_empty() && !stand.is_empty() {
            out.nobody = Some(*kind);
        } else if wanted != *stand {
            out.change.insert(*kind, wanted);
        }
    }
    out
}

/// A save replaces all of it: of what was not read it would leave nothing.
fn unseen() -> ItemVerdict {
    let message = "what stands there cannot be read, so that a save would empty the object instead of putting back what was \
                   there before. Let the Backend read it again, or set releasePolicy: Orphan to leave it as it stands";
    ItemVerdict::Blocked(Reason::NotReadable, message.to_owned())
}

fn emptied(kind: MemberKind) -> ItemVerdict {
    let message = format!(
        "whom it reached before was taken out by somebody else or is gone from the system, so that without ours \
         members/{kind:?} would name nobody, which a system may take for everybody. Name somebody in the console, or set releasePolicy: Orphan"
    );
    ItemVerdict::Blocked(Reason::RestoreIncomplete, message)
}

/// Former values of leaves that still hold ours, and of list elements that we took out and nobody has put in again.
/// Absent is `null`. Beside them the claimed leaves whose former value is not known.
fn former_leaves(
    inputs: &Inputs<'_>,
    item: &ItemKey,
    observed: &ObservedItem,
    claimed: &BTreeMap<&LeafPath, Digest>,
) -> (BTreeMap<LeafPath, Value>, Vec<String>) {
    let kept: BTreeSet<&LeafPath> =
        inputs.memory.pre_images.keys().filter(|(key, _)| key == item).map(|(_, path)| path).collect();
    let mut leaves = BTreeMap::new();
    let mut lost = Vec::new();
    for path in kept.iter().chain(claimed.keys()) {
        let canonical = |value: &Value| inputs.driver.canonicalise(path, value);
        let stands = observed.leaves.get(*path).map(canonical);
        let ours = match claimed.get(*path) {
            Some(digest) => stands.as_ref().map(|value| inputs.digester.json(value)) == Some(*digest),
            None => stands.is_none(),
        };
        match (inputs.pre_image)(item, path) {
            _ if !ours => {}
            Some(former) if former.is_null() && stands.is_none() => {}
            Some(former) if !former.is_null() && stands == Some(canonical(&former)) => {}
            Some(former) => drop(leaves.insert((*path).clone(), former)),
            None => lost.push(path.to_string()),
        }
    }
    (leaves, lost)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::model::memory::Origin;

    const KIND: MemberKind = MemberKind::Group;

    fn of(names: &str) -> Members {
        BTreeMap::from([(KIND, names.split_whitespace().map(str::to_owned).collect())])
    }

    fn is_five(_: MemberKind, name: &str) -> bool {
        name == "5"
    }

    #[test]
    fn ours_go_theirs_stay_and_what_we_took_out_comes_back() {
        // Stand there; there before; ours; taken out by us; kept; what is left. The system has no 5 any more.
        let cases = [
            ("16", "17", "16", "17", "", "17", "ours goes, what we took out comes back"),
            ("16 17", "17", "16", "", "", "17", "who was there before stays"),
            ("16 17 20", "17", "16", "", "", "17 20", "somebody else gave 20 since"),
            ("17", "17", "17", "", "", "17", "we gave back what was there before"),
            ("16", "17 18", "16", "17", "", "17", "somebody else took 18 out"),
            ("16 19", "17", "16 19", "17", "19", "17 19", "19 was left with Orphan, or is somebody's still"),
            ("16", "", "16", "", "", "", "nobody was there before"),
            ("17", "17", "16", "", "", "17", "somebody else took ours out"),
            ("16", "5 17", "16", "5 17", "", "17", "5 is gone, and the rest comes back without it"),
            ("5 16", "5", "16", "", "", "5", "what still stands there is left to the system"),
        ];
        for (stand, former, added, taken, kept, expected, reason) in cases {
            let record = ItemRecord {
                former: of(former),
                added: of(added),
                taken: of(taken),
                ..ItemRecord::new(Origin::Adopted, None, None, "", "")
            };
            let observed = ObservedItem { members: of(stand), ..ObservedItem::default() };
            let former =
                former_members(Some(&record), &BTreeSet::from([KIND]), &observed, &of(kept), &is_five);
            let change = if stand == expected { Members::new() } else { of(expected) };
            assert_eq!(former, Former { change, ..Former::default() }, "{reason}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_counted_as_nobody() {
        let observed = ObservedItem { members: of("16"), ..ObservedItem::default() };
        let record = ItemRecord::new(Origin::Adopted, None, None, "", "");
        let kinds = BTreeSet::from([KIND]);
        let unknown = former_members(Some(&record), &kinds, &observed, &Members::new(), &is_five);
        assert_eq!(unknown, Former { lost: vec![KIND], ..Former::default() }, "a lost store");
        let record = ItemRecord { former: of("17"), added: of("16"), ..record };
        let emptied = former_members(Some(&record), &kinds, &observed, &Members::new(), &is_five);
        assert_eq!(emptied, Former { nobody: Some(KIND), ..Former::default() }, "somebody else took 17 out");
        let record = ItemRecord { former: of("5"), taken: of("5"), ..record };
        let emptied = former_members(Some(&record), &kinds, &observed, &Members::new(), &is_five);
        assert_eq!(
            emptied,
            Former { nobody: Some(KIND), ..Former::default() },
            "5 is gone, and there was nobody else"
        );
    }

    #[test]
    fn only_who_goes_counts() {
        let observed = ObservedItem { members: of("16 18"), ..ObservedItem::default() };
        assert_eq!(members_lost(&observed, &of("17 18")), 1);
        assert_eq!(members_lost(&observed, &Members::new()), 0, "a kind that stays as it stands");
    }
}
