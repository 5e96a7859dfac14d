//! Cuts known secrets out of text that leaves the HTTP stack (S6).

use std::{collections::VecDeque, sync::RwLock};

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::{api::validate::is_control_or_invisible, model::Secret};

/// Longest excerpt of an answer in an error, in characters.
pub const EXCERPT: usize = 500;
/// A prefix of this many bytes betrays enough of a secret to be cut.
const TELLING: usize = 8;
/// Shorter ones occur in ordinary words; they are cut whole only.
const SHORTEST: usize = 4;
/// Sessions come and go; the oldest forms are forgotten after this many.
const KEPT: usize = 4096;
const CUT: &str = "<redacted>";

/// The secrets of one account in every spelling they may come back in.
#[derive(Default)]
pub struct Redactor {
    forms: RwLock<VecDeque<Zeroizing<String>>>,
}

impl Redactor {
    /// Cuts this secret from now on: plain, JSON-escaped, URL-encoded, in base64 and hex; each line of a PEM by itself.
    pub fn learn(&self, secret: &Secret) {
        let mut known = self.forms.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for form in spellings(secret) {
            if !known.contains(&form) {
                known.push_back(form);
            }
        }
        let excess = known.len().saturating_sub(KEPT);
        known.drain(..excess);
    }

    /// The text without any known secret or telling prefix of one.
    pub fn cut(&self, text: &str) -> String {
        let known = self.forms.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Longest first: a short form must not break a longer one that contains it.
        let mut forms: Vec<&str> = known.iter().map(|form| form.as_str()).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.into_iter().fold(text.to_owned(), |text, form| without(&text, form))
    }

    /// At most [`EXCERPT`] characters of an answer, on one line, redacted before it is shortened.
    pub fn excerpt(&self, body: &[u8]) -> String {
        // Four bytes a character, and room for a secret that straddles the end.
        let head = body.get(..EXCERPT * 16).unwrap_or(body);
        let plain = |c| if is_control_or_invisible(c) { ' ' } else { c };
        let line: String = String::from_utf8_lossy(head).chars().map(plain).collect();
        let text = self.cut(line.trim());
        match text.char_indices().nth(EXCERPT) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

fn spellings(secret: &Secret) -> Vec<Zeroizing<String>> {
    let bytes = secret.expose();
    let mut forms = Vec::new();
    if let Some(text) = secret.expose_str() {
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
            forms.push(line.to_owned());
        }
        let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        forms.push(encoded.to_lowercase());
        forms.push(encoded);
        forms.push(utf8_percent_encode(text, LENIENT).to_string());
        forms.push(utf8_percent_encode(text, LENIENT).to_string().replace("%20", "+"));
        let quoted = serde_json::Value::from(text).to_string();
        forms.push(quoted.trim_matches('"').to_owned());
    }
    for alphabet in [&STANDARD, &URL_SAFE] {
        forms.extend((0..3).map(|shift| base64_inside(bytes, shift, alphabet)));
    }
    forms.push(bytes.iter().map(|b| format!("{b:02x}")).collect());
    forms.into_iter().filter(|form| form.len() >= SHORTEST).map(Zeroizing::new).collect()
}

const LENIENT: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What base64 of a longer text shows of `bytes` when they start at `shift` modulo three.
fn base64_inside(bytes: &[u8], shift: usize, alphabet: &Alphabet) -> String {
    let mut padded = vec![0; shift];
    padded.extend_from_slice(bytes);
    let whole = padded.len() / 3 * 3;
    let text = GeneralPurpose::new(alphabet, NO_PAD).encode(padded.get(..whole).unwrap_or_default());
    let foreign = [0, 2, 3].get(shift).copied().unwrap_or(0);
    text.get(foreign..).unwrap_or_default().to_owned()
}

fn without(text: &str, form: &str) -> String {
    let telling = form.char_indices().map(|(at, _)| at).find(|at| *at >= TELLING).unwrap_or(form.len());
    let needle = form.get(..telling).unwrap_or(form);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(needle) {
        let (before, found) = rest.split_at(at);
        let shared: usize =
            found.chars().zip(form.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        out.push_str(before);
        out.push_str(CUT);
        rest = found.get(shared..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    const CANARY: &str = "q7Zp/K+3\"vX9 mN2wR5tY8uB1cD4eF6gH";

    fn redactor() -> Redactor {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(CANARY));
        redactor
    }

    #[test]
    fn every_spelling_is_cut() {
        let percent = utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string();
        let cases = [
            (CANARY.to_owned(), "plain"),
            (format!("user={CANARY}&x"), "inside"),
            (percent.clone(), "URL-encoded"),
            (percent.to_lowercase(), "URL-encoded in lower case"),
            (serde_json::json!({"password": CANARY}).to_string(), "in JSON"),
            (BASE64_STANDARD.encode(CANARY), "base64"),
            (BASE64_STANDARD.encode(format!("a:{CANARY}")), "Basic, shifted by two"),
            (BASE64_STANDARD.encode(format!("user:{CANARY}:")), "Basic, shifted by one"),
            (BASE64_URL_SAFE_NO_PAD.encode(format!("xx:{CANARY}")), "base64url"),
            (CANARY.chars().take(9).collect(), "a prefix"),
            (CANARY.bytes().map(|b| format!("{b:02x}")).collect(), "hex"),
        ];
        for (text, why) in cases {
            let cut = redactor().cut(&text);
            assert!(cut.contains(CUT), "{why}: {cut}");
            assert!(!cut.contains(&CANARY[..TELLING]), "{why}: {cut}");
        }
    }

    #[test]
    fn a_private_key_is_cut_line_by_line() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new(
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nZZZZq1w2e3r4\n-----END PRIVATE KEY-----\n",
        ));
        assert_eq!(
            redactor.cut("bad key ZZZZq1w2e3r4, key MIIEvQIBAD"),
            "bad key <redacted>, key <redacted>"
        );
    }

    #[test]
    fn an_excerpt_is_short_one_line_and_never_ends_in_half_a_secret() {
        let body = format!("{}\n{CANARY}", "ä".repeat(EXCERPT - 4));
        let excerpt = redactor().excerpt(body.as_bytes());
        assert!(excerpt.chars().count() <= EXCERPT + 1);
        assert!(!excerpt.contains('\n'));
        assert!(!excerpt.contains(&CANARY[..4]), "{excerpt}");
        assert_eq!(redactor().excerpt(&[0xff, b'a', 0]), "\u{fffd}a");
    }

    #[test]
    fn ordinary_words_survive() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("a"));
        redactor.learn(&Secret::new(""));
        assert_eq!(redactor.cut("a banana"), "a banana");
    }

    proptest! {
        #[test]
        fn no_text_around_hides_a_secret(before in any::<String>(), after in any::<String>()) {
            let cut = redactor().cut(&format!("{before}{CANARY}{after}"));
            prop_assert!(!cut.contains(CANARY));
        }
    }
}
