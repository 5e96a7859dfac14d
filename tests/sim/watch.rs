//! The streams against an API server in all its moods.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ordain::index::{Desired, Input, Scope, unbound::Unbound};
use ordain::model::{BackendId, BackendKind, ObjectName};
use ordain::report::aggregate::{PolicyFacts, Said, TargetGroupFacts};
use ordain::report::facts::{BackendFacts, Standing};
use ordain::watch::{self, Audience, IndexHandle, Status, Watched};
use ordain::worker::ports::DesiredSource;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::support::apiserver::{Fault, WatchFault};
use crate::support::{FakeApi, SimClock};

/// Writes down what it is told.
#[derive(Default)]
struct Ear {
    told: Mutex<Vec<String>>,
    verdicts: Mutex<BTreeMap<ObjectName, Unbound>>,
}

impl Ear {
    fn note(&self, line: String) {
        self.told.lock().unwrap().push(line);
    }

    /// What was told since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

impl Audience for Ear {
    fn seen(&self, object: &Watched<'_>, status: Option<&Status>) {
        assert!(object.metadata.managed_fields.is_none(), "pruned");
        let generation = match status {
            None => None,
            Some(Status::Assignment(status)) => status.observed_generation,
            Some(Status::Backend(status)) => status.observed_generation,
            Some(Status::Policy(status)) => status.observed_generation,
            Some(Status::TargetGroup(status)) => status.observed_generation,
        };
        self.note(format!("seen {} {} {generation:?}", object.kind, object.name().name));
    }

    fn gone(&self, object: &Watched<'_>) {
        self.note(format!("gone {} {}", object.kind, object.name().name));
    }

    fn said(&self, _: &ObjectName) -> Option<Said> {
        None
    }

    fn unbound(&self, verdict: Unbound) {
        self.note(format!("unbound {} {}", verdict.facts.name.name, verdict.facts.accepted.reason));
        self.verdicts.lock().unwrap().insert(verdict.facts.name.clone(), verdict);
    }

    fn unbound_backend(&self, facts: BackendFacts) {
        self.note(format!("unbound {}", facts.id));
    }

    fn policy(&self, facts: PolicyFacts) {
        self.note(format!("policy {} {}", facts.name.name, facts.generation));
    }

    fn target_group(&self, facts: TargetGroupFacts) {
        self.note(format!("group {} {}", facts.name.name, facts.generation));
    }

    fn backend_appeared(&self, backend: &BackendId) {
        self.note(format!("appeared {backend}"));
    }

    fn backend_gone(&self, backend: &BackendId) {
        self.note(format!("gone {backend}"));
    }
}

/// A running watch; what it runs ends with it.
struct Running {
    api: FakeApi,
    ear: Arc<Ear>,
    handle: IndexHandle,
    _streams: JoinSet<()>,
}

/// Long enough for every event on its way and every backoff.
const A_WHILE: Duration = Duration::from_mins(5);

impl Running {
    fn start(api: &FakeApi, scope: Scope) -> Self {
        let ear = Arc::new(Ear::default());
        let handle = IndexHandle::new(scope, ear.clone());
        let mut streams = JoinSet::new();
        let run = watch::run(api.client(), handle.clone());
        streams.spawn(async move { match run.await {} });
        Self { api: api.clone(), ear, handle, _streams: streams }
    }

    async fn settled(api: &FakeApi) -> Self {
        let running = Self::start(api, Scope::All);
        running.rest().await;
        running
    }

    /// Lets everything on its way arrive; tells what was told meanwhile.
    async fn rest(&self) -> Vec<String> {
        sleep(A_WHILE).await;
        self.ear.take()
    }

    fn desired(&self) -> Desired {
        self.handle.desired(&backend()).expect("the backend has a worker")
    }

    fn input(&self) -> Input {
        self.desired().assignments[&ObjectName::new("team-a", "a")].input.clone()
    }

    fn is_bound(&self) -> bool {
        matches!(self.input(), Input::Bound { .. })
    }

    /// Message of the frozen assignment.
    fn frozen(&self) -> String {
        match self.input() {
            Input::Frozen { reason, message } => format!("{reason}: {message}"),
            Input::Bound { .. } => panic!("it is bound"),
        }
    }
}

fn backend() -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "b".into() }
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let meta = json!({"name": name, "namespace": "team-a"});
    json!({"apiVersion": "ordain.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})
}

fn policy(description: &str) -> Value {
    let features = json!([{"code": "CAMERA", "content": {"enabled": false}}]);
    let content = json!({"wso2": {"profiles": [{"platform": "android", "features": features}]}});
    object("Policy", "p", json!({"description": description, "content": content}))
}

fn emm() -> Value {
    let deploy = json!({"mode": "Automatic", "foreignChanges": "Hold"});
    let system = json!({"url": "https://emm.example.com", "api": "MdmAdmin", "deploy": deploy, "credentialsRef": {"name": "s"}});
    object("Backend", "b", json!({"system": {"wso2": system}}))
}

fn assignment(name: &str) -> Value {
    let targets = json!({"include": [{"wso2": {"roles": ["sales"]}}]});
    let spec = json!({"policyRef": {"name": "p"}, "backendRef": {"name": "b"}, "targets": targets});
    object("PolicyAssignment", name, spec)
}

/// A server with one policy, assigned.
fn server() -> FakeApi {
    let api = FakeApi::new(SimClock::new());
    api.namespace("team-a", &[]);
    for object in [policy("first"), emm(), assignment("a")] {
        api.apply(object);
    }
    api
}

#[tokio::test(start_paused = true)]
async fn the_first_lists_are_told_of_at_once_when_all_are_complete() {
    let api = server();
    api.fault(Fault::status(500).verb("list").to("targetgroups").times(2));
    let running = Running::start(&api, Scope::All);
    sleep(Duration::from_millis(200)).await;
    let early = running.ear.take();
    assert!(early.iter().all(|line| line.starts_with("seen ")), "one list is missing: {early:?}");
    assert!(!running.handle.synced());
    assert_eq!(running.handle.troubles(), ["the first lists are not complete yet"]);
    let told = running.rest().await;
    assert_eq!(told, ["policy p 1", "appeared Backend/team-a/b"]);
    assert!(running.handle.synced() && running.is_bound());
    assert!(running.handle.troubles().is_empty());
    assert_eq!(api.requests().verb("list").to("namespaces")[0].metadata_only, true);
}

#[tokio::test(start_paused = true)]
async fn a_change_ticks_the_worker_it_concerns_and_nobody_else() {
    let api = server();
    let mut other = emm();
    other["metadata"]["name"] = "other".into();
    api.apply(other);
    let running = Running::settled(&api).await;
    let mut changes = running.handle.changes(&backend());
    let beside = running.handle.changes(&BackendId { name: "other".into(), ..backend() });
    changes.borrow_and_update();
    let before = running.desired();
    api.apply(policy("second"));
    changes.changed().await.unwrap();
    let after = running.desired();
    assert!(after.version > before.version && *changes.borrow() == after.version);
    assert!(Arc::ptr_eq(&before.backend, &after.backend));
    assert!(!beside.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_relist_changes_nothing() {
    let api = server();
    let running = Running::settled(&api).await;
    let before = running.desired();
    let changes = running.handle.changes(&backend());
    let lists = api.requests().verb("list").len();
    for _ in 0..3 {
        api.compact();
        api.disturb_watches(None, WatchFault::Expire);
        let told = running.rest().await;
        assert!(told.iter().all(|line| line.starts_with("seen ")), "{told:?}");
    }
    assert!(api.requests().verb("list").len() >= lists + 3, "it did list again");
    let after = running.desired();
    assert_eq!(before.version, after.version);
    assert!(Arc::ptr_eq(&before.assignments, &after.assignments));
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_relist_that_breaks_off_removes_nothing() {
    let api = server();
    let running = Running::settled(&api).await;
    api.fault(Fault::status(503).verb("list").to("policyassignments").times(3));
    api.compact();
    api.disturb_watches(Some("PolicyAssignment"), WatchFault::Expire);
    sleep(Duration::from_millis(300)).await;
    assert!(running.is_bound());
    running.rest().await;
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn one_undecodable_object_among_many_is_recorded_and_the_others_work() {
    let api = server();
    let mut bad = assignment("bad");
    bad["spec"]["priority"] = "high".into();
    api.stored_raw("PolicyAssignment", "team-a", "bad", bad);
    let running = Running::settled(&api).await;
    assert!(running.is_bound());
    let desired = running.desired();
    assert_eq!(desired.undecodable.into_iter().collect::<Vec<_>>(), ["PolicyAssignment team-a/bad"]);
    let Input::Frozen { message, .. } = &desired.assignments[&ObjectName::new("team-a", "bad")].input else {
        panic!("it must be frozen")
    };
    assert_eq!(
        message,
        "cannot be decoded: spec.priority: invalid type: string \"high\", expected i32"
    );
    api.edit("PolicyAssignment", "team-a", "bad", |object| object["spec"]["priority"] = 7.into());
    running.rest().await;
    assert!(running.desired().undecodable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_abyss_of_nested_lists_does_not_swallow_its_neighbours() {
    let api = server();
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let mut abyss = policy("deep");
    abyss["metadata"]["name"] = "abyss".into();
    abyss["spec"]["content"]["wso2"]["profiles"][0]["features"][0]["content"] = json!({"x": deep});
    api.stored_raw("Policy", "team-a", "abyss", abyss);
    let running = Running::settled(&api).await;
    assert!(running.is_bound());
    let broken = running.handle.with(|index| index.undecodable_objects().count());
    assert_eq!(broken, 1);
}

#[tokio::test(start_paused = true)]
async fn a_status_in_an_unknown_form_is_no_status() {
    let api = server();
    let mut odd = assignment("odd");
    odd["status"] = json!({"observedGeneration": "seven", "conditions": 3});
    api.stored_raw("PolicyAssignment", "team-a", "odd", odd);
    let running = Running::start(&api, Scope::All);
    let told = running.rest().await;
    assert!(told.contains(&"seen PolicyAssignment odd None".to_owned()), "{told:?}");
    assert!(told.contains(&"seen PolicyAssignment a Some(-1)".to_owned()), "{told:?}");
    assert!(running.desired().undecodable.is_empty());
    assert_eq!(running.desired().assignments.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_installed_keeps_back_what_it_touches_until_it_is() {
    let api = server();
    api.withdraw("TargetGroup");
    api.withdraw("ClusterBackend");
    let running = Running::settled(&api).await;
    assert!(running.is_bound(), "nothing here needs these kinds");
    let troubles = running.handle.troubles();
    assert_eq!(troubles.len(), 2, "{troubles:?}");
    assert!(troubles[0].starts_with("list targetgroups: "), "{troubles:?}");
    api.reinstate("TargetGroup");
    api.reinstate("ClusterBackend");
    running.rest().await;
    assert!(running.handle.troubles().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_listed_freezes_what_refers_to_it() {
    let api = server();
    api.deny("list", "policies");
    let running = Running::settled(&api).await;
    let message = running.frozen();
    assert!(message.starts_with("Pending: policies cannot be listed"), "{message}");
    assert!(message.contains("cannot list resource \"policies\""), "{message}");
    assert!(running.handle.troubles()[0].starts_with("list policies: "));
    let asked = api.requests().verb("list").to("policies").len();
    assert!(asked < 30, "{asked} attempts in five minutes");
    api.allow("list", "policies");
    let told = running.rest().await;
    assert!(running.is_bound(), "{told:?}");
    assert!(running.handle.troubles().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_the_assignments_no_worker_starts_and_the_backend_says_why() {
    let api = server();
    api.deny("list", "policyassignments");
    let running = Running::start(&api, Scope::All);
    let told = running.rest().await;
    assert!(told.contains(&"unbound Backend/team-a/b".to_owned()), "{told:?}");
    assert!(running.handle.desired(&backend()).is_none());
    api.allow("list", "policyassignments");
    let told = running.rest().await;
    assert!(told.contains(&"appeared Backend/team-a/b".to_owned()), "{told:?}");
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_may_not_be_opened_is_named_and_heals() {
    let api = server();
    let running = Running::settled(&api).await;
    api.deny("watch", "policies");
    api.disturb_watches(Some("Policy"), WatchFault::Drop);
    running.rest().await;
    assert!(running.handle.troubles()[0].starts_with("watch policies: "), "{:?}", running.handle.troubles());
    assert!(running.is_bound(), "what was known stays known");
    api.apply(policy("second"));
    api.allow("watch", "policies");
    running.rest().await;
    assert!(running.handle.troubles().is_empty());
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_made_again_under_its_name_is_another_one() {
    let api = server();
    let running = Running::settled(&api).await;
    let uid = |running: &Running| running.desired().assignments[&ObjectName::new("team-a", "a")].uid.clone();
    let former = uid(&running);
    api.delete("PolicyAssignment", "team-a", "a");
    api.apply(assignment("a"));
    running.rest().await;
    let between = uid(&running);
    assert_ne!(former, between);
    // The same while nobody watches.
    api.disturb_watches(Some("PolicyAssignment"), WatchFault::Expire);
    api.delete("PolicyAssignment", "team-a", "a");
    api.apply(assignment("a"));
    api.compact();
    running.rest().await;
    assert_ne!(between, uid(&running));
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn events_repeated_and_swapped_come_to_the_same() {
    let api = server();
    let running = Running::settled(&api).await;
    for description in ["second", "third", "fourth"] {
        api.apply(policy(description));
    }
    running.rest().await;
    let before = running.desired();
    api.disturb_watches(None, WatchFault::Repeat(5));
    let told = running.rest().await;
    assert!(told.iter().all(|line| line.starts_with("seen ")), "{told:?}");
    assert!(Arc::ptr_eq(&before.assignments, &running.desired().assignments), "old news");
    api.disturb_watches(Some("Policy"), WatchFault::Swap);
    api.apply(policy("fifth"));
    api.apply(policy("sixth"));
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy.description.as_deref(), Some("sixth"));
}

#[tokio::test(start_paused = true)]
async fn a_list_from_a_server_that_lags_never_takes_anything_back() {
    let api = server();
    let running = Running::settled(&api).await;
    let old = api.revision();
    api.apply(policy("second"));
    running.rest().await;
    api.lag("Policy", old, true);
    api.disturb_watches(Some("Policy"), WatchFault::Expire);
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
    api.catch_up();
    running.rest().await;
    assert!(running.is_bound());
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stalls_is_noticed() {
    let api = server();
    let running = Running::settled(&api).await;
    api.disturb_watches(Some("Policy"), WatchFault::Stall);
    sleep(Duration::from_secs(1)).await;
    api.apply(policy("second"));
    sleep(Duration::from_mins(8)).await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2, "within twice the watch timeout (F9)");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_takes_nothing_with_it() {
    let api = server();
    let running = Running::settled(&api).await;
    let before = running.desired();
    api.shut_down();
    let mark = api.mark();
    sleep(Duration::from_mins(10)).await;
    assert!(running.is_bound() && running.desired().version == before.version);
    let asked = api.requests_since(mark).len();
    assert!(asked < 6 * 60, "{asked} requests in ten minutes");
    api.come_back();
    api.apply(policy("second"));
    running.rest().await;
    let Input::Bound { binding, .. } = running.input() else { panic!() };
    assert_eq!(binding.policy_generation, 2);
}

#[tokio::test(start_paused = true)]
async fn only_the_namespaces_given_are_asked_for() {
    let api = server();
    api.namespace("team-b", &[]);
    let mut other = policy("b");
    other["metadata"]["namespace"] = "team-b".into();
    api.apply(other);
    let running = Running::start(&api, Scope::Only(["team-a".into()].into()));
    let told = running.rest().await;
    assert!(running.is_bound());
    assert_eq!(told.iter().filter(|line| line.starts_with("seen Policy ")).count(), 1, "{told:?}");
    let cluster_wide = |entry: &crate::support::apiserver::Entry| entry.namespace.is_none();
    let asked: std::collections::BTreeSet<_> =
        api.requests().filter(cluster_wide).iter().map(|entry| entry.resource).collect();
    assert_eq!(asked, ["clusterbackends", "namespaces"].into());
}

#[tokio::test(start_paused = true)]
async fn a_missing_backend_is_told_of_and_its_arrival_too() {
    let api = server();
    let running = Running::settled(&api).await;
    api.delete("Backend", "team-a", "b");
    let told = running.rest().await;
    assert_eq!(told, ["gone Backend b", "unbound a BackendNotFound", "gone Backend/team-a/b"]);
    let name = ObjectName::new("team-a", "a");
    let standing = running.ear.verdicts.lock().unwrap()[&name].facts.standing.clone();
    assert!(matches!(standing, Standing::Unresolved(..)), "{standing:?}");
    api.apply(emm());
    let told = running.rest().await;
    assert_eq!(told, ["seen Backend b Some(-1)", "appeared Backend/team-a/b"]);
}
