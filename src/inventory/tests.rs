#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::model::BackendKind;

fn inventory(entries: Vec<Entry>) -> Inventory {
    let backend = BackendId { kind: BackendKind::Backend, namespace: "team".into(), name: "emm".into() };
    Inventory { backend, system: "wso2", entries, orphans: 1, others: 2, gaps: vec!["a gap".into()] }
}

fn entry(name: &str, why: &str) -> Entry {
    Entry {
        name: name.into(),
        id: "2".into(),
        active: Some(true),
        targets: "roles sales".into(),
        manifests: Err(why.into()),
        notes: Vec::new(),
    }
}

#[test]
fn a_table_tells_what_is_there_and_what_is_not_listed() {
    let told = table(&inventory(vec![entry("VPN", "it is odd")]));
    let expected = "\
NAME   ID   ACTIVE   TARGETS       NOTE
VPN    2    yes      roles sales   cannot be taken over as it is: it is odd
1 object bears our mark, and no assignment claims it
2 objects bear the mark of another assignment or installation, and are not listed
a gap
";
    assert_eq!(told, expected);
}

#[test]
fn no_text_of_the_vendor_gets_out_of_its_line() {
    let breaks =
        ["a\n---\nkind: Secret", "a\r\nb: c", "\u{85}x: y", "\u{2028}x: y", "\u{1b}[2J", "\u{202e}x"];
    for name in breaks {
        let inventory = inventory(vec![entry(name, name)]);
        let printed = yaml(&inventory).unwrap();
        assert!(printed.lines().all(|line| line.is_empty() || line.starts_with("# ")), "{printed}");
        for text in [printed, table(&inventory)] {
            let odd = |c: char| c != '\n' && crate::api::validate::is_control_or_invisible(c);
            assert!(!text.contains(odd), "{text:?}");
        }
    }
}
