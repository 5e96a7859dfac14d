//! The calls on policies: list, write, switch, order, remove, publish (vendor sheet sections 2, 5, 6, 10).
//!
//! Effects name one policy per call: bulk calls are not atomic in dialect A and skip unknown ids
//! silently in B, so that their answers tell nothing about a single policy. The calls that start
//! and stop monitoring are GETs with side effects and are never made.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

use http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    body::{self, Names},
    dialect::{Dialect, Verb},
    directory, faults,
    lists::{self, Listed, Source},
    session::{Ask, Session},
    wire::{self, TypeNames},
};
use crate::{
    api::Reason,
    drivers::{
        DesiredItem, Members,
        error::{Class, DriverError},
        http::Answer,
    },
    model::{ExternalId, LeafPath, MemberKind, Observation, ObservedItem, Secret},
};

/// Ids in one call.
const TOGETHER: usize = 200;

/// The policies of one tenant.
pub struct Policies {
    session: Session,
    dialect: Dialect,
    /// Numbers of platforms, which only dialect A needs; they do not change while a server runs.
    types: Mutex<Option<BTreeMap<String, i64>>>,
    /// This build switches with PUT where others use POST (dialect A').
    switches_by_put: AtomicBool,
}

impl Policies {
    /// The policies behind this session.
    pub fn new(session: Session, dialect: Dialect) -> Self {
        Self { session, dialect, types: Mutex::default(), switches_by_put: AtomicBool::new(false) }
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// All policies. What cannot be read makes the view incomplete, never smaller without saying so.
    ///
    /// # Errors
    /// As for [`lists::read`].
    pub async fn observe(&self) -> Result<Observation, DriverError> {
        let types: TypeNames = self.types().await?.into_iter().map(|(name, id)| (id, name)).collect();
        let listed = self.list().await?;
        let mut observation = Observation { complete: listed.complete, ..Observation::default() };
        if !listed.complete {
            observation.lacks(lists::CONTRADICTS);
        }
        for row in &listed.rows {
            match wire::policy(row, &types) {
                Ok(item) => observation.items.push(item),
                Err(problem) => {
                    tracing::warn!(%problem, "a policy cannot be read; nothing is concluded from its absence");
                    observation.lacks(problem);
                }
            }
        }
        Ok(observation)
    }

    /// Makes an inactive policy. Dialect A tells no id.
    ///
    /// # Errors
    /// `Ambiguous` where it may have been made.
    pub async fn create(&self, desired: &DesiredItem) -> Result<Option<ExternalId>, DriverError> {
        self.keep_secret(desired);
        let names = self.names(&groups(desired)).await?;
        let body = body::create(self.dialect, desired, &names)?;
        let answer = self.effect(Verb::Create, None, Some(&body)).await?;
        let value = faults::accepted(self.session.http(), self.dialect, &answer)?;
        let id = value.as_ref().map(wire::unwrapped).and_then(wire::policy_id);
        Ok(id.filter(|id| *id > 0).map(|id| ExternalId(id.to_string().into())))
    }

    /// Writes a policy whole.
    ///
    /// # Errors
    /// `Gone` for one that is not there any more.
    pub async fn replace(&self, desired: &DesiredItem, observed: &ObservedItem) -> Result<(), DriverError> {
        self.keep_secret(desired);
        let mut unknown = groups(desired);
        known_groups(observed).for_each(|id| {
            unknown.remove(&id);
        });
        let names = self.names(&unknown).await?;
        let body = body::replace(self.dialect, desired, observed, &names)?;
        self.put(observed, &body).await
    }

    /// Puts former leaves and members back and takes our mark off.
    ///
    /// # Errors
    /// As for [`Policies::replace`].
    pub async fn restore(
        &self,
        observed: &ObservedItem,
        former: &BTreeMap<LeafPath, Value>,
        members: &Members,
    ) -> Result<(), DriverError> {
        let mut unknown = members.get(&MemberKind::Group).cloned().unwrap_or_default();
        known_groups(observed).for_each(|id| {
            unknown.remove(&id);
        });
        let names = self.names(&unknown).await?;
        let body = body::restore(self.dialect, observed, former, members, &names)?;
        self.put(observed, &body).await
    }

    async fn put(&self, observed: &ObservedItem, body: &Value) -> Result<(), DriverError> {
        let id = number(observed.id.as_ref())?;
        let answer = self.effect(Verb::Update, Some(id), Some(body)).await?;
        match faults::accepted(self.session.http(), self.dialect, &answer) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.or_gone(&[id], error).await),
        }
    }

    /// Switches policies on or off, many in a call.
    ///
    /// # Errors
    /// That of the first that fails; those before are done.
    pub async fn switch(&self, ids: &[ExternalId], on: bool) -> Result<(), DriverError> {
        let ids: Vec<i64> = ids.iter().map(|id| number(Some(id))).collect::<Result<_, _>>()?;
        for together in ids.chunks(TOGETHER) {
            if together.len() > 1 && self.switch_together(together, on).await? {
                continue;
            }
            for id in together {
                self.switch_one(*id, on).await?;
            }
        }
        Ok(())
    }

    /// One call for many. `false`: refused, and one by one tells which and why (sheet section 10.9). Ids that are
    /// silently skipped (B) are seen by the read that follows every switch.
    async fn switch_together(&self, ids: &[i64], on: bool) -> Result<bool, DriverError> {
        let verb = if on { Verb::Activate } else { Verb::Deactivate };
        let answer = self.effect(verb, None, Some(&json!(ids))).await?;
        Ok(faults::accepted(self.session.http(), self.dialect, &answer).is_ok())
    }

    async fn switch_one(&self, id: i64, on: bool) -> Result<(), DriverError> {
        let verb = if on { Verb::Activate } else { Verb::Deactivate };
        let answer = self.effect(verb, None, Some(&json!([id]))).await?;
        let Err(error) = faults::accepted(self.session.http(), self.dialect, &answer) else { return Ok(()) };
        // Either the policy or the call does not exist under this method.
        if !self.dialect.is_a() && matches!(answer.status, 404 | 405) {
            if self.is_absent(&[id]).await?.is_some() {
                return Err(gone(&[id]));
            }
            return self.switch_otherwise(verb, id).await;
        }
        Err(self.or_gone(&[id], error).await)
    }

    /// Tries the other method, and keeps to it if it works (dialect A').
    async fn switch_otherwise(&self, verb: Verb, id: i64) -> Result<(), DriverError> {
        let before = self.switches_by_put.fetch_xor(true, Ordering::Relaxed);
        let answer = self.effect(verb, None, Some(&json!([id]))).await;
        let result = answer.and_then(|answer| faults::accepted(self.session.http(), self.dialect, &answer));
        if result.is_err() {
            self.switches_by_put.store(before, Ordering::Relaxed);
        }
        result.map(|_| ())
    }

    /// Gives policies places; others keep theirs.
    ///
    /// # Errors
    /// `Gone` naming those that are not there any more.
    pub async fn reorder(&self, places: &[(ExternalId, i64)]) -> Result<(), DriverError> {
        let pairs: Vec<(i64, i64)> = places
            .iter()
            .map(|(id, place)| Ok((number(Some(id))?, *place)))
            .collect::<Result<_, DriverError>>()?;
        if pairs.is_empty() {
            return Ok(());
        }
        let body: Value = pairs.iter().map(|(id, place)| json!({"id": id, "priority": place})).collect();
        let answer = self.effect(Verb::Priorities, None, Some(&body)).await?;
        match faults::accepted(self.session.http(), self.dialect, &answer) {
            Ok(_) => Ok(()),
            Err(error) => {
                let ids: Vec<i64> = pairs.iter().map(|(id, _)| *id).collect();
                Err(self.or_gone(&ids, error).await)
            }
        }
    }

    /// Removes policies; one that is not there counts as removed, if a whole list says so.
    ///
    /// # Errors
    /// That of the first that fails; those before are done.
    pub async fn remove(&self, ids: &[ExternalId]) -> Result<(), DriverError> {
        let ids: Vec<i64> = ids.iter().map(|id| number(Some(id))).collect::<Result<_, _>>()?;
        for together in ids.chunks(TOGETHER) {
            if together.len() > 1 && self.remove_together(together).await? {
                continue;
            }
            for id in together {
                self.remove_one(*id).await?;
            }
        }
        Ok(())
    }

    /// One call for many. `false`: refused, in A with some of them gone; one by one sorts it out.
    async fn remove_together(&self, ids: &[i64]) -> Result<bool, DriverError> {
        let answer = self.effect(Verb::Remove, None, Some(&json!(ids))).await?;
        Ok(faults::accepted(self.session.http(), self.dialect, &answer).is_ok())
    }

    async fn remove_one(&self, id: i64) -> Result<(), DriverError> {
        let answer = self.effect(Verb::Remove, None, Some(&json!([id]))).await;
        let result = answer.and_then(|answer| faults::accepted(self.session.http(), self.dialect, &answer));
        match result {
            Ok(_) => Ok(()),
            // A: 500, B: 400, C: text (sheet section 10).
            Err(error) if matches!(error.class, Class::Rejected | Class::Ambiguous | Class::Gone) => {
                match self.is_absent(&[id]).await {
                    Ok(Some(_)) => Ok(()),
                    Ok(None) if error.class == Class::Gone => {
                        Err(DriverError::new(Class::Transient, Reason::Unreachable, error.message))
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Publishes everything pending in the tenant. The system works on it after it has answered.
    ///
    /// # Errors
    /// `Transient` (`Deploying`) while an earlier run is still scheduled.
    pub async fn deploy(&self) -> Result<(), DriverError> {
        let answer = self.effect(Verb::ApplyChanges, None, None).await?;
        if answer.status == 500 {
            let message = format!(
                "{}; most likely an earlier run is still scheduled, it is tried again later",
                faults::error(self.session.http(), &answer).message
            );
            return Err(DriverError::new(Class::Transient, Reason::Deploying, message));
        }
        faults::accepted(self.session.http(), self.dialect, &answer).map(|_| ())
    }

    /// Error answers may echo what was sent.
    fn keep_secret(&self, desired: &DesiredItem) {
        for leaf in desired.leaves.values().filter(|leaf| leaf.secret) {
            texts(&leaf.value).into_iter().for_each(|text| self.session.http().redact(&Secret::new(text)));
        }
    }

    async fn list(&self) -> Result<Listed, DriverError> {
        let names = &["policies", "list"];
        let source =
            Source { path: &["policies"], query: &[], names, most: 50_000, paged: !self.dialect.is_a() };
        lists::read(&self.session, self.dialect, source).await
    }

    async fn effect(&self, verb: Verb, id: Option<i64>, body: Option<&Value>) -> Result<Answer, DriverError> {
        let (mut method, last) = self.dialect.effect(verb);
        if matches!(verb, Verb::Activate | Verb::Deactivate) && self.switches_by_put.load(Ordering::Relaxed) {
            method = Method::PUT;
        }
        let id = id.map(|id| id.to_string());
        let path: Vec<&str> = std::iter::once("policies").chain(last).chain(id.as_deref()).collect();
        self.session.send(&Ask { method, path: &path, query: &[], body, effect: true }).await
    }

    /// Those of the ids that a whole list does not hold; `None` where all stand or nothing can be said.
    async fn is_absent(&self, ids: &[i64]) -> Result<Option<Vec<i64>>, DriverError> {
        let listed = self.list().await?;
        let standing: BTreeSet<i64> = listed.rows.iter().filter_map(wire::policy_id).collect();
        let absent: Vec<i64> = ids.iter().copied().filter(|id| !standing.contains(id)).collect();
        Ok((listed.complete && !absent.is_empty()).then_some(absent))
    }

    /// Some builds answer 500 for an unknown id: `Gone` if a whole list does not hold it, else the error as it was.
    async fn or_gone(&self, ids: &[i64], error: DriverError) -> DriverError {
        if !matches!(error.class, Class::Ambiguous | Class::Gone | Class::Rejected) {
            return error;
        }
        match self.is_absent(ids).await {
            Ok(Some(absent)) => gone(&absent),
            _ if error.class == Class::Gone => {
                DriverError::new(Class::Transient, Reason::Unreachable, error.message)
            }
            _ => error,
        }
    }

    async fn names(&self, groups: &BTreeSet<String>) -> Result<Names, DriverError> {
        let types = self.types().await?;
        let groups = if groups.is_empty() || self.dialect.is_a() {
            BTreeMap::new()
        } else {
            let listed = directory::groups(&self.session, self.dialect, directory::MOST).await?;
            listed.map(|listed| directory::group_names(&listed)).unwrap_or_default()
        };
        Ok(Names { types, groups })
    }

    async fn types(&self) -> Result<BTreeMap<String, i64>, DriverError> {
        if !self.dialect.is_a() {
            return Ok(BTreeMap::new());
        }
        let mut known = self.types.lock().await;
        if let Some(types) = &*known {
            return Ok(types.clone());
        }
        let listed = directory::device_types(&self.session, self.dialect).await?;
        let types = listed.map(|listed| directory::type_numbers(&listed)).unwrap_or_default();
        *known = Some(types.clone());
        Ok(types)
    }
}

fn groups(desired: &DesiredItem) -> BTreeSet<String> {
    desired.members.get(&MemberKind::Group).cloned().unwrap_or_default()
}

/// Groups whose names the policy itself tells.
fn known_groups(observed: &ObservedItem) -> impl Iterator<Item = String> + '_ {
    wire::objects(&observed.raw, "deviceGroups").into_iter().filter_map(wire::group_id)
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn number(id: Option<&ExternalId>) -> Result<i64, DriverError> {
    id.and_then(|id| id.0.parse().ok()).ok_or_else(|| {
        let shown = id.map_or_else(|| "none".to_owned(), ToString::to_string);
        DriverError::new(
            Class::Rejected,
            Reason::Invalid,
            format!("the id of a policy is a number, not {shown}"),
        )
    })
}

fn gone(ids: &[i64]) -> DriverError {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let message = format!("the system has no policy {} any more", ids.join(", "));
    DriverError::new(Class::Gone, Reason::ExternalObjectGone, message)
}
