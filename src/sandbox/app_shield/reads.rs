//! Lists of groups and people (section 6), and the reads under names a test chooses (section 4).

use serde_json::{Value, json};

use super::{
    answer::Refusal,
    estate::{ALL_USERS, Estate, in_order},
    inner::Call,
    options::{AllUsers, AppShieldOptions, ListShape, PolicyList, ReadAbsent},
    present,
    routes::Op,
};

/// Performs a read.
///
/// # Errors
/// No policy has the id.
pub fn answer(options: &AppShieldOptions, estate: &Estate, call: &Call) -> Result<Value, Refusal> {
    match call.op {
        Op::GroupList => Ok(cut(options, groups(options, estate))),
        Op::ContactList => Ok(listed(options, options.contact_list, contacts(estate))),
        Op::PolicyList => Ok(listed(options, options.policy_list, policies(options, estate, call))),
        _ => {
            let found = id(options, call).and_then(|id| estate.policies.get(id));
            match (found, options.read_absent) {
                (Some(policy), _) => Ok(present::policy(estate, options, policy)),
                (None, ReadAbsent::Error) => Err(unknown(options)),
                (None, ReadAbsent::Null) => Ok(Value::Null),
                (None, ReadAbsent::Blank) => Ok(present::template("", "")),
                (None, ReadAbsent::EmptyList) => Ok(json!([])),
            }
        }
    }
}

/// The id a read or a delete is about.
pub fn id<'a>(options: &AppShieldOptions, call: &'a Call) -> Option<&'a str> {
    options.id_members.iter().find_map(|member| call.body.get(member)).and_then(Value::as_str)
}

/// No policy has the id.
pub fn unknown(options: &AppShieldOptions) -> Refusal {
    Refusal::new(options, options.codes.unknown_policy, "AppShield policy was not found.")
}

fn groups(options: &AppShieldOptions, estate: &Estate) -> Vec<Value> {
    in_order(estate.groups.keys())
        .into_iter()
        .filter(|id| *id != ALL_USERS || options.all_users == AllUsers::Listed)
        .filter_map(|id| Some(present::group(id, estate.groups.get(id)?)))
        .collect()
}

fn contacts(estate: &Estate) -> Vec<Value> {
    in_order(estate.users.keys())
        .into_iter()
        .filter_map(|id| Some(present::contact(estate, id, estate.users.get(id)?)))
        .collect()
}

fn policies(options: &AppShieldOptions, estate: &Estate, call: &Call) -> Vec<Value> {
    let shown = |policy| {
        let mut shown = present::policy(estate, options, policy);
        if let (PolicyList::Stubs, Some(members)) = (options.listed_policies, shown.as_object_mut()) {
            for name in ["Constraints", "Groups", "Users"] {
                members.insert(name.to_owned(), Value::Null);
            }
        }
        shown
    };
    estate.policies.values().filter(|policy| policy.listed_from <= call.now.mono).map(shown).collect()
}

fn listed(options: &AppShieldOptions, shape: ListShape, all: Vec<Value>) -> Value {
    let list = cut(options, all);
    match shape {
        ListShape::BareArray => list,
        ListShape::Wrapped => json!({"ErrorCode": 0, "ErrorMessage": "", &options.list_key: list}),
    }
}

fn cut(options: &AppShieldOptions, mut all: Vec<Value>) -> Value {
    all.truncate(options.list_cut.unwrap_or(usize::MAX));
    Value::Array(all)
}
