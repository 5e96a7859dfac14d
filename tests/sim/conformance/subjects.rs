//! What the suite must know of each system: its words, and how to read its double's state.

use serde_json::{Value, json};

use super::Subject;
use crate::support::rig::Rig;

/// Objects without what differs between two runs that did the same.
fn without(objects: impl Iterator<Item = Value>, members: &[&str]) -> Vec<Value> {
    let mut objects: Vec<Value> = objects
        .map(|mut object| {
            object.as_object_mut().unwrap().retain(|member, _| !members.contains(&member.as_str()));
            object
        })
        .collect();
    objects.sort_by_key(ToString::to_string);
    objects
}

/// The values of an object of a double's state.
fn rows(rig: &Rig, system: &str, member: &str) -> Vec<Value> {
    rig.state(system)[member].as_object().unwrap().values().cloned().collect()
}

/// The id of the object of this name.
fn id_of(rig: &Rig, system: &str, name: &str) -> Value {
    let state = rig.state(system);
    let policies = state["policies"].as_object().unwrap();
    let (id, _) = policies.iter().find(|(_, policy)| policy["name"] == name).unwrap();
    id.clone().into()
}

/// The id of the object whose name begins so and that is there.
fn beginning(rig: &Rig, system: &str, name: &str) -> Value {
    let state = rig.state(system);
    let mut policies = state["policies"].as_object().unwrap().iter();
    let begins =
        |policy: &Value| policy["name"].as_str().unwrap().starts_with(name) && policy["deleted"] != true;
    policies.find(|(_, policy)| begins(policy)).unwrap().0.clone().into()
}

pub mod symphony {
    use ordain::sandbox::symphony::{SymphonyDouble, SymphonyOptions};

    use super::*;

    const PASSING: &[&str] = &[
        "policyId",
        "version",
        "versions",
        "creationDate",
        "lastUpdatedDate",
        "lastDisabledDate",
        "creatorId",
    ];

    pub fn subject() -> Subject {
        Subject {
            name: "symphony",
            rig: || {
                Rig::new("symphony", |clock| SymphonyDouble::new(SymphonyOptions::default(), clock), |_| {})
            },
            policy,
            targets: |_| json!({}),
            ours: |rig| without(rows(rig, "symphony", "policies").into_iter().filter(is_ours), PASSING),
            others: |rig| {
                let others = rows(rig, "symphony", "policies").into_iter().filter(|one| !is_ours(one));
                without(others.filter(|one| one["deleted"] == false), PASSING).into()
            },
            says: |policy, edition| {
                let used: &[&str] =
                    if edition == 1 { &["card-patterns"] } else { &["card-patterns", "project-names"] };
                policy["dictionaries"] == json!(used) && policy["active"] == true
            },
            reaches: |policy| policy["scopes"].clone(),
            by_hand: |rig| {
                let ours = rows(rig, "symphony", "policies").into_iter().find(is_ours).unwrap();
                let edit =
                    json!({"policy": ours["policyId"], "type": "Warn", "dictionaries": ["project-names"]});
                rig.by_hand("symphony", json!({"editPolicies": [edit]}));
            },
            made_by_hand: |rig| {
                let theirs = json!({"name": "Cards", "type": "Warn", "contentTypes": ["Messages"],
                    "scopes": ["Internal"], "dictionaries": ["project-names"], "enabled": true});
                rig.by_hand("symphony", json!({"addPolicies": [theirs]}));
                super::id_of(rig, "symphony", "Cards")
            },
            author: "last at 20",
            gives: |_| {},
            removes: |rig, name| {
                let id = beginning(rig, "symphony", name);
                rig.by_hand("symphony", json!({"removePolicies": [id]}));
            },
            is_effect: |call| !call.starts_with("GET") && !call.contains("authenticate"),
            wrong_key: ("username", "nobody"),
            keyed_by_policy: true,
            has_targets: false,
            reads: true,
            lists: true,
        }
    }

    fn policy(edition: u8) -> Value {
        let dictionaries = match edition {
            1 => json!([{"name": "card-patterns"}]),
            _ => json!([{"name": "card-patterns"}, {"name": "project-names"}]),
        };
        json!({"displayName": "Cards", "content": {"symphony": {
            "type": "Block", "contentTypes": ["Messages"], "scopes": ["External"], "dictionaries": dictionaries}}})
    }

    fn is_ours(policy: &Value) -> bool {
        let name = policy["name"].as_str().unwrap();
        policy["deleted"] == false && name.len() > 7 && name.as_bytes()[name.len() - 7] == b'~'
    }
}

/// App Shield as it is out of the box: no path is known that reads or deletes.
pub mod app_shield {
    use ordain::sandbox::app_shield::{AppShieldDouble, AppShieldOptions};

    use super::*;

    pub const PASSING: &[&str] = &["createdBy", "modifiedBy", "createdDate", "modifiedDate", "saves"];

    pub fn subject() -> Subject {
        Subject {
            name: "appshield",
            rig: || {
                Rig::new(
                    "appShield",
                    |clock| AppShieldDouble::new(AppShieldOptions::default(), clock),
                    |_| {},
                )
            },
            policy,
            targets,
            ours: |rig| without(rows(rig, "appshield", "policies").into_iter().filter(is_ours), PASSING),
            others: |rig| {
                let admins = |one: &Value| one["createdBy"] == "1" && !is_ours(one);
                without(rows(rig, "appshield", "policies").into_iter().filter(admins), PASSING).into()
            },
            says: |policy, edition| {
                policy["constraints"] == constraints(edition) && policy["isActive"] == true
            },
            reaches: |policy| json!([policy["groups"], policy["users"]]),
            by_hand: |rig| {
                let state = rig.state("appshield");
                let policies = state["policies"].as_object().unwrap();
                let (id, _) = policies.iter().find(|(_, policy)| is_ours(policy)).unwrap();
                rig.by_hand("appshield", json!({"editPolicy": {"id": id, "groups": ["11", "17"]}}));
            },
            made_by_hand: |rig| {
                rig.by_hand(
                    "appshield",
                    json!({"addPolicy": {"name": "Rows", "isActive": true, "groups": ["17"]}}),
                );
                super::id_of(rig, "appshield", "Rows")
            },
            author: "last by admin at ",
            gives: |rig| {
                let id = super::id_of(rig, "appshield", "Rows");
                let mut groups = rig.state("appshield")["policies"][id.as_str().unwrap()]["groups"].clone();
                groups.as_array_mut().unwrap().push("11".into());
                rig.by_hand("appshield", json!({"editPolicy": {"id": id, "groups": groups}}));
            },
            removes: |rig, name| {
                let id = beginning(rig, "appshield", name);
                rig.by_hand("appshield", json!({"removePolicy": {"id": id}}));
            },
            is_effect: |call| call.contains("/SaveAppShieldPolicy") || call.contains("/Delete"),
            wrong_key: ("password", "wrong"),
            keyed_by_policy: true,
            has_targets: true,
            reads: false,
            lists: false,
        }
    }

    fn policy(edition: u8) -> Value {
        json!({"displayName": "Rows", "content": {"appShield": {"constraints": constraints(edition)}}})
    }

    fn constraints(edition: u8) -> Value {
        let region = if edition == 1 { "DE" } else { "DE,AT" };
        json!([{"AppField": "Sales.Region", "Operator": "in", "Value": region, "Join": "AND"}])
    }

    fn targets(which: u8) -> Value {
        let whom = match which {
            1 => json!({"groups": [{"name": "tenant-acme"}]}),
            _ => json!({"groups": [{"id": "17"}], "users": [{"name": "mara.holt"}]}),
        };
        json!({"targets": {"include": [{"appShield": whom}]}})
    }

    pub fn is_ours(policy: &Value) -> bool {
        policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
    }
}

/// App Shield where a policy can be read by its id, and no more.
pub mod app_shield_get {
    use super::*;

    pub fn subject() -> Subject {
        let rig = || app_shield_listed::rig(|paths| (paths.list, paths.delete) = (None, None));
        Subject { rig, reads: true, ..app_shield::subject() }
    }
}

/// App Shield where the paths of its unpublished calls are configured.
pub mod app_shield_listed {
    use ordain::sandbox::app_shield::{AppShieldDouble, AppShieldOptions, Paths};

    use super::*;

    pub fn subject() -> Subject {
        Subject { rig: || rig(|_| {}), reads: true, lists: true, ..app_shield::subject() }
    }

    pub fn rig(without: fn(&mut Paths)) -> Rig {
        let path = |name: &str| Some(format!("/AppShield/{name}"));
        let mut paths = Paths {
            list: path("GetPolicies"),
            get: path("GetPolicy"),
            delete: path("DeletePolicy"),
            ..Paths::default()
        };
        without(&mut paths);
        let options = AppShieldOptions { paths, ..AppShieldOptions::default() };
        Rig::new("appShield", |clock| AppShieldDouble::new(options, clock), |_| {})
    }
}

/// WSO2 in both families of its API.
pub mod wso2 {
    use ordain::sandbox::wso2::{Dialect, Wso2Double, Wso2Options};

    use super::*;

    const PASSING: &[&str] = &["id", "profile", "profileId", "priorityId"];

    pub fn subject() -> Subject {
        Subject {
            name: "wso2",
            rig: || rig(Dialect::DeviceMgtV1),
            policy: |edition| {
                let features = json!([{"code": "PASSCODE_POLICY", "content": {"minLength": 5 + edition}}]);
                json!({"displayName": "Phones", "description": "PIN on",
                    "content": {"wso2": {"profiles": [{"platform": "android", "features": features}]}}})
            },
            targets: |which| {
                let roles = if which == 1 { ["engineer"] } else { ["sales"] };
                json!({"targets": {"include": [{"wso2": {"roles": roles}}]}})
            },
            ours: |rig| without(all(rig).into_iter().filter(is_ours), PASSING),
            others: |rig| {
                let published = [PASSING, &["updated"]].concat();
                without(all(rig).into_iter().filter(|one| !is_ours(one)), &published).into()
            },
            says: |policy, edition| {
                let length = policy["contents"]["PASSCODE_POLICY"]["minLength"].to_string();
                length.trim_matches('"').parse() == Ok(f64::from(5 + edition))
                    && policy["active"] == true
                    && policy["updated"] == false
            },
            reaches: |policy| policy["roles"].clone(),
            by_hand: |rig| {
                let ours = all(rig).into_iter().find(is_ours).unwrap();
                let edit = json!({"id": ours["id"], "features": {"PASSCODE_POLICY": {"minLength": 4}}, "updated": false});
                rig.by_hand("wso2", json!({"policies": [edit]}));
            },
            made_by_hand: |rig| {
                let theirs = json!({"name": "Phones", "deviceType": "android",
                    "features": {"PASSCODE_POLICY": {"minLength": 4}}, "roles": ["engineer"], "active": true});
                rig.by_hand("wso2", json!({"add": [theirs]}));
                rig.by_hand("wso2", json!({"applyChanges": true}));
                let id =
                    all(rig).into_iter().find(|one| one["policyName"] == "Phones").unwrap()["id"].clone();
                id.to_string().into()
            },
            author: "last at ",
            gives: |rig| {
                let theirs = all(rig).into_iter().find(|one| one["policyName"] == "Phones").unwrap();
                let mut roles = theirs["roles"].clone();
                roles.as_array_mut().unwrap().push("contractor".into());
                rig.by_hand(
                    "wso2",
                    json!({"policies": [{"id": theirs["id"], "roles": roles, "updated": false}]}),
                );
            },
            removes: |rig, name| {
                let gone = all(rig).into_iter().find(|one| one["policyName"] == name).unwrap();
                rig.by_hand("wso2", json!({"policies": [{"id": gone["id"], "delete": true}]}));
            },
            is_effect: |call| {
                !call.starts_with("GET") && !call.contains("token") && !call.contains("register")
            },
            wrong_key: ("password", "wrong"),
            keyed_by_policy: false,
            has_targets: true,
            reads: true,
            lists: true,
        }
    }

    pub fn rig(dialect: Dialect) -> Rig {
        Rig::new("wso2", move |clock| Wso2Double::new(Wso2Options::of(dialect), clock), |_| {})
    }

    fn all(rig: &Rig) -> Vec<Value> {
        rig.state("wso2")["policies"].as_array().unwrap().clone()
    }

    fn is_ours(policy: &Value) -> bool {
        policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
    }
}

pub mod wso2_mdm_admin {
    use ordain::sandbox::wso2::Dialect;

    use super::*;

    pub fn subject() -> Subject {
        Subject { rig: || wso2::rig(Dialect::MdmAdmin), ..wso2::subject() }
    }
}

/// Dialect A' of the sheet: it switches by PUT.
pub mod wso2_put {
    use ordain::sandbox::wso2::Dialect;

    use super::*;

    pub fn subject() -> Subject {
        Subject { rig: || wso2::rig(Dialect::DeviceMgtV1Put), ..wso2::subject() }
    }
}

pub mod wso2_entgra {
    use ordain::sandbox::wso2::Dialect;

    use super::*;

    pub fn subject() -> Subject {
        Subject { rig: || wso2::rig(Dialect::Entgra), ..wso2::subject() }
    }
}

pub mod tachyon {
    use ordain::sandbox::tachyon::{TachyonDouble, TachyonOptions};

    use super::*;

    pub fn subject() -> Subject {
        Subject {
            name: "tachyon",
            rig: || Rig::new("tachyon", |clock| TachyonDouble::new(TachyonOptions::default(), clock), |_| {}),
            policy: |edition| {
                let rules = match edition {
                    1 => json!([{"name": "usb-start-type"}]),
                    _ => json!([{"name": "smb1-disabled"}, {"name": "print-spooler-stopped"}]),
                };
                json!({"displayName": "USB", "description": "Off", "content": {"tachyon": {"rules": rules}}})
            },
            targets: |which| {
                let group = if which == 1 { "Kiosks" } else { "Build servers" };
                json!({"targets": {"include": [{"tachyon": {"managementGroups": [{"name": group}]}}]}})
            },
            ours: |rig| {
                without(rows(rig, "tachyon", "policies").into_iter().filter(is_ours), &["id", "notes"])
            },
            others: |rig| {
                let others = rows(rig, "tachyon", "policies").into_iter().filter(|one| !is_ours(one));
                without(others, &["id"]).into()
            },
            says: |policy, edition| {
                let rules: &[&str] = if edition == 1 {
                    &["usb-start-type"]
                } else {
                    &["smb1-disabled", "print-spooler-stopped"]
                };
                policy["rules"] == json!(rules) && policy["enabled"] == true
            },
            reaches: |policy| policy["groups"].clone(),
            by_hand: |rig| {
                let ours = rows(rig, "tachyon", "policies").into_iter().find(is_ours).unwrap();
                let edit = json!({"policy": ours["name"], "rules": ["disk-space-system-drive"]});
                rig.by_hand("tachyon", json!({"editPolicies": [edit], "deploy": true}));
            },
            made_by_hand: |rig| {
                let theirs = json!({"name": "USB", "enabled": true, "rules": ["usb-start-type"], "groups": ["Kiosks"]});
                rig.by_hand("tachyon", json!({"addPolicies": [theirs], "deploy": true}));
                super::id_of(rig, "tachyon", "USB")
            },
            author: "last at 20",
            gives: |rig| {
                let edit = json!({"policy": "USB", "addGroups": ["Finance laptops"]});
                rig.by_hand("tachyon", json!({"editPolicies": [edit], "deploy": true}));
            },
            removes: |rig, name| {
                rig.by_hand("tachyon", json!({"removePolicies": [name], "deploy": true}));
            },
            is_effect: |call| {
                let reads = ["Search", "Authentication", "/idp/"];
                !call.starts_with("GET") && !reads.iter().any(|read| call.contains(read))
            },
            wrong_key: ("applicationId", "nobody"),
            keyed_by_policy: true,
            has_targets: true,
            reads: true,
            lists: true,
        }
    }

    fn is_ours(policy: &Value) -> bool {
        policy["description"].as_str().is_some_and(|text| text.contains("[ordain:"))
    }
}
