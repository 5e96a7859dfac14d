//! What a page asks its reader to do, in order.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Something to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Commands to type, and what they print where the page shows it.
    Command {
        /// As typed.
        text: String,
        /// What is printed.
        shown: Option<String>,
        /// Where in the page it stands.
        line: usize,
    },
    /// YAML to apply, or to save under the name in its first line.
    Manifest {
        /// The name.
        file: Option<String>,
        /// The YAML.
        text: String,
    },
}

/// `sh` blocks are typed as they are; in `console` blocks what follows a `$ ` is typed, and the rest printed; `yaml` is a
/// manifest. All else is there to be read.
pub fn steps(page: &str) -> Vec<Step> {
    let (mut found, mut block) = (Vec::new(), None::<(String, usize, String)>);
    for (event, range) in Parser::new(page).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                let line = page[..range.start].lines().count() + 1;
                block = Some((language.to_string(), line, String::new()));
            }
            Event::Text(words) => {
                if let Some((_, _, text)) = &mut block {
                    text.push_str(&words);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some((language, line, text)) = block.take() else { continue };
                match language.split([' ', ',']).next().unwrap_or_default() {
                    "sh" | "bash" | "shell" => found.push(Step::Command { text, shown: None, line }),
                    "console" => found.extend(console(&text, line)),
                    "yaml" => found.push(manifest(text)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

fn console(text: &str, line: usize) -> Vec<Step> {
    let mut found: Vec<Step> = Vec::new();
    for (at, row) in text.lines().enumerate() {
        match (row.strip_prefix("$ "), found.last_mut()) {
            (Some(typed), _) => {
                found.push(Step::Command { text: typed.to_owned(), shown: None, line: line + at + 1 });
            }
            (None, Some(Step::Command { text, shown: None, .. })) if text.ends_with('\\') => {
                text.push('\n');
                text.push_str(row);
            }
            (None, Some(Step::Command { shown, .. })) => {
                let shown = shown.get_or_insert_default();
                shown.push_str(row);
                shown.push('\n');
            }
            (None, _) => panic!("a console block begins with what is typed: {row}"),
        }
    }
    found
}

fn manifest(text: String) -> Step {
    let named = text.lines().next().and_then(|line| line.strip_prefix("# "));
    let is_file =
        |name: &&str| name.rsplit_once('.').is_some_and(|(_, end)| end == "yaml") && !name.contains(' ');
    let file = named.filter(is_file).map(str::to_owned);
    Step::Manifest { file, text }
}

#[test]
fn a_page_is_read_in_order() {
    let page = "# T\n\n```sh\na\nb\n```\n\n- in a list:\n  ```yaml\n  # x.yaml\n  k: v\n  ```\n\n```console\n$ c \\\n    d\nout\n$ e\n```\n\n```text\nno\n```\n";
    let command = |text: &str, shown: Option<&str>, line| Step::Command {
        text: text.into(),
        shown: shown.map(Into::into),
        line,
    };
    let expected = [
        command("a\nb\n", None, 3),
        Step::Manifest { file: Some("x.yaml".into()), text: "# x.yaml\nk: v\n".into() },
        command("c \\\n    d", Some("out\n"), 15),
        command("e", None, 18),
    ];
    assert_eq!(steps(page), expected);
}
