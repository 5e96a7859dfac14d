//! What the status of an object is to say, and whether it does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kubectl;

/// A condition of an object, as a user reads it.
#[derive(Debug)]
pub struct Told {
    /// Kind in lower case, and name.
    pub object: (&'static str, String),
    /// Condition, its status and its reason.
    pub condition: (&'static str, &'static str, &'static str),
    /// Words that its message or the problems listed beside it must contain: what is wrong, where, and what to do.
    pub says: Vec<String>,
}

/// Objects of a namespace, or of the cluster, by kind in lower case and name.
pub struct Statuses(BTreeMap<(String, String), Value>);

impl Statuses {
    /// Everything of ours that stands in a namespace now.
    pub fn of(namespace: &str) -> Self {
        let kinds = "backends,policies,targetgroups,policyassignments";
        Self::read(&kubectl(&["get", kinds, "-n", namespace, "-o", "json"]))
    }

    /// The `ClusterBackends`.
    pub fn of_the_cluster() -> Self {
        Self::read(&kubectl(&["get", "clusterbackends", "-o", "json"]))
    }

    fn read(list: &str) -> Self {
        let list: Value = serde_json::from_str(list).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let keyed = |object: &Value| {
            ((text(&object["kind"]).to_lowercase(), text(&object["metadata"]["name"])), object.clone())
        };
        Self(list["items"].as_array().unwrap().iter().map(keyed).collect())
    }

    /// An object, `Null` where there is none.
    pub fn get(&self, kind: &str, name: &str) -> &Value {
        self.0.get(&(kind.to_owned(), name.to_owned())).unwrap_or(&Value::Null)
    }

    /// What differs from what is to be told, with the status as it stands; `None`: nothing.
    pub fn differs(&self, told: &Told) -> Option<String> {
        let object = self.get(told.object.0, &told.object.1);
        let status = &object["status"];
        let (condition, wanted, reason) = told.condition;
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        let found = conditions.find(|c| c["type"] == condition).cloned().unwrap_or_default();
        let current = found["observedGeneration"] == object["metadata"]["generation"];
        let hit = current && found["status"] == wanted && found["reason"] == reason;
        let text = format!("{found} {}", status["problems"]).replace("\\\"", "\"");
        let unsaid: Vec<_> = told.says.iter().filter(|words| !text.contains(words.as_str())).collect();
        (!hit || !unsaid.is_empty()).then(|| format!("{told:?}\n  lacks {unsaid:?}\n    {status}"))
    }

    /// All that differs.
    pub fn wrong(&self, all: &[Told]) -> Vec<String> {
        all.iter().filter_map(|told| self.differs(told)).collect()
    }
}
