//! Reasons: every word that may stand in a condition's or a problem's `reason`.

use std::{collections::HashMap, sync::LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Declares the reasons: each with what it means and what to do, from which documentation is made.
macro_rules! reasons {
    ($($group:literal { $($name:ident: $meaning:literal, $help:literal;)+ })+) => {
        /// Why a condition is what it is, in one word.
        ///
        /// A word never changes its meaning; new ones are added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $meaning] #[doc = "\n\nWhat to do: "] #[doc = $help] $name,)+)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// The word as it stands in a status.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => stringify!($name),)+)+
                }
            }

            /// The chapter of the documentation it belongs to.
            pub const fn group(self) -> &'static str {
                match self {
                    $($(Self::$name)|+ => $group,)+
                }
            }

            /// What it means, in one sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $($(Self::$name => $meaning,)+)+
                }
            }

            /// What to do about it.
            pub const fn help(self) -> &'static str {
                match self {
                    $($(Self::$name => $help,)+)+
                }
            }
        }
    };
}

reasons! {
    "Healthy" {
        Pending: "Nothing has looked at this object yet.", "Wait; if it stays, check that the operator runs and watches this namespace.";
        InStep: "The system holds what this generation says.", "Nothing.";
        Connected: "The system answers, the credentials work, and the account is the known one.", "Nothing.";
        Resolved: "Every target named was found.", "Nothing.";
        Accepted: "The system can hold the policy, and took it.", "Nothing.";
        Valid: "The object is well formed and nothing stands against it.", "Nothing.";
        AllAssignmentsReady: "Every assignment that counts has proven this generation.", "Nothing.";
        StalledAssignments: "Every assignment that is not stalled has proven this generation; those that are wait for a human.", "Look at the stalled assignments: each says what to do.";
        NotAssigned: "No assignment names this object, so nothing is to be done.", "Create a PolicyAssignment that names it.";
        Observing: "The assignment only observes: nothing is written, differences are shown in status.plan.", "Set `mode: Apply` when the plan is what you want.";
        Suspended: "Suspended on purpose: nothing is written.", "Remove `suspend` to go on.";
    }
    "Working" {
        Probing: "The backend is being connected: version, permissions and account are found out.", "Wait.";
        Resolving: "Names of targets are being looked up.", "Wait.";
        Applying: "Changes are being sent.", "Wait.";
        Creating: "An object is being created, and its answer was lost; it is looked for before trying again.", "Wait.";
        Verifying: "Changes were sent and are being read back.", "Wait.";
        Releasing: "Things no longer wanted are being released.", "Wait.";
        Terminating: "The object is being deleted and what it put into the system is being released.", "Wait; while Stalled is True, do what its message says.";
        AssignmentsNotReady: "At least one assignment has not proven this generation yet.", "Look at the assignments named in the message.";
        Throttled: "The system asked to slow down, or our own limit is used up.", "Wait; raise `limits` if the system allows more.";
        Conflict: "Somebody changed the same thing at the same moment; it is looked at again.", "Wait.";
        OlderThanApplied: "The cluster shows an older state than was already applied: its API server lags behind, or it was restored from a backup. Nothing is written.", "Wait; after a restore, set `ordain.dev/reconcile-requested-at` on the Backend if the state shown is meant.";
        CatalogueIncomplete: "A list of the system was cut or changed while it was read, so nothing is concluded from what is missing.", "Wait; it is read again.";
        NotObserved: "What the system holds has not been read since the start or since it was last doubted.", "Wait.";
    }
    "Drift" {
        DriftDetected: "The system holds something else than Git says.", "Wait for the correction; with `drift.correction: Report`, or in Observe, decide who is right.";
        NotReadable: "The system gives no way to read what it holds, so nobody can say whether it is in step.", "Configure the read path (`appShield.paths.get`) if your version has one.";
        WriteNotSticking: "The system answered that it took a value, and reads back another one.", "Read the paths in the message; the system may normalise, cap or lock them. Write the value it keeps.";
        Contested: "Somebody else changed our value three times within 24 hours; it is corrected only once a day until that ends.", "Find out who writes it and agree on one of you.";
        Overridden: "Another assignment of higher priority wins some of the paths.", "Nothing, if that is meant; else change the priorities.";
        ConflictingValue: "Two assignments of equal priority want different values for the same path; the value that stands stays.", "Give them different priorities, or the same value.";
        Shadowed: "A policy that Ordain does not manage stands above ours in the system's order and is active.", "Lower or deactivate the other policy in the console.";
        DuplicateMark: "Two objects in the system bear the same mark of ours; the recorded one is used, the other left alone.", "Delete the copy in the console.";
        Orphaned: "Objects bear our mark though nothing claims them; they are left alone.", "Adopt them, or delete them in the console.";
    }
    "Tasks" {
        TaskPending: "The system has queued our change as a task.", "Wait.";
        TaskStarted: "The system works on our change.", "Wait.";
        TaskFailed: "The task failed, also after one more try.", "Read the message; mend the content or the target, or request a reconcile.";
        TaskRevoked: "Somebody cancelled the task in the system. It is never blindly sent again.", "Find out why; request a reconcile to send it again.";
        TaskOverdue: "The task did not end in time and reading shows that it did nothing. It is sent again once an hour.", "Look at the task queue of the system.";
    }
    "Deployment" {
        Deploying: "A deployment is under way in the system.", "Wait.";
        WaitingForDeployment: "Changes are in the system and wait for a person to deploy them.", "Deploy in the console, or set `deploy.mode: Automatic`.";
        ForeignPendingChanges: "Somebody else's changes wait for the same deployment; nothing is written until they are deployed or gone.", "Deploy or undo them in the console, or set `deploy.foreignChanges: Include`.";
        DeploymentOverdue: "A deployment did not end in time.", "Look at the deployment in the console.";
    }
    "Guard" {
        HeldByGuard: "Removals wait, because they exceed the guard; additions go on.", "Check that the removals are meant. Then raise `guard.maxRemovals`, or annotate the Backend with `ordain.dev/approve-removals: \"<count>\"`. The way back: set `releasePolicy: Orphan` on what is being removed.";
        TargetsHeld: "Changes wait, because they touch more targets than the guard allows.", "Check that they are meant, then raise `guard.maxTargets`.";
        RemovalsFrozen: "Removals on this account wait, because an object that may claim the same things cannot be decoded.", "Mend the object named in the message.";
    }
    "References" {
        BackendNotFound: "The backend named does not exist.", "Create it; backendRef is immutable, so a wrong name needs another assignment.";
        BackendUnavailable: "The backend is not Ready and work is pending.", "Look at the conditions of the backend.";
        PolicyNotFound: "The Policy named does not exist; what was applied stays as it is.", "Create it again, or delete the assignment.";
        FacetMissing: "The Policy has no facet for the system of the backend.", "Add the facet to `content`, or assign another Policy.";
        TargetGroupNotFound: "A TargetGroup named does not exist; what it last resolved to stays.", "Create it again, or take it out of `include`.";
        SystemMismatch: "Targets or options are in the words of another system than the backend's.", "Use the words of the backend's system.";
        TargetsRequired: "The assignment names no targets, and the system has no reach of its own.", "Name `targets.include`, or say `targets.everyone: true`.";
        TargetsNotApplicable: "The system has no targets: the reach of the policy is its scopes.", "Remove `targets`.";
        AccessDenied: "No `access` entry of the ClusterBackend allows this.", "Ask the owner of the ClusterBackend for what the message names.";
        AdoptionDenied: "The ClusterBackend does not allow this namespace to adopt.", "Ask its owner for `adoption: Allow`, or remove `adopt`.";
        SecretMissing: "A Secret or a key that the Policy names does not exist.", "Create it, labelled `ordain.dev/use: content`.";
        SecretNotUsable: "The Secret lacks the label that lets Ordain read it.", "Label it `ordain.dev/use: content` (or `credentials`).";
        NamespaceNotWatched: "The operator does not work in this namespace.", "Add the namespace to `--watch-namespaces`.";
    }
    "Targets" {
        NoTargets: "The selection reaches nobody.", "Check `include` and `exclude`; if it is meant, say `allowEmpty: true`.";
        TargetsUnresolved: "Some targets were not found; all others proceed and nothing is removed meanwhile.", "Look at status.problems.";
        CustomerNotFound: "The system has no such customer.", "Check the GUID or the name in the console.";
        GroupNotFound: "The system has no such group.", "Check the id or the name in the console.";
        TargetNotFound: "The system has no such target.", "Check it in the console; status.problems names it.";
        RoleNotFound: "The system has no such role.", "Check the name in the console.";
        UserNotFound: "The system has no such user.", "Check the id or the name in the console.";
        RuleNotFound: "The system has no such rule.", "Create the rule, or correct its name.";
        DictionaryNotFound: "The system has no such dictionary.", "Create the dictionary, or correct its name.";
        AmbiguousName: "Several objects in the system bear this name.", "Name it by `id`.";
        ExcludeNotFound: "Something excluded was not found, so nothing of this assignment is sent.", "Correct `exclude`.";
        CustomerExpired: "The customer's licence has expired and the system refuses writes for it.", "Renew the licence, or take the customer out.";
        TargetKindUnsupported: "The system cannot hold a policy for this kind of target.", "Use another kind; for devices on WSO2 see `deviceLinks`.";
        AlsoMatchesUngroupedDevices: "The system would give a policy for groups to every device in no group too.", "Target roles or users, or set `ungroupedDevices: Accept` in the backend.";
        ExcludeUnsupported: "The system cannot subtract, so nothing of this assignment is sent.", "Remove `exclude` and name whom you mean.";
        MatchesEveryone: "The selection means everybody to the system.", "Say `everyone: true`, if you mean it.";
        EveryoneUnsupported: "The system has no way to say everybody.", "Name whom you mean in `include`.";
        SharedDocument: "The document also serves groups that are not targets, so it is not written.", "Target all of its groups, or separate them in the console.";
    }
    "Content" {
        Invalid: "The object breaks a rule that the API server would refuse today.", "Correct the fields named in the message.";
        Undecodable: "The object cannot be decoded; what it last claimed is kept.", "Correct the field named in the message.";
        Unsupported: "The system cannot express something that the policy says.", "Remove it from the policy, or use another system.";
        Rejected: "The system refused the change.", "Correct what the message names.";
        NameConflict: "The name is taken by an object that is not ours.", "Choose another displayName, or `adopt` the object.";
        UnlicensedFragments: "A rule uses fragments that the licence does not cover; the policy stays disabled.", "License them, or remove the rule.";
        RestoreUnsupported: "Delete is not possible on WFBSS: its documents exist as long as their groups do.", "Choose `Orphan` (they stay) or `Restore` (what stood there before comes back).";
        RestoreIncomplete: "What stood there before is not known for every leaf, so it could not be restored everywhere.", "Set the leaves named in the message by hand, or `releasePolicy: Orphan`.";
        SeedUnknown: "It is no longer known whether `replicateFrom` ran; it is not run again by itself.", "Raise `revision` to copy once more.";
        SeedNeedsOrphan: "replicateFrom needs `releasePolicy: Orphan`, since a copied document cannot be taken back.", "Set `releasePolicy: Orphan`.";
    }
    "Identity" {
        AmbiguousIdentity: "Several objects bear our mark and none is recorded, so nothing is written.", "Delete all but one in the console.";
        AdoptionRequired: "An object that may be ours exists, and nothing proves it.", "Name it in `adopt`, or rename it in the console.";
        ConflictingAdoption: "An older assignment of the same policy adopts another object; the oldest decides.", "Let all of them name the same object, or only one.";
        AdoptionTargetNotFound: "The object to adopt does not exist.", "Correct `adopt`.";
        OwnedByAnother: "The object bears the mark of another object or installation of Ordain; nothing is written to it and it is never adopted.", "Manage it from one place only, or remove the mark in the console.";
        ExternalObjectGone: "The adopted object vanished. It is never created again by itself.", "Bring it back in the console, or remove `adopt`.";
    }
    "Backend" {
        Unreachable: "No connection to the system.", "Check URL, network policy, DNS and the system; the message names the step that failed.";
        TlsFailed: "The system's certificate is not acceptable.", "Name the right authority in `caRef`, or mend the certificate.";
        AddressRefused: "The URL leads to an address that Backends may not point at.", "Use another address; for the sandbox run the operator with `--allow-loopback`.";
        Unauthorized: "The system refuses the credentials.", "Correct the Secret; it is read again when it changes or on request.";
        SessionContested: "Somebody else logs in with the same account and ends our sessions, or we come from more than one address; we rest in between instead of fighting.", "Give Ordain an account of its own, and one address to come from.";
        Forbidden: "The account lacks a permission.", "Grant what the message names.";
        CredentialsMissing: "The Secret with the credentials does not exist.", "Create it, labelled `ordain.dev/use: credentials`; or let go of everything with `releasePolicy: Orphan`.";
        CredentialsInvalid: "A key of the Secret is missing, empty or malformed.", "Correct the key named in the message.";
        CaInvalid: "`caRef` leads to nothing that holds PEM certificates.", "Correct `caRef`, and label the object `ordain.dev/use: credentials`.";
        AccountChanged: "Another account answers than the one this backend worked with; nothing is written.", "If that is meant, annotate with `ordain.dev/accept-account: <fingerprint>`.";
        AccountAlreadyManaged: "Another backend works with the same account; only one does.", "Use the backend named in the message and delete this one.";
        VersionUnsupported: "The system is of a version that is not supported.", "Correct `version`, `api` or `generation`, or upgrade the system.";
        UnexpectedAnswer: "The system answers in a form that is not understood; nothing is concluded from it.", "Check that the URL leads to the API; report it if it does.";
        PartialView: "The account sees only a part of the system, so nothing is removed or replaced.", "Give the account the full view, if removals are wanted.";
        SlowCycle: "Looking at everything takes more than twice the drift interval.", "Lengthen `drift.interval`, or raise `limits`.";
    }
    "Operator" {
        StoreUnavailable: "The backing store cannot be written; nothing is sent until it can.", "Look at the volume of the operator.";
        StoreLost: "The backing store is new; nothing is created or removed until what exists was found again.", "Wait; see status.memory for what cannot be found again.";
        ReleaseBlocked: "The release cannot finish without help.", "Do what the message says; `kubectl patch` with `releasePolicy: Orphan` always lets go without a call.";
        InternalError: "Something unforeseen happened while working on this object; it is tried again later.", "Report it, with the operator's log.";
        Unrecognized: "A reason that another version of the operator wrote.", "See the documentation of that version.";
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Any text decodes, an unknown one as [`Reason::Unrecognized`]: a status that another version
/// wrote must not make an object undecodable (F16).
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Reason;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Reason, E> {
        static BY_WORD: LazyLock<HashMap<&str, Reason>> =
            LazyLock::new(|| Reason::ALL.iter().map(|reason| (reason.as_str(), *reason)).collect());
        Ok(BY_WORD.get(text).copied().unwrap_or(Reason::Unrecognized))
    }
}
