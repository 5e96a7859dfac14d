//! Policies of both generations (sections 4 and 5): the same life in two sets of words.

use super::{
    answer::{Answer, Failure},
    draft::{self, Draft},
    estate::{Content, Hand, Policy, Revision},
    force::Force,
    inner::{Call, Inner},
    names,
    options::{
        DeletedNames, DeletedPolicies, Detached, EditEnabled, EnableEmpty, Generation, ListOrder,
        OtherGeneration, RepeatedState, StateVersions, SymphonyOptions, UnchangedWrites,
    },
    pages, render,
};

/// `GET …/policies`.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let page = pages::wanted(call, &inner.options)?;
    let options = &inner.options;
    let listed = |policy: &&Policy| {
        let deleted =
            options.deleted_policies == DeletedPolicies::Listed && call.generation == Generation::V3;
        shown(policy, call.generation, options)
            && policy.origin.visible_from <= call.elapsed
            && (!policy.deleted || deleted)
    };
    let mut policies: Vec<&Policy> = inner.estate.policies.values().filter(listed).collect();
    match options.list_order {
        ListOrder::Created => policies.sort_by_key(|policy| policy.origin.serial),
        ListOrder::Name => policies.sort_by(|one, other| one.current.name.cmp(&other.current.name)),
        ListOrder::Updated => {
            policies.sort_by_key(|policy| (std::cmp::Reverse(policy.current.updated), policy.origin.serial));
        }
    }
    let rendered = policies
        .into_iter()
        .map(|policy| render::policy(policy, &policy.current, call.generation, &inner.estate, options))
        .collect();
    let mut answer = inner.page(call, "policies", rendered, page);
    if let (Generation::V3, Some(members)) = (call.generation, answer.as_object_mut()) {
        let size = members.get("policies").and_then(|list| list.as_array()).map_or(0, Vec::len);
        members.insert("size".to_owned(), size.into());
    }
    Ok(Answer::Json(answer))
}

/// `GET …/policies/{id}`.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let options = &inner.options;
    let deleted = options.deleted_policies != DeletedPolicies::Gone;
    let policy = inner
        .estate
        .policies
        .get(&call.id)
        .filter(|policy| shown(policy, call.generation, options) && (!policy.deleted || deleted))
        .ok_or_else(|| unknown(&call.id, options))?;
    let version = call.version("policyVersion")?;
    let revision = policy.revision(version).ok_or_else(|| {
        Failure::inner(options.unknown_id_status, "this version of the policy can not be found in database")
    })?;
    Ok(Answer::data(render::policy(policy, revision, call.generation, &inner.estate, options)))
}

/// `POST …/policies`.
pub fn create(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let options = &inner.options;
    let mut draft = draft::read(call, None, &inner.estate, options)?;
    unique(inner, &draft.name, call, None)?;
    let own = inner
        .estate
        .policies
        .values()
        .filter(|policy| !policy.deleted && policy.current.content.generation() == call.generation);
    if options.limits.policies.is_some_and(|most| own.count() >= most) {
        return Err(Failure::inner(options.invalid_value_status, "there are too many policies"));
    }
    let broken = breaks(inner, call);
    if broken {
        draft.content.retain_references(|_| false);
    }
    let delay = inner.new_delay();
    let id = inner.estate.add_policy((draft.name, draft.scopes, draft.content), call.hand(), delay);
    inner.estate.counters.policies_created += 1;
    answer(inner, call, &id, broken)
}

/// `PUT /v1/…/{id}`, `POST /v3/…/{id}/update`: a full replacement (4.3, rule 4).
pub fn update(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let stored = own(inner, call)?.clone();
    let options = &inner.options;
    if stored.current.active && options.edit_enabled == EditEnabled::Reject {
        return Err(Failure::inner(options.forbidden_state_status, "an enabled policy cannot be changed"));
    }
    let mut draft = draft::read(call, Some(&stored), &inner.estate, options)?;
    unique(inner, &draft.name, call, Some(&stored.policy_id))?;
    let broken = breaks(inner, call);
    if broken {
        keep_stored(&mut draft, stored.current.content.clone());
    }
    overwrite(inner, &stored, draft, call.hand())?;
    answer(inner, call, &stored.policy_id, broken)
}

/// Whether this write is half done only.
fn breaks(inner: &mut Inner, call: &Call) -> bool {
    inner.force(call, |force| matches!(force, Force::PartialWrite).then_some(())).is_some()
}

/// The broken contract of section 9: the rest is written, what is looked for is not.
fn keep_stored(draft: &mut Draft, stored: Content) {
    draft.emptied = false;
    match (&mut draft.content, stored) {
        (Content::V1 { dictionaries, .. }, Content::V1 { dictionaries: old, .. }) => *dictionaries = old,
        (content, stored) => *content = stored,
    }
}

/// Writes a draft over a policy, with the consequences of an empty list (4.3, rule 3).
///
/// # Errors
/// After the last version there is none.
pub fn overwrite(inner: &mut Inner, stored: &Policy, draft: Draft, hand: Hand) -> Result<(), Failure> {
    let Draft { name, scopes, mut content, emptied } = draft;
    if emptied {
        content.retain_references(|_| false);
    }
    inner.estate.name_rules(&mut content, Some(&stored.current.content), hand.now);
    let current = &stored.current;
    let options = &inner.options;
    let unchanged = (&current.name, &current.scopes, &current.content) == (&name, &scopes, &content);
    if let Some(policy) = inner.estate.policies.get_mut(&stored.policy_id) {
        if !unchanged || options.unchanged_writes == UnchangedWrites::Raise {
            let change = |next: &mut Revision| {
                (next.name, next.scopes, next.content) = (name, scopes, content);
            };
            policy.revise(hand.now, change).map_err(Failure::malformed)?;
        }
        if emptied {
            (policy.current.active, policy.current.disabled) = (false, Some(hand.now));
        }
    }
    if emptied {
        inner.estate.counters.emptied += 1;
        inner.estate.counters.disabled_by_emptying += u64::from(current.active);
        if options.detached == Detached::Deleted {
            for reference in current.content.references() {
                inner.delete_if_unused(&reference.dict_id);
            }
        }
    }
    Ok(())
}

/// `POST …/enable`.
pub fn enable(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let policy = own(inner, call)?;
    if policy.current.content.is_empty() && inner.options.enable_empty == EnableEmpty::Reject {
        let message = "a policy without dictionaries cannot be enabled";
        return Err(Failure::inner(inner.options.forbidden_state_status, message));
    }
    switch(inner, call, true)
}

/// `POST …/disable`.
pub fn disable(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    switch(inner, call, false)
}

fn switch(inner: &mut Inner, call: &Call, on: bool) -> Result<Answer, Failure> {
    let repeated = own(inner, call)?.current.active == on;
    let options = &inner.options;
    if repeated && options.repeated_state == RepeatedState::Reject {
        let message = if on { "the policy is enabled" } else { "the policy is disabled" };
        return Err(Failure::inner(options.forbidden_state_status, message));
    }
    if let Some(policy) = inner.estate.policies.get_mut(&call.id).filter(|_| !repeated) {
        set_active(policy, on, call.hand(), options).map_err(Failure::malformed)?;
    }
    answer(inner, call, &call.id, false)
}

/// Turns a policy on or off.
///
/// # Errors
/// A sentence: after the last version there is none.
pub fn set_active(
    policy: &mut Policy,
    on: bool,
    hand: Hand,
    options: &SymphonyOptions,
) -> Result<(), String> {
    if options.state_versions == StateVersions::Raise {
        policy.revise(hand.now, |_| {})?;
    }
    policy.current.active = on;
    if !on {
        policy.current.disabled = Some(hand.now);
    }
    Ok(())
}

/// `DELETE /v1/…/{id}`, `POST /v3/…/{id}/delete`: disabled policies only (4.3, rule 5).
pub fn delete(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    if own(inner, call)?.current.active {
        let message = "an enabled policy cannot be deleted, disable it first";
        return Err(Failure::inner(inner.options.forbidden_state_status, message));
    }
    if let Some(policy) = inner.estate.policies.get_mut(&call.id) {
        policy.deleted = true;
    }
    answer(inner, call, &call.id, false)
}

/// The policy a write is about.
fn own<'a>(inner: &'a Inner, call: &Call) -> Result<&'a Policy, Failure> {
    let options = &inner.options;
    let policy = inner
        .estate
        .policies
        .get(&call.id)
        .filter(|policy| !policy.deleted && policy.current.content.generation() == call.generation)
        .ok_or_else(|| unknown(&call.id, options))?;
    if policy.system {
        return Err(Failure::inner(options.forbidden_state_status, "a system policy cannot be changed"));
    }
    Ok(policy)
}

fn shown(policy: &Policy, generation: Generation, options: &SymphonyOptions) -> bool {
    options.other_generation == OtherGeneration::Shown || policy.current.content.generation() == generation
}

fn unknown(id: &str, options: &SymphonyOptions) -> Failure {
    Failure::inner(options.unknown_id_status, format!("policy {id} can not be found in database"))
}

/// Names are unique among the policies one can see.
fn unique(inner: &Inner, name: &str, call: &Call, except: Option<&str>) -> Result<(), Failure> {
    let options = &inner.options;
    let taken = inner.estate.policies.values().any(|policy| {
        names::same(&policy.current.name, name, options)
            && except != Some(&policy.policy_id)
            && shown(policy, call.generation, options)
            && (!policy.deleted || options.deleted_names == DeletedNames::Taken)
    });
    if taken {
        let message = format!("a policy named {name:?} exists already");
        return Err(Failure::inner(options.duplicate_name_status, message));
    }
    Ok(())
}

fn answer(inner: &Inner, call: &Call, id: &str, broken: bool) -> Result<Answer, Failure> {
    let policy = inner.estate.policies.get(id).filter(|_| !broken);
    let policy = policy.ok_or_else(|| Failure::inner(500, "the operation was not completed"))?;
    let shown = render::policy(policy, &policy.current, call.generation, &inner.estate, &inner.options);
    Ok(Answer::data(shown))
}
