//! What a pod holds: policies of both generations, dictionaries, and every version of each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{options::Generation, rules::AppliesTo, version::Version};

/// Everything of one pod.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    /// By `policyId`.
    pub policies: BTreeMap<String, Policy>,
    /// By `dictId`.
    pub dictionaries: BTreeMap<String, Dictionary>,
    /// What tests assert on.
    pub counters: Counters,
    issued: u32,
}

/// How often something happened that a client should not do by accident.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Accepted updates with an empty list of dictionaries (4.3, rule 3), or what EFv3 takes for one.
    pub emptied: u64,
    /// Of those, how many turned off a policy that was enabled.
    pub disabled_by_emptying: u64,
    /// Policies made through the API.
    pub policies_created: u64,
    /// Dictionaries made through the API.
    pub dictionaries_created: u64,
}

/// What is the same in all versions of a policy or a dictionary.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The order of creation.
    pub serial: u32,
    /// The account that made it.
    pub creator: i64,
    /// When it was made.
    pub created: Timestamp,
    /// Lists show it from this moment on.
    pub visible_from: Duration,
}

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Hand {
    /// The account.
    pub user: i64,
    /// The server's wall clock.
    pub now: Timestamp,
    /// The monotonic clock.
    pub elapsed: Duration,
}

/// A policy with its history.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The id that paths take.
    pub policy_id: String,
    /// The other id of an EFv3 policy, which paths do not take (section 5).
    pub record_id: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Made by the vendor; nobody changes it.
    pub system: bool,
    /// Deleted softly.
    pub deleted: bool,
    /// The newest version.
    pub current: Revision,
    /// The versions before, oldest first.
    pub past: Vec<Arc<Revision>>,
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// Its number.
    pub version: Version,
    /// When it was made.
    pub updated: Timestamp,
    /// Whether it is enforced.
    pub active: bool,
    /// When it was last turned off.
    pub disabled: Option<Timestamp>,
    /// The name.
    pub name: String,
    /// `Internal`, `External`.
    pub scopes: Vec<String>,
    /// What is looked for.
    pub content: Content,
}

/// What is looked for, in the words of its generation.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// EFv2.
    V1 {
        /// `Block` or `Warn`.
        action: String,
        /// Kinds of content.
        content_types: Vec<String>,
        /// Attached dictionaries.
        dictionaries: Vec<DictionaryRef>,
    },
    /// EFv3.
    V3(Vec<AppliesTo>),
}

/// A dictionary as a policy refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DictionaryRef {
    /// Its id.
    pub dict_id: String,
    /// Its name, when the reference was written.
    pub name: String,
    /// Its version, when the reference was written.
    pub version: String,
}

/// A dictionary with its history.
#[derive(Debug, Clone)]
pub struct Dictionary {
    /// Its id.
    pub dict_id: String,
    /// Where it comes from.
    pub origin: Origin,
    /// `Word` or `Regex`, for good.
    pub kind: String,
    /// Deleted softly.
    pub deleted: bool,
    /// The newest version.
    pub current: Edition,
    /// The versions before, oldest first.
    pub past: Vec<Arc<Edition>>,
}

/// One version of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its number.
    pub version: Version,
    /// When it was made.
    pub updated: Timestamp,
    /// The name.
    pub name: String,
    /// The terms as uploaded.
    pub content: Bytes,
}

impl Content {
    /// Whose words these are.
    pub fn generation(&self) -> Generation {
        match self {
            Self::V1 { .. } => Generation::V1,
            Self::V3(_) => Generation::V3,
        }
    }

    /// Every dictionary reference.
    pub fn references(&self) -> Vec<&DictionaryRef> {
        match self {
            Self::V1 { dictionaries, .. } => dictionaries.iter().collect(),
            Self::V3(applies_to) => applies_to.iter().flat_map(AppliesTo::references).collect(),
        }
    }

    /// Keeps the references for which `keep` says so; it may change them.
    pub fn retain_references(&mut self, mut keep: impl FnMut(&mut DictionaryRef) -> bool) {
        match self {
            Self::V1 { dictionaries, .. } => dictionaries.retain_mut(keep),
            Self::V3(applies_to) => {
                applies_to.iter_mut().for_each(|one| one.retain_references(&mut keep));
            }
        }
    }

    /// Whether nothing would be looked for: no dictionary, and no rule that does without.
    pub fn is_empty(&self) -> bool {
        let files = match self {
            Self::V1 { .. } => false,
            Self::V3(applies_to) => applies_to.iter().any(AppliesTo::has_file_rule),
        };
        !files && self.references().is_empty()
    }
}

impl Policy {
    /// Makes the next version, if there can be one.
    ///
    /// # Errors
    /// A sentence: 999.999 was the last.
    pub fn revise(&mut self, now: Timestamp, change: impl FnOnce(&mut Revision)) -> Result<(), String> {
        let version = self.current.version.next().ok_or("version 999.999 is the last")?;
        let mut next = Revision { version, updated: now, ..self.current.clone() };
        change(&mut next);
        self.past.push(Arc::new(std::mem::replace(&mut self.current, next)));
        Ok(())
    }

    /// The newest version, or the one asked for.
    pub fn revision(&self, version: Option<Version>) -> Option<&Revision> {
        match version {
            None => Some(&self.current),
            Some(version) => {
                let past = self.past.iter().map(Arc::as_ref);
                std::iter::once(&self.current).chain(past).find(|one| one.version == version)
            }
        }
    }

    /// Whether it refers to a dictionary.
    pub fn uses(&self, dict_id: &str) -> bool {
        !self.deleted && self.current.content.references().iter().any(|one| one.dict_id == dict_id)
    }
}

impl Dictionary {
    /// Makes the next version, if there can be one.
    ///
    /// # Errors
    /// A sentence: 999.999 was the last.
    pub fn revise(&mut self, now: Timestamp, change: impl FnOnce(&mut Edition)) -> Result<(), String> {
        let version = self.current.version.next().ok_or("version 999.999 is the last")?;
        let mut next = Edition { version, updated: now, ..self.current.clone() };
        change(&mut next);
        self.past.push(Arc::new(std::mem::replace(&mut self.current, next)));
        Ok(())
    }

    /// The newest version, or the one asked for.
    pub fn edition(&self, version: Option<Version>) -> Option<&Edition> {
        match version {
            None => Some(&self.current),
            Some(version) => {
                let past = self.past.iter().map(Arc::as_ref);
                std::iter::once(&self.current).chain(past).find(|one| one.version == version)
            }
        }
    }

    /// How policies refer to its newest version.
    pub fn reference(&self) -> DictionaryRef {
        DictionaryRef {
            dict_id: self.dict_id.clone(),
            name: self.current.name.clone(),
            version: self.current.version.to_string(),
        }
    }
}

impl Estate {
    /// 24 hex digits, as documented samples have: time, machine, counter. Never given twice.
    pub fn new_id(&mut self, now: Timestamp) -> String {
        self.issued += 1;
        format!("{:08x}d7e94b0012{:06x}", now.as_second().clamp(0, i64::from(u32::MAX)), self.issued)
    }

    fn origin(&self, hand: Hand, delay: Duration) -> Origin {
        let visible_from = hand.elapsed + delay;
        Origin { serial: self.issued, creator: hand.user, created: hand.now, visible_from }
    }

    /// Gives rules of EFv3 their ids: those they have, else that of the stored rule of their type
    /// and name, else new ones (section 5).
    pub fn name_rules(&mut self, content: &mut Content, stored: Option<&Content>, now: Timestamp) {
        let Content::V3(applies_to) = content else { return };
        let stored: &[AppliesTo] = if let Some(Content::V3(stored)) = stored { stored } else { &[] };
        for one in applies_to {
            let before =
                stored.iter().filter(|old| old.data_type == one.data_type).flat_map(|old| &old.rules);
            for rule in one.rules.iter_mut().filter(|rule| rule.id.is_none()) {
                let same = before.clone().find(|old| old.kind == rule.kind && old.name == rule.name);
                rule.id = same.and_then(|old| old.id.clone()).or_else(|| Some(self.new_id(now)));
            }
        }
    }

    /// Puts a policy in, disabled (4.3, rule 1), and returns its id.
    pub fn add_policy(
        &mut self,
        (name, scopes, mut content): (String, Vec<String>, Content),
        hand: Hand,
        delay: Duration,
    ) -> String {
        self.name_rules(&mut content, None, hand.now);
        let (record_id, policy_id) = (self.new_id(hand.now), self.new_id(hand.now));
        let major = if content.generation() == Generation::V1 { 1 } else { 3 };
        let current = Revision {
            version: Version::first(major),
            updated: hand.now,
            active: false,
            disabled: None,
            name,
            scopes,
            content,
        };
        let policy = Policy {
            policy_id: policy_id.clone(),
            record_id,
            origin: self.origin(hand, delay),
            system: false,
            deleted: false,
            current,
            past: Vec::new(),
        };
        self.policies.insert(policy_id.clone(), policy);
        policy_id
    }

    /// Puts a dictionary in, without content, and returns its id.
    pub fn add_dictionary(&mut self, name: String, kind: String, hand: Hand, delay: Duration) -> String {
        let dict_id = self.new_id(hand.now);
        let current =
            Edition { version: Version::first(1), updated: hand.now, name, content: Bytes::default() };
        let origin = self.origin(hand, delay);
        let dictionary =
            Dictionary { dict_id: dict_id.clone(), origin, kind, deleted: false, current, past: Vec::new() };
        self.dictionaries.insert(dict_id.clone(), dictionary);
        dict_id
    }

    /// A dictionary that is there.
    pub fn dictionary(&self, dict_id: &str) -> Option<&Dictionary> {
        self.dictionaries.get(dict_id).filter(|dictionary| !dictionary.deleted)
    }

    /// Policies of any kind that use a dictionary.
    pub fn users_of(&self, dict_id: &str) -> Vec<String> {
        self.policies.values().filter(|p| p.uses(dict_id)).map(|p| p.policy_id.clone()).collect()
    }
}
