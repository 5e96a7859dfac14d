//! Management groups, read-only since 8.0 (4.7).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    assignments, body,
    inner::{Call, Inner},
    options::GroupName,
    render,
    search::{self, Row},
};

const COLUMNS: [&str; 2] = ["Name", "Description"];

/// The groups a caller sees, the system's among them if wanted.
fn seen(inner: &Inner, call: &Call, system: bool) -> Vec<i32> {
    let groups = inner.estate.groups.iter();
    let wanted = groups.filter(|(id, group)| call.sight.sees(**id) && (system || !group.system));
    wanted.map(|(id, _)| *id).collect()
}

fn shown(inner: &Inner, id: i32) -> Option<Value> {
    Some(render::group(id, inner.estate.groups.get(&id)?, inner.options.scoped()))
}

/// Whether system groups are asked for, too.
fn system(call: &Call) -> bool {
    call.query.get("includesystemgroups").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// `GET /Consumer/ManagementGroups?includeSystemGroups=true`.
pub fn list(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let ids = seen(inner, call, system(call));
    Ok(Answer::json(ids.into_iter().filter_map(|id| shown(inner, id)).collect()))
}

/// `GET …/AllDevices`.
pub fn all_devices(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let all = inner.estate.all_devices();
    let all = all.ok_or_else(|| inner.unknown("ManagementGroup.NotFound", 0))?;
    one(inner, call, all)
}

fn one(inner: &Inner, call: &Call, id: i32) -> Result<Answer, Failure> {
    let shown = shown(inner, id).ok_or_else(|| inner.unknown("ManagementGroup.NotFound", id))?;
    assignments::hidden(inner, call, id)?;
    Ok(Answer::json(shown))
}

/// `GET …/Id/{id}`.
pub fn by_id(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = call.id(2)?;
    one(inner, call, id)
}

/// `GET …/Name/{name}`; names ignore case.
pub fn by_name(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let sent = call.path.get(2).cloned().unwrap_or_default();
    let name = match inner.options.group_name {
        GroupName::Percent => sent,
        GroupName::Base64 => URL_SAFE_NO_PAD
            .decode(&sent)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| Failure::malformed("The name is not URL-safe base64.").about(sent))?,
    };
    let mut groups = inner.estate.groups.iter();
    let found = groups.find(|(_, group)| group.name.to_lowercase() == name.to_lowercase());
    let found = found.map(|(id, _)| *id).ok_or_else(|| {
        let message = format!("There is no management group {name}.");
        Failure::new(inner.options.not_found_status, "ManagementGroup.NotFound", message).about(&name)
    })?;
    one(inner, call, found)
}

/// `GET …/Contents/Id/{id}`: the members.
pub fn contents(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = call.id(3)?;
    one(inner, call, id)?;
    let devices = inner.estate.groups.get(&id).map(|group| group.devices.clone()).unwrap_or_default();
    Ok(Answer::json(devices.into_iter().map(|fqdn| json!({"Fqdn": fqdn})).collect()))
}

/// `POST …/Search`.
pub fn search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let row = |id: i32| {
        let group = inner.estate.groups.get(&id)?;
        let columns = vec![("Name", group.name.clone()), ("Description", group.description.clone())];
        Some(Row { id, columns })
    };
    let rows = seen(inner, call, system(call)).into_iter().filter_map(row).collect();
    let found = search::run(call, &inner.options, rows, (&COLUMNS, &COLUMNS))?;
    Ok(found.answer(found.ids.iter().filter_map(|id| shown(inner, *id)).collect()))
}

/// `POST …/InitiateSlaSync`.
pub fn synchronise(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let sent = body::object(&call.body)?;
    let repository = body::Members(&sent).text("Repository")?;
    let repository = repository.ok_or_else(|| Failure::malformed("Repository is missing."))?;
    inner.estate.synchronised.push(repository);
    Ok(Answer::empty(StatusCode::OK))
}
