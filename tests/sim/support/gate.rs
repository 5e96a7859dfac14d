//! Numbered I/O and crash points.
//!
//! Everything the operator does to the outside passes an [`IoGate`]: calls to the API server and
//! to the doubles of the five systems alike. Each I/O gets a number within the life of the process
//! (the *incarnation*), so that a test can say "killed before I/O 17" or "killed after the effect
//! of I/O 17, its answer lost", for every number there is (F1, F2).

use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// On which side of an I/O's effect the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The call never reached the other side.
    Before,
    /// The other side did what was asked; the answer is lost.
    After,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Io {
    /// Which life of the process, from 1.
    pub incarnation: u32,
    /// Which I/O of that life, from 1.
    pub number: u64,
    /// Simulated time since the gate was made.
    pub at: Duration,
    /// What it was, for example `patch policyassignments/status team-a/laptops`.
    pub label: String,
}

impl fmt::Display for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {:?} {}", self.incarnation, self.number, self.at, self.label)
    }
}

/// Whether the running process is still that one, and alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    incarnation: u32,
    crashed: bool,
}

#[derive(Debug)]
struct State {
    next: u64,
    plan: Option<(u64, Moment)>,
    journal: Vec<Io>,
    /// How many I/Os the current instant has seen: time that does not pass means a hot loop.
    burst: (Duration, u64),
    burst_limit: u64,
    hot: bool,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    state: Mutex<State>,
    life: watch::Sender<Life>,
}

/// The gate; clones are the same gate.
#[derive(Debug, Clone)]
pub struct IoGate(Arc<Shared>);

impl IoGate {
    /// An open gate in incarnation 1 that crashes nothing.
    pub fn new() -> Self {
        let state = State {
            next: 1,
            plan: None,
            journal: vec![],
            burst: Default::default(),
            burst_limit: 100_000,
            hot: false,
        };
        let (life, _) = watch::channel(Life { incarnation: 1, crashed: false });
        Self(Arc::new(Shared { origin: Instant::now(), state: Mutex::new(state), life }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no test panics while it holds the gate")
    }

    /// The handle through which the process of the current incarnation does its I/O.
    pub fn process(&self) -> Process {
        Process { gate: self.clone(), incarnation: self.0.life.borrow().incarnation }
    }

    /// Kills the current incarnation at its `number`th I/O. That I/O and all later ones of the
    /// same incarnation pend for ever; [`IoGate::crashed`] wakes up.
    pub fn crash_at(&self, number: u64, moment: Moment) {
        self.state().plan = Some((number, moment));
    }

    /// Kills the current incarnation now, wherever it is.
    pub fn kill(&self) {
        self.0.life.send_modify(|life| life.crashed = true);
    }

    /// Whether the current incarnation is dead.
    pub fn is_crashed(&self) -> bool {
        self.0.life.borrow().crashed
    }

    /// Resolves when the current incarnation is dead, at once if it already is.
    pub async fn crashed(&self) {
        let mut life = self.0.life.subscribe();
        life.wait_for(|life| life.crashed).await.expect("the gate outlives its borrower");
    }

    /// Starts the next life: what is left of the former one stays dead, numbers start at 1 again,
    /// no crash is planned.
    pub fn next_incarnation(&self) -> Process {
        let mut state = self.state();
        (state.next, state.plan, state.hot) = (1, None, false);
        drop(state);
        self.0.life.send_modify(|life| *life = Life { incarnation: life.incarnation + 1, crashed: false });
        self.process()
    }

    /// All I/Os admitted so far, in order, of every incarnation.
    pub fn journal(&self) -> Vec<Io> {
        self.state().journal.clone()
    }

    /// The labels of one incarnation's I/Os: what a test compares to see that the order is stable.
    pub fn labels(&self, incarnation: u32) -> Vec<String> {
        let of = |io: &&Io| io.incarnation == incarnation;
        self.state().journal.iter().filter(of).map(|io| io.label.clone()).collect()
    }

    /// How many I/Os the current incarnation has done.
    pub fn count(&self) -> u64 {
        self.state().next - 1
    }

    /// How many I/Os may happen in one instant of simulated time before it counts as a hot loop
    /// and the process is killed for it (100 000 by default).
    pub fn burst_limit(&self, limit: u64) {
        self.state().burst_limit = limit;
    }

    /// Whether the current incarnation was killed for a hot loop.
    pub fn was_hot(&self) -> bool {
        self.state().hot
    }

    /// When the last I/O happened whose label `counts`.
    pub(super) fn last_io(&self, counts: impl Fn(&str) -> bool) -> Option<Instant> {
        let last = self.state().journal.iter().rev().find(|io| counts(&io.label)).map(|io| io.at);
        last.map(|at| self.0.origin + at)
    }
}

/// One incarnation's way to the outside.
#[derive(Debug, Clone)]
pub struct Process {
    gate: IoGate,
    incarnation: u32,
}

impl Process {
    /// Does one I/O: gives it a number, runs `effect`, and dies on the planned side of it.
    ///
    /// Pends for ever once the process is dead: nobody is left to receive the answer.
    pub async fn pass<T>(&self, label: impl Into<String>, effect: impl Future<Output = T>) -> T {
        let Some(number) = self.admit(label.into()) else { return pending().await };
        self.die_if_planned(number, Moment::Before);
        if self.is_dead() {
            return pending().await;
        }
        let answer = tokio::select! {
            biased;
            answer = effect => answer,
            () = self.dead() => return pending().await,
        };
        self.die_if_planned(number, Moment::After);
        if self.is_dead() { pending().await } else { answer }
    }

    /// Begins an I/O that cannot be awaited (a commit of the store); `None` if the process died before it.
    pub fn begin(&self, label: impl Into<String>) -> Option<u64> {
        let number = self.admit(label.into())?;
        self.die_if_planned(number, Moment::Before);
        (!self.is_dead()).then_some(number)
    }

    /// Ends such an I/O; false if the process died of it.
    pub fn end(&self, number: u64) -> bool {
        self.die_if_planned(number, Moment::After);
        !self.is_dead()
    }

    /// Whether this process is dead or replaced.
    pub fn is_dead(&self) -> bool {
        self.over(*self.gate.0.life.borrow())
    }

    /// Resolves when this process is dead or replaced.
    pub async fn dead(&self) {
        let mut life = self.gate.0.life.subscribe();
        life.wait_for(|life| self.over(*life)).await.expect("this handle keeps the gate");
    }

    fn over(&self, life: Life) -> bool {
        life.crashed || life.incarnation != self.incarnation
    }

    fn admit(&self, label: String) -> Option<u64> {
        if self.is_dead() {
            return None;
        }
        let at = self.gate.0.origin.elapsed();
        let mut state = self.gate.state();
        state.burst = if state.burst.0 == at { (at, state.burst.1 + 1) } else { (at, 1) };
        if state.burst.1 > state.burst_limit {
            state.hot = true;
            drop(state);
            self.gate.kill();
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.journal.push(Io { incarnation: self.incarnation, number, at, label });
        Some(number)
    }

    fn die_if_planned(&self, number: u64, moment: Moment) {
        if self.gate.state().plan == Some((number, moment)) && !self.is_dead() {
            self.gate.kill();
        }
    }
}
