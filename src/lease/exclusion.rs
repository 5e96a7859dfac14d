//! Our Lease among those of other installations of the cluster: the stages of [`super::installation`], carried out.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, api::ListParams};
use tokio::time::sleep;

use super::{
    KEPT, Leadership, LeaseError, NAME, RENEW, bounded,
    installation::{self, Installation, Stage, Verdict, decide},
};

/// Between two looks while another one is in the way.
const LOOK: Duration = Duration::from_secs(5);

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
            let others = match self.others().await {
                Ok(others) => others,
                Err(error) => return Ok(Some(unseen(&error))),
            };
            match decide(&mine, &others) {
                Verdict::Go if mine.stage == Stage::Entering => return Ok(None),
                Verdict::Go => self.enter(Stage::Entering).await?,
                Verdict::StandBy(rival) => {
                    let waits = Waits {
                        told: self.neighbours.say(rival, &self.scope, Some(self.clock.now())),
                        gist: self.neighbours.say(rival, &self.scope, None),
                    };
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
        if stage > Stage::Claiming {
            self.unproven = Some(stage);
            self.set_stage(Stage::Entering);
        }
    }

    /// Whether our Lease, which was deleted and is there again, still keeps others out; `false`: that cannot be seen yet.
    /// Somebody may have come in while it was not there.
    pub(super) async fn prove(&mut self, stage: Stage) -> Result<bool, LeaseError> {
        let mine = self.installation()?;
        let others = match self.others().await {
            Ok(others) => others,
            Err(error) => {
                tracing::warn!(%error, "the Lease was deleted, and whether another operator came in cannot be seen");
                return Ok(false);
            }
        };
        if let Verdict::StandBy(rival) = decide(&mine, &others) {
            let came = &rival.namespace;
            return Err(self.lost(&format!("it was deleted, and the operator of namespace {came} came in")));
        }
        self.set_stage(stage);
        Ok(true)
    }

    pub(super) fn set_stage(&mut self, stage: Stage) {
        if let Some(lease) = &mut self.held {
            installation::write(lease, &self.scope, stage);
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.held.as_ref().and_then(Installation::of).map_or(Stage::Claiming, |mine| mine.stage)
    }

    async fn enter(&mut self, stage: Stage) -> Result<(), LeaseError> {
        self.set_stage(stage);
        self.write_through().await
    }

    fn installation(&self) -> Result<Installation, LeaseError> {
        let found = self.held.as_ref().and_then(Installation::of);
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
        let all: Api<Lease> = Api::all(self.api.clone().into_client());
        // Without a resourceVersion, which asks for what is current; by name, which is all the right that is granted.
        let found =
            bounded(all.list(&ListParams::default().fields(&format!("metadata.name={NAME}")))).await?;
        let others = found.items.iter().filter_map(Installation::of);
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
