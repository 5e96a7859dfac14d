//! What is wrong as it is written: names that lead nowhere or to several, names that are taken, keys that are none.

use serde_json::{Value, json};

use super::{
    manifests::{
        assignment, assignment_of_all, backend_like, camera, credentials, customer, dictionary,
        management_group, people, policy_of, roles, rows, rule,
    },
    told,
};
use crate::support::{Installation, told::Told};

/// What each is told.
pub fn table() -> Vec<Told> {
    let targets = |reason| ("TargetsResolved", reason);
    let include = "spec.targets.include[0]";
    let refused = |reason| ("Accepted", reason);
    let invalid = ("Ready", "CredentialsInvalid");
    let allowed = "allowed is an RSA key of 2048, 3072 or 4096 bits as unencrypted PEM";
    let rows: &[(&str, &str, (&'static str, &'static str), &[&str])] = &[
        ("backend", "der", invalid, &["key privateKey", "binary (DER?)", allowed]),
        ("backend", "encrypted", invalid, &["key privateKey", "encrypted with a passphrase", allowed]),
        ("backend", "weak", invalid, &["key privateKey", "less than 2048 bits", allowed]),
        ("backend", "weak-application", invalid, &["key privateKey", "less than 2048 bits", allowed]),
        ("backend", "another-certificate", invalid, &["privateKey", "certificate", "made together"]),
        ("backend", "portal-of-html", ("Ready", "VersionUnsupported"), &["portalUrl"]),
        ("policyassignment", "no-user", targets("UserNotFound"), &["nosuchuser", include]),
        (
            "policyassignment",
            "no-rule",
            refused("RuleNotFound"),
            &["spec.content.tachyon.rules", "nosuchrule"],
        ),
        ("policyassignment", "no-kiosks", targets("GroupNotFound"), &["nosuchgroup", include]),
        (
            "policyassignment",
            "no-words",
            refused("DictionaryNotFound"),
            &["spec.content.symphony.dictionaries", "nosuchwords"],
        ),
        ("policyassignment", "no-login", targets("UserNotFound"), &["nosuchlogin", include]),
        ("policyassignment", "two-groups", targets("AmbiguousName"), &[include, "Contractors", "by id"]),
        (
            "policyassignment",
            "other-case",
            targets("GroupNotFound"),
            &[include, "Sales EMEA", "compared exactly"],
        ),
        ("policyassignment", "two-customers", targets("AmbiguousName"), &[include, "Birch Dental", "by id"]),
        ("policyassignment", "two-servers", targets("AmbiguousName"), &[include, "Servers", "by id"]),
        (
            "policyassignment",
            "taken",
            refused("NameConflict"),
            &["VPN for sales", "spec.displayName", "spec.adopt"],
        ),
        (
            "policyassignment",
            "taken-in-other-case",
            refused("NameConflict"),
            &["vpn FOR sales", "spec.displayName"],
        ),
        ("policyassignment", "taken-with-blanks", refused("NameConflict"), &["Kiosk", "spec.displayName"]),
        (
            "policyassignment",
            "taken-rules",
            refused("NameConflict"),
            &["WINDOWS baseline", "spec.displayName"],
        ),
    ];
    rows.iter().map(|(kind, name, condition, says)| told(kind, name, *condition, says)).collect()
}

/// What other people did in the consoles before.
pub fn prepare(installation: &Installation) {
    let birch = json!({"addCustomer": {"name": "Birch Dental", "id": "B9CC5A34-3CAD-480D-A9ED-87656316D3B9"},
        "addGroup": {"customer": "Cedar Logistics", "name": "Servers", "type": 2}});
    installation.sandbox.by_hand("wfbss", &birch);
    let kiosk = json!({"add": [{"name": " Kiosk ", "deviceType": "android", "features": {"CAMERA": {"enabled": false}}}]});
    installation.sandbox.by_hand("wso2", &kiosk);
}

/// Credentials that are none, and Backends that use them.
pub fn backends(installation: &Installation, html: &str) -> Vec<Value> {
    let pem = include_str!("../../../src/sandbox/symphony/keys/sandbox.pem");
    let certificate = include_str!("../../../src/sandbox/tachyon/keys/sandbox.crt");
    let other = include_str!("../../../src/sandbox/tachyon/tests/keys/other.pem");
    let weak = include_str!("../../../src/drivers/signer/weak.pem");
    // The lines of a PEM text are the base64 of the DER, which is what `data` of a Secret takes.
    let der: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
    let mut binary = credentials("der", &json!({"username": "dlp-operator"}));
    binary["data"] = json!({"privateKey": der});
    let user = |key: &str| json!({"username": "dlp-operator", "privateKey": key});
    let application =
        |key: &str| json!({"applicationId": "ordain-sandbox", "certificate": certificate, "privateKey": key});
    let mut all = vec![
        binary,
        credentials("encrypted", &user(include_str!("../../../src/drivers/signer/encrypted.pem"))),
        credentials("weak", &user(weak)),
        credentials("weak-application", &application(weak)),
        credentials("another-certificate", &application(other)),
    ];
    let like = |system: &str, name: &str| {
        backend_like(installation, system, name, &json!({"credentialsRef": {"name": name}}))
    };
    all.extend(["der", "encrypted", "weak"].map(|name| like("symphony", name)));
    all.extend(["weak-application", "another-certificate"].map(|name| like("tachyon", name)));
    all.push(backend_like(installation, "tachyon", "portal-of-html", &json!({"portalUrl": html})));
    all
}

/// Policies and assignments.
pub fn assignments() -> Vec<Value> {
    let mut all = vec![
        policy_of("rows", "Rows", &rows()),
        policy_of("usb", "USB", &rule("usb-start-type")),
        policy_of("no-rule", "No rule", &rule("nosuchrule")),
        policy_of("no-words", "No words", &dictionary("nosuchwords")),
        policy_of("taken", "VPN for sales", &camera()),
        policy_of("taken-in-other-case", "vpn FOR sales", &camera()),
        policy_of("taken-with-blanks", "Kiosk", &camera()),
        policy_of("taken-rules", "WINDOWS baseline", &rule("usb-start-type")),
        assignment("no-user", "good", "wso2", &json!({"wso2": {"users": ["nosuchuser"]}})),
        assignment("no-rule", "no-rule", "tachyon", &management_group("Kiosks")),
        assignment("no-kiosks", "usb", "tachyon", &management_group("nosuchgroup")),
        assignment_of_all("no-words", "no-words", "symphony"),
        assignment("no-login", "rows", "appshield", &people("users", "nosuchlogin")),
        assignment("two-groups", "rows", "appshield", &people("groups", "Contractors")),
        assignment("other-case", "rows", "appshield", &people("groups", "sales emea")),
        assignment("two-customers", "scanner", "wfbss", &customer("Birch Dental", "Servers")),
        assignment("two-servers", "scanner", "wfbss", &customer("Cedar Logistics", "Servers")),
        assignment("taken-rules", "taken-rules", "tachyon", &management_group("Kiosks")),
    ];
    let taken = ["taken", "taken-in-other-case", "taken-with-blanks"];
    all.extend(taken.map(|name| assignment(name, name, "wso2", &roles(&["engineer"]))));
    all
}
