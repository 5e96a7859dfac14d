//! What stands of an assignment that is refused because the system no longer lists what it names.
//!
//! Nothing of it is sent, so nothing of it would be read either. But what vanishes may work on what was applied before: a
//! system may switch off by itself what it is taken from. So after each listing of names it is looked at once, and people
//! are told what is in force now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Worker, compile::Kept};
use crate::{
    api::conditions::Reason,
    drivers::Finding,
    model::{ItemKey, Observation},
};

/// What the last look showed of an item that nobody pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    at: Timestamp,
    /// In words; `None` where it could not be told.
    said: Option<String>,
    /// Its switch as read.
    pub enabled: Option<bool>,
}

/// Last looks by item. In memory only: after a restart it is looked again.
pub type Glances = BTreeMap<ItemKey, Glance>;

impl Worker {
    /// Items to look at: those that wait for a name to be listed again, and were not looked at since names were listed.
    pub(super) fn glances_due(&mut self) -> BTreeSet<ItemKey> {
        let facts = self.session.as_ref().map(|session| session.driver.translate().facts());
        let listed = self.memory.catalogue.as_ref().map(|catalogue| catalogue.at);
        let (Some(listed), true) = (listed, facts.is_some_and(|facts| facts.snapshot && facts.reads)) else {
            return BTreeSet::new();
        };
        let waiting: BTreeSet<ItemKey> = self
            .stakes
            .iter()
            .filter(|(_, kept)| waits_for_a_name(kept))
            .flat_map(|(_, kept)| kept.items.iter().map(|(item, _)| item.clone()))
            .filter(|item| !self.stakes.is_pushed(item) && self.has_id(item))
            .collect();
        self.glances.retain(|item, _| waiting.contains(item));
        let seen = |item: &ItemKey| self.glances.get(item).is_some_and(|glance| glance.at >= listed);
        waiting.into_iter().filter(|item| !seen(item)).collect()
    }

    fn has_id(&self, item: &ItemKey) -> bool {
        self.memory.items.get(item).is_some_and(|record| record.id.is_some())
    }

    /// Takes from a look what stands of them; whoever holds something of them has that to say.
    pub(super) fn glance(&mut self, due: BTreeSet<ItemKey>, observation: &Observation) {
        let at = self.now();
        for item in due {
            let Some(record) = self.memory.items.get(&item) else { continue };
            let found = observation.items.iter().find(|read| read.id.is_some() && read.id == record.id);
            let enabled = found.and_then(|read| read.enabled);
            let off = found.and_then(|read| read.switched_off.as_deref());
            let gone = found.is_none() && observation.complete;
            let said = in_force(&record.title, enabled, off, gone);
            self.pace
                .touch(self.stakes.holders(&item).iter().map(|(who, _)| who.clone()).collect::<Vec<_>>());
            self.glances.insert(item, Glance { at, said, enabled });
        }
    }

    /// Why it is refused, and what is in force meanwhile.
    pub(super) fn refusal(&self, finding: &Finding, items: &[&ItemKey]) -> String {
        let said = items.iter().filter_map(|item| self.glances.get(*item)?.said.clone());
        std::iter::once(finding.sentence()).chain(said).collect::<Vec<_>>().join(". ")
    }
}

fn waits_for_a_name(kept: &Kept) -> bool {
    let view = &kept.view;
    let waits = |finding: &Finding| finding.may_resolve() && finding.reason != Reason::CatalogueIncomplete;
    !(view.deleting || view.suspended || view.observe_only) && kept.refused().is_some_and(waits)
}

/// What is in force of an object, in words; `off` is how it came to be switched off, as far as the system tells.
fn in_force(title: &str, enabled: Option<bool>, off: Option<&str>, gone: bool) -> Option<String> {
    let how = off.map(|words| format!(": {words}")).unwrap_or_default();
    match enabled {
        Some(true) => {
            Some(format!("In force now: {title:?} as it stands in the system, which has it switched on"))
        }
        Some(false) => {
            Some(format!("In force now: nothing of it, for {title:?} is switched off in the system{how}"))
        }
        None if gone => {
            Some(format!("In force now: nothing of it, for {title:?} no longer stands in the system"))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_is_said_only_as_far_as_it_was_seen() {
        let cases = [
            (Some(true), None, false, Some("\"USB\" as it stands in the system"), "on"),
            (Some(false), None, false, Some("nothing of it, for \"USB\" is switched off"), "off"),
            (Some(false), Some("by itself"), false, Some("in the system: by itself"), "and how"),
            (None, None, true, Some("no longer stands"), "a whole list without it"),
            (None, None, false, None, "a list that may lack it, or a system without a switch"),
        ];
        for (enabled, off, gone, expected, why) in cases {
            let said = in_force("USB", enabled, off, gone);
            assert_eq!(said.is_some(), expected.is_some(), "{why}");
            assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{why}");
        }
    }
}
