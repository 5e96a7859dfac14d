//! Writing policies (R30; vendor sheet sections 4.1, 8, 10).
//!
//! ```text
//! Create:  POST policy ─▶ off
//! Replace: PUT (name, description, mark; never under a partial view) ─▶ add rules ─▶ add groups ─▶ take rules out ─▶ take groups out
//! ```
//!
//! A step may be several calls. Once one of them was taken, whatever fails afterwards is told as `Ambiguous`: something
//! was done, so that everything is read before anything else. The next attempt begins with the call that failed, and
//! ends with what it means. What may strike groups that are hidden begins with a proof that none is ([`sight::confirm`]).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    calls::{Effect, Id, Need},
    read,
    run::{Run, is_refusal, judged, name_taken},
    session::{Ask, Session},
    sight, wire,
};
use crate::{
    api::Reason,
    drivers::{
        DesiredItem, Members,
        error::{Class, DriverError},
    },
    model::{ExternalId, LeafPath, Mark, MemberKind, ObservedItem},
};

const RULES: &str = "rules/";

/// Makes a policy and switches it off, since how it stands after that is unknown (sheet section 6.1).
///
/// # Errors
/// `Rejected` for a name that is taken, `Conflict` where it is taken by what was made for this before, `Ambiguous` where
/// it may have been made.
pub async fn create(session: &Session, desired: &DesiredItem) -> Result<Option<ExternalId>, DriverError> {
    let (name, description) = (leaf(desired, "name"), leaf(desired, "description"));
    let body = json!({"Name": name, "Description": described(description, desired.mark().as_ref())});
    // One more than was counted.
    session.counts().forget();
    let mut run = Run::new(session);
    let made = match run.send(&Effect::Create(body)).await {
        Ok(made) => made,
        Err(error) => return Err(name_taken(session, error, name, None, desired.mark().as_ref()).await),
    };
    let id = match wire::id(&made, "Id").or_else(|| Id::of(&made)) {
        Some(id) => Some(id),
        // A success may say nothing.
        None => run.after(find(session, desired.mark().as_ref()).await)?,
    };
    let Some(id) = id else { return Ok(None) };
    run.send(&Effect::Enable(id, false)).await?;
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

/// Puts former leaves and groups back and takes our mark off.
///
/// # Errors
/// As for [`replace`]; `PartialView` where that needs a whole replace and the view is partial.
pub async fn restore(
    session: &Session,
    observed: &ObservedItem,
    former: &BTreeMap<LeafPath, Value>,
    members: &Members,
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
    let groups = members.get(&MemberKind::ManagementGroup);
    let change = Change {
        head: head.differs(observed).then_some(head),
        rules: Sets::new(&rules, &rules_of(observed)),
        groups: groups.map(|wanted| Sets::new(wanted, &groups_of(observed))).unwrap_or_default(),
        off_first: false,
    };
    write(session, id, observed, change).await
}

/// Switches policies on or off; one that is refused does not keep the others.
///
/// # Errors
/// That of the first that is refused; as for [`sight::confirm`] where they are switched off.
pub async fn switch(session: &Session, ids: &[ExternalId], on: bool) -> Result<(), DriverError> {
    if !on {
        sight::confirm(session).await?;
    }
    each(session, ids, |id| Effect::Enable(id, on), Err).await
}

/// Removes policies; one that is not there counts as removed.
///
/// # Errors
/// As for [`switch`].
pub async fn remove(session: &Session, ids: &[ExternalId]) -> Result<(), DriverError> {
    sight::confirm(session).await?;
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
    let mut run = Run::new(session);
    let mut refused = None;
    for id in ids {
        let id = read::id_of(id).ok_or_else(|| not_an_id(&id.to_string()))?;
        let Err(error) = run.try_send(&effect(id)).await else { continue };
        match meaning(judged(session, error, id).await) {
            Ok(()) => {}
            Err(error) if is_refusal(&error) => drop(refused.get_or_insert(error)),
            Err(error) => return run.after(Err(error)),
        }
    }
    run.after(refused.map_or(Ok(()), Err))
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

impl Change<'_> {
    fn takes_out(&self) -> bool {
        !self.rules.remove.is_empty() || !self.groups.remove.is_empty()
    }
}

/// Carries a change out: what is added before what is removed.
async fn write(
    session: &Session,
    id: Id,
    observed: &ObservedItem,
    change: Change<'_>,
) -> Result<(), DriverError> {
    if change.head.is_some() || change.takes_out() {
        sight::confirm(session).await?;
    }
    let mut run = Run::new(session);
    if change.off_first {
        run.send_about(id, Effect::Enable(id, false)).await?;
    }
    // Under a partial view the whole policy is not ours to replace (R30); what differs was said by whoever planned this.
    if let Some(head) = change.head.filter(|_| observed.fixed.is_empty()) {
        put(&mut run, id, observed, &head).await?;
    }
    if !change.rules.add.is_empty() {
        run.send_about(id, Effect::AddRules(id, numbers(&change.rules.add)?)).await?;
    }
    if !change.groups.add.is_empty() {
        run.send_about(id, Effect::Assign(id, numbers(&change.groups.add)?)).await?;
    }
    for rule in numbers(&change.rules.remove)? {
        run.take_out(id, Effect::RemoveRule(id, rule)).await?;
    }
    for group in numbers(&change.groups.remove)? {
        run.take_out(id, Effect::Unassign(id, group)).await?;
    }
    Ok(())
}

/// Replaces a policy by what it is now, with another head. Whether what is left out of a PUT is cleared or kept, and
/// whether it can flip the switch, is unknown (sheet section 12): all of it is sent as it stands.
async fn put(run: &mut Run<'_>, id: Id, observed: &ObservedItem, head: &Head<'_>) -> Result<(), DriverError> {
    let path = ["Policies", &*id.to_string()];
    let stands = run.session().read(&Ask::get(&path, &[], Need::READ)).await;
    let stands = match stands {
        Err(error) => Err(judged(run.session(), error, id).await),
        Ok(stands) => is_as_read(&stands, id, observed).map(|()| stands),
    };
    let body = with_head(&run.after(stands)?, id, head);
    let Err(error) = run.try_send(&Effect::Put(body)).await else { return Ok(()) };
    let error = name_taken(run.session(), error, head.name, Some(id), None).await;
    let error = judged(run.session(), error, id).await;
    run.after(Err(error))
}

/// R7: nothing is replaced that is not what was read in this pass, or of which less is seen by now.
fn is_as_read(stands: &Value, id: Id, observed: &ObservedItem) -> Result<(), DriverError> {
    let mark = wire::mark(stands);
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
    let mut found =
        listed.rows.iter().filter(|(_, row)| wire::mark(row).as_ref() == Some(mark)).map(|(id, _)| *id);
    let one = found.next();
    Ok(one.filter(|_| found.next().is_none()))
}
