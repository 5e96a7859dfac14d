//! Our Lease among those of other installations of the cluster: the stages of [`super::installation`], carried out.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Resource as _,
    api::{ListParams, Request},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    KEPT, Leadership, LeaseError, NAME, RENEW, bounded,
    installation::{self, Installation, Stage, Verdict, decide},
    record,
};

/// Between two looks while another one is in the way.
const LOOK: Duration = Duration::from_secs(5);

/// Leases, each to be decoded for itself.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Value>,
}

/// Why it does not go on: for people, and without what changes all the time.
struct Waits {
    told: String,
    gist: String,
}

impl Leadership {
    /// Returns once no other installation of the cluster works where we do. While one does, whether or not its process
    /// is alive, ours is kept and `tell` is told what it waits for; the log says so once.
    ///
    /// # Errors
    /// The lease is lost.
    pub async fn exclude(&mut self, tell: impl Fn(&str)) -> Result<(), LeaseError> {
        let mut gist = String::new();
        while let Some(waits) = self.advance().await? {
            tell(&waits.told);
            if waits.gist != gist {
                tracing::warn!("{}", waits.told);
                gist = waits.gist;
            }
            self.renew_in_time().await?;
            sleep(LOOK).await;
            self.pulse.beat();
        }
        if !gist.is_empty() {
            tracing::info!("no other operator works in these namespaces any more: going on");
        }
        Ok(())
    }

    /// As far as it may: `None` where nobody else may come in any more.
    async fn advance(&mut self) -> Result<Option<Waits>, LeaseError> {
        loop {
            let mine = self.installation()?;
            if mine.stage == Stage::Serving {
                return Ok(None);
            }
            match self.rival(&mine).await {
                Err(error) => return Ok(Some(unseen(&error))),
                Ok(None) if mine.stage == Stage::Entering => return Ok(None),
                Ok(None) => self.enter(Stage::Entering).await?,
                Ok(Some(rival)) => {
                    let waits = Waits {
                        told: self.neighbours.say(&rival, &self.scope, Some(self.clock.now())),
                        gist: self.neighbours.say(&rival, &self.scope, None),
                    };
                    // Somebody at work, where we may have been before. One of an earlier version does not say where, and
                    // was beside us all the time, or is a leftover; where it did work here, its marks are found.
                    if mine.serves.is_none() && rival.scope.is_some() && rival.stage > Stage::Claiming {
                        self.mistrust_store();
                    }
                    if mine.stage != Stage::Claiming {
                        self.enter(Stage::Claiming).await?;
                    }
                    return Ok(Some(waits));
                }
            }
        }
    }

    /// Our Lease was deleted and is there again: what it had come to counts once [`Self::prove`] says so.
    pub(super) fn doubt(&mut self, stage: Stage) {
        self.fence.doubt();
        self.mistrust_parts();
        if let Some(lease) = &mut self.held {
            installation::set_served(lease, None);
        }
        if stage > Stage::Claiming {
            // Deleted once more, it had come no less far.
            self.unproven = self.unproven.max(Some(stage));
            self.set_stage(Stage::Entering);
        }
    }

    /// Whether our Lease keeps others out as far as it says, also where it was deleted and is there again; `false`: that
    /// cannot be seen yet.
    pub(super) async fn is_proven(&mut self) -> Result<bool, LeaseError> {
        let Some(stage) = self.unproven else { return Ok(true) };
        let proven = self.prove(stage).await?;
        if proven {
            self.unproven = None;
            self.fence.trust();
        }
        Ok(proven)
    }

    /// Somebody may have come in while our Lease was not there.
    async fn prove(&mut self, stage: Stage) -> Result<bool, LeaseError> {
        let mine = self.installation()?;
        match self.rival(&mine).await {
            Err(error) => {
                tracing::warn!(%error, "the Lease was deleted, and whether another operator came in cannot be seen");
                Ok(false)
            }
            Ok(Some(Installation { namespace, .. })) => {
                Err(self.lost(&format!("it was deleted, and the operator of namespace {namespace} came in")))
            }
            Ok(None) => {
                self.set_stage(stage);
                Ok(true)
            }
        }
    }

    /// Who keeps us from going on, as the cluster is now.
    async fn rival(&mut self, mine: &Installation) -> Result<Option<Installation>, kube::Error> {
        let others = self.others().await?;
        Ok(match decide(mine, &others) {
            Verdict::Go => None,
            Verdict::StandBy(rival) => Some(rival.clone()),
        })
    }

    fn set_stage(&mut self, stage: Stage) {
        if let Some(lease) = &mut self.held {
            installation::write(lease, &self.scope, stage);
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.held.as_ref().and_then(Installation::ours).map_or(Stage::Claiming, |mine| mine.stage)
    }

    /// Writes that it has come so far; where the Lease was deleted meanwhile, once that is proven.
    pub(super) async fn enter(&mut self, stage: Stage) -> Result<(), LeaseError> {
        match &mut self.unproven {
            Some(reached) if stage > Stage::Claiming => *reached = stage,
            unproven => {
                *unproven = None;
                self.set_stage(stage);
            }
        }
        self.write_through().await
    }

    /// Our Lease was deleted while it claims more than it served. Which part of the store is to be believed stood there alone,
    /// and what it served was nobody's meanwhile: nothing of it is.
    pub(super) fn mistrust_parts(&mut self) {
        let adds = |mine: Installation| mine.stage < Stage::Serving && mine.serves.is_some();
        if self.held.as_ref().and_then(Installation::ours).is_some_and(adds) {
            self.mistrust_store();
        }
    }

    /// Given back before it is proven that nobody came in, it cannot be proven any more.
    pub(super) fn mistrust_unproven(&mut self) {
        if self.unproven.is_some() {
            self.mistrust_store();
        }
    }

    fn mistrust_store(&mut self) {
        if let Some(lease) = &mut self.held {
            record::set_outdated(lease);
        }
    }

    fn installation(&self) -> Result<Installation, LeaseError> {
        let found = self.held.as_ref().and_then(Installation::ours);
        found.ok_or_else(|| self.lost("it was never held"))
    }

    async fn renew_in_time(&mut self) -> Result<(), LeaseError> {
        if self.fence.left().is_zero() {
            return Err(self.lost("it was not renewed in time"));
        }
        if self.fence.left() + RENEW <= KEPT {
            self.renew().await?;
        }
        Ok(())
    }

    /// All others of the cluster, never older than the last write of anybody.
    async fn others(&mut self) -> Result<Vec<Installation>, kube::Error> {
        let client = self.api.clone().into_client();
        // Without a resourceVersion, which asks for what is current; by name, which is all the right that is granted.
        let named = ListParams::default().fields(&format!("metadata.name={NAME}"));
        let asked =
            Request::new(Lease::url_path(&(), None)).list(&named).map_err(kube::Error::BuildRequest)?;
        let found: Listed = bounded(client.request(asked)).await?;
        let others =
            found.items.iter().map(Installation::decode).filter_map(|lease| Installation::of(&lease));
        let others = others.filter(|other| other.namespace != self.namespace).collect();
        Ok(self.neighbours.look(others, self.clock.monotonic()))
    }
}

/// Nobody is let in by who cannot see.
fn unseen(error: &kube::Error) -> Waits {
    let told = match error {
        kube::Error::Api(status) if status.code == 403 => format!(
            "standing by: the Leases of other operators cannot be seen: {}; it needs a ClusterRole that allows: list leases \
             of coordination.k8s.io, resourceNames [{NAME}] (chart: rbac.create)",
            status.message
        ),
        error => format!("standing by: the Leases of other operators cannot be seen: {error}"),
    };
    Waits { gist: told.clone(), told }
}
