//! Faults of an API server, each with the requests it hits and how often.

use std::time::Duration;

use super::call::{Call, Verb};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// 409 without effect, as though somebody else had written in between.
    Conflict,
    /// Somebody else does write in between: an annotation changes before the request is handled.
    ForeignWrite,
    /// An answer of a server in trouble, without effect.
    Status {
        /// HTTP status.
        code: u16,
        /// `Retry-After`, verbatim.
        retry_after: Option<String>,
    },
    /// The connection breaks before the request arrives.
    Reset,
    /// The request is carried out; the answer never arrives, the client sees a timeout this late.
    LostAnswer(Duration),
    /// The request is carried out; what arrives is a 504.
    TimeoutAfterCommit,
    /// The request is carried out; the body of the answer breaks off half way. Does not strike
    /// watches, which have [`WatchFault::Cut`].
    Cut,
    /// The answer takes this long.
    Delay(Duration),
}

#[derive(Debug, Clone)]
enum Schedule {
    Times(u64),
    Forever,
    Percent { share: u64, random: u64 },
}

/// A fault and when it strikes. Without `on` it hits every request, without `times`, `percent`
/// or `forever` exactly one.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    verbs: Vec<String>,
    targets: Vec<String>,
    skip: u64,
    schedule: Schedule,
}

impl Fault {
    /// One strike of `kind`, at whatever comes next.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, verbs: vec![], targets: vec![], skip: 0, schedule: Schedule::Times(1) }
    }

    /// One answer with an HTTP status.
    pub fn status(code: u16) -> Self {
        Self::new(FaultKind::Status { code, retry_after: None })
    }

    /// One 429 that says when to come back.
    pub fn throttled(retry_after: &str) -> Self {
        Self::new(FaultKind::Status { code: 429, retry_after: Some(retry_after.into()) })
    }

    /// Only requests with this RBAC verb (repeat for several).
    #[must_use]
    pub fn verb(mut self, verb: &str) -> Self {
        self.verbs.push(verb.into());
        self
    }

    /// Only requests to this resource, as RBAC spells it: `policies`, `policies/status`.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        self.targets.push(target.into());
        self
    }

    /// Lets the first `count` matching requests through.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Strikes `count` times.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.schedule = Schedule::Times(count);
        self
    }

    /// Strikes until faults are cleared.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.schedule = Schedule::Forever;
        self
    }

    /// Strikes a share of the matching requests, the same ones for the same seed.
    #[must_use]
    pub fn percent(mut self, share: u64, seed: u64) -> Self {
        self.schedule = Schedule::Percent { share, random: seed };
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let whole = self.kind != FaultKind::Cut || call.verb != Verb::Watch;
        whole
            && (self.verbs.is_empty() || self.verbs.iter().any(|verb| verb == call.verb.rbac()))
            && (self.targets.is_empty() || self.targets.contains(&call.full_resource()))
    }

    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.schedule {
            Schedule::Forever => true,
            Schedule::Times(0) => false,
            Schedule::Times(left) => {
                *left -= 1;
                true
            }
            Schedule::Percent { share, random } => next_random(random) % 100 < *share,
        }
    }
}

/// `SplitMix64`: small, seedable, the same everywhere.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The fault that strikes a request, if any: the first one in order of their making.
pub fn strike(faults: &mut [Fault], call: &Call) -> Option<FaultKind> {
    faults
        .iter_mut()
        .filter(|fault| fault.matches(call))
        .find_map(|fault| fault.strikes().then(|| fault.kind.clone()))
}

/// What happens to watches that are running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchFault {
    /// The connection ends in order.
    Drop,
    /// The connection breaks.
    Reset,
    /// The connection ends in the middle of the next event.
    Cut,
    /// The connection stays and nothing comes any more, not even its end (F9).
    Stall,
    /// The last events are delivered again (F10).
    Repeat(usize),
    /// The next two events come in the wrong order (F10).
    Swap,
    /// An ERROR event with 410 Gone.
    Expire,
}
