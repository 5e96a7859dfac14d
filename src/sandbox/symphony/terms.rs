//! What a dictionary's content means (section 6): terms between newlines and, for words, commas.

use bytes::Bytes;

use super::{
    answer::Failure,
    options::{ContentForm, SymphonyOptions},
};

/// The terms, trimmed, without empty ones. Expressions may hold commas, words may not.
pub fn split(kind: &str, content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let separates = |c: char| c == '\n' || c == '\r' || (c == ',' && kind != "Regex");
    text.split(separates).map(str::trim).filter(|term| !term.is_empty()).map(str::to_owned).collect()
}

/// What a download holds before it is put into Base64.
pub fn download(kind: &str, content: &Bytes, form: ContentForm) -> Bytes {
    match form {
        ContentForm::AsUploaded => content.clone(),
        ContentForm::Lines => split(kind, content).join("\n").into(),
        ContentForm::Commas => split(kind, content).join(",").into(),
    }
}

/// The limits nobody publishes (section 14).
///
/// # Errors
/// The first one that is broken.
pub fn check(kind: &str, content: &Bytes, options: &SymphonyOptions) -> Result<(), Failure> {
    let limits = &options.limits;
    let wrong = |message: String| Err(Failure::inner(options.invalid_value_status, message));
    if let Some(most) = limits.upload_bytes.filter(|most| content.len() > *most) {
        return wrong(format!("the content has more than {most} bytes"));
    }
    let terms = split(kind, content);
    if let Some(most) = limits.terms.filter(|most| terms.len() > *most) {
        return wrong(format!("the dictionary has more than {most} terms"));
    }
    let longest = limits.term_characters.unwrap_or(usize::MAX);
    if let Some(term) = terms.iter().find(|term| term.chars().count() > longest) {
        return wrong(format!("term {term:?} is longer than {longest} characters"));
    }
    if let Some(term) = terms.iter().find(|term| limits.rejected_terms.contains(*term)) {
        return wrong(format!("term {term:?} is not valid"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_two_separators_and_expressions_one() {
        for (kind, content, terms, why) in [
            ("Word", "a\nb\r\n\n c ", vec!["a", "b", "c"], "one per line, as the download page shows"),
            ("Word", "a,b, c", vec!["a", "b", "c"], "commas, as the schema says"),
            ("Regex", r"\d{1,3}", vec![r"\d{1,3}"], "a comma belongs to the expression"),
            ("Regex", "a\nb", vec!["a", "b"], "lines"),
        ] {
            assert_eq!(split(kind, content.as_bytes()), terms, "{why}");
        }
    }
}
