//! SaveAppShieldPolicy (sections 4.2, 4.3 and 9): create or update, last writer wins.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Moment,
    answer::Refusal,
    dates,
    estate::{Estate, Policy},
    options::{
        ActiveOnCreate, AppShieldOptions, ConstraintElements, ConstraintSaves, CreatedDate, DuplicateNames,
        Lists, MissingFields, MissingLists, NestedLists, Overlong, ShallowSave, UnknownId, UnknownMembers,
    },
    trouble::Stored,
};

/// The body. A member of another type makes the whole of it unreadable.
#[derive(Debug, Deserialize)]
pub struct Save {
    policy: Option<Sent>,
    #[serde(rename = "isDeepSave")]
    deep: Option<bool>,
    groups: Option<Vec<String>>,
    users: Option<Vec<String>>,
}

/// `policy` in the body: names are exact (section 8), what is not known is not looked at.
#[derive(Debug, Deserialize)]
struct Sent {
    id: Option<String>,
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "Description")]
    description: Option<String>,
    #[serde(rename = "isActive")]
    active: Option<bool>,
    #[serde(rename = "Constraints")]
    constraints: Option<Vec<Value>>,
    #[serde(rename = "Groups")]
    groups: Option<Vec<Value>>,
    #[serde(rename = "Users")]
    users: Option<Vec<Value>>,
    #[serde(rename = "CreatedDate")]
    created: Option<String>,
}

/// What a save did, besides its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    /// Answered only.
    Nothing,
}

/// One save under way.
pub struct Saving<'a> {
    pub options: &'a AppShieldOptions,
    pub estate: &'a mut Estate,
    /// The id of who saves.
    pub user: &'a str,
    pub now: Moment,
    /// How much of it a fault lets through.
    pub stored: Stored,
}

impl Saving<'_> {
    /// Saves; the policy as the answer shows it.
    ///
    /// # Errors
    /// What the server does not take; nothing is stored then.
    pub fn save(&mut self, save: Save) -> Result<(Policy, Done), Refusal> {
        let (options, now) = (self.options, self.now);
        let mut sent = save.policy.ok_or_else(|| self.invalid("policy is missing"))?;
        let id = sent.id.take().filter(|id| !id.is_empty());
        let old = id.as_ref().and_then(|id| self.estate.policies.get(id)).cloned();
        let kept = match (&old, id) {
            (Some(_), _) => true,
            (None, Some(id)) => return self.save_unknown(id, sent, save.deep, save.groups, save.users),
            (None, None) => false,
        };
        let base = old.unwrap_or_else(|| self.blank(self.estate.new_id(options.zone_minutes, now.wall)));
        let draft = self.draft(&base, sent, save.deep, (save.groups, save.users), kept)?;
        let done = self.store(&base, &draft, kept);
        Ok((draft, done))
    }

    /// A save with an id nobody has: four readings (section 9).
    fn save_unknown(
        &mut self,
        id: String,
        sent: Sent,
        deep: Option<bool>,
        groups: Option<Vec<String>>,
        users: Option<Vec<String>>,
    ) -> Result<(Policy, Done), Refusal> {
        let options = self.options;
        let id = match options.unknown_id {
            UnknownId::Error => {
                let text = "AppShield policy was not found.";
                return Err(Refusal::new(options, options.codes.unknown_policy, text));
            }
            UnknownId::Create => self.estate.new_id(options.zone_minutes, self.now.wall),
            UnknownId::CreateAsSent | UnknownId::Ignore => id,
        };
        let base = self.blank(id);
        let draft = self.draft(&base, sent, deep, (groups, users), false)?;
        let ignored = options.unknown_id == UnknownId::Ignore;
        let done = if ignored { Done::Nothing } else { self.store(&base, &draft, false) };
        Ok((draft, done))
    }

    fn invalid(&self, text: &str) -> Refusal {
        Refusal::new(self.options, self.options.codes.invalid_request, text)
    }

    /// A new row; its `CreatedDate` is the server's, whatever the request says (section 4.3).
    fn blank(&self, id: String) -> Policy {
        let delay = Duration::from_secs(self.options.list_delay_secs);
        Policy {
            id,
            name: None,
            description: None,
            active: false,
            constraints: Vec::new(),
            groups: Vec::new(),
            users: Vec::new(),
            created_by: self.user.to_owned(),
            modified_by: self.user.to_owned(),
            created: dates::iso(self.options.zone_minutes, self.now.wall),
            modified: String::new(),
            listed_from: self.now.mono.saturating_add(delay),
            saves: 0,
        }
    }

    /// The row as the request wants it.
    fn draft(
        &self,
        base: &Policy,
        sent: Sent,
        deep: Option<bool>,
        top: (Option<Vec<String>>, Option<Vec<String>>),
        exists: bool,
    ) -> Result<Policy, Refusal> {
        let options = self.options;
        let mut draft = base.clone();
        self.scalars(&mut draft, &sent, exists)?;
        if deep == Some(true) || options.shallow_save == ShallowSave::Everything {
            draft.groups = self.members(top.0, sent.groups, "GroupId", &base.groups)?;
            draft.users = self.members(top.1, sent.users, "ID", &base.users)?;
            self.known(&mut draft.groups, |id| self.estate.groups.contains_key(id), "Group")?;
            self.known(&mut draft.users, |id| self.estate.users.contains_key(id), "User")?;
            draft.constraints = self.constraints(sent.constraints, base)?;
        }
        let longest = draft.groups.len().max(draft.users.len()).max(draft.constraints.len());
        if options.list_limit.is_some_and(|limit| longest > limit) {
            return Err(Refusal::new(options, options.codes.too_long, "Too many constraints or members."));
        }
        draft.saves = base.saves.saturating_add(1);
        self.user.clone_into(&mut draft.modified_by);
        draft.modified = dates::american(options.zone_minutes, self.now.wall);
        Ok(draft)
    }

    fn scalars(&self, draft: &mut Policy, sent: &Sent, exists: bool) -> Result<(), Refusal> {
        let options = self.options;
        let keep = options.missing_fields == MissingFields::Keep;
        if sent.name.is_some() || !keep {
            draft.name = self.fit(sent.name.clone(), options.name_limit, "Name")?;
        }
        if sent.description.is_some() || !keep {
            draft.description =
                self.fit(sent.description.clone(), options.description_limit, "Description")?;
        }
        if sent.active.is_some() || !keep {
            draft.active = sent.active.unwrap_or(false);
        }
        if !exists && draft.active {
            match options.active_on_create {
                ActiveOnCreate::Stored => {}
                ActiveOnCreate::Ignored => draft.active = false,
                ActiveOnCreate::Refused => return Err(self.invalid("A new policy cannot be active.")),
            }
        }
        if exists && options.created_date == CreatedDate::FromRequest {
            draft.created = sent.created.clone().unwrap_or_else(|| draft.created.clone());
        }
        self.unique(draft)
    }

    fn fit(&self, text: Option<String>, limit: Option<usize>, what: &str) -> Result<Option<String>, Refusal> {
        let options = self.options;
        match (text, limit) {
            (Some(text), Some(limit)) if text.chars().count() > limit => match options.overlong {
                Overlong::Cut => Ok(Some(text.chars().take(limit).collect())),
                Overlong::Refused => {
                    Err(Refusal::new(options, options.codes.too_long, format!("{what} is too long.")))
                }
            },
            (text, _) => Ok(text),
        }
    }

    fn unique(&self, draft: &Policy) -> Result<(), Refusal> {
        let same = |other: &Policy| match self.options.duplicate_names {
            DuplicateNames::Allowed => false,
            DuplicateNames::Refused => other.name == draft.name,
            DuplicateNames::RefusedFolded => folded(other) == folded(draft),
        };
        if self.estate.policies.values().any(|other| other.id != draft.id && same(other)) {
            let text = "A policy with this name already exists.";
            return Err(Refusal::new(self.options, self.options.codes.duplicate_name, text));
        }
        Ok(())
    }

    /// A list of members: the top-level one decides (section 4.2).
    fn members(
        &self,
        top: Option<Vec<String>>,
        nested: Option<Vec<Value>>,
        id: &str,
        old: &[String],
    ) -> Result<Vec<String>, Refusal> {
        let options = self.options;
        let sent = match (options.nested_lists, nested) {
            (NestedLists::Refused, Some(_)) => {
                return Err(self.invalid("Groups and Users of a policy cannot be set."));
            }
            (NestedLists::Used, Some(stubs)) => top.or_else(|| {
                let id = |stub: &Value| stub.get(id).and_then(Value::as_str).map(str::to_owned);
                Some(stubs.iter().filter_map(id).collect())
            }),
            _ => top,
        };
        Ok(match (sent, options.lists) {
            (None, _) if options.missing_lists == MissingLists::Keep => old.to_vec(),
            (None, Lists::Replace) => Vec::new(),
            (Some(new), Lists::Replace) => once_each(new),
            (new, Lists::Merge) => once_each(old.iter().cloned().chain(new.unwrap_or_default())),
        })
    }

    fn known(
        &self,
        ids: &mut Vec<String>,
        exists: impl Fn(&String) -> bool,
        what: &str,
    ) -> Result<(), Refusal> {
        match self.options.unknown_members {
            UnknownMembers::Accepted => {}
            UnknownMembers::Dropped => ids.retain(exists),
            UnknownMembers::Refused => {
                if let Some(id) = ids.iter().find(|id| !exists(id)) {
                    let text = format!("{what} {id} was not found.");
                    return Err(Refusal::new(self.options, self.options.codes.unknown_member, text));
                }
            }
        }
        Ok(())
    }

    fn constraints(&self, sent: Option<Vec<Value>>, base: &Policy) -> Result<Vec<Value>, Refusal> {
        let options = self.options;
        let mut new = match (options.constraint_saves, sent) {
            (ConstraintSaves::Ignored, _) => return Ok(base.constraints.clone()),
            (ConstraintSaves::Refused, Some(sent)) if !sent.is_empty() => {
                return Err(self.invalid("Constraints cannot be set."));
            }
            (_, None) if options.missing_lists == MissingLists::Keep => return Ok(base.constraints.clone()),
            (_, sent) => sent.unwrap_or_default(),
        };
        if options.constraint_elements == ConstraintElements::Decorated {
            for (number, members) in new.iter_mut().filter_map(Value::as_object_mut).enumerate() {
                decorate(members, &base.id, number);
            }
        }
        Ok(new)
    }

    /// Writes as much of `draft` as gets through.
    fn store(&mut self, base: &Policy, draft: &Policy, exists: bool) -> Done {
        let mut row = draft.clone();
        match self.stored {
            Stored::All => {}
            Stored::Nothing => return Done::Nothing,
            Stored::Scalars => {
                row.constraints.clone_from(&base.constraints);
                row.groups.clone_from(&base.groups);
                row.users.clone_from(&base.users);
            }
        }
        self.estate.policies.insert(row.id.clone(), row);
        if exists { Done::Updated } else { Done::Created }
    }
}

fn folded(policy: &Policy) -> Option<String> {
    policy.name.as_ref().map(|name| name.to_lowercase())
}

/// A link is stored once, where it first stands.
fn once_each(ids: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

/// Members the server might add; what is there already stays.
fn decorate(members: &mut Map<String, Value>, policy: &str, number: usize) {
    let own = [
        ("ID", json!((number + 1).to_string())),
        ("PolicyID", json!(policy)),
        ("ErrorCode", Value::Null),
        ("ErrorMessage", Value::Null),
    ];
    for (name, value) in own {
        members.entry(name).or_insert(value);
    }
}
