//! Who this installation is: its keys and its owner id.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret as KubeSecret},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, api::PostParams};

use super::bounded;
use crate::{
    model::{OwnerId, Secret},
    store::Keys,
};

/// The operator's Secret.
const KEYS: &str = "ordain-keys";
const KEY: &str = "key";
/// What it is good for, for whoever finds it.
const LABELS: [(&str, &str); 2] =
    [("app.kubernetes.io/name", "ordain"), ("app.kubernetes.io/component", "keys")];

/// Why the identity cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The API server refused or did not answer.
    #[error("cannot {0}")]
    Api(String, #[source] kube::Error),
    /// The Secret is not what we made.
    #[error(
        "Secret {namespace}/{KEYS} has no usable `{KEY}` of 32 bytes or more; restore it, or delete it to start over"
    )]
    Unusable {
        /// Where.
        namespace: String,
    },
    /// `kube-system` has no uid.
    #[error("namespace kube-system has no uid; set --owner-id")]
    NoUid,
}

/// Whether the Secret with the keys is there: it is made by the first leader of an installation.
///
/// # Errors
/// [`IdentityError::Api`].
pub(super) async fn exists(client: &Client, namespace: &str) -> Result<bool, IdentityError> {
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
    let found = bounded(api.get_metadata_opt(KEYS)).await.map_err(failed("read", namespace))?;
    Ok(found.is_some())
}

/// The keys of the store and of marks: from the Secret `ordain-keys`, made once and never written over.
///
/// # Errors
/// [`IdentityError`].
pub async fn keys(client: &Client, namespace: &str) -> Result<Keys, IdentityError> {
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
    let found = bounded(api.get_opt(KEYS)).await.map_err(failed("read", namespace))?;
    let secret = match found {
        Some(secret) => secret,
        None => create(&api, namespace).await?,
    };
    let unusable = || IdentityError::Unusable { namespace: namespace.to_owned() };
    let bytes = secret.data.and_then(|mut data| data.remove(KEY)).ok_or_else(unusable)?;
    Keys::derive(&Secret::new(bytes.0)).map_err(|_| unusable())
}

async fn create(api: &Api<KubeSecret>, namespace: &str) -> Result<KubeSecret, IdentityError> {
    match bounded(api.create(&PostParams::default(), &fresh(namespace))).await {
        Ok(created) => Ok(created),
        // Somebody was faster, or our own answer was lost: what stands there counts.
        Err(error) => match bounded(api.get_opt(KEYS)).await {
            Ok(Some(standing)) => Ok(standing),
            _ => Err(failed("create", namespace)(error)),
        },
    }
}

fn fresh(namespace: &str) -> KubeSecret {
    let mut key = vec![0u8; 32];
    rand::fill(key.as_mut_slice());
    KubeSecret {
        metadata: ObjectMeta {
            name: Some(KEYS.into()),
            namespace: Some(namespace.into()),
            labels: Some(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(key))])),
        immutable: Some(true),
        ..KubeSecret::default()
    }
}

fn failed(verb: &str, namespace: &str) -> impl Fn(kube::Error) -> IdentityError {
    move |error| IdentityError::Api(format!("{verb} Secret {namespace}/{KEYS}"), error)
}

/// `--owner-id`, else a hash of the uid of namespace kube-system: the same for every installation of a cluster.
///
/// # Errors
/// [`IdentityError`].
pub async fn owner(client: &Client, given: Option<&str>) -> Result<OwnerId, IdentityError> {
    if let Some(given) = given {
        return Ok(OwnerId::new(given));
    }
    let api: Api<Namespace> = Api::all(client.clone());
    let failed = |error| IdentityError::Api("read namespace kube-system (or set --owner-id)".into(), error);
    let namespace = bounded(api.get_metadata("kube-system")).await.map_err(failed)?;
    namespace.metadata.uid.map(|uid| OwnerId::new(&uid)).ok_or(IdentityError::NoUid)
}
