//! What devices report, rule by rule (4.3): evidence that a deployment reached them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    body::{self, Members},
    inner::{Call, Inner},
};

const FIRST: &str = "0;0";

/// `POST /Consumer/Policy/Responses/{ruleId}`.
pub fn of_rule(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    let rule = call.id(2)?;
    if !inner.estate.rules.contains_key(&rule) {
        return Err(inner.unknown("Rule.NotFound", rule));
    }
    page(call, rows(inner, call, Some(rule)))
}

/// `POST /Consumer/Policy/Responses/Search`.
pub fn search(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    page(call, rows(inner, call, None))
}

/// A row for each device and each rule it holds, of the groups the caller sees.
fn rows(inner: &Inner, call: &Call, only: Option<i32>) -> Vec<Value> {
    let mut rows = Vec::new();
    for (id, policies) in inner.estate.fleet.devices.iter().filter(|(id, _)| call.sight.sees(**id)) {
        let devices = inner.estate.groups.get(id).map(|group| group.devices.as_slice()).unwrap_or_default();
        for (policy, held) in policies {
            for rule in held.rules.keys().filter(|rule| only.is_none_or(|only| only == **rule)) {
                rows.extend(devices.iter().map(
                    |fqdn| json!({"Fqdn": fqdn, "PolicyId": policy, "RuleId": rule, "Status": "Compliant"}),
                ));
            }
        }
    }
    rows
}

/// Pages by an opaque range: the first is asked for as `0;0`, each next one by what the last gave.
fn page(call: &Call, rows: Vec<Value>) -> Result<Answer, Failure> {
    let sent = body::object(&call.body)?;
    let sent = Members(&sent);
    let wrong = || Failure::malformed("Start must be the string 0;0 or a Range.").about("Start");
    let start = sent.text("Start")?.ok_or_else(wrong)?;
    let skipped: usize = match start.as_str() {
        FIRST => 0,
        range => {
            let bytes = STANDARD.decode(range).map_err(|_| wrong())?;
            let text = String::from_utf8(bytes).map_err(|_| wrong())?;
            text.strip_prefix("0;").and_then(|number| number.parse().ok()).ok_or_else(wrong)?
        }
    };
    let size = sent.number("PageSize")?.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let page: Vec<Value> = rows.into_iter().skip(skipped).take(size).collect();
    let range = STANDARD.encode(format!("0;{}", skipped.saturating_add(page.len())));
    Ok(Answer::json(json!({"Range": range, "Responses": page})))
}
