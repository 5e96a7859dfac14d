//! Two tenants × five kinds × every reference field: what stands in the other tenant's namespace is not found, and the
//! API server was never asked for it there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    fields::{self, put},
    rows::{Row, SYSTEMS, rows},
    tenants::{Tenants, copy_secret},
};
use crate::support::{
    apply_text,
    audit::{self, Asked},
    eventually, kubectl,
    programs::run,
    told::{Statuses, Told},
};

/// What belongs to one tenant, and what of the other it names.
struct Attempt<'a> {
    row: &'a Row,
    tenant: &'a str,
    /// Where what is named stands.
    other: &'a str,
    /// Of the object.
    name: String,
    /// What is named; it stands in the other's namespace and nowhere else.
    bait: String,
}

impl Attempt<'_> {
    fn kind(&self) -> &'static str {
        self.row.field.split('.').next().unwrap()
    }

    fn is_of_the_cluster(&self) -> bool {
        self.kind() == "ClusterBackend"
    }

    /// The object as its author would have it: the reference names the other's namespace, too.
    fn object(&self, backends: &Statuses) -> Value {
        let namespace = if self.is_of_the_cluster() { Value::Null } else { self.tenant.into() };
        let mut object = json!({
            "apiVersion": "ordain.dev/v1alpha1", "kind": self.kind(),
            "metadata": {"name": self.name, "namespace": namespace}, "spec": self.spec(backends),
        });
        let mut reference = self.row.with.clone();
        reference["name"] = self.bait.clone().into();
        put(&mut object, self.row.field, reference);
        object
    }

    fn spec(&self, backends: &Statuses) -> Value {
        match self.kind() {
            "PolicyAssignment" if self.row.field.contains("include") => binding("own", "wso2", json!({})),
            "PolicyAssignment" => binding("own", "wso2", engineers()),
            "Policy" if self.row.field.contains("wfbss") => hidden_leaf(),
            "Policy" => hidden_feature(),
            _ => {
                let system = self.row.field.split('.').nth(3).unwrap_or("wso2");
                let own = backends.get("backend", &system.to_lowercase());
                let mut spec = json!({"system": own["spec"]["system"]});
                if self.is_of_the_cluster() {
                    let namespaces = json!({"names": [self.tenant]});
                    spec["access"] =
                        json!([{"name": "all", "namespaces": namespaces, "targets": {"all": true}}]);
                }
                spec
            }
        }
    }

    /// A Policy is told about where it is assigned.
    fn assigned(&self) -> Option<Value> {
        let system = if self.row.field.contains("wfbss") { "wfbss" } else { "wso2" };
        (self.kind() == "Policy").then(|| {
            json!({
                "apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
                "metadata": {"name": self.name, "namespace": self.tenant},
                "spec": binding(&self.name, system, if system == "wfbss" { servers() } else { engineers() }),
            })
        })
    }

    /// Operators of other tests look at `ClusterBackends`, too, and whoever looked last is read; each seeks what is named
    /// in a namespace of its own.
    fn told(&self) -> Told {
        let namespace = if self.is_of_the_cluster() { "-system" } else { self.tenant };
        let filled = |words: &&str| words.replace('@', namespace).replace('#', &self.bait);
        let says = self.row.says.iter().map(filled).collect();
        Told { object: (self.row.told, self.name.clone()), condition: self.row.condition, says }
    }
}

fn engineers() -> Value {
    json!({"include": [{"wso2": {"roles": ["engineer"]}}]})
}

fn servers() -> Value {
    let everywhere = ["Alder Clinic", "Elder Farm"];
    let customer = |name: &str| json!({"name": name, "groups": [{"name": "Server (Default)"}]});
    json!({"include": [{"wfbss": {"customers": everywhere.map(customer)}}]})
}

fn binding(policy: &str, backend: &str, targets: Value) -> Value {
    json!({"policyRef": {"name": policy}, "backendRef": {"name": backend}, "targets": targets})
}

fn hidden_leaf() -> Value {
    let document = json!({"os": "win", "settings": {"behavior_monitoring": {"enabled": true}},
        "secrets": [{"path": "/client_privileges/unload_password"}]});
    json!({"content": {"wfbss": {"documents": [document]}}})
}

fn hidden_feature() -> Value {
    let feature =
        json!({"code": "VPN", "content": {"serverAddress": "v"}, "secrets": [{"path": "/sharedSecret"}]});
    json!({"content": {"wso2": {"profiles": [{"platform": "android", "features": [feature]}]}}})
}

fn attempts<'a>(rows: &'a [Row], tenants: &'a Tenants) -> Vec<Attempt<'a>> {
    let [one, two] = tenants.teams();
    let of = |(tenant, other): (&'a str, &'a str)| {
        rows.iter().enumerate().map(move |(number, row)| Attempt {
            row,
            tenant,
            other,
            name: format!("{tenant}-{number}"),
            bait: bait(row.field, other),
        })
    };
    [(one, two), (two, one)].into_iter().flat_map(of).collect()
}

/// Credentials differ by system, everything else is of one name.
fn bait(field: &str, owner: &str) -> String {
    let system = field.split('.').nth(3).filter(|_| field.ends_with("credentialsRef"));
    system.map_or_else(|| format!("of-{owner}"), |system| format!("of-{owner}-{}", system.to_lowercase()))
}

/// What a tenant has that the other would like: of every kind that can be named, working and labelled.
fn lay_baits(backends: &Statuses, owner: &str) {
    for system in SYSTEMS.map(str::to_lowercase) {
        copy_secret((owner, &system), (owner, &format!("of-{owner}-{system}")));
    }
    let pem = rcgen::generate_simple_self_signed(vec!["ca.test".into()]).unwrap().cert.pem();
    let ours = |api: &str, kind: &str, name: &str, body: Value| {
        let mut object =
            json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": owner}});
        object.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        object
    };
    let named = format!("of-{owner}");
    let camera = json!({"code": "CAMERA", "content": {"enabled": false}});
    let own =
        json!({"spec": {"content": {"wso2": {"profiles": [{"platform": "android", "features": [camera]}]}}}});
    let content = ours("v1", "Secret", &named, json!({"stringData": {"password": "b", "ca.crt": pem}}));
    let ca = ours("v1", "ConfigMap", &named, json!({"data": {"ca.crt": pem}}));
    let mut spec = backends.get("backend", "wso2")["spec"].clone();
    spec["suspend"] = true.into();
    let ordain = "ordain.dev/v1alpha1";
    let items = [
        ours(ordain, "Backend", &named, json!({"spec": spec})),
        ours(ordain, "Policy", &named, own.clone()),
        ours(ordain, "TargetGroup", &named, json!({"spec": {"wso2": {"roles": ["engineer"]}}})),
        ours(ordain, "Policy", "own", own),
        content,
        ca,
    ];
    apply_text(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    for (kind, label) in [("secret", "content"), ("configmap", "credentials")] {
        kubectl(&["label", kind, &named, "-n", owner, &format!("ordain.dev/use={label}")]);
    }
}

/// Creates what the API server takes; what it says.
fn create(objects: &[Value], flags: &[&str]) -> (bool, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    // Documents and no list, whose items kubectl would check by itself and not all of them.
    let documents: Vec<String> = objects.iter().map(Value::to_string).collect();
    std::fs::write(file.path(), documents.join("\n---\n")).unwrap();
    let mut arguments = vec!["create", "-o", "name", "-f", file.path().to_str().unwrap()];
    arguments.extend(flags);
    run("kubectl", &arguments)
}

/// The same objects with another reference in them.
fn changed(
    attempts: &[Attempt<'_>],
    backends: &Statuses,
    member: &str,
    value: impl Fn(&Attempt<'_>) -> Value,
) -> Vec<Value> {
    let with = |attempt: &Attempt<'_>| {
        let mut object = attempt.object(backends);
        put(&mut object, &format!("{}.{member}", attempt.row.field), value(attempt));
        object
    };
    attempts.iter().map(with).collect()
}

#[test]
fn every_reference_field_is_in_the_matrix() {
    let rows = rows();
    let covered: BTreeSet<String> = rows.iter().map(|row| row.field.to_owned()).collect();
    assert_eq!(covered, fields::references(), "a reference field without a row, or a row without a field");
    let expected = ["ClusterBackend.spec.access[].namespaces"].map(str::to_owned);
    assert_eq!(fields::namespaces(), expected.into(), "only `access` names namespaces");
    let without = ["TargetGroup"].map(str::to_owned).into();
    let kinds: BTreeSet<String> =
        covered.iter().map(|field| field.split('.').next().unwrap().to_owned()).collect();
    assert_eq!(
        fields::kinds().difference(&kinds).cloned().collect::<BTreeSet<_>>(),
        without,
        "names nothing"
    );
}

#[test]
fn a_reference_ends_at_the_namespace_and_nothing_is_asked_beyond_it() {
    let mut tenants = Tenants::new("tenants");
    let system = tenants.installation.system.clone();
    let backends = tenants.teams().map(Statuses::of);
    for (owner, backends) in tenants.teams().into_iter().zip(&backends) {
        lay_baits(backends, owner);
    }
    // A ClusterBackend whose authority is sought has credentials to begin with.
    copy_secret((&tenants.second, "wso2"), (&system, "wso2"));
    tenants.start();
    let rows = rows();
    let attempts = attempts(&rows, &tenants);
    refused_as_written(&attempts, &backends[0]);
    not_found(&attempts, &backends);
    nothing_was_asked_beyond(&tenants, &attempts);
}

/// A reference that says where it points is refused by the API server, whatever the field.
fn refused_as_written(attempts: &[Attempt<'_>], backends: &Statuses) {
    let elsewhere = changed(attempts, backends, "namespace", |attempt| attempt.other.into());
    let by_path = changed(attempts, backends, "name", |a| format!("../{}/{}", a.other, a.bait).into());
    for (objects, words) in [(&elsewhere, ".namespace\""), (&by_path, "should match")] {
        let (taken, said) = create(objects, &["--dry-run=server", "--validate=strict"]);
        assert!(!taken && !said.contains("created"), "{said}");
        assert_eq!(said.matches(words).count(), objects.len(), "{words}: {said}");
    }
}

/// Where the API server drops what it does not know, the name is sought in the object's own namespace.
fn not_found(attempts: &[Attempt<'_>], backends: &[Statuses; 2]) {
    let mut objects = changed(attempts, &backends[0], "namespace", |attempt| attempt.other.into());
    objects.extend(attempts.iter().filter_map(Attempt::assigned));
    let (taken, said) = create(&objects, &["--validate=ignore"]);
    assert!(taken, "{said}");
    let mut open: Vec<(&Attempt<'_>, Told)> = attempts.iter().map(|a| (a, a.told())).collect();
    let mut wrong = Vec::new();
    // One by one, since operators of other tests look at ClusterBackends too, and say what they find.
    let mut all_told = || {
        let mut places: Vec<(&str, Statuses)> = open
            .iter()
            .map(|(a, _)| a.tenant)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|n| (n, Statuses::of(n)))
            .collect();
        places.push(("", Statuses::of_the_cluster()));
        wrong.clear();
        open.retain(|(attempt, told)| {
            let place = if attempt.is_of_the_cluster() { "" } else { attempt.tenant };
            let statuses = &places.iter().find(|(name, _)| *name == place).unwrap().1;
            wrong.extend(statuses.differs(told));
            statuses.differs(told).is_some()
        });
        wrong.is_empty()
    };
    let told = eventually(&mut all_told);
    let of_the_cluster: Vec<&str> =
        attempts.iter().filter(|a| a.is_of_the_cluster()).map(|a| a.name.as_str()).collect();
    let mut gone = vec!["delete", "clusterbackend", "--wait=false"];
    gone.extend(of_the_cluster);
    kubectl(&gone);
    assert!(told, "{}", wrong.join("\n"));
}

fn nothing_was_asked_beyond(tenants: &Tenants, attempts: &[Attempt<'_>]) {
    let system = &tenants.installation.system;
    let all = audit::asked(&format!("system:serviceaccount:{system}:ordain"));
    let [one, two] = tenants.teams();
    let allowed = |asked: &Asked| {
        let read = ["get", "list", "watch"].contains(&asked.verb.as_str());
        let of_the_cluster = asked.resource.starts_with("clusterbackends") || asked.resource == "namespaces";
        let within = [one, two, system].contains(&asked.namespace.as_str());
        // Where other operators work stands on their Leases, and on nobody else's.
        let of_operators = (asked.verb.as_str(), asked.resource.as_str(), asked.name.as_str());
        of_the_cluster
            || within
            || of_operators == ("list", "leases", "ordain")
            || (!read && asked.resource == "events")
    };
    let beyond: BTreeSet<_> = all.iter().filter(|asked| !allowed(asked)).collect();
    assert!(beyond.is_empty(), "asked outside of both tenants: {beyond:#?}");
    let objects: Vec<&Asked> =
        all.iter().filter(|asked| ["secrets", "configmaps"].contains(&asked.resource.as_str())).collect();
    let listed: Vec<_> =
        objects.iter().filter(|asked| asked.verb != "get" && asked.namespace != *system).collect();
    assert!(listed.is_empty(), "R24: Secrets are read one by one: {listed:#?}");
    for attempt in attempts.iter().filter(|a| !a.row.field.starts_with("PolicyAssignment")) {
        let place = if attempt.is_of_the_cluster() { system } else { attempt.tenant };
        let of_bait = |namespace: &str| {
            objects.iter().any(|asked| asked.name == attempt.bait && asked.namespace == namespace)
        };
        let who = format!("{} of {}", attempt.row.field, attempt.name);
        assert!(of_bait(place), "{who}: {} is sought in {place}", attempt.bait);
        assert!(!of_bait(attempt.other), "{who}: {} was asked for in {}", attempt.bait, attempt.other);
    }
}
