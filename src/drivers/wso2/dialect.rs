//! The two families of the API and where their calls are (vendor sheet sections 0 and 2).

use http::Method;

use crate::api::{Wso2, Wso2Api};

/// Which API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// EMM 2.0: wrapped answers, numeric device types, no ids on create.
    MdmAdmin,
    /// EMM 2.2 and IoT Server 3: pages, groups, ids on create.
    DeviceMgtV1,
    /// Entgra: as `DeviceMgtV1`, with validation and other scopes.
    Entgra,
}

impl From<Wso2Api> for Dialect {
    fn from(api: Wso2Api) -> Self {
        match api {
            Wso2Api::MdmAdmin => Self::MdmAdmin,
            Wso2Api::DeviceMgtV1 => Self::DeviceMgtV1,
            Wso2Api::Entgra => Self::Entgra,
        }
    }
}

/// A call of the policy API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Make an inactive policy.
    Create,
    /// Write one policy.
    Update,
    /// Remove policies.
    Remove,
    /// Turn on.
    Activate,
    /// Turn off.
    Deactivate,
    /// Publish everything.
    ApplyChanges,
    /// Set places.
    Priorities,
}

impl Verb {
    /// The effect calls in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Update,
        Self::Remove,
        Self::Activate,
        Self::Deactivate,
        Self::ApplyChanges,
        Self::Priorities,
    ];

    /// As named in `status.capabilities`.
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Create => "CreatePolicies",
            Self::Update => "UpdatePolicies",
            Self::Remove => "RemovePolicies",
            Self::Activate => "ActivatePolicies",
            Self::Deactivate => "DeactivatePolicies",
            Self::ApplyChanges => "ApplyChanges",
            Self::Priorities => "OrderPolicies",
        }
    }
}

impl Dialect {
    /// As spelled in `spec.system.wso2.api`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::MdmAdmin => "MdmAdmin",
            Self::DeviceMgtV1 => "DeviceMgtV1",
            Self::Entgra => "Entgra",
        }
    }

    /// Answers are wrapped, lists are whole, device types are numbers.
    pub const fn is_a(self) -> bool {
        matches!(self, Self::MdmAdmin)
    }

    /// The segments all calls begin with.
    pub const fn base(self) -> &'static [&'static str] {
        match self {
            Self::MdmAdmin => &["mdm-admin"],
            Self::DeviceMgtV1 | Self::Entgra => &["api", "device-mgt", "v1.0"],
        }
    }

    /// Method and last segments (after `policies`) of an effect call. For `Update` the id follows.
    pub const fn effect(self, verb: Verb) -> (Method, Option<&'static str>) {
        match (self, verb) {
            (_, Verb::Update) => (Method::PUT, None),
            (Self::MdmAdmin, Verb::Create) => (Method::POST, Some("inactive-policy")),
            (_, Verb::Create) => (Method::POST, None),
            (Self::MdmAdmin, Verb::Remove) => (Method::POST, Some("bulk-remove")),
            (_, Verb::Remove) => (Method::POST, Some("remove-policy")),
            (Self::MdmAdmin, Verb::Activate) => (Method::PUT, Some("activate")),
            (_, Verb::Activate) => (Method::POST, Some("activate-policy")),
            (Self::MdmAdmin, Verb::Deactivate) => (Method::PUT, Some("inactivate")),
            (_, Verb::Deactivate) => (Method::POST, Some("deactivate-policy")),
            (_, Verb::ApplyChanges) => (Method::PUT, Some("apply-changes")),
            (_, Verb::Priorities) => (Method::PUT, Some("priorities")),
        }
    }

    /// Path of the token endpoint below `url`.
    pub const fn token_path(self) -> &'static [&'static str] {
        match self {
            Self::MdmAdmin => &["oauth2", "token"],
            Self::DeviceMgtV1 | Self::Entgra => &["token"],
        }
    }

    /// Path of the client registration below `url`.
    pub const fn registration_path(self) -> &'static [&'static str] {
        match self {
            Self::MdmAdmin => &["dynamic-client-web", "register"],
            Self::DeviceMgtV1 | Self::Entgra => &["api-application-registration", "register"],
        }
    }

    /// The scope that lets an effect call through; dialect A decides by permissions of the user instead.
    pub const fn scope(self, verb: Verb) -> Option<&'static str> {
        match (self, verb) {
            (Self::MdmAdmin, _) => None,
            (Self::DeviceMgtV1, Verb::Create) => Some("perm:policies:manage"),
            (Self::DeviceMgtV1, Verb::Update) => Some("perm:policies:update"),
            (Self::DeviceMgtV1, Verb::Remove) => Some("perm:policies:remove"),
            (Self::DeviceMgtV1, Verb::Activate) => Some("perm:policies:activate"),
            (Self::DeviceMgtV1, Verb::Deactivate) => Some("perm:policies:deactivate"),
            (Self::DeviceMgtV1, Verb::ApplyChanges) => Some("perm:policies:changes"),
            (Self::DeviceMgtV1, Verb::Priorities) => Some("perm:policies:priorities"),
            (Self::Entgra, Verb::Create) => Some("pm:policies:add"),
            (Self::Entgra, Verb::Update) => Some("pm:policies:update"),
            (Self::Entgra, Verb::Remove) => Some("pm:policies:remove"),
            (Self::Entgra, Verb::Activate) => Some("pm:policies:activate"),
            (Self::Entgra, Verb::Deactivate) => Some("pm:policies:deactivate"),
            (Self::Entgra, Verb::ApplyChanges) => Some("pm:policies:change"),
            (Self::Entgra, Verb::Priorities) => Some("pm:policies:priorities:update"),
        }
    }

    /// Everything a token is asked for; each call is refused without its scope (sheet section 1).
    pub fn scopes(self) -> String {
        let reads: &[&str] = match self {
            Self::MdmAdmin => &["default"],
            Self::DeviceMgtV1 => &[
                "perm:policies:get-details",
                "perm:policies:get-policy-details",
                "perm:device-types:types",
                "perm:device-types:features",
                "perm:roles:view",
                "perm:users:user-details",
                "perm:users:details",
                "perm:groups:groups",
                "perm:groups:groups-view",
                "perm:admin-groups:view",
            ],
            Self::Entgra => &[
                "dm:policies:view",
                "dm:device-type:view",
                "dm:device-type:features:view",
                "um:roles:view",
                "um:users:view",
                "gm:groups:view",
                "gm:admin:groups:view",
            ],
        };
        let effects = Verb::ALL.into_iter().filter_map(|verb| self.scope(verb));
        reads.iter().copied().chain(effects).collect::<Vec<_>>().join(" ")
    }
}

/// What of `spec.system.wso2` decides how assignments are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which API is spoken.
    pub dialect: Dialect,
    /// `ungroupedDevices: Accept`.
    pub accept_ungrouped: bool,
    /// `deviceLinks: Evaluated`.
    pub device_links: bool,
}

impl From<&Wso2> for Rules {
    fn from(system: &Wso2) -> Self {
        Self {
            dialect: system.api.into(),
            accept_ungrouped: system.ungrouped_devices() == crate::api::UngroupedDevices::Accept,
            device_links: system.device_links() == crate::api::DeviceLinks::Evaluated,
        }
    }
}
