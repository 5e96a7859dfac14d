//! The steady state under Argo CD (self-heal on) and Flux at once: the operator looks at every system again and again, and
//! neither of the two ever has anything to say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    argocd::controllers::ArgoCd,
    eventually,
    figures::figure,
    flux::{FLUX, Flux},
    pages,
    site::{Site, TEAM},
};

/// How many drift checks of each system it lasts; a minute each, the shortest interval that is allowed.
fn rounds() -> usize {
    std::env::var("ORDAIN_ROUNDS").map_or(3, |rounds| rounds.parse().expect("ORDAIN_ROUNDS is a number"))
}

/// The systems that hold something, for Argo CD the first and for Flux the others.
const SYSTEMS: [&str; 3] = ["wso2", "wfbss", "symphony"];

/// What was seen so far.
#[derive(Debug, Default)]
struct Looks {
    taken: usize,
    out_of_sync: usize,
    not_healthy: usize,
    not_ready: usize,
}

#[test]
fn drift_checks_are_news_to_nobody() {
    let site = Site::at_work();
    let phones = include_str!("../../examples/wso2-baseline.yaml");
    let servers = include_str!("../../examples/wfbss-behavior.yaml");
    let cards = include_str!("../../examples/symphony-cards.yaml");
    let argo = ArgoCd::start(&site.cluster);
    argo.push(&[("phones.yaml", phones)]);
    argo.recipe();
    let flux = Flux::start(&site.cluster);
    let revision = flux.push(&[("servers.yaml", servers), ("cards.yaml", cards)]);
    flux.recipe();
    flux.waits_for_the_truth(&revision, || true);
    let healthy = || {
        argo.application().is_some_and(|app| {
            app["status"]["health"]["status"] == "Healthy"
                && app["status"]["operationState"]["phase"] == "Succeeded"
        })
    };
    assert!(eventually(healthy), "{:#}", argo.application().unwrap_or_default());
    settled(&site);

    let before = versions(&site);
    let synced = || argo.application().unwrap()["status"]["operationState"].clone();
    let last = synced();
    let mut looks = Looks::default();
    for round in 1..=rounds() {
        let begun = jiff::Timestamp::now().as_duration().as_secs_f64();
        let checked = || {
            look(&site, &argo, &flux, &mut looks);
            let metrics = metrics(&site);
            SYSTEMS.iter().all(|system| proven(&metrics, system).is_some_and(|at| at > begun))
        };
        assert!(eventually(checked), "no drift check {round}: {}", metrics(&site));
        assert_eq!((looks.out_of_sync, looks.not_healthy, looks.not_ready), (0, 0, 0), "{looks:?}");
        assert_eq!(versions(&site), before, "an object was written");
    }
    assert_eq!(synced(), last, "no sync was made");
    let Looks { taken, out_of_sync, not_healthy, not_ready } = looks;
    figure(&format!(
        "steady state, {} drift checks of each of {} systems: {taken} looks, {out_of_sync} OutOfSync, {not_healthy} \
         not Healthy, {not_ready} Kustomization not Ready, 0 objects written",
        rounds(),
        SYSTEMS.len()
    ));
}

/// Each Backend looks at its system once a minute, and has told how much it manages: else it does so within minutes.
fn settled(site: &Site) {
    for system in SYSTEMS {
        let change = json!({"metadata": {"annotations": {"ordain.dev/reconcile-requested-at": "settled"}},
            "spec": {"drift": {"interval": "1m"}}})
        .to_string();
        site.cluster.kubectl(&["patch", "backend", system, "-n", TEAM, "--type=merge", "-p", &change]);
    }
    let told = |system: &str| {
        let backend = site.cluster.get(TEAM, "backend", system).unwrap();
        backend["status"]["lastHandledReconcileAt"] == "settled"
            && backend["status"]["observedGeneration"] == backend["metadata"]["generation"]
            && backend["status"]["objects"]["managed"].as_u64() > Some(0)
    };
    assert!(eventually(|| SYSTEMS.iter().all(|system| told(system))), "{}", site.node.logs());
}

/// What both say once each has looked anew, as it was asked. While Flux reconciles, Ready is Unknown.
fn look(site: &Site, argo: &ArgoCd<'_>, flux: &Flux<'_>, looks: &mut Looks) {
    argo.refresh();
    looks.taken += 1;
    let name = format!("look-{}", looks.taken);
    let asked = format!("reconcile.fluxcd.io/requestedAt={name}");
    site.cluster.kubectl(&["annotate", "kustomization", "policies", "-n", FLUX, "--overwrite", &asked]);
    let mut ready = Value::Null;
    let handled = || {
        let kustomization = flux.status();
        let mut conditions = kustomization["conditions"].as_array().into_iter().flatten();
        ready =
            conditions.find(|one| one["type"] == "Ready").map_or(Value::Null, |one| one["status"].clone());
        kustomization["lastHandledReconcileAt"] == name && ready != "Unknown"
    };
    assert!(eventually(handled), "{:#}\n{}", flux.status(), flux.log());
    let status = argo.application().unwrap()["status"].clone();
    looks.out_of_sync += usize::from(status["sync"]["status"] != "Synced");
    looks.not_healthy += usize::from(status["health"]["status"] != "Healthy");
    looks.not_ready += usize::from(ready != "True");
}

fn metrics(site: &Site) -> String {
    let address = pages::address(&site.node.logs()).expect("it says where it listens");
    pages::scrape(&address, "/metrics", "*/*").1
}

/// When all that a system holds of ours was last proven to be as Git says, in seconds since 1970. Later than the start of
/// a drift check, that one has read all of it.
fn proven(metrics: &str, system: &str) -> Option<f64> {
    let name = format!(r#"ordain_oldest_proof_timestamp_seconds{{backend="Backend/{TEAM}/{system}"}} "#);
    metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
}

/// Every object of ours and its resourceVersion.
fn versions(site: &Site) -> BTreeMap<String, String> {
    let objects: Value =
        serde_json::from_str(&site.cluster.kubectl(&["get", "ordain", "-A", "-o", "json"])).unwrap();
    let objects = objects["items"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = |one: &Value| text(&one["kind"]) + "/" + &text(&one["metadata"]["name"]);
    objects.map(|one| (named(one), text(&one["metadata"]["resourceVersion"]))).collect()
}
