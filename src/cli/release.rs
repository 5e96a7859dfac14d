//! `ordain release`: the way out when the operator is gone for good. Drops finalizers, touches no system.

use kube::{
    Api, Client, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::json;

use crate::api::{Backend, ClusterBackend, FINALIZER_IN_USE, FINALIZER_RELEASE, GROUP, PolicyAssignment};

/// Arguments of `ordain release`.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["all", "assignments"]))]
pub struct Args {
    /// Every assignment, and every Backend, of all namespaces
    #[arg(long)]
    pub all: bool,
    /// Assignments, as NAMESPACE/NAME, or NAME with --namespace
    pub assignments: Vec<String>,
    /// Namespace of names given without one
    #[arg(short, long, default_value = "default")]
    pub namespace: String,
    #[command(flatten)]
    cluster: super::Cluster,
}

/// Why something was not released.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way to the API server.
    #[error("cannot reach the API server")]
    Client(#[source] super::ClusterError),
    /// Listing failed.
    #[error("cannot list {0}")]
    List(&'static str, #[source] kube::Error),
    /// Some finalizers stayed.
    #[error("{0} objects were not released, see above")]
    Incomplete(usize),
}

/// Drops Ordain's finalizers and says so, one line an object.
///
/// What the systems hold stays as it is: this is `releasePolicy: Orphan` for everybody, without an operator.
///
/// # Errors
/// [`Error`].
pub async fn run(args: Args) -> Result<(), Error> {
    let client = args.cluster.client().await.map_err(Error::Client)?;
    if args.all && !has_kinds(&client).await? {
        println!("this cluster has no kinds of Ordain, and so nothing to release");
        return Ok(());
    }
    let mut failed = 0;
    for (namespace, name) in assignments(&args, &client).await? {
        let api: Api<PolicyAssignment> = Api::namespaced(client.clone(), &namespace);
        let label = format!("policyassignment {namespace}/{name}");
        failed += usize::from(!drop_finalizer(&api, &name, &label, FINALIZER_RELEASE).await);
    }
    if args.all {
        failed += backends(&client).await?;
    }
    if failed > 0 { Err(Error::Incomplete(failed)) } else { Ok(()) }
}

/// Whether the CRDs are there: with them every object of ours is gone.
async fn has_kinds(client: &Client) -> Result<bool, Error> {
    let groups = client.list_api_groups().await.map_err(|e| Error::List("API groups", e))?;
    Ok(groups.groups.iter().any(|group| group.name == GROUP))
}

async fn assignments(args: &Args, client: &Client) -> Result<Vec<(String, String)>, Error> {
    if !args.all {
        let split = |text: &String| match text.split_once('/') {
            Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
            None => (args.namespace.clone(), text.clone()),
        };
        return Ok(args.assignments.iter().map(split).collect());
    }
    let api: Api<PolicyAssignment> = Api::all(client.clone());
    // Metadata only: an assignment that cannot be decoded must not keep itself from being released.
    let list =
        api.list_metadata(&ListParams::default()).await.map_err(|e| Error::List("policyassignments", e))?;
    let ours = list.items.iter().filter(|o| o.finalizers().iter().any(|f| f == FINALIZER_RELEASE));
    Ok(ours.map(|o| (o.namespace().unwrap_or_default(), o.name_any())).collect())
}

async fn backends(client: &Client) -> Result<usize, Error> {
    let mut failed = 0;
    let list = Api::<Backend>::all(client.clone())
        .list_metadata(&ListParams::default())
        .await
        .map_err(|e| Error::List("backends", e))?;
    for backend in list.items.iter().filter(|b| b.finalizers().iter().any(|f| f == FINALIZER_IN_USE)) {
        let namespace = backend.namespace().unwrap_or_default();
        let api: Api<Backend> = Api::namespaced(client.clone(), &namespace);
        let label = format!("backend {namespace}/{}", backend.name_any());
        failed += usize::from(!drop_finalizer(&api, &backend.name_any(), &label, FINALIZER_IN_USE).await);
    }
    let api: Api<ClusterBackend> = Api::all(client.clone());
    let list =
        api.list_metadata(&ListParams::default()).await.map_err(|e| Error::List("clusterbackends", e))?;
    for backend in list.items.iter().filter(|b| b.finalizers().iter().any(|f| f == FINALIZER_IN_USE)) {
        let label = format!("clusterbackend {}", backend.name_any());
        failed += usize::from(!drop_finalizer(&api, &backend.name_any(), &label, FINALIZER_IN_USE).await);
    }
    Ok(failed)
}

/// Whether it is gone from the object; said on stdout or stderr.
async fn drop_finalizer<K>(api: &Api<K>, name: &str, label: &str, finalizer: &str) -> bool
where
    K: kube::Resource + Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    match try_drop(api, name, finalizer).await {
        Ok(true) => println!("{label} released"),
        Ok(false) => println!("{label} has nothing to release"),
        Err(error) => {
            eprintln!("{label}: {error}");
            return false;
        }
    }
    true
}

async fn try_drop<K>(api: &Api<K>, name: &str, finalizer: &str) -> Result<bool, kube::Error>
where
    K: kube::Resource + Clone + serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let Some(object) = api.get_metadata_opt(name).await? else { return Ok(false) };
    let finalizers = object.finalizers();
    let Some(at) = finalizers.iter().position(|f| f == finalizer) else { return Ok(false) };
    let path = format!("/metadata/finalizers/{at}");
    let operations =
        json!([{"op": "test", "path": path, "value": finalizer}, {"op": "remove", "path": path}]);
    let patch = serde_json::from_value(operations).map_err(kube::Error::SerdeError)?;
    api.patch_metadata(name, &PatchParams::default(), &Patch::<K>::Json(patch)).await?;
    Ok(true)
}
