//! `ordain inventory` beside a running operator: what is somebody's is not listed, whoever's it is.

use ordain::{
    inventory::{self, Inventory, InventoryError},
    model::{BackendId, BackendKind, Identity, ObjectName, OwnerId},
    preview::Setup,
    watch,
    worker::ports::NoEffects,
};

use super::*;

impl Whole {
    /// Takes the inventory as a process of its own would.
    async fn inventory(&self, backend: &str) -> Result<Inventory, InventoryError> {
        let process = self.api.gate().process();
        let client = self.api.client_as("planner", &process);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let metrics = Metrics::new();
        let owner = operator::owner(&client, None).await.unwrap();
        let connector = Connect {
            vendors: self.vendors.clone(),
            process,
            clock: self.clock.clone(),
            owner: owner.clone(),
            fence: Arc::new(NoEffects),
            metrics: metrics.clone(),
        };
        let setup = Setup {
            secrets: Arc::new(operator::KubeSecrets::new(client.clone())),
            connector: Arc::new(connector),
            owner,
            clock,
            operator_namespace: "ordain-system".into(),
            scope: Scope::Only([TEAM.into()].into()),
            metrics,
        };
        let listed = watch::list(&client, &setup.scope).await.unwrap();
        let id = BackendId { kind: BackendKind::Backend, namespace: TEAM.into(), name: backend.into() };
        inventory::take(&setup, &listed, &id, TEAM).await
    }

    async fn owner(&self) -> OwnerId {
        let client = self.api.client_as("planner", &self.api.gate().process());
        operator::owner(&client, None).await.unwrap()
    }
}

fn named(inventory: &Inventory) -> Vec<&str> {
    inventory.entries.iter().map(|entry| entry.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_somebodys_is_counted_or_left_out() {
    let mut whole = Whole::new();
    whole.api.namespace("kube-system", &[]);
    both(&whole);
    let adopting = json!({"mode": "Observe", "adopt": {"id": "1"},
        "targets": {"include": [{"wso2": {"roles": ["engineer"]}}]}});
    whole.apply("Policy", "watched", with(camera(true), "displayName", "watched".into()));
    whole.assign("watched", "wso2", adopting);
    whole.start(None);
    whole.settle().await;
    let mark = |owner: OwnerId| {
        let identity = Identity {
            owner,
            kind: "PolicyAssignment",
            object: ObjectName::new(TEAM, "gone"),
            variant: "android/roles".into(),
        };
        identity.mark().append_to("left behind")
    };
    let policy = |name: &str, description: String| {
        json!({"name": name, "deviceType": "android", "features": {"CAMERA": {"enabled": true}},
            "description": description, "roles": ["sales"]})
    };
    let ours = mark(whole.owner().await);
    let theirs = mark(OwnerId::new("another cluster"));
    let add = json!([policy("orphan", ours), policy("other", theirs), policy("kiosk", "by hand".into())]);
    whole.vendors.of("wso2").double().patch_state(json!({"add": add, "applyChanges": true})).unwrap();
    let before = ["wso2", "wfbss"].map(|system| whole.vendors.effects(system));

    let found = whole.inventory("wso2").await.unwrap();
    assert_eq!(named(&found), ["VPN for sales", "kiosk"], "neither ours, nor what an assignment names");
    assert_eq!((found.orphans, found.others), (1, 1));
    let found = whole.inventory("wfbss").await.unwrap();
    let documents = named(&found);
    let state = whole.vendors.of("wfbss").double().state();
    assert!(documents.len() > 5, "{documents:?} {state:#}");
    let claimed = |entry: &&inventory::Entry| {
        entry.id.starts_with(crate::wfbss::CUSTOMER) && entry.name.ends_with("/Server (Default)/win")
    };
    assert!(!found.entries.iter().any(|entry| claimed(&entry)), "an assignment claims it: {documents:?}");
    let all = found.entries.iter().filter(|entry| entry.manifests.is_ok()).count();
    assert!(all > 0, "{:#?}", found.entries);
    let none = whole.inventory("nothing").await.unwrap_err().to_string();
    assert_eq!(none, "there is no Backend/team/nothing");
    assert_eq!(["wso2", "wfbss"].map(|system| whole.vendors.effects(system)), before, "only reads");
}
