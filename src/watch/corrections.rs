//! What was put back lately, out of Events: for whoever looks from outside, with his own rights.

use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use kube::{Api, Client, api::ListParams};
use tokio::time::timeout;

use super::onlook::{ANSWERS, told};
use crate::{
    api::EventReason,
    index::Scope,
    model::ObjectName,
    overview::Cluster,
    report::{corrections::Correction, events::CONTROLLER},
};

/// Events asked for; what was put back before them is not told.
const MOST: u32 = 500;

/// Notes what the API server still knows to have been put back, for an hour where nobody set it otherwise, and where
/// Events may not be listed.
pub async fn note_corrections(client: &Client, scope: &Scope, cluster: &mut Cluster) {
    let namespaces: Vec<Option<&str>> = match scope {
        Scope::All => vec![None],
        Scope::Only(names) => names.iter().map(|name| Some(&**name)).collect(),
    };
    cluster.corrections.clear();
    for namespace in namespaces {
        let what = namespace.map_or_else(|| "events".to_owned(), |name| format!("events in {name}"));
        match timeout(ANSWERS, list(client, namespace)).await {
            Ok(Ok(found)) => {
                cluster.corrections.extend(found);
                cluster.unlisted.remove(&what);
            }
            Ok(Err(error)) => cluster.misses(what, &told(&error)),
            Err(_) => cluster.misses(what, "the API server takes too long to answer"),
        }
    }
}

async fn list(client: &Client, namespace: Option<&str>) -> Result<Vec<Correction>, kube::Error> {
    let events: Api<v1::Event> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let corrected = EventReason::DriftCorrected.as_str();
    let wanted =
        format!("reason={corrected},involvedObject.kind=PolicyAssignment,reportingComponent={CONTROLLER}");
    let listed = events.list(&ListParams::default().fields(&wanted).limit(MOST)).await?;
    Ok(listed.items.into_iter().filter_map(correction).collect())
}

/// As `kubectl get events` reads it: the count and the last time of a series, where it is one.
fn correction(event: v1::Event) -> Option<Correction> {
    let (namespace, name) = (event.involved_object.namespace?, event.involved_object.name?);
    let series = event.series;
    let times = series.as_ref().and_then(|series| series.count).and_then(|count| u32::try_from(count).ok());
    let last: Option<Timestamp> = series.and_then(|series| Some(series.last_observed_time?.0));
    let at = last.or(event.event_time.map(|at| at.0)).or(event.last_timestamp.map(|at| at.0))?;
    let assignment = ObjectName::new(namespace, name);
    Some(Correction { assignment, note: event.message.unwrap_or_default(), at, times: times.unwrap_or(1) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_as_kubectl_reads_it() {
        let cases = [
            (json!({}), "12:00:00Z", 1, "told once"),
            (
                json!({"series": {"count": 7, "lastObservedTime": "2026-11-29T12:30:00.000000Z"}}),
                "12:30:00Z",
                7,
                "a series",
            ),
            (json!({"series": {"count": -1}}), "12:00:00Z", 1, "no count that can be"),
        ];
        for (more, at, times, why) in cases {
            let mut event = json!({"metadata": {"name": "e"}, "message": "put back",
                "involvedObject": {"kind": "PolicyAssignment", "namespace": "mobile", "name": "pin"},
                "eventTime": "2026-11-29T12:00:00.000000Z"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let found = correction(serde_json::from_value(event).unwrap()).unwrap();
            assert_eq!((found.at.to_string(), found.times), (format!("2026-11-29T{at}"), times), "{why}");
            assert_eq!(
                (found.assignment, &*found.note),
                (ObjectName::new("mobile", "pin"), "put back"),
                "{why}"
            );
        }
    }
}
