//! A plan as Markdown: for a comment below a pull request, and for a terminal.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value;

use super::report::{BackendPlan, Cause, Change, Detail, Effect, LeftBehind, Problem, Report, Severity};
use crate::model::reckoned;

/// A value longer than this is cut.
const LONGEST: usize = 120;
/// So many places of one change are told; the rest are counted.
const PLACES: usize = 30;
/// So many members are named at one place.
const NAMES: usize = 20;

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out = format!("## Ordain plan: {}\n", report.summary.text);
    for plan in &report.backends {
        backend(&mut out, plan);
    }
    if !report.problems.is_empty() {
        problems(&mut out, "Problems", &report.problems);
    }
    remarks(&mut out, &report.notes);
    out
}

fn backend(out: &mut String, plan: &BackendPlan) {
    let _ = write!(out, "\n### {} ({})\n", plain(&plan.backend), plan.system);
    if let Some(error) = &plan.error {
        let _ = write!(out, "\n**Could not be asked: {}.** {}\n", error.reason, plain(&error.message));
    }
    if let Some(held) = &plan.held {
        let _ = write!(out, "\n**Held by the guard.** {}\n", plain(held));
    }
    let (first, rest): (Vec<_>, Vec<_>) = plan.changes.iter().partition(|change| change.comes_first());
    let (creates, updates): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|change| change.effect == Effect::Create);
    section(out, "Removes, switches off, puts back or reaches more", &first);
    section(out, "Creates", &creates);
    section(out, "Changes", &updates);
    left_behind(out, &plan.left_behind);
    if plan.changes.is_empty() && plan.error.is_none() && plan.left_behind.is_empty() {
        out.push_str("\nNothing would change.\n");
    }
    if !plan.problems.is_empty() {
        problems(out, "Problems", &plan.problems);
    }
    if let Some(deploy) = &plan.deploy {
        let _ = write!(out, "\n**Deploy:** {}\n", plain(deploy));
    }
    remarks(out, &plan.notes);
}

fn section(out: &mut String, title: &str, changes: &[&Change]) {
    if changes.is_empty() {
        return;
    }
    let _ = write!(out, "\n**{title}**\n\n");
    for one in changes {
        change(out, one);
    }
}

fn change(out: &mut String, change: &Change) {
    let id = change.id.as_ref().map(|id| format!(", id {}", plain(id))).unwrap_or_default();
    let _ =
        write!(out, "- **{}** {} ({}{id})", word(change.effect), code(&change.title), plain(&change.item));
    if !change.assignments.is_empty() {
        let _ = write!(out, ", for {}", plain(&change.assignments.join(", ")));
    }
    let marks = [
        (change.removals > 0, format!("removes {}", change.removals)),
        (change.widens, "reaches more than before".to_owned()),
        (change.cause == Cause::Drift, "changed outside Git".to_owned()),
        (change.held, "**held by the guard**".to_owned()),
    ];
    let marks: Vec<_> = marks.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words).collect();
    if !marks.is_empty() {
        let _ = write!(out, ": {}", marks.join(", "));
    }
    out.push('\n');
    let places: Vec<Detail> = change.details.iter().flat_map(apart).collect();
    for place in places.iter().take(PLACES) {
        let _ = writeln!(out, "  - {}", detail(place));
    }
    let more = places.len().saturating_sub(PLACES);
    if more > 0 {
        let _ = writeln!(out, "  - and {}", reckoned(more, "more place"));
    }
}

const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Delete => "delete",
        Effect::Disable => "switch off and empty",
        Effect::Restore => "put back",
        Effect::Create => "create",
        Effect::Copy => "copy over",
        Effect::Update => "change",
        Effect::Move => "move",
    }
}

/// Where both values are objects, only the members that differ are told, each at a place of its own.
fn apart(place: &Detail) -> Vec<Detail> {
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (&place.before, &place.after) else {
        return vec![place.clone()];
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let member = |name: &String| Detail {
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
        ..Detail::at(format!("{}/{name}", place.path))
    };
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(member);
    differing.flat_map(|place| apart(&place)).collect()
}

fn detail(place: &Detail) -> String {
    let mut text = code(&place.path);
    match (&place.before, &place.after) {
        (Some(before), Some(after)) => text += &format!(": {} → {}", value(before), value(after)),
        (None, Some(after)) => text += &format!(": → {}", value(after)),
        (Some(before), None) => text += &format!(": {} →", value(before)),
        (None, None) => {}
    }
    for (sign, names) in [("+", &place.added), ("−", &place.removed)] {
        if names.is_empty() {
            continue;
        }
        // An element that goes is named by the place already.
        let named: Vec<_> =
            names.iter().filter(|name| **name != place.path).take(NAMES).map(|n| code(n)).collect();
        let more = names.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        match named.is_empty() {
            true => text += ": removed",
            false => text += &format!(" {sign} {}{more}", named.join(", ")),
        }
    }
    if let Some(note) = &place.note {
        text += &format!(" ({})", plain(note));
    }
    text
}

fn left_behind(out: &mut String, all: &[LeftBehind]) {
    if all.is_empty() {
        return;
    }
    out.push_str("\n**Let go of, and left in the system as it is** (releasePolicy: Orphan)\n\n");
    for one in all {
        let _ = write!(out, "- {} ({}), by {}", code(&one.title), plain(&one.item), plain(&one.assignment));
        let paths: Vec<_> = one.paths.iter().take(NAMES).map(|path| code(path)).collect();
        if !paths.is_empty() {
            let _ = write!(out, ": {}", paths.join(", "));
        }
        out.push('\n');
    }
}

fn problems(out: &mut String, title: &str, all: &[Problem]) {
    let _ = write!(out, "\n**{title}**\n\n");
    for one in all {
        let word = match one.severity {
            Severity::Error => "**error**",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(out, "- {word} {}: {}: {}", one.reason, plain(&one.subject), plain(&one.message));
    }
}

fn remarks(out: &mut String, notes: &[String]) {
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        let _ = writeln!(out, "> {}  ", plain(note));
    }
}

fn value(value: &Value) -> String {
    let text = value.to_string();
    let short: String = text.chars().take(LONGEST).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    code(&format!("{short}{cut}"))
}

/// Between backticks, whatever it holds: others wrote it. The fence is longer than any run of them within (CommonMark 6.1).
fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

/// Words of others, on one line: no link, no image, no HTML, and nobody is called by them.
fn plain(text: &str) -> String {
    one_line(text).replace("](", "]\\(").replace('<', "\\<").replace('@', "@\u{200b}")
}

/// On one line, and without what a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        let cases = [
            ("plain", "`plain`", "nothing to fence"),
            ("a`b", "`` a`b ``", "one backtick"),
            ("a``b`c", "``` a``b`c ```", "the longest run decides"),
            ("two\nlines", "`two lines`", "one line"),
        ];
        for (text, expected, reason) in cases {
            assert_eq!(code(text), expected, "{reason}");
        }
        let said = plain("see [here](https://x) <img src=y> @team spec.targets.include[0]");
        assert!(!said.contains("](") && !said.contains(" <img") && !said.contains("@team"), "{said}");
        assert!(said.contains("include[0]"), "our own words stay readable");
    }
}
