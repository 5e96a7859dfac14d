//! Who holds what of an item, found from either side without going through all of it.

use std::collections::{BTreeMap, BTreeSet};

use super::ClaimRecord;
use crate::model::{ItemKey, ObjectName};

/// The witness list for removals (R3). What is asked of one item or of one assignment costs what that one holds, however
/// many others there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    records: BTreeMap<(ItemKey, ObjectName), ClaimRecord>,
    /// The same pairs, by who claims.
    items: BTreeMap<ObjectName, BTreeSet<ItemKey>>,
}

impl Claims {
    /// A claim, or `None`: it is dropped.
    pub fn set(&mut self, item: ItemKey, who: ObjectName, record: Option<ClaimRecord>) {
        match record {
            Some(record) => {
                self.items.entry(who.clone()).or_default().insert(item.clone());
                self.records.insert((item, who), record);
            }
            None => self.drop(item, who),
        }
    }

    fn drop(&mut self, item: ItemKey, who: ObjectName) {
        if let Some(items) = self.items.get_mut(&who) {
            items.remove(&item);
            if items.is_empty() {
                self.items.remove(&who);
            }
        }
        self.records.remove(&(item, who));
    }

    /// What an assignment claims of an item.
    pub fn get(&self, claim: &(ItemKey, ObjectName)) -> Option<&ClaimRecord> {
        self.records.get(claim)
    }

    /// Whether an assignment claims something of an item.
    pub fn contains_key(&self, claim: &(ItemKey, ObjectName)) -> bool {
        self.records.contains_key(claim)
    }

    /// Claims on one item, by assignment.
    pub fn on<'a>(&'a self, item: &'a ItemKey) -> impl Iterator<Item = (&'a ObjectName, &'a ClaimRecord)> {
        let from = (item.clone(), ObjectName::new("", ""));
        self.records
            .range(from..)
            .take_while(move |((of, _), _)| of == item)
            .map(|((_, who), claim)| (who, claim))
    }

    /// Claims of one assignment, by item.
    pub fn of<'a>(&'a self, who: &'a ObjectName) -> impl Iterator<Item = (&'a ItemKey, &'a ClaimRecord)> {
        let items = self.items.get(who).into_iter().flatten();
        items.filter_map(|item| Some((item, self.records.get(&(item.clone(), who.clone()))?)))
    }

    /// Whether an assignment claims anything.
    pub fn holds(&self, who: &ObjectName) -> bool {
        self.items.contains_key(who)
    }

    /// Who claims anything.
    pub fn claimants(&self) -> impl Iterator<Item = &ObjectName> {
        self.items.keys()
    }

    /// All of them, by item.
    pub fn iter(&self) -> impl Iterator<Item = (&(ItemKey, ObjectName), &ClaimRecord)> {
        self.records.iter()
    }

    /// Whether nobody claims anything.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str) -> ItemKey {
        ItemKey(name.into())
    }

    fn who(name: &str) -> ObjectName {
        ObjectName::new("team", name)
    }

    fn claim() -> ClaimRecord {
        ClaimRecord {
            leaves: Vec::new(),
            members: BTreeMap::new(),
            priority: 0,
            generation: 1,
            policy_generation: 1,
        }
    }

    #[test]
    fn both_sides_tell_the_same_after_every_change() {
        let pairs = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "z")];
        let mut claims = Claims::default();
        for (of, by) in pairs {
            claims.set(item(of), who(by), Some(claim()));
        }
        claims.set(item("a"), who("x"), Some(claim()));
        for (gone, (of, by)) in pairs.into_iter().enumerate() {
            let left = pairs.get(gone..).unwrap_or_default();
            for (of, by) in pairs {
                let there = left.contains(&(of, by));
                assert_eq!(claims.contains_key(&(item(of), who(by))), there, "{of} {by} after {gone}");
                assert_eq!(claims.on(&item(of)).any(|(found, _)| *found == who(by)), there, "{of} by {by}");
                assert_eq!(claims.of(&who(by)).any(|(found, _)| *found == item(of)), there, "{by} of {of}");
                assert_eq!(claims.holds(&who(by)), left.iter().any(|(_, other)| *other == by), "{by}");
            }
            assert_eq!(claims.iter().count(), left.len(), "after {gone}");
            claims.set(item(of), who(by), None);
        }
        claims.set(item("a"), who("x"), None);
        assert_eq!(claims, Claims::default(), "nothing is kept of what was dropped");
    }
}
