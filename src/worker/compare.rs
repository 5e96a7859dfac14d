//! What a look means: who is who, what differs, what is proven, what became of open tasks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    Worker,
    look::Look,
    operations,
    order::{self, Order},
    record,
    round::Halt,
};
use crate::{
    api::conditions::Reason,
    index::Desired,
    model::{
        Digest, ItemKey, LeafPath, ObjectName, Shape,
        memory::{Sealed, Write},
    },
    plan::{
        ItemVerdict,
        draft::{self, Draft, Inputs},
        identify::{Identified, Wanted, identify},
        release::Release,
    },
};

/// Before a document that could not be read is asked for again, so that it may be let go of.
const UNREADABLE: SignedDuration = SignedDuration::from_secs(30);

impl Worker {
    /// Identifies and drafts, then remembers what the read showed.
    pub(super) fn draft(
        &mut self,
        desired: &Desired,
        look: &Look,
        rest: &[Release],
    ) -> Result<(Draft, Order), Halt> {
        let (draft, order, writes, orphaned, duplicates, shadows) = {
            let identified = self.identify(look);
            let resting = self.resting_verdicts(look);
            let pre_image = |item: &ItemKey, path: &LeafPath| self.pre_image(item, path);
            let frozen = frozen(desired, look);
            let seeds = self.seeds_due(desired, look);
            let inputs = Inputs {
                driver: look.driver.translate(),
                digester: &self.digester,
                items: &look.items,
                inputs: &look.inputs,
                releases: rest,
                identified: &identified,
                observation: &look.observation,
                memory: &self.memory,
                frozen: frozen.as_deref(),
                keep_members: &look.keep_members,
                correct_drift: desired.backend.settings.correct_drift,
                resting: &resting,
                seeds: &seeds,
                pre_image: &pre_image,
                stale_before: self
                    .now()
                    .checked_sub(nearly(drift_interval(desired)))
                    .unwrap_or(Timestamp::MIN),
                settle: self.house.settle,
                now: self.now(),
            };
            let mut draft = draft::draft(&inputs);
            let order = self.order(look, &inputs, &mut draft);
            let mut writes = record::record(&inputs, &draft);
            writes.extend(self.first_values(desired, look, &draft));
            writes.extend(self.proven_claims(look, &draft, rest));
            let shadows = order::shadows(look, &identified);
            (draft, order, writes, identified.orphaned.len(), identified.duplicates, shadows)
        };
        self.commit(writes)?;
        self.note_forgotten_seeds(desired, look)?;
        self.account.orphaned = u32::try_from(orphaned).unwrap_or(u32::MAX);
        self.duplicates.retain(|item, _| !look.items.contains_key(item));
        self.duplicates.extend(duplicates);
        self.shadows.retain(|item, _| !look.items.contains_key(item));
        self.shadows.extend(shadows);
        self.remember_verdicts(desired, look, &draft);
        self.remember_releases(desired, look, &draft, rest);
        self.judge_trial(look, &draft)?;
        self.note_appending(&draft)?;
        self.settle_tasks(look, &draft)?;
        Ok((draft, order))
    }

    fn identify<'a>(&self, look: &'a Look) -> Identified<'a> {
        let name_path = LeafPath("name".into());
        let wanted = look.items.values().map(|item| Wanted {
            key: &item.key,
            document: item.shape == Shape::Document,
            mark: item.mark(),
            name: item.leaves.get(&name_path).and_then(|leaf| leaf.value.as_str()).unwrap_or(&item.title),
            adopt: look.adopt.get(&item.key).cloned(),
        });
        let released =
            look.releasing.iter().filter(|item| !look.items.contains_key(*item)).map(|item| Wanted {
                key: item,
                document: !look.marks.contains_key(item),
                mark: look.marks.get(item).cloned().flatten(),
                name: "",
                adopt: None,
            });
        let wanted: Vec<_> = wanted.chain(released).collect();
        let stand: BTreeSet<&ItemKey> = self
            .stakes
            .iter()
            .flat_map(|(_, kept)| kept.items.iter().chain(&kept.held))
            .map(|(item, _)| item)
            .collect();
        let held = |item: &ItemKey| stand.contains(item) || look.releasing.contains(item);
        let mut identified = identify(&wanted, &self.memory, &look.observation, &self.house.owner, &held);
        identified.trouble.extend(look.barred.clone());
        identified
    }

    pub(super) fn resting_verdicts(&self, look: &Look) -> BTreeMap<ItemKey, ItemVerdict> {
        let inputs = |item: &ItemKey| look.inputs.get(item).copied().unwrap_or(Digest(0));
        self.troubles.resting(&inputs, self.now()).into_iter().map(|(item, t)| (item, t.verdict)).collect()
    }

    fn pre_image(&self, item: &ItemKey, path: &LeafPath) -> Option<Value> {
        let sealed = self.memory.pre_images.get(&(item.clone(), path.clone()))?;
        let place = crate::store::Place { account: &self.id, item, path: Some(path) };
        let opened = self.house.store.sealer().open(&place, sealed).ok()?;
        serde_json::from_slice(opened.expose()).ok()
    }

    /// Once an item is proven, a claim is exactly what its assignment contributes; what a release still waits for stays.
    fn proven_claims(&self, look: &Look, draft: &Draft, rest: &[Release]) -> Vec<Write> {
        look.claims
            .iter()
            .filter(|((item, _), _)| {
                matches!(draft.verdicts.get(item), Some(ItemVerdict::InStep | ItemVerdict::Undeployed))
            })
            .filter(|((item, who), _)| !rest.iter().any(|r| r.item == *item && r.by == *who))
            .filter(|(key, claim)| self.memory.claims.get(key) != Some(claim))
            .map(|((item, who), claim)| Write::Claim(item.clone(), who.clone(), Some(claim.clone())))
            .collect()
    }

    fn settle_tasks(&mut self, look: &Look, draft: &Draft) -> Result<(), Halt> {
        let released = draft.released.iter().filter(|(_, verdict)| **verdict == ItemVerdict::InStep);
        let gone = released.map(|(item, _)| item).filter(|item| !look.items.contains_key(*item)).cloned();
        let proven: BTreeSet<ItemKey> = draft
            .verdicts
            .iter()
            .filter(|(_, verdict)| **verdict == ItemVerdict::InStep)
            .map(|(item, _)| item.clone())
            .chain(self.stakes.items().filter(|item| self.is_proven(item)).cloned())
            .chain(gone)
            .collect();
        let inputs = |item: &ItemKey| self.stakes.inputs(item, &self.digester);
        let settled = operations::settle(&self.memory, &inputs, &proven, &look.states, self.now());
        for (item, (reason, message, until)) in settled.blocked {
            self.verdicts.insert(item.clone(), ItemVerdict::Blocked(reason, message.clone()));
            self.troubles.blocked(&item, self.stakes.inputs(&item, &self.digester), reason, message, until);
        }
        self.commit(settled.writes)?;
        Ok(())
    }

    /// What blocks an item rests until the system may have changed; what waits is looked at again soon.
    fn remember_verdicts(&mut self, desired: &Desired, look: &Look, draft: &Draft) {
        let until = self.now().checked_add(drift_interval(desired)).ok();
        for (item, verdict) in &draft.verdicts {
            self.troubles.was_read(item);
            if let ItemVerdict::Blocked(reason, message) = verdict {
                let inputs = look.inputs.get(item).copied().unwrap_or(Digest(0));
                if !self.troubles.is_resting(item, inputs, self.now()) {
                    self.troubles.blocked(item, inputs, *reason, message.clone(), until);
                }
            }
            match verdict {
                ItemVerdict::InStep => {
                    self.verdicts.remove(item);
                    // What fails to be put back rests, also where all that is wanted of the item is there.
                    if draft.released.get(item).is_none_or(|release| *release == ItemVerdict::InStep) {
                        self.troubles.came_right(item);
                    }
                }
                ItemVerdict::Undeployed => {
                    self.verdicts.insert(item.clone(), ItemVerdict::Undeployed);
                    self.troubles.is_in_place(item);
                }
                other => drop(self.verdicts.insert(item.clone(), other.clone())),
            }
            self.pace.touch(self.stakes.holders(item).iter().map(|(who, _)| who.clone()));
        }
    }

    /// A release that waits for a human is looked at again after a drift interval, one that could not be read a little
    /// later, both at once where it is another.
    fn remember_releases(&mut self, desired: &Desired, look: &Look, draft: &Draft, rest: &[Release]) {
        let (released, memory) = (&mut self.released, &self.memory);
        released.retain(|item, _| !look.inputs.contains_key(item) && memory.claims.on(item).next().is_some());
        self.released.extend(draft.released.clone());
        for (item, verdict) in &draft.released {
            self.troubles.was_read(item);
            if *verdict == ItemVerdict::InStep {
                self.troubles.came_right(item);
            }
            self.waiting_releases.remove(item);
            let pause = match verdict {
                ItemVerdict::Blocked(..) => drift_interval(desired),
                // Others that can be read must not wait behind it.
                ItemVerdict::Waiting(Reason::NotReadable, _) => UNREADABLE,
                _ => continue,
            };
            let until = self.now().checked_add(pause).unwrap_or(Timestamp::MAX);
            let of_item = rest.iter().filter(|release| release.item == *item).cloned().collect();
            let rests = self.troubles.until(item).filter(|rests| *rests > self.now());
            let until = rests.map_or(until, |rests| rests.min(until));
            self.waiting_releases.insert(item.clone(), (of_item, until));
        }
    }

    /// R11: what stood there already as wanted is the former value, too, also if it is edited later.
    ///
    /// Not where a lost store may have taken an older one: then ours would be taken for it.
    fn first_values(&self, desired: &Desired, look: &Look, draft: &Draft) -> Vec<Write> {
        let read = |item: &ItemKey| look.observation.items.iter().find(|o| o.key.as_ref() == Some(item));
        let older = |who: &ObjectName| {
            desired.assignments.get(who).is_none_or(|view| self.is_older_than_memory(view))
        };
        let mut writes = Vec::new();
        for (item, wanted) in &look.items {
            let proven = draft.verdicts.get(item) == Some(&ItemVerdict::InStep);
            if !proven || wanted.shape != Shape::Document || wanted.contributors.iter().any(older) {
                continue;
            }
            let claimed: BTreeSet<&LeafPath> = self
                .memory
                .claims
                .on(item)
                .flat_map(|(_, claim)| claim.leaves.iter().map(|(p, _)| p))
                .collect();
            let new: Vec<_> =
                wanted.leaves.iter().filter(|(path, leaf)| !leaf.secret && !claimed.contains(path)).collect();
            let Some(observed) = (if new.is_empty() { None } else { read(item) }) else { continue };
            for (path, _) in new {
                let value = observed.leaves.get(path).unwrap_or(&Value::Null);
                writes.push(Write::PreImage(item.clone(), path.clone(), Some(self.seal(item, path, value))));
            }
        }
        writes
    }

    fn seal(&self, item: &ItemKey, path: &LeafPath, value: &Value) -> Sealed {
        let place = crate::store::Place { account: &self.id, item, path: Some(path) };
        self.house.store.sealer().seal(&place, value.to_string().as_bytes())
    }
}

fn drift_interval(desired: &Desired) -> SignedDuration {
    SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default()
}

/// Looks come up to a fifth early, so that they do not come together.
fn nearly(interval: SignedDuration) -> SignedDuration {
    interval / 4 * 3
}

/// Why no removal may be made on this account now (R3).
fn frozen(desired: &Desired, look: &Look) -> Option<String> {
    if let Some(object) = desired.undecodable.first() {
        return Some(format!(
            "{object} cannot be decoded and may name the same things, so nothing is removed on this account. Repair \
             or delete it"
        ));
    }
    if let Some(partial) = &look.observation.partial {
        return Some(format!("nothing is removed under a partial view: {partial}"));
    }
    // Documents are read one by one: those that were not are let go of by themselves, later.
    (look.driver.translate().facts().snapshot && !look.observation.complete)
        .then(|| format!("nothing is removed: {}; it is read again", look.observation.why_incomplete(None)))
}
