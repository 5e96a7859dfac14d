//! R19: a system that appends to lists instead of replacing them. The vendor does not say whether it does; it shows in
//! the first list that is read back longer than it was sent, with what was sent at its end.

use serde_json::Value;

use super::{Difference, ItemVerdict, draft::Inputs};
use crate::{
    api::conditions::Reason,
    drivers::DesiredItem,
    model::{ItemKey, LeafPath, ObservedItem, memory::ItemRecord},
};

/// Capability of an account that was seen to append.
pub const ARRAYS_APPEND: &str = "ArraysAppend";

/// Why a list is not written: it would only grow, with every attempt.
pub(super) fn would_append(
    inputs: &Inputs<'_>,
    desired: &DesiredItem,
    observed: &ObservedItem,
    record: Option<&ItemRecord>,
    difference: &Difference,
) -> Option<ItemVerdict> {
    let seen = is_known(inputs) || was_just_sent(inputs, &desired.key, record);
    let path = difference.leaves.iter().find(|path| match lists(desired, observed, path) {
        Some((stands, wanted)) if is_known(inputs) => !stands.is_empty() && stands != wanted,
        Some((stands, wanted)) => seen && is_appended(stands, wanted),
        None => false,
    })?;
    let message = format!(
        "{path}: the system appends to this list instead of replacing it, so writing it again would only make it \
         longer. Put the list right in the console, or drop it from the Policy"
    );
    Some(ItemVerdict::Blocked(Reason::WriteNotSticking, message))
}

/// Whether this read shows that the last write was appended to what stood there.
pub fn shows_appending(inputs: &Inputs<'_>, key: &ItemKey, difference: &Difference) -> bool {
    let (desired, observed) = (inputs.items.get(key), inputs.identified.found.get(key));
    let (Some(desired), Some(observed)) = (desired, observed) else { return false };
    let appended = |path: &LeafPath| {
        lists(desired, observed, path).is_some_and(|(stands, wanted)| is_appended(stands, wanted))
    };
    was_just_sent(inputs, key, inputs.memory.items.get(key)) && difference.leaves.iter().any(appended)
}

fn is_known(inputs: &Inputs<'_>) -> bool {
    inputs.memory.account.as_ref().is_some_and(|account| account.capabilities.contains_key(ARRAYS_APPEND))
}

/// This very state was sent, and this is the read that shows what became of it.
fn was_just_sent(inputs: &Inputs<'_>, key: &ItemKey, record: Option<&ItemRecord>) -> bool {
    let sent = record.and_then(|record| record.sent.as_ref());
    sent.is_some_and(|sent| inputs.inputs.get(key) == Some(&sent.desired) && !sent.judged)
}

fn lists<'a>(
    desired: &'a DesiredItem,
    observed: &'a ObservedItem,
    path: &LeafPath,
) -> Option<(&'a [Value], &'a [Value])> {
    Some((observed.leaves.get(path)?.as_array()?, desired.leaves.get(path)?.value.as_array()?))
}

fn is_appended(stands: &[Value], wanted: &[Value]) -> bool {
    !wanted.is_empty() && stands.len() > wanted.len() && stands.ends_with(wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_that_grew_by_what_was_sent_was_appended_to() {
        let cases = [
            (json!(["a"]), json!(["a"]), false, "as sent"),
            (json!(["a", "b"]), json!(["b"]), true, "what stood before is in front"),
            (json!(["a", "a"]), json!(["a"]), true, "also where it is the same"),
            (json!(["b", "a"]), json!(["b"]), false, "something came after it"),
            (json!(["a"]), json!([]), false, "an empty list tells nothing"),
            (json!([]), json!(["a"]), false, "it was not taken at all"),
        ];
        for (stands, wanted, expected, reason) in cases {
            let of = |value: &Value| value.as_array().cloned().unwrap_or_default();
            assert_eq!(is_appended(&of(&stands), &of(&wanted)), expected, "{reason}");
        }
    }
}
