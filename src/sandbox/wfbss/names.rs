//! Ids and words of the API.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// The GUID of a customer, kept in upper case: the vendor writes both cases (section 3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CustomerId(String);

impl FromStr for CustomerId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lengths = text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
        if lengths && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(format!("{text:?} is not a GUID"))
        }
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CustomerId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A GUID that looks random and is the same every time.
pub fn guid(seed: &str) -> String {
    let digest = blake3::hash(seed.as_bytes()).to_hex();
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The operating systems a group has a document for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Windows, the silent default of every call.
    Win,
    /// macOS.
    Mac,
    /// Android.
    Android,
    /// iOS.
    Ios,
}

impl Os {
    /// All four, in the vendor's order.
    pub const ALL: [Self; 4] = [Self::Win, Self::Mac, Self::Android, Self::Ios];

    /// As spelled in `os`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Win => "win",
            Self::Mac => "mac",
            Self::Android => "android",
            Self::Ios => "ios",
        }
    }

    /// From the spelling in `os`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|os| os.name() == name)
    }

    /// The sections that `fields` accepts (section 7.1); `None` where they are unknown, so that any goes.
    pub fn sections(self, version: &str) -> Option<&'static [&'static str]> {
        match self {
            Self::Win if version == "v2.6" => WIN.split_last().map(|(_, older)| older),
            Self::Win => Some(&WIN),
            Self::Mac => Some(&MAC),
            Self::Android => Some(&["schedule", "realtime_scan", "general"]),
            Self::Ios => None,
        }
    }
}

/// The last one came with v2.7.
const WIN: [&str; 16] = [
    "schedule",
    "realtime_scan",
    "manual_scan",
    "scheduled_scan",
    "wtp",
    "client_privileges",
    "scan_mode",
    "firewall",
    "mail_scan",
    "ts_toolbar",
    "behavior_monitoring",
    "url_filtering",
    "approvals",
    "approved_blocked_url",
    "device_control",
    "application_control",
];

const MAC: [&str; 6] =
    ["schedule", "realtime_scan", "manual_scan", "scheduled_scan", "wtp", "client_privileges"];

/// The sections of the global settings (section 6).
pub const GLOBAL: [&str; 16] = [
    "general_scan",
    "virus_scan",
    "spyware_grayware",
    "behavior_monitoring",
    "outbreak_defense",
    "approved_url",
    "blocked_url",
    "alert",
    "watchdog",
    "agent_uninstall",
    "agent_unload",
    "user_centric",
    "magic_link_expire",
    "auto_cleanup",
    "agent_customized_setting",
    "help_desk",
];

/// Lists of URLs and the parallel lists of the times they were added (sections 6 and 9.3).
pub const URL_LISTS: [(&str, &str); 2] = [("urls", "url_times"), ("blocked_urls", "blocked_url_times")];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn guids_fold_case_and_nothing_else_passes() {
        let id: CustomerId = "640fe47f-5118-4d79-8221-a35d0de2ee2c".parse().unwrap();
        assert_eq!(id.to_string(), "640FE47F-5118-4D79-8221-A35D0DE2EE2C");
        for wrong in
            ["", "640FE47F", "640FE47F-5118-4D79-8221-A35D0DE2EE2", "640FE47F-5118-4D79-8221-A35D0DE2EE2G"]
        {
            assert!(wrong.parse::<CustomerId>().is_err(), "{wrong}");
        }
        assert!(guid("any").parse::<CustomerId>().is_ok());
    }
}
