//! Reading the policies and what of them waits for a deployment (vendor sheet sections 4, 8, 10).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    calls::{Id, Need},
    faults,
    lists::{self, Listed, POLICIES},
    session::{Ask, Session},
    sight, view,
    wire::{self, GroupNames},
};
use crate::{
    api::Reason,
    drivers::error::{Class, DriverError},
    model::{ExternalId, LeafPath, Observation, ObservedItem},
};

/// All policies. What cannot be read makes the view incomplete, never smaller without saying so.
///
/// # Errors
/// As for [`lists::read`]; `Forbidden` where the account may not see what is undeployed, without which nothing can be
/// said of any policy.
pub async fn observe(session: &Session) -> Result<Observation, DriverError> {
    // Before the policies: a deployment that ends in between counts as running until the next look.
    let undeployed = undeployed(session).await?;
    let listed = policies(session).await?;
    let seen = sight::look(session, &listed).await?;
    let unlicensed = unlicensed(session).await?;
    let mut observation = Observation { complete: listed.complete, undeployed, ..Observation::default() };
    if !listed.complete {
        observation.lacks(lists::CONTRADICTS);
    }
    let unresolved = fill(&mut observation, &listed, &seen.names);
    if !unresolved.is_empty() {
        session.sight().forget();
    }
    observation.partial = seen.partial.or_else(|| (!unresolved.is_empty()).then(|| unknown(&unresolved)));
    let partial = observation.partial.is_some();
    for item in &mut observation.items {
        if partial {
            item.fixed = ["name", "description"].map(|path| LeafPath(path.into())).into();
        }
        item.unfit = unfit(item, &unlicensed);
    }
    Ok(observation)
}

/// All policies in outline.
///
/// # Errors
/// As for [`lists::read`].
pub async fn policies(session: &Session) -> Result<Listed, DriverError> {
    let listed = lists::read(session, POLICIES).await;
    // A list is never gone; something else answers there.
    listed.map_err(|error| match error.class {
        Class::Gone => {
            let message = format!("{}; does url lead to the system?", error.message);
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        }
        _ => error,
    })
}

/// Adds what is understood; returns names of groups that lead to no id.
fn fill(observation: &mut Observation, listed: &Listed, groups: &GroupNames) -> BTreeSet<String> {
    let mut unresolved = BTreeSet::new();
    for row in listed.rows.values() {
        match wire::policy(row, groups) {
            Ok(read) => {
                unresolved.extend(read.unresolved);
                observation.items.push(read.item);
            }
            Err(problem) => {
                tracing::warn!(%problem, "a policy cannot be read; nothing is concluded from its absence");
                observation.lacks(problem);
            }
        }
    }
    unresolved
}

fn unknown(names: &BTreeSet<String>) -> String {
    format!(
        "policies reach management groups that the account does not see, or not under one name: {}; give it a role on \
         All Devices",
        wire::shown(names)
    )
}

/// Whether anything in the account waits for a deployment; the form of the answer is unknown (sheet section 12).
async fn undeployed(session: &Session) -> Result<bool, DriverError> {
    let value = session.read(&Ask::get(&["Policies", "Pending", "Changes"], &[], Need::DEPLOY)).await;
    let value = value.map_err(|error| match error.class {
        Class::Gone => DriverError::new(Class::Transient, Reason::UnexpectedAnswer, error.message),
        _ => error,
    })?;
    wire::says_yes(&value).ok_or_else(|| {
        let message = "/Consumer/Policies/Pending/Changes answered neither yes nor no";
        DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
    })
}

/// Policies that use fragments without a licence; from version 5.1.
async fn unlicensed(session: &Session) -> Result<BTreeSet<Id>, DriverError> {
    let unexpected = |what: &str| {
        let message = format!("/Consumer/Policies/Unlicensed {what}");
        DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
    };
    let answer = session.send(&Ask::get(&["Policies", "Unlicensed"], &[], Need::READ)).await?;
    if matches!(answer.status, 400 | 404 | 405) {
        // Before, `Unlicensed` is taken for the id of a policy, and refused in one way or another.
        return match view::is_before(&view::version(session).await?, (5, 1)) {
            true => Ok(BTreeSet::new()),
            false => {
                Err(unexpected(&format!("answered {}, though it exists since version 5.1", answer.status)))
            }
        };
    }
    let value = faults::checked(session.http(), &answer, Need::READ)?;
    let rows = wire::rows(&value).ok_or_else(|| unexpected("answered without a list in it"))?;
    let ids: Option<BTreeSet<Id>> = rows.iter().map(policy_id).collect();
    ids.ok_or_else(|| unexpected("answered a list with something in it that is no id of a policy"))
}

fn policy_id(value: &Value) -> Option<Id> {
    Id::of(value).or_else(|| wire::id(value, "PolicyId")).or_else(|| wire::id(value, "Id"))
}

fn unfit(item: &ObservedItem, unlicensed: &BTreeSet<Id>) -> Option<String> {
    let id = id_of(item.id.as_ref()?)?;
    unlicensed.contains(&id).then(|| {
        let rules = item.leaves.keys().filter_map(|path| path.0.strip_prefix("rules/")).map(str::to_owned);
        format!(
            "policy {id} stays as it is switched: one of its rules ({}) uses fragments that the licence does not cover. \
             License them, or take the rule out of the policy",
            wire::shown(&rules.collect())
        )
    })
}

/// The number in an id.
pub fn id_of(id: &ExternalId) -> Option<Id> {
    Id::parse(&id.0)
}
