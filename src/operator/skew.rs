//! Whether the CRDs in the cluster are those of this version.
//!
//! Older ones drop fields without a word, newer ones take fields that nobody here reads. Neither stops the operator; both
//! are said once, with what to run. Read from what the API server publishes of its schemas, which every user may, so that
//! no right on CRDs is needed.

use std::{collections::BTreeSet, fmt, time::Duration};

use kube::Client;
use serde_json::Value;
use tokio::time::sleep;

use super::bounded;
use crate::api::{self, crds};

/// Fields named in one line; the rest is counted.
const NAMED: usize = 5;
/// The API server publishes a schema some time after it serves the kind, as right after an installation that brought both
/// CRDs and operator.
const PUBLISHED: Duration = Duration::from_secs(5);

/// How the CRDs in the cluster differ from ours, as `Kind.path.of.field` or `Kind`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skew {
    /// Ours, and not in the cluster.
    pub missing: BTreeSet<String>,
    /// In the cluster, and not ours.
    pub unknown: BTreeSet<String>,
}

/// Without it a status does not tell which Policy and TargetGroups it speaks of (R9).
const SOURCES: &str = "PolicyAssignment.status.observedSources";

impl Skew {
    /// What the dropping of a field leads to, where users would take it for something else.
    fn forgets(&self) -> &'static str {
        if !self.missing.contains(SOURCES) {
            return "";
        }
        "Without PolicyAssignment.status.observedSources no assignment counts as having proven its Policy and TargetGroups \
         when its status is read again, as after a restart or an edit of its labels: until Ordain has written it once more, \
         these fall back to Ready=False AssignmentsNotReady, and whoever waits for them (kubectl wait, Flux, Argo CD) \
         waits. "
    }
}

/// Looks, and says what was found in the log. What cannot be read is found out by whoever needs it.
pub async fn tell(client: &Client) {
    let Some(skew) = settled(client).await else { return };
    if !skew.missing.is_empty() {
        tracing::warn!(
            missing = %List(&skew.missing),
            "the CRDs in this cluster are older than this operator ({}), or not there: what it writes into these fields is \
             dropped, and nobody can set them. {}Bring this version's: helm upgrade with crds.enabled=true, or \
             ordain crds | kubectl apply --server-side -f -",
            env!("CARGO_PKG_VERSION"),
            skew.forgets()
        );
    }
    if !skew.unknown.is_empty() {
        tracing::warn!(
            unknown = %List(&skew.unknown),
            "the CRDs in this cluster are newer than this operator ({}): it does not read these fields, so whatever stands \
             in them has no effect. Upgrade the operator before anybody sets them",
            env!("CARGO_PKG_VERSION")
        );
    }
}

/// How they differ, if that can be read: a difference counts once it is still there after [`PUBLISHED`].
async fn settled(client: &Client) -> Option<Skew> {
    let first = look(client).await?;
    if first == Skew::default() {
        return Some(first);
    }
    sleep(PUBLISHED).await;
    look(client).await
}

async fn look(client: &Client) -> Option<Skew> {
    let path = format!("/openapi/v3/apis/{}", api::API_VERSION);
    let request = http::Request::get(path).body(Vec::new()).ok()?;
    let published = match bounded(client.request::<Value>(request)).await {
        Ok(published) => published,
        Err(kube::Error::Api(status)) if status.code == 404 => Value::Null,
        Err(error) => {
            tracing::debug!(%error, "the schemas of the CRDs cannot be read");
            return None;
        }
    };
    Some(compare(&published))
}

/// What the API server publishes, against the schemas of this version.
pub fn compare(published: &Value) -> Skew {
    let mut skew = Skew::default();
    let schemas = published.pointer("/components/schemas").and_then(Value::as_object);
    for crd in crds::all() {
        let kind = &crd.spec.names.kind;
        let ours = serde_json::to_value(&crd).unwrap_or_default();
        let ours =
            ours.pointer("/spec/versions/0/schema/openAPIV3Schema").map(|ours| fields_of_kind(ours, kind));
        let theirs = schemas.into_iter().flatten().find(|(_, schema)| is_of(schema, kind));
        let (Some(ours), Some((_, theirs))) = (ours, theirs) else {
            skew.missing.insert(kind.clone());
            continue;
        };
        let theirs = fields_of_kind(theirs, kind);
        skew.missing.extend(highest(ours.difference(&theirs)));
        skew.unknown.extend(highest(theirs.difference(&ours)));
    }
    skew
}

fn is_of(schema: &Value, kind: &str) -> bool {
    let kinds = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
    kinds.into_iter().flatten().any(|named| named.get("kind").is_some_and(|named| named == kind))
}

fn fields_of_kind(schema: &Value, kind: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in ["spec", "status"] {
        if let Some(part_of) = schema.pointer(&format!("/properties/{part}")) {
            fields(part_of, &format!("{kind}.{part}"), &mut found);
        }
    }
    found
}

fn fields(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for below in ["items", "additionalProperties"] {
        if let Some(below) = schema.get(below).filter(|below| below.is_object()) {
            fields(below, path, found);
        }
    }
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{name}");
        fields(field, &path, found);
        found.insert(path);
    }
}

/// A field that differs stands for all below it.
fn highest<'a>(differing: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for path in differing {
        let below =
            |above: &String| path.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('.'));
        if !kept.iter().any(below) {
            kept.push(path.clone());
        }
    }
    kept
}

struct List<'a>(&'a BTreeSet<String>);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.0.iter().take(NAMED).map(String::as_str).collect();
        f.write_str(&named.join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    /// As the API server publishes our CRDs.
    fn published() -> Value {
        let schemas = crds::all().into_iter().map(|crd| {
            let kind = crd.spec.names.kind.clone();
            let value = serde_json::to_value(&crd).unwrap();
            let mut schema = value["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
            schema["x-kubernetes-group-version-kind"] =
                json!([{"group": "ordain.dev", "version": "v1alpha1", "kind": kind}]);
            (format!("dev.ordain.v1alpha1.{kind}"), schema)
        });
        json!({"components": {"schemas": Value::Object(schemas.collect())}})
    }

    const SCHEMAS: &str = "/components/schemas";
    const SPEC: &str = "/components/schemas/dev.ordain.v1alpha1.Policy/properties/spec/properties";

    fn without(published: &mut Value, place: &str, name: &str) {
        let place = published.pointer_mut(place).and_then(Value::as_object_mut).unwrap();
        place.remove(name).unwrap();
    }

    fn without_groups(published: &mut Value) {
        without(published, SCHEMAS, "dev.ordain.v1alpha1.TargetGroup");
    }

    fn later(published: &mut Value) {
        let item = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        published.pointer_mut(SPEC).unwrap()["later"] = json!({"type": "array", "items": item});
    }

    #[test]
    fn what_differs_is_named_once_and_at_its_top() {
        type Edit = fn(&mut Value);
        let kinds = ["Backend", "ClusterBackend", "Policy", "PolicyAssignment", "TargetGroup"];
        let cases: [(&str, Edit, &[&str], &[&str]); 5] = [
            ("the same", |_| {}, &[], &[]),
            ("no CRD at all", |p| *p = Value::Null, &kinds, &[]),
            ("one kind is not there", without_groups, &["TargetGroup"], &[]),
            (
                "older: a part of the spec is not there",
                |p| without(p, SPEC, "content"),
                &["Policy.spec.content"],
                &[],
            ),
            ("newer: a list with fields of its own", later, &[], &["Policy.spec.later"]),
        ];
        for (why, edit, missing, unknown) in cases {
            let mut published = published();
            edit(&mut published);
            let skew = compare(&published);
            let words = |set: &BTreeSet<String>| {
                set.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!((words(&skew.missing), words(&skew.unknown)), (own(missing), own(unknown)), "{why}");
        }
    }

    #[test]
    fn what_is_dropped_without_being_noticed_is_told_with_what_it_leads_to() {
        const STATUS: &str =
            "/components/schemas/dev.ordain.v1alpha1.PolicyAssignment/properties/status/properties";
        let cases = [("mode", false), ("observedSources", true)];
        for (field, told) in cases {
            let mut published = published();
            without(&mut published, STATUS, field);
            let words = compare(&published).forgets();
            assert_eq!(
                words.contains("fall back to Ready=False AssignmentsNotReady"),
                told,
                "{field}: {words}"
            );
        }
        assert_eq!(compare(&Value::Null).forgets(), "", "where there is no kind at all, nothing falls back");
    }

    fn own(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// An API server whose first answers are these, and which has published everything from then on.
    fn api_server(first: &'static [Option<fn(&mut Value)>]) -> Client {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let service = tower::service_fn(move |_: http::Request<kube::client::Body>| {
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut schemas = published();
            let (status, text) = match first.get(number) {
                Some(None) => (404, "404 page not found\n".to_owned()),
                Some(Some(edit)) => {
                    edit(&mut schemas);
                    (200, schemas.to_string())
                }
                None => (200, schemas.to_string()),
            };
            let body = kube::client::Body::from(text.into_bytes());
            let answer = http::Response::builder().status(status).body(body).unwrap();
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_published_yet_is_no_difference() {
        let cases: [(&str, &'static [Option<fn(&mut Value)>], bool); 5] = [
            ("all is there", &[], true),
            ("nothing is published yet", &[None], true),
            ("one kind is not published yet", &[Some(without_groups)], true),
            ("nothing, and it stays so", &[None, None], false),
            ("newer, and it stays so", &[Some(later), Some(later)], false),
        ];
        for (why, first, fits) in cases {
            let skew = settled(&api_server(first)).await;
            assert_eq!(skew.map(|skew| skew == Skew::default()), Some(fits), "{why}");
        }
    }

    #[test]
    fn a_long_list_is_counted() {
        let all: BTreeSet<String> = (0..7).map(|n| format!("Policy.spec.f{n}")).collect();
        assert!(List(&all).to_string().ends_with("Policy.spec.f4 and 2 more"), "{}", List(&all));
    }
}
