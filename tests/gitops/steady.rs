//! The steady state under Argo CD (self-heal on) and Flux at once: the operator looks at every system again and again, and
//! neither of the two ever has anything to say.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    argocd::controllers::ArgoCd,
    eventually,
    figures::figure,
    flux::{FLUX, Flux},
    site::{Site, TEAM},
};

/// How many drift checks of each system it lasts; a minute each, the shortest interval that is allowed.
fn rounds() -> usize {
    std::env::var("ORDAIN_ROUNDS").map_or(3, |rounds| rounds.parse().expect("ORDAIN_ROUNDS is a number"))
}

/// The systems that hold something, for Argo CD the first and for Flux the others.
const SYSTEMS: [&str; 3] = ["wso2", "wfbss", "symphony"];

/// What each drift check of any of them reads once.
const READ: &str = "policies";

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
    let site = Site::new();
    site.install(&[]).unwrap();
    site.backends();
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
    let begun = SYSTEMS.map(|system| site.sandbox.mark(system));
    let mut looks = Looks::default();
    for round in 1..=rounds() {
        let checked = || {
            look(&site, &argo, &flux, &mut looks);
            SYSTEMS.iter().zip(begun).all(|(system, begun)| checks(&site, system, begun) >= round)
        };
        assert!(eventually(checked), "no drift check {round}");
        assert!(
            eventually(|| flux.status()["lastHandledReconcileAt"] == asked(looks.taken)),
            "{}",
            flux.log()
        );
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

/// What both say now, each asked to look anew.
fn look(site: &Site, argo: &ArgoCd<'_>, flux: &Flux<'_>, looks: &mut Looks) {
    argo.refresh();
    looks.taken += 1;
    let asked = format!("reconcile.fluxcd.io/requestedAt={}", asked(looks.taken));
    site.cluster.kubectl(&["annotate", "kustomization", "policies", "-n", FLUX, "--overwrite", &asked]);
    let status = argo.application().unwrap()["status"].clone();
    let kustomization = flux.status();
    let mut conditions = kustomization["conditions"].as_array().into_iter().flatten();
    looks.out_of_sync += usize::from(status["sync"]["status"] != "Synced");
    looks.not_healthy += usize::from(status["health"]["status"] != "Healthy");
    looks.not_ready += usize::from(conditions.any(|one| one["type"] == "Ready" && one["status"] == "False"));
}

fn asked(look: usize) -> String {
    format!("look-{look}")
}

/// How many drift checks a system has seen.
fn checks(site: &Site, system: &str, since: u64) -> usize {
    let requests = site.sandbox.requests(system, since + 1);
    requests
        .iter()
        .filter(|one| one["method"] == "GET" && one["path"].as_str().unwrap().contains(READ))
        .count()
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
