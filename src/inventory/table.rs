//! The inventory as a table, for a terminal.

use std::fmt::Write as _;

use super::{Entry, Inventory};
use crate::{
    api::validate::shown,
    drivers::Described,
    model::{MemberKind, ObservedItem},
};

/// Names shown of a kind before they are only counted.
const SHOWN: usize = 3;
/// Longest cell but the last.
const WIDEST: usize = 48;

/// The table, and a line about what it leaves out.
pub fn table(inventory: &Inventory) -> String {
    let head = ["NAME", "ID", "ACTIVE", "TARGETS", "NOTE"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(inventory.entries.iter().map(row)).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            // The last column is as wide as it is.
            let width = widths.get(at).copied().unwrap_or(0);
            let _ = write!(line, "{cell:width$}   ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for line in remarks(inventory) {
        let _ = writeln!(text, "{}", shown(&line));
    }
    text
}

fn row(entry: &Entry) -> [String; 5] {
    let active = match entry.active {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let note = match &entry.manifests {
        Ok(_) => entry.notes.join("; "),
        Err(why) => format!("cannot be taken over as it is: {why}"),
    };
    let cell = |text: &str| cut(&shown(text));
    [cell(&entry.name), cell(&entry.id), active.to_owned(), cell(&entry.targets), shown(&note)]
}

/// What is not in the list, and why.
pub fn remarks(inventory: &Inventory) -> Vec<String> {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 object {one}")),
        _ => Some(format!("{count} objects {many}")),
    };
    [
        counted(
            inventory.orphans,
            "bears our mark, and no assignment claims it",
            "bear our mark, and no assignment claims them",
        ),
        counted(
            inventory.others,
            "bears the mark of another assignment or installation, and is not listed",
            "bear the mark of another assignment or installation, and are not listed",
        ),
    ]
    .into_iter()
    .flatten()
    .chain(inventory.gaps.iter().cloned())
    .collect()
}

/// Whom something reaches, in short.
pub fn targets(item: &ObservedItem, described: Option<&Described>) -> String {
    let targets = described.and_then(|described| described.targets.as_ref());
    if targets.is_some_and(crate::api::AssignmentTargets::everyone) {
        return "everyone".to_owned();
    }
    let kinds = item.members.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> = kinds
        .map(|(kind, names)| {
            let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
            let more = names.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} {}{more}", word(*kind), shown.join(", "))
        })
        .collect();
    match (told.is_empty(), item.members.is_empty()) {
        (false, _) => told.join("; "),
        (true, false) => "nobody".to_owned(),
        (true, true) => "-".to_owned(),
    }
}

const fn word(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::Role => "roles",
        MemberKind::User => "users",
        MemberKind::Group => "groups",
        MemberKind::ManagementGroup => "management groups",
        MemberKind::Device => "devices",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}
