//! The audience of a running operator: the writer is told what to write, the supervisor what to start.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Audience, IndexHandle, Watched};
use crate::{
    index::{Kind, unbound::Unbound},
    model::{BackendId, BackendKind, ObjectName, Uid},
    report::{
        aggregate::{PolicyFacts, Said, TargetGroupFacts},
        facts::BackendFacts,
        memo::Memo,
        writer::{Key, Observed, WriterHandle},
    },
    worker::ports::Reporter,
};

/// What the supervisor has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Start a worker, unless one runs.
    Appeared(BackendId),
    /// Its worker ends by itself.
    Gone(BackendId),
    /// Take the finalizer off an assignment no worker owns ([`Reporter::remove_finalizer`]).
    LetGo(ObjectName, Uid),
    /// Somebody else wrote the status: whoever reports on the backend reports again.
    Foreign(Key),
}

/// Tells the writer and the supervisor.
pub struct Announcer {
    writer: WriterHandle,
    news: mpsc::UnboundedSender<News>,
}

impl Announcer {
    /// An audience in front of the writer, and the supervisor's end of it. What piles up there is
    /// bounded by the number of objects.
    pub fn new(writer: WriterHandle) -> (Self, mpsc::UnboundedReceiver<News>) {
        let (news, receiver) = mpsc::unbounded_channel();
        (Self { writer, news }, receiver)
    }

    /// A supervisor that is gone has nothing to do any more.
    fn announce(&self, news: News) {
        let _ = self.news.send(news);
    }
}

fn key(kind: Kind, name: ObjectName) -> Option<Key> {
    let backend = |kind, name: ObjectName| {
        let (namespace, name) = (Arc::clone(&name.namespace), Arc::clone(&name.name));
        Key::Backend(Box::new(BackendId { kind, namespace, name }))
    };
    match kind {
        Kind::PolicyAssignment => Some(Key::Assignment(name)),
        Kind::Policy => Some(Key::Policy(name)),
        Kind::TargetGroup => Some(Key::TargetGroup(name)),
        Kind::Backend => Some(backend(BackendKind::Backend, name)),
        Kind::ClusterBackend => Some(backend(BackendKind::ClusterBackend, name)),
        Kind::Namespace => None,
    }
}

impl Audience for Announcer {
    fn seen(&self, object: &Watched<'_>, status: Option<Memo>) {
        let Some(key) = key(object.kind, object.name.clone()) else { return };
        let observed = self.writer.observed(&key, object.uid, object.metadata, status);
        if observed == Observed::Foreign {
            self.announce(News::Foreign(key));
        }
    }

    fn gone(&self, kind: Kind, name: &ObjectName) {
        if let Some(key) = key(kind, name.clone()) {
            self.writer.gone(&key);
        }
    }

    fn said(&self, assignment: &ObjectName) -> Option<Said> {
        self.writer.said(assignment)
    }

    fn unbound(&self, verdict: Unbound) {
        let Unbound { facts, let_go } = verdict;
        let (name, uid) = (facts.name.clone(), facts.uid.clone());
        self.writer.assignment(facts);
        if let_go {
            self.announce(News::LetGo(name, uid));
        }
    }

    fn unbound_backend(&self, facts: BackendFacts) {
        self.writer.backend(facts);
    }

    fn policy(&self, facts: PolicyFacts) {
        self.writer.policy(facts);
    }

    fn target_group(&self, facts: TargetGroupFacts) {
        self.writer.target_group(facts);
    }

    fn backend_appeared(&self, backend: &BackendId) {
        self.announce(News::Appeared(backend.clone()));
    }

    fn backend_gone(&self, backend: &BackendId) {
        self.announce(News::Gone(backend.clone()));
    }
}

/// Keeps Policies and TargetGroups up to date with what the statuses of their assignments say, until dropped.
pub async fn echo(handle: IndexHandle, writer: WriterHandle) {
    let mut changes = writer.changes();
    while changes.changed().await.is_ok() {
        handle.said_changed(&writer.take_changed());
    }
}
