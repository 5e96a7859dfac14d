//! What systems say of themselves, made plain once, where it comes in.

use crate::{
    api::{limits, validate::shown},
    model::{Observation, Provenance},
};

/// Longest name, time or version as systems tell them, in characters.
const WORDS_OF_OTHERS: usize = 128;
/// Longest reason for what was not read, which may quote an answer.
const SENTENCE_OF_OTHERS: usize = 512;

/// Words of others on their way into statuses, events and memory: short, on one line, and without characters that make
/// a text look like another.
pub(super) fn in_plain_words(observation: &mut Observation) {
    let plain = |text: &mut String, most| *text = limits::clip(&shown(text.trim()), most);
    for item in &mut observation.items {
        let Provenance { version, created_at, created_by, modified_at, modified_by } = &mut item.provenance;
        for text in [version, created_at, created_by, modified_at, modified_by] {
            plain(text, WORDS_OF_OTHERS);
        }
    }
    let Observation { unread, missing, lacking, .. } = observation;
    for why in unread.values_mut().chain(missing.values_mut()).chain(lacking) {
        plain(why, SENTENCE_OF_OTHERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemKey, ObservedItem};

    #[test]
    fn words_of_others_are_told_as_what_they_are() {
        let long = "x".repeat(1000);
        let cases = [
            ("alice", "alice", "most names"),
            (" a\u{202e}ecila \n", "a\\u{202e}ecila", "turned round, and on two lines"),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb", "what a terminal would obey"),
            ("", "", "nothing is nothing"),
        ];
        for (told, said, why) in cases {
            let provenance =
                Provenance { modified_by: told.into(), version: long.clone(), ..Provenance::default() };
            let mut observation = Observation {
                items: vec![ObservedItem { provenance, ..ObservedItem::default() }],
                ..Observation::default()
            };
            observation.lacks(format!("{told}{long}"));
            observation.missing.insert(ItemKey("k".into()), told.into());
            in_plain_words(&mut observation);
            let shown = observation.items.pop().map(|item| item.provenance).unwrap_or_default();
            assert_eq!((shown.modified_by.as_str(), shown.version.chars().count()), (said, 128), "{why}");
            assert_eq!(observation.missing.into_values().next().as_deref(), Some(said), "{why}");
            let lacking = observation.lacking.unwrap_or_default();
            assert!(lacking.starts_with(said) && lacking.chars().count() == 512, "{why}: {lacking}");
        }
    }
}
