//! R2 on an account that is read in slices: one sum, judged before anything of it goes.

use ordain::report::facts::BackendStanding;

use super::{
    estate::{customer, leaf, more_than_a_slice, reason, rig_with},
    *,
};

/// R2: values put back and shorter lists are removals; additions go on.
#[tokio::test(start_paused = true)]
async fn the_guard_holds_shorter_lists_and_restored_values() {
    let mut rig = Rig::new(
        "wfbss",
        |clock| WfbssDouble::new(WfbssOptions::default(), clock),
        |s| {
            s.max_removals = 0;
        },
    );
    let list = |programs: &[&str], level: u8| {
        settings(&json!({"behavior_monitoring": {"approved_programs": programs}, "wtp": {"level": level}}))
    };
    let restore = json!({"releasePolicy": "Restore"});
    rig.assign("one", list(&["C:\\a.exe", "C:\\b.exe"], 2), to_servers(&restore));
    rig.start();
    rig.pass(60).await;
    let programs = |rig: &Rig| document(rig)["behavior_monitoring"]["approved_programs"].clone();
    assert_eq!(programs(&rig), json!(["C:\\a.exe", "C:\\b.exe"]));
    rig.assign("one", list(&["C:\\a.exe"], 3), to_servers(&restore));
    rig.pass(60).await;
    assert_eq!(level(&rig), 3, "additions go on");
    assert_eq!(programs(&rig), json!(["C:\\a.exe", "C:\\b.exe"]), "the shorter list waits");
    assert!(
        matches!(rig.cluster.standing("one"), Some(Standing::Working(Reason::HeldByGuard, _))),
        "{:?}",
        rig.cluster.standing("one")
    );
    let held = rig.cluster.backend_facts().pop().unwrap().held.expect("held");
    assert!(held.contains("1 removal is waiting"), "{held}");
    rig.delete("one");
    rig.pass(60).await;
    assert!(rig.cluster.exists("one") && level(&rig) == 3);
    rig.let_go("one");
    rig.pass(60).await;
    assert!(!rig.cluster.exists("one"));
    assert_eq!(effects(&rig).len(), 2, "{:?}", effects(&rig));
}

/// What `/metrics` says is held, and the number that the Backend tells, if any.
fn told_and_measured(rig: &Rig) -> (Option<u32>, Option<u32>) {
    let held = rig.cluster.backend_last().held;
    let told = held.map(|held| ordain::plan::guard::outstanding(&held).expect("it names a number"));
    let text = rig.metrics.encode();
    let line =
        text.lines().find_map(|line| line.strip_prefix("ordain_guard_holds{backend=\"Backend/team/emm\"}"));
    let measured = line.map(|count| count.trim().trim_end_matches(".0").parse().expect("a whole number"));
    (told, measured)
}

/// An alert takes the number to approve from the metric: it is the one that is told, whether a deleted assignment lets go
/// of whole documents or a living one drops several members of one.
#[tokio::test(start_paused = true)]
async fn what_is_measured_to_be_held_is_what_an_approval_must_name() {
    let rig = more_than_a_slice(0);
    rig.pass(600).await;
    assert_eq!(told_and_measured(&rig), (None, Some(0)));
    let list = |programs: &[&str]| settings(&json!({"behavior_monitoring": {"approved_programs": programs}}));
    let everyone = || json!({"targets": {"everyone": true}});
    rig.assign("two", list(&["C:\\a.exe", "C:\\b.exe", "C:\\c.exe"]), everyone());
    rig.pass(600).await;
    rig.assign("two", list(&["C:\\a.exe"]), everyone());
    rig.pass(600).await;
    let (told, measured) = told_and_measured(&rig);
    assert!(told.is_some_and(|told| told > 105), "two members of each of 105 documents: {told:?}");
    assert_eq!(measured, told, "dropped members");
    rig.assign("two", list(&["C:\\a.exe", "C:\\b.exe", "C:\\c.exe"]), everyone());
    rig.pass(600).await;
    assert_eq!(told_and_measured(&rig), (None, Some(0)), "put back in Git");
    rig.delete("one");
    rig.pass(600).await;
    assert_eq!(told_and_measured(&rig), (Some(105), Some(105)), "a deleted assignment");
    rig.edit_backend(|backend| backend.approve_removals = Some("105".into()));
    rig.pass(600).await;
    assert_eq!(told_and_measured(&rig), (None, Some(0)), "approved");
}

/// R2: the guard counts what a whole account would lose before anything of it goes, however it is sliced into rounds and
/// however near to a slice the limit is; it tells one number, the right one.
#[tokio::test(start_paused = true)]
async fn the_guard_sees_more_than_a_slice() {
    for free in [10, 100, 104] {
        let rig = more_than_a_slice(free);
        rig.pass(600).await;
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep));
        let before = effects(&rig).len();
        rig.delete("one");
        rig.pass(7200).await;
        assert_eq!(
            effects(&rig).len(),
            before,
            "{free}: nothing is put back: {:?}",
            &effects(&rig)[before..]
        );
        let held: Vec<String> =
            rig.cluster.backend_facts().into_iter().filter_map(|facts| facts.held).collect();
        assert!(
            !held.is_empty() && held.iter().all(|held| held.contains("105 removals are waiting")),
            "{held:?}"
        );
        rig.edit_backend(|backend| backend.approve_removals = Some("100".into()));
        rig.pass(300).await;
        assert_eq!(effects(&rig).len(), before, "{free}: another number approves nothing");
        rig.edit_backend(|backend| backend.approve_removals = Some("105".into()));
        rig.pass(300).await;
        assert_all_put_back(&rig);
    }
}

/// What is within the limit goes by itself, in slices, once it was counted.
#[tokio::test(start_paused = true)]
async fn removals_within_the_limit_wait_for_the_count_and_no_longer() {
    let rig = more_than_a_slice(105);
    rig.pass(600).await;
    let reads = rig.vendors.calls("wfbss").len();
    rig.delete("one");
    rig.pass(120).await;
    assert_all_put_back(&rig);
    assert!(rig.cluster.backend_facts().iter().all(|facts| facts.held.is_none()), "never held");
    let calls = rig.vendors.calls("wfbss").len() - reads;
    assert!(calls <= 105 * 4, "counted, read again, written, read back: {calls}");
}

fn assert_all_put_back(rig: &Rig) {
    assert!(!rig.cluster.exists("one"), "{:?}", rig.cluster.standing("one"));
    let back = puts_back(rig);
    assert!(back.len() >= 105 && back.iter().all(|back| *back), "all are put back, not a slice: {back:?}");
}

/// Of each document whether it holds its former level.
fn puts_back(rig: &Rig) -> Vec<bool> {
    let all = state(rig)["customers"].clone();
    let groups = all.as_object().unwrap().values().flat_map(|c| c["groups"].as_object().unwrap().values());
    groups.map(|group| group["policies"]["win"]["wtp"]["level"] != 3).collect()
}

/// A customer, five documents of 105, whose documents the system does not give out.
fn unreadable(number: u32) -> Value {
    json!({"kind": "status", "code": 500, "match": {"method": "GET", "query": customer(number)}})
}

/// Nobody slips through because the system answers late: what cannot be read counts with the most it can come to.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_counts_with_the_most_it_can_come_to() {
    let rig = more_than_a_slice(102);
    rig.pass(600).await;
    let before = effects(&rig).len();
    fault(&rig, &unreadable(1));
    rig.delete("one");
    rig.pass(1200).await;
    assert_eq!(effects(&rig).len(), before, "100 are within the limit, 105 are not");
    let held = rig.cluster.backend_last().held.expect("held");
    assert!(held.contains("105 removals are waiting"), "{held}");
    rig.heal("wfbss");
    rig.edit_backend(|backend| backend.settings.max_removals = 105);
    rig.pass(1200).await;
    assert_all_put_back(&rig);
}

/// A customer whose documents cannot be read holds up nobody else's.
#[tokio::test(start_paused = true)]
async fn a_customer_that_fails_holds_up_no_other() {
    let rig = more_than_a_slice(1000);
    rig.pass(600).await;
    fault(&rig, &unreadable(1));
    rig.delete("one");
    rig.pass(1200).await;
    let put_back = puts_back(&rig);
    assert_eq!(put_back.iter().filter(|back| **back).count(), 100, "all but the five that cannot be read");
    assert!(rig.cluster.exists("one"));
    rig.heal("wfbss");
    rig.pass(600).await;
    assert_all_put_back(&rig);
}

/// A hold is told on everybody it concerns, and taken back with what it was about.
#[tokio::test(start_paused = true)]
async fn a_hold_is_told_on_all_and_ends_with_its_cause() {
    let rig = more_than_a_slice(10);
    rig.pass(600).await;
    let list = |programs: &[&str]| settings(&json!({"behavior_monitoring": {"approved_programs": programs}}));
    let everyone = json!({"targets": {"everyone": true}});
    rig.assign("two", list(&["C:\\a.exe", "C:\\b.exe"]), everyone.clone());
    rig.pass(600).await;
    rig.assign("two", list(&["C:\\a.exe"]), everyone.clone());
    rig.pass(600).await;
    assert_eq!(reason(&rig, "two"), Some(Reason::HeldByGuard));
    let facts = rig.cluster.backend_last();
    assert!(facts.held.is_some_and(|held| held.contains("105 removals are waiting")));
    let reads = || rig.vendors.calls("wfbss").iter().filter(|call| call.contains("/policies?")).count();
    let before = reads();
    rig.pass(1200).await;
    assert_eq!(reads(), before, "what is held is not read again and again");
    rig.assign("two", list(&["C:\\a.exe", "C:\\b.exe"]), everyone);
    rig.pass(60).await;
    let facts = rig.cluster.backend_last();
    assert_eq!((facts.held, facts.objects[2]), (None, 0), "nothing is held, nothing is pending");
    assert_eq!(rig.cluster.standing("two"), Some(Standing::InStep));
    rig.delete("one");
    rig.pass(600).await;
    assert!(rig.cluster.backend_last().held.is_some());
    rig.let_go("one");
    rig.pass(5).await;
    let facts = rig.cluster.backend_last();
    assert_eq!((facts.held, facts.objects[2]), (None, 0), "Orphan is the way back");
    assert!(!rig.cluster.exists("one"));
}

/// The count is not thrown away because it takes longer than a drift interval, nor because something is unreadable.
#[tokio::test(start_paused = true)]
async fn a_slow_system_is_counted_to_the_end() {
    let rig = more_than_a_slice(1000);
    rig.pass(600).await;
    rig.edit_backend(|backend| {
        backend.settings.requests_per_minute = 10;
        backend.settings.burst = 1;
        backend.settings.drift_interval = std::time::Duration::from_mins(1);
    });
    rig.delete("one");
    rig.pass(4 * 3600).await;
    assert_all_put_back(&rig);
}

/// What somebody does to a rig.
type Act<'a> = &'a dyn Fn(&Rig);

/// A leaf that an edit drops is put back, whatever keeps it from going in the first round, and is told until it is.
#[tokio::test(start_paused = true)]
async fn a_dropped_leaf_is_put_back_however_long_it_waits() {
    let both = || settings(&json!({"wtp": {"level": 3}, "behavior_monitoring": {"enabled": 0}}));
    let one = || settings(&json!({"behavior_monitoring": {"enabled": 0}}));
    let restoring = || json!({"targets": {"everyone": true}, "releasePolicy": "Restore"});
    let held = |rig: &Rig| rig.edit_backend(|backend| backend.settings.max_removals = 0);
    let let_through = |rig: &Rig| rig.edit_backend(|backend| backend.settings.max_removals = 5000);
    let refuse = |rig: &Rig| fault(rig, &json!({"kind": "status", "code": 500, "match": {"method": "PUT"}}));
    let throttle = |rig: &Rig| {
        fault(rig, &json!({"kind": "status", "code": 429, "match": {"method": "PUT"}, "times": 3}));
    };
    let heal = |rig: &Rig| rig.heal("wfbss");
    let cases: [(&str, Act<'_>, Act<'_>); 4] = [
        ("more than a slice", &|_| (), &|_| ()),
        ("held", &held, &let_through),
        ("the system is in trouble", &refuse, &heal),
        ("it is throttled", &throttle, &heal),
    ];
    for (why, trouble, mend) in cases {
        let rig = more_than_a_slice(5000);
        rig.assign("one", both(), restoring());
        rig.pass(900).await;
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{why}");
        trouble(&rig);
        rig.assign("one", one(), restoring());
        if why == "held" || why == "the system is in trouble" {
            rig.pass(900).await;
            assert_ne!(
                rig.cluster.standing("one"),
                Some(Standing::InStep),
                "{why}: something is still to be done"
            );
        }
        assert!(effects(&rig).len() < 4000, "{why}: what fails rests: {}", effects(&rig).len());
        mend(&rig);
        rig.pass(2400).await;
        assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{why}");
        assert!(puts_back(&rig).iter().all(|back| *back), "{why}: {:?}", puts_back(&rig));
    }
}

/// An addition that goes while the rest is counted takes nothing out of the count.
#[tokio::test(start_paused = true)]
async fn an_addition_beside_a_removal_does_not_hide_it() {
    let rig = more_than_a_slice(100);
    rig.pass(600).await;
    let wants = |programs: &[&str], enabled: u8| {
        settings(&json!({"behavior_monitoring": {"approved_programs": programs, "enabled": enabled}}))
    };
    let everyone = json!({"targets": {"everyone": true}});
    rig.assign("two", wants(&["C:\\a.exe", "C:\\b.exe"], 0), everyone.clone());
    rig.pass(600).await;
    rig.assign("two", wants(&["C:\\a.exe"], 1), everyone);
    rig.pass(900).await;
    let held: Vec<String> = rig.cluster.backend_facts().into_iter().filter_map(|facts| facts.held).collect();
    assert!(
        !held.is_empty() && held.iter().all(|held| held.contains("105 removals are waiting")),
        "{held:?}"
    );
    let all = state(&rig)["customers"].clone();
    let groups: Vec<_> = all
        .as_object()
        .unwrap()
        .values()
        .flat_map(|c| c["groups"].as_object().unwrap().values().cloned())
        .collect();
    for group in groups {
        let monitoring = &group["policies"]["win"]["behavior_monitoring"];
        assert_eq!(monitoring["enabled"], 1, "additions go on");
        assert_eq!(monitoring["approved_programs"], json!(["C:\\a.exe", "C:\\b.exe"]), "removals do not");
    }
}

/// What a throttled call did not do uses up neither the window nor an approval.
#[tokio::test(start_paused = true)]
async fn what_certainly_did_not_happen_is_not_counted() {
    let rig = more_than_a_slice(10);
    rig.pass(600).await;
    fault(
        &rig,
        &json!({"kind": "status", "code": 429, "retryAfter": "5", "match": {"method": "PUT"}, "times": 3}),
    );
    rig.edit_backend(|backend| backend.approve_removals = Some("105".into()));
    rig.delete("one");
    rig.pass(1200).await;
    assert_all_put_back(&rig);
}

/// What waits for something that is not wanted any more is judged without it.
#[tokio::test(start_paused = true)]
async fn a_count_ends_also_where_the_rest_is_withdrawn() {
    let rig = more_than_a_slice(1000);
    rig.pass(600).await;
    // The second slice cannot be read at all.
    fault(&rig, &unreadable(21));
    rig.assign(
        "one",
        settings(&json!({"behavior_monitoring": {"enabled": 0}})),
        json!({"targets": {"everyone": true}, "releasePolicy": "Restore"}),
    );
    rig.pass(60).await;
    rig.edit("one", |view| view.deleting = true);
    rig.let_go("one");
    rig.pass(60).await;
    assert!(!rig.cluster.exists("one"));
    rig.heal("wfbss");
    rig.pass(1200).await;
    let facts = rig.cluster.backend_last();
    assert_eq!((facts.held, facts.objects[2]), (None, 0));
}

/// R2: an approval that was given while the account was another one answers no number of this one. Taken away and given
/// again, it counts.
#[tokio::test(start_paused = true)]
async fn an_approval_older_than_an_accepted_account_is_spent() {
    let other = "11111111-2222-4333-8444-555555555555";
    let mut rig = rig_with(&json!({}), |settings| settings.max_removals = 0);
    rig.assign("one", settings(&json!({"wtp": {"level": 3}})), to_servers(&json!({})));
    rig.start();
    rig.pass(60).await;
    let ids: Vec<String> = rig.state("wfbss")["customers"].as_object().unwrap().keys().cloned().collect();
    ids.iter().for_each(|id| rig.by_hand("wfbss", json!({"removeCustomer": {"customer": id}})));
    rig.by_hand("wfbss", json!({"addCustomer": {"id": other, "name": "Somebody Else"}}));
    rig.edit_backend(|backend| backend.approve_removals = Some("1".into()));
    rig.pass(2 * 1800).await;
    let standing = rig.cluster.backend_last().standing;
    let BackendStanding::Stalled(Reason::AccountChanged, told) = standing else { panic!("{standing:?}") };
    let fingerprint = told.rsplit("accept-account: ").next().unwrap().to_owned();
    rig.edit_backend(|backend| backend.accept_account = Some(fingerprint.clone()));
    rig.let_go("one");
    let restored = json!({"releasePolicy": "Restore", "targets": groups_of(other, &["Server (Default)"])});
    rig.assign("two", settings(&json!({"wtp": {"level": 3}})), to_servers(&restored));
    rig.pass(1200).await;
    let level = |rig: &Rig| leaf(rig, other, 2, "win", "/wtp/level");
    assert_eq!((rig.cluster.standing("two"), level(&rig)), (Some(Standing::InStep), json!(3)));
    rig.delete("two");
    rig.pass(1200).await;
    assert_eq!((rig.cluster.exists("two"), level(&rig)), (true, json!(3)), "it let nothing through");
    rig.edit_backend(|backend| backend.approve_removals = None);
    rig.pass(60).await;
    rig.edit_backend(|backend| backend.approve_removals = Some("1".into()));
    rig.pass(1200).await;
    assert!(!rig.cluster.exists("two") && level(&rig) != 3, "given anew, it does: {}", level(&rig));
}
