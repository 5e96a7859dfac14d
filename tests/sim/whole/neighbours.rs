//! Two installations in one cluster, each with a Lease, a store and keys of its own: never both in one namespace.

use ordain::lease::LeaseError;

use super::*;
use crate::support::{IoGate, apiserver::Requests};

pub(super) const ELSEWHERE: &str = "neighbour-system";

/// The operator of another namespace, before the same API server and the same systems.
pub(super) struct Neighbour {
    gate: IoGate,
    folder: tempfile::TempDir,
    life: JoinSet<Result<(), OperatorError>>,
    stop: watch::Sender<bool>,
    readiness: watch::Receiver<Vec<String>>,
}

impl Neighbour {
    pub(super) fn start(whole: &Whole, scope: Scope) -> Self {
        Self::start_in(whole, ELSEWHERE, scope)
    }

    fn start_in(whole: &Whole, namespace: &str, scope: Scope) -> Self {
        whole.api.namespace(namespace, &[]);
        let (gate, folder, stop) = (IoGate::new(), folder(), watch::Sender::new(false));
        let settings = whole.settings(namespace, scope, &folder);
        let (future, readiness) = whole.operator("neighbour", settings, gate.process(), stop.subscribe());
        let mut life = JoinSet::new();
        life.spawn(future);
        Self { gate, folder, life, stop, readiness }
    }

    pub(super) fn told(&self) -> String {
        self.readiness.borrow().join("; ")
    }

    /// SIGTERM.
    pub(super) async fn end(&mut self) {
        self.stop.send_replace(true);
        self.life.join_next().await.unwrap().unwrap().unwrap();
    }

    /// What it did so far besides looking on and keeping its own Lease.
    fn did(&self, whole: &Whole) -> Vec<String> {
        let own = |entry: &crate::support::apiserver::Entry| {
            entry.resource == "leases" && entry.namespace.as_deref() == Some(ELSEWHERE)
        };
        let all = asked(whole, "neighbour").filter(|entry| !own(entry));
        let beyond = all.filter(|entry| entry.is_write() || entry.target().contains("polic"));
        let sent =
            self.gate.journal().into_iter().map(|io| io.to_string()).filter(|io| io.contains("vendor "));
        beyond.counts().into_keys().chain(sent).collect()
    }
}

fn asked(whole: &Whole, user: &str) -> Requests {
    whole.api.requests().by(user)
}

pub(super) fn team() -> Scope {
    Scope::Only([Arc::from(TEAM)].into())
}

pub(super) fn stage(whole: &Whole, namespace: &str) -> Value {
    whole.api.get("Lease", namespace, "ordain").map_or(Value::Null, |lease| {
        json!([
            lease["metadata"]["annotations"]["ordain.dev/watches"],
            lease["metadata"]["annotations"]["ordain.dev/stage"]
        ])
    })
}

/// Stores that are not believed any more.
pub(super) fn set_aside(whole: &Whole) -> Vec<String> {
    let names = std::fs::read_dir(whole.folder.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("outdated") && !name.ends_with("-wal")).collect()
}

/// What `/readyz` of the first one names.
pub(super) fn told(whole: &Whole) -> String {
    whole.readiness.borrow().join("; ")
}

/// Looks every millisecond, for two minutes.
pub(super) async fn until(whole: &Whole, reached: impl Fn() -> bool) {
    for _ in 0..120_000 {
        if reached() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came so far: {:?}; {}", stage(whole, "ordain-system"), told(whole));
}

/// An edit that reaches the system through whoever leads.
pub(super) async fn edit(whole: &mut Whole, enabled: bool) {
    whole.apply("Policy", "camera", camera(enabled));
    whole.pass(240).await;
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    let policies = whole.vendors.of("wso2").double().state()["policies"].clone();
    let ours = policies.as_array().unwrap().iter().filter(|policy| policy["policyName"] == "Camera");
    let held: Vec<_> = ours.map(|policy| policy["contents"]["CAMERA"]["enabled"].clone()).collect();
    assert_eq!(held, [json!(enabled)], "once, and as Git says");
}

#[tokio::test(start_paused = true)]
async fn the_second_one_waits_until_the_first_is_uninstalled() {
    let mut whole = in_force().await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "serving"]));
    let mut second = Neighbour::start(&whole, team());
    whole.pass(300).await;
    assert_eq!(
        (second.did(&whole), stage(&whole, ELSEWHERE)),
        (vec![], json!([TEAM, "claiming"])),
        "it keeps its own Lease, and nothing else"
    );
    let told = second.told();
    for part in [
        "namespace ordain-system works in all namespaces (last seen ",
        "would work in team;",
        "kubectl delete lease ordain -n ordain-system",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }

    edit(&mut whole, true).await;
    whole.kill().await;
    whole.pass(600).await;
    assert_eq!(second.did(&whole), [""; 0], "who restarts is still there");
    assert!(second.told().contains("(last seen 10 min ago)"), "{}", second.told());
    whole.start(None);
    edit(&mut whole, false).await;

    whole.end().await.unwrap();
    whole.pass(300).await;
    assert_eq!(second.did(&whole), [""; 0], "given back is not uninstalled");
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.pass(10).await;
    assert_eq!((second.told(), stage(&whole, ELSEWHERE)), (String::new(), json!([TEAM, "serving"])));
    edit(&mut whole, true).await;

    // The first one comes back, and is the second now.
    whole.start(None);
    whole.pass(300).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "claiming"]));
    edit(&mut whole, false).await;
    second.end().await;
    drop(second.folder);
}

#[tokio::test(start_paused = true)]
async fn each_in_its_own_namespaces_they_work_side_by_side() {
    let mut whole = Whole::new();
    both(&whole);
    whole.scope = team();
    whole.start(None);
    let mut second = Neighbour::start(&whole, Scope::Only([Arc::from("other")].into()));
    whole.pass(300).await;
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    assert_eq!((second.told(), stage(&whole, ELSEWHERE)), (String::new(), json!(["other", "serving"])));

    // Restarted with the other's namespace besides, it claims that, and waits; what it served stays its own.
    whole.end().await.unwrap();
    whole.scope = Scope::Only(["other", TEAM].map(Arc::from).into());
    whole.start(None);
    whole.pass(60).await;
    let told = whole.readiness.borrow().join("; ");
    assert!(
        told.contains("namespace neighbour-system works in other (")
            && told.contains("would work in other, team;")
    );
    let lease = whole.api.get("Lease", "ordain-system", "ordain").unwrap();
    assert_eq!(lease["metadata"]["annotations"]["ordain.dev/serves"], TEAM);
    let mut third = Neighbour::start_in(&whole, "third-system", team());
    whole.pass(60).await;
    assert!(third.told().contains("namespace ordain-system "), "{}", third.told());
    third.end().await;

    // The slip taken back, it goes on at once.
    whole.end().await.unwrap();
    let both_of_them = std::mem::replace(&mut whole.scope, team());
    whole.start(None);
    edit(&mut whole, true).await;
    whole.end().await.unwrap();
    whole.scope = both_of_them;
    whole.start(None);
    second.end().await;
    whole.pass(10).await;
    let told = whole.readiness.borrow().join("; ");
    assert!(told.contains("works in other (it ended "), "{told}");
    whole.api.delete("Lease", ELSEWHERE, "ordain");
    whole.pass(10).await;
    assert_eq!(whole.readiness.borrow().len(), 0, "{:?}", whole.readiness.borrow());
    assert_eq!(set_aside(&whole), [""; 0], "nobody worked where it did");
}

/// Uninstalled with its Lease, and installed again with its volume and keys after another one had worked there (R13).
#[tokio::test(start_paused = true)]
async fn a_store_that_somebody_worked_past_is_not_believed() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    whole.start(None);
    edit(&mut whole, true).await;
    whole.end().await.unwrap();
    assert_eq!(set_aside(&whole), [""; 0], "restarted, it goes on");
    whole.api.delete("Lease", "ordain-system", "ordain");
    let mut second = Neighbour::start(&whole, team());
    edit(&mut whole, false).await;
    second.end().await;
    whole.api.delete("Lease", ELSEWHERE, "ordain");
    whole.start(None);
    whole.pass(120).await;
    assert_eq!(set_aside(&whole).len(), 1, "{}", told(&whole));
    edit(&mut whole, true).await;
    whole.end().await.unwrap();
    whole.start(None);
    edit(&mut whole, false).await;
    assert_eq!(set_aside(&whole).len(), 1, "what it has written since is believed");
}

/// Beside one of an earlier version, which may have worked in other namespaces all the time: it waits, and has lost nothing.
#[tokio::test(start_paused = true)]
async fn upgraded_beside_one_of_an_earlier_version_it_keeps_its_store() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    let lease = whole.api.get("Lease", "ordain-system", "ordain").unwrap();
    let epoch = &lease["metadata"]["annotations"]["ordain.dev/store-epoch"];
    assert!(epoch.is_string(), "{lease:#}");
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.api.namespace(ELSEWHERE, &[]);
    for namespace in ["ordain-system", ELSEWHERE] {
        let metadata = json!({
            "name": "ordain", "namespace": namespace, "annotations": {"ordain.dev/store-epoch": epoch},
        });
        whole.api.apply(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": lease["spec"],
        }));
    }
    whole.start(None);
    whole.pass(120).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "claiming"]), "{}", told(&whole));
    whole.api.delete("Lease", ELSEWHERE, "ordain");
    edit(&mut whole, true).await;
    assert_eq!(set_aside(&whole), [""; 0], "nobody worked past it");
}

/// A copy says `serving`, as it was when it was made; meanwhile another one came in.
#[tokio::test(start_paused = true)]
async fn a_lease_restored_from_a_copy_lets_nobody_work_beside_another() {
    let mut whole = in_force().await;
    whole.end().await.unwrap();
    let copy = whole.api.get("Lease", "ordain-system", "ordain").unwrap();
    whole.api.delete("Lease", "ordain-system", "ordain");
    let mut second = Neighbour::start(&whole, team());
    whole.pass(120).await;
    assert_eq!(stage(&whole, ELSEWHERE), json!([TEAM, "serving"]));
    let metadata = json!({
        "name": "ordain", "namespace": "ordain-system", "annotations": copy["metadata"]["annotations"],
    });
    whole.api.apply(json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": copy["spec"],
    }));
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "serving"]));
    whole.start(None);
    edit(&mut whole, true).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "claiming"]), "{}", told(&whole));
    second.end().await;
    whole.api.delete("Lease", ELSEWHERE, "ordain");
    edit(&mut whole, false).await;
    assert_eq!((stage(&whole, "ordain-system"), set_aside(&whole).len()), (json!(["*", "serving"]), 1));
}

/// Its Lease was gone, and whether somebody came in cannot be seen: it does nothing until it can.
#[tokio::test(start_paused = true)]
async fn while_it_cannot_see_who_came_in_nothing_is_called() {
    let whole = in_force().await;
    whole.api.deny("list", "leases");
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.pass(12).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "entering"]));
    let enabled = |whole: &Whole| {
        let policies = whole.vendors.of("wso2").double().state()["policies"].clone();
        let ours = policies.as_array().unwrap().iter().find(|policy| policy["policyName"] == "Camera");
        ours.unwrap()["contents"]["CAMERA"]["enabled"].clone()
    };
    whole.apply("Policy", "camera", camera(true));
    whole.pass(25).await;
    assert_eq!(enabled(&whole), json!(false), "nothing was sent");
    whole.api.allow("list", "leases");
    whole.pass(240).await;
    assert_eq!((enabled(&whole), stage(&whole, "ordain-system")), (json!(true), json!(["*", "serving"])));
}

/// It enters, cannot see the others for a while, and meanwhile its Lease is deleted: once it serves, its Lease says so.
#[tokio::test(start_paused = true)]
async fn a_lease_deleted_as_it_enters_does_not_stay_at_that() {
    let mut whole = Whole::new();
    whole.api.latency(Duration::from_millis(37));
    both(&whole);
    whole.start(None);
    until(&whole, || stage(&whole, "ordain-system")[1] == "entering").await;
    whole.api.deny("list", "leases");
    whole.pass(3).await;
    whole.api.delete("Lease", "ordain-system", "ordain");
    whole.pass(15).await;
    assert_eq!(stage(&whole, "ordain-system"), json!(["*", "entering"]));
    whole.api.allow("list", "leases");
    whole.pass(60).await;
    assert_eq!((stage(&whole, "ordain-system"), told(&whole)), (json!(["*", "serving"]), String::new()));
}

#[tokio::test(start_paused = true)]
async fn started_together_one_of_them_works() {
    for behind in 0..40 {
        let mut whole = Whole::new();
        whole.api.latency(Duration::from_millis(37));
        both(&whole);
        whole.start(None);
        tokio::time::sleep(Duration::from_millis(behind * 10)).await;
        let mut second = Neighbour::start(&whole, team());
        whole.pass(120).await;
        let stages = [stage(&whole, "ordain-system"), stage(&whole, ELSEWHERE)];
        let serving = stages.iter().filter(|stage| stage[1] == "serving").count();
        assert_eq!(serving, 1, "{behind}: {stages:?}");
        let worked = |user| {
            asked(&whole, user).to("policies").verb("list").len()
                + asked(&whole, user).to("policies").verb("watch").len()
        };
        let one = [worked("ordain"), worked("neighbour")].iter().filter(|asked| **asked > 0).count();
        assert_eq!(one, 1, "{behind}: one of them looked at policies");
        whole.end().await.unwrap();
        second.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_see_the_others_waits_and_names_the_right() {
    let mut whole = Whole::new();
    both(&whole);
    whole.api.deny("list", "leases");
    whole.start(None);
    whole.pass(300).await;
    let told = whole.readiness.borrow().join("; ");
    assert!(told.contains("list leases of coordination.k8s.io, resourceNames [ordain]"), "{told}");
    assert_eq!(whole.api.writes().len(), 0);
    whole.api.allow("list", "leases");
    whole.pass(10).await;
    assert!(whole.settle().await);
    assert_eq!(whole.ready("PolicyAssignment", "camera"), "True InStep");
    // It serves: what somebody takes away or puts there now does not matter to it.
    whole.api.deny("list", "leases");
    whole.end().await.unwrap();
    whole.start(None);
    edit(&mut whole, true).await;
}

/// The command of the message, run while the first one lives.
#[tokio::test(start_paused = true)]
async fn a_lease_deleted_under_its_holder_lets_nobody_in() {
    let mut whole = in_force().await;
    let mut second = Neighbour::start(&whole, team());
    whole.pass(30).await;
    whole.api.delete("Lease", "ordain-system", "ordain");
    let mut waited = false;
    for _ in 0..60 {
        whole.pass(1).await;
        waited |= second.told().contains("its Lease was deleted while it was held");
    }
    assert!(waited, "{}", second.told());
    assert_eq!((second.did(&whole), stage(&whole, "ordain-system")), (vec![], json!(["*", "serving"])));
    edit(&mut whole, true).await;
    second.end().await;
    let lease = whole.api.get("Lease", ELSEWHERE, "ordain").unwrap();
    assert_eq!(
        lease["spec"]["holderIdentity"],
        Value::Null,
        "asked to end while it waits, it gives its Lease back"
    );
}

/// Somebody who comes just then has seen nobody: the first one finds him when it looks, and ends.
#[tokio::test(start_paused = true)]
async fn who_came_in_while_the_lease_was_gone_is_found() {
    let mut whole = in_force().await;
    whole.api.delete("Lease", "ordain-system", "ordain");
    let mut second = Neighbour::start(&whole, team());
    let ended = whole.life.join_next().await.unwrap().unwrap();
    let Err(OperatorError::Lease(LeaseError::Lost(why))) = ended else { panic!("{ended:?}") };
    assert!(why.contains("the operator of namespace neighbour-system came in"), "{why}");
    whole.start(None);
    whole.pass(60).await;
    assert_eq!(
        (stage(&whole, "ordain-system")[1].clone(), stage(&whole, ELSEWHERE)[1].clone()),
        (json!("claiming"), json!("serving"))
    );
    edit(&mut whole, true).await;
    second.end().await;
}
