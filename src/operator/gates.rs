//! What must hold before anything is done, in order.

use uuid::Uuid;

use super::{OperatorError, Parts, Settings, handover::forget_regained, identity, pause};
use crate::{
    lease::{Leadership, Taker},
    model::{OwnerId, in_full},
    store::{Claim, Expected, Opened, Outcome, Store, StoreError},
};

/// The gates of one start.
pub(super) struct Gates<'a> {
    pub(super) settings: &'a Settings,
    pub(super) parts: &'a Parts,
}

/// We lead, and nobody else can open the store.
pub(super) struct Led {
    pub(super) lease: Leadership,
    pub(super) claim: Claim,
    /// Of the store the last leader opened.
    pub(super) epoch: Option<u64>,
}

impl Gates<'_> {
    fn tell(&self, what: &str) {
        self.parts.readiness.send_replace(vec![what.to_owned()]);
    }

    /// The lock of the store, then the lease.
    pub(super) async fn lead(&self) -> Result<Led, OperatorError> {
        let Settings { namespace, instance, scope, .. } = self.settings;
        let Parts { client, clock, pulse, .. } = self.parts;
        let claim = self.claim().await?;
        let first = self.is_first().await;
        let me = Taker { identity: format!("{instance}_{}", Uuid::new_v4().simple()), place: claim.place() };
        let mut lease =
            Leadership::new(client.clone(), namespace, scope.clone(), me, clock.clone(), pulse.clone());
        self.tell("standing by for the lease");
        let epoch = lease.acquire(first, |waits| self.tell(waits)).await;
        Ok(Led { lease, claim, epoch })
    }

    /// A second process on the same volume waits: it must not touch the lease before the store is its own (F40).
    async fn claim(&self) -> Result<Claim, OperatorError> {
        let mut told = false;
        loop {
            self.parts.pulse.beat();
            match Store::claim(&self.settings.store) {
                Ok(claim) => return Ok(claim),
                Err(error @ StoreError::Locked { .. }) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "standing by");
                        self.tell(&format!("standing by: {error}"));
                    }
                }
                Err(error) => return Err(OperatorError::Store(self.settings.store.clone(), error)),
            }
            pause().await;
        }
    }

    /// Whether this is the first start of an installation, so that a missing Lease is not a deleted one.
    async fn is_first(&self) -> bool {
        let Settings { namespace, .. } = self.settings;
        let mut told = false;
        loop {
            self.parts.pulse.beat();
            match identity::exists(&self.parts.client, namespace).await {
                Ok(exists) => return !exists,
                Err(error) if !std::mem::replace(&mut told, true) => {
                    let error = in_full(&error);
                    tracing::warn!(error, "the API server does not let us start yet");
                    self.tell(&error);
                }
                Err(_) => {}
            }
            pause().await;
        }
    }

    /// No other operator of the cluster in our namespaces; then keys and owner, then the store, whose epoch stands on the
    /// Lease before anything else is done.
    pub(super) async fn open(
        &self,
        lease: &mut Leadership,
        claim: Claim,
        epoch: Option<u64>,
    ) -> Result<(Opened, OwnerId), OperatorError> {
        let Settings { namespace, owner_id, store, .. } = self.settings;
        let Parts { client, clock, hook, .. } = self.parts;
        lease.exclude(|waits| self.tell(waits)).await?;
        self.tell("opening the store");
        let keys = identity::keys(client, namespace).await?;
        let owner = identity::owner(client, owner_id.as_deref()).await?;
        tracing::info!(
            owner = owner.as_str(),
            "the owner id of this installation: --owner-id keeps it where it moves to another cluster"
        );
        let expected = Expected { epoch, outdated: !lease.kept_others_out() };
        let opened = match hook {
            Some(hook) => claim.open_hooked(keys, expected, clock.clone(), hook.clone()),
            None => claim.open(keys, expected, clock.clone()),
        };
        let opened = opened.map_err(|e| OperatorError::Store(store.clone(), e))?;
        if let Outcome::Lost(why) = &opened.outcome {
            tracing::error!(%why, aside = ?opened.aside, "the store is lost; objects are found again by mark and name");
        }
        let regained = match lease.regained() {
            Some(regains) => forget_regained(&opened.store, regains),
            None => Ok(Vec::new()),
        };
        let regained = regained.map_err(|e| OperatorError::Store(store.clone(), e))?;
        for backend in regained {
            tracing::warn!(
                %backend,
                "it is of a namespace that comes back to us, where another operator may have worked: what is remembered of it \
                 is forgotten; objects are found again by mark and name"
            );
        }
        lease.announce_epoch(opened.epoch).await?;
        Ok((opened, owner))
    }
}
