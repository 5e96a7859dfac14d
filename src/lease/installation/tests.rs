#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

fn only(names: &[&str]) -> Scope {
    Scope::Only(names.iter().copied().map(Arc::from).collect())
}

/// In force since second `created`.
fn installation(namespace: &str, scope: &Scope, stage: Stage, created: i64) -> Installation {
    Installation {
        namespace: namespace.into(),
        scope: Some(scope.clone()),
        stage,
        serves: (stage == Stage::Serving).then(|| scope.clone()),
        original: true,
        created: Timestamp::from_second(created).ok(),
        renewed: None,
        held: true,
    }
}

/// Why, our stage, the other ones, and whom we wait for.
#[test]
fn one_goes_on_where_nobody_else_works() {
    use Stage::{Claiming, Entering, Serving};
    let (all, a, b) = (Scope::All, only(&["a"]), only(&["b", "c"]));
    let other = |scope: &Scope, stage, created| installation("other", scope, stage, created);
    let unsaid = Installation { scope: None, ..other(&a, Serving, 9) };
    let third = installation("third", &a, Claiming, 1);
    let ended = Installation { held: false, ..third.clone() };
    let widens = Installation { serves: Some(a.clone()), held: false, ..other(&all, Claiming, 9) };
    for (why, stage, others, waits) in [
        ("alone", Claiming, vec![], None),
        ("elsewhere, older", Claiming, vec![other(&b, Serving, 1)], None),
        ("it serves here, and is younger", Claiming, vec![other(&all, Serving, 9)], Some("other")),
        ("it enters here, and is younger", Claiming, vec![other(&a, Entering, 9)], Some("other")),
        ("both claim, it is older", Claiming, vec![other(&a, Claiming, 1)], Some("other")),
        ("both claim, it is younger", Claiming, vec![other(&a, Claiming, 9)], None),
        ("both claim, as old, its name comes later", Claiming, vec![other(&a, Claiming, 5)], None),
        ("both claim, it is older and has ended", Claiming, vec![ended], None),
        ("what it served stays its own while it claims more", Claiming, vec![widens.clone()], Some("other")),
        ("also for who enters", Entering, vec![widens], Some("other")),
        ("it does not say where", Claiming, vec![unsaid.clone()], Some("other")),
        (
            "who serves is told, not who was first",
            Claiming,
            vec![third, other(&a, Serving, 9)],
            Some("other"),
        ),
        ("who only claims steps aside for us", Entering, vec![other(&a, Claiming, 1)], None),
        ("both enter: nobody does", Entering, vec![other(&a, Entering, 9)], Some("other")),
        ("it came first", Entering, vec![other(&a, Serving, 9)], Some("other")),
        ("elsewhere", Entering, vec![other(&b, Serving, 9)], None),
        ("we serve: whatever others say of themselves", Serving, vec![other(&all, Serving, 1), unsaid], None),
    ] {
        let mine = installation("mine", &a, stage, 5);
        let found = match decide(&mine, &others) {
            Verdict::Go => None,
            Verdict::StandBy(rival) => Some(rival.namespace.as_str()),
        };
        assert_eq!(found, waits, "{why}");
    }
}

/// Why, what we serve, what we would like to, the other one, and whether we wait for it.
#[test]
fn who_adds_a_namespace_claims_the_difference() {
    use Stage::{Claiming, Entering, Serving};
    let (p, pq, q, qr) = (only(&["p"]), only(&["p", "q"]), only(&["q"]), only(&["q", "r"]));
    let other = |scope: &Scope, stage, created| installation("other", scope, stage, created);
    let holds = |scope: &Scope, served: &Scope| Installation {
        serves: Some(served.clone()),
        ..other(scope, Claiming, 9)
    };
    for (why, scope, other, waits) in [
        ("it serves what is added", &pq, other(&q, Serving, 9), true),
        ("it claims what is added, and is older", &pq, other(&qr, Claiming, 1), true),
        ("it claims what is added, and is younger", &pq, other(&qr, Claiming, 9), false),
        ("older, it waits for what we serve", &pq, other(&pq, Claiming, 1), false),
        ("older, it claims what we serve alone", &pq, other(&p, Claiming, 1), false),
        ("it enters what is added", &Scope::All, other(&q, Entering, 9), true),
        ("each would like to have what the other serves", &pq, holds(&pq, &q), true),
    ] {
        let mine = Installation { serves: Some(p.clone()), ..installation("mine", scope, Claiming, 5) };
        let others = [other];
        assert_eq!(decide(&mine, &others) != Verdict::Go, waits, "{why}");
    }
}

#[test]
fn what_was_reached_counts_only_where_it_was_reached() {
    let before = installation("mine", &only(&["a", "b"]), Stage::Serving, 1);
    let unsaid = Installation { scope: None, serves: None, ..before.clone() };
    let restored = Installation { original: false, ..before.clone() };
    let (a, ab, abc) = (only(&["a"]), only(&["a", "b"]), only(&["a", "b", "c"]));
    let widening = Installation { scope: Some(abc.clone()), stage: Stage::Claiming, ..before.clone() };
    let entering = Installation { stage: Stage::Entering, serves: None, ..before.clone() };
    for (why, before, scope, stage, serves) in [
        ("the first start", None, Scope::All, Stage::Claiming, None),
        ("a restart", Some(&before), ab.clone(), Stage::Serving, Some(&ab)),
        ("fewer namespaces", Some(&before), a.clone(), Stage::Serving, Some(&a)),
        ("another one besides", Some(&before), abc.clone(), Stage::Claiming, Some(&ab)),
        ("all of them", Some(&before), Scope::All, Stage::Claiming, Some(&ab)),
        ("another one instead", Some(&before), only(&["c"]), Stage::Claiming, None),
        (
            "the added one is taken back while it waits",
            Some(&widening),
            ab.clone(),
            Stage::Serving,
            Some(&ab),
        ),
        ("it died as it entered", Some(&entering), ab.clone(), Stage::Entering, None),
        ("an earlier version", Some(&unsaid), a.clone(), Stage::Claiming, None),
        ("restored from a copy", Some(&restored), ab.clone(), Stage::Claiming, None),
    ] {
        assert_eq!(resumed(before, &scope), (stage, serves.cloned()), "{why}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for scope in [Scope::All, only(&["a"]), only(&["team-b", "team-a"])] {
        for (stage, _) in Stage::ALL {
            let mut lease = Lease::default();
            write(&mut lease, &scope, stage);
            let found = Installation::of(&lease).unwrap();
            assert_eq!((found.scope, found.stage, found.held), (Some(scope.clone()), stage, false));
        }
    }
    let mut lease = Lease::default();
    write(&mut lease, &only(&["b", "a"]), Stage::Serving);
    assert_eq!(
        (lease.annotations()[WATCHES].as_str(), lease.annotations()[STAGE].as_str()),
        ("a,b", "serving")
    );
    assert_eq!(lease.annotations()[SERVES], "a,b");
    write(&mut lease, &Scope::All, Stage::Claiming);
    assert_eq!(lease.annotations()[SERVES], "a,b", "what it served stays its own");
    set_served(&mut lease, None);
    assert_eq!(Installation::of(&lease).unwrap().serves, None);
}

#[test]
fn a_lease_restored_from_a_copy_is_told_from_the_one_that_was_written() {
    let mut lease = Lease::default();
    lease.annotations_mut().insert(super::super::EPOCH.into(), "1".into());
    lease.metadata.uid = Some("1".into());
    assert!(Installation::of(&lease).unwrap().original, "an earlier version wrote no uid");
    write(&mut lease, &Scope::All, Stage::Serving);
    assert!(Installation::of(&lease).unwrap().original);
    lease.metadata.uid = Some("2".into());
    assert!(!Installation::of(&lease).unwrap().original);
    lease.annotations_mut().remove(LEASE_UID);
    assert!(!Installation::of(&lease).unwrap().original, "nor is one whose uid was taken away");
}

/// A time that no clock knows must not hide who else is there, nor say less of its own Lease.
#[test]
fn a_lease_that_cannot_be_decoded_counts_for_what_it_says() {
    let item = serde_json::json!({
        "metadata": {
            "name": "ordain", "namespace": "tenant", "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {WATCHES: "tenant", STAGE: "claiming"},
        },
        "spec": {"holderIdentity": "x", "renewTime": "9999-12-31T23:59:59.000000Z"},
    });
    assert!(Lease::deserialize(&item).is_err(), "or this test says nothing");
    let found = Installation::of(&Installation::decode(&item)).unwrap();
    assert_eq!(
        (found.namespace.as_str(), found.scope, found.stage, found.held, found.created.is_some()),
        ("tenant", Some(only(&["tenant"])), Stage::Claiming, true, true)
    );
    assert_eq!(Installation::of(&Installation::decode(&serde_json::json!({"metadata": 5}))), None);
}

#[test]
fn nobodys_lease_fills_the_memory_of_others() {
    let names = |most: usize| (0..most).map(|at| format!("n{at}")).collect::<Vec<_>>().join(",");
    assert!(read(&names(MOST)).is_some());
    assert_eq!(read(&names(MOST + 1)), None, "it counts as everywhere");
    assert_eq!(read(&vec!["a"; MOST + 1].join(",")), None);
}

/// Everybody who may write a Lease may write anything onto it.
#[test]
fn what_others_wrote_is_not_believed() {
    let of = |notes: &[(&str, &str)]| {
        let mut lease = Lease::default();
        lease.annotations_mut().extend(notes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Installation::of(&lease).map(|found| (found.scope, found.stage))
    };
    assert_eq!(of(&[]), None, "somebody else's Lease of that name");
    assert_eq!(of(&[("example.com/a", "b")]), None);
    assert_eq!(of(&[(super::super::EPOCH, "1")]), Some((None, Stage::Serving)), "an earlier version");
    for text in ["", ",", "a,", "a b", "*,a", "A", "a\nb", "a;rm", &"a".repeat(64)] {
        let found = of(&[(WATCHES, text), (STAGE, "claiming")]);
        assert_eq!(found, Some((None, Stage::Claiming)), "{text:?} is everywhere, and never repeated");
    }
    assert_eq!(of(&[(WATCHES, "a"), (STAGE, "paused")]), Some((Some(only(&["a"])), Stage::Serving)));
}

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
}

/// The API server, and the processes before it.
struct World {
    leases: Vec<Option<Installation>>,
    processes: Vec<Process>,
    made: i64,
    /// Every Lease as it ever was.
    copies: Vec<Installation>,
}

impl World {
    fn new(scopes: Vec<Scope>) -> Self {
        let process =
            |(at, scope)| Process { namespace: format!("n{at}"), scope, next: Next::Start, works: false };
        let processes: Vec<_> = scopes.into_iter().enumerate().map(process).collect();
        Self { leases: vec![None; processes.len()], processes, made: 0, copies: vec![] }
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

    fn proceed(&mut self, at: usize) {
        let next = std::mem::replace(&mut self.processes[at].next, Next::Rest);
        self.processes[at].next = match next {
            Next::Start => {
                let (stage, serves) = resumed(self.leases[at].as_ref(), &self.processes[at].scope);
                if let Some(lease) = &mut self.leases[at] {
                    lease.serves = serves;
                }
                self.put(at, stage);
                self.processes[at].works = stage == Stage::Serving;
                if stage == Stage::Serving { Next::Rest } else { Next::List }
            }
            Next::List => {
                let others = self.leases.iter().enumerate().filter(|(other, _)| *other != at);
                Next::Act(others.filter_map(|(_, lease)| lease.clone()).collect())
            }
            Next::Act(others) => self.act(at, &others),
            Next::Announce => {
                self.put(at, Stage::Serving);
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
                self.processes[at].works = true;
                return Next::Announce;
            }
            (Verdict::StandBy(_), _) => self.put(at, Stage::Claiming),
        }
        Next::List
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Proceed(at) => self.proceed(at),
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
    let some = proptest::sample::subsequence(vec!["a", "b", "c"], 1..=2);
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
        let holding = world.leases.iter().flatten().filter(|lease| lease.serves.is_some()).count();
        prop_assert!(!world.working().is_empty() || holding >= 2);
        prop_assert!(!overlapping || holding >= 2 || world.working().len() == 1);
    }
}
