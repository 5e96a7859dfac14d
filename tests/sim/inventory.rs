//! What an inventory prints, applied as it stands: whatever people clicked together before, nothing is written. And with
//! `mode: Apply` nothing but our mark.

use std::{collections::BTreeMap, sync::Arc};

use ordain::{
    drivers::{Driver, Scope},
    inventory::{Entry, Judge, Manifests},
    model::{Catalogue, Observation, ObservedItem},
    report::facts::Standing,
    sandbox::wso2::Dialect,
    worker::ports::NoEffects,
};
use serde_json::{Value, json};

use crate::support::{rig::Rig, systems};

/// Different histories of one console.
const SEEDS: u64 = 24;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn one(&mut self, of: &[Value]) -> Value {
        of[self.below(of.len())].clone()
    }

    fn some(&mut self, of: &[&str]) -> Value {
        of.iter().copied().filter(|_| self.below(2) == 0).collect()
    }

    fn text(&mut self) -> String {
        let words = ["VPN", "Büro", "kiosk: #1", "true", "'quoted'", "07", "a\"b", "- x"];
        format!("{} {}", words[self.below(words.len())], self.below(1000))
    }
}

struct Subject {
    system: &'static str,
    rig: fn() -> Rig,
    /// Somebody works in the console.
    console: fn(&mut Dice) -> Value,
    is_effect: fn(&str) -> bool,
}

fn wso2(dice: &mut Dice) -> Value {
    let features = |dice: &mut Dice| {
        let minimum =
            json!({"minLength": dice.below(9), "note": dice.text(), "list": [1.5, true, {"a": null}]});
        let mut features = json!({"CAMERA": {"enabled": dice.below(2) == 0}});
        if dice.below(2) == 0 {
            features["PASSCODE_POLICY"] = minimum;
        }
        if dice.below(5) == 0 {
            features["WIFI"] = json!({"ssid": "x", "password": "s3ll-m0re"});
        }
        features
    };
    let add: Vec<Value> = (0..=dice.below(4))
        .map(|_| {
            json!({"name": dice.text(), "deviceType": "android", "features": features(dice),
                "description": dice.text(), "active": dice.below(2) == 0,
                "compliance": dice.one(&["enforce", "warn", "monitor"].map(Value::from)),
                "roles": dice.some(&["engineer", "sales"]),
                "users": if dice.below(3) == 0 { json!(["jdoe"]) } else { json!([]) }})
        })
        .collect();
    json!({"add": add, "applyChanges": true})
}

fn symphony(dice: &mut Dice) -> Value {
    let add: Vec<Value> = (0..=dice.below(4))
        .map(|_| {
            json!({"name": dice.text(), "type": dice.one(&["Block".into(), "Warn".into()]),
                "contentTypes": dice.one(&[json!(["Messages"]), json!(["RoomMeta", "Messages"])]),
                "scopes": dice.one(&[json!(["Internal"]), json!(["External", "Internal"])]),
                "dictionaries": dice.one(&[json!(["card-patterns"]), json!(["card-patterns", "project-names"])]),
                "enabled": dice.below(2) == 0})
        })
        .collect();
    json!({ "addPolicies": add })
}

fn tachyon(dice: &mut Dice) -> Value {
    let mut add: Vec<Value> = (0..=dice.below(4))
        .map(|_| {
            json!({"name": dice.text(), "description": dice.text(), "enabled": dice.below(2) == 0,
                "rules": dice.some(&["usb-start-type", "smb1-disabled"]), "groups": dice.some(&["Kiosks", "Lyon office"])})
        })
        .collect();
    // Names are unique there.
    add.sort_by_key(|policy| policy["name"].to_string());
    add.dedup_by_key(|policy| policy["name"].to_string());
    json!({"addPolicies": add, "deploy": true})
}

fn app_shield(dice: &mut Dice) -> Value {
    let add: Vec<Value> = (0..=dice.below(4))
        .map(|_| {
            json!({"name": dice.text(), "description": dice.text(), "isActive": dice.below(2) == 0,
                "constraints": [{"AppField": "Sales.Region", "Value": dice.text(), "N": 1.0, "Z": null}],
                "groups": dice.some(&["11", "17"])})
        })
        .collect();
    json!({ "addPolicy": add })
}

fn wfbss(dice: &mut Dice) -> Value {
    let set: Vec<Value> = (0..=dice.below(5))
        .map(|_| {
            let path = ["/wtp/enabled", "/behavior_monitoring/enabled", "/general/note", "/odd/list"][dice.below(4)];
            let value = [json!(1), json!(0), json!(dice.text()), json!(["a", 1, {"b": true}])][dice.below(4)].clone();
            json!({"customer": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "group": "Server (Default)", "os": "win",
                "path": path, "value": value})
        })
        .collect();
    json!({ "set": set })
}

fn is_write(call: &str) -> bool {
    !call.starts_with("GET") && !["token", "register", "authenticate"].iter().any(|word| call.contains(word))
}

fn subjects() -> [Subject; 6] {
    [
        Subject {
            system: "wso2",
            rig: || systems::wso2(Dialect::DeviceMgtV1),
            console: wso2,
            is_effect: is_write,
        },
        Subject {
            system: "wso2",
            rig: || systems::wso2(Dialect::MdmAdmin),
            console: wso2,
            is_effect: is_write,
        },
        Subject { system: "symphony", rig: systems::symphony, console: symphony, is_effect: is_write },
        Subject {
            system: "appshield",
            rig: systems::app_shield_listed,
            console: app_shield,
            is_effect: |call| call.contains("/SaveAppShieldPolicy") || call.contains("/Delete"),
        },
        Subject { system: "wfbss", rig: systems::wfbss, console: wfbss, is_effect: is_write },
        Subject {
            system: "tachyon",
            rig: systems::tachyon,
            console: tachyon,
            is_effect: |call| is_write(call) && !call.contains("Search") && !call.contains("Authentication"),
        },
    ]
}

impl Subject {
    fn effects(&self, rig: &Rig) -> Vec<String> {
        rig.vendors.calls(self.system).into_iter().filter(|call| (self.is_effect)(call)).collect()
    }
}

/// A driver as the command would have it: what has an effect is not let through.
fn driver(rig: &Rig) -> Arc<dyn Driver> {
    rig.driver(Arc::new(NoEffects))
}

async fn seen(driver: &dyn Driver) -> (Catalogue, Observation) {
    driver.probe().await.unwrap();
    let catalogue = driver.catalogue().await.unwrap();
    let documents =
        driver.translate().documents(&catalogue).into_iter().map(|item| (item, [].into())).collect();
    let observation = driver.observe(&Scope { documents, whole: true, ..Scope::default() }).await.unwrap();
    driver.close().await;
    (catalogue, observation)
}

async fn taken(rig: &Rig) -> Vec<Entry> {
    let driver = driver(rig);
    let (catalogue, observation) = seen(driver.as_ref()).await;
    let judge = Judge {
        driver: driver.translate(),
        catalogue: &catalogue,
        owner: &rig.owner,
        backend: &rig.id,
        namespace: "team",
    };
    observation.items.iter().map(|item| judge.entry(item)).collect()
}

/// What is ours to keep of everything the system holds.
async fn content(rig: &Rig) -> BTreeMap<String, Value> {
    let driver = driver(rig);
    let (_, observation) = seen(driver.as_ref()).await;
    let told = |item: ObservedItem| {
        let key = item.key.as_ref().map(ToString::to_string);
        let key = key.or_else(|| item.id.as_ref().map(ToString::to_string)).unwrap();
        (key, json!([item.leaves, item.members, item.enabled, item.slot]))
    };
    observation.items.into_iter().map(told).collect()
}

fn apply(rig: &Rig, manifests: &Manifests, mode: &str) {
    let name = manifests.policy.metadata.name.as_deref().unwrap();
    let mut assignment = serde_json::to_value(&manifests.assignment.spec).unwrap();
    assignment["mode"] = mode.into();
    rig.assign_shared(name, name, serde_json::to_value(&manifests.policy.spec).unwrap(), assignment);
}

async fn observed_then_applied(subject: &Subject, seed: u64) -> usize {
    let mut rig = (subject.rig)();
    let mut dice = Dice(seed);
    rig.by_hand(subject.system, (subject.console)(&mut dice));
    let before = content(&rig).await;
    let entries = taken(&rig).await;
    let manifests: Vec<&Manifests> = entries.iter().filter_map(|e| e.manifests.as_deref().ok()).collect();
    assert_eq!(subject.effects(&rig), Vec::<String>::new(), "{} {seed}", subject.system);
    manifests.iter().for_each(|one| apply(&rig, one, "Observe"));
    rig.start();
    rig.settle().await;
    rig.pass(3 * 1800).await;
    for one in &manifests {
        let name = one.policy.metadata.name.as_deref().unwrap();
        let facts = rig.cluster.facts(name).pop().unwrap();
        let about = format!("{} {seed} {name}: {facts:#?}", subject.system);
        assert_eq!(rig.cluster.standing(name), Some(Standing::Observing), "{about}");
        let plan = facts.plan.as_ref().unwrap_or_else(|| panic!("{about}"));
        assert_eq!((plan.create, plan.update, plan.remove), (0, 0, 0), "{about}");
    }
    assert_eq!(subject.effects(&rig), Vec::<String>::new(), "{} {seed}", subject.system);
    manifests.iter().for_each(|one| apply(&rig, one, "Apply"));
    rig.settle().await;
    for one in &manifests {
        let name = one.policy.metadata.name.as_deref().unwrap();
        let standing = rig.cluster.standing(name);
        assert_eq!(
            standing,
            Some(Standing::InStep),
            "{} {seed} {name}: {:#?}",
            subject.system,
            subject.effects(&rig)
        );
    }
    rig.kill().await;
    assert_eq!(content(&rig).await, before, "{} {seed}: {:#?}", subject.system, subject.effects(&rig));
    manifests.len()
}

async fn every_history(subject: &Subject) {
    let mut sayable = 0;
    for seed in 0..SEEDS {
        sayable += observed_then_applied(subject, seed).await;
    }
    assert!(sayable >= usize::try_from(SEEDS).unwrap(), "{}: only {sayable} had manifests", subject.system);
}

macro_rules! each {
    ($($name:ident: $at:literal),*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            every_history(&subjects()[$at]).await;
        }
    )*};
}

each! {
    wso2_keeps_what_people_made: 0,
    emm_keeps_what_people_made: 1,
    symphony_keeps_what_people_made: 2,
    app_shield_keeps_what_people_made: 3,
    wfbss_keeps_what_people_made: 4,
    tachyon_keeps_what_people_made: 5
}
