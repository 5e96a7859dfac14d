//! A worker around each double, as every suite starts with it.

use ordain::sandbox::{
    app_shield::{AppShieldDouble, AppShieldOptions, Paths},
    symphony::{SymphonyDouble, SymphonyOptions},
    tachyon::{TachyonDouble, TachyonOptions},
    wfbss::{WfbssDouble, WfbssOptions},
    wso2::{Dialect, Wso2Double, Wso2Options},
};

use super::rig::Rig;

pub fn symphony() -> Rig {
    Rig::new("symphony", |clock| SymphonyDouble::new(SymphonyOptions::default(), clock), |_| {})
}

/// App Shield as it is out of the box: no path is known that reads or deletes.
pub fn app_shield() -> Rig {
    shield(Paths::default())
}

/// App Shield where the paths of its unpublished calls are configured.
pub fn app_shield_listed() -> Rig {
    let path = |name: &str| Some(format!("/AppShield/{name}"));
    shield(Paths {
        list: path("GetPolicies"),
        get: path("GetPolicy"),
        delete: path("DeletePolicy"),
        ..Paths::default()
    })
}

/// App Shield where a policy can be read by its id, and no more.
pub fn app_shield_get() -> Rig {
    shield(Paths { get: Some("/AppShield/GetPolicy".to_owned()), ..Paths::default() })
}

fn shield(paths: Paths) -> Rig {
    let options = AppShieldOptions { paths, ..AppShieldOptions::default() };
    Rig::new("appShield", |clock| AppShieldDouble::new(options, clock), |_| {})
}

pub fn tachyon() -> Rig {
    Rig::new("tachyon", |clock| TachyonDouble::new(TachyonOptions::default(), clock), |_| {})
}

pub fn wfbss() -> Rig {
    Rig::new("wfbss", |clock| WfbssDouble::new(WfbssOptions::default(), clock), |_| {})
}

pub fn wso2(dialect: Dialect) -> Rig {
    Rig::new("wso2", move |clock| Wso2Double::new(Wso2Options::of(dialect), clock), |_| {})
}
