//! Several installations, each of whose processes may die and be set up otherwise at any moment, before one API server.

use proptest::prelude::*;

use super::*;

/// A process of an installation between two calls, and what it does next.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Next {
    Start,
    List,
    /// It heard this list, and acts on it.
    Act(Vec<Installation>),
    /// Its store is open: it says that it serves.
    Announce,
    Rest,
}

/// What one step of the model is about.
#[derive(Clone, Debug)]
enum Step {
    /// The process goes on with what it does next.
    Proceed(usize),
    /// It goes on until it serves or waits, and nobody else does anything meanwhile.
    Run(usize),
    /// It dies, and is started again with other namespaces, or with the same.
    Restart(usize, Option<Scope>),
    /// It is gone for good, and somebody deletes its Lease.
    Uninstall(usize),
    /// It is gone, and its Lease is deleted and restored from this copy, made at some time.
    Restore(usize, usize),
}

struct Process {
    namespace: String,
    scope: Scope,
    next: Next,
    /// It may watch, write and call.
    works: bool,
    /// Namespaces that its store speaks of, on a volume that outlives it.
    remembers: BTreeSet<&'static str>,
}

/// Those of the model.
const NAMESPACES: [&str; 3] = ["a", "b", "c"];

/// The API server, and the processes before it.
struct World {
    leases: Vec<Option<Installation>>,
    processes: Vec<Process>,
    made: i64,
    /// Every Lease as it ever was.
    copies: Vec<Installation>,
    /// Whose Lease says that its store is outdated.
    outdated: Vec<bool>,
    /// Who worked in a namespace last.
    worked: BTreeMap<&'static str, usize>,
    /// Somebody believed what his store said of a namespace where another one had worked since.
    deceived: bool,
    /// What the store opened last was believed about.
    believed: BTreeSet<&'static str>,
}

impl World {
    fn new(scopes: Vec<Scope>) -> Self {
        let process = |(at, scope)| Process {
            namespace: format!("n{at}"),
            scope,
            next: Next::Start,
            works: false,
            remembers: BTreeSet::new(),
        };
        let processes: Vec<_> = scopes.into_iter().enumerate().map(process).collect();
        let (leases, outdated) = (vec![None; processes.len()], vec![false; processes.len()]);
        let worked = BTreeMap::new();
        let (copies, believed) = (vec![], BTreeSet::new());
        Self { leases, processes, made: 0, copies, outdated, worked, deceived: false, believed }
    }

    fn put(&mut self, at: usize, stage: Stage) {
        // Two Leases may be as old.
        self.made += i64::from(self.leases[at].is_none()) * (self.made % 2 + 1);
        let created = self.leases[at].as_ref().and_then(|lease| lease.created);
        let process = &self.processes[at];
        let lease = installation(&process.namespace, &process.scope, stage, self.made / 2);
        let served = self.leases[at].as_ref().and_then(|lease| lease.serves.clone());
        let serves = lease.serves.clone().or(served);
        self.leases[at] = Some(Installation { created: created.or(lease.created), serves, ..lease });
        self.copies.extend(self.leases[at].clone());
    }

    /// It opens its store, believes what is left of it, and works.
    fn open(&mut self, at: usize) {
        let (process, mine) = (&mut self.processes[at], self.leases[at].as_ref().unwrap());
        process.remembers.retain(|namespace| !self.outdated[at] && !mine.regains(namespace));
        self.believed.clone_from(&process.remembers);
        for namespace in NAMESPACES.into_iter().filter(|namespace| process.scope.covers(namespace)) {
            let before = self.worked.insert(namespace, at);
            self.deceived |= !process.remembers.insert(namespace) && before != Some(at);
        }
        process.works = true;
    }

    fn proceed(&mut self, at: usize) {
        let next = std::mem::replace(&mut self.processes[at].next, Next::Rest);
        self.processes[at].next = match next {
            Next::Start => {
                let (before, scope) = (self.leases[at].as_ref(), &self.processes[at].scope);
                let (stage, serves) = resumed(before, scope);
                self.outdated[at] |= outdates(before);
                if let Some(lease) = &mut self.leases[at] {
                    lease.serves = serves;
                }
                self.put(at, stage);
                if stage < Stage::Serving {
                    Next::List
                } else {
                    self.open(at);
                    Next::Announce
                }
            }
            Next::List => {
                let others = self.leases.iter().enumerate().filter(|(other, _)| *other != at);
                Next::Act(others.filter_map(|(_, lease)| lease.clone()).collect())
            }
            Next::Act(others) => self.act(at, &others),
            Next::Announce => {
                self.put(at, Stage::Serving);
                self.outdated[at] = false;
                Next::Rest
            }
            Next::Rest => Next::Rest,
        };
    }

    fn act(&mut self, at: usize, others: &[Installation]) -> Next {
        let mine = self.leases[at].clone().unwrap();
        match (decide(&mine, others), mine.stage) {
            (Verdict::Go, Stage::Claiming) => self.put(at, Stage::Entering),
            (Verdict::Go, _) => {
                self.open(at);
                return Next::Announce;
            }
            (Verdict::StandBy(rival), _) => {
                self.outdated[at] |= mine.serves.is_none() && rival.stage > Stage::Claiming;
                self.put(at, Stage::Claiming);
            }
        }
        Next::List
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Proceed(at) => self.proceed(at),
            Step::Run(at) => (0..6).for_each(|_| self.proceed(at)),
            Step::Restart(at, scope) => {
                let process = &mut self.processes[at];
                (process.next, process.works) = (Next::Start, false);
                process.scope = scope.unwrap_or_else(|| process.scope.clone());
            }
            Step::Uninstall(at) => {
                self.step(Step::Restart(at, None));
                self.leases[at] = None;
            }
            Step::Restore(at, copy) => {
                self.step(Step::Restart(at, None));
                let copies =
                    self.copies.iter().filter(|lease| lease.namespace == self.processes[at].namespace);
                let copies: Vec<_> = copies.cloned().collect();
                if let Some(copy) = copies.get(copy % copies.len().max(1)) {
                    self.leases[at] = Some(Installation { original: false, ..copy.clone() });
                }
            }
        }
    }

    fn working(&self) -> Vec<&Process> {
        self.processes.iter().filter(|process| process.works).collect()
    }

    fn two_work_in_one_namespace(&self) -> bool {
        let working = self.working();
        let pairs =
            working.iter().enumerate().flat_map(|(at, one)| working[..at].iter().map(move |two| (one, two)));
        pairs.into_iter().any(|(one, two)| one.scope.overlaps(&two.scope))
    }
}

fn scopes() -> impl Strategy<Value = Scope> {
    let some = proptest::sample::subsequence(NAMESPACES.to_vec(), 1..=2);
    prop_oneof![1 => Just(Scope::All), 3 => some.prop_map(|names| only(&names))]
}

fn steps() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        20 => who.clone().prop_map(Step::Proceed),
        2 => (who.clone(), proptest::option::of(scopes())).prop_map(|(at, scope)| Step::Restart(at, scope)),
        1 => who.clone().prop_map(Step::Uninstall),
        1 => (who, 0..50_usize).prop_map(|(at, copy)| Step::Restore(at, copy)),
    ]
}

/// Mostly whole changes of who works where, which [`steps`] seldom comes to.
fn handovers() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        6 => who.clone().prop_map(Step::Run),
        4 => (who, scopes()).prop_map(|(at, scope)| Step::Restart(at, Some(scope))),
        2 => steps(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever each does in whatever order, dying and being set up otherwise at any moment, its Lease deleted or restored
    /// once its process is gone. A Lease deleted under a process that runs is tried by the simulation, with its clocks.
    #[test]
    fn never_do_two_work_in_one_namespace(
        all in proptest::collection::vec(scopes(), 3),
        steps in proptest::collection::vec(steps(), 1..120),
    ) {
        let mut world = World::new(all);
        for step in steps {
            world.step(step.clone());
            prop_assert!(!world.two_work_in_one_namespace(), "after {step:?}: {:?}", world.leases);
        }
    }

    /// The same, and namespaces that are handed over, come back, and are handed over before anything was done there: whoever
    /// opens his store believes nothing of a namespace that another one has worked in since (R13).
    #[test]
    fn nobody_believes_what_another_one_worked_past(
        all in proptest::collection::vec(scopes(), 3),
        steps in proptest::collection::vec(handovers(), 1..60),
    ) {
        let mut world = World::new(all);
        for step in steps {
            world.step(step.clone());
            prop_assert!(!world.deceived, "after {step:?}: {:?}", world.leases);
        }
    }

    /// Restarted in these namespaces and those, with nobody else there: what it served before and serves now is remembered.
    #[test]
    fn what_stays_its_own_is_remembered(scopes in proptest::collection::vec(scopes(), 1..6)) {
        let mut world = World::new(scopes[..1].to_vec());
        let mut before = BTreeSet::new();
        for scope in scopes {
            world.step(Step::Restart(0, Some(scope.clone())));
            world.step(Step::Run(0));
            let now: BTreeSet<_> = NAMESPACES.into_iter().filter(|namespace| scope.covers(namespace)).collect();
            let stayed = before.intersection(&now);
            prop_assert!(world.processes[0].works && stayed.into_iter().all(|name| world.believed.contains(name)));
            before = now;
        }
    }

    /// A slip costs what came of it: elsewhere for a while, with nobody else there, it forgets what it went away from, when it
    /// comes back to that, and nothing else.
    #[test]
    fn only_what_comes_back_is_forgotten(first in scopes(), slip in scopes(), then in scopes()) {
        let mut world = World::new(vec![first.clone()]);
        for scope in [&first, &slip, &then] {
            world.step(Step::Restart(0, Some(scope.clone())));
            world.step(Step::Run(0));
        }
        for name in NAMESPACES {
            let stayed = slip.covers(name) || !then.covers(name);
            let known = first.covers(name) || slip.covers(name);
            prop_assert_eq!(world.believed.contains(name), known && stayed, "{}", name);
        }
    }

    /// Left alone, one of those that want the same works, whatever had happened; unless each holds what the other would
    /// like to have besides.
    #[test]
    fn of_those_that_want_the_same_one_works(steps in proptest::collection::vec(steps(), 0..60)) {
        let mut world = World::new(vec![Scope::All; 3]);
        for step in steps {
            world.step(step);
        }
        for at in (0..3).cycle().take(3 * 20) {
            world.step(Step::Proceed(at));
        }
        let overlapping = world.processes.iter().all(|p| p.scope == Scope::All);
        let holding = world.leases.iter().flatten().filter(|lease| lease.owns().is_some()).count();
        prop_assert!(!world.working().is_empty() || holding >= 2);
        prop_assert!(!overlapping || holding >= 2 || world.working().len() == 1);
    }
}
