//! Reading documents: one call per customer and platform, judged gid by gid (sheet section 4.1).

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, stream};
use serde_json::Value;

use super::{
    calls::Session,
    canonical, describe,
    ids::{CustomerId, DocumentId, GroupId, comma_list},
    listing::{Listing, Query, Total},
    pointer,
    wire::{self, DocumentRow, PoliciesRow},
};
use crate::{
    api::{Os, conditions::Reason},
    drivers::{Class, DriverError, Scope},
    model::{ItemKey, LeafPath, Observation, ObservedItem},
};

/// Calls set up at the same time; the HTTP stack lets through as many as the account allows.
const CONCURRENT: usize = 32;

/// Groups per question: one less than a page holds, so that a full page never raises the question of the next.
const GROUPS: usize = 99;

/// Most pages of one customer's documents, a hundred each.
const MAX_PAGES: u64 = 100;

/// One call: documents of one customer and platform.
struct Job {
    customer: CustomerId,
    os: Os,
    documents: BTreeMap<GroupId, BTreeSet<LeafPath>>,
    /// Every leaf matters, named or not.
    whole: bool,
}

/// Reads the documents of the scope.
///
/// What one customer's call cannot tell is left out and makes the observation incomplete; it does not keep others
/// from being read.
///
/// # Errors
/// `Unauthorized` and `Throttled` at once; any other where not a single call was answered.
pub async fn observe(session: &Session, scope: &Scope) -> Result<Observation, DriverError> {
    let (jobs, strangers) = jobs(scope);
    let mut observation =
        Observation { complete: strangers.is_empty(), unread: strangers, ..Observation::default() };
    let (mut answered, mut first_error) = (jobs.is_empty(), None);
    let calls = jobs.into_iter().map(|job| job.run(session).boxed());
    let mut results = stream::iter(calls).buffer_unordered(CONCURRENT);
    while let Some((job, result)) = results.next().await {
        match result {
            Ok(listing) => job.judge(&listing, &mut observation),
            Err(error) if error.class == Class::Gone => job.all_missing(&error, &mut observation),
            Err(error) if matches!(error.class, Class::Unauthorized | Class::Throttled { .. }) => {
                return Err(error);
            }
            Err(error) => {
                job.all_unread(&error.message, &mut observation);
                first_error.get_or_insert(error);
                continue;
            }
        }
        answered = true;
    }
    observation.items.sort_by(|a, b| a.key.cmp(&b.key));
    match first_error {
        Some(error) if !answered => Err(error),
        _ => Ok(observation),
    }
}

/// The calls that a scope needs, and the keys that are no documents of this system.
fn jobs(scope: &Scope) -> (Vec<Job>, BTreeMap<ItemKey, String>) {
    let mut strangers = BTreeMap::new();
    let mut by_call: BTreeMap<(CustomerId, Os), BTreeMap<GroupId, BTreeSet<LeafPath>>> = BTreeMap::new();
    for (key, leaves) in &scope.documents {
        match DocumentId::parse(key) {
            Some(id) => {
                by_call.entry((id.customer, id.os)).or_default().insert(id.group, leaves.clone());
            }
            None => {
                strangers.insert(key.clone(), format!("{key} is not <customer>/<gid>/<os>"));
            }
        }
    }
    let jobs = by_call.into_iter().flat_map(|((customer, os), documents)| {
        let all: Vec<_> = documents.into_iter().collect();
        let of = |part: &[_]| Job {
            customer: customer.clone(),
            os,
            documents: part.iter().cloned().collect(),
            whole: scope.whole,
        };
        all.chunks(GROUPS).map(of).collect::<Vec<_>>()
    });
    (jobs.collect(), strangers)
}

impl Job {
    async fn run(self, session: &Session) -> (Self, Result<Listing<PoliciesRow>, DriverError>) {
        let result = self.read(session).await;
        (self, result)
    }

    /// Asks for the groups and sections that matter.
    ///
    /// Where one group is gone the system may refuse the whole question, and a list that lacks a group may have been
    /// cut (F23): then all groups of the customer are asked for, which tells the two apart.
    async fn read(&self, session: &Session) -> Result<Listing<PoliciesRow>, DriverError> {
        match self.known_sections(session, true).await {
            Ok(listing) if self.is_answered(&listing) => Ok(listing),
            Err(error) if error.class == Class::Gone && self.documents.len() == 1 => Err(error),
            Err(error) if error.class != Class::Gone => Err(error),
            Ok(_) | Err(_) => self.known_sections(session, false).await,
        }
    }

    fn is_answered(&self, listing: &Listing<PoliciesRow>) -> bool {
        let row = listing.rows.get(&self.customer);
        let groups: BTreeSet<_> = row.iter().flat_map(|row| &row.documents).flat_map(|d| &d.groups).collect();
        self.documents.keys().all(|group| groups.contains(group))
    }

    /// A section that this platform or version does not know makes the system refuse the whole question, so then all
    /// sections are asked for.
    async fn known_sections(
        &self,
        session: &Session,
        by_group: bool,
    ) -> Result<Listing<PoliciesRow>, DriverError> {
        let fields = self.fields();
        match self.ask(session, &fields, by_group).await {
            Err(error) if error.reason == Reason::Rejected && !fields.is_empty() => {
                self.ask(session, "", by_group).await
            }
            result => result,
        }
    }

    async fn ask(
        &self,
        session: &Session,
        fields: &str,
        by_group: bool,
    ) -> Result<Listing<PoliciesRow>, DriverError> {
        let gids = comma_list(self.documents.keys());
        let all =
            [("cids", self.customer.as_str()), ("gids", &gids), ("os", self.os.as_str()), ("fields", fields)];
        let meant = |(name, value): &(&str, &str)| !value.is_empty() && (by_group || *name != "gids");
        let parameters: Vec<_> = all.into_iter().filter(meant).collect();
        let query = Query {
            resource: &["policies"],
            parameters: &parameters,
            decode: wire::policies,
            counts: Total::Unclear,
            pages: MAX_PAGES,
            alien: Class::Transient,
        };
        query.read(session).await
    }

    /// Empty where a document is asked for whole, or without leaves: then every section matters.
    fn fields(&self) -> String {
        if self.whole || self.documents.values().any(BTreeSet::is_empty) {
            return String::new();
        }
        let sections: BTreeSet<String> =
            self.documents.values().flatten().filter_map(pointer::section).collect();
        comma_list(sections)
    }

    fn key(&self, group: GroupId) -> ItemKey {
        DocumentId { customer: self.customer.clone(), group, os: self.os }.key()
    }

    /// Sorts the groups asked for into read, missing and unread.
    fn judge(&self, listing: &Listing<PoliciesRow>, observation: &mut Observation) {
        let strangers = listing.rows.keys().any(|id| *id != self.customer);
        if strangers || !listing.whole {
            observation
                .lacks(format!("the answer about customer {} was cut, or speaks of others", self.customer));
        }
        let Some(row) = listing.rows.get(&self.customer) else {
            return self.all_unread("the answer does not speak of this customer", observation);
        };
        if !row.whole {
            observation.lacks(format!("a policy of customer {} was not understood", self.customer));
        }
        for (group, leaves) in &self.documents {
            let key = self.key(*group);
            let serving: Vec<_> = row.documents.iter().filter(|d| d.groups.contains(group)).collect();
            match serving.as_slice() {
                [] if row.whole && listing.whole => {
                    observation
                        .missing
                        .insert(key, format!("the system lists no policy of group {group} here"));
                }
                [] => unread(observation, key, "the answer was cut or not understood"),
                [first, more @ ..] if more.iter().all(|other| other.policy == first.policy) => {
                    observation.items.push(self.item(key, *group, leaves, &serving));
                }
                _ => unread(observation, key, "the answer holds two different documents of this group"),
            }
        }
    }

    fn item(
        &self,
        key: ItemKey,
        group: GroupId,
        leaves: &BTreeSet<LeafPath>,
        serving: &[&DocumentRow],
    ) -> ObservedItem {
        let raw = serving.first().map_or_else(Value::default, |document| document.policy.clone());
        let groups: BTreeSet<_> = serving.iter().flat_map(|document| &document.groups).copied().collect();
        let others =
            groups.into_iter().filter(|other| *other != group && !self.documents.contains_key(other));
        let all = if self.whole { describe::leaves(&raw) } else { BTreeSet::new() };
        let leaves: BTreeSet<_> = leaves.union(&all).collect();
        ObservedItem {
            name: key.to_string(),
            key: Some(key),
            leaves: leaves.into_iter().filter_map(|path| Some((path.clone(), leaf(&raw, path)?))).collect(),
            shared_with: others.map(|other| self.key(other).to_string()).collect(),
            raw,
            ..ObservedItem::default()
        }
    }

    fn all_missing(&self, error: &DriverError, observation: &mut Observation) {
        let keys = self.documents.keys().map(|group| (self.key(*group), error.message.clone()));
        observation.missing.extend(keys);
    }

    fn all_unread(&self, why: &str, observation: &mut Observation) {
        for group in self.documents.keys() {
            unread(observation, self.key(*group), why);
        }
    }
}

fn unread(observation: &mut Observation, key: ItemKey, why: &str) {
    observation.lacks(format!("{key}: {why}"));
    observation.unread.insert(key, why.to_owned());
}

/// What stands at a path, in canonical form; nothing, `null` and an empty section are all "not set" (sheet rule 13).
fn leaf(raw: &Value, path: &LeafPath) -> Option<Value> {
    let value = raw.pointer(&path.0)?;
    let unset = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    (!unset).then(|| canonical::canonicalise(&path.0, value))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
