//! What must be remembered of a status to write the next one: some hundred bytes instead of kilobytes.

use std::{
    hash::{BuildHasher, Hash, Hasher, RandomState},
    num::NonZeroI64,
    sync::LazyLock,
};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    api::{
        BackendStatus, Condition, ConditionStatus, ConditionType, PolicyAssignmentStatus, PolicyStatus,
        Reason, TargetGroupStatus, conditions,
    },
    model::SourcesDigest,
};

/// A status as the conditions and the writer see it, whatever the kind.
pub trait Body: Serialize + Hash {
    /// Generation it speaks of.
    fn observed_generation(&self) -> Option<i64>;
    /// Its conditions.
    fn conditions(&self) -> &[Condition];
    /// The Policy and the TargetGroups it speaks of.
    fn sources(&self) -> Option<SourcesDigest> {
        None
    }
    /// The request it says it has handled.
    fn handled(&self) -> Option<&str> {
        None
    }
    /// What it counts in the system.
    fn counted(&self) -> Counted {
        Counted::default()
    }
}

/// What a status counts in the system, as far as it decides whether the numbers are worth a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Something is kept there.
    pub any: bool,
    /// Something of it is still being worked on, so that the numbers are not the last ones.
    pub open: bool,
}

impl Counted {
    /// Bits of a digest that hold it.
    const BITS: u64 = 0b11;

    fn bits(self) -> u64 {
        u64::from(self.any) | u64::from(self.open) << 1
    }

    fn from_bits(bits: u64) -> Self {
        Self { any: bits & 1 != 0, open: bits & 0b10 != 0 }
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
        fn sources(&self) -> Option<SourcesDigest> {
            self.observed_sources.as_ref()?.parse().ok()
        }

        fn handled(&self) -> Option<&str> {
            self.last_handled_reconcile_at.as_deref()
        }
    }
    BackendStatus {
        fn handled(&self) -> Option<&str> {
            self.last_handled_reconcile_at.as_deref()
        }

        fn counted(&self) -> Counted {
            let objects = self.objects.unwrap_or_default();
            Counted { any: objects.managed > 0, open: objects.pending > 0 }
        }
    }
    PolicyStatus {}
    TargetGroupStatus {}
}

/// A condition without its message, in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Which.
    pub type_: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
    pub reason: Reason,
    /// Seconds after 1970, as Kubernetes writes times. What lies outside is cut to that: to 1970, which stands for
    /// nobody having been there, or to 2106.
    since: u32,
}

impl Brief {
    /// When its status last changed; `None` where nobody was there to see it.
    pub fn since(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.since.into()).ok().filter(|since| *since > Timestamp::UNIX_EPOCH)
    }
}

/// A status, remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// No object has the generation 0.
    observed_generation: Option<NonZeroI64>,
    sources: Option<SourcesDigest>,
    conditions: Box<[Brief]>,
    /// Ready's message while Ready is not True; a True one's is made again from its reason.
    ready_message: Option<Box<str>>,
    /// Equal for equal statuses. The lowest bits hold what is counted: ten thousand of these are kept, and a byte more
    /// would cost each of them another size of allocation.
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
            observed_generation: status.observed_generation().and_then(NonZeroI64::new),
            sources: status.sources(),
            ready_message: message.map(|ready| ready.message.as_str().into()),
            digest: digest(status) & !Counted::BITS | status.counted().bits(),
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

    /// Generation it speaks of.
    pub fn observed_generation(&self) -> Option<i64> {
        self.observed_generation.map(NonZeroI64::get)
    }

    /// The Policy and the TargetGroups it speaks of.
    pub fn sources(&self) -> Option<SourcesDigest> {
        self.sources
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

    /// What it counts in the system.
    pub fn counted(&self) -> Counted {
        Counted::from_bits(self.digest)
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

    /// Whether both speak of the same generations of the object and of what it names.
    pub fn same_generations(&self, other: &Self) -> bool {
        (self.observed_generation, self.sources) == (other.observed_generation, other.sources)
    }

    /// Whether both say that the same request was handled.
    pub fn same_request(&self, other: &Self) -> bool {
        self.handled == other.handled
    }
}

fn brief(condition: &Condition) -> Brief {
    let second = condition.last_transition_time.0.as_second();
    Brief {
        type_: condition.type_,
        status: condition.status,
        reason: condition.reason,
        since: u32::try_from(second.max(0)).unwrap_or(u32::MAX),
    }
}

fn essence(status: &impl Body) -> u64 {
    let mut hasher = KEYS.build_hasher();
    (status.observed_generation(), status.sources(), status.handled()).hash(&mut hasher);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn remembered(at: &str, generation: i64) -> Memo {
        let condition = json!({
            "type": "Ready", "status": "True", "reason": "InStep", "message": "m", "lastTransitionTime": at,
        });
        let status = json!({"observedGeneration": generation, "conditions": [condition]});
        Memo::of(&serde_json::from_value::<PolicyAssignmentStatus>(status).unwrap())
    }

    #[test]
    fn a_time_is_kept_to_the_second_unless_nobody_was_there() {
        let cases = [
            ("2026-03-01T00:00:01Z", Some("2026-03-01T00:00:01Z"), "as Kubernetes writes it"),
            ("2026-03-01T00:00:01.9Z", Some("2026-03-01T00:00:01Z"), "as it comes back"),
            ("1970-01-01T00:00:01Z", Some("1970-01-01T00:00:01Z"), "the first that was seen"),
            ("1970-01-01T00:00:00Z", None, "the default of the CRD"),
            ("1969-01-01T00:00:00Z", None, "before anybody"),
            ("2106-02-07T06:28:16Z", Some("2106-02-07T06:28:15Z"), "the end"),
        ];
        for (at, since, why) in cases {
            let found = remembered(at, 1).conditions()[0].since().map(|since| since.to_string());
            assert_eq!(found.as_deref(), since, "{why}: {at}");
        }
    }

    #[test]
    fn generations_are_kept_but_none_that_no_object_has() {
        for (written, kept) in [(3, Some(3)), (-1, Some(-1)), (0, None)] {
            assert_eq!(remembered("2026-03-01T00:00:00Z", written).observed_generation(), kept);
        }
    }
}
