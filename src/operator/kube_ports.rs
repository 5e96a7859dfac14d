//! The worker's ports over the API server and real sockets.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::{Api, Client, Resource, ResourceExt as _};

use super::{bounded, wire::FencedWire};
use crate::{
    api::{LABEL_USE, Reason, SystemSpec, USE_CREDENTIALS},
    drivers::{
        Class, Driver, DriverError, connect,
        http::{
            Limits,
            real::{RealSettings, RealTransport},
        },
    },
    index::BackendView,
    model::{Clock, OwnerId, Secret},
    report::metrics::Metrics,
    worker::{
        apply::CALL_TIMEOUT,
        ports::{Connector, Fence, SecretError, SecretSource},
    },
};

/// Longest answer of a system.
const ANSWER: usize = 32 << 20;

/// Reads Secrets one by one, by `get` (R24).
pub struct KubeSecrets {
    client: Client,
}

impl KubeSecrets {
    /// Over this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn get<K>(&self, namespace: &str, name: &str) -> Result<K, SecretError>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        match bounded(api.get_opt(name)).await {
            Ok(found) => found.ok_or(SecretError::Missing),
            // The error of a Secret may quote it: its code is enough.
            Err(kube::Error::Api(status)) => {
                Err(SecretError::Unreadable(format!("the API server answered {}", status.code)))
            }
            Err(_) => Err(SecretError::Unreadable("the API server did not answer".into())),
        }
    }
}

#[async_trait]
impl SecretSource for KubeSecrets {
    async fn secret(
        &self,
        namespace: &str,
        name: &str,
        usage: &'static str,
    ) -> Result<BTreeMap<String, Secret>, SecretError> {
        let secret: KubeSecret = self.get(namespace, name).await?;
        if secret.labels().get(LABEL_USE).map(String::as_str) != Some(usage) {
            let label = if usage == USE_CREDENTIALS {
                "ordain.dev/use: credentials"
            } else {
                "ordain.dev/use: content"
            };
            return Err(SecretError::Unlabelled(label));
        }
        Ok(secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, Secret::new(value.0)))
            .collect())
    }

    async fn ca(&self, namespace: &str, kind: &str, name: &str, key: &str) -> Result<String, SecretError> {
        let missing = || SecretError::Unreadable(format!("has no key {key} with PEM text"));
        if kind == "Secret" {
            let keys = self.secret(namespace, name, USE_CREDENTIALS).await?;
            let text = keys.get(key).and_then(Secret::expose_str).ok_or_else(missing)?;
            return Ok(text.to_owned());
        }
        let map: ConfigMap = self.get(namespace, name).await?;
        if map.labels().get(LABEL_USE).map(String::as_str) != Some(USE_CREDENTIALS) {
            return Err(SecretError::Unlabelled("ordain.dev/use: credentials"));
        }
        map.data.unwrap_or_default().remove(key).ok_or_else(missing)
    }
}

/// Makes drivers over real sockets.
pub struct RealConnector {
    /// What the flags say about connections; a Backend's own authority comes on top.
    pub connections: RealSettings,
    /// This installation.
    pub owner: OwnerId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Measures.
    pub metrics: Metrics,
    /// Leadership.
    pub fence: Arc<dyn Fence>,
}

impl Connector for RealConnector {
    fn connect(
        &self,
        backend: &BackendView,
        system: &SystemSpec,
        credentials: &BTreeMap<String, Secret>,
        ca_pem: Option<&str>,
    ) -> Result<Arc<dyn Driver>, DriverError> {
        let transport = RealTransport::new(RealSettings {
            ca_pem: ca_pem.map(str::to_owned),
            ..self.connections.clone()
        })
        .map_err(|why| DriverError::new(Class::Rejected, Reason::CaInvalid, why.to_string()))?;
        let wire = FencedWire {
            wire: Arc::new(transport),
            system: system.name(),
            metrics: self.metrics.clone(),
            clock: self.clock.clone(),
            fence: self.fence.clone(),
        };
        let limits = limits(backend);
        self.metrics.connected(&backend.id, limits.meter.clone(), connect::expiry(system, credentials));
        connect::connect(system, credentials, &self.owner, Arc::new(wire), limits, self.clock.clone())
    }
}

/// `spec.limits`, with the bounds of the HTTP stack.
pub fn limits(backend: &BackendView) -> Limits {
    Limits {
        requests_per_minute: backend.settings.requests_per_minute,
        burst: backend.settings.burst,
        in_flight: backend.settings.in_flight,
        timeout: CALL_TIMEOUT,
        max_body: ANSWER,
        meter: crate::drivers::http::Meter::default(),
    }
}
