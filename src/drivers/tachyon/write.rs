//! Writing policies (R30; vendor sheet sections 4.1, 8, 10).
//!
//! ```text
//! Create:  POST policy ─▶ off
//! Replace: PUT (name, description, mark; never under a partial view) ─▶ add rules ─▶ add groups ─▶ take rules out ─▶ take groups out
//! ```
//!
//! A step may be several calls. Once one of them was taken, whatever fails afterwards is told as `Ambiguous`: something
//! was done, so that everything is read before anything else. The next attempt begins with the call that failed, and
//! ends with what it means.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    calls::{Effect, Id, Need},
    read,
    session::{Ask, Session},
    wire,
};
use crate::{
    api::Reason,
    drivers::{
        DesiredItem,
        error::{Class, DriverError},
    },
    model::{ExternalId, LeafPath, Mark, MemberKind, ObservedItem},
};

const RULES: &str = "rules/";

/// Makes a policy and switches it off, since how it stands after that is unknown (sheet section 6.1).
///
/// # Errors
/// `Rejected` for a name that is taken, `Ambiguous` where it may have been made.
pub async fn create(session: &Session, desired: &DesiredItem) -> Result<Option<ExternalId>, DriverError> {
    let (name, description) = (leaf(desired, "name"), leaf(desired, "description"));
    let body = json!({"Name": name, "Description": described(description, desired.mark().as_ref())});
    let mut calls = Calls::new(session);
    let made = match calls.send(&Effect::Create(body)).await {
        Ok(made) => made,
        Err(error) => return Err(name_taken(session, error, name, None).await),
    };
    let id = match wire::id(&made, "Id").or_else(|| Id::of(&made)) {
        Some(id) => Some(id),
        // A success may say nothing.
        None => calls.after(find(session, desired.mark().as_ref()).await)?,
    };
    let Some(id) = id else { return Ok(None) };
    calls.send(&Effect::Enable(id, false)).await?;
    Ok(Some(ExternalId(id.to_string().into())))
}

/// Brings a policy to what is wanted, by the smallest set of calls.
///
/// # Errors
/// `Gone` for one that is not there any more, `Conflict` for one that is not what was read.
pub async fn replace(
    session: &Session,
    desired: &DesiredItem,
    observed: &ObservedItem,
) -> Result<(), DriverError> {
    let id = own_id(observed)?;
    let text = |path: &str| {
        let wanted = desired.leaves.get(&LeafPath(path.into())).map(|leaf| &leaf.value);
        wanted
            .or_else(|| observed.leaves.get(&LeafPath(path.into())))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let head = Head { name: text("name"), description: text("description"), mark: desired.mark() };
    let rules = named_rules(desired);
    let groups = desired.members.get(&MemberKind::ManagementGroup);
    let change = Change {
        head: head.differs(observed).then_some(head),
        rules: rules.map(|wanted| Sets::new(&wanted, &rules_of(observed))).unwrap_or_default(),
        groups: groups.map(|wanted| Sets::new(wanted, &groups_of(observed))).unwrap_or_default(),
        off_first: is_fresh(desired, observed),
    };
    write(session, id, observed, change).await
}

/// Puts former leaves back and takes our mark off.
///
/// # Errors
/// As for [`replace`]; `PartialView` where that needs a whole replace and the view is partial.
pub async fn restore(
    session: &Session,
    observed: &ObservedItem,
    former: &BTreeMap<LeafPath, Value>,
) -> Result<(), DriverError> {
    let id = own_id(observed)?;
    let text = |path: &str| {
        let path = LeafPath(path.into());
        former.get(&path).or_else(|| observed.leaves.get(&path)).and_then(Value::as_str).unwrap_or_default()
    };
    let head = Head { name: text("name"), description: text("description"), mark: None };
    if !observed.fixed.is_empty() && head.differs(observed) {
        let message = "what stood there before cannot be put back: the account sees only a part of whom this policy \
                       reaches, and changing name or description replaces the whole policy. Give the account a role on \
                       All Devices, or set releasePolicy: Orphan";
        return Err(DriverError::new(Class::Rejected, Reason::PartialView, message));
    }
    let mut rules = rules_of(observed);
    for (path, value) in former {
        let Some(rule) = path.0.strip_prefix(RULES).map(str::to_owned) else { continue };
        if value == &Value::Bool(true) {
            rules.insert(rule)
        } else {
            rules.remove(&rule)
        };
    }
    let change = Change {
        head: head.differs(observed).then_some(head),
        rules: Sets::new(&rules, &rules_of(observed)),
        groups: Sets::default(),
        off_first: false,
    };
    write(session, id, observed, change).await
}

/// Switches policies on or off; one that is refused does not keep the others.
///
/// # Errors
/// That of the first that is refused.
pub async fn switch(session: &Session, ids: &[ExternalId], on: bool) -> Result<(), DriverError> {
    each(session, ids, |id| Effect::Enable(id, on), Err).await
}

/// Removes policies; one that is not there counts as removed.
///
/// # Errors
/// As for [`switch`].
pub async fn remove(session: &Session, ids: &[ExternalId]) -> Result<(), DriverError> {
    let gone = |error: DriverError| if error.class == Class::Gone { Ok(()) } else { Err(error) };
    each(session, ids, Effect::Delete, gone).await
}

/// Deploys everything that waits.
///
/// # Errors
/// As for [`Session::effect`].
pub async fn deploy(session: &Session) -> Result<(), DriverError> {
    let done = session.effect(&Effect::Deploy).await.map(drop);
    // There is nothing that could be gone.
    done.map_err(|error| match error.class {
        Class::Gone => DriverError::new(Class::Rejected, Reason::Rejected, error.message),
        _ => error,
    })
}

async fn each(
    session: &Session,
    ids: &[ExternalId],
    effect: impl Fn(Id) -> Effect,
    meaning: impl Fn(DriverError) -> Result<(), DriverError>,
) -> Result<(), DriverError> {
    let mut calls = Calls::new(session);
    let mut refused = None;
    for id in ids {
        let id = read::id_of(id).ok_or_else(|| not_an_id(&id.to_string()))?;
        let Err(error) = calls.try_send(&effect(id)).await else { continue };
        match meaning(judged(session, error, id).await) {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => drop(refused.get_or_insert(error)),
            Err(error) => return calls.after(Err(error)),
        }
    }
    calls.after(refused.map_or(Ok(()), Err))
}

/// What only a replace of the whole policy changes.
struct Head<'a> {
    name: &'a str,
    description: &'a str,
    mark: Option<Mark>,
}

impl Head<'_> {
    fn differs(&self, observed: &ObservedItem) -> bool {
        let stands = |path: &str| observed.leaves.get(&LeafPath(path.into())).and_then(Value::as_str);
        stands("name") != Some(self.name)
            || stands("description").unwrap_or_default() != self.description
            || observed.mark != self.mark
    }
}

/// What to add and what to take out.
#[derive(Debug, Default, PartialEq)]
struct Sets {
    add: BTreeSet<String>,
    remove: BTreeSet<String>,
}

impl Sets {
    fn new(wanted: &BTreeSet<String>, stand: &BTreeSet<String>) -> Self {
        let but = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect();
        Self { add: but(wanted, stand), remove: but(stand, wanted) }
    }
}

struct Change<'a> {
    head: Option<Head<'a>>,
    rules: Sets,
    groups: Sets,
    off_first: bool,
}

/// Carries a change out: what is added before what is removed.
async fn write(
    session: &Session,
    id: Id,
    observed: &ObservedItem,
    change: Change<'_>,
) -> Result<(), DriverError> {
    let mut calls = Calls::new(session);
    if change.off_first {
        calls.send_about(id, Effect::Enable(id, false)).await?;
    }
    // Under a partial view the whole policy is not ours to replace (R30); what differs was said by whoever planned this.
    if let Some(head) = change.head.filter(|_| observed.fixed.is_empty()) {
        put(&mut calls, id, observed, &head).await?;
    }
    if !change.rules.add.is_empty() {
        calls.send_about(id, Effect::AddRules(id, numbers(&change.rules.add)?)).await?;
    }
    if !change.groups.add.is_empty() {
        calls.send_about(id, Effect::Assign(id, numbers(&change.groups.add)?)).await?;
    }
    for rule in numbers(&change.rules.remove)? {
        calls.take_out(id, Effect::RemoveRule(id, rule)).await?;
    }
    for group in numbers(&change.groups.remove)? {
        calls.take_out(id, Effect::Unassign(id, group)).await?;
    }
    Ok(())
}

/// Replaces a policy by what it is now, with another head. Whether what is left out of a PUT is cleared or kept, and
/// whether it can flip the switch, is unknown (sheet section 12): all of it is sent as it stands.
async fn put(
    calls: &mut Calls<'_>,
    id: Id,
    observed: &ObservedItem,
    head: &Head<'_>,
) -> Result<(), DriverError> {
    let path = ["Policies", &*id.to_string()];
    let stands = calls.session.read(&Ask::get(&path, &[], Need::READ)).await;
    let stands = match stands {
        Err(error) => Err(judged(calls.session, error, id).await),
        Ok(stands) => is_as_read(&stands, id, observed).map(|()| stands),
    };
    let body = with_head(&calls.after(stands)?, id, head);
    let Err(error) = calls.try_send(&Effect::Put(body)).await else { return Ok(()) };
    let error = name_taken(calls.session, error, head.name, Some(id)).await;
    let error = judged(calls.session, error, id).await;
    calls.after(Err(error))
}

/// R7: nothing is replaced that is not what was read in this pass, or of which less is seen by now.
fn is_as_read(stands: &Value, id: Id, observed: &ObservedItem) -> Result<(), DriverError> {
    let mark = Mark::split(wire::text(stands, "Description").unwrap_or_default()).1;
    let groups: Option<BTreeSet<String>> =
        wire::group_ids(stands).map(|ids| ids.iter().map(Id::to_string).collect());
    let same = wire::id(stands, "Id") == Some(id) && mark == observed.mark;
    let whole = groups.is_some_and(|groups| groups.is_superset(&groups_of(observed)));
    if same && whole && wire::rule_ids(stands).is_some() {
        return Ok(());
    }
    let message = format!("policy {id} is not as it was read a moment ago; it is read again");
    Err(DriverError::new(Class::Conflict, Reason::Conflict, message))
}

fn with_head(stands: &Value, id: Id, head: &Head<'_>) -> Value {
    let replaced = ["Id", "Name", "Description"];
    let other = |name: &&String| !replaced.iter().any(|replaced| replaced.eq_ignore_ascii_case(name));
    let members = stands.as_object().into_iter().flatten().filter(|(name, _)| other(name));
    let mut body: Map<String, Value> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
    body.insert("Id".to_owned(), id.json());
    body.insert("Name".to_owned(), head.name.into());
    body.insert("Description".to_owned(), described(head.description, head.mark.as_ref()).into());
    Value::Object(body)
}

fn described(text: &str, mark: Option<&Mark>) -> String {
    mark.map_or_else(|| text.to_owned(), |mark| mark.append_to(text))
}

/// A run of calls, and whether one of them was taken.
struct Calls<'a> {
    session: &'a Session,
    taken: bool,
}

impl<'a> Calls<'a> {
    fn new(session: &'a Session) -> Self {
        Self { session, taken: false }
    }

    /// Sends; what fails is told as it is.
    async fn try_send(&mut self, effect: &Effect) -> Result<Value, DriverError> {
        let answer = self.session.effect(effect).await?;
        // Removals may be answered by a boolean (sheet section 7).
        if matches!(effect, Effect::Delete(_)) && answer == Value::Bool(false) {
            let message =
                format!("DELETE /Consumer/{} answered false: it was not removed", effect.path().join("/"));
            return Err(DriverError::new(Class::Rejected, Reason::Rejected, message));
        }
        self.taken = true;
        Ok(answer)
    }

    /// Sends; what fails after something was done is told as such.
    async fn send(&mut self, effect: &Effect) -> Result<Value, DriverError> {
        let result = self.try_send(effect).await;
        self.after(result)
    }

    /// Sends a call about a policy, and finds out what its refusal means.
    async fn send_about(&mut self, id: Id, effect: Effect) -> Result<(), DriverError> {
        let Err(error) = self.try_send(&effect).await else { return Ok(()) };
        let mut error = judged(self.session, error, id).await;
        if matches!(effect, Effect::Assign(..)) && is_refusal(&error) {
            error.message.push_str(
                "; a management group that the account does not see is refused like one that is not there",
            );
        }
        self.after(Err(error))
    }

    /// Takes one element out; what is not in it is out.
    async fn take_out(&mut self, id: Id, effect: Effect) -> Result<(), DriverError> {
        match self.try_send(&effect).await {
            Ok(_) => Ok(()),
            Err(error) if error.class == Class::Gone => Ok(()),
            Err(error) => {
                let error = judged(self.session, error, id).await;
                self.after(Err(error))
            }
        }
    }

    /// The result, or `Ambiguous` if a call before it was taken.
    fn after<T>(&self, result: Result<T, DriverError>) -> Result<T, DriverError> {
        result.map_err(|error| match self.taken {
            true if error.class != Class::Ambiguous => DriverError {
                class: Class::Ambiguous,
                reason: error.reason,
                message: format!("a part was done, then: {}", error.message),
            },
            _ => error,
        })
    }
}

/// An object we have just made, that was not seen to be off: it enforces nothing as long as it has no rules.
fn is_fresh(desired: &DesiredItem, observed: &ObservedItem) -> bool {
    observed.enabled == Some(true)
        && desired.enabled == Some(true)
        && observed.mark.is_some()
        && observed.mark == desired.mark()
        && rules_of(observed).is_empty()
        && desired.leaves.keys().any(|path| path.0.starts_with(RULES))
}

/// Rules that are wanted; `None` where they are not ours, since nobody wants none (see [`super::translate`]).
fn named_rules(desired: &DesiredItem) -> Option<BTreeSet<String>> {
    let named: BTreeSet<String> =
        desired.leaves.keys().filter_map(|path| path.0.strip_prefix(RULES)).map(str::to_owned).collect();
    (!named.is_empty()).then_some(named)
}

fn rules_of(observed: &ObservedItem) -> BTreeSet<String> {
    observed.leaves.keys().filter_map(|path| path.0.strip_prefix(RULES)).map(str::to_owned).collect()
}

fn groups_of(observed: &ObservedItem) -> BTreeSet<String> {
    observed.members.get(&MemberKind::ManagementGroup).cloned().unwrap_or_default()
}

fn leaf<'a>(desired: &'a DesiredItem, path: &str) -> &'a str {
    desired.leaves.get(&LeafPath(path.into())).and_then(|leaf| leaf.value.as_str()).unwrap_or_default()
}

fn numbers(ids: &BTreeSet<String>) -> Result<Vec<Id>, DriverError> {
    let mut numbers: Vec<Id> =
        ids.iter().map(|id| Id::parse(id).ok_or_else(|| not_an_id(id))).collect::<Result<_, _>>()?;
    numbers.sort_unstable();
    Ok(numbers)
}

fn own_id(observed: &ObservedItem) -> Result<Id, DriverError> {
    let id = observed.id.as_ref();
    id.and_then(read::id_of).ok_or_else(|| not_an_id(&id.map(ToString::to_string).unwrap_or_default()))
}

fn not_an_id(text: &str) -> DriverError {
    let message = format!("an id of the system is a positive number, not {text:?}");
    DriverError::new(Class::Rejected, Reason::Invalid, message)
}

/// The policy that bears a mark, where exactly one does.
async fn find(session: &Session, mark: Option<&Mark>) -> Result<Option<Id>, DriverError> {
    let Some(mark) = mark else { return Ok(None) };
    let listed = read::policies(session).await?;
    let bears = |row: &Value| {
        Mark::split(wire::text(row, "Description").unwrap_or_default()).1.as_ref() == Some(mark)
    };
    let mut found = listed.rows.iter().filter(|(_, row)| bears(row)).map(|(id, _)| *id);
    let one = found.next();
    Ok(one.filter(|_| found.next().is_none()))
}

/// Whether the system said no to this very call.
fn is_refusal(error: &DriverError) -> bool {
    matches!(error.class, Class::Rejected | Class::Gone) && error.reason != Reason::Forbidden
}

/// What "not found" about a policy means: it is gone only if a whole list does not hold it. Else something named in the
/// call is not there, or not seen.
async fn judged(session: &Session, error: DriverError, id: Id) -> DriverError {
    if error.class != Class::Gone {
        return error;
    }
    let listed = read::policies(session).await.unwrap_or_default();
    match (listed.rows.contains_key(&id), listed.complete) {
        (true, _) => DriverError::new(Class::Rejected, Reason::Rejected, error.message),
        (false, true) => {
            let message = format!("the system has no policy {id} any more");
            DriverError::new(Class::Gone, Reason::ExternalObjectGone, message)
        }
        (false, false) => DriverError::new(Class::Transient, Reason::Unreachable, error.message),
    }
}

/// Whether a refusal is about a name that another policy bears (sheet section 9: unique, upper and lower case alike).
async fn name_taken(session: &Session, error: DriverError, name: &str, own: Option<Id>) -> DriverError {
    if !is_refusal(&error) {
        return error;
    }
    let listed = read::policies(session).await.unwrap_or_default();
    let others = listed.rows.iter().filter(|(id, _)| Some(**id) != own);
    let bears =
        |row: &Value| wire::text(row, "Name").is_some_and(|other| wire::fold(other) == wire::fold(name));
    match others.filter(|(_, row)| bears(row)).map(|(id, _)| *id).next() {
        Some(holder) => {
            let message = format!(
                "the name {name:?} is taken by policy {holder} ({}); choose another spec.displayName, or adopt that policy",
                error.message
            );
            DriverError::new(Class::Rejected, Reason::NameConflict, message)
        }
        // No id was in the call: this is how the system refuses content.
        None if own.is_none() => DriverError { class: Class::Rejected, reason: Reason::Rejected, ..error },
        None => error,
    }
}
