#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::type_complexity)]
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::drivers::wfbss::{
    ids::PutScope,
    testing::{A, B, change},
};

fn customer(n: u8) -> String {
    format!("640FE47F-5118-4D79-8221-A35D0DE2EE{n:02X}")
}

fn flag(document: &str, value: u8) -> DocumentChange {
    change(document, json!({}), &[("/wtp/enabled", json!(value))])
}

/// Keys of each write.
fn shown(packs: &[Vec<DocumentChange>]) -> Vec<Vec<String>> {
    packs.iter().map(|pack| pack.iter().map(|c| c.desired.key.to_string()).collect()).collect()
}

#[test]
fn customers_share_a_call_only_where_it_reaches_exactly_them() {
    let doc = |c: &str, g: u64| format!("{c}/{g}/win");
    let deep = |c: &str, g: u64| change(&doc(c, g), json!({}), &[("/a/b/c", json!(1))]);
    let cases = [
        ("same groups", vec![flag(&doc(A, 1), 1), flag(&doc(B, 1), 1)], vec![vec![doc(A, 1), doc(B, 1)]]),
        (
            "same two groups",
            vec![flag(&doc(A, 1), 1), flag(&doc(A, 2), 1), flag(&doc(B, 2), 1), flag(&doc(B, 1), 1)],
            vec![vec![doc(A, 1), doc(A, 2), doc(B, 1), doc(B, 2)]],
        ),
        (
            "other groups",
            vec![flag(&doc(A, 1), 1), flag(&doc(A, 2), 1), flag(&doc(B, 1), 1)],
            vec![vec![doc(B, 1)], vec![doc(A, 1), doc(A, 2)]],
        ),
        (
            "other bodies",
            vec![flag(&doc(A, 1), 1), flag(&doc(B, 1), 0)],
            vec![vec![doc(B, 1)], vec![doc(A, 1)]],
        ),
        (
            "other platforms",
            vec![flag(&doc(A, 1), 1), flag(&format!("{B}/1/mac"), 1)],
            vec![vec![doc(A, 1)], vec![format!("{B}/1/mac")]],
        ),
        ("deep paths: customers apart", vec![deep(A, 1), deep(B, 1)], vec![vec![doc(A, 1)], vec![doc(B, 1)]]),
        (
            "deep paths: groups of one together",
            vec![deep(A, 1), deep(A, 2)],
            vec![vec![doc(A, 1), doc(A, 2)]],
        ),
        (
            "one that cannot be built stands alone",
            vec![flag("nonsense", 1), flag(&doc(A, 1), 1), flag(&doc(B, 1), 1)],
            vec![vec![doc(A, 1), doc(B, 1)], vec!["nonsense".into()]],
        ),
        (
            "one document twice",
            vec![flag(&doc(A, 1), 1), flag(&doc(A, 1), 1)],
            vec![vec![doc(A, 1)], vec![doc(A, 1)]],
        ),
    ];
    for (why, changes, expected) in cases {
        assert_eq!(shown(&pack(changes, 10, true)), expected, "{why}");
    }
}

#[test]
fn an_unproven_account_gets_one_pack_as_the_proof_and_gets_it_first() {
    let small = (0..2).map(|n| flag(&format!("{}/1/win", customer(n)), 0));
    let large = (2..15).map(|n| flag(&format!("{}/1/win", customer(n)), 1));
    let packs = pack(small.chain(large).collect(), 10, false);
    let sizes: Vec<usize> = packs.iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 1, 1, 1, 1, 1], "ten as the proof, the other three and the small pack apart");
    let proven = pack(packs.into_iter().flatten().collect(), 10, true);
    assert_eq!(proven.iter().map(Vec::len).collect::<Vec<_>>(), [2, 10, 3]);
}

#[test]
fn one_customer_per_write_never_packs_customers() {
    let changes = (0..4).map(|n| flag(&format!("{}/1/win", customer(n)), 1)).collect();
    assert!(pack(changes, 1, true).iter().all(|pack| pack.len() == 1));
}

/// Changes over few customers, groups, platforms and values, so that much coincides.
fn changes() -> impl Strategy<Value = Vec<DocumentChange>> {
    let one = (0_u8..14, 1_u8..4, 0_u8..2, 0_u8..3, prop_oneof![Just("/a/x"), Just("/a/b/c"), Just("/l")]);
    prop::collection::btree_map((0_u8..14, 1_u8..4, 0_u8..2), one, 0..40).prop_map(|all| {
        let of = |((c, g, os), (_, _, _, value, path)): ((u8, u8, u8), (u8, u8, u8, u8, &str))| {
            let document = format!("{}/{g}/{}", customer(c), ["win", "mac"][usize::from(os)]);
            let value = if path == "/l" { json!([value]) } else { json!(value) };
            change(&document, json!({"l": [1], "a": {"b": {"z": value}}}), &[(path, value)])
        };
        all.into_iter().map(of).collect()
    })
}

/// What is written, as (document, leaf, value).
fn written(changes: &[DocumentChange]) -> BTreeSet<(String, String, String)> {
    let leaves = |c: &DocumentChange| {
        let key = c.desired.key.to_string();
        c.desired
            .leaves
            .iter()
            .map(|(p, v)| (key.clone(), p.to_string(), v.value.to_string()))
            .collect::<Vec<_>>()
    };
    changes.iter().flat_map(leaves).collect()
}

proptest! {
    #[test]
    fn packing_changes_nothing_and_mixes_nothing(changes in changes(), limit in 1_usize..12, proven: bool) {
        let before = written(&changes);
        let packs = pack(changes.clone(), limit, proven);
        prop_assert_eq!(written(&packs.concat()), before, "nothing lost, nothing made up");
        prop_assert_eq!(packs.concat().len(), changes.len(), "nothing doubled");
        let mut packed = 0;
        for pack in &packs {
            let ids: Vec<_> = pack.iter().map(|c| DocumentId::parse(&c.desired.key).unwrap()).collect();
            let customers: BTreeSet<_> = ids.iter().map(|id| &id.customer).collect();
            prop_assert!(customers.len() <= limit.min(10));
            let bodies: BTreeSet<_> = pack.iter().map(|c| Value::Object(body::build(c).unwrap()).to_string()).collect();
            prop_assert_eq!(bodies.len(), 1, "one body");
            prop_assert!(PutScope::covering(ids.clone()).is_ok(), "one call reaches exactly these");
            if customers.len() > 1 {
                packed += 1;
                prop_assert!(pack.iter().all(body::is_shallow));
            }
        }
        prop_assert!(proven || packed <= 1, "one proof at a time");
    }

    #[test]
    fn packing_does_not_depend_on_the_order(changes in changes(), proven: bool) {
        let reversed = changes.iter().rev().cloned().collect();
        prop_assert_eq!(shown(&pack(reversed, 10, proven)), shown(&pack(changes, 10, proven)));
    }
}
