//! Reading policies: order, pages and their anomalies.

use serde_json::Value;

use super::{call::Call, render};

/// What `count` says.
pub(super) fn count(call: &Call<'_>) -> i64 {
    let listed = i64::try_from(call.store.listed_count()).unwrap_or(i64::MAX);
    listed.saturating_add(call.options.count_skew).max(0)
}

/// Ids of the whole list.
pub(super) fn whole(call: &Call<'_>) -> Vec<i64> {
    call.store.listed().take(call.options.list_cut.unwrap_or(usize::MAX)).collect()
}

/// Ids of one page.
///
/// With `duplicateOnPage`, a page after the first is cut from the order as it would be had the
/// last policy meanwhile moved to the top: it begins with one already seen, and the moved one is
/// on no page.
pub(super) fn page(call: &Call<'_>, offset: usize, limit: usize) -> Vec<i64> {
    let shift = usize::from(offset > 0 && call.options.duplicate_on_page);
    let shown = call.store.listed_count().min(call.options.list_cut.unwrap_or(usize::MAX));
    call.store.listed().take(shown.saturating_sub(shift)).skip(offset - shift).take(limit).collect()
}

/// The policies as a JSON array.
pub(super) fn render(call: &Call<'_>, ids: &[i64]) -> Value {
    ids.iter().filter_map(|id| policy(call, *id)).collect()
}

/// One policy as it is returned.
pub(super) fn policy(call: &Call<'_>, id: i64) -> Option<Value> {
    let policy = call.store.policies.get(&id)?;
    let profile = call.store.profiles.get(&policy.profile_id)?;
    Some(render::policy(call.store, call.options, policy, profile))
}
