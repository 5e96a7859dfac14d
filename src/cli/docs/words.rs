//! What stands in metadata and in conditions: labels, annotations, finalizers, types of conditions.

use std::fmt::Write as _;

use super::head;
use crate::api::{
    self, ANNOTATION_ACCEPT_ACCOUNT, ANNOTATION_APPROVE_REMOVALS, ANNOTATION_EXTERNAL_ID,
    ANNOTATION_RECONCILE, FINALIZER_IN_USE, FINALIZER_RELEASE, LABEL_USE, USE_CONTENT, USE_CREDENTIALS,
    conditions::ConditionType,
};
use crate::lease::{LEASE_UID, OUTDATED, SERVES, STAGE, WATCHES};

/// Key, value, kinds and meaning of what users set.
const SET: [(&str, &str, &str, &str); 5] = [
    (
        LABEL_USE,
        USE_CREDENTIALS,
        "Secret, ConfigMap",
        "may be read as the credentials or the certificate authority of a Backend",
    ),
    (LABEL_USE, USE_CONTENT, "Secret", "may be read as a secret value of a Policy (`secrets`)"),
    (
        ANNOTATION_RECONCILE,
        "any new value",
        "PolicyAssignment, Backend, ClusterBackend",
        "look now, and read credentials again; answered by the same value in `status.lastHandledReconcileAt` of assignments",
    ),
    (
        ANNOTATION_APPROVE_REMOVALS,
        "the number that is held",
        "Backend, ClusterBackend",
        "lets exactly that many held removals through, once",
    ),
    (
        ANNOTATION_ACCEPT_ACCOUNT,
        "the fingerprint in the message",
        "Backend, ClusterBackend",
        "another account than the known one may be worked with",
    ),
];

/// Key, kinds and meaning of what Ordain sets.
const FOUND: [(&str, &str, &str); 8] = [
    (
        ANNOTATION_EXTERNAL_ID,
        "Policy, PolicyAssignment",
        "annotation: the id of its object in a system that lists nothing; authenticated, so a copy elsewhere counts for nothing",
    ),
    (
        FINALIZER_RELEASE,
        "PolicyAssignment",
        "finalizer: it may have put something into a system; goes once that is released",
    ),
    (
        FINALIZER_IN_USE,
        "Backend, ClusterBackend",
        "finalizer: an assignment that is not yet released names it",
    ),
    (
        WATCHES,
        "Lease",
        "annotation: the namespaces its installation works in, or `*`; while this Lease exists no other one works there",
    ),
    (
        STAGE,
        "Lease",
        "annotation: `serving` once it works there; `claiming` while another one does, `entering` for the moment between",
    ),
    (
        SERVES,
        "Lease",
        "annotation: the namespaces that are its own already, also while it claims more and waits; written like `watches`, and empty where none of those it served is left",
    ),
    (
        LEASE_UID,
        "Lease",
        "annotation: the uid of this Lease; one restored from a copy has another, and claims anew",
    ),
    (
        OUTDATED,
        "Lease",
        "annotation: others were not kept out all the time, so its store is set aside if anything is in it; goes once it serves",
    ),
];

/// Labels, annotations and finalizers.
pub fn metadata() -> String {
    let mut text = head(
        "Labels and annotations",
        &format!(
            "What users set, and what they find, in the metadata of objects. All begin with `{}/`.",
            api::GROUP
        ),
    );
    text.push_str("\n## Set by you\n\n| key | value | on | says |\n|---|---|---|---|\n");
    for (key, value, on, says) in SET {
        let value = if value.contains(' ') { value.to_owned() } else { format!("`{value}`") };
        let _ = writeln!(text, "| `{key}` | {value} | {on} | {says} |");
    }
    text.push_str("\n## Set by Ordain\n\n| key | on | says |\n|---|---|---|\n");
    for (key, on, says) in FOUND {
        let _ = writeln!(text, "| `{key}` | {on} | {says} |");
    }
    text
}

/// Types of conditions, what each status of them says, and on which kinds they stand.
pub fn conditions() -> String {
    let mut text = head(
        "Conditions",
        "Types of conditions. Every one carries the generation it speaks of, one of the [reasons](reasons.md), and a message \
         that says what to do.",
    );
    text.push_str("\n| type | on | `True` | else |\n|---|---|---|---|\n");
    for condition in ConditionType::ALL {
        let (kinds, otherwise) = elsewhere(*condition);
        let otherwise = if condition.only_while_true() { "it is not listed" } else { otherwise };
        let _ = writeln!(text, "| `{condition}` | {kinds} | {} | {otherwise} |", condition.meaning());
    }
    text.push_str(
        "\nOn a Backend `Ready` speaks of the connection: the account answers, and is the known one. `Ready=False` alone means that Ordain goes on by itself; together with `Stalled=True` it waits for you. A new object \
         has `Ready=Unknown` (`Pending`) from the API server on, so that no tool takes an object nobody looked at for a healthy \
         one.\n",
    );
    text
}

/// The kinds a condition stands on, and what it says while it is not `True`.
const fn elsewhere(condition: ConditionType) -> (&'static str, &'static str) {
    match condition {
        ConditionType::Ready => (
            "all kinds",
            "`False`: not proven for this generation, or not connected. `Unknown`: nothing has looked at it yet",
        ),
        ConditionType::Reconciling | ConditionType::Stalled => ("all kinds", ""),
        ConditionType::TargetsResolved => (
            "PolicyAssignment",
            "`False`: some were not found; all others proceed. `Unknown`: the account sees only a part, or nothing was read yet",
        ),
        ConditionType::Accepted => {
            ("PolicyAssignment", "`False`: it cannot hold it, or refused it. `Unknown`: it was not asked yet")
        }
        ConditionType::InSync => (
            "PolicyAssignment",
            "`False`: the message names at most 20 paths that differ. `Unknown`: the system cannot be read, or was not yet, or nothing of this generation may be sent",
        ),
        ConditionType::Overridden => ("PolicyAssignment", ""),
        ConditionType::PendingDeployment | ConditionType::Held => ("Backend, ClusterBackend", ""),
    }
}
