//! The documentation hangs together: every page is in the table of contents, every link leads to something.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What stands in a page: where it points, and what can be pointed at.
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(root().join(path)).unwrap())
    }

    fn parse(text: &str) -> Self {
        let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None::<String>);
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    // A second heading of the same words is numbered.
                    let numbered = (1..).map(|n| format!("{slug}-{n}"));
                    let free =
                        std::iter::once(slug.clone()).chain(numbered).find(|name| !anchors.contains(name));
                    anchors.extend(free);
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        Self { links, anchors }
    }
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Every page below a folder of the repository, by its path from the root.
fn below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let name = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
        if root().join(&name).is_dir() {
            found.extend(below(&name));
        } else if Path::new(&name).extension().is_some_and(|end| end == "md") {
            found.push(name.into());
        }
    }
    found.sort();
    found
}

/// Everything somebody reads.
fn all() -> BTreeMap<PathBuf, Page> {
    let others = ["README.md", "ARCHITECTURE.md", "charts/ordain/README.md"].map(PathBuf::from);
    let paths = below("docs").into_iter().chain(others);
    paths.map(|path| (path.clone(), Page::read(&path))).collect()
}

/// `a/b/../c` as `a/c`; nothing where it leaves the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir if plain.pop() => {}
            _ => return None,
        }
    }
    Some(plain)
}

/// What is wrong with a link of a page, if anything is.
fn fault(from: &Path, link: &str, pages: &BTreeMap<PathBuf, Page>) -> Option<&'static str> {
    if link.contains("://") {
        let url = url::Url::parse(link).ok().filter(|url| url.scheme() == "https");
        let named = url.is_some_and(|url| url.host_str().is_some_and(|host| host.contains('.')));
        return (!named).then_some("no URL that anybody can open");
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => Some(from.to_owned()),
        _ => plain(&from.parent().unwrap().join(path)),
    };
    let Some(target) = target.filter(|target| root().join(target).exists()) else {
        return Some("leads to nothing");
    };
    if from.starts_with("docs") && !target.starts_with("docs") {
        return Some("leads out of docs/, and so to nothing on the site");
    }
    let known = |page: &Page| page.anchors.contains(anchor);
    (!anchor.is_empty() && !pages.get(&target).is_some_and(known))
        .then_some("has an anchor that no heading gives")
}

#[test]
fn every_link_leads_to_something() {
    let pages = all();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (path, page) in &pages {
        for link in &page.links {
            checked += 1;
            wrong.extend(fault(path, link, &pages).map(|why| format!("{}: {link} {why}", path.display())));
        }
    }
    println!("{checked} links on {} pages", pages.len());
    assert!(checked > 50 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let summary = Page::read(Path::new("docs/SUMMARY.md"));
    let mut listed: Vec<_> = summary.links.iter().map(|link| Path::new("docs").join(link)).collect();
    listed.sort();
    let mut there = below("docs");
    there.retain(|path| !path.ends_with("SUMMARY.md"));
    let missing: Vec<_> = there.iter().filter(|path| !listed.contains(path)).collect();
    assert!(missing.is_empty(), "pages that docs/SUMMARY.md does not list: {missing:?}");
    assert_eq!(listed, there, "docs/SUMMARY.md lists a page twice, or one that is not there");
}

#[test]
fn the_check_sees_what_it_is_there_for() {
    let text =
        "# A `code` word, twice\n\n## Again\n\n## Again\n\n[x](b.md) and [`y`](#again) <https://a.example>\n";
    let page = Page::parse(text);
    assert_eq!(page.links, ["b.md", "#again", "https://a.example"]);
    let pages = BTreeMap::from([(PathBuf::from("docs/flux.md"), page)]);
    assert!(pages[Path::new("docs/flux.md")].anchors.contains("a-code-word-twice"));
    let cases = [
        ("a page that is not there", "nowhere.md", true),
        ("a heading that is not there", "#never", true),
        ("the second of two", "#again-1", false),
        ("out of the book", "../README.md", true),
        ("out of the repository", "../../README.md", true),
        ("an address without a name", "https://localhost/", true),
        ("in clear", "http://a.example/", true),
        ("an address", "https://a.example/b#c", false),
    ];
    for (why, link, expected) in cases {
        assert_eq!(fault(Path::new("docs/flux.md"), link, &pages).is_some(), expected, "{why}: {link}");
    }
}
