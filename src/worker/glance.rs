//! What stands of an assignment that is refused because the system no longer lists what it names.
//!
//! Nothing of it is sent, so nothing of it would be read either. But what vanishes may work on what was applied before: a
//! system may switch off by itself what it is taken from. So after each listing of names it is looked at once, and people
//! are told what is in force now; where changes reach devices by a deployment only, what stands in the system.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Worker, kept::Kept};
use crate::{
    api::conditions::Reason,
    drivers::Finding,
    model::{ItemKey, Observation, ObservedItem, memory::GONE},
};

/// What looks showed of an item that nobody pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The listing of names it was looked at for last.
    listed: Timestamp,
    seen: Option<Seen>,
    /// It was missing from so many complete lists, one after the other.
    missed: u8,
    /// The last look found it.
    found: bool,
}

/// What was seen last, and since when nothing else was: a time of each look would be a status of each look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    since: Timestamp,
    stands: Stands,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    On,
    /// How it came to be switched off, as far as the system tells.
    Off(Option<String>),
    /// The system has no switch for it, or it cannot be read.
    Somehow,
    Gone,
}

impl Stands {
    fn of(found: &ObservedItem) -> Self {
        match found.enabled {
            Some(true) => Self::On,
            Some(false) => Self::Off(found.switched_off.clone()),
            None => Self::Somehow,
        }
    }
}

impl Glance {
    /// What is known after another look; one that tells nothing takes nothing away.
    fn after(
        before: Option<Self>,
        (listed, now): (Timestamp, Timestamp),
        found: Option<&ObservedItem>,
        complete: bool,
    ) -> Self {
        let before = before.unwrap_or(Self { listed, seen: None, missed: 0, found: false });
        let missed = match found {
            Some(_) => 0,
            None => before.missed.saturating_add(u8::from(complete)),
        };
        let stands = found.map(Stands::of).or((missed > GONE).then_some(Stands::Gone));
        let news = stands.filter(|stands| before.seen.as_ref().is_none_or(|seen| seen.stands != *stands));
        let seen = news.map(|stands| Seen { since: now, stands }).or(before.seen);
        Self { listed, seen, missed, found: found.is_some() }
    }

    /// Its switch as seen last, or as it was `known` before where nothing of it was seen.
    pub fn enabled_or(&self, known: Option<bool>) -> Option<bool> {
        match self.seen.as_ref().map(|seen| &seen.stands) {
            Some(Stands::On) => Some(true),
            Some(Stands::Off(_)) => Some(false),
            Some(Stands::Somehow | Stands::Gone) => None,
            None => known,
        }
    }

    /// What is in force of the object with this title, in words.
    fn said(&self, title: &str, deploys: bool) -> Option<String> {
        let Seen { since, stands } = self.seen.as_ref()?;
        if !self.found && *stands != Stands::Gone {
            return None;
        }
        let (head, tail) = match deploys {
            true => ("In the system", "; devices have what was deployed last"),
            false => ("In force", ""),
        };
        let what = match (stands, deploys) {
            (Stands::On, true) => format!("{title:?}, switched on"),
            (Stands::On, false) => format!("{title:?} as it stands in the system, which has it switched on"),
            (Stands::Off(how), _) => {
                let how = how.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
                match deploys {
                    true => format!("{title:?}, switched off{how}"),
                    false => format!("nothing of it, for {title:?} is switched off in the system{how}"),
                }
            }
            (Stands::Gone, true) => format!("{title:?} no longer"),
            (Stands::Gone, false) => format!("nothing of it, for {title:?} no longer stands in the system"),
            (Stands::Somehow, _) => return None,
        };
        Some(format!("{head}, as seen since {}: {what}{tail}", since.strftime("%FT%TZ")))
    }
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
        let seen = |item: &ItemKey| self.glances.get(item).is_some_and(|glance| glance.listed == listed);
        waiting.into_iter().filter(|item| !seen(item)).collect()
    }

    fn has_id(&self, item: &ItemKey) -> bool {
        self.memory.items.get(item).is_some_and(|record| record.id.is_some())
    }

    /// Takes from a look what stands of them; whoever holds something of them has that to say.
    pub(super) fn glance(&mut self, due: BTreeSet<ItemKey>, observation: &Observation) {
        let Some(listed) = self.memory.catalogue.as_ref().map(|catalogue| catalogue.at) else { return };
        let at = (listed, self.now());
        for item in due {
            let Some(record) = self.memory.items.get(&item) else { continue };
            let found = observation.items.iter().find(|read| read.id.is_some() && read.id == record.id);
            let glance = Glance::after(self.glances.remove(&item), at, found, observation.complete);
            self.pace
                .touch(self.stakes.holders(&item).iter().map(|(who, _)| who.clone()).collect::<Vec<_>>());
            self.glances.insert(item, glance);
        }
    }

    /// Why it is refused, and what is in force meanwhile, as long as the account can be asked.
    pub(super) fn refusal(&self, finding: &Finding, items: &[&ItemKey]) -> String {
        let session = self.session.as_ref().filter(|_| self.outage.is_none());
        let deploys = session.map(|session| session.driver.translate().facts().deploys);
        let said = items.iter().filter_map(|item| {
            let title = &self.memory.items.get(*item)?.title;
            self.glances.get(*item)?.said(title, deploys?)
        });
        std::iter::once(finding.sentence()).chain(said).collect::<Vec<_>>().join(". ")
    }
}

fn waits_for_a_name(kept: &Kept) -> bool {
    let view = &kept.view;
    let waits = |finding: &Finding| finding.may_resolve() && finding.reason != Reason::CatalogueIncomplete;
    !(view.deleting || view.suspended || view.observe_only) && kept.refused().is_some_and(waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(enabled: Option<bool>, off: Option<&str>) -> ObservedItem {
        ObservedItem { enabled, switched_off: off.map(str::to_owned), ..ObservedItem::default() }
    }

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).unwrap_or_default()
    }

    /// One look an hour: what was found, and whether the list was complete.
    type Looks = &'static [(Option<(Option<bool>, Option<&'static str>)>, bool)];

    const ON: Option<(Option<bool>, Option<&str>)> = Some((Some(true), None));
    const OFF: Option<(Option<bool>, Option<&str>)> = Some((Some(false), Some("by itself")));

    fn after(looks: Looks) -> Glance {
        let look = |before, (at, (found, complete)): (i64, &(Option<(Option<bool>, Option<&str>)>, bool))| {
            let found = found.map(|(enabled, off)| item(enabled, off));
            Some(Glance::after(before, (hour(at), hour(at)), found.as_ref(), *complete))
        };
        (0..).zip(looks).fold(None, look).unwrap_or_else(|| unreachable!("there is a look"))
    }

    #[test]
    fn where_a_deployment_brings_it_to_devices_the_system_is_told_of_and_nothing_else() {
        let cases: [(Looks, &str, &str); 4] = [
            (&[(ON, true)], "\"USB\", switched on", "on"),
            (&[(OFF, true)], "\"USB\", switched off: by itself", "off, and how"),
            (&[(Some((Some(false), None)), true)], "\"USB\", switched off", "and not how"),
            (&[(None, true), (None, true), (None, true)], "\"USB\" no longer", "gone"),
        ];
        for (looks, what, why) in cases {
            let since = looks.len() - 1;
            let expected = format!(
                "In the system, as seen since 1970-01-01T0{since}:00:00Z: {what}; devices have what was deployed last"
            );
            assert_eq!(after(looks).said("USB", true), Some(expected), "{why}");
        }
    }

    #[test]
    fn only_lists_one_after_the_other_conclude_that_it_is_gone() {
        let looks: Looks = &[(None, true), (None, true), (ON, true), (None, true)];
        assert_eq!(after(looks).enabled_or(None), Some(true), "it was there in between");
    }

    #[test]
    fn what_is_in_force_is_said_only_as_far_as_it_was_seen() {
        let cases: [(Looks, Option<&str>, Option<bool>, &str); 10] = [
            (&[(ON, true)], Some("00:00:00Z: \"USB\" as it stands"), Some(true), "on"),
            (&[(OFF, true)], Some("is switched off in the system: by itself"), Some(false), "off, and how"),
            (&[(Some((Some(false), None)), true)], Some("off in the system"), Some(false), "and not how"),
            (&[(ON, true), (ON, true)], Some("00:00:00Z: \"USB\""), Some(true), "no message of each look"),
            (&[(ON, true), (OFF, true)], Some("01:00:00Z: nothing of it"), Some(false), "news"),
            (
                &[(ON, true), (None, false)],
                None,
                Some(true),
                "not seen now; a list that may lack it takes nothing away",
            ),
            (&[(None, false)], None, Some(true), "nothing was seen"),
            (&[(Some((None, None)), true)], None, None, "a system without a switch"),
            (&[(ON, true), (None, true), (None, true)], None, Some(true), "two lists conclude nothing"),
            (
                &[(None, true), (None, false), (None, true), (None, true)],
                Some("03:00:00Z: nothing of it, for \"USB\" no longer stands"),
                None,
                "three do",
            ),
        ];
        for (looks, expected, enabled, why) in cases {
            let glance = after(looks);
            let said = glance.said("USB", false);
            assert_eq!(said.is_some(), expected.is_some(), "{why}: {said:?}");
            assert!(
                said.as_deref().unwrap_or_default().contains(expected.unwrap_or_default()),
                "{why}: {said:?}"
            );
            assert_eq!(glance.enabled_or(Some(true)), enabled, "{why}");
            let deploying = glance.said("USB", true).unwrap_or_default();
            assert!(!deploying.contains("In force"), "{why}: who knows what devices have: {deploying}");
            assert_eq!(deploying.contains("devices have what was deployed last"), said.is_some(), "{why}");
        }
    }
}
