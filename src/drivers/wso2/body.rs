//! What the system is sent: whole policies, with everything it would otherwise drop (vendor sheet sections 3.2, 5).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    dialect::Dialect,
    wire::{self, ANY},
};
use crate::{
    api::Reason,
    drivers::{
        DesiredItem, Members,
        error::{Class, DriverError},
    },
    model::{LeafPath, Mark, MemberKind, ObservedItem, Shape},
};

/// What the body of a call depends on besides the policy.
#[derive(Debug, Default)]
pub struct Names {
    /// Number of each device type, by name (dialect A).
    pub types: BTreeMap<String, i64>,
    /// Name of each group, by id (dialects B and C).
    pub groups: BTreeMap<String, String>,
}

/// Settings by path, as they shall stand.
type Leaves = BTreeMap<LeafPath, Value>;

/// The body that creates an inactive policy.
///
/// # Errors
/// `Rejected` for what must never be sent: a policy without features, or one that reaches everybody unasked.
pub fn create(dialect: Dialect, desired: &DesiredItem, names: &Names) -> Result<Value, DriverError> {
    let mut leaves = wanted(desired);
    leaves.entry(path("compliance")).or_insert_with(|| "enforce".into());
    leaves.entry(path("ownership")).or_insert_with(|| ANY.into());
    reach(dialect, &desired.members, desired.members.contains_key(&MemberKind::Device))?;
    let draft =
        Draft { dialect, leaves, mark: mark(desired), members: &desired.members, raw: &Value::Null, names };
    draft.body()
}

/// The body that brings a policy to the desired state and keeps what is not ours.
///
/// # Errors
/// As for [`create`]; also where the policy holds something that no call can keep.
pub fn replace(
    dialect: Dialect,
    desired: &DesiredItem,
    observed: &ObservedItem,
    names: &Names,
) -> Result<Value, DriverError> {
    let wanted = wanted(desired);
    let exact = wanted.keys().any(is_feature);
    let mut leaves: Leaves = observed.leaves.clone();
    leaves.retain(|path, _| !(exact && is_feature(path)));
    leaves.extend(wanted);
    let mut members = observed.members.clone();
    members.extend(desired.members.clone());
    reach(dialect, &members, desired.members.contains_key(&MemberKind::Device))?;
    let raw = &observed.raw;
    Draft { dialect, leaves, mark: mark(desired), members: &desired.members, raw, names }.body()
}

/// The body that puts former leaves and members back and takes our mark off; a null takes a feature out again.
///
/// # Errors
/// As for [`replace`]. Members that are not put back leave open to whom it was open before.
pub fn restore(
    dialect: Dialect,
    observed: &ObservedItem,
    former: &Leaves,
    members: &Members,
    names: &Names,
) -> Result<Value, DriverError> {
    let mut leaves = observed.leaves.clone();
    leaves.extend(former.clone());
    leaves.retain(|path, value| !(is_feature(path) && value.is_null()));
    if !members.is_empty() {
        let mut reached = observed.members.clone();
        reached.extend(members.clone());
        reach(dialect, &reached, members.contains_key(&MemberKind::Device)).map_err(|error| {
            let remedy = "name somebody in the console and request it again, or set releasePolicy: Orphan";
            DriverError {
                message: format!("what stood before cannot be put back: {}; {remedy}", error.message),
                ..error
            }
        })?;
    }
    Draft { dialect, leaves, mark: None, members, raw: &observed.raw, names }.body()
}

/// Refuses members that the system would take for everybody without being told so (promise 2).
///
/// Only kinds that this dialect evaluates narrow anything: a list it ignores would leave the policy open to all.
fn reach(dialect: Dialect, members: &Members, device_links: bool) -> Result<(), DriverError> {
    let is_any = |name: &String| name.trim().eq_ignore_ascii_case(ANY);
    let everyone = members.get(&MemberKind::Role).is_some_and(|r| r.len() == 1 && r.contains(ANY));
    let mut others = members.iter().filter(|(kind, _)| !(everyone && **kind == MemberKind::Role));
    if others.any(|(_, set)| set.iter().any(is_any)) {
        return Err(refused(
            Reason::MatchesEveryone,
            "a member is called ANY, which the system takes for everybody",
        ));
    }
    let evaluated = |kind: &MemberKind| match kind {
        MemberKind::Role | MemberKind::User => true,
        MemberKind::Group => !dialect.is_a(),
        MemberKind::Device => device_links && !dialect.is_a(),
        MemberKind::ManagementGroup => false,
    };
    let ignored = members.iter().any(|(kind, set)| !evaluated(kind) && !set.is_empty());
    let narrowed = members.iter().any(|(kind, set)| evaluated(kind) && !set.is_empty());
    match (everyone, narrowed, ignored) {
        (true, ..) | (false, true, _) => Ok(()),
        (false, false, true) => Err(refused(
            Reason::TargetKindUnsupported,
            "the system ignores these targets and would reach everybody",
        )),
        (false, false, false) => {
            Err(refused(Reason::NoTargets, "without a role, user or group the system would reach everybody"))
        }
    }
}

fn refused(reason: Reason, message: &str) -> DriverError {
    DriverError::new(Class::Rejected, reason, message)
}

fn path(path: &str) -> LeafPath {
    LeafPath(path.into())
}

fn is_feature(path: &LeafPath) -> bool {
    path.0.starts_with("features/")
}

fn wanted(desired: &DesiredItem) -> Leaves {
    desired.leaves.iter().map(|(path, leaf)| (path.clone(), leaf.value.clone())).collect()
}

fn mark(desired: &DesiredItem) -> Option<Mark> {
    match &desired.shape {
        Shape::Object { mark } => mark.clone(),
        Shape::Document => None,
    }
}

/// A policy about to be sent.
struct Draft<'a> {
    dialect: Dialect,
    leaves: Leaves,
    mark: Option<Mark>,
    /// Ours; a kind that is absent is resent as it stands in `raw`.
    members: &'a Members,
    /// As read; null for a new policy.
    raw: &'a Value,
    names: &'a Names,
}

impl Draft<'_> {
    fn body(&self) -> Result<Value, DriverError> {
        if !wire::objects(self.raw, "policyCriterias").is_empty() {
            let message = "the policy has criteria, which the system drops with every change; remove them in the \
                           console or do not manage this policy";
            return Err(refused(Reason::Unsupported, message));
        }
        let name = self.text("name");
        let description = match &self.mark {
            Some(mark) => mark.append_to(self.text("description")),
            None => self.text("description").to_owned(),
        };
        let mut body = json!({
            "policyName": name, "description": description,
            "compliance": self.text("compliance"), "ownershipType": self.text("ownership"),
            "profile": self.profile(name)?,
            "roles": self.strings(MemberKind::Role, "roles"), "users": self.strings(MemberKind::User, "users"),
        });
        if let Some(body) = body.as_object_mut() {
            self.beyond_a(body)?;
        }
        Ok(body)
    }

    fn text(&self, leaf: &str) -> &str {
        self.leaves.get(&path(leaf)).and_then(Value::as_str).unwrap_or_default()
    }

    /// Members that only dialects B and C know; all are deleted by a PUT that does not send them.
    fn beyond_a(&self, body: &mut Map<String, Value>) -> Result<(), DriverError> {
        if self.dialect.is_a() {
            return Ok(());
        }
        body.insert("active".to_owned(), self.raw.get("active").cloned().unwrap_or_else(|| false.into()));
        body.insert("deviceGroups".to_owned(), self.groups()?);
        body.insert("deviceIdentifiers".to_owned(), self.devices());
        if self.dialect == Dialect::Entgra {
            let kept = [
                ("policyPayloadVersion", "payloadVersion"),
                ("policyType", "policyType"),
                ("correctiveActions", "correctiveActions"),
            ];
            for (read, sent) in kept {
                if let Some(value) = self.raw.get(read).filter(|v| !v.is_null()) {
                    body.insert(sent.to_owned(), value.clone());
                }
            }
        }
        Ok(())
    }

    fn profile(&self, name: &str) -> Result<Value, DriverError> {
        let former = self.raw.get("profile").and_then(|p| wire::text(p, "profileName"));
        let platform = self.platform()?;
        let codes: BTreeMap<String, &Value> =
            wire::objects(self.raw.get("profile").unwrap_or(&Value::Null), "profileFeaturesList")
                .into_iter()
                .filter_map(|f| Some((wire::text(f, "featureCode")?.to_uppercase(), f)))
                .collect();
        let features: Vec<Value> = self
            .leaves
            .iter()
            .filter_map(|(path, content)| Some((path.0.strip_prefix("features/")?, content)))
            .map(|(code, content)| self.feature(code, content, codes.get(code).copied(), &platform))
            .collect();
        if features.is_empty() {
            return Err(refused(Reason::Invalid, "the policy has no feature; the system needs at least one"));
        }
        Ok(json!({
            "profileName": former.unwrap_or(name), "deviceType": platform.of_profile, "profileFeaturesList": features,
        }))
    }

    /// Content goes as an object: the system turns it into the stored string, a string it would encode once more.
    fn feature(&self, code: &str, content: &Value, former: Option<&Value>, platform: &Platform) -> Value {
        let spelled = former.and_then(|f| wire::text(f, "featureCode")).unwrap_or(code);
        let content = if content.is_null() { json!({}) } else { content.clone() };
        let mut feature = json!({"featureCode": spelled, "content": content});
        if let Some(members) = feature.as_object_mut() {
            members.insert(platform.member.to_owned(), platform.of_feature.clone());
            let actions = former.and_then(|f| f.get("correctiveActions")).filter(|v| !v.is_null());
            if let Some(actions) = actions.filter(|_| self.dialect == Dialect::Entgra) {
                members.insert("correctiveActions".to_owned(), actions.clone());
            }
        }
        feature
    }

    /// The platform as the system spells it: comparing ignores case, sending does not.
    fn platform(&self) -> Result<Platform, DriverError> {
        let name = self.text("platform");
        let standing = self.raw.get("profile").and_then(|p| p.get("deviceType"));
        if !self.dialect.is_a() {
            let spelled =
                standing.and_then(Value::as_str).filter(|s| s.eq_ignore_ascii_case(name)).unwrap_or(name);
            return Ok(Platform {
                member: "deviceType",
                of_profile: spelled.into(),
                of_feature: spelled.into(),
            });
        }
        let standing =
            standing.filter(|t| wire::text(t, "name").is_some_and(|n| n.eq_ignore_ascii_case(name)));
        let number = self.names.types.get(&name.to_lowercase()).copied();
        let number = number.or_else(|| standing.and_then(|t| t.get("id")).and_then(wire::integer));
        let number = number.ok_or_else(|| {
            let known: Vec<&str> = self.names.types.keys().map(String::as_str).collect();
            let message = format!("the system has no platform {name:?}; it has {}", known.join(", "));
            refused(Reason::Unsupported, &message)
        })?;
        Ok(Platform { member: "deviceTypeId", of_profile: json!({"id": number}), of_feature: number.into() })
    }

    /// Always an explicit list: an absent one would keep what stands, and both lists restrict together.
    fn strings(&self, kind: MemberKind, member: &str) -> Value {
        match self.members.get(&kind) {
            Some(names) => names.iter().cloned().collect(),
            None => self.raw.get(member).filter(|v| v.is_array()).cloned().unwrap_or_else(|| json!([])),
        }
    }

    fn groups(&self) -> Result<Value, DriverError> {
        let standing: BTreeMap<String, &str> = wire::objects(self.raw, "deviceGroups")
            .into_iter()
            .filter_map(|g| Some((wire::group_id(g)?, wire::text(g, "name")?)))
            .collect();
        let Some(wanted) = self.members.get(&MemberKind::Group) else {
            return Ok(standing.into_iter().filter_map(|(id, name)| group(&id, name)).collect());
        };
        let named = |id: &String| {
            let name = self.names.groups.get(id).map(String::as_str).or_else(|| standing.get(id).copied());
            name.and_then(|name| group(id, name)).ok_or_else(|| {
                let message = format!("the system has no group {id} any more");
                // The group is gone, not the policy: listing again leaves it out.
                DriverError::new(Class::Conflict, Reason::GroupNotFound, message)
            })
        };
        wanted.iter().map(named).collect()
    }

    fn devices(&self) -> Value {
        if let Some(wanted) = self.members.get(&MemberKind::Device) {
            let parts = wanted.iter().filter_map(|device| device.split_once('/'));
            return parts.map(|(kind, id)| json!({"id": id, "type": kind})).collect();
        }
        let standing = wire::objects(self.raw, "devices").into_iter();
        standing
            .filter_map(|d| {
                Some(json!({"id": wire::text(d, "deviceIdentifier")?, "type": wire::text(d, "type")?}))
            })
            .collect()
    }
}

/// How a platform is said in the profile and in its features.
struct Platform {
    member: &'static str,
    of_profile: Value,
    of_feature: Value,
}

fn group(id: &str, name: &str) -> Option<Value> {
    Some(json!({"id": id.parse::<i64>().ok()?, "name": name}))
}

#[cfg(test)]
mod tests;
