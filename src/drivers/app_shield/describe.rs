//! From a policy as listed to the words somebody would have written for it: the reverse of `translate`.

use serde_json::Value;

use super::targets;
use crate::{
    api::{
        AppShieldFacet, AppShieldTargets, AssignmentTargets, Content, FreeForm, IdOrName, PolicySpec,
        Selector,
    },
    drivers::{Described, only, telling},
    model::{Catalogue, LeafPath, MemberKind, ObservedItem},
};

/// Describes one policy, its people by id.
///
/// # Errors
/// What of it our words cannot say.
pub fn describe(observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
    let leaf = |path: &str| observed.leaves.get(&LeafPath(path.into()));
    let description = leaf("description").and_then(Value::as_str).filter(|text| !text.is_empty());
    let constraints = leaf("constraints").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut notes = Vec::new();
    let secrets = telling(&Value::Array(constraints.clone()));
    // Nothing in a constraint can be put into a Secret; not named, all of them stay as they are.
    if !secrets.is_empty() {
        notes.push(format!(
            "its constraints hold what may be a secret, at {}; they are left out and stay as they are",
            secrets.join(", ")
        ));
    }
    let constraints =
        secrets.is_empty().then(|| constraints.into_iter().map(FreeForm::from).collect::<Vec<_>>());
    Ok(Described {
        policy: PolicySpec {
            display_name: Some(observed.name.clone()),
            description: description.map(str::to_owned),
            enabled: observed.enabled,
            content: Content { app_shield: Some(AppShieldFacet { constraints }), ..Content::default() },
        },
        targets: Some(whom(observed, catalogue)?),
        notes,
        ..Described::default()
    })
}

fn whom(observed: &ObservedItem, catalogue: &Catalogue) -> Result<AssignmentTargets, String> {
    let of = |kind| observed.members.get(&kind).into_iter().flatten().cloned();
    let groups: Vec<String> = of(MemberKind::Group).collect();
    let users: Vec<String> = of(MemberKind::User).collect();
    let everybody = targets::everybody(catalogue);
    if everybody.is_some_and(|id| groups.iter().any(|group| group == id)) {
        return if groups.len() + users.len() == 1 {
            Ok(AssignmentTargets { everyone: Some(true), ..AssignmentTargets::default() })
        } else {
            Err("it reaches the group of all users and others besides".to_owned())
        };
    }
    let nobody = groups.is_empty() && users.is_empty();
    let targets = only(Selector::AppShield(Box::new(AppShieldTargets {
        groups: groups.into_iter().map(IdOrName::id).collect(),
        users: users.into_iter().map(IdOrName::id).collect(),
    })));
    // A policy that names nobody filters nobody: it must be asked for.
    Ok(AssignmentTargets { allow_empty: nobody.then_some(true), ..targets })
}

#[cfg(test)]
mod tests;
