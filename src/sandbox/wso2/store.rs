//! One tenant, with the rules of sections 5 and 6. No HTTP, no time of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;

use super::{
    apply::Run,
    rows::{
        Counters, Crash, Device, DeviceId, DeviceType, Draft, Feature, Group, Moment, Policy, Profile, User,
    },
};

/// Everything one tenant holds.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub policies: BTreeMap<i64, Policy>,
    pub profiles: BTreeMap<i64, Profile>,
    pub devices: Vec<Device>,
    pub users: BTreeMap<String, User>,
    /// Roles and the policy permissions they give: `list`, `add`, `update`, `remove`.
    pub roles: BTreeMap<String, BTreeSet<&'static str>>,
    pub groups: BTreeMap<String, Group>,
    pub types: Vec<DeviceType>,
    pub run: Option<Run>,
    /// What a stale node answers, and when it was read: policies by priority, rendered.
    pub replica: Option<(Duration, Vec<(i64, Value)>)>,
    pub counters: Counters,
    /// `(priority, id)` of every policy.
    order: BTreeSet<(i64, i64)>,
    /// Created, but not in lists before this time.
    hidden: BTreeMap<i64, Duration>,
    last_policy: i64,
    last_profile: i64,
    last_feature: i64,
}

impl Store {
    /// Adds a policy at the end of the order; pending if it starts active (section 6).
    ///
    /// `race`: as if another create had read the same maximum.
    pub fn create(&mut self, draft: Draft, now: Moment, list_delay: u64, race: bool) -> Result<i64, Crash> {
        check_columns(&draft)?;
        let profile_id = if draft.profile_id == 0 {
            self.add_profile(&draft, now)
        } else {
            self.profiles.get(&draft.profile_id).ok_or(Crash)?.id
        };
        self.last_policy += 1;
        let id = self.last_policy;
        let priority = self.order.last().map_or(0, |(priority, _)| *priority) + i64::from(!race);
        self.policies.insert(
            id,
            Policy {
                id,
                priority,
                profile_id,
                name: draft.name,
                description: draft.description,
                compliance: draft.compliance,
                ownership: draft.ownership,
                roles: draft.roles.unwrap_or_default(),
                users: draft.users.unwrap_or_default(),
                devices: draft.devices,
                groups: draft.groups,
                active: draft.active,
                updated: draft.active,
                extra: draft.extra,
            },
        );
        self.order.insert((priority, id));
        if list_delay > 0 {
            self.hidden.insert(id, now.mono + Duration::from_secs(list_delay));
        }
        self.counters.creates += 1;
        Ok(id)
    }

    fn add_profile(&mut self, draft: &Draft, now: Moment) -> i64 {
        self.last_profile += 1;
        let id = self.last_profile;
        let mut features = Vec::new();
        for (code, content, corrective) in &draft.features {
            features.push(self.new_feature(code, content, corrective.clone()));
        }
        self.profiles.insert(
            id,
            Profile {
                id,
                name: draft.profile_name.clone(),
                device_type: draft.device_type.clone(),
                created: now.wall,
                updated: now.wall,
                features,
            },
        );
        id
    }

    fn new_feature(&mut self, code: &str, content: &str, corrective_actions: Option<Value>) -> Feature {
        self.last_feature += 1;
        Feature {
            id: self.last_feature,
            code: code.to_owned(),
            content: content.to_owned(),
            corrective_actions,
        }
    }

    /// Replaces what a PUT replaces (section 5). `active` never; the priority becomes 0 if
    /// `reset_priority`.
    pub fn update(&mut self, id: i64, draft: Draft, reset_priority: bool, now: Moment) -> Result<(), Crash> {
        check_columns(&draft)?;
        let policy = self.policies.get_mut(&id).ok_or(Crash)?;
        let profile_id = policy.profile_id;
        policy.name = draft.name;
        policy.description = draft.description;
        policy.compliance = draft.compliance;
        policy.ownership = draft.ownership;
        if let Some(roles) = draft.roles {
            policy.roles = roles;
        }
        if let Some(users) = draft.users {
            policy.users = users;
        }
        policy.devices = draft.devices;
        policy.groups = draft.groups;
        policy.extra = draft.extra;
        policy.updated = true;
        if reset_priority {
            self.set_priority(id, 0);
        }
        self.rewrite_profile(profile_id, draft.profile_name, draft.device_type, now);
        self.replace_features(profile_id, &draft.features);
        self.counters.updates += 1;
        Ok(())
    }

    fn rewrite_profile(&mut self, id: i64, name: Option<String>, device_type: String, now: Moment) {
        if let Some(profile) = self.profiles.get_mut(&id) {
            profile.name = name;
            profile.device_type = device_type;
            profile.updated = now.wall;
        }
    }

    /// Features are matched by code, whatever its case; the rest is added or removed.
    fn replace_features(&mut self, profile_id: i64, sent: &[(String, String, Option<Value>)]) {
        let old = self.profiles.get(&profile_id).map(|p| p.features.clone()).unwrap_or_default();
        let mut features: Vec<Feature> = Vec::new();
        for (code, content, corrective) in sent {
            let known = old.iter().find(|f| f.code.eq_ignore_ascii_case(code));
            let feature = match known {
                Some(f) => {
                    Feature { content: content.clone(), corrective_actions: corrective.clone(), ..f.clone() }
                }
                None => self.new_feature(code, content, corrective.clone()),
            };
            features.retain(|f| f.id != feature.id);
            features.push(feature);
        }
        if let Some(profile) = self.profiles.get_mut(&profile_id) {
            profile.features = features;
        }
    }

    /// Writes features by hand, as a PUT would.
    pub fn rewrite_features(
        &mut self,
        profile_id: i64,
        sent: &[(String, String, Option<Value>)],
        now: Moment,
    ) {
        self.replace_features(profile_id, sent);
        if let Some(profile) = self.profiles.get_mut(&profile_id) {
            profile.updated = now.wall;
        }
    }

    /// What has happened so far is history: nothing is pending, nothing counted.
    pub fn forget_history(&mut self) {
        for policy in self.policies.values_mut() {
            policy.updated = false;
        }
        self.counters = Counters::default();
    }

    /// Sets `active`, and `updated` even if nothing changed (section 6).
    pub fn set_active(&mut self, id: i64, active: bool) -> Result<(), Crash> {
        let policy = self.policies.get_mut(&id).ok_or(Crash)?;
        policy.active = active;
        policy.updated = true;
        let counter = if active { &mut self.counters.activations } else { &mut self.counters.deactivations };
        *counter += 1;
        Ok(())
    }

    /// Writes the listed priorities, without any check of uniqueness or completeness.
    pub fn prioritise(&mut self, wanted: &[(i64, i64)], atomic: bool) -> Result<(), Crash> {
        self.counters.priority_calls += 1;
        if atomic && wanted.iter().any(|(id, _)| !self.policies.contains_key(id)) {
            return Err(Crash);
        }
        for (id, priority) in wanted {
            self.set_priority(*id, *priority);
            self.policies.get_mut(id).ok_or(Crash)?.updated = true;
        }
        Ok(())
    }

    /// Moves one policy in the order and touches nothing else.
    pub fn set_priority(&mut self, id: i64, priority: i64) {
        if let Some(policy) = self.policies.get_mut(&id) {
            self.order.remove(&(policy.priority, id));
            policy.priority = priority;
            self.order.insert((priority, id));
        }
    }

    /// Deletes the row. Nothing becomes pending and no device is told (section 6).
    pub fn remove(&mut self, id: i64) -> Result<(), Crash> {
        let policy = self.policies.remove(&id).ok_or(Crash)?;
        self.order.remove(&(policy.priority, id));
        self.hidden.remove(&id);
        if !self.policies.values().any(|p| p.profile_id == policy.profile_id) {
            self.profiles.remove(&policy.profile_id);
        }
        self.counters.removes += 1;
        Ok(())
    }

    /// Ids by priority, then id.
    pub fn by_priority(&self) -> impl Iterator<Item = i64> + '_ {
        self.order.iter().map(|(_, id)| *id)
    }

    /// Ids a list shows now, in its order.
    pub fn listed(&self) -> impl Iterator<Item = i64> + '_ {
        self.by_priority().filter(|id| !self.hidden.contains_key(id))
    }

    /// How many policies lists show now.
    pub fn listed_count(&self) -> usize {
        self.policies.len() - self.hidden.len()
    }

    /// Policies created longer ago than the list delay appear.
    pub fn reveal(&mut self, now: Moment) {
        self.hidden.retain(|_, from| *from > now.mono);
    }

    /// Whether one of the user's roles gives the permission.
    pub fn may(&self, user: &str, permission: &str) -> bool {
        let roles = self.users.get(user).map(|u| &u.roles);
        roles.into_iter().flatten().any(|role| self.roles.get(role).is_some_and(|p| p.contains(permission)))
    }

    /// The device `id` names.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.iter().find(|d| d.id.kind.eq_ignore_ascii_case(&id.kind) && d.id.id == id.id)
    }
}

/// Columns are shorter than what beans let through (sections 3.1 and 3.2).
fn check_columns(draft: &Draft) -> Result<(), Crash> {
    let fits = |text: &str, max: usize| text.encode_utf16().count() <= max;
    let optional = |text: &Option<String>, max| text.as_deref().is_none_or(|t| fits(t, max));
    let ok = fits(&draft.name, 45)
        && optional(&draft.profile_name, 45)
        && optional(&draft.description, 1000)
        && optional(&draft.compliance, 100)
        && draft.features.iter().all(|(code, _, _)| fits(code, 100));
    ok.then_some(()).ok_or(Crash)
}
