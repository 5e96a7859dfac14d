//! Two processes, one Lease, every order of what may happen (F13, F14): never both may act.
//!
//! A step of the model is a moment that passes, or anything one of the processes, the network or the server does next;
//! a process that is never chosen for a while is a paused one. Deciding is left to [`Contender`], the rest is a
//! model of `Leadership`: what is read may be heard late, what is written may arrive late, after its sender gave up,
//! or without its answer being heard.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime};

use super::{
    DURATION, KEPT, RENEW,
    contender::{Contender, Verdict, Why},
    record::{self, Record, Taker},
};

/// Moments a lease of the model lasts.
const LASTS: u64 = 3;
/// A model that does not end says nothing.
const MOST: usize = 400_000;

fn at(moment: u64) -> Duration {
    Duration::from_secs(moment)
}

fn taker(identity: &str) -> Taker {
    Taker { identity: identity.into(), place: None }
}

/// The record of a lease of the model; every version has another one.
fn record(holder: &str, version: u64) -> Record {
    let now = Timestamp::from_second(i64::try_from(version).unwrap()).unwrap();
    let mut lease = record::taken(Lease::default(), &taker(holder), now);
    lease.spec.as_mut().unwrap().lease_duration_seconds = Some(i32::try_from(LASTS).unwrap());
    Record::of(&lease)
}

/// What stands on the server; the number is the resourceVersion.
type Stored = Option<(u64, Record)>;

/// What differs between the worlds looked at.
#[derive(Clone, Copy)]
struct World {
    /// Moments a holder relies on its lease.
    kept: u64,
    /// Whose clock stands still every third moment.
    slow: Option<usize>,
    /// Whether there is a Lease in the beginning.
    first: bool,
    /// How often somebody may delete it.
    deletions: u8,
    /// Moments looked at: long enough for one to take over from the other.
    horizon: u64,
    /// Whether a write may arrive after its sender stopped waiting for it.
    late: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Write {
    base: Option<u64>,
    holder: &'static str,
    started: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Call {
    None,
    /// Answered, not heard yet.
    Read(Stored),
    /// On its way.
    Write(Write),
    /// Carried out (with the version it made) or refused; not heard yet.
    Written(Write, Option<u64>),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Process {
    name: &'static str,
    clock: u64,
    contender: Contender,
    call: Call,
    /// By its own clock.
    end: Option<u64>,
    version: Option<u64>,
    /// When it last wrote, by its own clock: once a moment at most.
    wrote: Option<u64>,
    over: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    now: u64,
    versions: u64,
    stored: Stored,
    deletions: u8,
    processes: [Process; 2],
    /// Sent by somebody who no longer waits for the answer.
    late: Option<Write>,
}

impl Process {
    fn new(name: &'static str, first: bool) -> Self {
        let contender = Contender::new(taker(name), first);
        Self {
            name,
            clock: 0,
            contender,
            call: Call::None,
            end: None,
            version: None,
            wrote: None,
            over: false,
        }
    }

    fn acts(&self) -> bool {
        self.end.is_some_and(|end| self.clock < end)
    }

    fn write(&mut self, base: Option<u64>) {
        if self.wrote != Some(self.clock) {
            self.wrote = Some(self.clock);
            self.call = Call::Write(Write { base, holder: self.name, started: self.clock });
        }
    }

    /// Hears the answer to what it asked.
    fn hear(&mut self, world: World) {
        match std::mem::replace(&mut self.call, Call::None) {
            Call::Read(stored) => self.hear_read(stored),
            Call::Written(write, Some(version)) => {
                self.end = Some(write.started + world.kept);
                self.version = Some(version);
            }
            // Overtaken: whoever wants it reads again, and so does whoever has it.
            Call::Written(_, None) => self.version = None,
            Call::None | Call::Write(_) => {}
        }
    }

    fn hear_read(&mut self, stored: Stored) {
        let base = stored.as_ref().map(|(version, _)| *version);
        let found = stored.map(|(_, record)| record);
        if self.end.is_some() {
            match found {
                // `put_back`: a deleted Lease is made again by whoever has it.
                None => self.write(None),
                Some(record) if record.holder == self.name => self.version = base,
                Some(_) => (self.end, self.over) = (None, true),
            }
        } else if let Verdict::Take(_) = self.contender.look(found.as_ref(), at(self.clock)) {
            self.write(base);
        }
    }
}

impl State {
    fn new(world: World) -> Self {
        let stored = (!world.first).then(|| (1, record("someone before", 1)));
        let processes = [Process::new("one", world.first), Process::new("two", world.first)];
        Self { now: 0, versions: 1, stored, deletions: world.deletions, processes, late: None }
    }

    fn carry_out(&mut self, write: &Write) -> Option<u64> {
        if self.stored.as_ref().map(|(version, _)| *version) != write.base {
            return None;
        }
        self.versions += 1;
        self.stored = Some((self.versions, record(write.holder, self.versions)));
        Some(self.versions)
    }

    fn moment_passes(&self, world: World) -> Self {
        let mut next = self.clone();
        next.now += 1;
        for (index, process) in next.processes.iter_mut().enumerate() {
            let stands_still = world.slow == Some(index) && next.now.is_multiple_of(LASTS);
            process.clock += u64::from(!stands_still);
            // `hold`: the end was reached.
            if process.end.is_some_and(|end| process.clock >= end) {
                (process.end, process.over) = (None, true);
            }
        }
        next
    }

    /// Everything that may happen next.
    fn next(&self, world: World) -> Vec<Self> {
        let mut all = Vec::new();
        if self.now < world.horizon {
            all.push(self.moment_passes(world));
        }
        if self.deletions > 0 && self.stored.is_some() {
            let mut deleted = self.clone();
            (deleted.stored, deleted.deletions) = (None, self.deletions - 1);
            all.push(deleted);
        }
        if let Some(write) = &self.late {
            let mut arrived = self.clone();
            arrived.late = None;
            arrived.carry_out(write);
            all.push(arrived);
        }
        for index in 0..2 {
            self.steps_of(index, world, &mut all);
        }
        all
    }

    fn steps_of(&self, index: usize, world: World, all: &mut Vec<Self>) {
        let process = &self.processes[index];
        if process.over {
            return;
        }
        let mut change = |with: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            with(&mut next);
            all.push(next);
        };
        match &process.call {
            Call::None => match (process.end, process.version) {
                (Some(_), Some(version)) => {
                    change(&|s| s.processes[index].write(Some(version)));
                    change(&|s| s.give_back(index, version));
                }
                _ => change(&|s| s.processes[index].call = Call::Read(self.stored.clone())),
            },
            Call::Write(write) => {
                change(&|s| {
                    let version = s.carry_out(write);
                    s.processes[index].call = Call::Written(write.clone(), version);
                });
                if world.late && self.late.is_none() {
                    change(&|s| {
                        s.late = Some(write.clone());
                        (s.processes[index].call, s.processes[index].version) = (Call::None, None);
                    });
                }
            }
            Call::Read(_) | Call::Written(..) => {
                change(&|s| s.processes[index].hear(world));
                if matches!(process.call, Call::Written(..)) {
                    change(&|s| (s.processes[index].call, s.processes[index].version) = (Call::None, None));
                }
            }
        }
    }

    fn give_back(&mut self, index: usize, version: u64) {
        (self.processes[index].end, self.processes[index].over) = (None, true);
        if self.stored.as_ref().map(|(stored, _)| *stored) == Some(version) {
            self.versions += 1;
            let lease = record::released(Lease::default(), Timestamp::UNIX_EPOCH);
            self.stored = Some((self.versions, Record::of(&lease)));
        }
    }
}

/// Looks at every state, until both act at once; whether they do, and who ever acted.
fn explore(world: World) -> (bool, BTreeSet<&'static str>, usize) {
    let (mut seen, mut open) = (HashSet::new(), vec![State::new(world)]);
    let (mut both, mut acted) = (false, BTreeSet::new());
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        assert!(seen.len() < MOST, "more states than expected, at moment {}", state.now);
        let acting: Vec<_> = state.processes.iter().filter(|p| p.acts()).map(|p| p.name).collect();
        both |= acting.len() == 2;
        acted.extend(acting);
        if both {
            break;
        }
        open.extend(state.next(world));
    }
    (both, acted, seen.len())
}

const SAFE: World = World { kept: LASTS - 1, slow: None, first: false, deletions: 0, horizon: 5, late: true };

#[test]
fn never_do_both_act_whatever_happens_in_whatever_order() {
    for (why, world) in [
        ("clocks run alike", SAFE),
        ("the first clock is slow", World { slow: Some(0), ..SAFE }),
        ("nothing was there before", World { first: true, late: false, ..SAFE }),
        ("somebody deletes the Lease", World { deletions: 1, late: false, ..SAFE }),
    ] {
        let (both, acted, states) = explore(world);
        println!("{why}: {states} states");
        assert!(!both, "{why}");
        assert_eq!(acted, ["one", "two"].into(), "{why}: both can lead, one after the other");
    }
}

#[test]
fn the_model_sees_a_holder_that_relies_on_its_lease_for_too_long() {
    assert!(explore(World { kept: LASTS + 1, first: true, ..SAFE }).0, "longer than it lasts");
    assert!(
        explore(World { kept: LASTS, slow: Some(0), first: true, ..SAFE }).0,
        "no margin for a slow clock"
    );
}

#[test]
fn the_real_durations_have_the_margins_of_the_model() {
    assert!(KEPT * 10 <= DURATION * 9);
    assert!(RENEW * 3 <= KEPT, "two renewals may fail");
    assert!(RENEW * 2 + crate::worker::apply::CALL_TIMEOUT <= KEPT, "a call may start also between renewals");
}

/// What was seen before, what is read now and when, and what follows.
#[test]
fn a_lease_is_taken_only_when_nobody_can_rely_on_it() {
    let me = Taker { identity: "me".into(), place: Some("here".into()) };
    let foreign = |version| record("other", version);
    let (mut neighbour, mut emptied) = (foreign(1), foreign(1));
    (neighbour.place, emptied.holder) = (Some("here".into()), String::new());
    let given_back = Record::of(&record::released(Lease::default(), Timestamp::UNIX_EPOCH));
    let look = |first: bool, reads: &[(Option<&Record>, u64)]| {
        let mut contender = Contender::new(me.clone(), first);
        reads.iter().map(|(found, now)| contender.look(*found, at(*now))).last().unwrap()
    };
    let (take, wait) = (Verdict::Take, Verdict::Wait);
    let long = DURATION.as_secs();
    for (why, verdict, expected) in [
        ("the very first start", look(true, &[(None, 0)]), take(Why::First)),
        ("a Lease that should be there", look(false, &[(None, 0)]), wait.clone()),
        (
            "still not there after a whole duration",
            look(false, &[(None, 0), (None, long)]),
            take(Why::Expired),
        ),
        ("deleted while we watch", look(true, &[(Some(&foreign(1)), 0), (None, 2)]), wait.clone()),
        (
            "gone for as long as it lasted",
            look(true, &[(Some(&foreign(1)), 0), (None, 2), (None, 5)]),
            take(Why::Expired),
        ),
        ("old by the wall clock, new to us", look(false, &[(Some(&foreign(1)), 0)]), wait.clone()),
        (
            "unchanged, but not for long enough",
            look(false, &[(Some(&foreign(1)), 0), (Some(&foreign(1)), 2)]),
            wait.clone(),
        ),
        (
            "unchanged for as long as it lasts",
            look(false, &[(Some(&foreign(1)), 0), (Some(&foreign(1)), 3)]),
            take(Why::Expired),
        ),
        (
            "renewed in between",
            look(false, &[(Some(&foreign(1)), 0), (Some(&foreign(2)), 2), (Some(&foreign(2)), 4)]),
            wait.clone(),
        ),
        ("given back", look(false, &[(Some(&given_back), 0)]), take(Why::GivenBack)),
        ("emptied by hand: its holder does not know yet", look(false, &[(Some(&emptied), 0)]), wait),
        ("our own write, unheard", look(false, &[(Some(&record("me", 1)), 0)]), take(Why::Ours)),
        (
            "its holder held our lock before us",
            look(false, &[(Some(&neighbour), 0)]),
            take(Why::HolderIsDead),
        ),
    ] {
        assert_eq!(verdict, expected, "{why}");
    }
}

#[test]
fn every_renewal_is_another_record_and_foreign_notes_are_not() {
    let now = Timestamp::UNIX_EPOCH;
    let lease = record::taken(Lease::default(), &taker("me"), now);
    let again = record::renewed(lease.clone(), now);
    assert_ne!(Record::of(&lease), Record::of(&again), "also while the wall clock stands still");
    let mut noted = lease.clone();
    noted.metadata.annotations.get_or_insert_default().insert("example.com/note".into(), "x".into());
    noted.metadata.resource_version = Some("2".into());
    assert_eq!(Record::of(&lease), Record::of(&noted));
    let mut later = lease.clone();
    later.spec.as_mut().unwrap().renew_time = Some(MicroTime(now + jiff::SignedDuration::from_secs(1)));
    assert_ne!(Record::of(&lease), Record::of(&later));
}
