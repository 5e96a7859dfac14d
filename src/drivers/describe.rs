//! What `describe` gives: the words of a Policy and a `PolicyAssignment` for what somebody made in the console.

use serde_json::Value;

use crate::api::{AssignmentTargets, PolicySpec, Selector, Wso2Options};

/// One object or document in the words of our API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Described {
    /// Content, name, description and switch.
    pub policy: PolicySpec,
    /// Whom it reaches; `None` on a system without targets.
    pub targets: Option<AssignmentTargets>,
    /// Options of WSO2, EMM and Entgra.
    pub wso2: Option<Wso2Options>,
    /// What people call it, where its name says only where it is.
    pub title: Option<String>,
    /// What is left out and therefore stays as it is, in sentences.
    pub notes: Vec<String>,
}

/// Targets that are one selection.
pub fn only(selector: Selector) -> AssignmentTargets {
    AssignmentTargets { include: Some(vec![selector]), ..AssignmentTargets::default() }
}

/// Words in the names of settings whose text is a secret, in whatever spelling.
const SECRETS: [&str; 10] = [
    "accesskey",
    "apikey",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "presharedkey",
    "privatekey",
    "secret",
    "token",
];

/// Words that are a secret's name by themselves, or at the end of one: `PASSCODE_POLICY` and `pinHistory` name none.
const WORDS: [&str; 3] = ["passcode", "pin", "pwd"];

/// Whether a value may give a secret away, by the name it stands under, or hides one behind stars.
///
/// The systems show passwords of mail, VPN and Wi-Fi profiles in clear (wso2 sheet section 9), and no list of such settings
/// exists. A flag is none, nor a number unless it is called a secret itself: `passwordMinLength: 8` may be shown.
pub fn is_telling(key: &str, value: &Value) -> bool {
    let text = match value {
        Value::String(text) => text,
        Value::Number(_) => return ends_in_a_secret(key),
        _ => return false,
    };
    let masked = text.chars().count() > 2 && text.chars().all(|c| matches!(c, '*' | '\u{2022}' | '\u{25cf}'));
    (names_a_secret(key) && !text.is_empty()) || masked
}

/// Whether what is called so is a secret wherever it is a text.
pub fn names_a_secret(key: &str) -> bool {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    plain == "psk"
        || SECRETS.iter().any(|word| plain.contains(word))
        || key.split('/').any(|name| WORDS.contains(&&*last_word(name)))
}

/// Whether a number of that name is one.
fn ends_in_a_secret(key: &str) -> bool {
    let last = last_word(key);
    WORDS.contains(&&*last) || matches!(&*last, "passphrase" | "passwd" | "password" | "psk" | "secret")
}

/// The last word of a name, in lower case: `pin` of `devicePin`, `device-pin`, `DEVICE_PIN` and `pin`.
fn last_word(name: &str) -> String {
    let word = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let upper = |c: char| c.is_ascii_uppercase();
    // Where it begins with a capital after a small letter; a word in capitals alone is one.
    let starts = word.char_indices().zip(word.chars().skip(1));
    let cut = starts.filter(|((_, a), b)| !upper(*a) && upper(*b)).map(|((at, _), _)| at + 1).last();
    word.get(cut.unwrap_or(0)..).unwrap_or(word).to_lowercase()
}

/// The JSON pointers of everything below `value` that [`is_telling`].
pub fn telling(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", "", value, &mut found);
    found
}

fn walk(at: &str, key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        // An element of a list is what the list is called.
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| walk(&format!("{at}/{i}"), key, item, found));
        }
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            let segment = key.replace('~', "~0").replace('/', "~1");
            walk(&format!("{at}/{segment}"), key, value, found);
        }),
        _ if is_telling(key, value) => found.push(at.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_a_secret_is_found_wherever_it_stands() {
        let cases = [
            (json!({"password": "x"}), vec!["/password"], "by its name"),
            (json!({"a": {"shared-Secret": "x"}}), vec!["/a/shared-Secret"], "in any spelling, at any depth"),
            (json!({"list": [{"PSK": "x"}]}), vec!["/list/0/PSK"], "in a list"),
            (json!({"tokens": ["x", 1]}), vec!["/tokens/0"], "a list of them"),
            (json!({"a/b": {"pass_word": "x"}}), vec!["/a~1b/pass_word"], "a pointer that leads there"),
            (json!({"note": "****"}), vec!["/note"], "behind stars"),
            (json!({"pin": "1234"}), vec!["/pin"], "a word by itself"),
            (
                json!({"devicePin": 1234, "DEVICE_PIN": 5678}),
                vec!["/DEVICE_PIN", "/devicePin"],
                "a number, too",
            ),
            (
                json!({"unlock-passcode": "x", "adminPWD": "x"}),
                vec!["/adminPWD", "/unlock-passcode"],
                "the last word",
            ),
            (
                json!({"pinHistory": "5", "shipping": "x", "PASSCODE_POLICY": {"minLength": "4"}}),
                vec![],
                "no such word",
            ),
            (json!({"passwordMinLength": 8, "requirePassword": true}), vec![], "a number or a flag is none"),
            (json!({"password": ""}), vec![], "nothing is no secret"),
            (json!({"filter": "*"}), vec![], "a wildcard is no mask"),
            (json!({"name": "secret"}), vec![], "its name counts, not its text"),
        ];
        for (value, expected, why) in cases {
            assert_eq!(telling(&value), expected, "{why}");
        }
    }
}
