//! R5: one object for one Policy, so assignments of a Policy can adopt one object only. The oldest that names one decides.

use super::{
    entry::{Assignment, Fault},
    links::named,
    tables::Index,
};
use crate::{
    api::{Adopt, PolicyAssignmentSpec, Reason, SystemName},
    model::ObjectName,
};

impl Index {
    /// Whether what an assignment adopts is what the oldest of its Policy does.
    ///
    /// # Errors
    /// `ConflictingAdoption`: what was applied stays, nothing else of it is sent.
    pub(super) fn adoption(
        &self,
        name: &ObjectName,
        entry: &Assignment,
        spec: &PolicyAssignmentSpec,
        system: SystemName,
    ) -> Result<(), Fault> {
        let Some(adopt) = spec.adopt.as_ref().filter(|_| system.keys_by_policy()) else { return Ok(()) };
        let age = |name: &ObjectName, entry: &Assignment| (entry.slot.head.created, name.clone());
        let ours = age(name, entry);
        let oldest = self
            .siblings(name, entry)
            .filter_map(|sibling| Some((self.assignments.get(sibling)?, sibling)))
            .filter(|(other, sibling)| adopts(other).is_some() && age(sibling, other) < ours)
            .min_by_key(|(other, sibling)| age(sibling, other));
        match oldest.filter(|(other, _)| adopts(other) != Some(adopt)) {
            None => Ok(()),
            Some((other, sibling)) => Err(conflict(sibling, adopts(other))),
        }
    }

    /// Other assignments of the same Policy on the same backend that contribute to the object.
    fn siblings<'a>(
        &'a self,
        name: &'a ObjectName,
        entry: &'a Assignment,
    ) -> impl Iterator<Item = &'a ObjectName> + 'a {
        let all = entry.policy.iter().flat_map(|policy| named(&self.by_policy, policy));
        all.filter(move |sibling| {
            *sibling != name
                && self.assignments.get(sibling).is_some_and(|other| {
                    other.backend == entry.backend && !other.observe_only && !other.slot.head.deleting
                })
        })
    }

    /// What one adopts is news to the others.
    pub(super) fn stale_adopters(&mut self, name: &ObjectName) {
        let Some(entry) = self.assignments.get(name).filter(|entry| adopts(entry).is_some()) else { return };
        let Some(policy) = entry.policy.as_ref().filter(|_| !self.stale.all_assignments) else { return };
        self.stale.assignments.extend(named(&self.by_policy, policy).cloned());
    }
}

pub(super) fn adopts(entry: &Assignment) -> Option<&Adopt> {
    entry.slot.body.as_ref()?.adopt.as_ref()
}

fn conflict(sibling: &ObjectName, adopted: Option<&Adopt>) -> Fault {
    let what = match adopted.and_then(|adopt| adopt.id.as_ref()) {
        Some(id) => format!("object {}", id.0),
        None => "the object of this name".to_owned(),
    };
    let message = format!(
        "spec.adopt: the older assignment {} of the same Policy adopts {what}, and both are one object in the system. \
         Name the same object in both, or adopt in one of them only",
        sibling.name
    );
    Fault { reason: Reason::ConflictingAdoption, message: message.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use crate::{
        api::Reason,
        index::{
            Input, Kind,
            tests::{Manifest, apply, assignment, backend, delete, index, policy},
        },
        model::ObjectName,
    };

    fn app_shield() -> [Manifest; 2] {
        let system =
            json!({"appShield": {"url": "https://yurbi.example.com/api", "credentialsRef": {"name": "y"}}});
        [
            policy("p").spec("content", json!({"appShield": {"constraints": []}})),
            Manifest::new(Kind::Backend, "b", json!({"system": system})),
        ]
    }

    fn one(name: &str, created: &str, adopt: serde_json::Value) -> Manifest {
        let groups = json!({"include": [{"appShield": {"groups": [{"id": "16"}]}}]});
        let manifest = assignment(name, "p", "b").spec("targets", groups).with("creationTimestamp", created);
        if adopt.is_null() { manifest } else { manifest.spec("adopt", adopt) }
    }

    fn reason(index: &crate::index::Index, name: &str) -> Option<Reason> {
        let desired = index.desired(&backend("b")).unwrap();
        match &desired.assignments.get(&ObjectName::new("team", name)).unwrap().input {
            Input::Bound { .. } => None,
            Input::Frozen { reason, message } => {
                assert!(message.contains("older assignment"), "{message}");
                Some(*reason)
            }
        }
    }

    #[test]
    fn the_oldest_that_adopts_decides() {
        let (id17, id18, by_name) = (json!({"id": "17"}), json!({"id": "18"}), json!({"byName": true}));
        let nothing = json!(null);
        let cases = [
            (&id17, &id17, None, "both name the same"),
            (&id17, &id18, Some(Reason::ConflictingAdoption), "two objects"),
            (&id17, &by_name, Some(Reason::ConflictingAdoption), "it may be another one"),
            (&by_name, &by_name, None, "one name, one object"),
            (&nothing, &id18, None, "the older names none"),
            (&id17, &nothing, None, "the younger names none"),
        ];
        for (older, younger, expected, why) in cases {
            let mut all = app_shield().to_vec();
            all.push(one("older", "2026-01-01T00:00:00Z", older.clone()));
            all.push(one("younger", "2026-02-01T00:00:00Z", younger.clone()));
            let index = index(&all);
            assert_eq!((reason(&index, "older"), reason(&index, "younger")), (None, expected), "{why}");
        }
    }

    #[test]
    fn the_younger_gives_way_once_an_older_one_comes() {
        let mut all = app_shield().to_vec();
        all.push(one("younger", "2026-02-01T00:00:00Z", json!({"id": "18"})));
        let mut index = index(&all);
        assert_eq!(reason(&index, "younger"), None);
        apply(&mut index, &one("older", "2026-01-01T00:00:00Z", json!({"id": "17"})));
        assert_eq!(reason(&index, "younger"), Some(Reason::ConflictingAdoption));
    }

    #[test]
    fn the_younger_goes_on_once_the_older_is_gone() {
        let mut all = app_shield().to_vec();
        all.push(one("older", "2026-01-01T00:00:00Z", json!({"id": "17"})));
        all.push(one("younger", "2026-02-01T00:00:00Z", json!({"id": "18"})));
        let mut index = index(&all);
        delete(&mut index, &all[2]);
        index.settle();
        assert_eq!(reason(&index, "younger"), None);
    }
}
