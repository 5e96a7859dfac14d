//! The effect log: every call that changed something is told in a line, and nothing else is.

use std::collections::BTreeMap;

use ordain::drivers::Promise;
use serde_json::{Value, json};

use super::{Subject, faults::undisturbed, plot::Plot};
use crate::support::{
    log::{Line, Log},
    rig::Rig,
};

/// Verbs of steps that concern what an object holds.
const CONTENT: [&str; 5] = ["create", "replace", "write", "restore", "delete"];

/// Created, edited, changed by somebody, released: as many calls are told as the system saw.
pub async fn tells_every_effect(subject: &Subject) {
    let log = Log::new();
    let rig = subject.settled().await;
    let first = is_complete(subject, &rig, &log, "created");
    assert!(first.iter().all(|line| line.get("why") != "drift"), "{}: {first:#?}", subject.title);
    assert_eq!(first[0].get("before"), before_the_first(&first[0]), "{}: {first:#?}", subject.title);

    let quiet = log.ours().len();
    rig.pass(10 * 30 * 60).await;
    let said = log.ours().split_off(quiet);
    assert!(said.is_empty(), "{}: ten intervals in which nothing changes: {said:#?}", subject.title);

    (subject.by_hand)(&rig);
    rig.pass(45 * 60).await;
    rig.settle().await;
    let mended = is_complete(subject, &rig, &log, "changed by somebody");
    if rig.facts().exception(Promise::DriftSeen).is_none() {
        puts_back(subject, &mended);
    }

    let seen = mended.len();
    rig.assign("one", (subject.policy)(2), (subject.targets)(1));
    rig.settle().await;
    let all = is_complete(subject, &rig, &log, "edited");
    let edited = &all[seen..];
    assert!(edited.iter().any(|line| line.get("policies") == "team/one-policy@2"), "{edited:#?}");
    let for_that = |line: &Line| ["edit", "order", "deploy"].contains(&line.get("why"));
    assert!(edited.iter().all(for_that), "{}: {edited:#?}", subject.title);

    // Where an edition names fewer settings, one is put back as it was before anybody came.
    rig.assign("one", (subject.policy)(1), (subject.targets)(1));
    rig.settle().await;
    (subject.by_hand)(&rig);
    rig.pass(45 * 60).await;
    rig.settle().await;
    let back = is_complete(subject, &rig, &log, "edited back, and changed by somebody");
    if rig.facts().exception(Promise::DriftSeen).is_none() {
        puts_back(subject, &back[all.len()..]);
    }

    // Edited and deleted at once: the fourth generation is never sent.
    rig.assign("one", (subject.policy)(2), (subject.targets)(1));
    rig.delete("one");
    rig.settle().await;
    let released = is_complete(subject, &rig, &log, "released").split_off(back.len());
    assert!(!released.is_empty(), "{}", subject.title);
    let sent = |line: &&Line| ["team/one-policy@3", ""].contains(&line.get("policies"));
    let for_that = |line: &Line| line.get("verb") == "deploy" || line.get("why").starts_with("released");
    assert!(released.iter().all(for_that), "{}: {released:#?}", subject.title);
    assert!(released.iter().all(|line| sent(&line)), "{}: {released:#?}", subject.title);
    says_no_value(subject, &rig, &log.effects());
    continues(subject, &log.effects());
    says_why_and_for_whom(subject, &log.effects());
}

/// What a system repeats in an answer of what it was sent: a setting's value, a secret of a Policy.
const REPEATED: &str = "zq7-what-a-setting-holds";

/// An edit that is refused or lost, and reads that fail, by a system that repeats what it was sent: failures are told
/// by reason, call and status, and nothing of the answers is.
pub async fn repeats_no_answer(subject: &Subject) {
    let calls = undisturbed(subject, Plot::Edit).await;
    let first = calls.iter().position(|call| (subject.is_effect)(call)).unwrap();
    let refused = json!({"kind": "status", "code": 400, "body": REPEATED});
    let garbled = json!({"kind": "status", "code": 200, "body": format!("{{{REPEATED}"), "effect": true});
    let lost = json!({"kind": "dropAfter"});
    let reads = json!({"kind": "status", "code": 500, "body": REPEATED, "match": {"method": "GET"}});
    // Not every system is asked for more than that it answers 200, nor with GET.
    let cases = [
        (refused, first, Some(("failed", "400"))),
        (garbled, first, None),
        (lost, first, Some(("unknown", ""))),
        (reads, 0, None),
    ];
    for (fault, skip, expected) in cases {
        let at = format!("{} {fault}", subject.title);
        let told = disturbed(subject, fault, skip).await;
        let said = told.as_ref().map(|line| (line.get("outcome"), line.get("status")));
        assert!(expected.is_none() || said == expected, "{at}: {told:#?}");
        if let Some(line) = told {
            let whole = !line.get("reason").is_empty() && line.get("call").contains(" https://");
            assert!(whole, "{at}: {line:#?}");
        }
    }
}

/// The line that tells of the fault at a call of an edit, if one does.
async fn disturbed(subject: &Subject, mut fault: Value, skip: usize) -> Option<Line> {
    let rig = subject.settled().await;
    let log = Log::new();
    (fault["skip"], fault["times"]) = (skip.into(), 1.into());
    rig.fault(subject.name, fault);
    rig.assign("one", (subject.policy)(2), (subject.targets)(1));
    rig.pass(15 * 60).await;
    rig.settle().await;
    let lines = log.ours();
    let repeats = |line: &&Line| line.fields.values().any(|text| text.contains(REPEATED));
    assert_eq!(lines.iter().find(repeats).map(|line| &line.fields), None, "{}", subject.title);
    lines.into_iter().find(|line| ["failed", "unknown"].contains(&line.get("outcome")))
}

/// Documents are there before us.
fn before_the_first(line: &Line) -> &str {
    if line.get("verb") == "create" { "-" } else { line.get("before") }
}

/// Calls told, each step once, against calls seen; who, what and why stand in each line.
fn is_complete(subject: &Subject, rig: &Rig, log: &Log, when: &str) -> Vec<Line> {
    let lines = log.effects();
    let steps = lines.iter().filter(|line| line.get("part").starts_with("1/"));
    let told: usize = steps.map(|line| line.get("requests").parse::<usize>().unwrap()).sum();
    let seen = subject.effects(rig);
    assert_eq!(told, seen.len(), "{} {when}: {lines:#?}\n{seen:#?}", subject.title);
    for line in &lines {
        for field in ["backend", "system", "verb", "why", "before", "after", "outcome"] {
            assert!(!line.get(field).is_empty(), "{} {when}: no {field} in {line:#?}", subject.title);
        }
        // A deploy is of the whole account.
        for field in ["object", "title", "assignments", "policies"] {
            let whole = line.get("verb") == "deploy";
            assert_eq!(line.get(field).is_empty(), whole, "{} {when}: {field} of {line:#?}", subject.title);
        }
        let made = line.get("verb") == "create" && subject.tells_ids;
        assert!(!made || !line.get("id").is_empty(), "{} {when}: no id in {line:#?}", subject.title);
        assert!(["applied", "pending"].contains(&line.get("outcome")), "{} {when}: {line:#?}", subject.title);
        assert_eq!(line.get("backend"), rig.id.to_string());
    }
    lines
}

/// A correction begins at something else than what we left, and ends there again.
fn puts_back(subject: &Subject, lines: &[Line]) {
    let mut left: BTreeMap<&str, &str> = BTreeMap::new();
    let mut corrected = 0;
    for line in lines.iter().filter(|line| ["create", "replace", "write"].contains(&line.get("verb"))) {
        let (object, after) = (line.get("object"), line.get("after"));
        if line.get("why") == "drift" {
            corrected += 1;
            assert_eq!(left.get(object), Some(&after), "{}: {lines:#?}", subject.title);
            assert_ne!(line.get("before"), after, "{}: {line:#?}", subject.title);
            assert!(!line.get("changes").is_empty(), "{}: {line:#?}", subject.title);
        }
        left.insert(object, after);
    }
    let drift = lines.iter().any(|line| line.get("why") == "drift");
    assert!(drift, "{}: a correction is told: {lines:#?}", subject.title);
    println!("{}: {corrected} corrections of content", subject.title);
}

/// Unless somebody came in between, or another generation is sent, which may manage other settings, what one line about an
/// object's content calls `after` the next one calls `before`. A create may be filled by a second step, and what is let go
/// of is emptied and deleted after one look.
fn continues(subject: &Subject, lines: &[Line]) {
    let mut last: Option<&Line> = None;
    for line in lines.iter().filter(|line| CONTENT.contains(&line.get("verb"))) {
        let (verb, before) = (line.get("verb"), line.get("before"));
        assert_eq!(before == "-", verb == "create", "{}: what stands is known: {line:#?}", subject.title);
        assert_eq!(line.get("after") == "-", verb == "delete", "{}: {line:#?}", subject.title);
        let same = |last: &&Line| {
            let whole = last.get("verb") != "create" && !last.get("why").starts_with("released");
            whole && last.get("policies") == line.get("policies") && line.get("why") != "drift"
        };
        if let Some(last) = last.filter(same) {
            assert_eq!(before, last.get("after"), "{}: {last:#?}\n{line:#?}", subject.title);
        }
        last = Some(line);
    }
    let edits = |generation: u8| {
        let policies = format!("team/one-policy@{generation}");
        lines.iter().find(|line| line.get("policies") == policies && line.get("why") == "edit").unwrap()
    };
    let (there, back) = (edits(2), edits(3));
    let same = there.get("changes") == back.get("changes");
    assert!(!same || there.get("before") != back.get("before"), "{}: {there:#?}\n{back:#?}", subject.title);
}

/// Each line says why in the word of its verb, on whose behalf, and of which item.
fn says_why_and_for_whom(subject: &Subject, lines: &[Line]) {
    let first = lines.iter().find(|line| !line.get("object").is_empty()).map(|line| line.get("object"));
    for line in lines {
        let (verb, why) = (line.get("verb"), line.get("why"));
        for own in ["create", "deploy"] {
            assert_eq!(verb == own, why == own, "{}: {line:#?}", subject.title);
        }
        let known =
            ["create", "edit", "drift", "order", "deploy"].contains(&why) || why.starts_with("released");
        assert!(known && (verb != "delete" || why.starts_with("released")), "{}: {line:#?}", subject.title);
        if verb != "deploy" {
            let whose = (line.get("assignments"), Some(line.get("object")));
            assert_eq!(whose, ("team/one", first), "{}: {line:#?}", subject.title);
        }
    }
}

/// No credential, and nothing that a setting holds: only names of settings, and digests.
fn says_no_value(subject: &Subject, rig: &Rig, lines: &[Line]) {
    let double = rig.vendors.of(subject.name).double();
    for secret in double.credentials().values().filter(|secret| secret.len() > 3) {
        let leaks = |line: &&Line| line.fields.values().any(|text| text.contains(secret.as_str()));
        assert!(!lines.iter().any(|line| leaks(&line)), "{}: a credential", subject.title);
    }
    for side in lines.iter().flat_map(|line| [line.get("before"), line.get("after")]) {
        let digest = side.len() == 12 && side.chars().all(|c| c.is_ascii_hexdigit());
        let word = ["-", "on", "off"].contains(&side) || side.starts_with("place ");
        assert!(digest || word, "{}: {side}", subject.title);
    }
}
