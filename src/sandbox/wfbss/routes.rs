//! Which call is answered by what (section 4).

use http::{Method, StatusCode};

use super::{
    answer::{Answer, Failure},
    devices, directory,
    inner::{Call, Inner},
    others, policies, settings,
};

/// Answers one kind of call.
pub type Handler = fn(&mut Inner, &Call) -> Result<Answer, Failure>;

const ROUTES: [(&str, &str, Handler); 22] = [
    ("GET", "policies", policies::read),
    ("PUT", "policies", policies::write),
    ("GET", "policies/default", policies::defaults),
    ("GET", "global_settings", settings::read),
    ("PUT", "global_settings", settings::write),
    ("GET", "global_settings/default", settings::defaults),
    ("GET", "customers", directory::customers),
    ("GET", "customers/groups", directory::groups),
    ("POST", "groups", directory::create_group),
    ("GET", "customers/computers", devices::computers),
    ("GET", "components", devices::components),
    ("POST", "commands/update", devices::update),
    ("POST", "commands/scan", devices::scan),
    ("GET", "customers/livestatus", others::live_status),
    ("GET", "notifications", others::notifications),
    ("GET", "customers/usage", others::usage),
    ("GET", "report", others::report),
    ("GET", "notif_settings/default", others::notification_defaults),
    ("PUT", "notif_settings", others::write_notifications),
    ("POST", "initialize", others::initialize),
    ("GET", "domains", others::domains),
    ("GET", TASK, others::task),
];

const TASK: &str = "tasks/{id}";

/// The handler of a call.
///
/// # Errors
/// 404 for an unknown resource, 405 for another method than it has.
pub fn find(method: &Method, resource: &str) -> Result<Handler, Failure> {
    let resource = if resource.starts_with("tasks/") { TASK } else { resource };
    let of_resource = || ROUTES.iter().filter(|(_, name, _)| *name == resource);
    if let Some((_, _, handler)) = of_resource().find(|(verb, _, _)| *verb == method.as_str()) {
        return Ok(*handler);
    }
    Err(match of_resource().next() {
        Some(_) => {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", format!("{method} {resource}"))
        }
        None => Failure::not_found("UnknownResource", format!("{resource:?} does not exist")),
    })
}
