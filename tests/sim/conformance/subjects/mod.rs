//! What the suite must know of each system: its words, and how to read its double's state.

use serde_json::{Value, json};

use super::{Deploys, Faults, Subject};
use crate::support::{rig::Rig, systems};

pub mod app_shield;
pub mod symphony;
pub mod tachyon;
pub mod wfbss;
pub mod wso2;

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

/// App Shield where a policy can be read by its id, and no more.
pub mod app_shield_get {
    use super::*;

    pub fn subject() -> Subject {
        Subject { title: "appshield with get", rig: systems::app_shield_get, ..app_shield::subject() }
    }
}

/// App Shield where the paths of its unpublished calls are configured.
pub mod app_shield_listed {
    use super::*;

    pub fn subject() -> Subject {
        Subject { title: "appshield with paths", rig: systems::app_shield_listed, ..app_shield::subject() }
    }
}

/// A dialect of WSO2 as a subject of its own.
macro_rules! dialects {
    ($($(#[$about:meta])* $module:ident: $dialect:ident),*) => {$(
        $(#[$about])*
        pub mod $module {
            use ordain::sandbox::wso2::Dialect;

            use super::*;

            pub fn subject() -> Subject {
                let rig = || systems::wso2(Dialect::$dialect);
                // The oldest one answers a create without an id.
                let tells_ids = Dialect::$dialect != Dialect::MdmAdmin;
                Subject { title: stringify!($module), rig, tells_ids, ..wso2::subject() }
            }
        }
    )*};
}

dialects! {
    wso2_mdm_admin: MdmAdmin,
    /// Dialect A' of the sheet: it switches by PUT.
    wso2_put: DeviceMgtV1Put,
    wso2_entgra: Entgra
}

/// Lists that are cut or told wrongly, as the double of a system knows to do it (F23).
fn anomalies(kinds: &[&str]) -> Vec<Value> {
    kinds.iter().map(|anomaly| json!({"kind": "pageAnomaly", "anomaly": anomaly, "times": 1})).collect()
}
