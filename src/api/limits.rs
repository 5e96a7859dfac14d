//! Bounds of the API. Each stands in the schema and is tested again in [`super::validate`].

/// A name in a policy system: policy, group, user, role, rule, dictionary.
pub const NAME: usize = 256;
/// `spec.displayName` of a Policy.
pub const DISPLAY_NAME: usize = 128;
/// `spec.displayName` of a Policy with a symphony facet: 30, less `~` and 6 characters of identity.
pub const SYMPHONY_DISPLAY_NAME: usize = 23;
/// `spec.description` of a Policy, so that the mark still fits into the systems' columns.
pub const DESCRIPTION: usize = 900;
/// An id in a policy system.
pub const ID: usize = 128;
/// The name of a Kubernetes object.
pub const OBJECT_NAME: usize = 253;
/// A URL.
pub const URL: usize = 1024;
/// A path below a URL.
pub const PATH: usize = 512;
/// A Go duration.
pub const DURATION: usize = 16;
/// `targets.include` and `targets.exclude`.
pub const INCLUDE: usize = 64;
/// Customers of one selection.
pub const CUSTOMERS: usize = 1000;
/// Groups of one customer, or of one selection.
pub const GROUPS: usize = 100;
/// Management groups of one selection.
pub const MANAGEMENT_GROUPS: usize = 500;
/// Roles of one selection.
pub const ROLES: usize = 500;
/// Users of one selection.
pub const USERS: usize = 500;
/// Single devices of one selection.
pub const DEVICES: usize = 500;
/// Targets of one selection, a group of a customer counting as one.
pub const TARGETS: usize = 2000;
/// Features of one profile.
pub const FEATURES: usize = 64;
/// Profiles of one wso2 facet.
pub const PROFILES: usize = 8;
/// Rules of one tachyon facet.
pub const RULES: usize = 256;
/// Dictionaries of one symphony facet.
pub const DICTIONARIES: usize = 100;
/// Constraints of one `AppShield` facet.
pub const CONSTRAINTS: usize = 256;
/// Secret leaves of one document or feature.
pub const SECRETS: usize = 64;
/// `access` entries of a `ClusterBackend`.
pub const ACCESS: usize = 64;
/// Namespaces named by one `access` entry.
pub const NAMESPACES: usize = 256;
/// Requirements of a label selector, of either form.
pub const SELECTOR: usize = 16;
/// `settings`, `content` or one constraint, in bytes of JSON.
pub const FREE_FORM_BYTES: usize = 256 * 1024;
/// How deep objects and lists nest in free-form JSON.
pub const FREE_FORM_DEPTH: usize = 16;
/// `status.problems` of an assignment.
pub const PROBLEMS: usize = 20;
/// `status.objects` of an assignment.
pub const OBJECTS: usize = 16;
/// Paths named in one condition message.
pub const PATHS_IN_MESSAGE: usize = 20;
/// A condition's message, in characters.
pub const MESSAGE: usize = 4096;
/// A short text in a status, in characters.
pub const STATUS_TEXT: usize = 512;
/// `status.capabilities` of a Backend.
pub const CAPABILITIES: usize = 64;
/// `status.conditions`.
pub const CONDITIONS: usize = 16;

/// `text`, cut to `max` characters so that a status is never refused for its length.
pub fn clip(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}
