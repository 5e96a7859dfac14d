//! The page out of an overview. The template escapes everything.

use std::collections::BTreeSet;

use askama::Template;
use jiff::Timestamp;

use super::asked::Asked;
use crate::{
    model::{age, reckoned},
    overview::{Account, Assignment, Corrected, Held, HeldPart, Overview, State, Unlisted},
};

/// Assignments on one page.
const ROWS: usize = 100;
/// Corrections on the page.
const CORRECTED: usize = 20;
/// Accounts, and Policies and TargetGroups that something is wrong with, before they are counted.
const LISTED: usize = 100;
/// Accounts that hold back, each with what an approval would do.
const HELD: usize = 20;
/// Assignments told of what is held on an account before they are counted.
const PARTS: usize = 20;
/// Objects named of each.
const OBJECTS: usize = 5;
/// What is chosen from a list; of more the name is typed.
const CHOICES: usize = 500;
/// Targets named in a sentence before they are counted.
const NAMED: usize = 20;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    overview: &'a Overview,
    asked: Asked,
    rows: Vec<&'a Assignment>,
    last_page: usize,
}

/// The page that is asked for; the last one, where there are fewer.
///
/// # Errors
/// The template cannot be filled in, which would be a defect.
pub(super) fn page(overview: &Overview, mut asked: Asked) -> Result<String, askama::Error> {
    let pick = asked.pick.clone();
    let picked: Vec<_> = overview.picked(&pick).collect();
    let last_page = picked.len().div_ceil(ROWS).max(1);
    asked.page = asked.page.min(last_page);
    let rows = picked.into_iter().skip((asked.page - 1) * ROWS).take(ROWS).collect();
    Page { overview, asked, rows, last_page }.render()
}

fn bounded<T>(all: &[T], most: usize) -> (&[T], usize) {
    let (told, more) = all.split_at(most.min(all.len()));
    (told, more.len())
}

#[allow(clippy::unused_self, reason = "called by the template")]
impl Page<'_> {
    fn at(&self) -> String {
        self.overview.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    }

    fn ago(&self, since: &Timestamp) -> String {
        age(*since, self.overview.at)
    }

    /// As many as are worth a list; none where there are more.
    fn namespaces(&self) -> Option<BTreeSet<&str>> {
        let all: BTreeSet<_> = self.overview.assignments.iter().map(|one| one.namespace.as_str()).collect();
        (all.len() <= CHOICES).then_some(all)
    }

    /// As many as are worth a list; none where there are more.
    fn accounts(&self) -> Option<&[Account]> {
        Some(self.overview.accounts.as_slice()).filter(|all| all.len() <= CHOICES)
    }

    /// The first of a list, worst first, and how many there are besides.
    fn first<'b, T>(&self, all: &'b [T]) -> (&'b [T], usize) {
        bounded(all, LISTED)
    }

    /// Those that hold back most, and how many there are besides.
    fn held(&self) -> (&[Held], usize) {
        bounded(&self.overview.held, HELD)
    }

    fn parts_of<'b>(&self, held: &'b Held) -> (&'b [HeldPart], usize) {
        bounded(&held.parts, PARTS)
    }

    fn objects_of<'b>(&self, part: &'b HeldPart) -> (&'b [String], usize) {
        bounded(&part.objects, OBJECTS)
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates give references")]
    fn count(&self, state: &State) -> usize {
        self.overview.summary.states.of(*state)
    }

    fn rests(&self, one: &Assignment) -> bool {
        one.state == State::Resting
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates give references")]
    fn is_held(&self, state: &State) -> bool {
        *state == State::Held
    }

    /// Whether there is no such kind, as far as is known: one that cannot be listed may be there.
    fn are_none(&self, of: fn(&Unlisted) -> bool) -> bool {
        !self.overview.unlisted.iter().any(of)
    }

    /// The latest, and how many there are besides.
    fn corrected(&self) -> (&[Corrected], usize) {
        bounded(&self.overview.corrected, CORRECTED)
    }

    /// Whether this page tells what is held on this backend: not where its Backend cannot be read, or is left out here.
    fn tells_held(&self, backend: &str) -> bool {
        self.held().0.iter().any(|held| held.backend == backend)
    }

    fn no_accounts(&self) -> &'static str {
        if self.are_none(|one| one.accounts) { "There is no Backend yet." } else { "No Backend can be seen." }
    }

    fn no_assignments(&self) -> &'static str {
        if self.are_none(|one| one.assignments) {
            "There is no PolicyAssignment yet."
        } else {
            "No PolicyAssignment can be seen."
        }
    }

    /// Words of ours with what stands between backticks set apart: it is code.
    fn parts<'b>(&self, text: &'b str) -> Vec<(&'b str, bool)> {
        text.split('`').enumerate().map(|(at, part)| (part, at % 2 == 1)).collect()
    }

    fn account_word(&self, one: &Account) -> &'static str {
        if one.state == State::InForce { "ready" } else { one.state.words() }
    }

    fn reaches(&self, one: &Assignment) -> String {
        let targets = one.named.len() + one.more_named;
        let objects = reckoned(one.objects.len(), "object");
        match targets {
            0 => format!("{objects} in the system"),
            _ => format!("{} in Git, {objects} in the system", reckoned(targets, "target")),
        }
    }

    fn listed(&self, one: &Assignment) -> String {
        let told: Vec<&str> = one.named.iter().take(NAMED).map(String::as_str).collect();
        let more = one.named.len().saturating_sub(NAMED) + one.more_named;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        told.join(", ") + &more
    }

    #[allow(clippy::ref_option, reason = "templates give references")]
    fn or_dash<'b>(&self, text: &'b Option<String>) -> &'b str {
        text.as_deref().unwrap_or("–")
    }
}
