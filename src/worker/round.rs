//! One round of a pass: from what is wanted now to at most one batch of effects.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use super::{
    Asked, Worker,
    look::Look,
    schedule::{self, Lane, Situation},
};
use crate::{
    drivers::DriverError,
    index::Desired,
    model::{ItemKey, ObjectName, TRACE, is_traced, memory::Write},
    plan::release::Release,
    store::StoreError,
};

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Something was done, or may be: look again.
    Again,
    /// Nothing before then.
    At(Timestamp),
    /// Nothing until something changes.
    OnChange,
}

/// Why a round stopped.
#[derive(Debug)]
pub enum Halt {
    /// The account is out of reach.
    Account(DriverError),
    /// The store cannot remember.
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What there is to look at.
struct Agenda {
    /// Items by lane; of more than fit into a round some are looked at.
    due: schedule::Due,
    /// What is let go of and needs a call, due or not.
    rest: Vec<Release>,
    /// Assignments in Observe mode (R23).
    watching: BTreeSet<ObjectName>,
    /// Items of refused assignments, of which it is told what stands.
    glances: BTreeSet<ItemKey>,
}

impl Agenda {
    fn is_empty(&self) -> bool {
        self.due.items.is_empty() && self.watching.is_empty() && self.glances.is_empty()
    }
}

/// Documents looked at in one round; small enough for a newer change to come soon, large enough to pack.
const SLICE: usize = 100;

impl Worker {
    pub(super) async fn round(&mut self, desired: &Desired, asked: Asked<'_>) -> Result<Next, Halt> {
        self.meet_assignments(desired)?;
        self.tend_backend(desired).await?;
        if desired.assignments.values().any(|view| view.deleting) {
            // Orphan must go through also where the system or its credentials are gone for good (R8, R11).
            let released = self.witness(desired, &BTreeSet::new());
            self.let_go_without_a_call(desired, released).await?;
        }
        if desired.backend.settings.suspend || desired.backend.invalid.is_some() {
            // Not a single call (R23).
            return Ok(Next::OnChange);
        }
        let requested = self.take_up_requests(desired)?;
        self.ensure_driver(desired, requested).await?;
        let Some(agenda) = self.agenda(desired).await? else { return Ok(Next::OnChange) };
        let listing = self.catalogue_due(desired);
        let list_now = listing.is_some_and(|at| at <= self.now() || self.lists_before(desired, &agenda.due));
        let idle = agenda.is_empty() && !self.is_publishing();
        if idle && !list_now && !self.needs_probe() {
            self.finish_requests(desired, &agenda.due)?;
            let waiting = [agenda.due.next, listing, self.outage_ends()];
            return Ok(waiting.into_iter().flatten().min().map_or(Next::OnChange, Next::At));
        }
        self.ensure_account(desired).await?;
        if list_now {
            self.refresh_catalogue().await?;
        }
        if list_now || idle {
            self.reached();
            return Ok(Next::Again);
        }
        let span = self.round_span(agenda.due.items.len());
        self.work(desired, agenda, asked).instrument(span).await
    }

    /// Brings up to date who wants what, lets go of what needs no call, and tells what there is to look at. `None`: what is
    /// here is older than what was already acted on.
    async fn agenda(&mut self, desired: &Desired) -> Result<Option<Agenda>, Halt> {
        self.read_content_secrets(desired).await;
        let changed = self.update_stakes(desired);
        self.recall_losers(desired);
        self.recall_claims(desired)?;
        let released = self.witness(desired, &changed);
        let rest = self.let_go_without_a_call(desired, released).await?;
        self.say_mended(desired, &changed);
        if self.is_behind(desired)? {
            return Ok(None);
        }
        self.begin_requests(desired, &rest)?;
        self.recount(desired, &rest)?;
        let mut due = self.due(desired, &rest);
        if self.tally.waits_for_nothing(&due) {
            self.judge_what_waits(desired)?;
            due = self.due(desired, &rest);
        }
        self.measure_due(&due);
        let (watching, glances) = (self.watching_due(desired), self.glances_due());
        Ok(Some(Agenda { due, rest, watching, glances }))
    }

    /// Looks at what is due, does what follows from it, and tells when to look again.
    async fn work(&mut self, desired: &Desired, agenda: Agenda, asked: Asked<'_>) -> Result<Next, Halt> {
        let Agenda { due, rest, watching, glances } = agenda;
        let round = self.choose(&due);
        let whole = self.tally.is_whole_with(&round, &due);
        let here: Vec<Release> =
            rest.iter().filter(|release| round.contains(&release.item)).cloned().collect();
        let unproven: Vec<ItemKey> = if is_traced() {
            round.iter().filter(|item| !self.is_proven(item)).cloned().collect()
        } else {
            Vec::new()
        };
        let read = tracing::trace_span!(target: TRACE, "read", items = round.len());
        let look = self.look(desired, round, &here, &watching).instrument(read).await?;
        self.observe_watching(desired, &watching, &look);
        let glanced = !glances.is_empty();
        self.glance(glances, &look.observation);
        let outcome = self.act(desired, &look, &here, &rest, whole, asked).await?;
        self.trace_proofs(&unproven);
        self.reached();
        if look.observation.complete || !look.driver.translate().facts().lists {
            self.requests.looked_at(look.inputs.keys());
        }
        if outcome == Next::Again || glanced {
            return Ok(Next::Again);
        }
        let due = self.due(desired, &rest);
        self.measure_due(&due);
        self.finish_requests(desired, &due)?;
        Ok(earlier(outcome, self.after_looking(&due, &look)))
    }

    pub(super) fn commit(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.house.store.commit(&self.id, &writes, &[])?;
        writes.into_iter().for_each(|write| self.memory.apply(write));
        self.account.store_trouble = None;
        Ok(())
    }

    /// The last read showed exactly what is wanted of it now.
    pub(super) fn is_proven(&self, item: &ItemKey) -> bool {
        let observed = self.memory.items.get(item).and_then(|record| record.observed.as_ref());
        observed.is_some_and(|o| o.proves == Some(self.stakes.inputs(item, &self.digester)))
    }

    fn due(&self, desired: &Desired, releases: &[Release]) -> schedule::Due {
        let inputs = |item: &ItemKey| self.stakes.inputs(item, &self.digester);
        let resting = self.troubles.left_alone(&inputs, self.now());
        let asked = self.requests.asked();
        let (releasing, waiting) = self.releasing(releases, &asked);
        let mut due = schedule::due(&Situation {
            stakes: &self.stakes,
            memory: &self.memory,
            releasing: &releasing,
            resting: &resting,
            interval: desired.backend.settings.drift_interval,
            asked: &asked,
            digester: &self.digester,
            now: self.now(),
        });
        due.next = due.next.into_iter().chain(waiting).min();
        let interval = SignedDuration::try_from(desired.backend.settings.drift_interval).unwrap_or_default();
        let oldest = self.now().checked_sub(interval).unwrap_or(Timestamp::MIN);
        due.items.retain(|item, _| asked.contains(item) || !self.tally.rests(item, oldest));
        if self.tally.waiting().next().is_some() {
            let again = self.now().checked_add(interval).unwrap_or(Timestamp::MAX);
            due.next = Some(due.next.map_or(again, |next| next.min(again)));
        }
        due
    }

    /// Something of ours was changed and is not known to be published: a sequence of the whole account is open (R18),
    /// whatever became of the items it began with.
    fn is_publishing(&self) -> bool {
        self.memory.deploy.ours_since.is_some()
    }

    /// Which items this round looks at. A snapshot shows everything anyway, so what is due for drift is due together,
    /// and what is published is published together.
    fn choose(&self, due: &schedule::Due) -> BTreeSet<ItemKey> {
        let snapshot = self.session.as_ref().is_some_and(|s| s.driver.translate().facts().snapshot);
        if !snapshot {
            return schedule::slice(&self.unread_first(due), SLICE);
        }
        if self.is_publishing() || due.items.values().any(|lane| *lane == Lane::Drift) {
            return self.stakes.items().chain(due.items.keys()).cloned().collect();
        }
        due.items.keys().cloned().collect()
    }

    /// While something that changed was not read, what was read and is not settled waits for it (R2).
    fn unread_first(&self, due: &schedule::Due) -> schedule::Due {
        let unread = |item: &ItemKey, lane: &Lane| self.tally.is_unread(item, *lane);
        let mut chosen = due.clone();
        if due.items.iter().any(|(item, lane)| unread(item, lane)) {
            chosen.items.retain(|item, lane| matches!(lane, Lane::Open | Lane::Drift) || unread(item, lane));
        }
        chosen
    }

    /// When to look again at items that were read and are not settled.
    fn after_looking(&mut self, due: &schedule::Due, look: &Look) -> Next {
        let unsettled =
            due.items.keys().any(|item| look.items.contains_key(item) || look.releasing.contains(item));
        let unread = due.items.iter().any(|(item, lane)| self.tally.is_unread(item, *lane));
        if !unsettled || unread {
            self.settle_polls = 0;
            let more = !due.items.is_empty();
            return if more { Next::Again } else { due.next.map_or(Next::OnChange, Next::At) };
        }
        Next::At(self.poll_later())
    }
}

fn earlier(a: Next, b: Next) -> Next {
    match (a, b) {
        (Next::Again, _) | (_, Next::Again) => Next::Again,
        (Next::At(a), Next::At(b)) => Next::At(a.min(b)),
        (Next::At(at), Next::OnChange) | (Next::OnChange, Next::At(at)) => Next::At(at),
        (Next::OnChange, Next::OnChange) => Next::OnChange,
    }
}
