//! What was put back lately, out of Events: for whoever looks from outside, with his own rights.

use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use kube::{Api, Client, api::ListParams};
use tokio::time::{Instant, timeout_at};

use super::onlook::{ANSWERS, told};
use crate::{
    api::EventReason,
    index::Scope,
    model::ObjectName,
    overview::Cluster,
    report::{corrections::Correction, events::CONTROLLER},
};

/// Events asked for at once.
const PAGE: u32 = 500;
/// How often more are asked for: the API server gives them by name, so the latest may be among the last.
const PAGES: usize = 10;

/// Notes what the API server still knows to have been put back, for an hour where nobody set it otherwise, and where
/// Events may not be listed. All of it takes no longer than [`ANSWERS`]; what has not come by then, or is too much, is noted
/// as not seen.
pub async fn note_corrections(client: &Client, scope: &Scope, cluster: &mut Cluster) {
    let namespaces: Vec<Option<&str>> = match scope {
        Scope::All => vec![None],
        Scope::Only(names) => names.iter().map(|name| Some(&**name)).collect(),
    };
    cluster.corrections.clear();
    let deadline = Instant::now() + ANSWERS;
    for namespace in namespaces {
        let what = namespace.map_or_else(|| "events".to_owned(), |name| format!("events in {name}"));
        let some = format!("some {what}");
        cluster.unlisted.retain(|missed, _| *missed != what && *missed != some);
        let known = cluster.corrections.len();
        let why = match timeout_at(deadline, list(client, namespace, &mut cluster.corrections)).await {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => {
                "there are too many, and the API server gives them by name, not by time".to_owned()
            }
            Ok(Err(error)) => told(&error),
            Err(_) => "the API server takes too long to answer".to_owned(),
        };
        cluster.misses(if cluster.corrections.len() > known { some } else { what }, &why);
    }
}

/// Adds what is found; whether that is all.
async fn list(
    client: &Client,
    namespace: Option<&str>,
    found: &mut Vec<Correction>,
) -> Result<bool, kube::Error> {
    let events: Api<v1::Event> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let corrected = EventReason::DriftCorrected.as_str();
    let wanted =
        format!("reason={corrected},involvedObject.kind=PolicyAssignment,reportingComponent={CONTROLLER}");
    let mut params = ListParams::default().fields(&wanted).limit(PAGE);
    for _ in 0..PAGES {
        let listed = events.list(&params).await?;
        found.extend(listed.items.into_iter().filter_map(correction));
        let Some(next) = listed.metadata.continue_.filter(|next| !next.is_empty()) else { return Ok(true) };
        params = params.continue_token(&next);
    }
    Ok(false)
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
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::convert::Infallible;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    fn event(minute: usize) -> Value {
        json!({"metadata": {"name": format!("e{minute}")}, "message": format!("put back {minute}"),
            "involvedObject": {"kind": "PolicyAssignment", "namespace": "mobile", "name": "pin"},
            "eventTime": format!("2026-11-29T12:{minute:02}:00.000000Z")})
    }

    /// An API server with so many pages of one Event each, that is silent from then on where it is not the last.
    fn server(pages: usize, silent_from: usize) -> Client {
        let answer = move |request: Request<Body>| async move {
            let query = request.uri().query().unwrap_or_default();
            let mut parts = url::form_urlencoded::parse(query.as_bytes());
            let at = parts.find(|(name, _)| name == "continue").map_or(0, |(_, at)| at.parse().unwrap());
            if at >= silent_from {
                std::future::pending::<()>().await;
            }
            let next = if at + 1 < pages { (at + 1).to_string() } else { String::new() };
            let page = json!({"apiVersion": "v1", "kind": "EventList", "metadata": {"continue": next},
                "items": [event(at % 60)]});
            Ok::<_, Infallible>(Response::new(Body::from(page.to_string().into_bytes())))
        };
        Client::new(tower::service_fn(answer), "default")
    }

    async fn noted(client: &Client, namespaces: &[&str]) -> Cluster {
        let mut cluster = Cluster::default();
        let scope = match namespaces {
            [] => Scope::All,
            named => Scope::Only(named.iter().map(|name| (*name).into()).collect()),
        };
        note_corrections(client, &scope, &mut cluster).await;
        cluster
    }

    #[tokio::test(start_paused = true)]
    async fn the_latest_is_found_behind_others_and_what_is_not_read_is_told() {
        let cases = [
            (2, 99, 2, None, "the second page has the latest"),
            (PAGES, 99, PAGES, None, "as many as are read"),
            (PAGES + 1, 99, PAGES, Some(("some events", "too many")), "more than are read"),
            (3, 1, 1, Some(("some events", "too long")), "silent in the midst"),
            (3, 0, 0, Some(("events", "too long")), "silent from the beginning"),
        ];
        for (pages, silent_from, found, missed, why) in cases {
            let cluster = noted(&server(pages, silent_from), &[]).await;
            let notes: Vec<_> = cluster.corrections.iter().map(|one| one.note.clone()).collect();
            assert_eq!(notes, (0..found).map(|at| format!("put back {at}")).collect::<Vec<_>>(), "{why}");
            let told: Vec<_> = cluster.unlisted.values().collect();
            match missed {
                None => assert!(told.is_empty(), "{why}: {told:?}"),
                Some((what, because)) => {
                    assert_eq!(told.len(), 1, "{why}");
                    assert!(told[0].what == what && told[0].why.contains(because), "{why}: {told:?}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_looks_at_many_namespaces_waits_no_longer_than_for_one() {
        let began = Instant::now();
        let cluster = noted(&server(1, 0), &["a", "b", "c"]).await;
        assert_eq!(cluster.unlisted.len(), 3, "{:?}", cluster.unlisted);
        assert!(began.elapsed() < ANSWERS * 2, "{:?}", began.elapsed());
    }

    /// What is asked of an API server with one Event per list.
    fn listening() -> (Client, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
        let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
        let heard = asked.clone();
        let answer = move |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default();
            let parts = url::form_urlencoded::parse(query.as_bytes());
            let parts: Vec<_> = parts.map(|(name, value)| format!("{name}={value}")).collect();
            heard.lock().unwrap().push(format!("{}?{}", request.uri().path(), parts.join("&")));
            let page = json!({"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": [event(0)]});
            async move { Ok::<_, Infallible>(Response::new(Body::from(page.to_string().into_bytes()))) }
        };
        (Client::new(tower::service_fn(answer), "default"), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn only_our_corrections_are_asked_for_where_one_looks_page_by_page() {
        let fields = "reason=DriftCorrected,involvedObject.kind=PolicyAssignment,reportingComponent=ordain.dev/operator";
        let asks = format!("fieldSelector={fields}&limit=500");
        let cases: [(&[&str], &[&str]); 2] = [
            (&[], &["/api/v1/events"]),
            (&["a", "b"], &["/api/v1/namespaces/a/events", "/api/v1/namespaces/b/events"]),
        ];
        for (namespaces, paths) in cases {
            let (client, asked) = listening();
            noted(&client, namespaces).await;
            let expected: Vec<_> = paths.iter().map(|path| format!("{path}?{asks}")).collect();
            let asked: Vec<_> = asked.lock().unwrap().iter().map(|one| one.replace("?&", "?")).collect();
            assert_eq!(asked, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_look_tells_what_is_there_now_and_leaves_alone_what_else_is_missed() {
        let mut cluster = noted(&server(3, 1), &[]).await;
        cluster.misses("policies".to_owned(), "forbidden");
        let missed = |cluster: &Cluster| cluster.unlisted.keys().cloned().collect::<Vec<_>>();
        assert_eq!(missed(&cluster), ["policies", "some events"]);
        note_corrections(&server(2, 99), &Scope::All, &mut cluster).await;
        assert_eq!(missed(&cluster), ["policies"], "Events are listed whole again");
        assert_eq!(cluster.corrections.len(), 2, "and none is told twice: {:?}", cluster.corrections);
    }

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
            (
                json!({"eventTime": null, "lastTimestamp": "2026-11-29T12:10:00Z"}),
                "12:10:00Z",
                1,
                "as older clients write it",
            ),
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
