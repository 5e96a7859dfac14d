//! From a policy as listed to the words somebody would have written for it: the reverse of `translate`.

use serde_json::Value;

use super::wire;
use crate::{
    api::{AssignmentTargets, Content, IdOrName, PolicySpec, Selector, TachyonFacet, TachyonTargets},
    drivers::{Described, only},
    model::{Catalogue, EntryKind, LeafPath, MemberKind, ObservedItem},
};

/// Describes one policy, its rules and groups by id, which stay when they are renamed. A policy without rules keeps them
/// out of our hands: nobody can be asked for none of them.
///
/// # Errors
/// What of it our words cannot say.
pub fn describe(observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
    // Taken over it would be told to be wrong from the first day on.
    if let Some(why) = &observed.unfit {
        return Err(why.clone());
    }
    let description = observed.leaves.get(&LeafPath("description".into())).and_then(Value::as_str);
    let ids: Vec<&str> = observed.leaves.keys().filter_map(|path| path.0.strip_prefix("rules/")).collect();
    let rules = (!ids.is_empty()).then(|| ids.into_iter().map(|id| IdOrName::id(id.to_owned())).collect());
    Ok(Described {
        policy: PolicySpec {
            display_name: Some(observed.name.clone()),
            description: description.filter(|text| !text.is_empty()).map(str::to_owned),
            enabled: observed.enabled,
            content: Content { tachyon: Some(TachyonFacet { rules }), ..Content::default() },
        },
        targets: Some(whom(observed, catalogue)?),
        ..Described::default()
    })
}

fn whom(observed: &ObservedItem, catalogue: &Catalogue) -> Result<AssignmentTargets, String> {
    let groups: Vec<String> =
        observed.members.get(&MemberKind::ManagementGroup).into_iter().flatten().cloned().collect();
    let everybody = catalogue
        .of(EntryKind::ManagementGroup)
        .iter()
        .find(|entry| entry.parent.as_deref() == Some(wire::EVERYONE));
    if everybody.is_some_and(|all| groups.contains(&all.id)) {
        return if groups.len() == 1 {
            Ok(AssignmentTargets { everyone: Some(true), ..AssignmentTargets::default() })
        } else {
            Err("it reaches all devices and other groups besides".to_owned())
        };
    }
    let nobody = groups.is_empty();
    let management_groups = groups.into_iter().map(IdOrName::id).collect();
    let targets = only(Selector::Tachyon(Box::new(TachyonTargets { management_groups })));
    Ok(AssignmentTargets { allow_empty: nobody.then_some(true), ..targets })
}

#[cfg(test)]
mod tests;
