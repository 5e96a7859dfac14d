//! Server-side apply, simplified: what each manager applied last is remembered whole.
//!
//! Kept of the real thing: fields a manager no longer applies go (unless another applier names
//! them), `conditions` and other keyed lists merge by key, `finalizers` merge as a set, applying a
//! different value over another applier's needs `force`. Left out: ownership taken by plain
//! updates, `managedFields` on the wire, schemas (every other list is atomic).

use serde_json::{Map, Value};

use super::store::Owners;

/// How the items of a list are told apart.
enum ListKind {
    Atomic,
    Set,
    Map(&'static str),
}

fn list_kind(field: &str) -> ListKind {
    match field {
        "finalizers" => ListKind::Set,
        "conditions" => ListKind::Map("type"),
        "ownerReferences" => ListKind::Map("uid"),
        "objects" => ListKind::Map("key"),
        _ => ListKind::Atomic,
    }
}

/// Fields of an applied configuration that are no claim on the object.
pub fn claims(applied: &Value) -> Value {
    let mut claims = applied.clone();
    if let Some(members) = claims.as_object_mut() {
        members.remove("apiVersion");
        members.remove("kind");
    }
    if let Some(metadata) = claims["metadata"].as_object_mut() {
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"] {
            metadata.remove(field);
        }
    }
    if claims["metadata"].as_object().is_none_or(Map::is_empty) {
        claims.as_object_mut().map(|members| members.remove("metadata"));
    }
    claims
}

/// Brings `live` to what `new` says, letting go of what `old` said before and nobody in `others`
/// says too.
pub fn apply(live: &mut Value, new: &Value, old: Option<&Value>, others: &[&Value]) {
    apply_at("", live, new, old, others);
}

fn apply_at(field: &str, live: &mut Value, new: &Value, old: Option<&Value>, others: &[&Value]) {
    match new {
        Value::Object(members) => apply_object(live, members, old, others),
        Value::Array(items) => apply_list(field, live, items, old, others),
        _ => live.clone_from(new),
    }
}

fn apply_object(live: &mut Value, new: &Map<String, Value>, old: Option<&Value>, others: &[&Value]) {
    if !live.is_object() {
        *live = Value::Object(Map::new());
    }
    let gone =
        old.and_then(Value::as_object).into_iter().flatten().filter(|(key, _)| !new.contains_key(*key));
    for (key, was) in gone {
        let_go(live, key, was, &below(others, key));
    }
    for (key, value) in new {
        apply_at(key, &mut live[key], value, old.and_then(|old| old.get(key)), &below(others, key));
    }
}

fn below<'a>(others: &[&'a Value], key: &str) -> Vec<&'a Value> {
    others.iter().filter_map(|other| other.get(key)).collect()
}

/// Removes what a manager applied before; what is left of an object stays.
fn let_go(live: &mut Value, key: &str, was: &Value, others: &[&Value]) {
    let Some(members) = live.as_object_mut() else { return };
    let Some(child) = members.get_mut(key) else { return };
    match (child, was) {
        (child @ Value::Object(_), Value::Object(was)) => {
            for (inner, was) in was {
                let_go(child, inner, was, &below(others, inner));
            }
            if child.as_object().is_some_and(Map::is_empty) && others.is_empty() {
                members.remove(key);
            }
        }
        (child @ Value::Array(_), Value::Array(_)) if !matches!(list_kind(key), ListKind::Atomic) => {
            apply_at(key, child, &Value::Array(vec![]), Some(was), others);
        }
        _ if others.is_empty() => {
            members.remove(key);
        }
        _ => {}
    }
}

fn apply_list(field: &str, live: &mut Value, new: &[Value], old: Option<&Value>, others: &[&Value]) {
    let same: fn(&Value, &Value, &str) -> bool = match list_kind(field) {
        ListKind::Atomic => {
            *live = Value::Array(new.to_vec());
            return;
        }
        ListKind::Set => |a, b, _| a == b,
        ListKind::Map(_) => |a, b, key| a[key] == b[key],
    };
    let key = if let ListKind::Map(key) = list_kind(field) { key } else { "" };
    let find =
        |list: &Value, item: &Value| list.as_array()?.iter().find(|other| same(other, item, key)).cloned();
    let mut items = live.as_array().cloned().unwrap_or_default();
    let new_list = Value::Array(new.to_vec());
    items.retain(|item| {
        let dropped = old.is_some_and(|old| find(old, item).is_some()) && find(&new_list, item).is_none();
        !dropped || others.iter().any(|other| find(other, item).is_some())
    });
    for item in new {
        let old = old.and_then(|old| find(old, item));
        let others: Vec<Value> = others.iter().filter_map(|other| find(other, item)).collect();
        let others: Vec<&Value> = others.iter().collect();
        match items.iter_mut().find(|live| same(live, item, key)) {
            Some(live) => apply_at("", live, item, old.as_ref(), &others),
            None => items.push(item.clone()),
        }
    }
    *live = Value::Array(items);
}

/// The first field on which `new` differs from what another applier holds, as `(manager, path)`.
pub fn conflict(
    live: &Value,
    new: &Value,
    owners: &Owners,
    me: &(String, String),
) -> Option<(String, String)> {
    let others = owners.iter().filter(|(who, _)| *who != me);
    others.into_iter().find_map(|((manager, _), theirs)| {
        differing(live, new, theirs, "").map(|path| (manager.clone(), path))
    })
}

fn differing(live: &Value, new: &Value, theirs: &Value, path: &str) -> Option<String> {
    match (new, theirs) {
        (Value::Object(new), Value::Object(theirs)) => new.iter().find_map(|(key, value)| {
            let theirs = theirs.get(key)?;
            differing(live.get(key).unwrap_or(&Value::Null), value, theirs, &format!("{path}.{key}"))
        }),
        (Value::Array(_), Value::Array(_))
            if !matches!(list_kind(path.rsplit('.').next().unwrap_or_default()), ListKind::Atomic) =>
        {
            None
        }
        _ => (new != live && live == theirs).then(|| path.to_owned()),
    }
}
