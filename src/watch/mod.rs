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
mod corrections;
mod decode;
mod handle;
mod once;
mod onlook;
mod streams;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use kube::Client;
use tokio::task::JoinSet;

use crate::{
    api::{Backend, ClusterBackend, Policy, PolicyAssignment, TargetGroup},
    index::{Feed, Kind},
};

pub use announce::{Announcer, News, echo};
pub use audience::{Audience, Watched};
pub use corrections::note_corrections;
pub use decode::Arrived;
pub use handle::IndexHandle;
pub use once::{ListError, Listed, list};
pub use onlook::{ANSWERS, look, onlook};

/// Follows everything the operator works with, until dropped; all streams end with it.
pub async fn run(client: Client, handle: IndexHandle) -> Infallible {
    let mut streams = JoinSet::new();
    for feed in handle.scope().feeds() {
        streams.spawn(follow(client.clone(), feed, handle.clone()));
    }
    match streams.join_next().await {
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // No stream ends by itself, and nobody else cancels one.
        _ => std::future::pending().await,
    }
}

async fn follow(client: Client, feed: Feed, handle: IndexHandle) {
    match feed.kind {
        Kind::Namespace => streams::follow_namespaces(client, feed, handle).await,
        Kind::Policy => streams::follow::<Policy>(client, feed, handle).await,
        Kind::TargetGroup => streams::follow::<TargetGroup>(client, feed, handle).await,
        Kind::Backend => streams::follow::<Backend>(client, feed, handle).await,
        Kind::ClusterBackend => streams::follow::<ClusterBackend>(client, feed, handle).await,
        Kind::PolicyAssignment => streams::follow::<PolicyAssignment>(client, feed, handle).await,
    }
}
