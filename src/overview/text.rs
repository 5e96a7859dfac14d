//! An overview for a terminal: one screen, worst first.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Account, Assignment, Corrected, Held, Other, Overview, Problem, State};
use crate::model::{age, reckoned};

/// How wide it is where nobody says.
pub const WIDTH: usize = 120;
/// Narrower than this nothing can be read.
const NARROWEST: usize = 72;
/// Columns of details below a row.
const INDENT: &str = "          ";
/// Lines of a message below a row.
const LINES: usize = 3;
/// A column is never cut below this.
const COLUMN: usize = 10;
/// Problems of an assignment that are told before they are counted.
const PROBLEMS: usize = 3;
/// What the objects of a held assignment are: not all of them need to go.
const OF_IT: &str = "objects of this assignment";
/// Corrections that are told before they are counted.
const CORRECTED: usize = 5;
/// Objects named for a held assignment.
const OBJECTS: usize = 3;

/// Where it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Lines that fit; `None`: as many as there are.
    pub height: Option<usize>,
    /// Whether colours are wanted.
    pub colour: bool,
}

/// The whole of it, with ages as of `now`. Every line fits into the width, but for commands where there is no height:
/// those are to be copied.
pub fn text(overview: &Overview, now: Timestamp, look: Look) -> String {
    let look = Look { width: look.width.max(NARROWEST), ..look };
    let mut page = Page { look, now, lines: Vec::new() };
    page.head(overview);
    page.accounts(&overview.accounts);
    page.held(&overview.held);
    page.assignments(overview);
    page.others(&overview.others);
    page.corrected(overview);
    overview.unlisted.iter().for_each(|one| page.wrapped("", &one.to_string(), LINES));
    page.cut();
    page.lines.join("\n") + "\n"
}

struct Page {
    look: Look,
    now: Timestamp,
    lines: Vec<String>,
}

impl Page {
    fn head(&mut self, overview: &Overview) {
        let at = self.now.strftime("%H:%M:%SZ").to_string();
        let room = self.look.width.saturating_sub(at.width() + 2);
        let told = clip(&format!("Ordain: {}", overview.summary.text), room);
        let gap = " ".repeat(self.look.width.saturating_sub(told.width() + at.width()));
        let style = if overview.all_in_force() { of(State::InForce) } else { Style::new().bold() };
        self.lines.push(format!("{}{gap}{at}", self.paint(style, &told)));
    }

    fn accounts(&mut self, accounts: &[Account]) {
        let row = |one: &Account| {
            let counts = [one.managed, one.drifted, one.pending].map(|count| count.to_string());
            let [managed, drifted, pending] = counts;
            let state = if one.state == State::InForce { "ready" } else { one.state.words() };
            [
                state.to_owned(),
                one.backend.clone(),
                one.system.clone(),
                managed,
                drifted,
                pending,
                self.ago(one.since),
            ]
        };
        let rows: Vec<_> = accounts.iter().map(row).collect();
        let table = Table::of(
            ["STATE", "ACCOUNT", "SYSTEM", "OBJECTS", "DRIFTED", "PENDING", "SINCE"],
            &rows,
            self.look.width,
        );
        self.section(&table.head);
        for (one, line) in accounts.iter().zip(&table.rows) {
            self.row(one.state, line);
            self.why(one.state, &one.reason, &one.message, one.help.as_deref());
            one.remarks.iter().for_each(|remark| self.wrapped(INDENT, remark, 1));
        }
    }

    fn held(&mut self, held: &[Held]) {
        if held.is_empty() {
            return;
        }
        self.section("HELD");
        for one in held {
            let count = one.removals.and_then(|count| usize::try_from(count).ok());
            let count = count.map_or_else(|| "removals".to_owned(), |count| reckoned(count, "removal"));
            self.wrapped("", &format!("{}: an approval lets {count} happen:", one.backend), LINES);
            for part in &one.parts {
                let named: Vec<&str> = part.objects.iter().take(OBJECTS).map(String::as_str).collect();
                let more = part.objects.len().saturating_sub(OBJECTS);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let objects = format!("; {OF_IT}: {}{more}", named.join(", "));
                let objects = if named.is_empty() { "" } else { &objects };
                self.wrapped("  ", &format!("{}: {}{objects}", part.assignment, part.would), 2);
            }
            one.beside.iter().for_each(|beside| self.wrapped("  ", beside, 2));
            if let Some(command) = &one.approve {
                self.command(&format!("approve exactly these: {command}"));
            }
            if let Some(command) = &one.withdraw {
                self.command(&format!(
                    "an approval that stands there already is spent, remove it first: {command}"
                ));
            }
        }
    }

    fn assignments(&mut self, overview: &Overview) {
        let assignments = &overview.assignments;
        let row = |one: &Assignment| {
            let generation = one.policy_generation.map(|of| format!("@{of}")).unwrap_or_default();
            let targets = one.targets.map(|of| format!("{}/{}", of.accepted, of.desired));
            let in_sync = one.in_sync.map_or("?", |in_sync| if in_sync { "yes" } else { "no" });
            [
                one.state.words().to_owned(),
                format!("{}/{}", one.namespace, one.name),
                format!("{}{generation}", one.policy),
                short(&one.backend).to_owned(),
                targets.unwrap_or_else(|| "-".to_owned()),
                in_sync.to_owned(),
                self.ago(one.since),
            ]
        };
        let rows: Vec<_> = assignments.iter().map(row).collect();
        let table = Table::of(
            ["STATE", "ASSIGNMENT", "POLICY", "BACKEND", "TARGETS", "INSYNC", "SINCE"],
            &rows,
            self.look.width,
        );
        self.section(&table.head);
        for (one, line) in assignments.iter().zip(&table.rows) {
            self.row(one.state, line);
            if one.state == State::Held && overview.tells_held(&one.backend) {
                self.wrapped(INDENT, &format!("{}: waits for an approval, see HELD", one.reason), 1);
            } else {
                self.why(one.state, &one.reason, &one.message, one.help.as_deref());
            }
            one.difference().into_iter().for_each(|differs| self.wrapped(INDENT, differs, 2));
            self.problems(one);
            let plan = one.plan.as_ref().filter(|_| one.state == State::Resting);
            plan.into_iter().for_each(|plan| self.wrapped(INDENT, &format!("plan: {}", plan.summary), 2));
            one.remarks.iter().for_each(|remark| self.wrapped(INDENT, remark, 1));
        }
    }

    /// Targets with a problem; one that the assignment's message tells already has nothing but its name left.
    fn problems(&mut self, of: &Assignment) {
        for Problem { target, reason, message, .. } in of.problems.iter().take(PROBLEMS) {
            let told = if of.message.contains(message) { String::new() } else { format!(": {message}") };
            self.wrapped(INDENT, &format!("{target}: {reason}{told}"), 2);
        }
        let more = of.problems.len().saturating_sub(PROBLEMS);
        if more > 0 {
            self.wrapped(INDENT, &format!("and {} more", reckoned(more, "problem")), 1);
        }
    }

    fn others(&mut self, others: &[Other]) {
        if others.is_empty() {
            return;
        }
        let row = |one: &Other| {
            [one.state.words().to_owned(), format!("{}/{}/{}", one.kind, one.namespace, one.name)]
        };
        let rows: Vec<_> = others.iter().map(row).collect();
        let table = Table::of(["STATE", "ALSO AMISS"], &rows, self.look.width);
        self.section(&table.head);
        for (one, line) in others.iter().zip(&table.rows) {
            self.row(one.state, line);
            self.why(one.state, &one.reason, &one.message, one.help.as_deref());
        }
    }

    fn corrected(&mut self, overview: &Overview) {
        let corrected = &overview.corrected;
        if corrected.is_empty() {
            return;
        }
        self.section("PUT BACK LATELY");
        for one in corrected.iter().take(CORRECTED) {
            let Corrected { namespace, assignment, message, at, times } = one;
            let times = if *times > 1 { format!(", {}", reckoned(*times, "time")) } else { String::new() };
            let told = format!("{namespace}/{assignment}, {} ago{times}: {message}", age(*at, self.now));
            self.wrapped("", &told, 2);
        }
        let more = corrected.len().saturating_sub(CORRECTED);
        if more > 0 {
            let told = reckoned(more, "more correction");
            self.wrapped("", &format!("and {told}: {}", overview.corrections_command()), 2);
        }
    }

    /// Only what fits, with a word about the rest.
    fn cut(&mut self) {
        let Some(height) = self.look.height else { return };
        let more = self.lines.len().saturating_sub(height);
        if more > 0 {
            self.lines.truncate(height.saturating_sub(1));
            let told =
                format!("… {} more lines: enlarge the window, or choose a namespace with -n", more + 1);
            self.lines.push(clip(&told, self.look.width));
        }
    }

    fn section(&mut self, head: &str) {
        self.lines.push(String::new());
        self.lines.push(self.paint(Style::new().bold(), head));
    }

    /// A row whose first cell is its state.
    fn row(&mut self, state: State, line: &str) {
        let word = line.split("  ").next().unwrap_or_default();
        let rest = line.strip_prefix(word).unwrap_or_default();
        self.lines.push(format!("{}{rest}", self.paint(of(state), word)));
    }

    fn why(&mut self, state: State, reason: &str, message: &str, help: Option<&str>) {
        if state == State::InForce {
            return;
        }
        self.wrapped(INDENT, &format!("{reason}: {message}"), LINES);
        // The guard's message says already what to do, with the numbers.
        if let Some(help) = help.filter(|_| state != State::Held) {
            self.wrapped(INDENT, &format!("→ {help}"), LINES);
        }
    }

    fn command(&mut self, text: &str) {
        match self.look.height {
            Some(_) => self.wrapped("  ", text, LINES),
            None => self.lines.push(format!("  {text}")),
        }
    }

    /// Text on so many lines at most, below an indent.
    fn wrapped(&mut self, indent: &str, text: &str, most: usize) {
        let width = self.look.width.saturating_sub(indent.width());
        let lines = wrap(text, width, most);
        self.lines.extend(lines.into_iter().map(|line| format!("{indent}{line}")));
    }

    fn ago(&self, since: Option<Timestamp>) -> String {
        since.map_or_else(|| "-".to_owned(), |since| age(since, self.now))
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.look.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

fn of(state: State) -> Style {
    let colour = |colour: AnsiColor| colour.on_default();
    match state {
        State::Stalled => colour(AnsiColor::Red).bold(),
        State::Held | State::Drifting => colour(AnsiColor::Yellow).bold(),
        State::Working => colour(AnsiColor::Cyan),
        State::Unknown | State::Resting => Style::new().dimmed(),
        State::InForce => colour(AnsiColor::Green),
    }
}

/// A Backend stands in the namespace of its assignments anyway.
fn short(backend: &str) -> &str {
    match backend.strip_prefix("Backend/") {
        Some(rest) => rest.split('/').next_back().unwrap_or(backend),
        None => backend,
    }
}

/// Rows of cells, as wide as they need to be, and narrower where there is no room.
struct Table {
    head: String,
    rows: Vec<String>,
}

impl Table {
    fn of<const N: usize>(head: [&str; N], rows: &[[String; N]], width: usize) -> Self {
        let mut widths = head.map(str::width);
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let room = width.saturating_sub(2 * N.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > COLUMN) else { break };
            *widest -= 1;
        }
        let rows = rows.iter().map(|row| line(&widths, row.each_ref().map(String::as_str))).collect();
        Self { head: line(&widths, head), rows }
    }
}

fn line<const N: usize>(widths: &[usize; N], cells: [&str; N]) -> String {
    let cell = |(width, text): (&usize, &str)| {
        let text = clip(text, *width);
        let gap = " ".repeat(width.saturating_sub(text.width()));
        text + &gap
    };
    let cells: Vec<_> = widths.iter().zip(cells).map(cell).collect();
    cells.join("  ").trim_end().to_owned()
}

/// The text, cut to so many columns.
fn clip(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut left) = (String::new(), width.saturating_sub(1));
    for c in text.chars() {
        let Some(rest) = left.checked_sub(c.width().unwrap_or(0)) else { break };
        left = rest;
        out.push(c);
    }
    out.push('…');
    out
}

/// Lines of at most `width` columns, at most `most` of them; what is cut off is shown as such.
fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.width() + 1 + word.width() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines.iter().map(|line| clip(line, width)).collect()
}
