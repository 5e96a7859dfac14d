//! How a partial document changes a stored one (section 9.2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    names::URL_LISTS,
    options::{Arrays, MergeDepth, Nulls, SentTimes, Urls, WfbssOptions},
};

/// Puts `patch` into `document`; new URLs get the time `now`, in Unix seconds.
pub fn merge(document: &mut Value, patch: &Map<String, Value>, options: &WfbssOptions, now: i64) {
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    if let Value::Object(target) = document {
        (Merge { options, now }).objects(target, patch, 0);
    }
}

struct Merge<'a> {
    options: &'a WfbssOptions,
    now: i64,
}

impl Merge<'_> {
    /// Level 0 is the document, whose keys are sections.
    fn objects(&self, target: &mut Map<String, Value>, patch: &Map<String, Value>, level: usize) {
        let times: Vec<_> = URL_LISTS.map(|(list, times)| times_by_url(target, list, times)).into();
        for (key, value) in patch {
            self.member(target, key, value, level);
        }
        for ((list, times), known) in URL_LISTS.into_iter().zip(times) {
            if patch.contains_key(list) {
                self.stamp(target, patch, list, times, &known);
            }
        }
    }

    fn member(&self, target: &mut Map<String, Value>, key: &str, value: &Value, level: usize) {
        let merges = level == 0 || self.options.merge_depth == MergeDepth::Deep;
        match (target.get_mut(key), value) {
            (_, Value::Null) if self.options.nulls == Nulls::Remove => {
                target.remove(key);
            }
            (Some(Value::Object(old)), Value::Object(new)) if merges => self.objects(old, new, level + 1),
            (old, Value::Object(new)) => {
                let mut fresh =
                    old.and_then(|old| old.as_object()).map(|old| lists_of(old, new)).unwrap_or_default();
                self.objects(&mut fresh, new, level + 1);
                target.insert(key.to_owned(), Value::Object(fresh));
            }
            (Some(Value::Array(old)), Value::Array(new)) if self.options.arrays == Arrays::Append => {
                old.extend(new.iter().cloned());
            }
            (_, value) => {
                target.insert(key.to_owned(), value.clone());
            }
        }
    }

    /// Removes duplicates from a list of URLs and sets the times next to it.
    fn stamp(
        &self,
        target: &mut Map<String, Value>,
        patch: &Map<String, Value>,
        list: &str,
        times: &str,
        known: &BTreeMap<String, Value>,
    ) {
        let Some(Value::Array(urls)) = target.get_mut(list) else { return };
        if self.options.urls == Urls::Normalised {
            let mut seen = BTreeSet::new();
            urls.retain(|url| seen.insert(url.to_string()));
        }
        let sent = patch.get(times).and_then(Value::as_array);
        let stamps = match sent
            .filter(|sent| self.options.sent_times == SentTimes::Accept && sent.len() == urls.len())
        {
            Some(sent) => sent.clone(),
            None => urls.iter().map(|url| self.time_of(url, known)).collect(),
        };
        target.insert(times.to_owned(), Value::Array(stamps));
    }

    fn time_of(&self, url: &Value, known: &BTreeMap<String, Value>) -> Value {
        url.as_str().and_then(|url| known.get(url)).cloned().unwrap_or_else(|| Value::from(self.now))
    }
}

/// The URL lists of an object that is about to be replaced, if the new one has them too: what is
/// kept keeps its time.
fn lists_of(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let carried = URL_LISTS.into_iter().filter(|(list, _)| new.contains_key(*list));
    let keys = carried.flat_map(|(list, times)| [list, times]);
    keys.filter_map(|key| old.get_key_value(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn times_by_url(object: &Map<String, Value>, list: &str, times: &str) -> BTreeMap<String, Value> {
    let elements = |key| object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pairs = elements(list).iter().zip(elements(times));
    pairs.filter_map(|(url, time)| Some((url.as_str()?.to_owned(), time.clone()))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn merged(stored: Value, patch: &Value, options: &Value) -> Value {
        let options = WfbssOptions::default().patched(options).unwrap();
        let mut document = stored;
        merge(&mut document, patch.as_object().unwrap(), &options, 99);
        document
    }

    #[test]
    fn objects_merge_and_arrays_are_replaced() {
        let stored = json!({"s": {"a": 1, "deep": {"x": 1, "y": 1}, "list": [1]}, "t": {"k": 1}});
        let patch = json!({"s": {"b": 2, "deep": {"x": 2}, "list": [2]}});
        let cases = [
            (json!({}), json!({"a": 1, "b": 2, "deep": {"x": 2, "y": 1}, "list": [2]})),
            (json!({"arrays": "append"}), json!({"a": 1, "b": 2, "deep": {"x": 2, "y": 1}, "list": [1, 2]})),
            (json!({"mergeDepth": "levelTwo"}), json!({"a": 1, "b": 2, "deep": {"x": 2}, "list": [2]})),
        ];
        for (options, expected) in cases {
            let document = merged(stored.clone(), &patch, &options);
            assert_eq!(document, json!({"s": expected, "t": {"k": 1}}), "{options}");
        }
    }

    #[test]
    fn a_null_removes_or_is_stored() {
        let (stored, patch) = (json!({"s": {"a": 1, "b": 1}}), json!({"s": {"a": null}}));
        assert_eq!(merged(stored.clone(), &patch, &json!({"nulls": "remove"})), json!({"s": {"b": 1}}));
        assert_eq!(merged(stored, &patch, &json!({"nulls": "store"})), json!({"s": {"a": null, "b": 1}}));
    }

    #[test]
    fn kept_urls_keep_their_time_and_new_ones_get_the_servers() {
        let stored = json!({"l": {"approved": {"urls": ["a", "b"], "url_times": [0, 5]}}});
        let patch = json!({"l": {"approved": {"urls": ["b", "c", "c"], "url_times": [1, 2]}}});
        let cases = [
            (json!({}), json!(["b", "c"]), json!([5, 99])),
            (json!({"arrays": "append"}), json!(["a", "b", "c"]), json!([0, 5, 99])),
            (json!({"mergeDepth": "levelTwo"}), json!(["b", "c"]), json!([5, 99])),
            (json!({"urls": "asSent"}), json!(["b", "c", "c"]), json!([5, 99, 99])),
            (json!({"sentTimes": "accept"}), json!(["b", "c"]), json!([1, 2])),
        ];
        for (options, urls, times) in cases {
            let document = merged(stored.clone(), &patch, &options);
            let expected = json!({"l": {"approved": {"urls": urls, "url_times": times}}});
            assert_eq!(document, expected, "{options}");
        }
    }

    #[test]
    fn a_list_in_a_new_place_gets_times_too_with_its_own_names() {
        let patch = json!({"blocked_url": {"blocked_urls": ["a"]}});
        let document = merged(json!({}), &patch, &json!({}));
        assert_eq!(document, json!({"blocked_url": {"blocked_urls": ["a"], "blocked_url_times": [99]}}));
    }
}
