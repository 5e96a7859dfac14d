//! Rules, which several policies may share (4.4 and 6.2).

use serde_json::{Map, Value};

use super::{
    answer::{Answer, Failure},
    body::{self, Members},
    estate::Rule,
    inner::{Call, Inner},
    options::{DeleteRule, ListOrder},
    policies::{created, deleted, name, same, updated},
    render,
    search::{self, Row},
};

const COLUMNS: [&str; 4] = ["Name", "Type", "ReadablePayload", "Enabled"];
const KINDS: [&str; 2] = ["Check", "Fix"];
const USES: [&str; 4] = ["Triggers", "Preconditions", "Check", "Fix"];

fn known(inner: &Inner, call: &Call) -> Result<i32, Failure> {
    let id = call.id(1)?;
    match inner.estate.rules.contains_key(&id) {
        true => Ok(id),
        false => Err(inner.unknown("Rule.NotFound", id)),
    }
}

fn shown(inner: &Inner, id: i32) -> Option<Value> {
    Some(render::rule(id, inner.estate.rules.get(&id)?, &inner.estate))
}

fn listed(inner: &Inner, call: &Call) -> Vec<i32> {
    let visible = inner.estate.rules.iter().filter(|(_, one)| one.visible_from <= call.elapsed);
    let mut ids: Vec<(i32, _)> = visible.map(|(id, rule)| (*id, rule.modified)).collect();
    if inner.options.list_order == ListOrder::Newest {
        ids.sort_by_key(|(id, modified)| std::cmp::Reverse((*modified, *id)));
    }
    ids.into_iter().map(|(id, _)| id).collect()
}

/// `GET /Consumer/Rules`.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    Ok(Answer::json(listed(inner, call).into_iter().filter_map(|id| shown(inner, id)).collect()))
}

/// `GET /Consumer/Rules/{id}`.
pub fn read(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    Ok(Answer::json(shown(inner, id).unwrap_or_default()))
}

fn rows(inner: &Inner, call: &Call) -> Vec<Row> {
    let row = |id: i32| {
        let rule = inner.estate.rules.get(&id)?;
        let columns = vec![
            ("Name", rule.name.clone()),
            ("Type", rule.kind.clone()),
            ("ReadablePayload", render::readable(rule, &inner.estate)),
            ("Enabled", rule.enabled.to_string()),
        ];
        Some(Row { id, columns })
    };
    listed(inner, call).into_iter().filter_map(row).collect()
}

/// `POST /Consumer/Rules/Search`.
pub fn search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let found = search::run(call, &inner.options, rows(inner, call), (&COLUMNS, &COLUMNS))?;
    Ok(found.answer(found.ids.iter().filter_map(|id| shown(inner, *id)).collect()))
}

/// `POST /Consumer/Rules/Shallow/Search`.
pub fn shallow_search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let found = search::run(call, &inner.options, rows(inner, call), (&COLUMNS, &COLUMNS))?;
    let estate = &inner.estate;
    let one = |id: &i32| Some(render::shallow_rule(*id, estate.rules.get(id)?, estate));
    Ok(found.answer(found.ids.iter().filter_map(one).collect()))
}

/// A rule as it was sent, `stored` if it is an update.
fn draft(inner: &Inner, call: &Call, sent: Members<'_>, stored: Option<&Rule>) -> Result<Rule, Failure> {
    let kind = sent.text("Type")?.or_else(|| stored.map(|rule| rule.kind.clone()));
    let fixes = sent.get("Fix").is_some();
    let kind = kind.unwrap_or_else(|| if fixes { "Fix" } else { "Check" }.to_owned());
    if !KINDS.contains(&kind.as_str()) {
        return Err(Failure::malformed(format!("Type is {kind:?}, allowed are Check and Fix.")).about("Type"));
    }
    let uses: Map<String, Value> =
        USES.iter().filter_map(|name| Some(((*name).to_owned(), sent.get(name)?.clone()))).collect();
    let rule = Rule {
        name: name(inner, sent)?,
        description: sent.text("Description")?.unwrap_or_default(),
        kind,
        enabled: sent.flag("Enabled")?.unwrap_or(stored.is_none_or(|rule| rule.enabled)),
        uses,
        created: stored.map_or(call.now, |rule| rule.created),
        modified: call.now,
        visible_from: stored.map_or_else(|| inner.visible_from(call), |rule| rule.visible_from),
    };
    references(inner, &rule)?;
    Ok(rule)
}

/// A rule has a check, and uses what is there.
fn references(inner: &Inner, rule: &Rule) -> Result<(), Failure> {
    if !rule.uses.contains_key("Check") {
        return Err(Failure::malformed("Check is missing.").about("Check"));
    }
    let estate = &inner.estate;
    if let Some(id) = rule.fragments().into_iter().find(|id| !estate.fragments.contains_key(id)) {
        return Err(inner.unknown("Fragment.NotFound", id));
    }
    match rule.templates().into_iter().find(|id| !estate.templates.contains_key(id)) {
        Some(id) => Err(inner.unknown("TriggerTemplate.NotFound", id)),
        None => Ok(()),
    }
}

fn unique(inner: &Inner, name: &str, except: Option<i32>) -> Result<(), Failure> {
    let mut others = inner.estate.rules.iter().filter(|(id, _)| Some(**id) != except);
    match others.any(|(_, rule)| same(inner, &rule.name, name)) {
        true => {
            Err(inner.conflict("Rule.NameAlreadyExists", format!("A rule named {name} exists.")).about(name))
        }
        false => Ok(()),
    }
}

/// `POST /Consumer/Rules`.
pub fn create(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let sent = body::object(&call.body)?;
    let rule = draft(inner, call, Members(&sent), None)?;
    unique(inner, &rule.name, None)?;
    let id = inner.estate.next_id();
    inner.estate.rules.insert(id, rule);
    inner.estate.rule_edited(id, &call.hand());
    let object = shown(inner, id).unwrap_or_default();
    Ok(created(inner, id, object))
}

/// `PUT /Consumer/Rules`, the id in the body (4.4: inferred).
pub fn update(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let sent = body::object(&call.body)?;
    let sent = Members(&sent);
    let id = sent.number("Id")?.ok_or_else(|| Failure::malformed("Id is missing.").about("Id"))?;
    let Some(stored) = inner.estate.rules.get(&id) else {
        return Err(inner.unknown("Rule.NotFound", id));
    };
    let rule = draft(inner, call, sent, Some(stored))?;
    unique(inner, &rule.name, Some(id))?;
    inner.estate.rules.insert(id, rule);
    Ok(written(inner, call, id))
}

/// `POST /Consumer/Rules/{id}/Enable/{true|false}`.
pub fn enable(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let (id, on) = (known(inner, call)?, call.flag(3)?);
    if let Some(rule) = inner.estate.rules.get_mut(&id) {
        rule.enabled = on;
    }
    Ok(written(inner, call, id))
}

fn written(inner: &mut Inner, call: &Call, id: i32) -> Answer {
    inner.estate.rule_edited(id, &call.hand());
    let object = shown(inner, id).unwrap_or_default();
    updated(inner, object)
}

/// `DELETE /Consumer/Rules/{id}`.
pub fn delete(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = known(inner, call)?;
    let used = !inner.estate.users_of(id).is_empty();
    if used && inner.options.delete_rule == DeleteRule::Refused {
        return Err(inner.conflict("Rule.InUse", "Policies use the rule.").about(id));
    }
    inner.estate.remove_rule(id, &call.hand());
    Ok(deleted(inner))
}
