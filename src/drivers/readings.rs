//! Lists whose pages move while they are read: whole only where two readings of them are alike (F23).

use std::collections::BTreeMap;

use serde_json::Value;

/// Readings of a list that contradicts itself, before it is called incomplete.
const MOST: usize = 3;

/// A list and whether it is known to be whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<K> {
    /// Rows by id, each once.
    pub rows: BTreeMap<K, Value>,
    /// Nothing was cut, moved between pages or changed in number while it was read.
    pub complete: bool,
}

impl<K> Default for Listed<K> {
    /// Nothing is known of it.
    fn default() -> Self {
        Self { rows: BTreeMap::new(), complete: false }
    }
}

/// One pass over all pages.
#[derive(Debug)]
pub struct Reading<K> {
    /// Rows by id, each once.
    pub rows: BTreeMap<K, Value>,
    /// Its pages contradict neither each other nor what they tell.
    pub steady: bool,
    /// It came in one answer, and needs no second one.
    pub whole_alone: bool,
}

impl<K: Ord> Reading<K> {
    /// Before the first page.
    pub fn new() -> Self {
        Self { rows: BTreeMap::new(), steady: true, whole_alone: false }
    }

    /// Adds the rows of a page and tells how many are new; one twice, or one without an id, is a contradiction.
    pub fn take(&mut self, rows: impl IntoIterator<Item = (Option<K>, Value)>) -> usize {
        let (mut received, before) = (0, self.rows.len());
        for (id, row) in rows {
            received += 1;
            self.rows.extend(id.map(|id| (id, row)));
        }
        let fresh = self.rows.len() - before;
        self.steady &= fresh == received;
        fresh
    }

    /// Whether both hold the same rows, as far as this one can be believed.
    pub fn is_like(&self, other: &Self) -> bool {
        self.steady && self.rows.keys().eq(other.rows.keys())
    }
}

/// Readings of one list, until it is known to be whole, or contradicted itself too often.
#[derive(Debug)]
pub struct Readings<K> {
    seen: BTreeMap<K, Value>,
    before: Option<Reading<K>>,
    made: usize,
}

impl<K: Ord + Clone> Readings<K> {
    /// Before the first one.
    pub fn new() -> Self {
        Self { seen: BTreeMap::new(), before: None, made: 0 }
    }

    /// Takes the next one; `None`: it takes another one. What is never whole is all that any of them saw.
    pub fn take(&mut self, now: Reading<K>) -> Option<Listed<K>> {
        self.made += 1;
        let alike = || self.before.as_ref().is_some_and(|before| before.is_like(&now));
        if now.steady && (now.whole_alone || alike()) {
            return Some(Listed { rows: now.rows, complete: true });
        }
        self.seen.extend(now.rows.clone());
        self.before = Some(now);
        (self.made == MOST).then(|| Listed { rows: std::mem::take(&mut self.seen), complete: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows, whether they contradict nothing, and whether they came in one answer.
    type Pass = (&'static [u8], bool, bool);

    fn reading(&(rows, steady, whole_alone): &Pass) -> Reading<u8> {
        Reading { rows: rows.iter().map(|id| (*id, Value::Null)).collect(), steady, whole_alone }
    }

    #[test]
    fn a_list_is_whole_once_two_readings_in_a_row_are_alike() {
        let cases: [(&[Pass], Option<(&[u8], bool)>, &str); 8] = [
            (&[(&[1, 2], true, true)], Some((&[1, 2], true)), "one answer has nothing to move"),
            (&[(&[1, 2], true, false)], None, "of pages one reading proves nothing"),
            (&[(&[1, 2], true, false), (&[1, 2], true, false)], Some((&[1, 2], true)), "alike"),
            (&[(&[1, 2], true, false), (&[1, 3], true, false)], None, "as many, but others"),
            (&[(&[1, 2], false, false), (&[1, 2], true, false)], None, "one contradicts itself"),
            (&[(&[1, 2], false, true)], None, "also in one answer"),
            (
                &[(&[1], true, false), (&[1, 2], true, false), (&[1, 2], true, false)],
                Some((&[1, 2], true)),
                "the last two",
            ),
            (
                &[(&[1], true, false), (&[2], true, false), (&[3], true, false)],
                Some((&[1, 2, 3], false)),
                "it never comes to rest: all that was seen",
            ),
        ];
        for (passes, expected, why) in cases {
            let mut readings = Readings::new();
            let listed = passes.iter().map(|pass| readings.take(reading(pass))).last().flatten();
            let listed = listed.map(|listed| (listed.rows.into_keys().collect::<Vec<_>>(), listed.complete));
            assert_eq!(listed, expected.map(|(rows, complete)| (rows.to_vec(), complete)), "{why}");
        }
    }

    #[test]
    fn a_row_twice_or_without_an_id_is_a_contradiction() {
        let row = |id: Option<u8>| (id, Value::Null);
        let cases = [
            (vec![row(Some(2)), row(Some(3))], 2, true, "new ones"),
            (vec![row(Some(1)), row(Some(2))], 1, false, "one that was on the page before"),
            (vec![row(Some(2)), row(Some(2))], 1, false, "one twice"),
            (vec![row(Some(2)), row(None)], 1, false, "one without an id"),
            (vec![], 0, true, "an empty page"),
        ];
        for (rows, fresh, steady, why) in cases {
            let mut reading = Reading::new();
            reading.take([row(Some(1))]);
            assert_eq!((reading.take(rows), reading.steady), (fresh, steady), "{why}");
        }
    }
}
