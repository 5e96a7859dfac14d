//! F27, F29, F36, F37: whatever a server answers, the account says so, few calls are made, nothing is written on the
//! strength of it, and everything goes on by itself once the answers are right.

use ordain::{
    api::Reason,
    report::facts::{BackendStanding, Standing},
    sandbox::{
        wfbss::{WfbssDouble, WfbssOptions},
        wso2::{Dialect, Wso2Double, Wso2Options},
    },
};
use serde_json::{Value, json};

use crate::support::rig::Rig;

/// Answers to every call, and the reason to be given for them.
fn answers() -> Vec<(Value, Reason)> {
    let status = |code: u16| json!({"kind": "status", "code": code});
    let throttled = |after: &str| json!({"kind": "status", "code": 429, "retryAfter": after});
    vec![
        (status(401), Reason::Unauthorized),
        (status(429), Reason::Throttled),
        (throttled("99999999999999999999"), Reason::Throttled),
        (throttled("-5"), Reason::Throttled),
        (throttled("Wed, 21 Oct 2099 07:28:00 GMT"), Reason::Throttled),
        (throttled("soon"), Reason::Throttled),
        (
            json!({"kind": "status", "code": 500, "body": "\u{0}\u{202e}oops".repeat(5000)}),
            Reason::Unreachable,
        ),
        (status(204), Reason::UnexpectedAnswer),
        (json!({"kind": "html"}), Reason::UnexpectedAnswer),
        (json!({"kind": "status", "code": 200, "body": nested(20_000)}), Reason::UnexpectedAnswer),
        (json!({"kind": "gzipBomb", "megabytes": 16}), Reason::UnexpectedAnswer),
        (json!({"kind": "redirect", "location": "http://elsewhere.test/"}), Reason::Unreachable),
        (json!({"kind": "endless"}), Reason::Unreachable),
        (json!({"kind": "truncate", "bytes": 7}), Reason::Unreachable),
        (json!({"kind": "dropBefore"}), Reason::Unreachable),
        (json!({"kind": "dropAfter"}), Reason::Unreachable),
    ]
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn rig(system: &str) -> Rig {
    let rig = match system {
        "wfbss" => Rig::new("wfbss", |clock| WfbssDouble::new(WfbssOptions::default(), clock), |_| {}),
        _ => Rig::new("wso2", |clock| Wso2Double::new(Wso2Options::of(Dialect::DeviceMgtV1), clock), |_| {}),
    };
    match system {
        "wfbss" => {
            rig.assign(
                "one",
                crate::wfbss::settings(&json!({"wtp": {"level": 3}})),
                crate::wfbss::to_servers(&json!({})),
            );
        }
        _ => rig.assign("one", crate::wso2::policy(6), crate::wso2::to_roles(&["engineer"])),
    }
    rig
}

/// What the account holds, without what only counts or tells the time.
fn holds(rig: &Rig, system: &str) -> Value {
    rig.state(system)[if system == "wfbss" { "customers" } else { "policies" }].clone()
}

/// The reason of a backend that is not ready, and its words.
fn told(rig: &Rig) -> Option<(Reason, String)> {
    match rig.cluster.backend_last().standing {
        BackendStanding::Working(reason, words) | BackendStanding::Stalled(reason, words) => {
            Some((reason, words))
        }
        _ => None,
    }
}

/// The answer for an hour: an hour has room for 60 readings of a Secret (R24) and for the probes of a growing pause.
async fn an_hour_of(rig: &Rig, system: &str, answer: &Value, expected: Reason) {
    let case = format!("{system}: {}", answer.to_string().chars().take(80).collect::<String>());
    let (before, calls) = (holds(rig, system), rig.vendors.calls(system).len());
    rig.fault(system, answer.clone());
    rig.pass(3600).await;
    let calls = rig.vendors.calls(system).len() - calls;
    assert!((2..=65).contains(&calls), "{case}: {calls} calls in an hour");
    let (reason, words) = told(rig).unwrap_or_else(|| panic!("{case}: nothing is told"));
    assert_eq!(reason, expected, "{case}: {words}");
    assert!(words.contains(".test") && words.chars().count() < 1000, "{case}: {words}");
    assert!(!words.contains(['\u{0}', '\u{202e}']), "{case}: {words}");
    assert_eq!(holds(rig, system), before, "{case}");
    rig.heal(system);
    rig.pass(3600).await;
    let standing = rig.cluster.standing("one");
    assert_eq!(standing, Some(Standing::InStep), "{case}: {:?}", told(rig));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_answers_nonsense_from_the_start_is_told_and_left_in_peace() {
    for system in ["wso2", "wfbss"] {
        for (answer, expected) in answers() {
            let mut rig = rig(system);
            rig.start();
            an_hour_of(&rig, system, &answer, expected).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_begins_to_answer_nonsense_keeps_what_it_holds() {
    for system in ["wso2", "wfbss"] {
        for (answer, expected) in answers().into_iter().filter(|(answer, _)| answer["kind"] != "endless") {
            let mut rig = rig(system);
            rig.start();
            rig.pass(60).await;
            assert_eq!(rig.cluster.standing("one"), Some(Standing::InStep), "{system}");
            rig.edit_backend(|backend| backend.requested_at = Some("now".into()));
            an_hour_of(&rig, system, &answer, expected).await;
        }
    }
}
