//! Answers as the system sends them, read leniently: numbers may be texts, fields may be missing (sheet section 7.2).
//!
//! No decoder fails on a record it does not understand: it leaves it out and says so, because an answer that was
//! not understood is never the same as an answer that names nothing (promise 3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::ids::{CustomerId, GroupId};
use crate::model::memory::TaskState;

/// One page of a list of customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The records that were understood, merged by customer.
    pub rows: BTreeMap<CustomerId, T>,
    /// How many were not.
    pub garbled: usize,
    /// How many the page held, understood or not; of policies: documents.
    pub records: u64,
    /// `paging`, where the answer has it.
    pub paging: Option<Paging>,
}

/// `paging` (sheet section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Records in all pages together.
    pub total: u64,
    /// Records a page.
    pub limit: u64,
}

/// A record of `GET /customers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    /// Company name.
    pub name: String,
    /// When its licence ends, where told.
    pub expire: Option<Timestamp>,
}

/// A record of `GET /customers/groups`: names by number; `whole` unless some were not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupsRow {
    /// Group names.
    pub groups: BTreeMap<GroupId, String>,
    /// Whether every group in the record was understood.
    pub whole: bool,
}

/// A record of `GET /policies`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PoliciesRow {
    /// The documents.
    pub documents: Vec<DocumentRow>,
    /// Whether every document in the record was understood.
    pub whole: bool,
}

/// One document and the groups it serves.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// `gid`, at least one.
    pub groups: Vec<GroupId>,
    /// `policy`, always an object.
    pub policy: Value,
}

/// A task as answered by a write or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// Its id, where told.
    pub id: Option<String>,
    /// Its state.
    pub state: TaskState,
}

/// Reads `GET /customers`; `None`: the answer is no such list.
pub fn customers(answer: &Value) -> Option<Page<CustomerRow>> {
    page(answer, |record| {
        let name = record.get("name").and_then(Value::as_str)?.trim().to_owned();
        let expire = record.get("expire").and_then(Value::as_str).and_then(|text| text.trim().parse().ok());
        Some(CustomerRow { name, expire })
    })
}

/// Reads `GET /customers/groups`; `None`: the answer is no such list.
pub fn groups(answer: &Value) -> Option<Page<GroupsRow>> {
    page(answer, |record| {
        let listed = record.get("groups")?.as_array()?;
        let groups: BTreeMap<_, _> = listed.iter().filter_map(group).collect();
        Some(GroupsRow { whole: groups.len() == listed.len(), groups })
    })
}

/// Reads `GET /policies`; `None`: the answer is no such list.
pub fn policies(answer: &Value) -> Option<Page<PoliciesRow>> {
    let mut page = page(answer, |record| {
        let listed = record.get("policies")?.as_array()?;
        let documents: Vec<_> = listed.iter().filter_map(document).collect();
        Some(PoliciesRow { whole: documents.len() == listed.len(), documents })
    })?;
    let documents: usize = page.rows.values().map(|row| row.documents.len()).sum();
    page.records = u64::try_from(documents).unwrap_or(u64::MAX);
    Some(page)
}

/// Reads `{"task": {"id", "status"}}`; `None`: the answer speaks of no task.
pub fn task(answer: &Value) -> Option<TaskRow> {
    let task = answer.get("task")?;
    let state = task_state(task.get("status")?.as_str()?);
    let id = task.get("id").and_then(text_or_number).filter(|id| !id.is_empty());
    Some(TaskRow { id, state })
}

/// Joins two readings of one customer, which may re-appear on a later page.
pub trait Merge {
    /// Adds what the other reading knows and this one does not.
    fn merge(&mut self, other: Self);

    /// How much is known: a page that adds nothing to it is a page read before.
    fn size(&self) -> usize {
        1
    }
}

impl Merge for CustomerRow {
    fn merge(&mut self, other: Self) {
        *self = other;
    }
}

impl Merge for GroupsRow {
    fn merge(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.whole &= other.whole;
    }
}

impl Merge for PoliciesRow {
    fn merge(&mut self, other: Self) {
        let new = other.documents.into_iter().filter(|document| !self.documents.contains(document));
        let new: Vec<_> = new.collect();
        self.documents.extend(new);
        self.whole &= other.whole;
    }

    fn size(&self) -> usize {
        self.documents.len()
    }
}

fn page<T: Merge>(answer: &Value, row: impl Fn(&Value) -> Option<T>) -> Option<Page<T>> {
    let records = answer.get("customers")?.as_array()?;
    let mut page = Page {
        rows: BTreeMap::new(),
        garbled: 0,
        records: u64::try_from(records.len()).unwrap_or(u64::MAX),
        paging: answer.get("paging").and_then(paging),
    };
    for record in records {
        let id = record.get("id").and_then(Value::as_str).and_then(CustomerId::parse);
        match id.zip(row(record)) {
            Some((id, row)) => insert(&mut page.rows, id, row),
            None => page.garbled += 1,
        }
    }
    Some(page)
}

/// Adds a row, merging it with what the customer already has.
pub fn insert<T: Merge>(rows: &mut BTreeMap<CustomerId, T>, id: CustomerId, row: T) {
    match rows.get_mut(&id) {
        Some(known) => known.merge(row),
        None => {
            rows.insert(id, row);
        }
    }
}

fn paging(value: &Value) -> Option<Paging> {
    let limit = value.get("limit").and_then(whole_number).filter(|limit| *limit > 0).unwrap_or(100);
    Some(Paging { total: value.get("total").and_then(whole_number)?, limit })
}

fn group(record: &Value) -> Option<(GroupId, String)> {
    let id = record.get("id").and_then(whole_number)?;
    let name = record.get("name").and_then(Value::as_str)?;
    Some((GroupId::new(id), name.trim().to_owned()))
}

fn document(record: &Value) -> Option<DocumentRow> {
    let gid = record.get("gid")?;
    let groups: Option<Vec<_>> = match gid {
        Value::Array(ids) => ids.iter().map(|id| whole_number(id).map(GroupId::new)).collect(),
        one => whole_number(one).map(|id| vec![GroupId::new(id)]),
    };
    let policy = record.get("policy").filter(|policy| policy.is_object())?.clone();
    groups.filter(|groups| !groups.is_empty()).map(|groups| DocumentRow { groups, policy })
}

/// Celery's words; one that is not known means that the task is not over.
fn task_state(word: &str) -> TaskState {
    match word.trim().to_ascii_uppercase().as_str() {
        "STARTED" | "RETRY" | "PROGRESS" => TaskState::Started,
        "SUCCESS" => TaskState::Success,
        "FAILURE" => TaskState::Failure,
        "REVOKED" => TaskState::Revoked,
        _ => TaskState::Pending,
    }
}

fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn text_or_number(value: &Value) -> Option<String> {
    value.as_str().map(|text| text.trim().to_owned()).or_else(|| value.as_u64().map(|n| n.to_string()))
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
