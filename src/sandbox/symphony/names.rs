//! Names and words (4.1, section 6): trimmed, unique, at most 30; words from a list.

use super::{
    answer::Failure,
    options::{NameCase, NameLength, SymphonyOptions},
};

/// The longest name of a policy, a dictionary, a classifier.
pub const LONGEST: usize = 30;

/// What an EFv2 policy does with what it finds.
pub const TYPES: [&str; 2] = ["Block", "Warn"];
/// What an EFv3 policy does with what it finds.
pub const ACTIONS: [&str; 3] = ["Block", "Warn", "LogOnly"];
/// Where an EFv2 policy looks.
pub const CONTENT_TYPES: [&str; 3] = ["Messages", "RoomMeta", "SignalMeta"];
/// Where an EFv3 policy looks.
pub const DATA_TYPES: [&str; 5] = ["Messages", "RoomMeta", "SignalMeta", "FileContent", "FileMeta"];
/// Directions of communication.
pub const SCOPES: [&str; 2] = ["Internal", "External"];
/// Kinds of files that rules of EFv3 name.
pub const FILE_TYPES: [&str; 7] = ["PDF", "WORD", "EXCEL", "POWERPOINT", "ZIP", "CSV", "TXT"];
/// What a dictionary's terms are.
pub const DICTIONARY_TYPES: [&str; 2] = ["Word", "Regex"];

/// The name as it is stored.
///
/// # Errors
/// One that is missing, empty or too long once trimmed.
pub fn trimmed(name: Option<&str>, options: &SymphonyOptions) -> Result<String, Failure> {
    let name = name.unwrap_or_default().trim();
    let length = match options.name_length {
        NameLength::Characters => name.chars().count(),
        NameLength::Bytes => name.len(),
        NameLength::Utf16 => name.encode_utf16().count(),
    };
    match length {
        0 => Err(Failure::inner(options.invalid_value_status, "name must not be empty")),
        1..=LONGEST => Ok(name.to_owned()),
        _ => Err(Failure::inner(options.invalid_value_status, "name must not be longer than 30 characters")),
    }
}

/// Whether two trimmed names are the same.
pub fn same(one: &str, other: &str, options: &SymphonyOptions) -> bool {
    match options.name_case {
        NameCase::Sensitive => one == other,
        NameCase::Insensitive => one.to_lowercase() == other.to_lowercase(),
    }
}

/// Words of a list without repetitions.
///
/// # Errors
/// An empty list, and a word that is not allowed.
pub fn words(
    what: &str,
    sent: &[String],
    allowed: &[&str],
    options: &SymphonyOptions,
) -> Result<Vec<String>, Failure> {
    if sent.is_empty() {
        return Err(Failure::inner(options.invalid_value_status, format!("{what} must not be empty")));
    }
    let mut words: Vec<String> = Vec::new();
    for one in sent {
        word(what, one, allowed, options)?;
        if !words.contains(one) {
            words.push(one.clone());
        }
    }
    Ok(words)
}

/// One word of a list.
///
/// # Errors
/// A word that is not allowed; case counts in requests.
pub fn word(what: &str, sent: &str, allowed: &[&str], options: &SymphonyOptions) -> Result<(), Failure> {
    if allowed.contains(&sent) {
        return Ok(());
    }
    let message = format!("{what} is {sent:?}, allowed are {}", allowed.join(", "));
    Err(Failure::inner(options.invalid_value_status, message))
}
