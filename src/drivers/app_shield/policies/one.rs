//! Reading one policy, and what follows from not being shown it.
//!
//! | the call says of an id | meant |
//! |---|---|
//! | the whole policy | it is there |
//! | a refusal, null, no text, an empty list, a policy without an id, 404 | nothing of it: gone, or not for us |
//! | anything else | nothing is concluded |

use std::collections::BTreeSet;

use super::{GET, LAG, Policies, alone};
use crate::{
    api::Reason,
    drivers::{
        Scope,
        app_shield::{faults, wire},
        error::{Class, DriverError},
    },
    model::{ExternalId, Observation, ObservedItem},
};

/// What a call that reads one policy says.
enum Shown {
    /// The whole policy.
    Policy(Box<ObservedItem>),
    /// Nothing, in one of the ways to say so: a refusal, null, no text, an empty list, a policy without an id.
    Nothing,
    /// That there is no such call, or nothing at this address: which of both, another id tells.
    NoCall(DriverError),
    /// Something else.
    Unclear,
}

impl Policies {
    /// Policies that can only be read one by one. What an unknown id is answered is not published (sheet section 12): a
    /// policy is gone if the call shows nothing of it, while it shows another one of ours in the same breath. It was not
    /// saved just now either, for what is read may lag behind.
    pub(super) async fn one_by_one(&self, path: &str, scope: &Scope) -> Result<Observation, DriverError> {
        let mut view = Observation::default();
        let (mut nothing, mut refused) = (BTreeSet::new(), None);
        for id in &scope.objects {
            match self.shown(path, id).await? {
                Shown::Policy(item) => view.items.push(*item),
                Shown::Nothing => drop(nothing.insert(id.clone())),
                Shown::NoCall(error) => {
                    nothing.insert(id.clone());
                    refused = Some(error);
                }
                Shown::Unclear => {}
            }
        }
        if nothing.is_empty() {
            return Ok(view);
        }
        let works = !view.items.is_empty() || self.shows_one(path, &scope.others).await?;
        match refused {
            Some(error) if !works => return Err(error),
            _ => {}
        }
        let mut saved = self.saved.lock().await;
        saved.retain(|_, at| at.elapsed() < LAG);
        view.absent = nothing.into_iter().filter(|id| works && !saved.contains_key(id)).collect();
        Ok(view)
    }

    /// Policies that a list lacks, as far as the call that reads one shows them. Where it says that there is no such call,
    /// a listed policy tells whether that is so; without one the list stands for itself, as it does without that call.
    pub(super) async fn each(
        &self,
        path: &str,
        ids: &BTreeSet<ExternalId>,
        listed: &[ObservedItem],
    ) -> Result<Vec<ObservedItem>, DriverError> {
        let (mut found, mut refused) = (Vec::new(), false);
        for id in ids {
            match self.shown(path, id).await? {
                Shown::Policy(item) => found.push(*item),
                Shown::NoCall(_) => refused = true,
                Shown::Nothing | Shown::Unclear => {}
            }
        }
        if refused && found.is_empty() {
            self.shows_one_of(listed).await?;
        }
        Ok(found)
    }

    async fn shows_one(&self, path: &str, ids: &BTreeSet<ExternalId>) -> Result<bool, DriverError> {
        for id in ids {
            if matches!(self.shown(path, id).await?, Shown::Policy(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One policy, if it is shown.
    pub(super) async fn get(&self, path: &str, id: &ExternalId) -> Result<Option<ObservedItem>, DriverError> {
        match self.shown(path, id).await? {
            Shown::Policy(item) => Ok(Some(*item)),
            Shown::NoCall(error) => Err(error),
            Shown::Nothing | Shown::Unclear => Ok(None),
        }
    }

    /// What the call that reads one policy says of an id.
    async fn shown(&self, path: &str, id: &ExternalId) -> Result<Shown, DriverError> {
        let answer = self.call(path, GET, id, false).await?;
        if faults::is_silent(&answer) {
            return Ok(Shown::Nothing);
        }
        let value = match faults::checked(self.session.http(), &answer, GET) {
            Ok(value) => value,
            Err(error) if (error.class, error.reason) == (Class::Rejected, Reason::Rejected) => {
                tracing::warn!(reason = error.reason.as_str(), %id, "a policy is not shown");
                return Ok(Shown::Nothing);
            }
            Err(error) if (error.class, error.reason) == (Class::Rejected, Reason::Invalid) => {
                return Ok(Shown::NoCall(error));
            }
            Err(error) => return Err(error),
        };
        if wire::is_nobody(alone(&value)) {
            return Ok(Shown::Nothing);
        }
        match wire::policy(alone(&value)) {
            Ok(item) if item.id.as_ref() == Some(id) && !wire::is_stub(alone(&value)) => {
                Ok(Shown::Policy(Box::new(item)))
            }
            other => {
                let problem = other.err().unwrap_or_else(|| "another policy, or a part of it".to_owned());
                tracing::warn!(%problem, %id, "a policy cannot be read; nothing is concluded from it");
                Ok(Shown::Unclear)
            }
        }
    }
}
