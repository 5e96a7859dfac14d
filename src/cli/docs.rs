//! `ordain docs`: the reference pages that are made from the code, so that they cannot fall behind it.

mod fields;
mod flags;
mod words;

use std::{fmt::Write as _, fs, io, path::PathBuf};

use crate::{
    api::{EventReason, Reason},
    drivers::{Facts, Promise, connect},
    overview,
    preview::report,
    report::metrics::catalogue,
};

/// Arguments of `ordain docs`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder that receives the pages; made if missing
    #[arg(long)]
    pub dir: PathBuf,
}

/// A page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct Error {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Writes the pages.
///
/// # Errors
/// [`Error`].
pub fn run(args: &Args) -> Result<(), Error> {
    let failed = |path: PathBuf| move |source| Error { path, source };
    fs::create_dir_all(&args.dir).map_err(failed(args.dir.clone()))?;
    let pages = [
        ("reasons.md", reasons()),
        ("systems.md", systems()),
        ("metrics.md", catalogue::page()),
        ("plan.schema.json", plan_schema()),
        ("status.schema.json", format!("{:#}\n", overview::schema())),
        ("conditions.md", words::conditions()),
        ("metadata.md", words::metadata()),
        ("binary.md", flags::page()),
    ];
    let pages = pages.map(|(name, page)| (name.to_owned(), page));
    for (name, page) in pages.into_iter().chain(fields::pages()) {
        let path = args.dir.join(name);
        fs::write(&path, page).map_err(failed(path.clone()))?;
    }
    Ok(())
}

/// Title and first lines of a page.
fn head(title: &str, about: &str) -> String {
    format!("# {title}\n\n{about} Made from the code by `make generate`.\n")
}

/// Text that stays in its cell of a table, and is no HTML.
fn cell(text: &str) -> String {
    let text = text.replace('\n', " ").replace('|', "\\|");
    // Within code spans `<` is itself; outside of them it would open a tag.
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| if at % 2 == 0 { part.replace('<', "&lt;") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}

/// What `ordain plan --output json` prints.
fn plan_schema() -> String {
    format!("{:#}\n", report::schema())
}

/// Every reason: what it means, what to do.
fn reasons() -> String {
    let mut page = String::from(
        "# Reasons\n\nEvery word that may stand as the `reason` of a condition or of a problem. Made from the code by \
         `make generate`.\n",
    );
    let mut group = "";
    for reason in Reason::ALL {
        if reason.group() != group {
            group = reason.group();
            let _ = write!(page, "\n## {group}\n\n| reason | meaning | what to do |\n|---|---|---|\n");
        }
        let _ = writeln!(page, "| `{}` | {} | {} |", reason.as_str(), reason.meaning(), reason.help());
    }
    events(&mut page);
    page
}

/// The reasons of Events.
fn events(page: &mut String) {
    page.push_str(
        "\n## Events\n\nThe `reason` of an Event, which tells what happened and is no condition. None is written while \
         nothing changes; the same news is one series with a count.\n\n\
         | reason | type | meaning | what to do |\n|---|---|---|---|\n",
    );
    for reason in EventReason::ALL {
        let kind = if reason.warns() { "Warning" } else { "Normal" };
        let _ = writeln!(page, "| `{reason}` | {kind} | {} | {} |", reason.meaning(), reason.help());
    }
}

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

const fn reading(facts: Facts) -> &'static str {
    match facts {
        Facts { snapshot: true, reads: true, .. } => "every object",
        Facts { reads: true, .. } => "document by document",
        Facts { .. } => "nothing, unless `paths` are configured",
    }
}

const fn deleting(facts: Facts) -> &'static str {
    match facts {
        Facts { documents: true, .. } => "no, the document stays",
        Facts { deletes: true, .. } => "yes",
        Facts { .. } => "emptied and off; removed with `paths.delete`",
    }
}

const fn members(facts: Facts) -> &'static str {
    match facts {
        Facts { documents: true, .. } => "none",
        Facts { additive: true, .. } => "stay",
        Facts { .. } => "are removed",
    }
}

/// What each system can and cannot do.
fn systems() -> String {
    let mut page = String::from(
        "# Systems\n\nWhat the driver of each system can and cannot do. Made from the code by `make generate`.\n\n\
         | system | objects carry our mark | one account-wide order | account-wide deploy | `Delete` | read at once | \
         members others gave | tells of a change |\n|---|---|---|---|---|---|---|---|\n",
    );
    for facts in connect::ALL {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
            facts.system,
            yes(facts.marks),
            yes(facts.ordered),
            yes(facts.deploys),
            deleting(facts),
            reading(facts),
            members(facts),
            facts.tells,
        );
    }
    exceptions(&mut page);
    page
}

/// What the suite that every driver passes (`tests/sim/conformance`) leaves out for a system, and why.
fn exceptions(page: &mut String) {
    page.push_str(
        "\n## Exceptions\n\nOne suite tests every driver against the same promises. These cannot be kept on every \
         system; `appShield` stands here as it is while no `paths` are configured (else it keeps them all), `symphony` with `naming: \
         Suffixed`.\n\n\
         | promise | not on | because, and what holds instead |\n|---|---|---|\n",
    );
    for promise in Promise::ALL {
        for facts in connect::ALL {
            if let Some(exception) = facts.exception(promise) {
                let _ = writeln!(page, "| {} | `{}` | {exception} |", promise.words(), facts.system);
            }
        }
    }
}
