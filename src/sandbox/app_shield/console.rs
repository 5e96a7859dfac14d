//! Changes as a person makes them in the vendor's console.
//!
//! ```json
//! {"editPolicy": {"name": "Sales rows by region", "isActive": false, "groups": ["Sales EMEA"]},
//!  "addPolicy": [{"name": "By hand", "users": ["mara.holt"]}],
//!  "removePolicy": {"id": "639057069300123456"},
//!  "addGroup": {"name": "tenant-cedar"}, "renameGroup": {"group": "11", "name": "tenant-elm"},
//!  "removeGroup": {"group": "16"}, "addUser": {"login": "kim.reyes", "groups": ["16"]},
//!  "editUser": {"user": "policy-operator", "admin": false}, "removeUser": {"user": "tom.okafor"},
//!  "passwords": {"policy-operator": "new"}, "logIn": {"user": "mara.holt"}, "logOut": {"user": "mara.holt"},
//!  "options": {"lists": "merge"}}
//! ```
//!
//! Policies are named by `id`, or by `name` if only one has it; groups and users by id, or by name
//! or login if only one has it. A list of changes stands wherever one does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Moment, dates,
    estate::{Estate, Group, Policy, User},
    inner::Inner,
    options::{AppShieldOptions, RemovedMembers},
    seed::{self, ADMIN},
    sessions::Sessions,
};
use crate::model::Secret;

/// One change or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Several<T> {
    Many(Vec<T>),
    One(T),
}

fn all<T>(several: Option<Several<T>>) -> Vec<T> {
    match several {
        None => Vec::new(),
        Some(Several::Many(all)) => all,
        Some(Several::One(one)) => vec![one],
    }
}

/// Every change there is; those of one request are made in this order.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Changes {
    options: Option<Value>,
    passwords: BTreeMap<String, String>,
    add_group: Option<Several<NewGroup>>,
    rename_group: Option<Several<NamedGroup>>,
    add_user: Option<Several<NewUser>>,
    edit_user: Option<Several<UserEdit>>,
    add_policy: Option<Several<NewPolicy>>,
    edit_policy: Option<Several<PolicyEdit>>,
    remove_policy: Option<Several<OfPolicy>>,
    remove_group: Option<Several<OfGroup>>,
    remove_user: Option<Several<OfUser>>,
    log_in: Option<Several<OfUser>>,
    log_out: Option<Several<OfUser>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGroup {
    name: String,
    id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedGroup {
    group: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfGroup {
    group: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    login: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserEdit {
    user: String,
    admin: Option<bool>,
    two_factor: Option<bool>,
    groups: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfUser {
    user: String,
    /// The network location of a login.
    #[serde(default)]
    place: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPolicy {
    name: String,
    description: Option<String>,
    #[serde(default)]
    is_active: bool,
    #[serde(default)]
    constraints: Value,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyEdit {
    id: Option<String>,
    name: Option<String>,
    rename: Option<String>,
    description: Option<String>,
    is_active: Option<bool>,
    constraints: Option<Vec<Value>>,
    groups: Option<Vec<String>>,
    users: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPolicy {
    id: Option<String>,
    name: Option<String>,
}

/// Makes the changes, all of them or none.
///
/// # Errors
/// A sentence about the first one that cannot be made.
pub fn patch(inner: &mut Inner, change: Value, now: Moment) -> Result<(), String> {
    let changes: Changes = serde_json::from_value(change).map_err(|error| error.to_string())?;
    let options = match &changes.options {
        Some(options) => inner.options.patched(options)?,
        None => inner.options.clone(),
    };
    let (estate, sessions) = (inner.estate.clone(), inner.sessions.clone());
    let mut hand = Hand { options, estate, sessions, now };
    hand.passwords(changes.passwords)?;
    all(changes.add_group).into_iter().try_for_each(|it| hand.add_group(it))?;
    all(changes.rename_group).into_iter().try_for_each(|it| hand.rename_group(it))?;
    all(changes.add_user).into_iter().try_for_each(|it| hand.add_user(it))?;
    all(changes.edit_user).into_iter().try_for_each(|it| hand.edit_user(it))?;
    all(changes.add_policy).into_iter().try_for_each(|it| hand.add_policy(it))?;
    all(changes.edit_policy).into_iter().try_for_each(|it| hand.edit_policy(it))?;
    all(changes.remove_policy).into_iter().try_for_each(|it| hand.remove_policy(&it))?;
    all(changes.remove_group).into_iter().try_for_each(|it| hand.remove_group(&it))?;
    all(changes.remove_user).into_iter().try_for_each(|it| hand.remove_user(&it))?;
    all(changes.log_in).into_iter().try_for_each(|it| hand.log_in(&it))?;
    all(changes.log_out).into_iter().try_for_each(|it| hand.log_out(&it))?;
    (inner.options, inner.estate, inner.sessions) = (hand.options, hand.estate, hand.sessions);
    Ok(())
}

/// A hand on a copy of everything.
struct Hand {
    options: AppShieldOptions,
    estate: Estate,
    sessions: Sessions,
    now: Moment,
}

impl Hand {
    fn passwords(&mut self, new: BTreeMap<String, String>) -> Result<(), String> {
        for (login, password) in new {
            self.user(&login)?.password = Secret::new(password);
        }
        Ok(())
    }

    fn add_group(&mut self, new: NewGroup) -> Result<(), String> {
        let number = |id: &String| id.parse::<u64>().ok();
        let next = self.estate.groups.keys().filter_map(number).max().unwrap_or(0).saturating_add(1);
        let id = new.id.unwrap_or_else(|| next.to_string());
        let created = dates::plain(self.options.zone_minutes, self.now.wall);
        match self.estate.groups.insert(id.clone(), Group { name: new.name, created }) {
            Some(_) => Err(format!("addGroup: group {id} exists")),
            None => Ok(()),
        }
    }

    fn rename_group(&mut self, change: NamedGroup) -> Result<(), String> {
        let id = self.group_id(&change.group)?;
        if let Some(group) = self.estate.groups.get_mut(&id) {
            group.name = change.name;
        }
        Ok(())
    }

    fn remove_group(&mut self, gone: &OfGroup) -> Result<(), String> {
        let id = self.group_id(&gone.group)?;
        self.estate.groups.remove(&id);
        for user in self.estate.users.values_mut() {
            user.groups.remove(&id);
        }
        if self.options.removed_members == RemovedMembers::Unlinked {
            self.estate.policies.values_mut().for_each(|policy| policy.groups.retain(|known| *known != id));
        }
        Ok(())
    }

    fn add_user(&mut self, new: NewUser) -> Result<(), String> {
        if self.estate.by_login(&new.login).is_some() {
            return Err(format!("addUser: login {:?} is in use", new.login));
        }
        let (zone, at) = (self.options.zone_minutes, self.now.wall);
        let user = User {
            first: new.login.clone(),
            last: "Added".to_owned(),
            password: Secret::new(format!("{}-Pass-1", new.login)),
            login: new.login,
            admin: new.admin,
            super_admin: false,
            two_factor: false,
            groups: self.group_ids(new.groups)?.into_iter().collect(),
            created: dates::plain(zone, at),
        };
        self.estate.users.insert(self.estate.new_id(zone, at), user);
        Ok(())
    }

    fn edit_user(&mut self, edit: UserEdit) -> Result<(), String> {
        let groups = edit.groups.map(|names| self.group_ids(names)).transpose()?;
        let user = self.user(&edit.user)?;
        set(&mut user.admin, edit.admin);
        set(&mut user.two_factor, edit.two_factor);
        set(&mut user.groups, groups.map(BTreeSet::from_iter));
        Ok(())
    }

    fn remove_user(&mut self, gone: &OfUser) -> Result<(), String> {
        let id = self.user_id(&gone.user)?;
        self.estate.users.remove(&id);
        if self.options.removed_members == RemovedMembers::Unlinked {
            self.estate.policies.values_mut().for_each(|policy| policy.users.retain(|known| *known != id));
        }
        Ok(())
    }

    fn add_policy(&mut self, new: NewPolicy) -> Result<(), String> {
        let (zone, at) = (self.options.zone_minutes, self.now.wall);
        let policy = seed::foreign(&self.estate, zone, at, &new.name, &new.constraints);
        let policy = Policy {
            description: new.description.or_else(|| policy.description.clone()),
            active: new.is_active,
            groups: self.group_ids(new.groups)?,
            users: self.user_ids(new.users)?,
            ..policy
        };
        self.estate.policies.insert(policy.id.clone(), policy);
        Ok(())
    }

    fn edit_policy(&mut self, edit: PolicyEdit) -> Result<(), String> {
        let id = self.policy_id(edit.id.as_ref(), edit.name.as_ref())?;
        let groups = edit.groups.map(|names| self.group_ids(names)).transpose()?;
        let users = edit.users.map(|names| self.user_ids(names)).transpose()?;
        let modified = dates::american(self.options.zone_minutes, self.now.wall);
        let Some(policy) = self.estate.policies.get_mut(&id) else { return Ok(()) };
        set(&mut policy.name, edit.rename.map(Some));
        set(&mut policy.description, edit.description.map(Some));
        set(&mut policy.active, edit.is_active);
        set(&mut policy.constraints, edit.constraints);
        set(&mut policy.groups, groups);
        set(&mut policy.users, users);
        ADMIN.clone_into(&mut policy.modified_by);
        policy.modified = modified;
        policy.saves += 1;
        Ok(())
    }

    fn remove_policy(&mut self, gone: &OfPolicy) -> Result<(), String> {
        let id = self.policy_id(gone.id.as_ref(), gone.name.as_ref())?;
        self.estate.policies.remove(&id);
        Ok(())
    }

    /// Somebody logs in, with force as the console does it: the account's other sessions end where
    /// that is what force means.
    fn log_in(&mut self, who: &OfUser) -> Result<(), String> {
        let id = self.user_id(&who.user)?;
        let place = who.place.as_deref().unwrap_or("console");
        self.sessions.force(&self.options, &id);
        self.sessions.open(&self.options, &self.estate, &id, place, self.now);
        Ok(())
    }

    fn log_out(&mut self, who: &OfUser) -> Result<(), String> {
        let id = self.user_id(&who.user)?;
        self.sessions.end_all_of(&id);
        Ok(())
    }

    fn policy_id(&self, id: Option<&String>, name: Option<&String>) -> Result<String, String> {
        let policies = &self.estate.policies;
        match (id, name) {
            (Some(id), _) if policies.contains_key(id) => Ok(id.clone()),
            (None, Some(name)) => {
                let named = policies.iter().filter(|(_, policy)| policy.name.as_ref() == Some(name));
                only("policy", name, named.map(|(id, _)| id))
            }
            (id, _) => Err(format!("policy {id:?} does not exist: give `id` or `name`")),
        }
    }

    fn group_id(&self, wanted: &String) -> Result<String, String> {
        if self.estate.groups.contains_key(wanted) {
            return Ok(wanted.clone());
        }
        let named = self.estate.groups.iter().filter(|(_, group)| group.name == *wanted);
        only("group", wanted, named.map(|(id, _)| id))
    }

    fn user_id(&self, wanted: &String) -> Result<String, String> {
        if self.estate.users.contains_key(wanted) {
            return Ok(wanted.clone());
        }
        only("user", wanted, self.estate.by_login(wanted).map(|(id, _)| id).into_iter())
    }

    fn user(&mut self, wanted: &String) -> Result<&mut User, String> {
        let id = self.user_id(wanted)?;
        self.estate.users.get_mut(&id).ok_or_else(|| format!("user {id} does not exist"))
    }

    fn group_ids(&self, wanted: Vec<String>) -> Result<Vec<String>, String> {
        wanted.iter().map(|group| self.group_id(group)).collect()
    }

    fn user_ids(&self, wanted: Vec<String>) -> Result<Vec<String>, String> {
        wanted.iter().map(|user| self.user_id(user)).collect()
    }
}

fn only<'a>(what: &str, name: &str, mut found: impl Iterator<Item = &'a String>) -> Result<String, String> {
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id.clone()),
        (None, _) => Err(format!("{what} {name:?} does not exist")),
        _ => Err(format!("several are named {what} {name:?}: name it by id")),
    }
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(value) = wanted {
        *field = value;
    }
}
