//! What a partner has: customers, their groups, one document per (customer, group, os).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    answer::Failure,
    names::{CustomerId, Os},
    options::{NewGroup, SharedWrites, WfbssOptions},
    seed,
};

/// Everything of one partner.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    /// By id, which is also the order of every list.
    pub customers: BTreeMap<CustomerId, Customer>,
}

/// One company.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The company's name.
    pub name: String,
    /// IANA name.
    pub time_zone: &'static str,
    /// Licensed seats.
    pub seat_count: u32,
    /// When the licence ends or ended.
    pub expire: Timestamp,
    /// 0 trial, 1 full; served as a string.
    pub license_type: u8,
    /// The caller has no rights on it: 403.
    pub forbidden: bool,
    /// Whether `POST /initialize` was called.
    pub initialized: bool,
    /// By gid; gids mean nothing outside their customer.
    pub groups: BTreeMap<u32, Group>,
    /// Never given again, also after a removal.
    pub next_gid: u32,
    /// The global settings.
    pub global: Arc<Value>,
    /// The devices.
    pub computers: Vec<Computer>,
    documents: BTreeMap<u64, Arc<Value>>,
    next_document: u64,
}

/// A group of devices.
#[derive(Debug, Clone)]
pub struct Group {
    /// Not unique.
    pub name: String,
    /// 1 device, 2 server.
    pub kind: u8,
    /// Lists show it from this moment on.
    pub visible_from: Duration,
    documents: BTreeMap<Os, u64>,
}

/// A device.
#[derive(Debug, Clone)]
pub struct Computer {
    /// 32 hex digits; the API calls it `cid`.
    pub id: String,
    /// Its group.
    pub gid: u32,
    /// Its name.
    pub name: String,
    /// 1 desktop, 2 server.
    pub kind: u8,
}

impl Customer {
    /// A company without groups whose licence ends at `expire`.
    pub fn new(name: impl Into<String>, expire: Timestamp) -> Self {
        Self {
            name: name.into(),
            time_zone: "Europe/London",
            seat_count: 25,
            expire,
            license_type: 1,
            forbidden: false,
            initialized: true,
            groups: BTreeMap::new(),
            next_gid: 1,
            global: seed::global(),
            computers: Vec::new(),
            documents: BTreeMap::new(),
            next_document: 0,
        }
    }

    /// Puts a group in, with the default documents of its kind.
    pub fn insert_group(&mut self, gid: u32, name: impl Into<String>, kind: u8) {
        let documents = Os::ALL.map(|os| (os, self.store(seed::document(os, kind == 2)))).into();
        let group = Group { name: name.into(), kind, visible_from: Duration::ZERO, documents };
        self.groups.insert(gid, group);
        self.next_gid = self.next_gid.max(gid.saturating_add(1));
    }

    /// Makes a group of type 1 with the next gid.
    pub fn create_group(&mut self, name: &str, start: NewGroup, visible_from: Duration) -> u32 {
        let gid = self.next_gid;
        self.insert_group(gid, name, 1);
        for os in Os::ALL {
            let document = match start {
                NewGroup::Defaults => continue,
                NewGroup::Empty => Arc::new(Value::Object(serde_json::Map::new())),
                NewGroup::CopyOfDevice => {
                    self.document(1, os).cloned().unwrap_or_else(|| seed::document(os, false))
                }
            };
            self.serve(&BTreeSet::from([gid]), os, document);
        }
        if let Some(group) = self.groups.get_mut(&gid) {
            group.visible_from = visible_from;
        }
        gid
    }

    /// Takes a group away, and its documents unless they serve others.
    pub fn remove_group(&mut self, gid: u32) {
        self.groups.remove(&gid);
        self.computers.retain(|computer| computer.gid != gid);
        self.sweep();
    }

    /// The document of a group.
    pub fn document(&self, gid: u32, os: Os) -> Option<&Arc<Value>> {
        self.documents.get(self.groups.get(&gid)?.documents.get(&os)?)
    }

    /// The documents of an OS with the gids each serves, by lowest gid.
    pub fn documents(&self, os: Os) -> Vec<(Vec<u32>, &Arc<Value>)> {
        let mut serving: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (gid, group) in &self.groups {
            if let Some(id) = group.documents.get(&os) {
                serving.entry(*id).or_default().push(*gid);
            }
        }
        let mut all: Vec<_> =
            serving.into_iter().filter_map(|(id, gids)| Some((gids, self.documents.get(&id)?))).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// Lets these groups be served by one document, that of the first (Advanced Mode).
    pub fn share(&mut self, os: Os, gids: &BTreeSet<u32>) {
        let first = gids.first().and_then(|gid| self.document(*gid, os)).cloned();
        if let Some(document) = first {
            self.serve(gids, os, document);
        }
    }

    /// Gives each of these groups a document of its own, with the same content.
    pub fn unshare(&mut self, os: Os, gids: &BTreeSet<u32>) {
        for gid in gids {
            self.share(os, &BTreeSet::from([*gid]));
        }
    }

    /// Changes the documents of these groups, each document once.
    pub fn edit(&mut self, gids: &BTreeSet<u32>, os: Os, shared: SharedWrites, change: impl Fn(&mut Value)) {
        let touched: Vec<BTreeSet<u32>> =
            self.documents(os).into_iter().map(|(serving, _)| serving.into_iter().collect()).collect();
        for serving in touched {
            let written: BTreeSet<u32> = serving.intersection(gids).copied().collect();
            let Some(first) = written.first().copied() else { continue };
            if written != serving && shared == SharedWrites::Split {
                self.share(os, &written);
            }
            let id = self.groups.get(&first).and_then(|group| group.documents.get(&os)).copied();
            if let Some(document) = id.and_then(|id| self.documents.get_mut(&id)) {
                change(Arc::make_mut(document));
            }
        }
    }

    fn serve(&mut self, gids: &BTreeSet<u32>, os: Os, document: Arc<Value>) {
        let id = self.store(document);
        for gid in gids {
            if let Some(group) = self.groups.get_mut(gid) {
                group.documents.insert(os, id);
            }
        }
        self.sweep();
    }

    fn store(&mut self, document: Arc<Value>) -> u64 {
        self.next_document += 1;
        self.documents.insert(self.next_document, document);
        self.next_document
    }

    fn sweep(&mut self) {
        let served: BTreeSet<u64> =
            self.groups.values().flat_map(|group| group.documents.values().copied()).collect();
        self.documents.retain(|id, _| served.contains(id));
    }
}

impl Estate {
    /// A customer the caller may work with now.
    ///
    /// # Errors
    /// 404 for unknown, expired and uninitialised ones, 403 without rights (section 10, rows 12 and 13).
    pub fn reachable(
        &self,
        id: &CustomerId,
        now: Timestamp,
        options: &WfbssOptions,
    ) -> Result<&Customer, Failure> {
        let customer = self
            .customers
            .get(id)
            .ok_or_else(|| Failure::not_found("CustomerNotFound", format!("customer {id} does not exist")))?;
        if customer.forbidden {
            let message = format!("no rights on customer {id}");
            return Err(Failure::new(http::StatusCode::FORBIDDEN, "Forbidden", message));
        }
        if customer.expire <= now {
            return Err(Failure::not_found("CustomerExpired", format!("customer {id} has expired")));
        }
        if options.require_initialize && !customer.initialized {
            return Err(Failure::not_found("NotInitialized", format!("customer {id} is not initialized")));
        }
        Ok(customer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn customer() -> Customer {
        let mut customer = Customer::new("Test", Timestamp::MAX);
        for gid in 1..=3 {
            customer.insert_group(gid, format!("g{gid}"), 1);
        }
        customer
    }

    fn mark(document: &mut Value) {
        *document = json!({"marked": 1});
    }

    fn marked(customer: &Customer) -> Vec<u32> {
        let is_marked = |gid: &u32| customer.document(*gid, Os::Win).unwrap().get("marked").is_some();
        customer.groups.keys().copied().filter(is_marked).collect()
    }

    #[test]
    fn a_write_reaches_exactly_the_groups_named() {
        let mut customer = customer();
        customer.edit(&[2].into(), Os::Win, SharedWrites::ChangeAll, mark);
        assert_eq!(marked(&customer), [2]);
        assert!(customer.document(2, Os::Mac).unwrap().get("marked").is_none(), "another OS");
    }

    #[test]
    fn a_shared_document_changes_for_all_or_splits() {
        let mut all = customer();
        all.share(Os::Win, &[1, 2].into());
        let mut split = all.clone();
        all.edit(&[2].into(), Os::Win, SharedWrites::ChangeAll, mark);
        split.edit(&[2].into(), Os::Win, SharedWrites::Split, mark);
        assert_eq!((marked(&all), marked(&split)), (vec![1, 2], vec![2]));
        let gids = |customer: &Customer| {
            customer.documents(Os::Win).into_iter().map(|(gids, _)| gids).collect::<Vec<_>>()
        };
        assert_eq!(gids(&all), [vec![1, 2], vec![3]]);
        assert_eq!(gids(&split), [vec![1], vec![2], vec![3]]);
    }

    #[test]
    fn a_gid_is_never_given_twice_and_documents_outlive_one_of_their_groups() {
        let mut customer = customer();
        customer.share(Os::Win, &[2, 3].into());
        customer.remove_group(3);
        assert!(customer.document(2, Os::Win).is_some());
        assert_eq!(customer.create_group("new", NewGroup::Empty, Duration::ZERO), 4);
        assert_eq!(**customer.document(4, Os::Win).unwrap(), json!({}));
        assert_eq!(customer.documents.len(), 3 * 4, "no document without a group");
    }
}
