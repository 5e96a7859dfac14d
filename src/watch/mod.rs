//! Streams from the API server into the index.
//!
//! ```text
//! list + watch per kind (and namespace) ─▶ decode one by one ─▶ batches ─▶ IndexHandle ─▶ Audience, workers
//! ```
//!
//! Nothing is told before every list is complete or known not to be readable. A list that cannot be
//! read keeps back what it may touch, not the process; [`IndexHandle::troubles`] names verb and resource.

mod announce;
mod audience;
mod decode;
mod handle;
mod streams;

use kube::Client;
use tokio::task::JoinSet;

use crate::{
    api::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup},
    index::{Feed, Kind},
};

pub use announce::{Announcer, News, echo};
pub use audience::{Audience, Watched};
pub use decode::Status;
pub use handle::IndexHandle;

/// Follows everything the operator works with, until dropped; all streams end with it.
///
/// Returns only where a stream ended, which none does by itself: its name.
pub async fn run(client: Client, handle: IndexHandle) -> Feed {
    let mut streams = JoinSet::new();
    for feed in handle.scope().feeds() {
        streams.spawn(follow(client.clone(), feed, handle.clone()));
    }
    match streams.join_next().await {
        Some(Ok(feed)) => feed,
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // There is always a feed, and nobody else cancels one.
        Some(Err(_)) | None => Feed { kind: Kind::Namespace, namespace: None },
    }
}

async fn follow(client: Client, feed: Feed, handle: IndexHandle) -> Feed {
    let own = feed.clone();
    match feed.kind {
        Kind::Namespace => streams::follow_namespaces(client, own, handle).await,
        Kind::Policy => streams::follow::<Policy>(client, own, handle).await,
        Kind::TargetGroup => streams::follow::<TargetGroup>(client, own, handle).await,
        Kind::Backend => streams::follow::<Backend>(client, own, handle).await,
        Kind::ClusterBackend => streams::follow::<ClusterBackend>(client, own, handle).await,
        Kind::PolicyAssignment => streams::follow::<PolicyAssignment>(client, own, handle).await,
    }
    feed
}
