//! The customers, groups and documents a double starts with.
//!
//! Section names are the vendor's (section 7.1); of the keys in them only those of section 7.2 are
//! known, the others are believable inventions.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    estate::{Computer, Customer, Estate},
    names::{Os, guid},
};

/// Gid, name and type of the groups besides the default ones.
type Groups = &'static [(u32, &'static str, u8)];

const DAY: i64 = 24 * 3600;

/// Four companies, the last of them expired; the ids of the first two are in the docs' examples.
pub fn estate(now: Timestamp) -> Estate {
    let companies: [(&str, &str, Groups); 4] = [
        ("640FE47F-5118-4D79-8221-A35D0DE2EE2C", "Alder Clinic", &[(3, "Servers", 2), (4, "Laptops", 1)]),
        ("A9CC5A34-3CAD-480D-A9ED-87656316D3B9", "Birch Dental", &[(3, "Laptops", 1), (5, "Servers", 2)]),
        ("AEE6F73D-6AFC-44CC-8C44-AC54A7A1E163", "Cedar Logistics", &[(4, "Servers", 2)]),
        ("AD38F82D-51A1-46FD-B167-E0D0FF31BE83", "Dogwood Books", &[(3, "Laptops", 1)]),
    ];
    let mut estate = Estate::default();
    for (id, name, groups) in companies {
        let days = if name == "Dogwood Books" { -30 } else { 400 };
        let mut customer = company(name, now, days);
        for (gid, name, kind) in groups {
            customer.insert_group(*gid, *name, *kind);
        }
        customer.computers =
            customer.groups.iter().flat_map(|(gid, group)| devices(id, *gid, group.kind)).collect();
        // The ids above are GUIDs.
        if let Ok(id) = id.parse() {
            estate.customers.insert(id, customer);
        }
    }
    estate
}

/// Any number of companies with any number of groups each, the two default groups included.
pub fn large_estate(customers: u32, groups: u32, now: Timestamp) -> Estate {
    let mut estate = Estate::default();
    for number in 1..=customers {
        let mut customer = company(&format!("Customer {number:05}"), now, 400);
        for gid in 3..=groups {
            let (name, kind) = if gid % 2 == 0 { ("Servers", 2) } else { ("Laptops", 1) };
            customer.insert_group(gid, format!("{name} {gid:03}"), kind);
        }
        if let Ok(id) = format!("{number:08X}-0000-4000-8000-{number:012X}").parse() {
            estate.customers.insert(id, customer);
        }
    }
    estate
}

/// A company with the two default groups whose licence ends in so many days.
pub fn company(name: &str, now: Timestamp, days: i64) -> Customer {
    let expire = now.saturating_add(SignedDuration::from_secs(days * DAY)).unwrap_or(Timestamp::MAX);
    let mut customer = Customer::new(name, expire);
    customer.insert_group(1, "Device (Default)", 1);
    customer.insert_group(2, "Server (Default)", 2);
    customer
}

fn devices(customer: &str, gid: u32, kind: u8) -> impl Iterator<Item = Computer> {
    let customer = customer.to_owned();
    (1..=2).map(move |number| Computer {
        id: guid(&format!("{customer}/{gid}/{number}")).replace('-', ""),
        gid,
        name: format!("{}-{gid}{number:02}", if kind == 2 { "SRV" } else { "PC" }),
        kind,
    })
}

/// What a new group has for an OS, by kind of group.
pub fn document(os: Os, server: bool) -> Arc<Value> {
    static ALL: LazyLock<BTreeMap<(Os, bool), Arc<Value>>> = LazyLock::new(|| {
        let all = |server| Os::ALL.map(|os| ((os, server), Arc::new(default_document(os, server))));
        all(false).into_iter().chain(all(true)).collect()
    });
    ALL.get(&(os, server)).cloned().unwrap_or_default()
}

/// What a new customer has as global settings.
pub fn global() -> Arc<Value> {
    static GLOBAL: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(default_global()));
    GLOBAL.clone()
}

fn default_document(os: Os, server: bool) -> Value {
    match os {
        Os::Win => windows(server),
        Os::Mac => json!({
            "schedule": schedule(server),
            "realtime_scan": {"enabled": 1, "action": 1, "scan_compressed": 1},
            "manual_scan": {"scan_compressed": 1, "max_layers": 2},
            "scheduled_scan": {"enabled": 1, "scan_compressed": 1},
            "wtp": {"enabled": 1, "level": 1},
            "client_privileges": {"modify_realtime_scan": 0, "modify_scheduled_scan": 1},
        }),
        Os::Android => json!({
            "schedule": {"frequency": 1, "daily_hour": 9, "daily_min": 0},
            "realtime_scan": {"enabled": 1, "scan_sd_card": 1},
            "general": {"update_wifi_only": 1, "password_required": 0, "min_password_length": 4},
        }),
        Os::Ios => json!({
            "general": {"password_required": 0, "allow_camera": 1, "allow_cloud_backup": 1},
        }),
    }
}

fn windows(server: bool) -> Value {
    let desktop = i32::from(!server);
    json!({
        "schedule": schedule(server),
        "realtime_scan": {
            "enabled": 1,
            "trigger": 1,
            "intellitrap": 1,
            "compressed": {"enabled": 1, "max_layers": 2},
            "exclusions": {"enabled": 1, "folders": ["C:\\Windows\\SoftwareDistribution"], "files": [], "extensions": []},
        },
        "manual_scan": {"compressed": {"enabled": 1, "max_layers": 4}, "cpu_usage": 2},
        "scheduled_scan": {"enabled": desktop, "compressed": {"enabled": 1, "max_layers": 4}, "cpu_usage": 2},
        "wtp": {"enabled": desktop, "level": 1, "enable_bes": 0},
        "client_privileges": {"modify_realtime_scan": 0, "modify_firewall": 0, "unload_password": ""},
        "scan_mode": {"mode": 1},
        "firewall": {"enabled": 0, "mode": 0, "level": 2, "ids_enabled": 0, "alert_enabled": 0, "exceptions": []},
        "mail_scan": {"pop3_enabled": 0},
        "ts_toolbar": {"enabled": 0},
        "behavior_monitoring": {
            "enabled": desktop,
            "block_mode": 1,
            "ransomware": {"protect_documents": desktop, "backup_files": desktop, "block_processes": desktop},
            "approved_programs": [],
            "blocked_programs": [],
        },
        "url_filtering": {"enabled": 0, "level": 1, "business_hours": {"enabled": 0, "start": 9, "end": 17}},
        "approvals": {},
        "approved_blocked_url": {
            "approved": {
                "urls": ["http://*.trendmicro.com/*", "https://*.trendmicro.com/*", "https://intranet.example/*"],
                "url_times": [0, 0, 1_504_970_892],
            },
            "blocked": {"urls": [], "url_times": []},
        },
        "device_control": {"enabled": 0, "usb_autorun_block": 1, "usb_storage": 1, "network_drive": 1, "exceptions": []},
        "application_control": {"application_control_enabled": 0},
    })
}

fn schedule(server: bool) -> Value {
    let hour = if server { 2 } else { 12 };
    json!({"frequency": 1, "daily_hour": hour, "daily_min": 30, "weekly_day": 1, "monthly_day": 1})
}

fn default_global() -> Value {
    json!({
        "general_scan": {"exclude_shadow_copy": 0, "exclude_trend_folders": 1},
        "virus_scan": {"max_file_size_mb": 100, "clean_compressed": 0},
        "spyware_grayware": {"scan_cookies": 1, "count_cookies": 1},
        "behavior_monitoring": {"notify_user": 1},
        "outbreak_defense": {"enabled": 0},
        "approved_url": {"urls": ["http://*.trendmicro.com/*"], "url_times": [1_421_378_954]},
        "blocked_url": {"blocked_urls": [], "blocked_url_times": []},
        "alert": {"show_icon_after_days": 14, "warn_outdated": 1},
        "watchdog": {"enabled": 1, "check_minutes": 1, "max_retries": 5},
        "agent_uninstall": {"password_required": 0, "password": ""},
        "agent_unload": {"password_required": 0, "password": ""},
        "user_centric": {"enabled": 0},
        "magic_link_expire": {"enabled": 0, "days": 30},
        "auto_cleanup": {"enabled": 0, "days": 30},
        "agent_customized_setting": {
            "show_ts_toolbar_setting": 1,
            "enable_all_ones_broadcast": 0,
            "start_up_auth_rand_delay_range": 0,
            "enable_power_aa_mode": 0,
            "num_of_serving_threads": 10,
            "show_tmase_toolbar_setting": 1,
            "enable_http_keep_alive": 1,
        },
        "help_desk": {"info": "", "mail": "", "enabled": 0, "label": ""},
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sandbox::wfbss::names::GLOBAL;

    #[test]
    fn the_documents_have_exactly_the_vendors_sections() {
        for os in Os::ALL {
            let Some(sections) = os.sections("v2.8") else { continue };
            let mut sections = sections.to_vec();
            sections.sort_unstable();
            for server in [false, true] {
                let document = document(os, server);
                let seeded: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(seeded, sections, "{} server={server}", os.name());
            }
        }
        let global = global();
        let mut sections = GLOBAL.to_vec();
        sections.sort_unstable();
        assert_eq!(global.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), sections);
    }

    #[test]
    fn a_large_estate_shares_its_documents_until_they_are_written() {
        let estate = large_estate(50, 10, Timestamp::UNIX_EPOCH);
        assert_eq!(estate.customers.len(), 50);
        let documents: Vec<_> = estate.customers.values().flat_map(|c| c.documents(Os::Win)).collect();
        assert_eq!(documents.len(), 500);
        let (_, document) = documents.first().unwrap();
        assert!(Arc::strong_count(document) >= 250, "half of the groups are device groups");
    }
}
