//! Believable contents: a company whose endpoint team has worked in Tachyon before.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    deploy::EditKind,
    estate::{Estate, Fragment, Group, Hand, Policy, Rule, Template},
    options::TachyonOptions,
    people::{
        ASSIGN, Certificate, Consumer, DELETE, EXECUTE, GROUPS, Grant, PERMISSIONS, People, Principal, READ,
        Role, Sight, WRITE,
    },
};
use crate::sandbox::rsa::PublicKey;

/// The consumer registered for Ordain.
pub const CONSUMER: &str = "Ordain";
/// The application a Backend logs in as, and its principal.
pub const APPLICATION: &str = "ordain-sandbox";
/// The name of the group of all devices.
pub const ALL_DEVICES: &str = "All Devices";
const CERTIFICATE: &str = include_str!("keys/sandbox.crt");
const THUMBPRINT: &str = include_str!("keys/sandbox.thumbprint");

/// People who edit without Ordain.
const OTHERS: [(&str, &str, &[&str]); 4] = [
    (super::console::ADMIN, "Full Administrator", &[ALL_DEVICES]),
    ("CORP\\s.lindqvist", "Guaranteed State Administrator", &[ALL_DEVICES]),
    ("CORP\\site-lyon", "Guaranteed State Policy Assigner", &["Lyon office", "Lyon workshop"]),
    ("CORP\\auditors", "Guaranteed State Viewer", &[ALL_DEVICES]),
];

const ROLES: [(&str, &[&str]); 4] = [
    ("Full Administrator", &PERMISSIONS),
    ("Guaranteed State Administrator", &[READ, WRITE, DELETE, EXECUTE, ASSIGN, GROUPS]),
    ("Guaranteed State Policy Assigner", &[ASSIGN, GROUPS]),
    ("Guaranteed State Viewer", &[READ, GROUPS]),
];

/// Name, devices. The group of all devices is not the first.
const GROUP_NAMES: [(&str, usize); 12] = [
    ("Finance laptops", 14),
    ("Engineering workstations", 22),
    (ALL_DEVICES, 0),
    ("Call centre Zürich", 9),
    ("Lyon office", 11),
    ("Lyon workshop", 4),
    ("Kiosks", 6),
    ("Domain controllers", 3),
    ("Build servers", 5),
    ("Executive tablets", 2),
    ("Pilot ring", 4),
    ("Quarantine", 0),
];

/// Name without its prefix, kind, text, licensed, parameters.
type Shipped = (&'static str, &'static str, &'static str, bool, &'static [&'static str]);

const FRAGMENTS: [Shipped; 10] = [
    (
        "General-Check-RegistryValue",
        "Check",
        "Registry value is %Value%",
        true,
        &["Hive", "Subkey", "Name", "Value", "ValueType"],
    ),
    (
        "General-Fix-RegistryValue",
        "Fix",
        "Set registry value to %Value%",
        true,
        &["Hive", "Subkey", "Name", "Value", "ValueType"],
    ),
    (
        "General-Check-ServiceState",
        "Check",
        "Service %ServiceName% is %State%",
        true,
        &["ServiceName", "State"],
    ),
    (
        "General-Fix-ServiceState",
        "Fix",
        "Set service %ServiceName% to %State%",
        true,
        &["ServiceName", "State"],
    ),
    ("General-Check-FreeDiskSpace", "Check", "At least %Percent% % of disk is free", true, &["Percent"]),
    ("General-Check-FileExists", "Check", "File %Path% exists", true, &["Path"]),
    ("General-Precondition-OperatingSystem", "Precondition", "Operating system is %Os%", true, &["Os"]),
    ("General-Precondition-DeviceType", "Precondition", "Device is a %Type%", true, &["Type"]),
    ("Windows-Check-BitLockerState", "Check", "BitLocker protects %Drive%", false, &["Drive"]),
    ("Windows-Fix-BitLockerState", "Fix", "Turn BitLocker on for %Drive%", false, &["Drive"]),
];

const TEMPLATES: [(&str, &[&str]); 8] = [
    ("TriggerTemplate-IntervalSeconds", &["IntervalSeconds"]),
    ("TriggerTemplate-IntervalMinutes", &["IntervalMinutes"]),
    ("TriggerTemplate-IntervalHours", &["IntervalHours"]),
    ("TriggerTemplate-FileChange", &["FilePath"]),
    ("TriggerTemplate-ProcessCrash", &["Executable"]),
    ("TriggerTemplate-ProcessLaunch", &["Executable"]),
    ("TriggerTemplate-ServiceStatusChange", &["ServiceName"]),
    ("TriggerTemplate-WindowsEventLog", &["Channel", "Query", "DebounceSeconds"]),
];

/// Name, check, fix, enabled: fragments by their place in [`FRAGMENTS`].
const RULES: [(&str, usize, Option<usize>, bool); 10] = [
    ("usb-start-type", 0, Some(1), true),
    ("smb1-disabled", 0, Some(1), true),
    ("defender-service-running", 2, Some(3), true),
    ("defender-signature-age", 0, None, true),
    ("disk-space-system-drive", 4, None, true),
    ("print-spooler-stopped", 2, Some(3), true),
    ("browser-home-page", 0, Some(1), true),
    ("agent-log-present", 5, None, false),
    ("bitlocker-system-drive", 8, Some(9), true),
    ("bitlocker-report-only", 8, None, true),
];

/// Name, description, enabled, rules, groups.
type Made = (&'static str, &'static str, bool, &'static [&'static str], &'static [&'static str]);

const POLICIES: [Made; 3] = [
    (
        "Windows baseline",
        "Agreed with audit, ticket SEC-2201",
        true,
        &["smb1-disabled", "defender-service-running", "print-spooler-stopped"],
        &[ALL_DEVICES],
    ),
    (
        "Disk encryption",
        "Laptops that leave the house",
        true,
        &["bitlocker-system-drive", "disk-space-system-drive"],
        &["Finance laptops", "Executive tablets"],
    ),
    (
        "Browser baseline",
        "Draft of S. Lindqvist",
        false,
        &["browser-home-page"],
        &["Pilot ring", "Lyon office"],
    ),
];

impl Rule {
    /// A rule that checks every five minutes.
    pub fn of(name: String, check: i32, fix: Option<i32>, at: Timestamp) -> Self {
        let fragment = |id: i32| json!({"FragmentId": id, "Parameters": []});
        let mut uses = Map::new();
        uses.insert("Check".to_owned(), fragment(check));
        uses.extend(fix.map(|fix| ("Fix".to_owned(), fragment(fix))));
        Self {
            description: format!("Rule {name}"),
            name,
            kind: if fix.is_some() { "Fix" } else { "Check" }.to_owned(),
            enabled: true,
            uses,
            created: at,
            modified: at,
            visible_from: Duration::ZERO,
        }
    }
}

/// What was configured by others, and is deployed.
pub fn estate(now: Timestamp) -> Estate {
    let mut estate = Estate::default();
    let then = now.saturating_sub(SignedDuration::from_hours(40 * 24)).unwrap_or(now);
    let hand = Hand { by: "CORP\\s.lindqvist".to_owned(), now: then, elapsed: Duration::ZERO };
    groups(&mut estate, then);
    let fragments = fragments(&mut estate);
    let triggers = templates(&mut estate);
    rules(&mut estate, &fragments, &triggers, then);
    for made in POLICIES {
        policy(&mut estate, made, &hand);
    }
    estate.deploy(&hand, &Sight::all(), &TachyonOptions::default());
    estate
}

fn groups(estate: &mut Estate, at: Timestamp) {
    for (name, size) in GROUP_NAMES {
        let id = estate.next_id();
        let system = name == ALL_DEVICES;
        let usable: String = blake3::hash(name.as_bytes()).to_hex().chars().take(32).collect();
        let device = |number: usize| format!("pc-{id:02}{number:02}.corp.example");
        let group = Group {
            name: name.to_owned(),
            description: if system { "Every device".to_owned() } else { format!("From SLA: {name}") },
            usable_id: if system { "global".to_owned() } else { usable },
            system,
            devices: (1..=size).map(device).collect(),
            created: at,
        };
        estate.groups.insert(id, group);
    }
    let every: Vec<String> = estate.groups.values().flat_map(|group| group.devices.clone()).collect();
    if let Some(all) = estate.groups.values_mut().find(|group| group.system) {
        all.devices = every;
    }
}

fn fragments(estate: &mut Estate) -> Vec<i32> {
    let mut ids = Vec::new();
    for (name, kind, readable, licensed, parameters) in FRAGMENTS {
        let id = estate.next_id();
        let name = format!("1E-GuaranteedState-{name}");
        let readable = readable.to_owned();
        estate.fragments.insert(id, Fragment { name, kind, readable, version: 5, licensed, parameters });
        ids.push(id);
    }
    ids
}

fn templates(estate: &mut Estate) -> Vec<i32> {
    let mut ids = Vec::new();
    for (name, parameters) in TEMPLATES {
        let id = estate.next_id();
        estate.templates.insert(id, Template { name, parameters });
        ids.push(id);
    }
    ids
}

fn rules(estate: &mut Estate, fragments: &[i32], templates: &[i32], at: Timestamp) {
    let fragment = |place: usize| fragments.get(place).copied();
    for (name, check, fix, enabled) in RULES {
        let Some(check) = fragment(check) else { continue };
        let mut rule = Rule::of(name.to_owned(), check, fix.and_then(fragment), at);
        rule.enabled = enabled;
        let trigger = templates.first().map(|id| {
            json!({"TriggerTemplateId": id, "Parameters": [{"Name": "IntervalSeconds", "Value": "300"}]})
        });
        let system = json!({"FragmentId": fragment(6), "Parameters": [{"Name": "Os", "Value": "Windows"}]});
        rule.uses.insert("Triggers".to_owned(), trigger.into_iter().collect::<Value>());
        rule.uses.insert("Preconditions".to_owned(), json!([system]));
        let id = estate.next_id();
        estate.rules.insert(id, rule);
    }
}

fn policy(estate: &mut Estate, (name, description, enabled, rules, groups): Made, hand: &Hand) {
    let named = |wanted: &&str| estate.rules.iter().find(|(_, rule)| rule.name == *wanted).map(|(id, _)| *id);
    let policy = Policy {
        name: name.to_owned(),
        description: description.to_owned(),
        enabled,
        rules: rules.iter().filter_map(named).collect(),
        notes: Some(format!("owner: {}", hand.by)),
        created: hand.now,
        modified: hand.now,
        visible_from: Duration::ZERO,
    };
    let id = estate.next_id();
    estate.policies.insert(id, policy);
    for name in groups {
        if let Ok(group) = super::console::group(estate, name) {
            estate.assign(id, group);
        }
    }
    estate.edited(id, EditKind::Created, hand);
}

/// So many more policies nobody manages, for load; deployed like the others.
pub fn crowd(estate: &mut Estate, policies: usize, now: Timestamp) {
    let hand = Hand { by: "CORP\\s.lindqvist".to_owned(), now, elapsed: Duration::ZERO };
    for number in 0..policies {
        let made = ("", "One of many", true, &["disk-space-system-drive"][..], &["Build servers"][..]);
        policy(estate, made, &hand);
        if let Some((_, last)) = estate.policies.iter_mut().next_back() {
            last.name = format!("Policy {number:05}");
        }
    }
    estate.deploy(&hand, &Sight::all(), &TachyonOptions::default());
}

/// Four people or groups of them, the sandbox's application, and who may do what.
pub fn people(estate: &mut Estate) -> People {
    let mut people = People::default();
    for (name, enabled, licensed) in
        [(CONSUMER, true, true), ("Explorer", true, true), ("OldPortal", false, true), ("Trial", true, false)]
    {
        let consumer = Consumer { name: name.to_owned(), enabled, licensed };
        people.consumers.insert(name.to_ascii_lowercase(), consumer);
    }
    for (name, permissions) in ROLES {
        people.roles.insert(estate.next_id(), Role { name, permissions });
    }
    let key = PublicKey::from_certificate(CERTIFICATE);
    let certificate = key.ok().map(|key| Certificate { thumbprint: THUMBPRINT.trim().to_owned(), key });
    let ours = (APPLICATION, "Guaranteed State Administrator", &[ALL_DEVICES][..]);
    for (name, role, groups) in OTHERS.into_iter().chain([ours]) {
        let application = (name == APPLICATION).then(|| APPLICATION.to_owned());
        let certificate = certificate.clone().filter(|_| application.is_some());
        let id = estate.next_id();
        let principal = Principal { name: name.to_owned(), enabled: true, application, certificate };
        people.principals.insert(id, principal);
        grant(&mut people, estate, (id, role), groups);
    }
    people
}

fn grant(people: &mut People, estate: &mut Estate, (principal, role): (i32, &str), groups: &[&str]) {
    let role = people.roles.iter().find(|(_, known)| known.name == role).map(|(id, _)| *id);
    for name in groups {
        let group = super::console::group(estate, name).ok();
        if let Some((role, group)) = role.zip(group) {
            people.grants.insert(estate.next_id(), Grant { principal, role, group });
        }
    }
}
