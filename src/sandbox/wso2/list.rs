//! Reading policies: order, pages and their anomalies.

use std::time::Duration;

use serde_json::Value;

use super::{call::Call, options::Wso2Options, render, rows::Moment, store::Store};

/// With `staleReads`, takes the copy that is read from, unless there is one young enough.
pub(super) fn refresh(store: &mut Store, options: &Wso2Options, now: Moment) {
    let age = store.replica.as_ref().map(|(read, _)| now.mono.saturating_sub(*read));
    if options.stale_reads == 0 {
        store.replica = None;
    } else if age.is_none_or(|age| age >= Duration::from_secs(options.stale_reads)) {
        let ids: Vec<i64> = store.listed().collect();
        let copy = ids.into_iter().filter_map(|id| Some((id, live(store, options, id)?))).collect();
        store.replica = Some((now.mono, copy));
    }
}

/// What `count` says.
pub(super) fn count(call: &Call<'_>) -> i64 {
    i64::try_from(shown(call)).unwrap_or(i64::MAX).saturating_add(call.options.count_skew).max(0)
}

fn shown(call: &Call<'_>) -> usize {
    call.store.replica.as_ref().map_or_else(|| call.store.listed_count(), |(_, copy)| copy.len())
}

fn listed<'a>(call: &'a Call<'_>) -> Box<dyn Iterator<Item = i64> + 'a> {
    match &call.store.replica {
        Some((_, copy)) => Box::new(copy.iter().map(|(id, _)| *id)),
        None => Box::new(call.store.listed()),
    }
}

/// Ids of the whole list.
pub(super) fn whole(call: &Call<'_>) -> Vec<i64> {
    listed(call).take(call.options.list_cut.unwrap_or(usize::MAX)).collect()
}

/// Ids of one page.
///
/// With `duplicateOnPage`, a page after the first is cut from the order as it would be had the
/// last policy meanwhile moved to the top: it begins with one already seen, and the moved one is
/// on no page.
pub(super) fn page(call: &Call<'_>, offset: usize, limit: usize) -> Vec<i64> {
    let shift = usize::from(offset > 0 && call.options.duplicate_on_page);
    let shown = shown(call).min(call.options.list_cut.unwrap_or(usize::MAX));
    listed(call).take(shown.saturating_sub(shift)).skip(offset - shift).take(limit).collect()
}

/// The policies as a JSON array.
pub(super) fn render(call: &Call<'_>, ids: &[i64]) -> Value {
    ids.iter().filter_map(|id| policy(call, *id)).collect()
}

/// One policy as it is returned.
pub(super) fn policy(call: &Call<'_>, id: i64) -> Option<Value> {
    match &call.store.replica {
        Some((_, copy)) => copy.iter().find(|(known, _)| *known == id).map(|(_, policy)| policy.clone()),
        None => live(call.store, call.options, id),
    }
}

/// One policy as it is.
pub(super) fn live(store: &Store, options: &Wso2Options, id: i64) -> Option<Value> {
    let policy = store.policies.get(&id)?;
    let profile = store.profiles.get(&policy.profile_id)?;
    Some(render::policy(store, options, policy, profile))
}
