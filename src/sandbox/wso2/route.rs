//! Which operation a request names, and what it needs to be allowed (sections 1 and 2).

use http::Method;

use super::options::{Dialect, Wso2Options};

/// An operation of the API, whatever the dialect calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    List,
    Get(i64),
    Count,
    /// A only: whether the new policy is active is part of the path.
    CreateAs(bool),
    Create,
    Update(i64),
    Remove,
    Activate,
    Deactivate,
    Apply,
    Priorities,
    /// C: `/policies/list`.
    Search,
    /// C: `/policies/type/{type}`.
    ByType(String),
    /// C: `/policies/validate`.
    Validate,
    Compliance(String, String),
    /// The applied policy; `true`: a missing one is a 404.
    Applied(String, String, bool),
    /// A: task control by GET, never to be called.
    TaskControl,
    DeviceTypes,
    Features(String),
    Roles,
    Users,
    Groups,
}

/// What became of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Found(Op),
    WrongMethod,
    Unknown,
}

/// Routes a request of the current dialect.
pub(super) fn route(options: &Wso2Options, method: &Method, path: &[&str]) -> Route {
    match (options.dialect.is_admin(), path) {
        (true, ["mdm-admin", rest @ ..]) => by_method(method, &admin(rest)),
        (false, ["api", "device-mgt", "v1.0", rest @ ..]) => by_method(method, &v1(options, rest)),
        _ => Route::Unknown,
    }
}

type Choices = Vec<(Method, Op)>;

fn by_method(method: &Method, choices: &Choices) -> Route {
    match choices.iter().find(|(m, _)| m == method) {
        Some((_, op)) => Route::Found(op.clone()),
        None if choices.is_empty() => Route::Unknown,
        None => Route::WrongMethod,
    }
}

fn admin(path: &[&str]) -> Choices {
    let one = |method, op| vec![(method, op)];
    match path {
        ["policies"] => one(Method::GET, Op::List),
        ["policies", "count"] => one(Method::GET, Op::Count),
        ["policies", "inactive-policy"] => one(Method::POST, Op::CreateAs(false)),
        ["policies", "active-policy"] => one(Method::POST, Op::CreateAs(true)),
        ["policies", "bulk-remove"] => one(Method::POST, Op::Remove),
        ["policies", "activate"] => one(Method::PUT, Op::Activate),
        ["policies", "inactivate"] => one(Method::PUT, Op::Deactivate),
        ["policies", "apply-changes"] => one(Method::PUT, Op::Apply),
        ["policies", "priorities"] => one(Method::PUT, Op::Priorities),
        ["policies", "stop-task"] | ["policies", "start-task" | "update-task", _] => {
            one(Method::GET, Op::TaskControl)
        }
        ["policies", id] => by_id(id),
        ["policies", kind, id] => one(Method::GET, Op::Compliance((*kind).to_owned(), (*id).to_owned())),
        ["policies", kind, id, "active-policy"] => {
            one(Method::GET, Op::Applied((*kind).to_owned(), (*id).to_owned(), false))
        }
        ["devices", "types"] => one(Method::GET, Op::DeviceTypes),
        ["features", kind] => one(Method::GET, Op::Features((*kind).to_owned())),
        ["roles"] => one(Method::GET, Op::Roles),
        ["users"] => one(Method::GET, Op::Users),
        _ => Vec::new(),
    }
}

fn v1(options: &Wso2Options, path: &[&str]) -> Choices {
    let one = |method, op| vec![(method, op)];
    let entgra = options.dialect == Dialect::Entgra;
    let switch = if options.dialect == Dialect::DeviceMgtV1Put { Method::PUT } else { Method::POST };
    match path {
        ["policies"] => vec![(Method::GET, Op::List), (Method::POST, Op::Create)],
        ["policies", "remove-policy"] => one(Method::POST, Op::Remove),
        ["policies", "activate-policy"] => one(switch, Op::Activate),
        ["policies", "deactivate-policy"] => one(switch, Op::Deactivate),
        ["policies", "apply-changes"] => one(Method::PUT, Op::Apply),
        ["policies", "priorities"] => one(Method::PUT, Op::Priorities),
        ["policies", "list"] if entgra => one(Method::GET, Op::Search),
        ["policies", "validate"] if entgra => one(Method::POST, Op::Validate),
        ["policies", "type", kind] if entgra => one(Method::GET, Op::ByType((*kind).to_owned())),
        ["policies", "effective-policy", kind, id] if options.effective_policy_endpoint => {
            one(Method::GET, Op::Applied((*kind).to_owned(), (*id).to_owned(), true))
        }
        ["policies", id] => by_id(id),
        ["devices", kind, id, "effective-policy"] => {
            one(Method::GET, Op::Applied((*kind).to_owned(), (*id).to_owned(), false))
        }
        ["devices", kind, id, "compliance-data"] => {
            one(Method::GET, Op::Compliance((*kind).to_owned(), (*id).to_owned()))
        }
        ["device-types"] => one(Method::GET, Op::DeviceTypes),
        ["device-types", kind, "features"] => one(Method::GET, Op::Features((*kind).to_owned())),
        ["roles"] => one(Method::GET, Op::Roles),
        ["users"] => one(Method::GET, Op::Users),
        ["groups"] | ["admin", "groups"] => one(Method::GET, Op::Groups),
        _ => Vec::new(),
    }
}

/// A path parameter that is no number matches nothing.
fn by_id(id: &str) -> Choices {
    let id: Result<i64, _> = id.parse();
    id.map_or_else(|_| Vec::new(), |id| vec![(Method::GET, Op::Get(id)), (Method::PUT, Op::Update(id))])
}

/// B, C: scopes of which the token needs one; empty where none is known.
///
/// The scopes of roles, users and groups come from the public API annotations, those of C's
/// helper calls are unknown.
pub(super) fn scopes(dialect: Dialect, op: &Op) -> &'static [&'static str] {
    if dialect == Dialect::Entgra { entgra_scopes(op) } else { v1_scopes(op) }
}

fn v1_scopes(op: &Op) -> &'static [&'static str] {
    match op {
        Op::Create | Op::CreateAs(_) => &["perm:policies:manage"],
        Op::List | Op::Count => &["perm:policies:get-details"],
        Op::Get(_) => &["perm:policies:get-policy-details"],
        Op::Update(_) => &["perm:policies:update"],
        Op::Remove => &["perm:policies:remove"],
        Op::Activate => &["perm:policies:activate"],
        Op::Deactivate => &["perm:policies:deactivate"],
        Op::Apply => &["perm:policies:changes"],
        Op::Priorities => &["perm:policies:priorities"],
        Op::Applied(_, _, true) => &["perm:policies:effective-policy"],
        Op::Applied(_, _, false) => &["perm:devices:effective-policy"],
        Op::Compliance(..) => &["perm:devices:compliance-data"],
        Op::DeviceTypes => &["perm:device-types:types"],
        Op::Features(_) => &["perm:device-types:features"],
        Op::Roles => &["perm:roles:view"],
        Op::Users => &["perm:users:user-details", "perm:users:details"],
        Op::Groups => &["perm:groups:groups", "perm:admin-groups:view"],
        Op::Search | Op::ByType(_) | Op::Validate | Op::TaskControl => &[],
    }
}

fn entgra_scopes(op: &Op) -> &'static [&'static str] {
    match op {
        Op::Create | Op::CreateAs(_) => &["pm:policies:add"],
        Op::List | Op::Count | Op::Search | Op::ByType(_) => &["dm:policies:view"],
        Op::Get(_) => &["pm:policies:details:view"],
        Op::Update(_) => &["pm:policies:update"],
        Op::Remove => &["pm:policies:remove"],
        Op::Activate => &["pm:policies:activate"],
        Op::Deactivate => &["pm:policies:deactivate"],
        Op::Apply => &["pm:policies:change"],
        Op::Priorities => &["pm:policies:priorities:update"],
        Op::Applied(_, _, true) => &["pm:policies:effective-policy"],
        _ => &[],
    }
}

/// A: permissions of which the token's user needs one. The validator ignores the method, so
/// reading and writing `/policies/{id}` need the same.
pub(super) fn permissions(op: &Op) -> &'static [&'static str] {
    match op {
        Op::List | Op::Count | Op::Compliance(..) | Op::Applied(..) | Op::TaskControl => &["list"],
        Op::Get(_) | Op::Update(_) => &["list", "update"],
        Op::CreateAs(_) | Op::Create => &["add"],
        Op::Remove => &["remove"],
        Op::Activate | Op::Deactivate => &["add", "update"],
        Op::Apply | Op::Priorities => &["update"],
        _ => &[],
    }
}
