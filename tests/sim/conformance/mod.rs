//! One suite that every driver passes, whatever its system calls things. What a system cannot do is a fact of its driver
//! and an exception that follows from it ([`ordain::drivers::Facts::exception`]), printed into docs/reference/systems.md,
//! and no case of a test.

mod crash;
mod events;
mod faults;
mod identity;
mod life;
mod log;
mod plot;
mod shared;
pub mod subjects;

use ordain::report::facts::Standing;
use serde_json::Value;

use crate::support::rig::Rig;

/// A system as the suite sees it.
pub struct Subject {
    /// For whoever reads the output: the system, and its dialect.
    pub title: &'static str,
    /// The name of its double in the rig.
    pub name: &'static str,
    /// A worker around its double.
    pub rig: fn() -> Rig,
    /// `spec` of a Policy, in this edition.
    pub policy: fn(u8) -> Value,
    /// `spec` of an assignment with these targets; where the system has none, always the same.
    pub targets: fn(u8) -> Value,
    /// What stands there of ours, without ids, versions and times.
    pub ours: fn(&Rig) -> Vec<Value>,
    /// Everything else.
    pub others: fn(&Rig) -> Value,
    /// Whether one of ours says what this edition says.
    pub says: fn(&Value, u8) -> bool,
    /// Whom one of ours reaches, for comparison only.
    pub reaches: fn(&Value) -> Value,
    /// Somebody changes the content of ours in the console.
    pub by_hand: fn(&Rig),
    /// Somebody makes an object there, and names it: what it takes to adopt it. Nobody makes documents.
    pub made_by_hand: Option<fn(&Rig) -> Value>,
    /// Somebody gives that object one more member; where the system has no targets, nothing.
    pub gives: fn(&Rig),
    /// Somebody removes the object whose name begins so.
    pub removes: fn(&Rig, &str),
    /// How the Event about drift tells who changed it, as far as the system does.
    pub author: &'static str,
    /// Whether a call, `METHOD /path?query`, may change something.
    pub is_effect: fn(&str) -> bool,
    /// Whether a call shows the credentials, so that it may be one refusal more.
    pub is_login: fn(&str) -> bool,
    /// Another key of the credentials, so that they are refused.
    pub wrong_key: (&'static str, &'static str),
    /// Assignments of one Policy are one object (R5).
    pub keyed_by_policy: bool,
    /// The system has targets.
    pub has_targets: bool,
    /// A create is answered with the id of what was made; else the next read finds it.
    pub tells_ids: bool,
    /// How the system publishes, where that is a step of its own.
    pub deploys: Option<Deploys>,
    /// What only this system does wrong.
    pub faults: fn() -> Faults,
}

/// One deployment for everybody (R18).
pub struct Deploys {
    /// Whether a call starts one.
    pub is_deploy: fn(&str) -> bool,
    /// From now on one takes so long that it is looked after several times.
    pub takes_long: fn(&Rig),
    /// Somebody else changes something of theirs and does not publish it.
    pub foreign_change: fn(&Rig),
    /// Somebody else publishes.
    pub foreign_deploy: fn(&Rig),
    /// What devices hold, and what waits.
    pub published: fn(&Rig) -> Value,
}

/// Faults that only one double plays.
pub struct Faults {
    /// Struck at each call in turn.
    pub at_every_call: Vec<Value>,
    /// Of those that pick their call themselves, one run each.
    pub once: Vec<Value>,
}

impl Subject {
    /// Calls made so far that may have changed something.
    pub fn effects(&self, rig: &Rig) -> Vec<String> {
        rig.vendors.calls(self.name).into_iter().filter(|call| (self.is_effect)(call)).collect()
    }

    /// One assignment, applied and settled.
    pub async fn settled(&self) -> Rig {
        let mut rig = (self.rig)();
        rig.assign("one", (self.policy)(1), (self.targets)(1));
        rig.start();
        rig.settle().await;
        self.assert_in_step(&rig, "one", "applied");
        self.assert_sayable(&rig);
        rig
    }

    /// The API server takes what the Backend says of its capabilities (the pattern of the CRD).
    fn assert_sayable(&self, rig: &Rig) {
        let said = rig.cluster.backend_last().capabilities;
        assert!(!said.is_empty(), "{}: nothing is said of what the account may do", self.name);
        for name in said.keys() {
            let inner = name.chars().all(|c| c.is_ascii_alphanumeric() || "_,:".contains(c));
            let ends = name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            assert!(inner && begins && ends, "{}: {name}", self.name);
        }
    }

    /// It stands in step, and the system holds it.
    pub fn assert_in_step(&self, rig: &Rig, name: &str, when: &str) {
        let said = rig.cluster.facts(name).pop();
        assert_eq!(
            rig.cluster.standing(name),
            Some(Standing::InStep),
            "{} {when}: {said:#?}\n{:#?}",
            self.name,
            self.effects(rig)
        );
    }

    /// The one object there is of ours.
    pub fn only(&self, rig: &Rig, when: &str) -> Value {
        let ours = (self.ours)(rig);
        assert_eq!(ours.len(), 1, "{} {when}: {ours:#?}", self.name);
        ours.into_iter().next().unwrap()
    }
}

/// The suite, once for every system.
macro_rules! conform {
    ($($system:ident),*) => {$(
        mod $system {
            use super::{crash, events, faults, identity, life, log, plot::Plot, shared, subjects::$system as system};

            #[tokio::test(start_paused = true)]
            async fn is_what_its_driver_says() {
                life::is_what_its_driver_says(&system::subject());
            }

            #[tokio::test(start_paused = true)]
            async fn lives_and_is_quiet() {
                life::lives(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn puts_back_what_somebody_changed() {
                life::drifts(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn tells_every_effect_in_a_line_and_nothing_else() {
                log::tells_every_effect(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn repeats_nothing_of_an_answer_in_the_log() {
                log::repeats_no_answer(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn events_are_few_and_stable() {
                events::are_few_and_stable(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn suspended_from_the_start_is_not_said_to_be_in_step() {
                life::waits_while_suspended(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn removals_over_the_limit_wait() {
                life::is_guarded(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn orphans_without_a_call_and_finds_again() {
                identity::orphans(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn finds_its_own_after_a_restore_and_without_its_store() {
                identity::survives(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn adopts_on_purpose_only_and_never_deletes_what_it_adopted() {
                identity::adopts(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn restores_what_it_adopted_and_leaves_to_others_what_is_theirs() {
                identity::restores(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn makes_anew_what_it_made_and_tells_of_what_it_adopted() {
                identity::vanishes(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn two_installations_leave_each_other_alone() {
                identity::shares_the_account(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn wrong_credentials_stall_the_backend_and_right_ones_heal_it() {
                faults::credentials(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn every_fault_of_creating_ends_in_one_object() {
                faults::every_one(&system::subject(), Plot::Create).await;
            }

            #[tokio::test(start_paused = true)]
            async fn every_fault_of_an_edit_ends_with_the_edit() {
                faults::every_one_of_edits(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn every_fault_of_a_release_ends_with_nothing() {
                faults::every_one(&system::subject(), Plot::Release).await;
            }

            #[tokio::test(start_paused = true)]
            async fn several_assignments_of_one_policy_are_one_object() {
                shared::shared(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn members_stay_unless_a_living_witness_lets_go() {
                shared::keeps(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn create_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Create).await;
            }

            #[tokio::test(start_paused = true)]
            async fn create_killed_twice() {
                crash::pairs(&system::subject()).await;
            }

            #[tokio::test(start_paused = true)]
            async fn edit_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Edit).await;
            }

            #[tokio::test(start_paused = true)]
            async fn retarget_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Retarget).await;
            }

            #[tokio::test(start_paused = true)]
            async fn release_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Release).await;
            }

            #[tokio::test(start_paused = true)]
            async fn restore_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Restore).await;
            }

            #[tokio::test(start_paused = true)]
            async fn adoption_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Adopt).await;
            }

            #[tokio::test(start_paused = true)]
            async fn deployment_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::Deploy).await;
            }

            #[tokio::test(start_paused = true)]
            async fn deployment_of_others_changes_too_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::DeployAlong).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_deployment_that_others_hold_killed_anywhere() {
                crash::sweep(&system::subject(), Plot::DeployHeld).await;
            }
        }
    )*};
}

conform!(
    wfbss,
    symphony,
    app_shield,
    app_shield_get,
    app_shield_listed,
    tachyon,
    wso2,
    wso2_mdm_admin,
    wso2_put,
    wso2_entgra
);
