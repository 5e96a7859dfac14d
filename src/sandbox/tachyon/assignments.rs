//! Policies on management groups (4.1 and 4.2), of which a caller sees only some (section 10).

use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    body::{self, Members},
    deploy::EditKind,
    estate::Assignment,
    inner::{Call, Inner},
    options::{AssignmentsForm, DuplicateAdds, RemoveAbsent},
    policies::{self, addable, created, deleted, known, written},
    render,
};

/// Whether a group is there and seen.
///
/// # Errors
/// Not found, or what hidden groups are answered with.
fn visible(inner: &Inner, call: &Call, group: i32) -> Result<(), Failure> {
    if !inner.estate.groups.contains_key(&group) {
        return Err(inner.unknown("ManagementGroup.NotFound", group));
    }
    hidden(inner, call, group)
}

/// Refuses a group the caller does not see.
///
/// # Errors
/// What hidden groups are answered with.
pub fn hidden(inner: &Inner, call: &Call, group: i32) -> Result<(), Failure> {
    if call.sight.sees(group) {
        return Ok(());
    }
    let message = format!("There is no object with id {group}.");
    Err(Failure::new(inner.options.hidden_status, "ManagementGroup.NotFound", message).about(group))
}

/// Whether all groups are there and seen.
///
/// # Errors
/// About the first that is not.
pub fn all_visible(inner: &Inner, call: &Call, groups: &[i32]) -> Result<(), Failure> {
    groups.iter().try_for_each(|group| visible(inner, call, *group))
}

/// Puts a policy on exactly these groups. The groups the caller does not see survive if `keeps_hidden`.
pub fn set(inner: &mut Inner, call: &Call, policy: i32, groups: &[i32], keeps_hidden: bool) {
    for group in inner.estate.groups_of(policy) {
        let kept = groups.contains(&group) || (keeps_hidden && !call.sight.sees(group));
        if !kept {
            inner.estate.unassign(policy, group);
        }
    }
    for group in groups.iter().filter(|_| !call.breaks()) {
        inner.estate.assign(policy, *group);
    }
}

/// `GET /Consumer/Policies/{id}/Assignments`: the groups the caller sees.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let policy = known(inner, call)?;
    let (estate, scoped) = (&inner.estate, inner.options.scoped());
    let ids = render::seen(policy, estate, &call.sight);
    let groups: Vec<Value> =
        ids.iter().filter_map(|id| Some(render::group(*id, estate.groups.get(id)?, scoped))).collect();
    Ok(Answer::json(match inner.options.assignments_form {
        AssignmentsForm::Groups => groups.into(),
        AssignmentsForm::Wrapped => json!({"PolicyId": policy, "ManagementGroups": groups}),
    }))
}

/// `POST …/Assignments`: adds.
pub fn add(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let policy = known(inner, call)?;
    let (fit, problem) = addable(inner, call, |inner, group| {
        visible(inner, call, group)?;
        twice(inner, Assignment { policy, group })
    })?;
    let mut added = false;
    for group in fit {
        added |= inner.estate.assign(policy, group);
    }
    if added {
        inner.estate.edited(policy, EditKind::Modified, &call.hand());
    }
    problem.map_or_else(|| Ok(written(inner, call, policy)), Err)
}

fn twice(inner: &Inner, row: Assignment) -> Result<(), Failure> {
    let there = inner.estate.assignments.values().any(|known| *known == row);
    match there && inner.options.duplicate_adds == DuplicateAdds::Refused {
        true => {
            Err(inner.conflict("PolicyAssignment.AlreadyExists", "The policy is assigned.").about(row.group))
        }
        false => Ok(()),
    }
}

/// `PUT …/Assignments`: replaces all, hidden ones too if that is what it does.
pub fn replace(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (policy, groups) = (known(inner, call)?, call.ids()?);
    all_visible(inner, call, &groups)?;
    set(inner, call, policy, &groups, inner.options.put_assignments_keeps_hidden);
    Ok(written(inner, call, policy))
}

/// `DELETE …/Assignments`: removes all, hidden ones too if that is what it does.
pub fn remove_all(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let policy = known(inner, call)?;
    set(inner, call, policy, &[], inner.options.delete_assignments_keeps_hidden);
    Ok(written(inner, call, policy))
}

/// `DELETE …/Assignments/ManagementGroups/{groupId}`.
pub fn remove(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (policy, group) = (known(inner, call)?, call.id(4)?);
    visible(inner, call, group)?;
    if !inner.estate.unassign(policy, group) && inner.options.remove_absent == RemoveAbsent::NotFound {
        return Err(inner.unknown("PolicyAssignment.NotFound", group));
    }
    Ok(written(inner, call, policy))
}

fn shown(id: i32, row: Assignment) -> Value {
    json!({"Id": id, "PolicyId": row.policy, "ManagementGroupId": row.group})
}

/// `GET /Consumer/PolicyAssignments`: those on groups the caller sees.
pub fn rows(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let seen = inner.estate.assignments.iter().filter(|(_, row)| call.sight.sees(row.group));
    Ok(Answer::json(seen.map(|(id, row)| shown(*id, *row)).collect()))
}

/// `POST /Consumer/PolicyAssignments` with one pair.
pub fn add_row(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let sent = body::object(&call.body)?;
    let missing = |name: &str| Failure::malformed(format!("{name} is missing.")).about(name);
    let number = |name| Members(&sent).number(name)?.ok_or_else(|| missing(name));
    let row = Assignment { policy: number("PolicyId")?, group: number("ManagementGroupId")? };
    if !inner.estate.policies.contains_key(&row.policy) {
        return Err(inner.unknown("Policy.NotFound", row.policy));
    }
    visible(inner, call, row.group)?;
    twice(inner, row)?;
    if inner.estate.assign(row.policy, row.group) {
        inner.estate.edited(row.policy, EditKind::Modified, &call.hand());
    }
    let id = inner.estate.assignments.iter().find(|(_, known)| **known == row).map_or(0, |(id, _)| *id);
    Ok(created(inner, id, shown(id, row)))
}

/// The row an id in the path is about, on a group the caller sees.
fn known_row(inner: &Inner, call: &Call) -> Result<(i32, Assignment), Failure> {
    let id = call.id(1)?;
    let row = inner.estate.assignments.get(&id);
    let row = *row.ok_or_else(|| inner.unknown("PolicyAssignment.NotFound", id))?;
    hidden(inner, call, row.group)?;
    Ok((id, row))
}

/// `GET /Consumer/PolicyAssignments/{id}`.
pub fn row(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (id, row) = known_row(inner, call)?;
    Ok(Answer::json(shown(id, row)))
}

/// `DELETE /Consumer/PolicyAssignments/{id}`.
pub fn remove_row(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (id, row) = known_row(inner, call)?;
    inner.estate.assignments.remove(&id);
    policies::written(inner, call, row.policy);
    Ok(deleted(inner))
}
