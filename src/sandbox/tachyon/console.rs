//! Changes as made by hand in the vendor's console (`PATCH /tachyon/state`), by its administrators,
//! or by the inventory (SLA) that groups come from.
//!
//! ```json
//! {"editPolicies": [{"policy": "Browser baseline", "enabled": false, "addGroups": ["Servers"]}],
//!  "editGroups": [{"group": "Kiosks", "rename": "Kiosk PCs"}], "deploy": true}
//! ```

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    changes::{
        Changes, ConsumerChange, FragmentEdit, Grants, GroupEdit, NewGroup, NewPolicy, NewRule, PolicyEdit,
        PrincipalChange, RuleEdit,
    },
    deploy::EditKind,
    estate::{Estate, Group, Hand, Policy, Rule},
    inner::Inner,
    people::{Certificate, Consumer, Grant, Principal, Sight},
};
use crate::sandbox::rsa::PublicKey;

/// Who edits, unless `by` says otherwise.
pub const ADMIN: &str = "CORP\\m.okafor";

/// Makes the changes, all of them or none.
///
/// # Errors
/// A sentence about the first one that cannot be made.
pub fn patch(inner: &mut Inner, change: Value, now: Timestamp, elapsed: Duration) -> Result<(), String> {
    let changes: Changes = serde_json::from_value(change).map_err(|error| error.to_string())?;
    let before = (inner.options.clone(), inner.estate.clone(), inner.people.clone());
    let by = changes.by.clone().unwrap_or_else(|| ADMIN.to_owned());
    let outcome = make(inner, changes, &Hand { by, now, elapsed });
    if outcome.is_err() {
        (inner.options, inner.estate, inner.people) = before;
    }
    outcome
}

fn make(inner: &mut Inner, changes: Changes, hand: &Hand) -> Result<(), String> {
    if let Some(options) = &changes.options {
        inner.options = inner.options.patched(options)?;
    }
    changes.consumers.into_iter().for_each(|it| consumer(inner, it));
    changes.principals.into_iter().try_for_each(|it| principal(inner, it))?;
    changes.grants.into_iter().try_for_each(|it| grant(inner, it))?;
    let estate = &mut inner.estate;
    changes.add_groups.into_iter().try_for_each(|it| add_group(estate, it, hand))?;
    changes.edit_groups.into_iter().try_for_each(|it| edit_group(estate, it))?;
    changes.edit_fragments.into_iter().try_for_each(|it| edit_fragment(estate, it, hand))?;
    changes.add_rules.into_iter().try_for_each(|it| add_rule(estate, it, hand))?;
    changes.edit_rules.into_iter().try_for_each(|it| edit_rule(estate, it, hand))?;
    changes.add_policies.into_iter().try_for_each(|it| add_policy(estate, it, hand))?;
    changes.edit_policies.into_iter().try_for_each(|it| edit_policy(estate, it, hand))?;
    for name in &changes.touch_policies {
        estate.edited(policy(estate, name)?, EditKind::Modified, hand);
    }
    for name in &changes.remove_policies {
        estate.remove_policy(policy(estate, name)?, hand);
    }
    for name in &changes.remove_rules {
        estate.remove_rule(rule(estate, name)?, hand);
    }
    changes.remove_groups.iter().try_for_each(|name| remove_group(inner, name, hand))?;
    if changes.log_out_all {
        inner.people.revoke();
    }
    if changes.deploy {
        inner.estate.deploy(hand, &Sight::all(), &inner.options);
    }
    Ok(())
}

fn consumer(inner: &mut Inner, change: ConsumerChange) {
    let new = Consumer { name: change.consumer.clone(), enabled: true, licensed: true };
    let stored = inner.people.consumers.entry(change.consumer.to_ascii_lowercase()).or_insert(new);
    set(&mut stored.enabled, change.enabled);
    set(&mut stored.licensed, change.licensed);
}

fn principal(inner: &mut Inner, change: PrincipalChange) -> Result<(), String> {
    let certificate = match (&change.certificate, change.thumbprint) {
        (None, None) => None,
        (Some(pem), Some(thumbprint)) => {
            Some(Certificate { thumbprint, key: PublicKey::from_certificate(pem)? })
        }
        _ => return Err("principals: certificate and thumbprint go together".to_owned()),
    };
    let known = inner.people.principals.iter().find(|(_, one)| same(&one.name, &change.principal));
    let id = known.map(|(id, _)| *id);
    let id = id.unwrap_or_else(|| inner.estate.next_id());
    let new = Principal { name: change.principal, enabled: true, application: None, certificate: None };
    let stored = inner.people.principals.entry(id).or_insert(new);
    set(&mut stored.enabled, change.enabled);
    set(&mut stored.application, change.application_id.map(Some));
    set(&mut stored.certificate, certificate.map(Some));
    Ok(())
}

fn grant(inner: &mut Inner, grants: Grants) -> Result<(), String> {
    let principals = inner.people.principals.iter();
    let principal = named("principal", &grants.principal, principals.map(|(id, one)| (*id, &*one.name)))?;
    inner.people.grants.retain(|_, grant| grant.principal != principal);
    for granted in grants.roles {
        let role = named("role", &granted.role, inner.people.roles.iter().map(|(id, one)| (*id, one.name)))?;
        for name in &granted.groups {
            let group = group(&inner.estate, name)?;
            let id = inner.estate.next_id();
            inner.people.grants.insert(id, Grant { principal, role, group });
        }
    }
    Ok(())
}

fn add_group(estate: &mut Estate, new: NewGroup, hand: &Hand) -> Result<(), String> {
    if group(estate, &new.name).is_ok() {
        return Err(format!("addGroups: {:?} exists", new.name));
    }
    let id = estate.next_id();
    let usable = blake3::hash(new.name.as_bytes()).to_hex().chars().take(32).collect();
    let group = Group {
        name: new.name,
        description: String::new(),
        usable_id: usable,
        system: false,
        devices: new.devices,
        created: hand.now,
    };
    estate.groups.insert(id, group);
    Ok(())
}

fn edit_group(estate: &mut Estate, edit: GroupEdit) -> Result<(), String> {
    let id = group(estate, &edit.group)?;
    if let Some(group) = estate.groups.get_mut(&id) {
        set(&mut group.name, edit.rename);
        set(&mut group.devices, edit.devices);
    }
    Ok(())
}

fn remove_group(inner: &mut Inner, name: &str, hand: &Hand) -> Result<(), String> {
    let estate = &mut inner.estate;
    let id = group(estate, name)?;
    let rows: Vec<i32> =
        estate.assignments.values().filter(|row| row.group == id).map(|row| row.policy).collect();
    for policy in rows {
        estate.unassign(policy, id);
        estate.edited(policy, EditKind::Modified, hand);
    }
    estate.groups.remove(&id);
    inner.people.grants.retain(|_, grant| grant.group != id);
    Ok(())
}

fn edit_fragment(estate: &mut Estate, edit: FragmentEdit, hand: &Hand) -> Result<(), String> {
    let id = fragment(estate, &edit.fragment)?;
    if let Some(fragment) = estate.fragments.get_mut(&id) {
        set(&mut fragment.licensed, edit.licensed);
        set(&mut fragment.version, edit.version);
    }
    if edit.version.is_some() {
        let using = estate.rules.iter().filter(|(_, rule)| rule.fragments().contains(&id));
        let using: Vec<i32> = using.map(|(id, _)| *id).collect();
        using.into_iter().for_each(|rule| estate.rule_edited(rule, hand));
    }
    Ok(())
}

fn add_rule(estate: &mut Estate, new: NewRule, hand: &Hand) -> Result<(), String> {
    if rule(estate, &new.name).is_ok() {
        return Err(format!("addRules: {:?} exists", new.name));
    }
    let check = fragment(estate, &new.check)?;
    let fix = new.fix.as_ref().map(|name| fragment(estate, name)).transpose()?;
    let id = estate.next_id();
    estate.rules.insert(id, Rule::of(new.name, check, fix, hand.now));
    estate.rule_edited(id, hand);
    Ok(())
}

fn edit_rule(estate: &mut Estate, edit: RuleEdit, hand: &Hand) -> Result<(), String> {
    let id = rule(estate, &edit.rule)?;
    if let Some(rule) = estate.rules.get_mut(&id) {
        set(&mut rule.name, edit.rename);
        set(&mut rule.description, edit.description);
        set(&mut rule.enabled, edit.enabled);
    }
    estate.rule_edited(id, hand);
    Ok(())
}

fn add_policy(estate: &mut Estate, new: NewPolicy, hand: &Hand) -> Result<(), String> {
    if policy(estate, &new.name).is_ok() {
        return Err(format!("addPolicies: {:?} exists", new.name));
    }
    let rules = all(&new.rules, |name| rule(estate, name))?;
    let groups = all(&new.groups, |name| group(estate, name))?;
    let id = estate.next_id();
    let policy = Policy {
        name: new.name,
        description: new.description,
        enabled: new.enabled,
        rules,
        notes: None,
        created: hand.now,
        modified: hand.now,
        visible_from: Duration::ZERO,
    };
    estate.policies.insert(id, policy);
    for group in groups {
        estate.assign(id, group);
    }
    estate.edited(id, EditKind::Created, hand);
    Ok(())
}

fn edit_policy(estate: &mut Estate, edit: PolicyEdit, hand: &Hand) -> Result<(), String> {
    let id = policy(estate, &edit.policy)?;
    let (adds, removes) = (
        all(&edit.add_rules, |name| rule(estate, name))?,
        all(&edit.remove_rules, |name| rule(estate, name))?,
    );
    let rules = edit.rules.map(|names| all(&names, |name| rule(estate, name))).transpose()?;
    let groups = edit.groups.map(|names| all(&names, |name| group(estate, name))).transpose()?;
    let more = all(&edit.add_groups, |name| group(estate, name))?;
    let mut less: BTreeSet<i32> = all(&edit.remove_groups, |name| group(estate, name))?.into_iter().collect();
    if let Some(policy) = estate.policies.get_mut(&id) {
        set(&mut policy.name, edit.rename);
        set(&mut policy.description, edit.description);
        set(&mut policy.enabled, edit.enabled);
        set(&mut policy.notes, edit.notes.map(Some));
        set(&mut policy.rules, rules);
        policy.rules.retain(|known| !removes.contains(known) && !adds.contains(known));
        policy.rules.extend(adds);
    }
    if let Some(groups) = &groups {
        less.extend(estate.groups_of(id).into_iter().filter(|known| !groups.contains(known)));
    }
    for group in less {
        estate.unassign(id, group);
    }
    for group in groups.into_iter().flatten().chain(more) {
        estate.assign(id, group);
    }
    estate.edited(id, EditKind::Modified, hand);
    Ok(())
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(value) = wanted {
        *field = value;
    }
}

fn all(names: &[String], find: impl Fn(&str) -> Result<i32, String>) -> Result<Vec<i32>, String> {
    names.iter().map(|name| find(name)).collect()
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// The id of a group named by id or name.
///
/// # Errors
/// A sentence if there is none.
pub fn group(estate: &Estate, wanted: &str) -> Result<i32, String> {
    named("group", wanted, estate.groups.iter().map(|(id, one)| (*id, &*one.name)))
}

fn policy(estate: &Estate, wanted: &str) -> Result<i32, String> {
    named("policy", wanted, estate.policies.iter().map(|(id, one)| (*id, &*one.name)))
}

fn rule(estate: &Estate, wanted: &str) -> Result<i32, String> {
    named("rule", wanted, estate.rules.iter().map(|(id, one)| (*id, &*one.name)))
}

fn fragment(estate: &Estate, wanted: &str) -> Result<i32, String> {
    named("fragment", wanted, estate.fragments.iter().map(|(id, one)| (*id, &*one.name)))
}

fn named<'a>(what: &str, wanted: &str, known: impl Iterator<Item = (i32, &'a str)>) -> Result<i32, String> {
    let mut found: Vec<i32> = Vec::new();
    for (id, name) in known {
        if id.to_string() == wanted {
            return Ok(id);
        }
        if same(name, wanted) {
            found.push(id);
        }
    }
    match found.as_slice() {
        [id] => Ok(*id),
        [] => Err(format!("{what} {wanted:?} does not exist")),
        _ => Err(format!("{what} {wanted:?}: several have the name, give the id")),
    }
}
