//! The rows of the matrix: where another object is named, and what is told where it is not found.

use serde_json::{Value, json};

/// A reference field, what it can name, and what is told where that is not found.
pub struct Row {
    /// As in [`fields::references`].
    pub field: &'static str,
    /// What stands in the reference besides the name.
    pub with: Value,
    /// Kind of the object that is told.
    pub told: &'static str,
    /// Condition, status and reason.
    pub condition: (&'static str, &'static str, &'static str),
    /// `@` stands for the reference's own namespace, `#` for the name.
    pub says: &'static [&'static str],
}

const READY: &str = "Ready";
/// As spelled in `spec.system`.
pub const SYSTEMS: [&str; 5] = ["wfbss", "symphony", "appShield", "tachyon", "wso2"];

fn row(
    field: &'static str,
    with: Value,
    told: &'static str,
    condition: (&'static str, &'static str),
    says: &'static [&'static str],
) -> Row {
    Row { field, with, told, condition: (condition.0, "False", condition.1), says }
}

/// Every reference field, and every kind of object it can name.
pub fn rows() -> Vec<Row> {
    let mut all = in_a_namespace();
    all.extend(["Backend", "ClusterBackend"].into_iter().flat_map(of_a_backend));
    all
}

fn in_a_namespace() -> Vec<Row> {
    vec![
        row(
            "PolicyAssignment.spec.policyRef",
            json!({}),
            "policyassignment",
            (READY, "PolicyNotFound"),
            &["Policy # does not exist", "create it"],
        ),
        row(
            "PolicyAssignment.spec.backendRef",
            json!({}),
            "policyassignment",
            (READY, "BackendNotFound"),
            &["Backend # does not exist", "create it"],
        ),
        row(
            "PolicyAssignment.spec.targets.include[].targetGroupRef",
            json!({}),
            "policyassignment",
            ("TargetsResolved", "TargetGroupNotFound"),
            &["TargetGroup # does not exist", "spec.targets.include[0]"],
        ),
        row(
            "PolicyAssignment.spec.targets.exclude[].targetGroupRef",
            json!({}),
            "policyassignment",
            ("TargetsResolved", "TargetGroupNotFound"),
            &["TargetGroup # does not exist", "spec.targets.exclude[0]"],
        ),
        row(
            "Policy.spec.content.wfbss.documents[].secrets[].secretKeyRef",
            json!({"key": "password"}),
            "policyassignment",
            (READY, "SecretMissing"),
            &["#"],
        ),
        row(
            "Policy.spec.content.wso2.profiles[].features[].secrets[].secretKeyRef",
            json!({"key": "password"}),
            "policyassignment",
            (READY, "SecretMissing"),
            &["#"],
        ),
    ]
}

/// Credentials and an authority: of a Backend in its own namespace, of a `ClusterBackend` in the operator's.
fn of_a_backend(kind: &str) -> Vec<Row> {
    let told: &'static str = if kind == "Backend" { "backend" } else { "clusterbackend" };
    let field = |member: String| -> &'static str { format!("{kind}.spec.{member}").leak() };
    let credentials = |system| {
        let field = field(format!("system.{system}.credentialsRef"));
        row(field, json!({}), told, (READY, "CredentialsMissing"), &["credentialsRef", "@/#", "create it"])
    };
    let authority = |ca| {
        let with = json!({"kind": ca, "key": "ca.crt"});
        row(field("caRef".into()), with, told, (READY, "CaInvalid"), &["spec.caRef", "@/#"])
    };
    SYSTEMS.into_iter().map(credentials).chain(["ConfigMap", "Secret"].map(authority)).collect()
}
