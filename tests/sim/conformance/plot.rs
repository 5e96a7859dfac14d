//! What happens in a life that is killed or disturbed.

use serde_json::json;

use super::{Subject, life::with};
use crate::support::rig::Rig;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plot {
    /// From an empty store.
    Create,
    /// New content.
    Edit,
    /// Other targets.
    Retarget,
    /// The assignment is deleted.
    Release,
    /// Somebody else's object is taken over.
    Adopt,
    /// It is put back as it was (R11).
    Restore,
    /// R18: new content, and a deployment that takes long; killed from the last write to the proven deployment.
    Deploy,
    /// The same while something of somebody else's waits, which may be published along.
    DeployAlong,
    /// The same where that must not be published: nothing is written until its owner did so.
    DeployHeld,
}

impl Plot {
    /// The plots of which only what comes after the last write is of interest.
    pub fn is_about_the_deployment(self) -> bool {
        matches!(self, Self::Deploy | Self::DeployAlong)
    }

    /// Whether the system of this subject knows what the plot is about.
    pub fn fits(self, subject: &Subject) -> bool {
        match self {
            Self::Retarget => subject.has_targets,
            Self::Adopt => subject.made_by_hand.is_some(),
            // What was never read cannot be put back, and is told so (R11).
            Self::Restore => subject.made_by_hand.is_some() && (subject.rig)().facts().reads,
            Self::Deploy | Self::DeployAlong | Self::DeployHeld => subject.deploys.is_some(),
            Self::Create | Self::Edit | Self::Release => true,
        }
    }

    /// The rig before the plot, and whether its worker runs.
    pub async fn begin(self, subject: &Subject) -> (Rig, bool) {
        match self {
            Self::Create | Self::Adopt => ((subject.rig)(), false),
            Self::Edit | Self::Retarget | Self::Release => (subject.settled().await, true),
            Self::Restore => {
                let mut rig = (subject.rig)();
                let id = subject.made_by_hand.expect("the plot fits")(&rig);
                let more = json!({"adopt": {"id": id}, "releasePolicy": "Restore"});
                rig.assign("one", (subject.policy)(2), with(&(subject.targets)(2), more));
                rig.start();
                rig.settle().await;
                subject.assert_in_step(&rig, "one", "adopted");
                (rig, true)
            }
            Self::Deploy | Self::DeployAlong | Self::DeployHeld => {
                let rig = subject.settled().await;
                let deploys = subject.deploys.as_ref().expect("the plot fits");
                (deploys.takes_long)(&rig);
                if self == Self::DeployAlong {
                    rig.edit_system(|system| system["deploy"]["foreignChanges"] = "Include".into());
                    rig.settle().await;
                }
                if self != Self::Deploy {
                    (deploys.foreign_change)(&rig);
                }
                (rig, true)
            }
        }
    }

    pub fn act(self, subject: &Subject, rig: &Rig) {
        match self {
            Self::Create => rig.assign("one", (subject.policy)(1), (subject.targets)(1)),
            Self::Edit | Self::Deploy | Self::DeployAlong | Self::DeployHeld => {
                rig.assign("one", (subject.policy)(2), (subject.targets)(1));
            }
            Self::Retarget => rig.assign("one", (subject.policy)(1), (subject.targets)(2)),
            Self::Release | Self::Restore => rig.delete("one"),
            Self::Adopt => {
                let id = subject.made_by_hand.expect("the plot fits")(rig);
                let assignment = with(&(subject.targets)(1), json!({"adopt": {"id": id}}));
                let whole = with(&(subject.policy)(1), json!({"enabled": true, "description": "Taken over"}));
                rig.assign("one", whole, assignment);
            }
        }
    }
}
