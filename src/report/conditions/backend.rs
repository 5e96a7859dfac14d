//! The status of a Backend or `ClusterBackend`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Draft, Verdict, short, whole_seconds};
use crate::{
    api::{
        Account, BackendStatus, Capability, CapabilityState, ConditionStatus, ConditionType, LostMemory,
        Memory, ObjectCounts, Reason, SystemName, limits,
    },
    report::{
        facts::{BackendFacts, BackendStanding},
        memo::Memo,
    },
};

/// What the cluster should say of a backend, given what it says now.
pub fn backend_status(facts: &BackendFacts, before: Option<&Memo>, now: Timestamp) -> BackendStatus {
    let mut draft = Draft::new(facts.generation, before, now);
    draft.verdict(&verdict(&facts.standing));
    if let Some((reason, message)) = &facts.pending_deployment {
        draft.add(ConditionType::PendingDeployment, ConditionStatus::True, *reason, message);
    }
    if let Some(message) = &facts.held {
        draft.add(ConditionType::Held, ConditionStatus::True, Reason::HeldByGuard, message);
    }
    BackendStatus {
        observed_generation: Some(facts.generation),
        conditions: draft.finish(),
        last_handled_reconcile_at: facts.handled_request.as_deref().and_then(short),
        account: facts.account.as_ref().and_then(account),
        capabilities: facts.capabilities.iter().take(limits::CAPABILITIES).map(capability).collect(),
        objects: Some(objects(facts.objects)),
        memory: memory(facts),
    }
}

fn verdict(standing: &BackendStanding) -> Verdict {
    match standing {
        BackendStanding::Ready => Verdict::ready(Reason::Connected),
        BackendStanding::Working(reason, message) => Verdict::reconciling(*reason, message),
        BackendStanding::Stalled(reason, message) => Verdict::stalled(*reason, message),
        // No call is made, so nothing proves that the system answers.
        BackendStanding::Suspended => Verdict::resting(ConditionStatus::False, Reason::Suspended, ""),
        BackendStanding::Terminating(message) => Verdict::reconciling(Reason::Terminating, message),
    }
}

fn account([system, api, version, fingerprint, tenant]: &[String; 5]) -> Option<Account> {
    let system = SystemName::ALL.iter().copied().find(|name| name.as_str() == system)?;
    Some(Account {
        system,
        api: short(api),
        version: short(version),
        fingerprint: short(fingerprint),
        tenant: short(tenant),
    })
}

fn capability((name, state): (&String, &String)) -> Capability {
    let known = CapabilityState::ALL.iter().copied().find(|known| known.as_str() == state);
    Capability {
        name: limits::clip(name, limits::STATUS_TEXT),
        state: known.unwrap_or(CapabilityState::Unknown),
    }
}

fn objects([managed, drifted, pending, orphaned, inert]: [u32; 5]) -> ObjectCounts {
    ObjectCounts {
        managed: managed.into(),
        drifted: drifted.into(),
        pending: pending.into(),
        orphaned: orphaned.into(),
        inert_leftovers: (inert > 0).then(|| inert.into()),
    }
}

fn memory(facts: &BackendFacts) -> Option<Memory> {
    let of = |word: &String| LostMemory::ALL.iter().copied().find(|known| known.as_str() == word);
    let mut lost: Vec<_> = facts.memory_lost.iter().filter_map(of).collect();
    lost.sort_unstable();
    lost.dedup();
    let since = facts.memory_since.map(|since| Time(whole_seconds(since)));
    (since.is_some() || !lost.is_empty()).then_some(Memory { since, lost })
}
