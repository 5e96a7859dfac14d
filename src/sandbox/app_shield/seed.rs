//! What a fresh installation holds: people, groups, and policies nobody of ours made.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    dates,
    estate::{ALL_USERS, Estate, Group, Policy, User},
    options::AppShieldOptions,
};
use crate::model::Secret;

/// Who logs in for Ordain.
pub const USERNAME: &str = "policy-operator";
/// Its password.
pub const PASSWORD: &str = "Quiet-Orchard-58";

/// The vendor's administrator; also who edits in the console.
pub const ADMIN: &str = "1";

const DAY: i64 = 86_400;

/// Built-in ids are the vendor's (section 6). Nothing says that group names are unique.
const GROUPS: [(&str, &str); 8] = [
    ("1", "Administrators"),
    ("2", "Anonymous"),
    (ALL_USERS, "All Users"),
    ("11", "tenant-birch"),
    ("16", "tenant-acme"),
    ("17", "Sales EMEA"),
    ("21", "Contractors"),
    ("22", "Contractors"),
];

struct Person(&'static str, &'static str, &'static str, bool, &'static [&'static str]);

const PEOPLE: [Person; 6] = [
    Person(USERNAME, "Policy", "Operator", true, &["1"]),
    Person("mara.holt", "Mara", "Holt", false, &["16"]),
    Person("ines.brandt", "Ines", "Brandt", false, &["16", "17"]),
    Person("tom.okafor", "Tom", "Okafor", false, &["11"]),
    Person("lea.vance", "Lea", "Vance", false, &["17", "21"]),
    Person("report-reader", "Report", "Reader", false, &["2"]),
];

/// An installation as it stands at `now`.
pub fn estate(options: &AppShieldOptions, now: Timestamp) -> Estate {
    let zone = options.zone_minutes;
    let past = |days: i64, seconds: i64| {
        now.checked_sub(SignedDuration::from_secs(days * DAY + seconds)).unwrap_or(now)
    };
    let mut estate = Estate::default();
    let founded = dates::plain(zone, past(900, 0));
    let group = |&(id, name): &(&str, &str)| {
        (id.to_owned(), Group { name: name.to_owned(), created: founded.clone() })
    };
    estate.groups = GROUPS.iter().map(group).collect();
    let admin = user(&Person("admin", "System", "Admin", true, &["1"]), founded.clone());
    estate.users.insert(ADMIN.to_owned(), User { super_admin: true, ..admin });
    for (index, person) in (0..).zip(&PEOPLE) {
        let at = past(800, 3_613 * index);
        estate.users.insert(estate.new_id(zone, at), user(person, dates::plain(zone, at)));
    }
    let tom = estate.by_login("tom.okafor").map(|(id, _)| id.clone()).unwrap_or_default();
    let region = json!([{"AppField": "Sales.Region", "Operator": "in", "Value": "DE,AT,CH", "Join": "AND"}]);
    let company =
        json!([{"AppField": "Orders.Customer", "Operator": "=", "Value": "/#company#/", "Join": "AND"}]);
    for (days, name, active, constraints, groups, users) in [
        (400, "Sales rows by region", true, &region, vec!["17"], vec![]),
        (390, "tenant-birch rows", true, &company, vec!["11"], vec![tom.as_str()]),
        (30, "Trial filter", false, &json!([]), vec![], vec![]),
    ] {
        let policy = foreign(&estate, zone, past(days, 417), name, constraints);
        let (groups, users) = (owned(&groups), owned(&users));
        estate.policies.insert(policy.id.clone(), Policy { active, groups, users, ..policy });
    }
    estate
}

/// So many more policies nobody manages, for load.
pub fn crowd(estate: &mut Estate, options: &AppShieldOptions, count: usize, now: Timestamp) {
    let yesterday = now.checked_sub(SignedDuration::from_secs(DAY)).unwrap_or(now);
    for number in 1..=count {
        let later = i64::try_from(number).unwrap_or(i64::MAX);
        let at = yesterday.checked_add(SignedDuration::from_millis(later)).unwrap_or(yesterday);
        let policy = foreign(estate, options.zone_minutes, at, &format!("Team filter {number}"), &json!([]));
        estate.policies.insert(policy.id.clone(), policy);
    }
}

fn user(Person(login, first, last, admin, groups): &Person, created: String) -> User {
    let password = if *login == USERNAME { PASSWORD.to_owned() } else { format!("{login}-Pass-1") };
    User {
        login: (*login).to_owned(),
        first: (*first).to_owned(),
        last: (*last).to_owned(),
        admin: *admin,
        super_admin: false,
        two_factor: false,
        password: Secret::new(password),
        groups: groups.iter().map(|&id| id.to_owned()).collect(),
        created,
    }
}

/// A policy as the administrator made it then.
pub fn foreign(estate: &Estate, zone: i32, at: Timestamp, name: &str, constraints: &Value) -> Policy {
    Policy {
        id: estate.new_id(zone, at),
        name: Some(name.to_owned()),
        description: Some(format!("{name} (made in the console)")),
        active: false,
        constraints: constraints.as_array().cloned().unwrap_or_default(),
        groups: Vec::new(),
        users: Vec::new(),
        created_by: ADMIN.to_owned(),
        modified_by: ADMIN.to_owned(),
        created: dates::iso(zone, at),
        modified: dates::american(zone, at),
        listed_from: Duration::ZERO,
        saves: 1,
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}
