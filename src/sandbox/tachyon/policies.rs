//! Policies and their rules (4.1).

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    assignments,
    body::{self, Members},
    deploy::EditKind,
    estate::Policy,
    inner::{Call, Inner},
    options::{
        CreateMembers, CreateReply, CreatedEnabled, DeletePolicy, DeleteReply, DuplicateAdds, ListOrder,
        PartialAdds, PutEnabled, PutOmitted, RemoveAbsent, UniqueNames, UpdateReply,
    },
    people::ASSIGN,
    render,
    search::{self, Row},
};

const COLUMNS: [&str; 3] = ["Name", "Description", "Enabled"];

/// A policy as it was sent; absent members are `None`.
struct Draft {
    id: Option<i32>,
    name: String,
    description: Option<String>,
    enabled: Option<bool>,
    rules: Option<Vec<i32>>,
    groups: Option<Vec<i32>>,
    notes: Option<String>,
}

impl Draft {
    fn read(inner: &Inner, call: &Call) -> Result<Self, Failure> {
        let sent = body::object(&call.body)?;
        let sent = Members(&sent);
        let draft = Self {
            id: sent.number("Id")?,
            name: name(inner, sent)?,
            description: sent.text("Description")?,
            enabled: sent.flag("Enabled")?,
            rules: sent.ids("Rules")?,
            groups: sent.ids("ManagementGroups")?,
            notes: sent.text("Notes")?,
        };
        for rule in draft.rules.iter().flatten() {
            exists(inner, *rule)?;
        }
        Ok(draft)
    }
}

/// A name that can be: not empty, not too long.
///
/// # Errors
/// 400.
pub fn name(inner: &Inner, sent: Members<'_>) -> Result<String, Failure> {
    let name = sent.text("Name")?.unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Failure::new(400, "Name.Missing", "Name must not be empty.").about("Name"));
    }
    match inner.options.name_limit {
        Some(most) if name.chars().count() > most => {
            Err(Failure::new(400, "Name.TooLong", format!("Name is longer than {most} characters.")))
        }
        _ => Ok(name),
    }
}

/// Whether two names are the same where names are unique (section 9).
pub fn same(inner: &Inner, a: &str, b: &str) -> bool {
    match inner.options.unique_names {
        UniqueNames::FoldedCase => a.to_lowercase() == b.to_lowercase(),
        UniqueNames::ExactCase => a == b,
        UniqueNames::NotUnique => false,
    }
}

fn unique(inner: &Inner, name: &str, except: Option<i32>) -> Result<(), Failure> {
    let mut others = inner.estate.policies.iter().filter(|(id, _)| Some(**id) != except);
    match others.any(|(_, policy)| same(inner, &policy.name, name)) {
        true => Err(inner
            .conflict("Policy.NameAlreadyExists", format!("A policy named {name} exists."))
            .about(name)),
        false => Ok(()),
    }
}

fn exists(inner: &Inner, rule: i32) -> Result<(), Failure> {
    match inner.estate.rules.contains_key(&rule) {
        true => Ok(()),
        false => Err(inner.unknown("Rule.NotFound", rule)),
    }
}

/// The id in the path, of a policy that is there.
///
/// # Errors
/// Not found.
pub fn known(inner: &Inner, call: &Call) -> Result<i32, Failure> {
    let id = call.id(1)?;
    match inner.estate.policies.contains_key(&id) {
        true => Ok(id),
        false => Err(inner.unknown("Policy.NotFound", id)),
    }
}

/// `GET /Consumer/Policies`.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    Ok(Answer::json(listed(inner, call).into_iter().filter_map(|id| shown(inner, call, id)).collect()))
}

/// `GET /Consumer/Policies/{id}`.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    Ok(Answer::json(shown(inner, call, id).unwrap_or_default()))
}

/// `POST /Consumer/Policies/Search`.
pub fn search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let found = search::run(call, &inner.options, rows(inner, call), (&COLUMNS, &COLUMNS))?;
    let items = found.ids.iter().filter_map(|id| shown(inner, call, *id)).collect();
    Ok(found.answer(items))
}

/// `POST /Consumer/Policies/ShallowSearch`.
pub fn shallow_search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let found = search::run(call, &inner.options, rows(inner, call), (&COLUMNS, &COLUMNS))?;
    let estate = &inner.estate;
    let one = |id: &i32| Some(render::shallow_policy(*id, estate.policies.get(id)?, estate, &call.sight));
    Ok(found.answer(found.ids.iter().filter_map(one).collect()))
}

/// `GET /Consumer/Policies/Unlicensed`.
pub fn unlicensed(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    let estate = &inner.estate;
    let hit = estate.policies.iter().filter(|(_, policy)| estate.is_unlicensed(policy));
    Ok(Answer::json(hit.map(|(id, _)| json!(id)).collect()))
}

fn listed(inner: &Inner, call: &Call) -> Vec<i32> {
    let visible = inner.estate.policies.iter().filter(|(_, one)| one.visible_from <= call.elapsed);
    let mut ids: Vec<(i32, _)> = visible.map(|(id, policy)| (*id, policy.modified)).collect();
    if inner.options.list_order == ListOrder::Newest {
        ids.sort_by_key(|(id, modified)| std::cmp::Reverse((*modified, *id)));
    }
    ids.into_iter().map(|(id, _)| id).collect()
}

fn rows(inner: &Inner, call: &Call) -> Vec<Row> {
    let row = |id: i32| {
        let policy = inner.estate.policies.get(&id)?;
        let columns = vec![
            ("Name", policy.name.clone()),
            ("Description", policy.description.clone()),
            ("Enabled", policy.enabled.to_string()),
        ];
        Some(Row { id, columns })
    };
    listed(inner, call).into_iter().filter_map(row).collect()
}

fn shown(inner: &Inner, call: &Call, id: i32) -> Option<Value> {
    let policy = inner.estate.policies.get(&id)?;
    Some(render::policy(id, policy, &inner.estate, &call.sight, inner.options.scoped()))
}

/// `POST /Consumer/Policies`.
pub fn create(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let draft = Draft::read(inner, call)?;
    unique(inner, &draft.name, None)?;
    let stored = inner.options.create_members == CreateMembers::Stored;
    let groups = draft.groups.filter(|_| stored).unwrap_or_default();
    may_assign(inner, call, !groups.is_empty())?;
    assignments::all_visible(inner, call, &groups)?;
    let by_default = inner.options.created_enabled == CreatedEnabled::Enabled;
    let mut rules = draft.rules.filter(|_| stored && !call.breaks()).unwrap_or_default();
    dedup(&mut rules);
    let policy = Policy {
        name: draft.name,
        description: draft.description.unwrap_or_default(),
        enabled: draft.enabled.filter(|_| stored).unwrap_or(by_default),
        rules,
        notes: draft.notes,
        created: call.now,
        modified: call.now,
        visible_from: inner.visible_from(call),
    };
    let id = inner.estate.next_id();
    inner.estate.policies.insert(id, policy);
    for group in groups.into_iter().filter(|_| !call.breaks()) {
        inner.estate.assign(id, group);
    }
    inner.estate.edited(id, EditKind::Created, &call.hand());
    let object = shown(inner, call, id).unwrap_or_default();
    Ok(created(inner, id, object))
}

/// `PUT /Consumer/Policies`, the id in the body.
pub fn update(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let draft = Draft::read(inner, call)?;
    let id = draft.id.ok_or_else(|| Failure::malformed("Id is missing.").about("Id"))?;
    let Some(mut policy) = inner.estate.policies.get(&id).cloned() else {
        return Err(inner.unknown("Policy.NotFound", id));
    };
    unique(inner, &draft.name, Some(id))?;
    let omitted = inner.options.put_omitted;
    let (lists, clears) = (omitted != PutOmitted::ListsIgnored, omitted == PutOmitted::Cleared);
    let groups = draft.groups.or(clears.then(Vec::new)).filter(|_| lists);
    if let Some(groups) = &groups {
        let seen = render::seen(id, &inner.estate, &call.sight);
        let changes = groups.len() != seen.len() || groups.iter().any(|group| !seen.contains(group));
        may_assign(inner, call, changes)?;
        assignments::all_visible(inner, call, groups)?;
    }
    policy.name = draft.name;
    set(&mut policy.description, draft.description.or(clears.then(String::new)));
    set(&mut policy.notes, draft.notes.map(Some).or(clears.then_some(None)));
    set(
        &mut policy.enabled,
        match inner.options.put_enabled {
            PutEnabled::Stored => draft.enabled,
            PutEnabled::Ignored => None,
            PutEnabled::AbsentIsFalse => Some(draft.enabled.unwrap_or(false)),
        },
    );
    let rules = draft.rules.or(clears.then(Vec::new)).filter(|_| lists && !call.breaks());
    set(&mut policy.rules, rules);
    dedup(&mut policy.rules);
    inner.estate.policies.insert(id, policy);
    if let Some(groups) = groups.filter(|_| !call.breaks()) {
        let keeps = inner.options.put_assignments_keeps_hidden;
        assignments::set(inner, call, id, &groups, keeps);
    }
    Ok(written(inner, call, id))
}

/// Groups in a policy are assignments, whoever sends them (4.1).
fn may_assign(inner: &Inner, call: &Call, changes: bool) -> Result<(), Failure> {
    if changes && !call.may_assign { inner.require(call, ASSIGN) } else { Ok(()) }
}

fn set<T>(field: &mut T, wanted: Option<T>) {
    if let Some(value) = wanted {
        *field = value;
    }
}

fn dedup(ids: &mut Vec<i32>) {
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(*id));
}

/// `DELETE /Consumer/Policies/{id}`; devices keep it until a deployment (8.3).
pub fn delete(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    let enabled = inner.estate.policies.get(&id).is_some_and(|policy| policy.enabled);
    let assigned = !inner.estate.groups_of(id).is_empty();
    let refused = match inner.options.delete_policy {
        DeletePolicy::Allowed => false,
        DeletePolicy::RefusedEnabled => enabled,
        DeletePolicy::RefusedAssigned => assigned,
        DeletePolicy::RefusedEither => enabled || assigned,
    };
    if refused {
        return Err(inner.conflict("Policy.InUse", "The policy is enabled or assigned.").about(id));
    }
    inner.estate.remove_policy(id, &call.hand());
    Ok(deleted(inner))
}

/// `POST /Consumer/Policies/{id}/Enable/{true|false}`.
pub fn enable(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (id, on) = (known(inner, call)?, call.flag(3)?);
    if let Some(policy) = inner.estate.policies.get_mut(&id) {
        policy.enabled = on;
    }
    Ok(written(inner, call, id))
}

/// `POST /Consumer/Policies/{id}/Rules`: adds.
pub fn add_rules(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    let stored = inner.estate.policies.get(&id).map(|policy| policy.rules.clone()).unwrap_or_default();
    let refuses = inner.options.duplicate_adds == DuplicateAdds::Refused;
    let check = |inner: &Inner, rule: i32| match stored.contains(&rule) && refuses {
        true => Err(inner.conflict("Policy.RuleAlreadyExists", "The policy has the rule.").about(rule)),
        false => exists(inner, rule),
    };
    let (fit, problem) = addable(inner, call, check)?;
    let adds = !fit.is_empty();
    if let Some(policy) = inner.estate.policies.get_mut(&id) {
        policy.rules.extend(fit);
        dedup(&mut policy.rules);
    }
    if adds {
        inner.estate.edited(id, EditKind::Modified, &call.hand());
    }
    problem.map_or_else(|| Ok(written(inner, call, id)), Err)
}

/// The ids of the body that can be added, and what is wrong with the first that cannot.
///
/// # Errors
/// The same at once where it is all or nothing.
pub fn addable(
    inner: &Inner,
    call: &Call,
    check: impl Fn(&Inner, i32) -> Result<(), Failure>,
) -> Result<(Vec<i32>, Option<Failure>), Failure> {
    let mut ids = call.ids()?;
    let at = ids.iter().position(|id| check(inner, *id).is_err());
    let problem = at.and_then(|at| ids.get(at)).and_then(|id| check(inner, *id).err());
    match (at, problem) {
        (Some(_), Some(problem)) if inner.options.partial_adds == PartialAdds::AllOrNothing => Err(problem),
        (at, problem) => {
            ids.truncate(if call.breaks() { 1 } else { at.unwrap_or(usize::MAX) });
            Ok((ids, problem))
        }
    }
}

/// `DELETE /Consumer/Policies/{id}/Rules`: removes all.
pub fn remove_rules(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    if let Some(policy) = inner.estate.policies.get_mut(&id) {
        policy.rules.clear();
    }
    Ok(written(inner, call, id))
}

/// `DELETE /Consumer/Policies/{id}/Rules/{ruleId}`.
pub fn remove_rule(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (id, rule) = (known(inner, call)?, call.id(3)?);
    let Some(policy) = inner.estate.policies.get_mut(&id) else { return Ok(deleted(inner)) };
    let before = policy.rules.len();
    policy.rules.retain(|known| *known != rule);
    if policy.rules.len() == before && inner.options.remove_absent == RemoveAbsent::NotFound {
        return Err(inner.unknown("Rule.NotFound", rule));
    }
    Ok(written(inner, call, id))
}

/// A policy was changed: it waits for a deployment, and the call is answered.
pub fn written(inner: &mut Inner, call: &Call, id: i32) -> Answer {
    inner.estate.edited(id, EditKind::Modified, &call.hand());
    let object = shown(inner, call, id).unwrap_or_default();
    updated(inner, object)
}

/// The answer to a create.
pub fn created(inner: &Inner, id: i32, object: Value) -> Answer {
    let mut answer = match inner.options.create_reply {
        CreateReply::Object => Answer::json(object),
        CreateReply::Id => Answer::json(json!(id)),
        CreateReply::Empty => Answer::empty(StatusCode::OK),
        CreateReply::NoContent => return Answer::empty(StatusCode::NO_CONTENT),
    };
    answer.status = StatusCode::from_u16(inner.options.created_status).unwrap_or(StatusCode::OK);
    answer
}

/// The answer to an update.
pub fn updated(inner: &Inner, object: Value) -> Answer {
    match inner.options.update_reply {
        UpdateReply::Object => Answer::json(object),
        UpdateReply::Empty => Answer::empty(StatusCode::OK),
        UpdateReply::NoContent => Answer::empty(StatusCode::NO_CONTENT),
    }
}

/// The answer to a delete.
pub fn deleted(inner: &Inner) -> Answer {
    match inner.options.delete_reply {
        DeleteReply::Boolean => Answer::json(json!(true)),
        DeleteReply::Empty => Answer::empty(StatusCode::OK),
        DeleteReply::NoContent => Answer::empty(StatusCode::NO_CONTENT),
    }
}
