//! Who may know whom, read from the `use` lines; and how long things may get.

use std::{
    fs,
    path::{Path, PathBuf},
};

const LONGEST_FILE: usize = 400;
/// Tables of cases may be longer than what they test.
const LONGEST_TABLE: usize = 600;
const LONGEST_FUNCTION: usize = 60;

/// A rule about `use` lines below a folder (or of one file) of `src/`.
struct Rule {
    room: &'static str,
    /// Beginnings of paths that must not be imported.
    never: &'static [&'static str],
    /// Files of the room the rule does not bind.
    except: &'static [&'static str],
    why: &'static str,
}

const OUTSIDE: &[&str] = &[
    "kube::",
    "kube_client",
    "kube_runtime",
    "reqwest",
    "hyper",
    "axum",
    "tower",
    "tokio",
    "rusqlite",
    "std::fs",
    "std::net",
    "std::process",
];

const RULES: &[Rule] = &[
    Rule { room: "model", never: OUTSIDE, except: &[], why: "words of the domain do no I/O" },
    Rule { room: "plan", never: OUTSIDE, except: &[], why: "decisions are pure" },
    Rule { room: "index", never: OUTSIDE, except: &[], why: "the index is synchronous and pure" },
    Rule {
        room: "report/conditions",
        never: OUTSIDE,
        except: &[],
        why: "conditions are computed, not fetched",
    },
    Rule {
        room: "report/conditions.rs",
        never: OUTSIDE,
        except: &[],
        why: "conditions are computed, not fetched",
    },
    Rule { room: "report/facts.rs", never: OUTSIDE, except: &[], why: "facts are words" },
    Rule { room: "drivers/symphony/translate.rs", never: OUTSIDE, except: &[], why: "translating is pure" },
    Rule { room: "drivers/wso2/translate.rs", never: OUTSIDE, except: &[], why: "translating is pure" },
    Rule { room: "drivers/wfbss/translate.rs", never: OUTSIDE, except: &[], why: "translating is pure" },
    Rule { room: "drivers/tachyon/translate.rs", never: OUTSIDE, except: &[], why: "translating is pure" },
    Rule {
        room: "drivers",
        never: &[
            "kube::",
            "kube_",
            "k8s_openapi",
            "crate::worker",
            "crate::store",
            "crate::report",
            "crate::sandbox",
        ],
        except: &[],
        why: "a driver knows its system and nothing of Kubernetes or of whoever calls it",
    },
    Rule {
        room: "plan",
        never: &[
            "crate::worker",
            "crate::store",
            "crate::watch",
            "crate::drivers::wso2",
            "crate::drivers::wfbss",
        ],
        except: &[],
        why: "a plan is made for any system",
    },
    Rule {
        room: "worker",
        never: &[
            "kube::",
            "kube_",
            "k8s_openapi",
            "reqwest",
            "rusqlite",
            "crate::drivers::wso2",
            "crate::drivers::wfbss",
        ],
        except: &[],
        why: "a worker sees Kubernetes and systems through ports only",
    },
    Rule {
        room: "preview",
        never: &[
            "kube::",
            "kube_",
            "reqwest",
            "rusqlite",
            "crate::operator",
            "crate::plan::steps",
            "crate::sandbox",
        ],
        except: &[],
        why: "a plan sees Kubernetes and systems through ports only, and makes no step",
    },
    Rule {
        room: "preview",
        never: OUTSIDE,
        except: &["preview/mod.rs", "preview/house.rs", "preview/scratch.rs"],
        why: "what a plan reads, lays over and tells is computed",
    },
    Rule {
        room: "inventory",
        never: &[
            "kube::Client",
            "kube::Api",
            "kube_",
            "reqwest",
            "rusqlite",
            "tokio",
            "std::fs",
            "std::net",
            "crate::operator",
            "crate::plan::steps",
            "crate::sandbox",
        ],
        except: &[],
        why: "an inventory sees Kubernetes and systems through ports only, and makes no step",
    },
    Rule {
        room: "overview",
        never: OUTSIDE,
        except: &[],
        why: "what an overview says is computed from statuses",
    },
    Rule {
        room: "server",
        never: &["crate::store", "crate::worker", "crate::drivers", "crate::plan"],
        except: &[],
        why: "pages tell what is reported, and can do nothing",
    },
    Rule {
        room: "sandbox",
        never: &["crate::drivers", "crate::worker", "crate::plan"],
        except: &[],
        why: "a double is written from the vendor's sheet, never from our driver",
    },
];

fn files(below: &Path) -> Vec<PathBuf> {
    if below.is_file() {
        return vec![below.to_owned()];
    }
    let Ok(entries) = fs::read_dir(below) else { return Vec::new() };
    let mut found: Vec<_> = entries.flat_map(|entry| files(&entry.unwrap().path())).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "rs"));
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    ["tests", "testing", "scripted", "against_double"].iter().any(|word| text.contains(word))
}

/// Paths imported by `use`, groups spread out one level: `use a::{b, c}` gives `a::b` and `a::c`.
fn imports(source: &str) -> Vec<String> {
    let code: String = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for statement in code.split("\nuse ").skip(1).map(|rest| rest.split(';').next().unwrap_or_default()) {
        let flat: String = statement.split_whitespace().collect();
        match flat.split_once("::{") {
            Some((head, tail)) => {
                found.extend(
                    tail.split([',', '{', '}']).filter(|t| !t.is_empty()).map(|t| format!("{head}::{t}")),
                );
            }
            None => found.push(flat),
        }
    }
    found
}

#[test]
fn rooms_know_only_what_they_may() {
    let mut broken = Vec::new();
    for rule in RULES {
        for path in files(&root().join("src").join(rule.room)) {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            if is_test(&path) || rule.except.iter().any(|e| name.ends_with(e)) {
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for import in imports(&source) {
                if rule.never.iter().any(|never| import.starts_with(never)) {
                    broken.push(format!("{name} imports {import}: {}", rule.why));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What only one file may do.
#[test]
fn effects_have_one_door() {
    let doors = [
        ("driver.execute(", "worker/apply.rs", "only apply calls a driver with effects"),
        ("Approved(())", "plan/mod.rs", "only the guard's door makes an approved plan"),
    ];
    let mut broken = Vec::new();
    for path in files(&root().join("src")) {
        let name = path.strip_prefix(root().join("src")).unwrap().display().to_string();
        if is_test(&path) || name.starts_with("store") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for (what, door, why) in doors {
            if code.contains(what) && name != door {
                broken.push(format!("src/{name} has {what}: {why}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for path in files(&root().join("src")).into_iter().chain(files(&root().join("tests"))) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let source = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = source.lines().collect();
        if lines.len() > if is_test(&path) { LONGEST_TABLE } else { LONGEST_FILE } {
            long.push(format!("{name}: {} lines", lines.len()));
        }
        if !is_test(&path) {
            long.extend(
                functions(&lines)
                    .into_iter()
                    .map(|(at, length)| format!("{name}:{at}: a function of {length} lines")),
            );
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Functions that are too long: a formatted one ends at the first `}` in the column of its `fn` line.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let opens = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(super) fn ",
            "pub(crate) fn ",
            "pub(super) async fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|word| code.starts_with(word));
        if !opens {
            continue;
        }
        let end = format!("{}}}", " ".repeat(line.len() - code.len()));
        // A declaration in a trait has no body.
        let head = lines[at..].iter().position(|l| l.ends_with('{') || l.ends_with(';') || l.ends_with("{}"));
        if head.is_none_or(|head| !lines[at + head].ends_with('{')) {
            continue;
        }
        let length = lines[at..].iter().position(|l| *l == end).unwrap_or(0) + 1;
        if length > LONGEST_FUNCTION {
            long.push((at + 1, length));
        }
    }
    long
}

/// The check must see what it is there for.
#[test]
fn the_check_sees_grouped_imports_and_long_functions() {
    let source =
        "\nuse crate::{\n    api::Reason,\n    worker::{Worker, round},\n};\nuse tokio::sync::watch;\n";
    let found = imports(source);
    assert!(found.iter().any(|i| i.starts_with("crate::worker")), "{found:?}");
    assert!(found.iter().any(|i| i.starts_with("tokio")), "{found:?}");
    let long =
        std::iter::once("    fn long() {").chain(std::iter::repeat_n("        work();", 60)).chain(["    }"]);
    assert_eq!(functions(&long.collect::<Vec<_>>()), [(1, 62)]);
}
