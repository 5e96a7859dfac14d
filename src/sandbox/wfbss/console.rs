//! Changes as made by hand in the vendor's console, and by its operators (`PATCH /wfbss/state`).
//!
//! ```json
//! {"set": {"customer": "Alder Clinic", "group": "Servers", "os": "win",
//!          "path": "/behavior_monitoring/enabled", "value": 0}}
//! ```

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    estate::{Customer, Estate},
    inner::Inner,
    names::{CustomerId, Os, guid},
    options::{NewGroup, SharedWrites},
    seed,
};
use crate::model::Secret;

/// A customer by GUID, in any case, or by name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct CustomerRef(String);

/// A group by gid, or by name if only one has it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GroupRef {
    Id(u32),
    Name(String),
}

/// One change or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Several<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> Several<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(all) => all,
            Self::One(one) => vec![one],
        }
    }
}

/// Where a leaf is; without `group` and `os` in the global settings.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Leaf {
    customer: CustomerRef,
    #[serde(default)]
    group: Option<GroupRef>,
    #[serde(default)]
    os: Option<Os>,
    /// A JSON pointer; objects on the way are made.
    path: String,
    /// Absent: the leaf is removed.
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCustomer {
    name: String,
    #[serde(default)]
    id: Option<CustomerId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCustomer {
    customer: CustomerRef,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfGroup {
    customer: CustomerRef,
    group: GroupRef,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedGroup {
    customer: CustomerRef,
    group: GroupRef,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedCustomer {
    customer: CustomerRef,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddedGroup {
    customer: CustomerRef,
    name: String,
    #[serde(default, rename = "type")]
    kind: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rights {
    customer: CustomerRef,
    forbidden: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharing {
    customer: CustomerRef,
    os: Os,
    groups: Vec<GroupRef>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKeys {
    access_token: String,
    secret_key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTask {
    id: String,
}

/// Every change there is; those of one request are made in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Changes {
    options: Option<Value>,
    credentials: Option<NewKeys>,
    add_customer: Option<Several<NewCustomer>>,
    rename_customer: Option<Several<NamedCustomer>>,
    add_group: Option<Several<AddedGroup>>,
    rename_group: Option<Several<NamedGroup>>,
    share_document: Option<Several<Sharing>>,
    unshare_document: Option<Several<Sharing>>,
    set: Option<Several<Leaf>>,
    rights: Option<Several<Rights>>,
    remove_group: Option<Several<OfGroup>>,
    expire_customer: Option<Several<OfCustomer>>,
    renew_customer: Option<Several<OfCustomer>>,
    remove_customer: Option<Several<OfCustomer>>,
    revoke_task: Option<Several<OfTask>>,
}

/// Makes the changes, all of them or none.
///
/// # Errors
/// A sentence about the first one that cannot be made.
pub fn patch(inner: &mut Inner, change: Value, now: Timestamp, elapsed: Duration) -> Result<(), String> {
    let changes: Changes = serde_json::from_value(change).map_err(|error| error.to_string())?;
    let options = match &changes.options {
        Some(options) => inner.options.patched(options)?,
        None => inner.options.clone(),
    };
    let mut tasks = inner.tasks.clone();
    for task in all(changes.revoke_task) {
        tasks.revoke(&task.id, elapsed)?;
    }
    let mut hand = Hand { estate: inner.estate.clone(), now, initialized: !options.require_initialize };
    all(changes.add_customer).into_iter().try_for_each(|it| hand.add_customer(it))?;
    all(changes.rename_customer).into_iter().try_for_each(|it| hand.rename_customer(it))?;
    all(changes.add_group).into_iter().try_for_each(|it| hand.add_group(&it))?;
    all(changes.rename_group).into_iter().try_for_each(|it| hand.rename_group(it))?;
    all(changes.share_document).into_iter().try_for_each(|it| hand.share(&it, true))?;
    all(changes.unshare_document).into_iter().try_for_each(|it| hand.share(&it, false))?;
    all(changes.set).into_iter().try_for_each(|it| hand.set(&it))?;
    all(changes.rights).into_iter().try_for_each(|it| hand.rights(&it))?;
    all(changes.remove_group).into_iter().try_for_each(|it| hand.remove_group(&it))?;
    all(changes.expire_customer).into_iter().try_for_each(|it| hand.expire(&it, -1))?;
    all(changes.renew_customer).into_iter().try_for_each(|it| hand.expire(&it, 400 * 24 * 3600))?;
    all(changes.remove_customer).into_iter().try_for_each(|it| hand.remove_customer(&it))?;
    (inner.options, inner.tasks, inner.estate) = (options, tasks, hand.estate);
    if let Some(keys) = changes.credentials {
        inner.keys.access_token = keys.access_token;
        inner.keys.secret_key = Secret::new(keys.secret_key);
    }
    Ok(())
}

fn all<T>(several: Option<Several<T>>) -> Vec<T> {
    several.map(Several::into_vec).unwrap_or_default()
}

/// A hand on a copy of the estate.
struct Hand {
    estate: Estate,
    now: Timestamp,
    initialized: bool,
}

impl Hand {
    fn id(&self, wanted: &CustomerRef) -> Result<CustomerId, String> {
        let by_id = wanted.0.parse().ok().filter(|id| self.estate.customers.contains_key(id));
        let by_name = || {
            self.estate
                .customers
                .iter()
                .find(|(_, customer)| customer.name == wanted.0)
                .map(|(id, _)| id.clone())
        };
        by_id.or_else(by_name).ok_or_else(|| format!("customer {:?} does not exist", wanted.0))
    }

    fn customer(&mut self, wanted: &CustomerRef) -> Result<&mut Customer, String> {
        let id = self.id(wanted)?;
        self.estate.customers.get_mut(&id).ok_or_else(|| format!("customer {id} does not exist"))
    }

    fn add_customer(&mut self, new: NewCustomer) -> Result<(), String> {
        let id = match new.id {
            Some(id) => id,
            None => guid(&format!("customer {}", new.name)).parse()?,
        };
        if self.estate.customers.contains_key(&id) {
            return Err(format!("addCustomer: customer {id} exists"));
        }
        let mut customer = seed::company(&new.name, self.now, 400);
        customer.initialized = self.initialized;
        self.estate.customers.insert(id, customer);
        Ok(())
    }

    fn rename_customer(&mut self, change: NamedCustomer) -> Result<(), String> {
        self.customer(&change.customer)?.name = change.name;
        Ok(())
    }

    fn add_group(&mut self, new: &AddedGroup) -> Result<(), String> {
        let customer = self.customer(&new.customer)?;
        match new.kind {
            None | Some(1) => {
                customer.create_group(&new.name, NewGroup::Defaults, Duration::ZERO);
            }
            Some(kind) => customer.insert_group(customer.next_gid, new.name.clone(), kind),
        }
        Ok(())
    }

    fn rename_group(&mut self, change: NamedGroup) -> Result<(), String> {
        let customer = self.customer(&change.customer)?;
        let gid = gid(customer, &change.group)?;
        if let Some(group) = customer.groups.get_mut(&gid) {
            group.name = change.name;
        }
        Ok(())
    }

    fn remove_group(&mut self, gone: &OfGroup) -> Result<(), String> {
        let customer = self.customer(&gone.customer)?;
        let gid = gid(customer, &gone.group)?;
        customer.remove_group(gid);
        Ok(())
    }

    fn share(&mut self, sharing: &Sharing, together: bool) -> Result<(), String> {
        let customer = self.customer(&sharing.customer)?;
        let gids =
            sharing.groups.iter().map(|group| gid(customer, group)).collect::<Result<BTreeSet<_>, _>>()?;
        if together {
            customer.share(sharing.os, &gids);
        } else {
            customer.unshare(sharing.os, &gids);
        }
        Ok(())
    }

    fn set(&mut self, leaf: &Leaf) -> Result<(), String> {
        let customer = self.customer(&leaf.customer)?;
        match (&leaf.group, leaf.os) {
            (Some(group), Some(os)) => {
                let gid = gid(customer, group)?;
                let mut document =
                    customer.document(gid, os).map(|stored| (**stored).clone()).unwrap_or_default();
                set_leaf(&mut document, &leaf.path, leaf.value.clone())?;
                let change = |stored: &mut Value| stored.clone_from(&document);
                customer.edit(&[gid].into(), os, SharedWrites::ChangeAll, change);
                Ok(())
            }
            (None, None) => set_leaf(Arc::make_mut(&mut customer.global), &leaf.path, leaf.value.clone()),
            _ => Err("set: wanted are both group and os, or neither for the global settings".to_owned()),
        }
    }

    fn rights(&mut self, change: &Rights) -> Result<(), String> {
        self.customer(&change.customer)?.forbidden = change.forbidden;
        Ok(())
    }

    fn expire(&mut self, change: &OfCustomer, seconds: i64) -> Result<(), String> {
        let moment = self.now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        self.customer(&change.customer)?.expire = moment;
        Ok(())
    }

    fn remove_customer(&mut self, gone: &OfCustomer) -> Result<(), String> {
        let id = self.id(&gone.customer)?;
        self.estate.customers.remove(&id);
        Ok(())
    }
}

fn gid(customer: &Customer, wanted: &GroupRef) -> Result<u32, String> {
    let found: Vec<u32> = match wanted {
        GroupRef::Id(gid) => customer.groups.keys().copied().filter(|known| known == gid).collect(),
        GroupRef::Name(name) => {
            customer.groups.iter().filter(|(_, group)| group.name == *name).map(|(gid, _)| *gid).collect()
        }
    };
    match found[..] {
        [gid] => Ok(gid),
        [] => Err(format!("customer {} has no group {wanted:?}", customer.name)),
        _ => Err(format!("customer {} has several groups {wanted:?}: name it by id", customer.name)),
    }
}

fn set_leaf(document: &mut Value, path: &str, value: Option<Value>) -> Result<(), String> {
    let unescape = |name: &str| name.replace("~1", "/").replace("~0", "~");
    let Some((parents, last)) =
        path.strip_prefix('/').map(|path| path.rsplit_once('/').unwrap_or(("", path)))
    else {
        return Err(format!("set: path {path:?} is no JSON pointer to a leaf"));
    };
    let mut place = document;
    for name in parents.split('/').filter(|name| !name.is_empty()) {
        place = object(place, path)?.entry(unescape(name)).or_insert_with(|| Value::Object(Map::new()));
    }
    let members = object(place, path)?;
    match value {
        Some(value) => members.insert(unescape(last), value),
        None => members.remove(&unescape(last)),
    };
    Ok(())
}

fn object<'a>(place: &'a mut Value, path: &str) -> Result<&'a mut Map<String, Value>, String> {
    place.as_object_mut().ok_or_else(|| format!("set: path {path:?} leads through what is no object"))
}

/// Tells `null` from an absent member.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}
