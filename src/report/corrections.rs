//! What was put back lately, for people who look: as Events tell it, or as the operator itself remembers it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use crate::model::ObjectName;

/// Corrections that a process remembers.
const REMEMBERED: usize = 100;

/// Something that somebody changed in the system and that was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// Whose it is.
    pub assignment: ObjectName,
    /// What was changed and by whom, as the Event says it.
    pub note: String,
    /// When it was last put back.
    pub at: Timestamp,
    /// How often that happened since the first one that is told here.
    pub times: u32,
}

/// The latest corrections of a process, oldest first, each with what makes another one the same news.
#[derive(Debug, Default)]
pub(super) struct Corrections(Mutex<VecDeque<(String, Correction)>>);

impl Corrections {
    /// Something was put back. The same thing again is one entry, told as it was last.
    pub fn note(&self, series: &str, mut correction: Correction) {
        let mut all = self.all();
        let same =
            |(known, of): &(String, Correction)| known == series && of.assignment == correction.assignment;
        if let Some((_, earlier)) = all.iter().position(same).and_then(|at| all.remove(at)) {
            correction.times = correction.times.saturating_add(earlier.times);
        }
        all.push_back((series.to_owned(), correction));
        if all.len() > REMEMBERED {
            all.pop_front();
        }
    }

    /// All that are remembered.
    pub fn latest(&self) -> Vec<Correction> {
        self.all().iter().map(|(_, correction)| correction.clone()).collect()
    }

    /// A panic elsewhere leaves the list usable: each of its operations is complete in itself.
    fn all(&self) -> MutexGuard<'_, VecDeque<(String, Correction)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_back(assignment: &str, second: i64) -> Correction {
        let at = Timestamp::from_second(second).unwrap_or_default();
        Correction {
            assignment: ObjectName::new("mobile", assignment),
            note: format!("at {second}"),
            at,
            times: 1,
        }
    }

    #[test]
    fn the_same_again_is_one_entry_and_the_oldest_are_forgotten() {
        let corrections = Corrections::default();
        for (series, assignment, second) in [("a", "x", 1), ("b", "x", 2), ("a", "y", 3), ("a", "x", 4)] {
            corrections.note(series, put_back(assignment, second));
        }
        let told: Vec<_> = corrections.latest().into_iter().map(|one| (one.note, one.times)).collect();
        let expected = [("at 2", 1), ("at 3", 1), ("at 4", 2)].map(|(note, times)| (note.to_owned(), times));
        assert_eq!(told, expected);
        (0..1000).for_each(|n| corrections.note(&n.to_string(), put_back("x", n)));
        let told = corrections.latest();
        assert_eq!((told.len(), told.first().map(|one| one.note.as_str())), (REMEMBERED, Some("at 900")));
    }
}
