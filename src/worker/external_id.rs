//! R15: where objects cannot be listed, the id of what an assignment's Policy became also stands on the assignment itself,
//! so that a lost store does not lose the object.
//!
//! ```text
//! created ─▶ id in the store ─▶ annotation `<id>.<key id>.<mac>` on every contributor
//! store lost ─▶ an annotation that verifies ─▶ id in the store
//!             └ one that does not ─▶ AdoptionRequired: nothing is made, since one may stand already
//! ```

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Worker, look::Look, round::Halt};
use crate::{
    api::{ANNOTATION_EXTERNAL_ID, conditions::Reason},
    drivers::{Compiled, DesiredItem, Translate},
    index::{AssignmentView, Desired},
    model::{
        Contribution, ExternalId, ItemKey, Mark, ObjectName, Shape,
        memory::{ItemRecord, Memory, Origin, Write},
    },
    plan::{identify::Trouble, release::Release},
    store::Keys,
};

/// So many objects beside those of a round may be read to tell whether one of them is gone.
const OTHERS: usize = 3;

/// What an annotation speaks of. One copied from elsewhere, or made for another account, does not verify.
struct Subject<'a> {
    mark: &'a Mark,
    fingerprint: &'a str,
}

impl Subject<'_> {
    fn annotation(&self, keys: &Keys, id: &ExternalId) -> String {
        format!("{id}.{}.{}", keys.key_id(), self.mac(keys, &id.0).to_hex())
    }

    /// The id, if this installation wrote it for this very object.
    fn verify(&self, keys: &Keys, annotation: &str) -> Option<ExternalId> {
        let (rest, mac) = annotation.rsplit_once('.')?;
        let (id, _) = rest.rsplit_once('.')?;
        // Compared in constant time.
        let given = blake3::Hash::from_hex(mac).ok()?;
        (self.mac(keys, id) == given).then(|| ExternalId(id.into()))
    }

    /// The mark is made from owner and identity.
    fn mac(&self, keys: &Keys, id: &str) -> blake3::Hash {
        keys.mac(&["external-id", &self.mark.to_string(), self.fingerprint, id])
    }
}

impl Worker {
    /// Takes recorded ids from annotations where the store knows none; `adopt` is the other way to one.
    ///
    /// Returns what must not be created: an annotation says that it stands already, and cannot be believed.
    pub(super) fn recall_external_ids(
        &mut self,
        desired: &Desired,
        driver: &dyn Translate,
        compiled: &BTreeMap<ObjectName, Compiled>,
        rest: &[Release],
    ) -> Result<BTreeMap<ItemKey, Trouble>, Halt> {
        let mut trouble = BTreeMap::new();
        if driver.facts().lists {
            return Ok(trouble);
        }
        let going = rest.iter().filter(|release| !compiled.contains_key(&release.by)).filter_map(|release| {
            let view = desired.assignments.get(&release.by)?;
            self.compile_one(desired, view)
        });
        let going: Vec<Compiled> = going.collect();
        let mut writes = Vec::new();
        for (item, parts) in self.without_an_id(compiled.values().chain(&going)) {
            let views: Vec<&AssignmentView> = parts
                .iter()
                .filter_map(|part| desired.assignments.get(&part.assignment).map(Arc::as_ref))
                .collect();
            let adopted = views.iter().any(|v| v.binding().is_some_and(|b| b.spec.adopt.is_some()));
            let Some(part) = parts.first() else { continue };
            let Shape::Object { mark: Some(mark) } = &part.shape else { continue };
            match self.annotated(&views, mark) {
                Annotated::Nothing => {}
                Annotated::Id(id) => {
                    let (title, key) = (&part.title, &part.status_key);
                    // As it was when the id was noted, as far as anybody says so now (R11, R13).
                    let origin = if adopted { Origin::Adopted } else { Origin::Created };
                    let record = ItemRecord::new(origin, Some(id), Some(mark.clone()), title, key);
                    writes.push(Write::Item(item.clone(), Some(Box::new(record))));
                }
                // Whoever adopts by id says which object is meant.
                Annotated::Unbelievable(_) if adopted => {}
                Annotated::Unbelievable(on) => drop(trouble.insert(item.clone(), unbelievable(&on))),
            }
        }
        self.commit(writes)?;
        Ok(trouble)
    }

    /// What is wanted of items of which no id is recorded.
    fn without_an_id<'c>(
        &self,
        compiled: impl Iterator<Item = &'c Compiled>,
    ) -> BTreeMap<&'c ItemKey, Vec<&'c Contribution>> {
        let mut parts: BTreeMap<&ItemKey, Vec<&Contribution>> = BTreeMap::new();
        for part in compiled.flat_map(|compiled| &compiled.contributions) {
            if self.memory.items.get(&part.item).is_none_or(|record| record.id.is_none()) {
                parts.entry(&part.item).or_default().push(part);
            }
        }
        parts
    }

    fn annotated(&self, views: &[&AssignmentView], mark: &Mark) -> Annotated {
        let Some(fingerprint) = self.memory.account.as_ref().map(|account| account.fingerprint.as_str())
        else {
            return Annotated::Nothing;
        };
        let subject = Subject { mark, fingerprint };
        let views: BTreeSet<(Timestamp, &str, &str)> = views
            .iter()
            .filter_map(|view| Some((view.created, &*view.name.name, view.external_id.as_deref()?)))
            .collect();
        let keys = self.house.store.keys();
        let verified = views.iter().find_map(|(_, _, text)| subject.verify(keys, text));
        match (verified, views.first()) {
            (Some(id), _) => Annotated::Id(id),
            (None, Some((_, name, _))) => Annotated::Unbelievable((*name).to_owned()),
            (None, None) => Annotated::Nothing,
        }
    }

    /// Writes recorded ids onto contributors that do not bear them yet. What fails is tried at the next look.
    pub(super) async fn note_external_ids(&mut self, desired: &Desired, look: &Look) {
        if look.driver.translate().facts().lists {
            return;
        }
        let Some(fingerprint) = self.memory.account.as_ref().map(|account| account.fingerprint.clone())
        else {
            return;
        };
        let reporter = self.house.reporter.clone();
        self.noted.retain(|uid, _| desired.assignments.values().any(|view| view.uid == *uid));
        for item in look.items.values() {
            let id = self.memory.items.get(&item.key).and_then(|record| record.id.as_ref());
            let Some((mark, id)) = item.mark().zip(id) else { continue };
            let subject = Subject { mark: &mark, fingerprint: &fingerprint };
            let text = subject.annotation(self.house.store.keys(), id);
            for view in views(desired, item).filter(|view| view.finalizer && !view.deleting) {
                if view.external_id.as_deref() == Some(text.as_str()) {
                    self.noted.remove(&view.uid);
                    continue;
                }
                if self.noted.get(&view.uid) == Some(&text) {
                    continue;
                }
                match reporter.note_external_id(&view.name, &view.uid, &text).await {
                    Ok(()) => drop(self.noted.insert(view.uid.clone(), text.clone())),
                    Err(error) => {
                        tracing::warn!(assignment = %view.name, %error, "the recorded id is not on it");
                    }
                }
            }
        }
    }
}

/// Objects beside these to ask for, to tell whether a call that shows none of these shows anything: those that were seen
/// last, since what is gone for good would never be shown.
pub(super) fn others(memory: &Memory, asked: &BTreeSet<ExternalId>) -> BTreeSet<ExternalId> {
    let seen = |record: &ItemRecord| Reverse(record.observed.as_ref().map(|observed| observed.at));
    let records = memory.items.values().filter_map(|record| Some((seen(record), record.id.as_ref()?)));
    let mut others: Vec<_> = records.filter(|(_, id)| !asked.contains(id)).collect();
    others.sort_by_key(|(seen, _)| *seen);
    others.into_iter().take(OTHERS).map(|(_, id)| id.clone()).collect()
}

enum Annotated {
    Nothing,
    Id(ExternalId),
    Unbelievable(String),
}

fn views<'d>(desired: &'d Desired, item: &'d DesiredItem) -> impl Iterator<Item = &'d AssignmentView> {
    item.contributors.iter().filter_map(|who| desired.assignments.get(who)).map(Arc::as_ref)
}

fn unbelievable(on: &str) -> Trouble {
    let message = format!(
        "annotation {ANNOTATION_EXTERNAL_ID} on {on} names an object, but was not written here for this Policy and \
         account, so it is not believed; and none is made, since one may stand already. Name the object in \
         spec.adopt.id, or remove the annotation to have a new one made"
    );
    Trouble { reason: Reason::AdoptionRequired, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::{Digest, Identity, ObjectName, OwnerId, Provenance, Secret, memory::ObservedRecord};

    fn keys(seed: &str) -> Keys {
        Keys::derive(&Secret::new(seed.repeat(40))).unwrap()
    }

    fn mark(namespace: &str, owner: &str) -> Mark {
        let object = ObjectName::new(namespace, "rows");
        Identity { owner: OwnerId::new(owner), kind: "Policy", object, variant: "policy".into() }.mark()
    }

    #[test]
    fn an_annotation_is_believed_only_where_it_was_written() {
        let (ours, id) = (mark("team", "us"), ExternalId("639057069300123456".into()));
        let account = "https://yurbi.example.com/api";
        let here = Subject { mark: &ours, fingerprint: account };
        let text = here.annotation(&keys("k"), &id);
        assert_eq!(here.verify(&keys("k"), &text), Some(id.clone()));
        let (copied, theirs) = (mark("other", "us"), mark("team", "them"));
        let cases = [
            (keys("k"), &copied, account, text.clone(), "copied from another namespace"),
            (keys("k"), &theirs, account, text.clone(), "another installation's"),
            (keys("k"), &ours, "https://elsewhere/api", text.clone(), "of another account"),
            (keys("x"), &ours, account, text.clone(), "another key"),
            (keys("k"), &ours, account, text.replacen("639", "638", 1), "another id"),
            (keys("k"), &ours, account, "639057069300123456".into(), "an id alone"),
            (keys("k"), &ours, account, format!("{id}.x.zz"), "no hash"),
            (keys("k"), &ours, account, String::new(), "nothing"),
        ];
        for (keys, mark, fingerprint, text, reason) in cases {
            assert_eq!(Subject { mark, fingerprint }.verify(&keys, &text), None, "{reason}");
        }
    }

    #[test]
    fn an_id_may_hold_dots() {
        let (mark, id) = (mark("team", "us"), ExternalId("a.b.c".into()));
        let subject = Subject { mark: &mark, fingerprint: "f" };
        assert_eq!(subject.verify(&keys("k"), &subject.annotation(&keys("k"), &id)), Some(id));
    }

    #[test]
    fn those_seen_last_tell_whether_a_call_works() {
        let observed = |second| ObservedRecord {
            at: Timestamp::from_second(second).unwrap(),
            leaves: Vec::new(),
            members: Digest(0),
            foreign: 0,
            enabled: None,
            pending: false,
            proves: None,
            provenance: Provenance::default(),
        };
        let ids = |ids: &str| ids.split_whitespace().map(|id| ExternalId(id.into())).collect::<BTreeSet<_>>();
        // Id and when it was seen last, by key; asked for; asked for besides.
        let cases = [
            (&[("a", 0), ("b", 0), ("c", 0), ("d", 9)][..], "", "a b d", "three are gone, and stay recorded"),
            (
                &[("a", 1), ("b", 1), ("c", 1), ("d", 9), ("e", 9)],
                "e",
                "a b d",
                "gone at once, and not yet known",
            ),
            (&[("a", 9), ("b", 9)], "a", "b", "only what is not asked for anyway"),
            (&[("a", 0)], "", "a", "what nobody saw yet may still stand, after a lost store"),
            (&[], "", "", "nothing recorded"),
        ];
        for (recorded, asked, expected, why) in cases {
            let mut memory = Memory::default();
            for (id, second) in recorded {
                let id = Some(ExternalId((*id).into()));
                let mut record = ItemRecord::new(Origin::Adopted, id, None, "", "");
                record.observed = (*second > 0).then(|| observed(*second));
                memory.items.insert(ItemKey(record.id.as_ref().unwrap().0.clone()), record);
            }
            assert_eq!(others(&memory, &ids(asked)), ids(expected), "{why}");
        }
    }
}
