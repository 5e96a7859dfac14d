//! The audience of a running operator: the writer is told what to write, the supervisor what to start.

use tokio::sync::mpsc;

use super::{Audience, IndexHandle, Status, Watched};
use crate::{
    index::{Kind, unbound::Unbound},
    model::{BackendId, ObjectName, Uid},
    report::{
        aggregate::{PolicyFacts, Said, TargetGroupFacts},
        facts::BackendFacts,
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

fn key(object: &Watched<'_>) -> Option<Key> {
    match object.kind {
        Kind::PolicyAssignment => Some(Key::Assignment(object.name())),
        Kind::Policy => Some(Key::Policy(object.name())),
        Kind::TargetGroup => Some(Key::TargetGroup(object.name())),
        Kind::Backend | Kind::ClusterBackend => object.backend().map(Key::Backend),
        Kind::Namespace => None,
    }
}

impl Audience for Announcer {
    fn seen(&self, object: &Watched<'_>, status: Option<&Status>) {
        let Some(key) = key(object) else { return };
        let (writer, metadata) = (&self.writer, object.metadata);
        let observed = match status {
            None => writer.observed(&key, metadata, None::<&crate::api::PolicyStatus>),
            Some(Status::Assignment(status)) => writer.observed(&key, metadata, Some(&**status)),
            Some(Status::Backend(status)) => writer.observed(&key, metadata, Some(&**status)),
            Some(Status::Policy(status)) => writer.observed(&key, metadata, Some(&**status)),
            Some(Status::TargetGroup(status)) => writer.observed(&key, metadata, Some(&**status)),
        };
        if observed == Observed::Foreign {
            self.announce(News::Foreign(key));
        }
    }

    fn gone(&self, object: &Watched<'_>) {
        if let Some(key) = key(object) {
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
