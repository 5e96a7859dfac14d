//! What must be remembered of a status to write the next one: some hundred bytes instead of kilobytes.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

use jiff::Timestamp;
use serde::Serialize;

use crate::api::{
    BackendStatus, Condition, ConditionStatus, ConditionType, PolicyAssignmentStatus, PolicyStatus, Reason,
    TargetGroupStatus, conditions,
};

/// A status as the conditions and the writer see it, whatever the kind.
pub trait Body: Serialize + Hash {
    /// Generation it speaks of.
    fn observed_generation(&self) -> Option<i64>;
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
    /// Generation of the Policy it speaks of.
    fn policy_generation(&self) -> Option<i64> {
        None
    }
    /// The request it says it has handled.
    fn handled(&self) -> Option<&str> {
        None
    }
}

macro_rules! body {
    ($($status:ty { $($more:item)* })+) => {$(
        impl Body for $status {
            fn observed_generation(&self) -> Option<i64> {
                self.observed_generation
            }

            fn conditions(&self) -> &[Condition] {
                &self.conditions
            }

            $($more)*
        }
    )+};
}

body! {
    PolicyAssignmentStatus {
        fn policy_generation(&self) -> Option<i64> {
            self.policy_generation
        }

        fn handled(&self) -> Option<&str> {
            self.last_handled_reconcile_at.as_deref()
        }
    }
    BackendStatus {
        fn handled(&self) -> Option<&str> {
            self.last_handled_reconcile_at.as_deref()
        }
    }
    PolicyStatus {}
    TargetGroupStatus {}
}

/// A condition without its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Which.
    pub type_: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// When its status last changed.
    pub since: Timestamp,
}

/// A status, remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// Generation it speaks of.
    pub observed_generation: Option<i64>,
    /// Generation of the Policy it speaks of.
    pub policy_generation: Option<i64>,
    conditions: Box<[Brief]>,
    /// Ready's message while Ready is not True; a True one's is made again from its reason.
    ready_message: Option<Box<str>>,
    /// Equal for equal statuses.
    digest: u64,
    /// Equal for statuses that differ in numbers and messages only.
    essence: u64,
    handled: u64,
}

impl Memo {
    /// Remembers a status.
    pub fn of(status: &impl Body) -> Self {
        let conditions: Box<[Brief]> = status.conditions().iter().map(brief).collect();
        let ready = conditions::find(status.conditions(), ConditionType::Ready);
        let message = ready.filter(|ready| ready.status != ConditionStatus::True);
        Self {
            observed_generation: status.observed_generation(),
            policy_generation: status.policy_generation(),
            ready_message: message.map(|ready| ready.message.as_str().into()),
            digest: digest(status),
            essence: essence(status),
            handled: digest(status.handled().unwrap_or_default()),
            conditions,
        }
    }

    /// Remembers a status, and gives the JSON of it.
    pub fn and_text(status: &impl Body) -> (Self, String) {
        // Statuses are plain structs, lists and words: they always have a JSON form.
        (Self::of(status), serde_json::to_string(status).unwrap_or_default())
    }

    /// All conditions.
    pub fn conditions(&self) -> &[Brief] {
        &self.conditions
    }

    /// The condition of a type.
    pub fn find(&self, type_: ConditionType) -> Option<&Brief> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether the condition of a type is there and True.
    pub fn is_true(&self, type_: ConditionType) -> bool {
        self.find(type_).is_some_and(|condition| condition.status == ConditionStatus::True)
    }

    /// Ready's message, where it has to be remembered.
    pub fn ready_message(&self) -> Option<&str> {
        self.ready_message.as_deref()
    }

    /// Whether both are the same status to the last word.
    pub fn same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Whether both say the same but for numbers and messages: equal generations, request handled,
    /// and conditions with equal status and reason.
    pub fn same_essence(&self, other: &Self) -> bool {
        self.essence == other.essence
    }

    /// Whether both speak of the same generations of the object and its Policy.
    pub fn same_generations(&self, other: &Self) -> bool {
        (self.observed_generation, self.policy_generation)
            == (other.observed_generation, other.policy_generation)
    }

    /// Whether both say that the same request was handled.
    pub fn same_request(&self, other: &Self) -> bool {
        self.handled == other.handled
    }
}

fn brief(condition: &Condition) -> Brief {
    Brief {
        type_: condition.type_,
        status: condition.status,
        reason: condition.reason,
        since: condition.last_transition_time.0,
    }
}

fn essence(status: &impl Body) -> u64 {
    let mut hasher = KEYS.build_hasher();
    (status.observed_generation(), status.policy_generation(), status.handled()).hash(&mut hasher);
    for one in status.conditions() {
        (one.type_, one.status, one.reason, one.observed_generation).hash(&mut hasher);
    }
    hasher.finish()
}

/// Equal for what is equal, within this process.
fn digest(of: &(impl Hash + ?Sized)) -> u64 {
    KEYS.hash_one(of)
}

/// Random, so that nobody can make up a status that passes for another.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
