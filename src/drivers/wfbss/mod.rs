//! Trend Micro Worry-Free Business Security Services over SMPI (vendor sheet `wfbss`).
//!
//! An item is a **document** of (customer, group, platform), keyed `<CUSTOMER>/<gid>/<os>`, which exists as long as
//! its group does. Its leaves are JSON pointers into `policy`; objects are taken apart, an array is one leaf. There
//! are no members, no switch, no marks, no order, no deploy.
//!
//! | file | does |
//! |---|---|
//! | `ids`, `pointer`, `canonical` | coordinates, paths and values |
//! | `targets`, `settings`, `translate` | an assignment into documents |
//! | `describe` | a document into what could have been written for it |
//! | `body`, `pack` | changes into as few safe writes as possible |
//! | `sign`, `wire`, `calls` | requests and answers |
//! | `listing`, `read`, `write`, `tasks` | the verbs |

#[cfg(all(test, feature = "sandbox"))]
mod against_double;
mod body;
mod calls;
mod canonical;
mod describe;
pub mod ids;
mod listing;
mod pack;
mod pointer;
mod read;
mod settings;
mod sign;
mod targets;
mod tasks;
#[cfg(test)]
mod testing;
mod translate;
mod wire;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use serde_json::Value;

use self::{calls::Session, ids::DocumentId, sign::Credentials, tasks::TaskPath};
use super::{
    Binding, Class, CompileContext, Compiled, Described, DocumentChange, Driver, DriverError, Execution,
    Facts, Outcome, Packing, Probe, Scope, Step, Translate, http::HttpClient,
};
use crate::{
    api::{self, PolicySpec, Reason},
    model::{
        Catalogue, Clock, ItemKey, LeafPath, Observation, ObservedItem, Secret,
        memory::{AccountRecord, TaskState},
    },
};

/// One partner's account.
pub struct Wfbss {
    session: Session,
    task_path: Option<TaskPath>,
    translator: Translator,
}

/// What is known of the system without connecting to it.
#[derive(Debug, Clone, Copy)]
pub struct Translator {
    customers_per_write: usize,
    execution: Execution,
}

impl From<&api::Wfbss> for Translator {
    fn from(spec: &api::Wfbss) -> Self {
        let execution = match spec.execution() {
            api::Execution::Auto => Execution::Auto,
            api::Execution::Sync => Execution::Sync,
            api::Execution::Async => Execution::Async,
        };
        Self { customers_per_write: spec.customers_per_write(), execution }
    }
}

impl Wfbss {
    /// The account behind `http`, which must point at `spec.url`, with the keys `accessToken` and `secretKey` of the
    /// Backend's Secret.
    ///
    /// # Errors
    /// `Rejected` with the field or key that is missing or malformed.
    pub fn new(
        spec: &api::Wfbss,
        credentials: &BTreeMap<String, Secret>,
        http: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DriverError> {
        let absent = Secret::new("");
        let key = |name: &str| credentials.get(name).unwrap_or(&absent);
        let (token, secret) = (key("accessToken"), key("secretKey"));
        http.redact(token);
        http.redact(secret);
        let refused = |reason, message| DriverError::new(Class::Rejected, reason, message);
        let credentials = Credentials::new(token, secret)
            .map_err(|message| refused(Reason::CredentialsInvalid, message))?;
        let task_path = spec.task_path.as_deref().map(TaskPath::parse).transpose();
        Ok(Self {
            session: Session { http, credentials, clock, version: spec.version().to_owned() },
            task_path: task_path.map_err(|message| refused(Reason::Invalid, message))?,
            translator: Translator::from(spec),
        })
    }

    /// Short, and the same for the same host and customers.
    fn fingerprint(&self, evidence: &BTreeSet<String>) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.session.http.origin().origin().ascii_serialization().as_bytes());
        for id in evidence {
            hasher.update(b"\0").update(id.as_bytes());
        }
        hasher.finalize().to_hex().chars().take(12).collect()
    }
}

/// What the system is: documents that exist anyway, without marks.
pub const FACTS: Facts = Facts {
    system: "wfbss",
    documents: true,
    snapshot: false,
    deploys: false,
    ordered: false,
    marks: false,
    deletes: false,
    switches: true,
    vets: false,
    additive: false,
    lists: true,
    reads: true,
    tells: "nothing",
};

impl Translate for Translator {
    fn facts(&self) -> Facts {
        FACTS
    }

    /// One known customer is enough: customers come and go, and none belongs to two partners.
    fn same_account(&self, known: &BTreeSet<String>, found: &BTreeSet<String>) -> bool {
        !known.is_disjoint(found) || (known.is_empty() && found.is_empty())
    }

    fn compile(&self, binding: &Binding, context: &CompileContext<'_>) -> Compiled {
        translate::compile(binding, context)
    }

    fn describe(&self, observed: &ObservedItem, catalogue: &Catalogue) -> Result<Described, String> {
        let title = describe::title(observed, catalogue);
        describe::describe(observed).map(|described| Described { title, ..described })
    }

    fn documents(&self, catalogue: &Catalogue) -> BTreeSet<ItemKey> {
        describe::documents(catalogue)
    }

    fn canonicalise(&self, path: &LeafPath, value: &Value) -> Value {
        canonical::canonicalise(&path.0, value)
    }

    fn pack(&self, changes: Vec<DocumentChange>, packing: Packing) -> Vec<Vec<DocumentChange>> {
        let customers = if packing == Packing::Failed { 1 } else { self.customers_per_write };
        pack::pack(changes, customers, packing == Packing::Proven)
    }

    fn is_packed(&self, items: &[ItemKey]) -> bool {
        let customer = |item: &ItemKey| DocumentId::parse(item).map(|id| id.customer);
        items.iter().map(customer).collect::<BTreeSet<_>>().len() > 1
    }

    fn is_listed(&self, item: &ItemKey, catalogue: &Catalogue) -> Option<bool> {
        targets::is_listed(&DocumentId::parse(item)?, catalogue)
    }

    fn execution(&self) -> Execution {
        self.execution
    }

    fn secret_refs(&self, policy: &PolicySpec) -> BTreeSet<(String, String)> {
        translate::secret_refs(policy)
    }
}

#[async_trait]
impl Driver for Wfbss {
    fn translate(&self) -> &dyn Translate {
        &self.translator
    }

    async fn probe(&self) -> Result<Probe, DriverError> {
        let evidence = listing::evidence(&self.session).await?;
        let capability = |name: &str, state: &str| (name.to_owned(), state.to_owned());
        let tasks = if self.task_path.is_some() { "Unknown" } else { "Denied" };
        Ok(Probe {
            account: AccountRecord {
                fingerprint: self.fingerprint(&evidence),
                evidence,
                api: format!("SMPI {}", self.session.version),
                version: String::new(),
                tenant: String::new(),
                // Reading customers worked; nothing tells of writing before a write was tried.
                capabilities: BTreeMap::from([
                    capability("Read", "Allowed"),
                    capability("Write", "Unknown"),
                    capability("ReadTasks", tasks),
                ]),
                probed_at: self.session.clock.now(),
            },
        })
    }

    async fn catalogue(&self) -> Result<Catalogue, DriverError> {
        listing::catalogue(&self.session).await
    }

    async fn observe(&self, scope: &Scope) -> Result<Observation, DriverError> {
        read::observe(&self.session, scope).await
    }

    async fn execute(&self, step: &Step) -> Result<Outcome, DriverError> {
        write::execute(&self.session, step).await
    }

    async fn check(&self, operation: &str) -> Result<Option<TaskState>, DriverError> {
        match &self.task_path {
            Some(path) => path.state(&self.session, operation).await.map(Some),
            None => Ok(None),
        }
    }

    /// Every request proves itself: there is no session to leave.
    async fn close(&self) {}
}
