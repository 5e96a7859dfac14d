//! Believable contents: a pod whose compliance officer has worked in it before.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    accounts::{Account, Accounts},
    estate::{Content, DictionaryRef, Estate, Hand},
    jwt::PublicKey,
    rules::{AppliesTo, FileClassifier, Rule},
};

/// The account a Backend logs in with.
pub const USERNAME: &str = "dlp-operator";
/// An account without the role; it has the same key.
pub const ARCHIVE: &str = "message-archive";
/// The number of [`USERNAME`].
pub const OPERATOR: i64 = 7_696_581_544_487;
/// The number of the person whose policies are nobody else's business.
pub const OFFICER: i64 = 7_696_581_394_433;
/// The public half of the sandbox's key.
const KEY: &str = include_str!("keys/sandbox.pub.pem");

/// Name, type, terms.
type Words = (&'static str, &'static str, &'static [&'static str]);

const DICTIONARIES: [Words; 4] = [
    ("card-patterns", "Regex", &[r"4[0-9]{12}(?:[0-9]{3})?", r"5[1-5][0-9]{14}"]),
    ("project-names", "Word", &["project-falcon", "project-heron"]),
    ("Insider & Marktmissbrauch", "Word", &["Vorabinformation", "Kursmanipulation", "front running"]),
    ("Old campaigns", "Word", &[]),
];

/// Two service accounts that log in with the sandbox's key.
pub fn accounts() -> Accounts {
    let mut accounts = Accounts::default();
    let Ok(key) = PublicKey::from_pem(KEY) else { return accounts };
    let account = |user_id, role| Account {
        user_id,
        key: key.clone(),
        active: true,
        policy_management: role,
        content_export: true,
    };
    accounts.by_name = BTreeMap::from([
        (USERNAME.to_owned(), account(OPERATOR, true)),
        (ARCHIVE.to_owned(), account(OPERATOR + 1, false)),
    ]);
    accounts
}

/// Four dictionaries, three policies of EFv2, two of EFv3, one of these the vendor's own.
pub fn estate(now: Timestamp) -> Estate {
    let mut estate = Estate::default();
    let hand = long_ago(now);
    let refs: Vec<DictionaryRef> =
        DICTIONARIES.into_iter().map(|words| dictionary(&mut estate, words, hand)).collect();
    let pick = |wanted: &[&str]| -> Vec<DictionaryRef> {
        refs.iter().filter(|one| wanted.contains(&one.name.as_str())).cloned().collect()
    };
    let cards = pick(&["card-patterns"]);
    let abuse = pick(&["Insider & Marktmissbrauch", "project-names"]);
    let v1 = |action: &str, types: &[&str], dictionaries: Vec<DictionaryRef>| Content::V1 {
        action: action.to_owned(),
        content_types: owned(types),
        dictionaries,
    };
    let all = [
        ("PCI card numbers", true, &["External"][..], v1("Block", &["Messages", "RoomMeta"], cards.clone())),
        ("Insider & Marktmissbrauch", true, &["Internal", "External"], v1("Warn", &["Messages"], abuse)),
        ("Räume: Entwurf", false, &["Internal"], v1("Warn", &["RoomMeta"], pick(&["project-names"]))),
        ("Contract leak", true, &["External"], contracts(&pick(&["project-names"]))),
        (
            "Symphony default",
            true,
            &["External"],
            Content::V3(vec![AppliesTo::text("Messages", "LogOnly", &cards)]),
        ),
    ];
    for (name, active, scopes, content) in all {
        let id = estate.add_policy((name.to_owned(), owned(scopes), content), hand, Duration::ZERO);
        if let Some(policy) = estate.policies.get_mut(&id) {
            (policy.current.active, policy.system) = (active, name == "Symphony default");
        }
    }
    estate
}

/// So many more policies of EFv2 over one dictionary each, for load tests.
pub fn crowd(estate: &mut Estate, policies: usize, dictionaries: usize, now: Timestamp) {
    let hand = long_ago(now);
    let mut refs = Vec::new();
    for number in 0..dictionaries {
        let id = estate.add_dictionary(format!("words {number}"), "Word".to_owned(), hand, Duration::ZERO);
        refs.extend(estate.dictionary(&id).map(super::estate::Dictionary::reference));
    }
    for number in 0..policies {
        let dictionaries: Vec<_> = refs.iter().cycle().skip(number).take(1).cloned().collect();
        let content =
            Content::V1 { action: "Warn".to_owned(), content_types: owned(&["Messages"]), dictionaries };
        estate.add_policy((format!("policy {number}"), owned(&["Internal"]), content), hand, Duration::ZERO);
    }
}

fn long_ago(now: Timestamp) -> Hand {
    let then = now.saturating_sub(SignedDuration::from_hours(90 * 24)).unwrap_or(now);
    Hand { user: OFFICER, now: then, elapsed: Duration::ZERO }
}

fn dictionary(estate: &mut Estate, (name, kind, terms): Words, hand: Hand) -> DictionaryRef {
    let id = estate.add_dictionary(name.to_owned(), kind.to_owned(), hand, Duration::ZERO);
    let revised = estate.dictionaries.get_mut(&id).map(|dictionary| {
        // The second version: made empty, then filled.
        let _ = dictionary.revise(hand.now, |next| next.content = terms.join("\n").into());
        dictionary.reference()
    });
    revised.unwrap_or(DictionaryRef { dict_id: id, name: name.to_owned(), version: "1.0".to_owned() })
}

fn contracts(dictionaries: &[DictionaryRef]) -> Content {
    let labels = FileClassifier {
        classifiers: BTreeMap::from([("classification".to_owned(), "Secret".to_owned())]),
        applicable_file_types: owned(&["PDF", "WORD"]),
    };
    let label = Rule {
        id: None,
        kind: "FILE_CLASSIFIER".to_owned(),
        name: "label".to_owned(),
        text_match_config: None,
        file_size_config: None,
        file_extension_config: None,
        file_password_config: None,
        file_classifier_config: Some(labels),
    };
    let files = AppliesTo {
        data_type: "FileContent".to_owned(),
        action: Some("Block".to_owned()),
        rules: vec![label],
    };
    Content::V3(vec![AppliesTo::text("Messages", "Warn", dictionaries), files])
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
