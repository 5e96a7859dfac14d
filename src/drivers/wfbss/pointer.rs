//! JSON pointers (RFC 6901) as leaf paths: how to split, join and follow them.

use serde_json::{Map, Value};

use crate::model::LeafPath;

/// The unescaped segments of a pointer; `None` where the text is none, or points at the whole document.
pub fn segments(pointer: &str) -> Option<Vec<String>> {
    let rest = pointer.strip_prefix('/')?;
    rest.split('/').map(unescape).collect()
}

/// A segment added to a pointer.
pub fn join(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

/// The top-level section a path belongs to.
pub fn section(path: &LeafPath) -> Option<String> {
    segments(&path.0)?.into_iter().next()
}

/// `~` is followed by `0` or `1`, else the pointer is malformed.
fn unescape(segment: &str) -> Option<String> {
    let stray = segment.split('~').skip(1).any(|after| !after.starts_with(['0', '1']));
    (!stray).then(|| segment.replace("~1", "/").replace("~0", "~"))
}

/// Sets what stands at `segments`, making objects on the way.
///
/// # Errors
/// How many segments lead to something that is not an object and would be lost.
pub fn set(root: &mut Map<String, Value>, segments: &[String], value: Value) -> Result<(), usize> {
    let Some((last, parents)) = segments.split_last() else { return Err(0) };
    let mut at = root;
    for (depth, segment) in parents.iter().enumerate() {
        let next = at.entry(segment.clone()).or_insert_with(|| Value::Object(Map::new()));
        at = next.as_object_mut().ok_or(depth + 1)?;
    }
    at.insert(last.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_pointers_below_the_document_have_segments() {
        let cases: [(&str, Option<&[&str]>); 7] = [
            ("", None),
            ("a", None),
            ("/a~2", None),
            ("/a~", None),
            ("/a/b", Some(&["a", "b"])),
            ("/a~1b/c~0d", Some(&["a/b", "c~d"])),
            ("/", Some(&[""])),
        ];
        for (pointer, expected) in cases {
            let found = segments(pointer);
            assert_eq!(found.map(|s| s.join("|")), expected.map(|s| s.join("|")), "{pointer}");
        }
    }

    #[test]
    fn setting_never_overwrites_what_lies_on_the_way() {
        let mut root = Map::from_iter([("a".to_owned(), json!(1))]);
        assert_eq!(set(&mut root, &segments("/a/b").unwrap(), json!(2)), Err(1));
        assert_eq!(set(&mut root, &segments("/c/d/e").unwrap(), json!(2)), Ok(()));
        assert_eq!(Value::Object(root), json!({"a": 1, "c": {"d": {"e": 2}}}));
    }

    proptest! {
        #[test]
        fn joined_segments_come_apart_again(parts in prop::collection::vec(".{0,6}", 1..5)) {
            let pointer = parts.iter().fold(String::new(), |pointer, part| join(&pointer, part));
            prop_assert_eq!(segments(&pointer), Some(parts));
        }

        #[test]
        fn what_was_set_is_found_by_the_pointer(parts in prop::collection::vec("[a-z~/]{0,4}", 1..5)) {
            let pointer = parts.iter().fold(String::new(), |pointer, part| join(&pointer, part));
            let mut root = Map::new();
            prop_assert_eq!(set(&mut root, &parts, json!(7)), Ok(()));
            let root = Value::Object(root);
            prop_assert_eq!(root.pointer(&pointer), Some(&json!(7)));
        }
    }
}
