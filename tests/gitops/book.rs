//! The documentation, done as it says: every command of every page is run, in order and in one shell for each page, and
//! prints what the page shows; every manifest is one that an API server takes.
//!
//! How pages are written: `docs/README.md`. Where they run: [`Stage`].

mod expected;
mod page;
mod shell;
mod stage;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use page::{Step, steps};
use shell::Shell;
use stage::{Ground, Stage};

use crate::{cluster::root, eventually};

/// Pages with commands or manifests, and where they run.
const PAGES: &[(&str, Stage)] = &[
    ("README.md", Stage::Team),
    ("docs/tutorial.md", Stage::Playground),
    ("docs/flux.md", Stage::Flux),
    ("docs/argo-cd.md", Stage::ArgoCd),
    ("docs/status.md", Stage::Examples),
    ("docs/kubectl.md", Stage::Installed),
    ("docs/logs.md", Stage::Installed),
    ("docs/troubleshooting.md", Stage::Examples),
    ("docs/howto/install.md", Stage::Doubles),
    ("docs/howto/adopt.md", Stage::Installed),
    ("docs/howto/rotate-credentials.md", Stage::Examples),
    ("docs/howto/delete.md", Stage::Examples),
    ("docs/howto/lost-store.md", Stage::Examples),
    ("docs/howto/move.md", Stage::Two),
    ("docs/howto/upgrade.md", Stage::Examples),
    ("docs/howto/uninstall.md", Stage::Examples),
    ("docs/systems/wfbss.md", Stage::Examples),
    ("docs/systems/symphony.md", Stage::Examples),
    ("docs/systems/appshield.md", Stage::Examples),
    ("docs/systems/tachyon.md", Stage::Examples),
    ("docs/systems/wso2.md", Stage::Examples),
];

/// What is not run here: page, how the block begins, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "make demo",
        "each of these runs by itself, some longer than this suite, and this suite is one of them",
    ),
    (
        "README.md",
        "helm install ordain",
        "docs/howto/install.md runs it, on an empty cluster; here it is installed already",
    ),
    (
        "docs/tutorial.md",
        "make playground",
        "it stays up in a terminal of its own; the stage runs the script it calls",
    ),
    (
        "docs/status.md",
        "kubectl port-forward",
        "it stays in the foreground and needs a container; tests/gitops/page.rs opens the page itself",
    ),
    (
        "docs/logs.md",
        "kubectl logs",
        "the node of these tests has no containers to read from; tests/sim/conformance/log.rs reads the same lines",
    ),
];

/// Commands whose exit status is an answer: how they begin, the status, what it says.
const ANSWERS: &[(&str, &str, &str)] = &[("ordain plan", "2", "something would change")];

/// Where the documentation names what nobody can reach, the doubles stand in; also for what only a reader has.
fn as_here(text: &str, ground: &Ground) -> String {
    ground.stand_ins.iter().fold(text.to_owned(), |text, (told, here)| text.replace(told, here))
}

fn excepted(page: &str, text: &str) -> bool {
    EXCEPTIONS.iter().any(|(on, begins, _)| *on == page && text.starts_with(begins))
}

/// Runs a page from its first line to its last; tells how many commands it ran.
fn run(name: &str) {
    let (_, stage) = PAGES.iter().find(|(page, _)| *page == name).unwrap();
    let text = fs::read_to_string(root().join(name)).unwrap();
    let ground = Ground::new(*stage);
    let mut shell = Shell::start(&ground);
    let (mut ran, mut manifests) = (0, 0);
    let verb = if *stage == Stage::Team { "kubectl apply" } else { "kubectl apply --dry-run=server" };
    // In a page that shows first what comes of what it tells later, all of it is applied before.
    let told = steps(&text);
    let early = |step: &Step| *stage == Stage::Team && matches!(step, Step::Manifest { .. });
    let (first, then): (Vec<_>, Vec<_>) = told.into_iter().partition(early);
    for step in first.into_iter().chain(then) {
        match step {
            Step::Manifest { file, text } => {
                let text = as_here(&text, &ground);
                let file = file.unwrap_or_else(|| ".manifest".to_owned());
                fs::write(ground.folder.join(&file), &text).unwrap();
                done(&mut shell, &format!("{verb} -f {file}"), None)
                    .unwrap_or_else(|why| panic!("{name}: {why}\n{text}"));
                manifests += 1;
            }
            Step::Command { text, .. } if excepted(name, &text) => {}
            Step::Command { text, shown, line } => {
                let text = as_here(&text, &ground);
                if let Err(why) = done(&mut shell, &text, shown.as_deref()) {
                    let now = shell.run("for context in $(kubectl config get-contexts -o name); do kubectl --context $context get ordain -A -o wide; done").output;
                    panic!("{name}:{line}: {why}\n--- as it stands\n{now}\n{}", ground.log());
                }
                ran += 1;
            }
        }
    }
    println!("{name}: {ran} blocks, {manifests} manifests");
}

/// Runs a block and compares what it prints. What only looks may look again, as a reader would.
fn done(shell: &mut Shell, text: &str, shown: Option<&str>) -> Result<(), String> {
    let looks =
        ["kubectl get", "kubectl events", "curl -s $CONSOLE"].iter().any(|verb| text.starts_with(verb));
    let mut last = Ok(());
    let mut once = || {
        let outcome = shell.run(text);
        let meant = shown.is_some_and(|shown| {
            shown.lines().any(|line| line.starts_with("ordain: ") || line.starts_with("Error"))
        });
        let answers = |failed: &&(String, String)| {
            !ANSWERS.iter().any(|(begins, status, _)| failed.0.starts_with(begins) && failed.1 == *status)
        };
        // A page that shows how a command is refused shows it of one.
        let failed: Vec<_> = outcome.failed.iter().filter(answers).skip(usize::from(meant)).collect();
        last = if failed.is_empty() {
            shown
                .map_or(Ok(()), |shown| expected::shows(&outcome.output, shown))
                .map_err(|line| format!("{text}\ndoes not print\n{line}\nbut\n{}", outcome.output))
        } else {
            Err(format!("{text}\nfailed: {failed:?}\n{}", outcome.output))
        };
        last.is_ok()
    };
    match looks && shown.is_some() {
        true => eventually(once),
        false => once(),
    };
    last
}

macro_rules! pages {
    ($($test:ident: $page:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            run($page);
        })+

        /// Each page of [`PAGES`] has a test of its own, so that several run at a time.
        #[test]
        fn every_page_has_its_test() {
            let tests = [$($page),+];
            let pages: Vec<_> = PAGES.iter().map(|(page, _)| *page).collect();
            assert_eq!(pages, tests);
        }
    };
}

pages! {
    the_readme: "README.md",
    the_tutorial: "docs/tutorial.md",
    flux_recipe: "docs/flux.md",
    argo_cd_recipe: "docs/argo-cd.md",
    what_is_in_force: "docs/status.md",
    kubectl: "docs/kubectl.md",
    logs_and_traces: "docs/logs.md",
    troubleshooting: "docs/troubleshooting.md",
    howto_install: "docs/howto/install.md",
    howto_adopt: "docs/howto/adopt.md",
    howto_rotate_credentials: "docs/howto/rotate-credentials.md",
    howto_delete: "docs/howto/delete.md",
    howto_lost_store: "docs/howto/lost-store.md",
    howto_move: "docs/howto/move.md",
    howto_upgrade: "docs/howto/upgrade.md",
    howto_uninstall: "docs/howto/uninstall.md",
    system_wfbss: "docs/systems/wfbss.md",
    system_symphony: "docs/systems/symphony.md",
    system_appshield: "docs/systems/appshield.md",
    system_tachyon: "docs/systems/tachyon.md",
    system_wso2: "docs/systems/wso2.md",
}

fn written() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            match root().join(&path).is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|end| end == "md") => {
                    found.insert(path.display().to_string(), fs::read_to_string(root().join(&path)).unwrap());
                }
                false => {}
            }
        }
    }
    found.insert("README.md".to_owned(), fs::read_to_string(root().join("README.md")).unwrap());
    found
}

/// Nothing that can be typed or applied is left out, and no exception outlives what it was for.
#[test]
fn every_page_with_commands_is_run_and_every_exception_is_one() {
    let pages = written();
    for (name, text) in &pages {
        let listed = PAGES.iter().any(|(page, _)| page == name);
        assert!(listed || steps(text).is_empty(), "{name} has commands: say in PAGES where they run");
    }
    let (mut blocks, mut left_out) = (0, 0);
    for (page, _) in PAGES {
        let found = steps(pages.get(*page).unwrap_or_else(|| panic!("{page} is not there")));
        let commands = || {
            found.iter().filter_map(|step| match step {
                Step::Command { text, .. } => Some(text),
                Step::Manifest { .. } => None,
            })
        };
        blocks += commands().count();
        left_out += commands().filter(|text| excepted(page, text)).count();
    }
    for (page, begins, why) in EXCEPTIONS {
        let text = &pages[*page];
        let there = steps(text)
            .iter()
            .any(|step| matches!(step, Step::Command { text, .. } if text.starts_with(begins)));
        assert!(
            there && !why.is_empty(),
            "{page} has no block that begins with {begins}: take the exception out"
        );
    }
    println!("{blocks} blocks of commands, {left_out} of them excepted");
}

/// mdBook builds the site without a warning, and every link in what it built leads to a file.
#[test]
fn the_site_is_built_and_its_links_lead_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let out = std::process::Command::new("mdbook")
        .arg("build")
        .arg(root())
        .arg("--dest-dir")
        .arg(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && !told.contains("WARN"), "{told}");
    let mut checked = 0;
    for (name, _) in
        written().iter().filter(|(name, _)| name.starts_with("docs/") && !name.ends_with("SUMMARY.md"))
    {
        let page =
            name.strip_prefix("docs/").unwrap().replace("README.md", "index.md").replace(".md", ".html");
        let path = folder.path().join(page);
        let html = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for link in html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || link.contains("://") {
                continue;
            }
            checked += 1;
            assert!(leads(&path, file), "{name}: {link} leads to nothing on the site");
        }
    }
    println!("{checked} links of the site");
}

fn leads(from: &Path, file: &str) -> bool {
    from.parent().unwrap().join(file).exists()
}
