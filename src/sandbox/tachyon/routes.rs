//! Which call a path names, and what it needs (section 4).

use super::{
    answer::{Answer, Failure},
    assignments, groups,
    inner::{Call, Inner},
    options::{RuleUpdate, TachyonOptions},
    parts,
    people::{DELETE, EXECUTE, GROUPS, READ, SYNCHRONIZE, WRITE},
    policies, responses, rights, rules, ship,
};

/// Performs a call.
pub type Handler = fn(&mut Inner, &Call) -> Result<Answer, Failure>;

/// What a caller must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A token; the consumer is not checked (section 2).
    NoConsumer,
    /// A token, and a consumer as for the rest.
    Token,
    /// A permission.
    Permission(&'static str),
    /// A permission, and from 8.0 on PolicyAssignment/Assign (4.1).
    Assign(&'static str),
}

impl Needs {
    /// Whether the call changes anything.
    pub fn is_write(self) -> bool {
        match self {
            Self::NoConsumer | Self::Token => false,
            Self::Permission(permission) => [WRITE, DELETE, EXECUTE].contains(&permission),
            Self::Assign(_) => true,
        }
    }
}

use Needs::{Assign, NoConsumer, Permission, Token};

type Route = Option<(Handler, Needs)>;

/// The call behind a method and a path in lower case, without `consumer`.
pub fn find(options: &TachyonOptions, method: &str, path: &[&str]) -> Route {
    policy(options, method, path)
        .or_else(|| assignment(method, path))
        .or_else(|| rule(options, method, path))
        .or_else(|| fragment(options, method, path))
        .or_else(|| other(options, method, path))
}

/// Whether the path means something with another method.
pub fn is_known(options: &TachyonOptions, path: &[&str]) -> bool {
    ["GET", "POST", "PUT", "DELETE"].iter().any(|method| find(options, method, path).is_some())
}

/// 4.1 and 4.3.
fn policy(options: &TachyonOptions, method: &str, path: &[&str]) -> Route {
    let since_51 = options.since(5, 1);
    let (handler, needs): (Handler, Needs) = match (method, path) {
        ("GET", ["policies"]) => (policies::list, Permission(READ)),
        ("GET", ["policies", "unlicensed"]) if since_51 => (policies::unlicensed, Permission(READ)),
        ("GET", ["policies", "pending", "changes"]) => (ship::pending, Permission(EXECUTE)),
        ("POST", ["policies", "search"]) => (policies::search, Permission(READ)),
        ("POST", ["policies", "shallowsearch"]) => (policies::shallow_search, Permission(READ)),
        ("POST", ["policies"]) => (policies::create, Permission(WRITE)),
        ("PUT", ["policies"]) => (policies::update, Permission(WRITE)),
        ("GET", ["policies", id]) if !is_word(id) => (policies::read, Permission(READ)),
        ("DELETE", ["policies", id]) if !is_word(id) => (policies::delete, Permission(DELETE)),
        ("POST", ["policies", _, "enable", _]) => (policies::enable, Permission(WRITE)),
        ("POST", ["policies", _, "rules"]) => (policies::add_rules, Permission(WRITE)),
        ("DELETE", ["policies", _, "rules"]) => (policies::remove_rules, Permission(DELETE)),
        ("DELETE", ["policies", _, "rules", _]) => (policies::remove_rule, Permission(DELETE)),
        ("POST", ["policy"]) => (ship::deploy, Permission(EXECUTE)),
        ("GET", ["policy", "changes"]) if since_51 => (ship::changes, Permission(EXECUTE)),
        ("POST", ["policy", "responses", "search"]) => (responses::search, Permission(READ)),
        ("POST", ["policy", "responses", _]) => (responses::of_rule, Permission(READ)),
        _ => return None,
    };
    Some((handler, needs))
}

/// Words that stand where an id could.
fn is_word(segment: &str) -> bool {
    ["search", "shallowsearch", "unlicensed", "pending"].contains(&segment)
}

/// 4.1 and 4.2.
fn assignment(method: &str, path: &[&str]) -> Route {
    let (handler, needs): (Handler, Needs) = match (method, path) {
        ("GET", ["policies", _, "assignments"]) => (assignments::list, Permission(READ)),
        ("POST", ["policies", _, "assignments"]) => (assignments::add, Assign(WRITE)),
        ("PUT", ["policies", _, "assignments"]) => (assignments::replace, Assign(WRITE)),
        ("DELETE", ["policies", _, "assignments"]) => (assignments::remove_all, Assign(DELETE)),
        ("DELETE", ["policies", _, "assignments", "managementgroups", _]) => {
            (assignments::remove, Assign(DELETE))
        }
        ("GET", ["policyassignments"]) => (assignments::rows, Permission(READ)),
        ("POST", ["policyassignments"]) => (assignments::add_row, Assign(WRITE)),
        ("GET", ["policyassignments", _]) => (assignments::row, Permission(READ)),
        ("DELETE", ["policyassignments", _]) => (assignments::remove_row, Assign(DELETE)),
        _ => return None,
    };
    Some((handler, needs))
}

/// 4.4.
fn rule(options: &TachyonOptions, method: &str, path: &[&str]) -> Route {
    let (handler, needs): (Handler, Needs) = match (method, path) {
        ("GET", ["rules"]) => (rules::list, Permission(READ)),
        ("POST", ["rules"]) => (rules::create, Permission(WRITE)),
        ("PUT", ["rules"]) if options.rule_update == RuleUpdate::Put => (rules::update, Permission(WRITE)),
        ("POST", ["rules", "search"]) => (rules::search, Permission(READ)),
        ("POST", ["rules", "shallow", "search"]) => (rules::shallow_search, Permission(READ)),
        ("POST", ["rules", _, "enable", _]) => (rules::enable, Permission(WRITE)),
        ("GET", ["rules", id]) if !is_word(id) => (rules::read, Permission(READ)),
        ("DELETE", ["rules", id]) if !is_word(id) => (rules::delete, Permission(DELETE)),
        _ => return None,
    };
    Some((handler, needs))
}

/// 4.5 and 4.6; create and update of fragments were withdrawn in 5.1, and are not played before.
fn fragment(options: &TachyonOptions, method: &str, path: &[&str]) -> Route {
    let since_51 = options.since(5, 1);
    let (handler, needs): (Handler, Needs) = match (method, path) {
        ("GET", ["fragments"]) => (parts::fragments, Permission(READ)),
        ("GET", ["fragments", "shallow", "all"]) if since_51 => (parts::shallow_fragments, Permission(READ)),
        ("POST", ["fragments", "search"]) => (parts::search, Permission(READ)),
        ("POST", ["fragments", "shallow", "search"]) => (parts::shallow_search, Permission(READ)),
        ("POST", ["fragments", "uploadfile"]) if since_51 => (parts::upload, Permission(WRITE)),
        ("GET", ["fragments", id]) if *id != "search" => (parts::fragment, Permission(READ)),
        ("GET", ["triggertemplates"]) if options.trigger_templates => (parts::templates, Permission(READ)),
        ("GET", ["triggertemplates", _]) if options.trigger_templates => (parts::template, Permission(READ)),
        _ => return None,
    };
    Some((handler, needs))
}

/// Section 3, 4.7, and the product itself.
fn other(options: &TachyonOptions, method: &str, path: &[&str]) -> Route {
    let (handler, needs): (Handler, Needs) = match (method, path) {
        ("GET", ["information"]) => (rights::information, Token),
        ("GET", ["consumers"]) => (rights::consumers, NoConsumer),
        ("GET", ["permissions", "rbac", "enabled"]) => (rights::rbac, Token),
        ("GET", ["permissions", "type", _, "operation", _]) => (rights::permission, Token),
        ("GET", ["principalrolemanagementgroups"]) if options.scoped() => (rights::grants, Token),
        ("GET", ["managementgroups"]) => (groups::list, Permission(GROUPS)),
        ("GET", ["managementgroups", "alldevices"]) => (groups::all_devices, Permission(GROUPS)),
        ("GET", ["managementgroups", "id", _]) => (groups::by_id, Permission(GROUPS)),
        ("GET", ["managementgroups", "name", _]) => (groups::by_name, Permission(GROUPS)),
        ("GET", ["managementgroups", "contents", "id", _]) => (groups::contents, Permission(GROUPS)),
        ("POST", ["managementgroups", "search"]) => (groups::search, Permission(GROUPS)),
        ("POST", ["managementgroups", "initiateslasync"]) => (groups::synchronise, Permission(SYNCHRONIZE)),
        _ => return None,
    };
    Some((handler, needs))
}
