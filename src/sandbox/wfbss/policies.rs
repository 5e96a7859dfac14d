//! `/policies` and `/policies/default` (sections 4.1 to 4.3).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    admit::admit,
    answer::{Answer, Failure},
    directory,
    estate::Customer,
    inner::{Call, Inner},
    names::{CustomerId, Os},
    options::{
        BadCustomer, BothForms, Grouping, MissingGroup, NeitherForm, PoliciesPaging, PoliciesRecord,
        ReplicateWithin, SeveralCustomers, SyncWrites, UnknownSections, WfbssOptions,
    },
    present,
    query::{Scope, wrong},
    seed,
    write::{Step, Subject, Write},
};

/// GET `/policies`.
///
/// # Errors
/// See [`super::query`]; 404 for customers and groups that are not there.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let customers = call.query.required_customers(10)?;
    if customers.len() > 1 && inner.options.several_customers == SeveralCustomers::Reject {
        return Err(wrong("cids", "has several customers, wanted is one"));
    }
    let (os, gids, page) = (call.query.os()?, call.query.groups()?, call.query.page(100)?);
    let fields = fields(call, os.sections(&call.version), &inner.options)?;
    let mut found = Vec::new();
    for id in customers {
        let customer = inner.estate.reachable(&id, call.now, &inner.options)?;
        check_groups(&id, customer, gids.as_ref(), inner.options.missing_group)?;
        let shown = |document: &Value| {
            let wanted = |name: &str| is_shown(name, fields.as_ref(), os, &call.version);
            present::document(document, wanted, &inner.options)
        };
        found.push((id, entries(customer, os, gids.as_ref(), inner.options.grouping, shown)));
    }
    let (customers, paging) = match inner.options.policies_record {
        PoliciesRecord::Customers => inner.page(call, found, page),
        PoliciesRecord::Entries => page_entries(inner, call, found, page),
    };
    let customers: Vec<Value> = customers.iter().map(|(id, entries)| customer_entry(id, entries)).collect();
    Ok(Answer::Json(match inner.options.policies_paging {
        PoliciesPaging::Present => json!({"customers": customers, "paging": paging}),
        PoliciesPaging::Absent => json!({"customers": customers}),
    }))
}

type Entries = Vec<(BTreeSet<u32>, Value)>;

fn customer_entry(id: &CustomerId, entries: &Entries) -> Value {
    let policies: Vec<Value> =
        entries.iter().map(|(gids, policy)| json!({"gid": gids, "policy": policy})).collect();
    json!({"id": id, "eid": directory::eid(id), "count": policies.len(), "policies": policies})
}

fn page_entries(
    inner: &mut Inner,
    call: &Call,
    found: Vec<(CustomerId, Entries)>,
    page: super::query::Page,
) -> (Vec<(CustomerId, Entries)>, Value) {
    let customers: Vec<CustomerId> = found.iter().map(|(id, _)| id.clone()).collect();
    let flat =
        found.into_iter().flat_map(|(id, entries)| entries.into_iter().map(move |entry| (id.clone(), entry)));
    let (slice, paging) = inner.page(call, flat.collect(), page);
    let mut by_customer: BTreeMap<CustomerId, Entries> = BTreeMap::new();
    for (id, entry) in slice {
        by_customer.entry(id).or_default().push(entry);
    }
    let with_entries = |id: CustomerId| (id.clone(), by_customer.remove(&id).unwrap_or_default());
    (customers.into_iter().map(with_entries).collect(), paging)
}

/// The entries of `policies`: one for each document, or for each content.
fn entries(
    customer: &Customer,
    os: Os,
    wanted: Option<&BTreeSet<u32>>,
    grouping: Grouping,
    shown: impl Fn(&Value) -> Value,
) -> Entries {
    let is_wanted = |gids: &BTreeSet<u32>| wanted.is_none_or(|wanted| !wanted.is_disjoint(gids));
    let all =
        customer.documents(os).into_iter().map(|(gids, document)| (BTreeSet::from_iter(gids), document));
    match grouping {
        Grouping::PerDocument => {
            all.filter(|(gids, _)| is_wanted(gids)).map(|(gids, document)| (gids, shown(document))).collect()
        }
        Grouping::MergeRequested => merge_equal(
            all.filter(|(gids, _)| is_wanted(gids)).map(|(gids, document)| (gids, shown(document))),
        ),
        Grouping::MergeAll => {
            let mut merged = merge_equal(all.map(|(gids, document)| (gids, shown(document))));
            merged.retain(|(gids, _)| is_wanted(gids));
            merged
        }
    }
}

fn merge_equal(entries: impl Iterator<Item = (BTreeSet<u32>, Value)>) -> Entries {
    let mut merged: Entries = Vec::new();
    for (gids, policy) in entries {
        match merged.iter_mut().find(|(_, other)| *other == policy) {
            Some((others, _)) => others.extend(gids),
            None => merged.push((gids, policy)),
        }
    }
    merged
}

/// Whether a section is shown: asked for, and not newer than the version asked.
fn is_shown(name: &str, fields: Option<&BTreeSet<String>>, os: Os, version: &str) -> bool {
    let newer = os == Os::Win && version == "v2.6" && name == "application_control";
    !newer && fields.is_none_or(|fields| fields.contains(name))
}

/// The checked `fields`.
///
/// # Errors
/// 400 for a section that is not in `sections`.
pub fn fields(
    call: &Call,
    sections: Option<&[&str]>,
    options: &WfbssOptions,
) -> Result<Option<BTreeSet<String>>, Failure> {
    let fields = call.query.fields();
    let unknown = |name: &&String| sections.is_some_and(|sections| !sections.contains(&name.as_str()));
    match fields.iter().flatten().find(unknown) {
        Some(name) if options.unknown_sections == UnknownSections::Reject => {
            Err(wrong("fields", &format!("has {name:?}, which is no section")))
        }
        _ => Ok(fields),
    }
}

fn check_groups(
    id: &CustomerId,
    customer: &Customer,
    gids: Option<&BTreeSet<u32>>,
    missing: MissingGroup,
) -> Result<(), Failure> {
    let gone = gids.into_iter().flatten().find(|gid| !customer.groups.contains_key(*gid));
    match (gone, missing) {
        (Some(gid), MissingGroup::Reject) => {
            Err(Failure::not_found("GroupNotFound", format!("customer {id} has no group {gid}")))
        }
        _ => Ok(()),
    }
}

/// GET `/policies/default`.
///
/// # Errors
/// See [`super::query`]; 400 for another `type` than desktop and server.
pub fn defaults(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let os = call.query.os()?;
    if let Scope::Listed(customers) = call.query.customers(10, inner.options.empty_cids)? {
        for id in customers {
            inner.estate.reachable(&id, call.now, &inner.options)?;
        }
    }
    let server = match call.query.get("type") {
        None | Some("desktop") => false,
        Some("server") => true,
        Some(other) => return Err(wrong("type", &format!("is {other:?}, allowed are desktop and server"))),
    };
    let fields = fields(call, os.sections(&call.version), &inner.options)?;
    let wanted = |name: &str| is_shown(name, fields.as_ref(), os, &call.version);
    let policy = present::document(&seed::document(os, server), wanted, &inner.options);
    Ok(Answer::Json(json!({"policies": [{"policy": policy}]})))
}

/// PUT `/policies`. Without `cids` it hits every customer, without `gids` every group.
///
/// # Errors
/// 400 for what can never work, 403 and 404 for customers and groups; nothing is changed then.
pub fn write(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (os, gids) = (call.query.os()?, call.query.groups()?);
    let (customers, scoped) = targets(inner, call)?;
    for id in &customers {
        let customer = inner.estate.reachable(id, call.now, &inner.options)?;
        check_groups(id, customer, gids.as_ref(), inner.options.missing_group)?;
    }
    let body = Body::of(call)?;
    let patch = match &body.policy {
        Some(policy) => {
            Some(admit(policy, &seed::document(os, false), os.sections(&call.version), &inner.options)?)
        }
        None => None,
    };
    let copy = match &body.replicate_from {
        Some(from) => Some(check_source(inner, call, from, &customers)?),
        None => None,
    };
    let steps = steps(patch, copy, &inner.options)?;
    inner.unscoped_writes += u64::from(!scoped);
    inner.ungrouped_writes += u64::from(gids.is_none());
    let sync = is_sync(inner, call)?;
    inner.take(call, Write { customers, subject: Subject::Policies(os, gids), steps }, sync)
}

/// The body of a PUT; further members are passed over.
#[derive(Deserialize)]
struct Body {
    policy: Option<Map<String, Value>>,
    replicate_from: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    cid: CustomerId,
    gid: u32,
}

impl Body {
    fn of(call: &Call) -> Result<Self, Failure> {
        serde_json::from_slice(&call.body)
            .map_err(|error| Failure::bad("InvalidBody", format!("the body: {error}")))
    }
}

/// Whether the write is done before the answer.
///
/// # Errors
/// 400 for a bad `sync`.
pub fn is_sync(inner: &Inner, call: &Call) -> Result<bool, Failure> {
    Ok(call.query.sync()? && inner.options.sync_writes == SyncWrites::Immediate)
}

/// The customers of a write, and whether they were named.
///
/// # Errors
/// 400 for more than ten and for `sync=true` without any; 403, 404 for what a customer refuses.
pub fn targets(inner: &Inner, call: &Call) -> Result<(Vec<CustomerId>, bool), Failure> {
    let scope = call.query.customers(10, inner.options.empty_cids)?;
    let ids = match scope {
        Scope::All if call.query.sync()? => return Err(wrong("cids", "is required with sync=true")),
        Scope::All => {
            let all = inner.estate.customers.keys();
            let reachable = all.filter(|id| inner.estate.reachable(id, call.now, &inner.options).is_ok());
            return Ok((reachable.cloned().collect(), false));
        }
        Scope::Listed(ids) => ids,
    };
    let skips = ids.len() > 1 && inner.options.bad_customer == BadCustomer::Skip;
    let mut reachable = Vec::new();
    for id in ids {
        match inner.estate.reachable(&id, call.now, &inner.options) {
            Ok(_) => reachable.push(id),
            Err(_) if skips => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok((reachable, true))
}

fn check_source(inner: &Inner, call: &Call, from: &Source, targets: &[CustomerId]) -> Result<Step, Failure> {
    let source = inner.estate.reachable(&from.cid, call.now, &inner.options)?;
    check_groups(&from.cid, source, Some(&[from.gid].into()), MissingGroup::Reject)?;
    check_within(&from.cid, targets, &inner.options)?;
    Ok(Step::Copy(from.cid.clone(), Some(from.gid)))
}

/// Refuses to copy within one customer where that is not allowed.
///
/// # Errors
/// 400.
pub fn check_within(
    from: &CustomerId,
    targets: &[CustomerId],
    options: &WfbssOptions,
) -> Result<(), Failure> {
    if options.replicate_within == ReplicateWithin::Reject && targets.contains(from) {
        return Err(Failure::bad("SameCustomer", "replicate_from names a customer that is written"));
    }
    Ok(())
}

/// The steps that the two forms of the body amount to.
///
/// # Errors
/// 400 for both and for neither, where those are refused.
pub fn steps(
    patch: Option<Map<String, Value>>,
    copy: Option<Step>,
    options: &WfbssOptions,
) -> Result<Vec<Step>, Failure> {
    match (patch, copy) {
        (Some(patch), None) => Ok(vec![Step::Patch(patch)]),
        (None, Some(copy)) => Ok(vec![copy]),
        (Some(patch), Some(copy)) => match options.both_forms {
            BothForms::Reject => {
                Err(Failure::bad("InvalidBody", "settings and replicate_from exclude each other"))
            }
            BothForms::PolicyOnly => Ok(vec![Step::Patch(patch)]),
            BothForms::ReplicateThenPolicy => Ok(vec![copy, Step::Patch(patch)]),
        },
        (None, None) => match options.neither_form {
            NeitherForm::Reject => Err(Failure::bad("InvalidBody", "neither settings nor replicate_from")),
            NeitherForm::Accept => Ok(Vec::new()),
        },
    }
}
