#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod world;

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
        ("nothing of what it served stayed: it only claims", &pq, holds(&q, &only(&[])), false),
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
    let elsewhere = Installation { stage: Stage::Entering, serves: Some(only(&[])), ..before.clone() };
    let nothing = only(&[]);
    for (why, before, scope, stage, serves) in [
        ("the first start", None, Scope::All, Stage::Claiming, None),
        ("a restart", Some(&before), ab.clone(), Stage::Serving, Some(&ab)),
        ("fewer namespaces", Some(&before), a.clone(), Stage::Serving, Some(&a)),
        ("another one besides", Some(&before), abc.clone(), Stage::Claiming, Some(&ab)),
        ("all of them", Some(&before), Scope::All, Stage::Claiming, Some(&ab)),
        ("another one instead", Some(&before), only(&["c"]), Stage::Claiming, Some(&nothing)),
        ("it died before that was its own", Some(&elsewhere), ab.clone(), Stage::Entering, Some(&nothing)),
        ("and another one still", Some(&elsewhere), only(&["c"]), Stage::Claiming, Some(&nothing)),
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
    set_served(&mut lease, Some(&nothing()));
    assert_eq!(Installation::of(&lease).unwrap().serves, Some(nothing()), "which is not the same as none");
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

/// Why, what our Lease said before, and whether nothing of the store is believed.
#[test]
fn a_store_is_outdated_where_its_lease_was_gone() {
    let before = installation("mine", &only(&["a", "b"]), Stage::Serving, 1);
    let first = Installation { stage: Stage::Claiming, serves: None, ..before.clone() };
    let copy = Installation { original: false, ..before.clone() };
    for (why, before, outdated) in [
        ("no Lease: anybody may have worked here", None, true),
        ("a copy: while the former one was gone, too", Some(&copy), true),
        ("a restart, wherever it works now", Some(&before), false),
        ("it never served, or an earlier version did", Some(&first), false),
    ] {
        assert_eq!(outdates(before), outdated, "{why}");
    }
}

/// Why, what stands there, and what our own Lease and another's say by it.
#[test]
fn what_cannot_be_read_is_not_ours_and_may_be_anothers() {
    for (why, text, ours, anothers) in [
        ("as it was written", "a", only(&["a"]), only(&["a"])),
        ("nothing stayed", "", only(&[]), only(&[])),
        ("spoilt", "a,,b", only(&[]), Scope::All),
        ("no name", "A", only(&[]), Scope::All),
    ] {
        let mut lease = Lease::default();
        lease.metadata.uid = Some("1".into());
        write(&mut lease, &only(&["a", "b"]), Stage::Serving);
        lease.annotations_mut().insert(SERVES.into(), text.into());
        let mine = Installation::ours(&lease).unwrap();
        let found = (mine.serves.clone(), Installation::of(&lease).unwrap().serves);
        assert_eq!(found, (Some(ours.clone()), Some(anothers)), "{why}");
        let (stage, kept) = resumed(Some(&mine), &only(&["a", "b"]));
        assert_eq!((stage, kept), (Stage::Entering, Some(ours)), "{why}: not all of it is");
        assert!(mine.regains("b") && mine.regains_any(), "{why}");
    }
}

/// Why, what is served, what we enter, and which of it came back.
#[test]
fn what_was_given_away_comes_back_and_what_stayed_did_not() {
    let entering = |serves: Option<Scope>, scope: Option<Scope>| Installation {
        scope,
        serves,
        ..installation("mine", &Scope::All, Stage::Entering, 1)
    };
    for (why, serves, scope, regained) in [
        ("all of it stayed", Some(Scope::All), Some(Scope::All), [""; 0].as_slice()),
        ("one stayed", Some(only(&["a"])), Some(only(&["a", "b"])), &["b"]),
        ("one stayed, of all", Some(only(&["a"])), Some(Scope::All), &["b", "c"]),
        ("what is elsewhere may come back later", Some(only(&["a"])), Some(only(&["a"])), &[]),
        ("nothing stayed", Some(only(&[])), Some(only(&["a", "b"])), &["a", "b"]),
        ("an earlier version served", None, Some(Scope::All), &[]),
    ] {
        let mine = entering(serves, scope);
        let found: Vec<_> = ["a", "b", "c"].into_iter().filter(|namespace| mine.regains(namespace)).collect();
        assert_eq!((found.as_slice(), mine.regains_any()), (regained, !regained.is_empty()), "{why}");
    }
}
