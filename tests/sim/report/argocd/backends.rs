//! Backends and `ClusterBackends`, which differ in their scope alone.

use std::collections::BTreeMap;

use ordain::{
    api::Reason,
    model::{BackendId, BackendKind},
    report::{
        conditions::backend_status,
        facts::{BackendFacts, BackendStanding},
    },
};
use serde_json::{Value, json};

use super::{Case, assignments::held, deleted, files, now, object, uid, unseen};

const FINALIZER: &str = "ordain.dev/in-use";
const APPROVAL: &str = "ordain.dev/approve-removals";

fn spec() -> Value {
    let deploy = json!({"mode": "Automatic", "foreignChanges": "Hold"});
    let url = "https://emm.example.com:8243";
    json!({"system": {"wso2": {"url": url, "api": "DeviceMgtV1", "credentialsRef": {"name": "wso2"}, "deploy": deploy}}})
}

fn facts(generation: i64, standing: BackendStanding) -> BackendFacts {
    BackendFacts {
        id: BackendId { kind: BackendKind::Backend, namespace: "ordain-demo".into(), name: "wso2".into() },
        uid: uid(),
        generation,
        handled_request: None,
        standing,
        pending_deployment: None,
        held: None,
        account: None,
        capabilities: BTreeMap::new(),
        objects: [14, 0, 0, 0, 0],
        memory_since: None,
        memory_lost: vec![],
    }
}

/// Both kinds have the same statuses.
struct Made(&'static str);

impl Made {
    fn written(&self, facts: &BackendFacts) -> Value {
        self.written_at(facts.generation, facts)
    }

    fn written_at(&self, generation: i64, facts: &BackendFacts) -> Value {
        object(self.0, "wso2", generation, &spec(), &backend_status(facts, None, now()))
    }

    fn ready(&self) -> Value {
        self.written(&facts(1, BackendStanding::Ready))
    }

    fn held(&self, removals: u32) -> Value {
        self.written(&BackendFacts { held: Some(held(removals)), ..facts(1, BackendStanding::Ready) })
    }

    fn suspended(&self) -> Value {
        let mut object = self.written(&facts(1, BackendStanding::Suspended));
        object["spec"]["suspend"] = true.into();
        object
    }

    fn health(&self) -> Vec<(&'static str, Value)> {
        let stalled =
            |reason, message: &str| self.written(&facts(1, BackendStanding::Stalled(reason, message.into())));
        let working =
            |reason, message: &str| self.written(&facts(1, BackendStanding::Working(reason, message.into())));
        let foreign = "somebody else's changes wait for the same deployment: Kiosk";
        let pending = Some((Reason::ForeignPendingChanges, foreign.to_owned()));
        let going =
            "still used by 1 assignment: delete what uses it, or let go of it with releasePolicy: Orphan";
        let going = facts(2, BackendStanding::Terminating(going.into()));
        vec![
            ("unseen", object(self.0, "wso2", 1, &spec(), &unseen(self.0))),
            ("connected", self.ready()),
            ("edited", self.written_at(2, &facts(1, BackendStanding::Ready))),
            ("probing", working(Reason::Probing, "connecting")),
            (
                "unreachable",
                working(Reason::Unreachable, "no connection to emm.example.com: connection refused"),
            ),
            (
                "unauthorized",
                stalled(Reason::Unauthorized, "the system answered 401. Correct the Secret wso2"),
            ),
            ("suspended", self.suspended()),
            ("held", self.held(12)),
            (
                "pending-deployment",
                self.written(&BackendFacts {
                    pending_deployment: pending,
                    ..facts(1, BackendStanding::Ready)
                }),
            ),
            ("deleted-in-use", deleted(self.written(&going), FINALIZER)),
            ("deleted-unanswered", deleted(self.written_at(2, &facts(1, BackendStanding::Ready)), FINALIZER)),
        ]
    }

    /// What actions start from, and what they make of it.
    fn acted_on(&self) -> Vec<(&'static str, Value)> {
        let annotated = |mut object: Value, annotation: &str, value: &str| {
            object["metadata"]["annotations"] = json!({annotation: value});
            object
        };
        let mut paused = self.ready();
        paused["spec"]["suspend"] = true.into();
        let mut cleared = annotated(self.held(12), APPROVAL, "12");
        cleared["metadata"]["annotations"] = json!({});
        vec![
            ("connected", self.ready()),
            ("refreshed", annotated(self.ready(), "ordain.dev/reconcile-requested-at", "argocd-4711")),
            ("suspended", paused),
            ("held", self.held(12)),
            ("approved", annotated(self.held(12), APPROVAL, "12")),
            ("held-one", self.held(1)),
            ("approved-one", annotated(self.held(1), APPROVAL, "1")),
            ("withdrawn", cleared),
        ]
    }
}

pub(super) fn all(kind: &'static str) -> Vec<Case> {
    let made = Made(kind);
    [files(kind, "testdata", made.health()), files(kind, "actions/testdata", made.acted_on())].concat()
}
