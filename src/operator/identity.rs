//! Who this installation is: its keys and its owner id.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret as KubeSecret},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, api::PostParams};
use tokio::time::timeout;

use crate::{
    model::{OwnerId, Secret},
    store::Keys,
};

/// The operator's Secret.
const KEYS: &str = "ordain-keys";
const KEY: &str = "key";
const CALL: Duration = Duration::from_secs(10);

/// Why the identity cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The API server refused or did not answer.
    #[error("cannot {0}")]
    Api(String, #[source] kube::Error),
    /// No answer.
    #[error("cannot {0}: no answer within 10 s")]
    Silent(String),
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

/// The keys of the store and of marks: from the Secret `ordain-keys`, made once and never written over.
///
/// # Errors
/// [`IdentityError`].
pub async fn keys(client: &Client, namespace: &str) -> Result<Keys, IdentityError> {
    let api: Api<KubeSecret> = Api::namespaced(client.clone(), namespace);
    let found = call(format!("read Secret {namespace}/{KEYS}"), api.get_opt(KEYS)).await?;
    let secret = match found {
        Some(secret) => secret,
        None => create(&api, namespace).await?,
    };
    let unusable = || IdentityError::Unusable { namespace: namespace.to_owned() };
    let bytes = secret.data.and_then(|mut data| data.remove(KEY)).ok_or_else(unusable)?;
    Keys::derive(&Secret::new(bytes.0)).map_err(|_| unusable())
}

async fn create(api: &Api<KubeSecret>, namespace: &str) -> Result<KubeSecret, IdentityError> {
    let mut key = vec![0u8; 32];
    rand::fill(key.as_mut_slice());
    let secret = KubeSecret {
        metadata: ObjectMeta {
            name: Some(KEYS.into()),
            namespace: Some(namespace.into()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), ByteString(key))])),
        immutable: Some(true),
        ..KubeSecret::default()
    };
    let what = || format!("create Secret {namespace}/{KEYS}");
    match timeout(CALL, api.create(&PostParams::default(), &secret)).await {
        Ok(Ok(created)) => Ok(created),
        // Somebody was faster, or our own answer was lost: theirs counts.
        Ok(Err(kube::Error::Api(status))) if status.is_already_exists() => {
            call(format!("read Secret {namespace}/{KEYS}"), api.get(KEYS)).await
        }
        Ok(Err(error)) => Err(IdentityError::Api(what(), error)),
        Err(_) => Err(IdentityError::Silent(what())),
    }
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
    let namespace = call("read namespace kube-system".into(), api.get_metadata("kube-system")).await?;
    namespace.metadata.uid.map(|uid| OwnerId::new(&uid)).ok_or(IdentityError::NoUid)
}

async fn call<T>(
    what: String,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, IdentityError> {
    match timeout(CALL, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(IdentityError::Api(what, error)),
        Err(_) => Err(IdentityError::Silent(what)),
    }
}
