//! The switches of the double: what differs between releases, and what the sheet does not know.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::options::merged;

/// The product line whose HTTP surface is played (vendor sheet section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// A: EMM 2.0.x, `/mdm-admin/…`, everything in a `ResponsePayload`.
    MdmAdmin,
    /// A′: core 1.1.x, like B, but activate and deactivate are `PUT`.
    DeviceMgtV1Put,
    /// B: EMM 2.2 and `IoT` Server 3.x, `/api/device-mgt/v1.0/…`.
    DeviceMgtV1,
    /// C: Entgra's core, same paths as B, with validation and more list calls.
    Entgra,
}

impl Dialect {
    /// Whether this is the `/mdm-admin` surface.
    pub fn is_admin(self) -> bool {
        self == Self::MdmAdmin
    }

    /// As spelled in `spec.system.wso2.api`; A′ differs from B in two verbs only.
    pub fn api(self) -> &'static str {
        match self {
            Self::MdmAdmin => "MdmAdmin",
            Self::DeviceMgtV1Put | Self::DeviceMgtV1 => "DeviceMgtV1",
            Self::Entgra => "Entgra",
        }
    }
}

/// What `GET /policies` without `limit` lists (section 2.2, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitOmitted {
    /// Nothing, although `count` says how many there are (B).
    Nothing,
    /// Everything, if `offset` is 0 too (C).
    Everything,
}

/// How an effective policy is decided (section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// The lowest `priorityId` wins.
    Simple,
    /// Features merged by code, higher priority wins; the result has id -1.
    Merged,
}

/// Language of month and day names: the server JVM's locale (section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateLocale {
    /// `Mar 3, 2026 9:15:00 AM`
    En,
    /// `03.03.2026 09:15:00`
    De,
}

/// Shape of the gateway's faults (section 1, inferred there).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultFormat {
    /// JSON if `Accept` asks for it, else XML.
    ByAccept,
    /// Always JSON.
    Json,
    /// Always XML.
    Xml,
}

/// Plain texts of a 401 in dialect A. Only the scope text is documented (section 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct UnauthorizedTexts {
    /// No `Authorization` header, or one of another kind.
    pub missing: String,
    /// A token nobody issued, or a revoked one.
    pub invalid: String,
    /// A token past its life.
    pub expired: String,
    /// The token's user lacks the permission.
    pub permission: String,
}

impl Default for UnauthorizedTexts {
    fn default() -> Self {
        Self {
            missing: "Error occurred while retrieving the authentication details: no token".to_owned(),
            invalid: "Access token validation failed".to_owned(),
            expired: "Access token has expired".to_owned(),
            permission: "Scope validation failed".to_owned(),
        }
    }
}

/// Everything about the double that may be changed, also while it runs
/// (`patch_state({"options": {…}})`). All times are whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // each is one switch of the sheet, not a state
pub struct Wso2Options {
    /// The surface that is served; the other one answers 404.
    pub dialect: Dialect,
    /// The tenant every policy belongs to; what a body says is ignored.
    pub tenant_id: i64,
    /// A: `GET /policies/{id}` wraps; documentation shows it bare (section 12).
    pub wrap_get_by_id: bool,
    /// A: HTTP status of a create; source says 200, documentation 201 (section 12).
    pub create_http_status: u16,
    /// A `PUT` writes priority 0 (EMM 2.0-2.2, core up to 3.0.0; section 5).
    pub priority_reset_on_put: bool,
    /// B: served from the cache. Off: unknown ids crash and some members are missing (section 2.2).
    pub cache_enabled: bool,
    /// Numbers in `content` come back as doubles (section 4).
    pub doubles_in_content: bool,
    /// An unknown id in `priorities` undoes the ids before it. The sheet does not say.
    pub priorities_atomic: bool,
    /// A new policy gets the priority of the last one, as two creates at once do (section 8).
    pub priority_race: bool,
    /// From the apply-changes call until the `updated` flags are cleared.
    pub apply_delay: u64,
    /// From there until devices have been evaluated.
    pub delivery_delay: u64,
    /// A second apply-changes is refused until delivery ended; off: only until the flags cleared.
    pub apply_busy_until_delivered: bool,
    /// A new policy is missing from lists for so long (F22).
    pub list_delay: u64,
    /// Lists and single reads come from a copy up to so old, as from another node's cache (section 6).
    pub stale_reads: u64,
    /// Pages after the first are cut as if the last policy had just moved to the top (F23).
    pub duplicate_on_page: bool,
    /// Lists end after so many policies, whatever `count` says (F23).
    pub list_cut: Option<usize>,
    /// Added to every `count` (F23).
    pub count_skew: i64,
    /// B: what a list without `limit` holds.
    pub limit_omitted: LimitOmitted,
    /// B: the largest `limit` that is not a 400.
    pub max_limit: i64,
    /// Language of dates.
    pub date_locale: DateLocale,
    /// The server's zone, minutes east of UTC.
    pub date_zone_minutes: i32,
    /// Unmapped errors show the container's HTML page instead of JSON (section 12).
    pub html_error_page: bool,
    /// Status of an answer without a body: 200 or 204.
    pub no_body_status: u16,
    /// B: success texts are JSON strings; off: plain text.
    pub quoted_texts: bool,
    /// Life of an access token.
    pub token_lifetime: u64,
    /// Life of a refresh token.
    pub refresh_lifetime: u64,
    /// A password grant answers the still valid token of the same client, user and scopes again.
    pub reuse_active_token: bool,
    /// A used refresh token is worthless.
    pub refresh_rotates: bool,
    /// Status of a password grant with a wrong password: 400 or 401.
    pub wrong_password_status: u16,
    /// A: bodies of a 401.
    pub unauthorized_texts: UnauthorizedTexts,
    /// B: reached through the API gateway (8243). Off: directly (9443), with A's plain 401s.
    pub gateway: bool,
    /// B, no gateway: whether plain OAuth tokens are accepted at all (section 12).
    pub direct_accepts_tokens: bool,
    /// B: shape of the gateway's faults.
    pub fault_format: FaultFormat,
    /// B: fault code of an expired token.
    pub expired_code: u32,
    /// B: fault code of a revoked token.
    pub revoked_code: u32,
    /// B: the client is subscribed to the API; off: 900908 on every call.
    pub subscribed: bool,
    /// B: a call needs its scope in the token.
    pub enforce_scopes: bool,
    /// B: `/policies/effective-policy/…` exists (from core 3.0).
    pub effective_policy_endpoint: bool,
    /// How effective policies are decided.
    pub engine: Engine,
    /// Device assignments restrict a policy. Source says they are stored and ignored (section 7).
    pub device_links_evaluated: bool,
    /// Seconds after delivery until the agent has reported its compliance.
    pub compliance_after: u64,
    /// B: a group id nobody knows is a database error (inferred).
    pub group_ids_checked: bool,
    /// B: the member that holds the groups: `deviceGroups` or `groups` (inferred).
    pub group_list_key: String,
    /// B: an empty group list is a bare 404 (old cores).
    pub empty_groups404: bool,
    /// B: `/roles` honours `offset` and `limit` (inferred; old cores ignore them).
    pub roles_paged: bool,
    /// `/roles` also lists `Internal/…`.
    pub internal_roles_listed: bool,
    /// B: `/device-types` lists objects with `id` and `name` instead of names.
    pub device_types_as_objects: bool,
    /// C: feature codes whose payload the platform's validator refuses (rules unknown, section 12).
    pub payload_rejects: BTreeSet<String>,
    /// Feature codes that publishing takes out again, as a licence check at apply-changes might. The sheet does not say.
    pub apply_drops: BTreeSet<String>,
}

impl Wso2Options {
    /// The defaults the sheet gives for one dialect.
    pub fn of(dialect: Dialect) -> Self {
        let entgra = dialect == Dialect::Entgra;
        Self {
            dialect,
            tenant_id: -1234,
            wrap_get_by_id: true,
            create_http_status: 200,
            priority_reset_on_put: dialect.is_admin(),
            cache_enabled: true,
            doubles_in_content: true,
            priorities_atomic: true,
            priority_race: false,
            apply_delay: 2,
            delivery_delay: 1,
            apply_busy_until_delivered: true,
            list_delay: 0,
            stale_reads: 0,
            duplicate_on_page: false,
            list_cut: None,
            count_skew: 0,
            limit_omitted: if entgra { LimitOmitted::Everything } else { LimitOmitted::Nothing },
            max_limit: 100,
            date_locale: DateLocale::En,
            date_zone_minutes: 0,
            html_error_page: dialect.is_admin(),
            no_body_status: 204,
            quoted_texts: true,
            token_lifetime: 3600,
            refresh_lifetime: 86_400,
            reuse_active_token: false,
            refresh_rotates: true,
            wrong_password_status: 400,
            unauthorized_texts: UnauthorizedTexts::default(),
            gateway: true,
            direct_accepts_tokens: true,
            fault_format: FaultFormat::ByAccept,
            expired_code: 900_903,
            revoked_code: 900_904,
            subscribed: true,
            enforce_scopes: true,
            effective_policy_endpoint: dialect != Dialect::DeviceMgtV1Put,
            engine: Engine::Simple,
            device_links_evaluated: false,
            compliance_after: 60,
            group_ids_checked: true,
            group_list_key: "deviceGroups".to_owned(),
            empty_groups404: false,
            roles_paged: false,
            internal_roles_listed: false,
            device_types_as_objects: entgra,
            payload_rejects: BTreeSet::new(),
            apply_drops: BTreeSet::new(),
        }
    }

    /// These options with some members replaced.
    ///
    /// # Errors
    /// A sentence naming the member that does not exist or has the wrong type.
    pub fn patched(&self, change: &Value) -> Result<Self, String> {
        merged(self, change)
    }
}

impl Default for Wso2Options {
    fn default() -> Self {
        Self::of(Dialect::DeviceMgtV1)
    }
}
