//! What rules are made of: fragments and trigger templates, read-only here (4.5 and 4.6).

use serde_json::Value;

use super::{
    answer::{Answer, Failure},
    inner::{Call, Inner},
    render,
    search::{self, Row},
};

const FILTERS: [&str; 3] = ["Name", "Type", "ReadablePayload"];
const SORTS: [&str; 2] = ["Name", "Type"];

fn all(inner: &Inner, shallow: bool) -> Answer {
    let fragments = inner.estate.fragments.iter();
    Answer::json(fragments.map(|(id, one)| render::fragment(*id, one, shallow)).collect())
}

/// `GET /Consumer/Fragments`.
pub fn fragments(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    Ok(all(inner, false))
}

/// `GET /Consumer/Fragments/Shallow/All`.
pub fn shallow_fragments(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    Ok(all(inner, true))
}

/// `GET /Consumer/Fragments/{id}`.
pub fn fragment(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = call.id(1)?;
    let found = inner.estate.fragments.get(&id).ok_or_else(|| inner.unknown("Fragment.NotFound", id))?;
    Ok(Answer::json(render::fragment(id, found, false)))
}

fn found(inner: &Inner, call: &Call, shallow: bool) -> Result<Answer, Failure> {
    let fragments = &inner.estate.fragments;
    let row = |(id, one): (&i32, &super::estate::Fragment)| Row {
        id: *id,
        columns: vec![
            ("Name", one.name.clone()),
            ("Type", one.kind.to_owned()),
            ("ReadablePayload", one.readable.clone()),
        ],
    };
    let rows = fragments.iter().map(row).collect();
    let found = search::run(call, &inner.options, rows, (&FILTERS, &SORTS))?;
    let items = found.ids.iter().filter_map(|id| Some(render::fragment(*id, fragments.get(id)?, shallow)));
    Ok(found.answer(items.collect::<Vec<Value>>()))
}

/// `POST /Consumer/Fragments/Search`.
pub fn search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    found(inner, call, false)
}

/// `POST /Consumer/Fragments/Shallow/Search`.
pub fn shallow_search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    found(inner, call, true)
}

/// `POST /Consumer/Fragments/UploadFile`. What is uploaded must be signed with a licensed
/// certificate, and nobody here has one.
pub fn upload(_: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    Err(Failure::new(400, "Fragment.NotSigned", "The fragment is not signed with a licensed certificate."))
}

/// `GET /Consumer/TriggerTemplates`.
pub fn templates(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    let templates = inner.estate.templates.iter();
    Ok(Answer::json(templates.map(|(id, one)| render::template(*id, one)).collect()))
}

/// `GET /Consumer/TriggerTemplates/{id}`.
pub fn template(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let id = call.id(1)?;
    let found = inner.estate.templates.get(&id);
    let found = found.ok_or_else(|| inner.unknown("TriggerTemplate.NotFound", id))?;
    Ok(Answer::json(render::template(id, found)))
}
