//! A story: a rig around a WSO2 double, with words that are the same in both dialects.

use std::collections::BTreeMap;

use ordain::{
    api::conditions::Reason,
    index::desired::BackendSettings,
    report::facts::{AssignmentFacts, Standing},
    sandbox::{
        Seen,
        wso2::{Dialect, Wso2Double, Wso2Options},
    },
};
use serde_json::{Map, Value, json};

use crate::support::rig::Rig;

/// The two families; A' and C differ from B in details that the driver's own tests cover.
pub const BOTH: [Dialect; 2] = [Dialect::DeviceMgtV1, Dialect::MdmAdmin];

/// A rig, its dialect, and from which request on calls are of interest.
pub struct Story {
    pub rig: Rig,
    pub dialect: Dialect,
    from: u64,
}

impl std::ops::Deref for Story {
    type Target = Rig;
    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl std::ops::DerefMut for Story {
    fn deref_mut(&mut self) -> &mut Rig {
        &mut self.rig
    }
}

impl Story {
    /// An account with two policies of somebody else's (ids 1 and 2), nothing of ours.
    pub fn new(dialect: Dialect) -> Self {
        Self::with(dialect, |_| {}, |_| {})
    }

    /// The same with other options of the double and settings of the backend.
    pub fn with(
        dialect: Dialect,
        options: impl FnOnce(&mut Wso2Options),
        settings: impl FnOnce(&mut BackendSettings),
    ) -> Self {
        let mut wanted = Wso2Options::of(dialect);
        options(&mut wanted);
        let rig = Rig::new("wso2", |clock| Wso2Double::new(wanted, clock), settings);
        rig.gate.burst_limit(2000);
        Self { rig, dialect, from: 0 }
    }

    /// A started worker that has brought the baseline (id 3) to roles `engineer`.
    pub async fn with_baseline(dialect: Dialect) -> Self {
        let mut story = Self::new(dialect);
        story.assign("baseline", camera_off(), to_roles(&["engineer"]));
        story.start();
        story.settle().await;
        assert_eq!(story.standing("baseline"), Some(Standing::InStep), "{dialect:?}");
        story.mark();
        story
    }

    /// From here on calls are counted anew.
    pub fn mark(&mut self) {
        self.from = self.rig.vendors.of("wso2").recorder().last_seq();
    }

    fn seen(&self) -> Vec<Seen> {
        self.rig.vendors.of("wso2").recorder().since(self.from)
    }

    /// All calls since the mark, without those that log in.
    pub fn calls(&self) -> Vec<Call> {
        self.seen().iter().filter_map(|seen| call(self.dialect, seen)).collect()
    }

    /// Calls since the mark that may change something, in one spelling for both dialects.
    pub fn effects(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .filter_map(|call| match call {
                Call::Effect(words) => Some(words),
                Call::Read(_) => None,
            })
            .collect()
    }

    /// Policies listed since the mark (pages count apart).
    pub fn lists(&self) -> usize {
        let list = |call: &Call| matches!(call, Call::Read(path) if path == "policies");
        self.calls().iter().filter(|call| list(call)).count()
    }

    /// Every request since the mark, logins included.
    pub fn requests(&self) -> usize {
        self.seen().len()
    }

    /// The policies the system holds, in their order.
    pub fn policies(&self) -> Vec<Value> {
        self.state("wso2")["policies"].as_array().unwrap().clone()
    }

    /// The policy of that id.
    pub fn policy(&self, id: i64) -> Option<Value> {
        self.policies().into_iter().find(|policy| policy["id"] == id)
    }

    /// The policies that bear our mark, in order.
    pub fn ours(&self) -> Vec<Value> {
        let marked = |p: &Value| p["description"].as_str().is_some_and(|text| text.contains("[ordain:"));
        self.policies().into_iter().filter(marked).collect()
    }

    /// Ids in their order, first to last.
    pub fn order(&self) -> Vec<i64> {
        self.policies().iter().map(|p| p["id"].as_i64().unwrap()).collect()
    }

    /// A change in the vendor's console.
    pub fn console(&self, change: Value) {
        self.rig.by_hand("wso2", change);
    }

    pub fn standing(&self, name: &str) -> Option<Standing> {
        self.rig.cluster.standing(name)
    }

    /// The last facts of an assignment.
    pub fn facts(&self, name: &str) -> AssignmentFacts {
        self.rig.cluster.facts(name).last().cloned().unwrap_or_else(|| panic!("nothing was said of {name}"))
    }

    /// Reason of the last standing.
    pub fn reason(&self, name: &str) -> Option<Reason> {
        reason(&self.facts(name).standing)
    }

    /// Reasons of all events so far.
    pub fn events(&self) -> Vec<&'static str> {
        self.rig.cluster.events().iter().map(|event| event.reason.as_str()).collect()
    }

    pub fn assert_in_step(&self, name: &str) {
        let facts = self.facts(name);
        assert_eq!(facts.standing, Standing::InStep, "{:?}: {facts:#?}", self.dialect);
        assert_eq!(facts.in_sync.status, Some(true), "{:?}", self.dialect);
        let view = self.rig.cluster.view(name).unwrap();
        assert_eq!(facts.generation, view.generation, "{:?}: an old generation", self.dialect);
    }

    pub fn assert_effects(&self, expected: &[&str]) {
        assert_eq!(self.effects(), expected, "{:?}", self.dialect);
    }

    /// What two ends of a story are compared by: everything but ids, numbers, places and times.
    pub fn end(&self) -> Value {
        let policies: Vec<Value> = self.policies().into_iter().map(anonymous).collect();
        let names: BTreeMap<String, Option<Standing>> = ["baseline", "second"]
            .into_iter()
            .filter(|name| self.rig.cluster.exists(name))
            .map(|name| (name.to_owned(), self.standing(name)))
            .collect();
        json!({"policies": policies, "told": format!("{names:?}")})
    }
}

/// One call in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `policies`, `roles`, `device-types/android/features`, …
    Read(String),
    /// `create Laptop baseline`, `update 3`, `activate 3`, `deactivate 3`, `apply`, `order 3=1 4=2`, `remove 3`.
    Effect(String),
}

fn call(dialect: Dialect, seen: &Seen) -> Option<Call> {
    let base = if dialect.is_admin() { "/mdm-admin/" } else { "/api/device-mgt/v1.0/" };
    let path = seen.path.strip_prefix(base)?;
    if seen.method == "GET" {
        return Some(Call::Read(path.to_owned()));
    }
    let numbers = |value: &Value| {
        value.as_array().into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let last = path.trim_start_matches("policies").trim_start_matches('/');
    Some(Call::Effect(match last {
        "" | "inactive-policy" => format!("create {}", seen.body["policyName"].as_str().unwrap()),
        "activate" | "activate-policy" => format!("activate {}", numbers(&seen.body)),
        "inactivate" | "deactivate-policy" => format!("deactivate {}", numbers(&seen.body)),
        "bulk-remove" | "remove-policy" => format!("remove {}", numbers(&seen.body)),
        "apply-changes" => "apply".to_owned(),
        "priorities" => {
            let pairs = seen.body.as_array().unwrap().iter();
            let pairs: Vec<_> = pairs.map(|pair| format!("{}={}", pair["id"], pair["priority"])).collect();
            format!("order {}", pairs.join(" "))
        }
        id => format!("update {id}"),
    }))
}

pub fn anonymous(mut policy: Value) -> Value {
    let members: &mut Map<String, Value> = policy.as_object_mut().unwrap();
    members.retain(|member, _| !["id", "priorityId", "profileId", "profile"].contains(&member.as_str()));
    policy
}

/// The reason in a standing, if it has one.
pub fn reason(standing: &Standing) -> Option<Reason> {
    match standing {
        Standing::Working(reason, _)
        | Standing::Stalled(reason, _)
        | Standing::Unresolved(reason, ..)
        | Standing::Terminating { reason, .. } => Some(*reason),
        _ => None,
    }
}

/// The policy most stories are about.
pub fn camera_off() -> Value {
    android(&json!({"CAMERA": {"enabled": false}}))
}

/// A policy with these features on Android.
pub fn android(features: &Value) -> Value {
    policy(&[("android", features)])
}

/// A policy with these features per platform.
pub fn policy(platforms: &[(&str, &Value)]) -> Value {
    let profile = |(platform, features): &(&str, &Value)| {
        let features: Vec<Value> = features
            .as_object()
            .unwrap()
            .iter()
            .map(|(code, content)| json!({"code": code, "content": content}))
            .collect();
        json!({"platform": platform, "features": features})
    };
    let profiles: Vec<Value> = platforms.iter().map(profile).collect();
    json!({"displayName": "Laptop baseline", "description": "Camera off", "content": {"wso2": {"profiles": profiles}}})
}

/// `base` with the members of `change` in place of its own.
pub fn with(mut base: Value, change: Value) -> Value {
    let Value::Object(change) = change else { panic!("an object is wanted") };
    base.as_object_mut().unwrap().extend(change);
    base
}

/// An assignment to roles.
pub fn to_roles(roles: &[&str]) -> Value {
    json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
}

/// An assignment to roles and users.
pub fn to(roles: &[&str], users: &[&str]) -> Value {
    json!({"targets": {"include": [{"wso2": {"roles": roles, "users": users}}]}})
}

/// The calls of an edit of policies that stand at the place of their id: old cores lose the place with every PUT.
pub fn updated(dialect: Dialect, ids: &[i64]) -> Vec<String> {
    let updates = ids.iter().map(|id| format!("update {id}"));
    let places: Vec<_> = ids.iter().map(|id| format!("{id}={id}")).collect();
    let order = dialect.is_admin().then(|| format!("order {}", places.join(" ")));
    updates.chain(order).chain(["apply".to_owned()]).collect()
}
