//! Which policy a device should have (vendor sheet section 7). Pure.

use super::{
    options::{Engine, Wso2Options},
    rows::{Device, Policy, Profile},
    store::Store,
};

const ANY: &str = "ANY";

/// The policy that applies to `device` as things stand, whether or not it was ever delivered.
pub(super) fn effective(store: &Store, options: &Wso2Options, device: &Device) -> Option<(Policy, Profile)> {
    let mut matching = store
        .by_priority()
        .filter_map(|id| store.policies.get(&id))
        .filter_map(|policy| Some((policy, store.profiles.get(&policy.profile_id)?)))
        .filter(|(policy, profile)| applies(store, options, policy, profile, device));
    let (policy, profile) = matching.next()?;
    match options.engine {
        Engine::Simple => Some((policy.clone(), profile.clone())),
        Engine::Merged => Some(merged(policy, profile, matching)),
    }
}

/// The filters, in the server's order.
fn applies(
    store: &Store,
    options: &Wso2Options,
    policy: &Policy,
    profile: &Profile,
    device: &Device,
) -> bool {
    policy.active
        && profile.device_type.eq_ignore_ascii_case(&device.id.kind)
        && ownership(policy, device)
        && roles(store, policy, device)
        && users(policy, device)
        && (options.dialect.is_admin() || groups(policy, device))
        && (!options.device_links_evaluated
            || policy.devices.is_empty()
            || policy.devices.contains(&device.id))
}

fn ownership(policy: &Policy, device: &Device) -> bool {
    policy
        .ownership
        .as_deref()
        .is_none_or(|o| o.eq_ignore_ascii_case(ANY) || o.eq_ignore_ascii_case(&device.ownership))
}

fn roles(store: &Store, policy: &Policy, device: &Device) -> bool {
    let held = store.users.get(&device.owner).map(|user| &user.roles);
    policy.roles.is_empty()
        || policy.roles.first().is_some_and(|first| first.eq_ignore_ascii_case(ANY))
        || policy.roles.iter().any(|role| held.is_some_and(|held| held.contains(role)))
}

fn users(policy: &Policy, device: &Device) -> bool {
    policy.users.is_empty()
        || policy.users.iter().any(|user| user == ANY || user.eq_ignore_ascii_case(&device.owner))
}

/// A device without any group passes: the filter is skipped for it.
fn groups(policy: &Policy, device: &Device) -> bool {
    device.groups.is_empty()
        || policy.groups.is_empty()
        || policy.groups.first().is_some_and(|group| group.name.eq_ignore_ascii_case(ANY))
        || policy.groups.iter().any(|group| device.groups.contains(&group.name))
}

fn merged<'a>(
    first: &Policy,
    profile: &Profile,
    rest: impl Iterator<Item = (&'a Policy, &'a Profile)>,
) -> (Policy, Profile) {
    let mut names = vec![first.name.clone()];
    let mut whole = profile.clone();
    for (policy, profile) in rest {
        names.push(policy.name.clone());
        for feature in &profile.features {
            if !whole.features.iter().any(|f| f.code.eq_ignore_ascii_case(&feature.code)) {
                whole.features.push(feature.clone());
            }
        }
    }
    let policy = Policy {
        id: -1,
        name: "Effective-Policy".to_owned(),
        description: Some(format!(
            "This is a system generated effective policy by merging {}",
            names.join(", ")
        )),
        ..first.clone()
    };
    (policy, whole)
}
