//! Believable contents: a tenant somebody has worked in before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    content,
    options::Wso2Options,
    rows::{Device, DeviceId, DeviceType, Draft, Group, Moment, User},
    store::Store,
};

/// The account a Backend logs in with.
pub(super) const USERNAME: &str = "policy-operator";
/// Its password.
pub(super) const PASSWORD: &str = "Harbour-Lantern-42";

/// Names, in a list.
type Names = &'static [&'static str];
/// User name, first and last name, roles.
type Person = (&'static str, &'static str, &'static str, Names);
/// Id, type, name, owner, ownership, groups.
type Machine = (&'static str, &'static str, &'static str, &'static str, &'static str, Names);
/// Feature codes and what the console calls them.
type Codes = &'static [(&'static str, &'static str)];

const PEOPLE: [Person; 8] = [
    ("admin", "Admin", "Admin", &["admin"]),
    (USERNAME, "Policy", "Operator", &["admin", "Internal/devicemgt-user"]),
    ("auditor", "Ada", "Auditor", &["Internal/devicemgt-viewer"]),
    ("jdoe", "Jane", "Doe", &["engineer"]),
    ("asmith", "Alan", "Smith", &["sales"]),
    ("mlee", "Min", "Lee", &["engineer", "sales"]),
    ("rgarcia", "Rosa", "Garcia", &["sales"]),
    ("tnguyen", "Tuan", "Nguyen", &[]),
];

const GROUPS: [(&str, &str); 3] = [
    ("Finance laptops", "Windows machines of the finance department"),
    ("Field tablets", "Shared Android tablets of field service"),
    ("Lab phones", "Test devices"),
];

const DEVICES: [Machine; 8] = [
    ("a-1001", "android", "Jane's Pixel", "jdoe", "BYOD", &[]),
    ("a-1002", "android", "Field tablet 7", "asmith", "COPE", &["Field tablets"]),
    ("a-1003", "android", "Field tablet 8", "mlee", "COPE", &["Field tablets", "Lab phones"]),
    ("a-1004", "android", "Rosa's Galaxy", "rgarcia", "BYOD", &[]),
    ("a-1005", "android", "Spare phone", "tnguyen", "COPE", &["Lab phones"]),
    ("w-2001", "windows", "FIN-LT-01", "asmith", "COPE", &["Finance laptops"]),
    ("w-2002", "windows", "FIN-LT-02", "rgarcia", "COPE", &["Finance laptops"]),
    ("i-3001", "ios", "Min's iPhone", "mlee", "BYOD", &[]),
];

const EVERYWHERE: Codes = &[("PASSCODE_POLICY", "Passcode Policy")];

const TYPES: [(i64, &str, Codes); 3] = [
    (
        1,
        "android",
        &[
            ("CAMERA", "Camera"),
            ("ENCRYPT_STORAGE", "Encrypt Storage"),
            ("WIFI", "Wifi"),
            ("VPN", "VPN"),
            ("WORK_PROFILE", "Work Profile"),
            ("APP-RESTRICTION", "Application Restriction"),
            ("RUNTIME_PERMISSION_POLICY", "Runtime Permission Policy"),
            ("SYSTEM_UPDATE_POLICY", "System Update Policy"),
            ("KIOSK_APPS", "Kiosk Applications"),
            ("COSU_PROFILE", "COSU Profile"),
            ("DISALLOW_INSTALL_APPS", "Disallow Install Apps"),
            ("DISALLOW_FACTORY_RESET", "Disallow Factory Reset"),
            ("DISALLOW_CONFIG_WIFI", "Disallow Wi-Fi Configuration"),
            ("DISALLOW_USB_FILE_TRANSFER", "Disallow USB File Transfer"),
            ("SET_SCREEN_CAPTURE_DISABLED", "Disable Screen Capture"),
        ],
    ),
    (2, "windows", &[("CAMERA", "Camera"), ("ENCRYPT_STORAGE", "Encrypt Storage")]),
    (
        3,
        "ios",
        &[
            ("RESTRICTION", "Restrictions"),
            ("WIFI", "Wifi"),
            ("VPN", "VPN"),
            ("EMAIL", "Email"),
            ("AIR_PLAY", "AirPlay"),
            ("LDAP", "LDAP"),
            ("CALDAV", "Calendar"),
            ("CALENDAR_SUBSCRIPTION", "Calendar Subscription"),
            ("APN", "Access Point"),
            ("CELLULAR", "Cellular Network"),
        ],
    ),
];

/// A tenant with people, groups, devices and two policies made in the console, all applied.
pub(super) fn tenant(options: &Wso2Options, now: Moment) -> Store {
    let mut store = Store::default();
    (store.types, store.roles, store.users) = (types(), roles(), users());
    for (id, (name, description)) in (1..).zip(GROUPS) {
        let group = Group { id, owner: "admin".to_owned(), description: description.to_owned() };
        store.groups.insert(name.to_owned(), group);
    }
    for draft in foreign_policies(options) {
        create(&mut store, draft, now);
    }
    for (id, kind, name, owner, ownership, groups) in DEVICES {
        let mut device = Device::new(DeviceId { id: id.to_owned(), kind: kind.to_owned() });
        name.clone_into(&mut device.name);
        owner.clone_into(&mut device.owner);
        ownership.clone_into(&mut device.ownership);
        device.groups = owned(groups);
        store.tell(options, &mut device, now);
        store.devices.push(device);
    }
    store.forget_history();
    store
}

/// Adds `count` more policies nobody manages, for load.
pub(super) fn crowd(store: &mut Store, options: &Wso2Options, count: usize, now: Moment) {
    for n in 1..=count {
        let features = json!({"PASSCODE_POLICY": {"minLength": 4 + n % 12, "allowSimple": n % 2 == 0}});
        let draft = policy(options, &format!("Branch office {n:05}"), "android", &features, &["sales"]);
        create(store, Draft { active: n % 3 != 0, ..draft }, now);
    }
    store.forget_history();
}

fn create(store: &mut Store, draft: Draft, now: Moment) {
    // Seeded names are short and their profiles new: this cannot fail.
    let _ = store.create(draft, now, 0, false);
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn types() -> Vec<DeviceType> {
    let named = |list: Codes| -> BTreeMap<String, String> {
        list.iter().chain(EVERYWHERE).map(|&(code, name)| (code.to_owned(), name.to_owned())).collect()
    };
    TYPES
        .iter()
        .map(|&(id, name, list)| DeviceType { id, name: name.to_owned(), features: named(list) })
        .collect()
}

fn roles() -> BTreeMap<String, BTreeSet<&'static str>> {
    let roles: [(&str, &[&'static str]); 5] = [
        ("admin", &["list", "add", "update", "remove"]),
        ("engineer", &[]),
        ("sales", &[]),
        ("Internal/devicemgt-user", &["list", "add", "update", "remove"]),
        ("Internal/devicemgt-viewer", &["list"]),
    ];
    roles.iter().map(|&(name, gives)| (name.to_owned(), gives.iter().copied().collect())).collect()
}

fn users() -> BTreeMap<String, User> {
    let user = |&(name, first, last, roles): &Person| {
        let password = if name == USERNAME { PASSWORD.to_owned() } else { format!("{name}-Pass-1") };
        let (first, last) = (first.to_owned(), last.to_owned());
        let email = format!("{name}@example.com");
        (name.to_owned(), User { first, last, email, roles: owned(roles), password })
    };
    PEOPLE.iter().map(user).collect()
}

fn foreign_policies(options: &Wso2Options) -> [Draft; 2] {
    let passcode = json!({"PASSCODE_POLICY": {
        "allowSimple": false, "requireAlphanumeric": true, "minLength": "6", "maxFailedAttempts": "10"
    }});
    let vpn = json!({
        "VPN": {"serverAddress": "vpn.example.com", "serverPort": "1194", "sharedSecret": "s3ll-m0re", "dnsServer": "10.0.0.2"},
        "CAMERA": {"enabled": true}
    });
    [
        policy(options, "Default passcode", "windows", &passcode, &["ANY"]),
        policy(options, "VPN for sales", "android", &vpn, &["sales"]),
    ]
}

fn policy(options: &Wso2Options, name: &str, device_type: &str, features: &Value, roles: &[&str]) -> Draft {
    let features = features.as_object().into_iter().flatten();
    let stored = |content: &Value| content::stored(content, options.doubles_in_content);
    Draft {
        name: name.to_owned(),
        description: Some(format!("{name} (made in the console)")),
        compliance: Some("enforce".to_owned()),
        ownership: Some("ANY".to_owned()),
        active: true,
        roles: Some(roles.iter().map(|&role| role.to_owned()).collect()),
        users: Some(Vec::new()),
        profile_name: Some(name.to_owned()),
        device_type: device_type.to_owned(),
        features: features.map(|(code, content)| (code.clone(), stored(content), None)).collect(),
        ..Draft::default()
    }
}
