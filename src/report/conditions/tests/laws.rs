//! What holds for every status made of any facts, after any other.

use proptest::prelude::*;

use super::*;

fn any_reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(Reason::ALL.to_vec())
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (any::<Option<bool>>(), any_reason(), "[ a-z]{0,8}").prop_map(|(status, reason, message)| Fact {
        status,
        reason,
        message,
    })
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let words = || (any_reason(), "[ a-z]{0,8}");
    prop_oneof![
        Just(Standing::InStep),
        Just(Standing::Observing),
        Just(Standing::Suspended),
        words().prop_map(|(reason, message)| Standing::Working(reason, message)),
        words().prop_map(|(reason, message)| Standing::Stalled(reason, message)),
        (words(), -90_i64..90).prop_map(|((reason, message), ago)| Standing::Unresolved(
            reason,
            message,
            // Not within seconds of the moment from which it counts as stalled.
            later(10 * ago)
        )),
        (any::<bool>(), "[a-z]{0,8}")
            .prop_map(|(pending_work, message)| Standing::Unavailable { pending_work, message }),
        (words(), any::<bool>()).prop_map(|((reason, message), stalled)| Standing::Terminating {
            reason,
            message,
            stalled
        }),
    ]
}

prop_compose! {
    fn any_facts()(
        standing in any_standing(),
        (targets_resolved, accepted, in_sync) in (any_fact(), any_fact(), any_fact()),
        generation in 1_i64..4,
        of_policy in prop::option::of(1_i64..3),
        counts in prop::array::uniform6(prop_oneof![0_u32..5, Just(u32::MAX)]),
        overridden in prop::collection::vec("[a-z]{1,3}", 0..3),
    ) -> AssignmentFacts {
        let [desired, accepted_count, pending, failed, unknown, foreign] = counts;
        AssignmentFacts {
            generation,
            policy_generation: of_policy,
            sources: of_policy.map_or_else(|| SourcesDigest::of([]), sources),
            targets_resolved,
            accepted,
            in_sync,
            overridden,
            targets: TargetCounts { desired, accepted: accepted_count, pending, failed, unknown, foreign },
            ..facts(standing)
        }
    }
}

proptest! {
    #[test]
    fn every_status_of_any_facts_after_any_other_keeps_the_rules(first in any_facts(), second in any_facts()) {
        let before = Memo::of(&assignment_status(&first, None, later(-60)));
        let status = assignment_status(&second, Some(&before), now());
        let is_true = |type_| find(&status.conditions, type_).is_some_and(|c| c.status == ConditionStatus::True);
        prop_assert!(find(&status.conditions, ConditionType::Ready).is_some());
        prop_assert!(!(is_true(ConditionType::Reconciling) && is_true(ConditionType::Stalled)));
        let abnormal = is_true(ConditionType::Reconciling) || is_true(ConditionType::Stalled);
        prop_assert!(!(abnormal && is_true(ConditionType::Ready)));
        prop_assert!(status.conditions.is_sorted_by(|a, b| a.type_ < b.type_));
        for condition in &status.conditions {
            prop_assert_eq!(condition.observed_generation, status.observed_generation);
            prop_assert!(!condition.message.trim().is_empty());
            prop_assert!(!condition.type_.only_while_true() || condition.status == ConditionStatus::True);
        }
        let counts = status.targets.unwrap();
        prop_assert_eq!(counts.accepted + counts.pending + counts.failed + counts.unknown, counts.desired);
        prop_assert!(counts.accepted <= i64::from(second.targets.accepted));
        prop_assert_eq!(assignment_status(&second, Some(&Memo::of(&status)), later(5)), status, "a fixed point");
    }

    #[test]
    fn ready_is_true_only_for_what_was_read(first in any_facts(), second in any_facts()) {
        let before = Memo::of(&assignment_status(&first, None, later(-60)));
        let status = assignment_status(&second, Some(&before), now());
        let ready = find(&status.conditions, ConditionType::Ready).unwrap();
        let in_sync = find(&status.conditions, ConditionType::InSync).unwrap();
        let read = in_sync.status == ConditionStatus::True
            || in_sync.status == ConditionStatus::Unknown && in_sync.reason == Reason::NotReadable
            || ready.reason == Reason::Observing;
        prop_assert!(ready.status != ConditionStatus::True || read, "{:?}", status.conditions);
    }
}
