//! Whether a command printed what its page shows. Lines that are shown come in this order, others may stand between them;
//! spaces, ages and times of day are not compared; `…` stands for anything.

/// # Errors
/// The first line that is not there.
pub fn shows(output: &str, shown: &str) -> Result<(), String> {
    let mut lines = output.lines();
    for line in shown.lines().filter(|line| !matches!(line.trim(), "" | "…")) {
        let wanted: Vec<_> = line.split_whitespace().collect();
        let same = |line: &str| alike(&line.split_whitespace().collect::<Vec<_>>(), &wanted);
        if !lines.any(same) {
            return Err(line.to_owned());
        }
    }
    Ok(())
}

fn alike(words: &[&str], wanted: &[&str]) -> bool {
    match (words, wanted) {
        (_, ["…", rest @ ..]) => {
            (0..=words.len()).any(|at| words.get(at..).is_some_and(|left| alike(left, rest)))
        }
        ([word, words @ ..], [shown, wanted @ ..]) => fits(word, shown) && alike(words, wanted),
        ([], []) => true,
        _ => false,
    }
}

fn fits(word: &str, shown: &str) -> bool {
    let whole = word == shown || (age(word) && age(shown)) || (time(word) && time(shown));
    whole
        || shown.split_once('…').is_some_and(|(head, tail)| {
            word.len() >= head.len() + tail.len() && word.starts_with(head) && word.ends_with(tail)
        })
}

/// `17s`, `3m5s`, `2d`.
fn age(word: &str) -> bool {
    let units = word.chars().filter(char::is_ascii_alphabetic).count();
    word.starts_with(|c: char| c.is_ascii_digit())
        && units > 0
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, 's' | 'm' | 'h' | 'd'))
}

/// `15:47:13`, `2026-11-29T15:47:13Z`.
fn time(word: &str) -> bool {
    word.contains(':')
        && word
            .trim_matches('"')
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ':' | '-' | 'T' | 'Z' | '.'))
}

#[test]
fn what_is_shown_is_compared_as_a_reader_does() {
    let cases = [
        ("the same", "a b\nc\n", "a b\nc\n", true),
        ("other spaces, another age", "NAME   AGE\nx  3m5s\n", "NAME AGE\nx 17s\n", true),
        ("lines between", "a\nb\nc\n", "a\nc\n", true),
        ("another order", "a\nb\n", "b\na\n", false),
        ("a word is missing", "READY\n", "READY AGE\n", false),
        ("a word too many", "x True extra\n", "x True\n", false),
        ("anything to the end", "x: this and that\n", "x: …\n", true),
        ("anything within a word", "[ordain:7sjzfbfl/asys]\n", "[ordain:…/…]\n", false),
        ("a word that begins so", "[ordain:7sjzfbfl/asys]\n", "[ordain:…]\n", true),
        ("another number is no age", "x 3\n", "x 4\n", false),
    ];
    for (why, output, shown, expected) in cases {
        assert_eq!(shows(output, shown).is_ok(), expected, "{why}");
    }
}
