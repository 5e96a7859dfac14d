//! The status linter: numbered rules that hold for every status any test produces (I5, I9).
//!
//! | rule | |
//! |---|---|
//! | S1 | there is exactly one Ready, and one condition of each type |
//! | S2 | Reconciling and Stalled are never both True, and Ready is not True beside one of them |
//! | S3 | abnormal conditions are listed only while True |
//! | S4 | observedGeneration stands on the status and on each condition, is the same, and is not from the future |
//! | S5 | reasons are words of the documentation |
//! | S6 | every condition has a message |
//! | S7 | targets add up; lists are sorted and within their bounds |
//! | S8 | Ready=True was read: InSync is True, can never be known, or the assignment only observes |
//! | S9 | no canary of a secret is in it |
//! | S10 | it is small |
//! | S11 | kstatus, as Flux and helm read it, says what the conditions say |
//! | S12 | a transition time moves with its condition's status, and only then (between two states) |

use ordain::api::{ConditionType, Reason, limits};
use serde_json::Value;

/// What every secret of a test contains.
pub const CANARY: &str = "canary-";
/// A status of the largest size the bounds of its lists allow in earnest.
const BYTES: usize = 64 * 1024;

/// What kstatus makes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kstatus {
    Current,
    InProgress,
    Failed,
    Terminating,
}

/// kstatus as in cli-utils, for kinds it does not know: deletion, generation, Reconciling and Stalled, Ready.
pub fn kstatus(object: &Value) -> Kstatus {
    let status = &object["status"];
    let is = |type_: &str, wanted: &str| condition(status, type_).is_some_and(|c| c["status"] == wanted);
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return Kstatus::Terminating;
    }
    let observed = status["observedGeneration"].as_i64();
    if observed.is_some_and(|observed| Some(observed) != object["metadata"]["generation"].as_i64()) {
        return Kstatus::InProgress;
    }
    if is("Reconciling", "True") {
        return Kstatus::InProgress;
    }
    if is("Stalled", "True") {
        return Kstatus::Failed;
    }
    let not_ready = condition(status, "Ready").is_some_and(|ready| ready["status"] != "True");
    if not_ready { Kstatus::InProgress } else { Kstatus::Current }
}

/// What is wrong with a status of an object at `generation`; nothing, if it was not looked at yet.
pub fn lint(kind: &str, status: &Value, generation: i64) -> Vec<String> {
    if status["observedGeneration"] == -1 {
        return vec![];
    }
    let lint = Lint { kind, status, generation };
    [
        lint.types(),
        lint.abnormal(),
        lint.generations(),
        lint.words(),
        lint.counts(),
        lint.proof(),
        lint.secrets(),
        lint.size(),
        lint.tools(),
    ]
    .concat()
}

struct Lint<'a> {
    kind: &'a str,
    status: &'a Value,
    generation: i64,
}

fn conditions(status: &Value) -> impl Iterator<Item = &Value> {
    status["conditions"].as_array().into_iter().flatten()
}

fn condition<'a>(status: &'a Value, type_: &str) -> Option<&'a Value> {
    conditions(status).find(|condition| condition["type"] == type_)
}

fn when(broken: bool, what: impl FnOnce() -> String) -> Vec<String> {
    if broken { vec![what()] } else { vec![] }
}

impl Lint<'_> {
    fn is_true(&self, type_: &str) -> bool {
        condition(self.status, type_).is_some_and(|condition| condition["status"] == "True")
    }

    fn types(&self) -> Vec<String> {
        let types: Vec<_> = conditions(self.status).map(|c| c["type"].as_str().unwrap_or_default()).collect();
        let mut unique = types.clone();
        unique.sort_unstable();
        unique.dedup();
        let known = |word: &&str| ConditionType::ALL.iter().any(|type_| type_.as_str() == *word);
        let broken = unique.len() != types.len() || !types.contains(&"Ready") || !types.iter().all(known);
        when(broken, || format!("S1: conditions are {types:?}"))
    }

    fn abnormal(&self) -> Vec<String> {
        let (reconciling, stalled) = (self.is_true("Reconciling"), self.is_true("Stalled"));
        let mut found = when(reconciling && stalled, || "S2: Reconciling and Stalled are both True".into());
        found.extend(when((reconciling || stalled) && self.is_true("Ready"), || {
            "S2: Ready is True beside Reconciling or Stalled".into()
        }));
        let only_while_true = ConditionType::ALL.iter().filter(|type_| type_.only_while_true());
        for type_ in only_while_true.map(|type_| type_.as_str()) {
            let listed = condition(self.status, type_).is_some() && !self.is_true(type_);
            found.extend(when(listed, || format!("S3: {type_} is listed though it is not True")));
        }
        found
    }

    fn generations(&self) -> Vec<String> {
        let Some(observed) = self.status["observedGeneration"].as_i64() else {
            return vec!["S4: no observedGeneration".into()];
        };
        let mut found = when(observed > self.generation || observed < 1, || {
            format!("S4: observedGeneration {observed} of an object at {}", self.generation)
        });
        for condition in conditions(self.status).filter(|c| c["observedGeneration"] != observed) {
            let (type_, own) = (&condition["type"], &condition["observedGeneration"]);
            found.push(format!("S4: {type_} speaks of {own}, the status of {observed}"));
        }
        found
    }

    fn words(&self) -> Vec<String> {
        let problems = self.status["problems"].as_array().into_iter().flatten();
        let mut found = vec![];
        for one in conditions(self.status).chain(problems) {
            let reason = one["reason"].as_str().unwrap_or_default();
            let known = Reason::ALL.iter().any(|known| known.as_str() == reason);
            let documented = known && reason != Reason::Unrecognized.as_str();
            found.extend(when(!documented, || format!("S5: {reason:?} is no reason")));
        }
        for condition in conditions(self.status) {
            let silent = condition["message"].as_str().is_none_or(|message| message.trim().is_empty());
            found.extend(when(silent, || format!("S6: {} has no message", condition["type"])));
        }
        found
    }

    fn counts(&self) -> Vec<String> {
        let targets = &self.status["targets"];
        let count = |name: &str| targets[name].as_i64().unwrap_or_default();
        let sum: i64 = ["accepted", "pending", "failed", "unknown"].map(count).iter().sum();
        let mut found = when(sum != count("desired"), || format!("S7: targets do not add up: {targets}"));
        for (list, bound, key) in [
            ("problems", limits::PROBLEMS, "target"),
            ("objects", limits::OBJECTS, "key"),
            ("capabilities", limits::CAPABILITIES, "name"),
        ] {
            let items: Vec<_> = self.status[list].as_array().into_iter().flatten().collect();
            let sorted = items.is_sorted_by_key(|item| item[key].as_str().unwrap_or_default());
            found.extend(when(!sorted || items.len() > bound, || {
                format!("S7: {list} are unsorted or too many")
            }));
        }
        found
    }

    fn proof(&self) -> Vec<String> {
        if self.kind != "PolicyAssignment" || !self.is_true("Ready") {
            return vec![];
        }
        let reason =
            |type_: &str| condition(self.status, type_).map(|c| c["reason"].clone()).unwrap_or_default();
        let unknowable = reason("InSync") == "NotReadable";
        let proven = self.is_true("InSync") || unknowable || reason("Ready") == "Observing";
        let of_policy = self.status["policyGeneration"].as_i64().is_some_and(|generation| generation > 0);
        let of_sources = self.status["observedSources"].is_string();
        when(!proven || !of_policy || !of_sources, || {
            format!("S8: Ready is True without proof: {}", self.status)
        })
    }

    fn secrets(&self) -> Vec<String> {
        when(self.status.to_string().contains(CANARY), || "S9: a secret is in it".into())
    }

    fn size(&self) -> Vec<String> {
        let long = |c: &Value| c["message"].as_str().unwrap_or_default().chars().count() > limits::MESSAGE;
        let broken = conditions(self.status).any(long) || self.status.to_string().len() > BYTES;
        when(broken, || "S10: it is too large".into())
    }

    fn tools(&self) -> Vec<String> {
        let at = |deleting: Value| {
            serde_json::json!({
                "metadata": {"generation": self.status["observedGeneration"], "deletionTimestamp": deleting},
                "status": self.status,
            })
        };
        let expected = match (self.is_true("Ready"), self.is_true("Stalled")) {
            (true, _) => Kstatus::Current,
            (false, true) => Kstatus::Failed,
            (false, false) => Kstatus::InProgress,
        };
        let seen = kstatus(&at(Value::Null));
        when(seen != expected, || format!("S11: kstatus says {seen:?} instead of {expected:?}"))
    }
}

/// What is wrong with the way from one status to the next.
pub fn transitions(before: &Value, after: &Value) -> Vec<String> {
    let mut found = vec![];
    for now in conditions(after) {
        let Some(was) = condition(before, now["type"].as_str().unwrap_or_default()) else { continue };
        let born = was["lastTransitionTime"] == "1970-01-01T00:00:00Z";
        let (same_status, same_time) =
            (was["status"] == now["status"], was["lastTransitionTime"] == now["lastTransitionTime"]);
        found.extend(when(same_status && !same_time && !born, || {
            format!("S12: the transition time of {} moved though its status did not", now["type"])
        }));
    }
    found
}
