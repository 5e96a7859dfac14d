//! As few writes as is proven safe (R19).
//!
//! Groups of one customer that get the same body share a call always: the groups are that customer's own. Several
//! customers share one only where groups and body are equal, so that `cids=A,B&gids=1,2` reaches exactly the
//! documents meant, no path is deeper than the system is known to merge, and the account has shown that it works.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    body,
    ids::{CustomerId, DocumentId, GroupId, MAX_CUSTOMERS, MAX_GROUPS},
};
use crate::{api::Os, drivers::DocumentChange};

/// Changes of one customer that share a body.
type Row = BTreeMap<GroupId, DocumentChange>;

/// What customers must have in common to share a call.
type Shared = (Os, String, BTreeSet<GroupId>);

/// Splits changes into writes of at most `customers` customers, in a stable order.
///
/// While packing is not `proven`, one pack of several customers is tried, first, as the proof; all else goes one
/// customer at a time. A change that cannot be built or named stands alone, so that its error is its own.
pub fn pack(changes: Vec<DocumentChange>, customers: usize, proven: bool) -> Vec<Vec<DocumentChange>> {
    let (rows, mut alone) = rows(changes);
    let (mut packs, singles) = packs(rows, customers.clamp(1, MAX_CUSTOMERS));
    if !proven {
        keep_one(&mut packs, &mut alone);
    }
    let packed = packs.into_iter().map(|pack| pack.into_iter().flat_map(Row::into_values).collect());
    packed.chain(singles).chain(alone).collect()
}

/// Rows that may be packed by what they share, and writes that stand for themselves.
type Rows = BTreeMap<Shared, BTreeMap<CustomerId, Row>>;

fn rows(changes: Vec<DocumentChange>) -> (Rows, Vec<Vec<DocumentChange>>) {
    let mut by_body: BTreeMap<(CustomerId, Os, String), Row> = BTreeMap::new();
    let mut alone = Vec::new();
    for change in changes {
        let described = DocumentId::parse(&change.desired.key).zip(body::build(&change).ok());
        let Some((id, body)) = described else {
            alone.push(vec![change]);
            continue;
        };
        let row =
            by_body.entry((id.customer, id.os, serde_json::Value::Object(body).to_string())).or_default();
        match row.entry(id.group) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(change);
            }
            std::collections::btree_map::Entry::Occupied(_) => alone.push(vec![change]),
        }
    }
    let mut rows = Rows::new();
    for ((customer, os, body), row) in by_body {
        for part in chunks(row, MAX_GROUPS) {
            let groups = part.keys().copied().collect();
            rows.entry((os, body.clone(), groups)).or_default().insert(customer.clone(), part);
        }
    }
    (rows, alone)
}

/// Packs of two customers and more, and everything else.
fn packs(rows: Rows, customers: usize) -> (Vec<Vec<Row>>, Vec<Vec<DocumentChange>>) {
    let (mut packs, mut singles) = (Vec::new(), Vec::new());
    for by_customer in rows.into_values() {
        let shallow = by_customer.values().flat_map(BTreeMap::values).all(body::is_shallow);
        let size = if shallow { customers } else { 1 };
        for pack in chunks(by_customer, size) {
            let pack: Vec<Row> = pack.into_values().collect();
            if pack.len() > 1 { packs.push(pack) } else { singles.extend(pack.into_iter().map(values)) }
        }
    }
    (packs, singles)
}

/// Keeps the largest pack, the first of equals, and takes the others apart.
fn keep_one(packs: &mut Vec<Vec<Row>>, alone: &mut Vec<Vec<DocumentChange>>) {
    let largest = packs.iter().enumerate().max_by_key(|(at, pack)| (pack.len(), std::cmp::Reverse(*at)));
    let Some(at) = largest.map(|(at, _)| at) else { return };
    let kept = packs.swap_remove(at);
    alone.splice(0..0, packs.drain(..).flatten().map(values));
    packs.push(kept);
}

fn values(row: Row) -> Vec<DocumentChange> {
    row.into_values().collect()
}

fn chunks<K: Ord, V>(map: BTreeMap<K, V>, size: usize) -> Vec<BTreeMap<K, V>> {
    let mut rest = map.into_iter().peekable();
    let mut chunks = Vec::new();
    while rest.peek().is_some() {
        chunks.push(rest.by_ref().take(size.max(1)).collect());
    }
    chunks
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
