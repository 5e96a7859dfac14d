//! Events (`events.k8s.io/v1`): what happened, told once. The only code that publishes them.
//!
//! Own code rather than kube's recorder: names come from what is told and from the [`Clock`], so
//! that runs repeat exactly and a create whose answer was lost is not told twice. Never blocks and
//! never fails a pass: a full queue and a refusing API server lose events, and count them.

use std::{collections::BTreeMap, future::Future, pin::pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    corrections::Correction,
    metrics::{Metrics, WriteOutcome},
};
use crate::{
    api::{API_VERSION, EventReason, FIELD_MANAGER},
    model::{BackendKind, Clock, Uid},
    worker::ports::{Event, Fence, Regarding},
};

/// Events that wait at most; what comes on top is dropped.
const WAITING: usize = 256;
/// Series that are remembered at most.
const SERIES: usize = 1024;
/// The same event within this time since it was last seen is one series.
const SERIES_WINDOW: Duration = Duration::from_mins(6);
/// How often the count of a series is written at most.
const SERIES_EVERY: Duration = Duration::from_mins(1);
/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts at one event, with 1 s, 2 s, … in between.
const ATTEMPTS: u32 = 3;
/// Longest note the API server takes, in bytes.
const NOTE: usize = 1024;
/// Who reports.
pub const CONTROLLER: &str = "ordain.dev/operator";

/// Where events go in.
#[derive(Clone)]
pub struct EventSink {
    events: mpsc::Sender<Event>,
    metrics: Metrics,
}

impl EventSink {
    /// Hands an event over, or drops it where too many wait already.
    pub fn publish(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            self.metrics.event(WriteOutcome::Dropped);
        }
    }
}

/// Where events come out.
pub struct EventWriter {
    events: mpsc::Receiver<Event>,
    client: Client,
    clock: Arc<dyn Clock>,
    fence: Arc<dyn Fence>,
    metrics: Metrics,
    instance: String,
    book: Book,
}

impl EventWriter {
    /// A writer and where to put events for it. `instance` names this process.
    pub fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        fence: Arc<dyn Fence>,
        metrics: Metrics,
        instance: &str,
    ) -> (EventSink, Self) {
        let (sender, events) = mpsc::channel(WAITING);
        let sink = EventSink { events: sender, metrics: metrics.clone() };
        let instance = cut(if instance.is_empty() { FIELD_MANAGER } else { instance }, 128);
        (sink, Self { events, client, clock, fence, metrics, instance, book: Book::default() })
    }

    /// Publishes until `stop` resolves, then what still waits, and returns.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut stopping = false;
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = &mut stop, if !stopping => {
                    stopping = true;
                    self.events.close();
                    continue;
                }
            };
            let Some(event) = event else { return };
            self.tell(&event).await;
        }
    }

    async fn tell(&mut self, event: &Event) {
        let (wall, monotonic) = (self.clock.now(), self.clock.monotonic());
        self.remember(event, wall);
        let Some(call) = self.book.enter(event, wall, monotonic) else { return };
        if !self.fence.allows(TIMEOUT) {
            return self.metrics.event(WriteOutcome::Dropped);
        }
        let outcome = self.attempt(event, &call, wall).await;
        self.metrics.event(outcome);
    }

    /// For the page, which nobody gave the right to list Events.
    fn remember(&self, event: &Event, at: Timestamp) {
        if let (EventReason::DriftCorrected, Regarding::Assignment(name, _)) =
            (event.reason, &event.regarding)
        {
            let series = event.series.as_ref().unwrap_or(&event.note);
            let (assignment, note) = (name.clone(), event.note.clone());
            self.metrics.corrected(series, Correction { assignment, note, at, times: 1 });
        }
    }

    async fn attempt(&self, event: &Event, call: &Call, now: Timestamp) -> WriteOutcome {
        let mut delay = Duration::from_secs(1);
        for attempt in 1..=ATTEMPTS {
            let trouble = match timeout(TIMEOUT, self.call(event, call, now)).await {
                Ok(Ok(())) => return WriteOutcome::Ok,
                // An earlier attempt whose answer was lost.
                Ok(Err(kube::Error::Api(status))) if status.is_already_exists() => return WriteOutcome::Ok,
                Ok(Err(kube::Error::Api(status))) if !is_passing(status.code) => {
                    tracing::debug!(reason = %event.reason, error = %status.message, "event refused");
                    return WriteOutcome::Refused;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {TIMEOUT:?}"),
            };
            tracing::debug!(reason = %event.reason, error = trouble, attempt, "event not published");
            if attempt < ATTEMPTS {
                sleep(delay).await;
                delay *= 2;
            }
        }
        WriteOutcome::Unavailable
    }

    async fn call(&self, event: &Event, call: &Call, now: Timestamp) -> kube::Result<()> {
        let about = reference(&event.regarding);
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api: Api<v1::Event> = Api::namespaced(self.client.clone(), namespace);
        match call {
            Call::Create { name } => {
                let params =
                    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
                api.create(&params, &self.object(event, about.clone(), name, namespace, now)).await?;
            }
            Call::Repeat { name, count } => {
                // The note is that of the last time.
                let series = json!({"series": {"count": count, "lastObservedTime": MicroTime(now)},
                    "note": cut(&event.note, NOTE)});
                let params =
                    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
                api.patch_metadata(name, &params, &Patch::Merge(series)).await?;
            }
        }
        Ok(())
    }

    fn object(
        &self,
        event: &Event,
        about: ObjectReference,
        name: &str,
        namespace: &str,
        now: Timestamp,
    ) -> v1::Event {
        v1::Event {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(cut(event.action, 128)),
            event_time: Some(MicroTime(now)),
            note: Some(cut(&event.note, NOTE)),
            reason: Some(event.reason.to_string()),
            regarding: Some(about),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if event.reason.warns() { "Warning" } else { "Normal" }.to_owned()),
            ..v1::Event::default()
        }
    }
}

/// Whether trying again may help.
fn is_passing(code: u16) -> bool {
    code == 429 || code >= 500
}

/// The object an event is about.
fn reference(regarding: &Regarding) -> ObjectReference {
    let (kind, namespace, name, Uid(uid)) = match regarding {
        Regarding::Assignment(name, uid) => ("PolicyAssignment", Some(&name.namespace), &name.name, uid),
        Regarding::Backend(id, uid) => match id.kind {
            BackendKind::Backend => ("Backend", Some(&id.namespace), &id.name, uid),
            BackendKind::ClusterBackend => ("ClusterBackend", None, &id.name, uid),
        },
    };
    ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: namespace.map(ToString::to_string),
        name: Some(name.to_string()),
        uid: Some(uid.to_string()),
        ..ObjectReference::default()
    }
}

/// `text`, cut to `max` bytes at the end of a character.
fn cut(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// What is to be sent for an event.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Create { name: String },
    Repeat { name: String, count: i32 },
}

/// Series under way, by what is told.
#[derive(Debug, Default)]
struct Book(BTreeMap<[u8; 16], Series>);

#[derive(Debug)]
struct Series {
    name: String,
    count: i32,
    seen: Duration,
    written: Duration,
}

impl Book {
    /// Enters an event; `None` where its series was written recently enough.
    fn enter(&mut self, event: &Event, wall: Timestamp, now: Duration) -> Option<Call> {
        let told = digest(event);
        self.0.retain(|_, series| now.saturating_sub(series.seen) < SERIES_WINDOW);
        if let Some(series) = self.0.get_mut(&told) {
            series.count = series.count.saturating_add(1);
            series.seen = now;
            if now.saturating_sub(series.written) < SERIES_EVERY {
                return None;
            }
            series.written = now;
            return Some(Call::Repeat { name: series.name.clone(), count: series.count });
        }
        let name = name(event, &told, wall);
        if self.0.len() < SERIES {
            self.0.insert(told, Series { name: name.clone(), count: 1, seen: now, written: now });
        }
        Some(Call::Create { name })
    }
}

fn digest(event: &Event) -> [u8; 16] {
    let about = reference(&event.regarding);
    let news = event.series.as_ref().unwrap_or(&event.note);
    let parts = json!([about, event.reason.as_str(), event.action, news]);
    let mut digest = [0; 16];
    blake3::Hasher::new().update(parts.to_string().as_bytes()).finalize_xof().fill(&mut digest);
    digest
}

/// `<object>.<16 hexadecimal digits>`, at most as long as a name may be.
fn name(event: &Event, told: &[u8; 16], wall: Timestamp) -> String {
    let hash = blake3::Hasher::new().update(told).update(&wall.as_microsecond().to_le_bytes()).finalize();
    let object = match &event.regarding {
        Regarding::Assignment(name, _) => &name.name,
        Regarding::Backend(id, _) => &id.name,
    };
    let stem = cut(object, 236);
    let suffix: String = hash.to_hex().chars().take(16).collect();
    format!("{}.{suffix}", stem.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::{api::EventReason, model::ObjectName};

    fn event(note: &str) -> Event {
        let about = Regarding::Assignment(ObjectName::new("team-a", "laptops"), Uid("u".into()));
        Event {
            regarding: about,
            reason: EventReason::DriftCorrected,
            action: "Apply",
            note: note.into(),
            series: None,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_same_news_is_one_series_and_its_count_is_written_once_a_minute() {
        let mut book = Book::default();
        let wall = Timestamp::UNIX_EPOCH;
        let Some(Call::Create { name }) = book.enter(&event("a"), wall, at(0)) else { panic!("not created") };
        assert_eq!(book.enter(&event("a"), wall, at(10)), None, "too soon to write the count");
        let repeat = book.enter(&event("a"), wall, at(70));
        assert_eq!(repeat, Some(Call::Repeat { name, count: 3 }), "the one not written is counted");
        assert!(matches!(book.enter(&event("b"), wall, at(70)), Some(Call::Create { .. })), "other news");
    }

    #[test]
    fn what_happens_again_by_somebody_else_is_the_same_series() {
        let by = |who: &str| Event { series: Some("camera".into()), ..event(&format!("camera, by {who}")) };
        let mut book = Book::default();
        let wall = Timestamp::UNIX_EPOCH;
        let Some(Call::Create { name }) = book.enter(&by("alice"), wall, at(0)) else {
            panic!("not created")
        };
        assert_eq!(book.enter(&by("bob"), wall, at(70)), Some(Call::Repeat { name, count: 2 }));
    }

    #[test]
    fn news_after_a_long_silence_is_told_anew_under_another_name() {
        let mut book = Book::default();
        let first = book.enter(&event("a"), Timestamp::UNIX_EPOCH, at(0)).unwrap();
        let later = book.enter(&event("a"), Timestamp::from_second(400).unwrap(), at(400)).unwrap();
        let (Call::Create { name: first }, Call::Create { name: later }) = (first, later) else {
            panic!("both are created")
        };
        assert_ne!(first, later);
    }

    #[test]
    fn names_fit_whatever_the_object_is_called() {
        let mut long = event("a");
        long.regarding =
            Regarding::Assignment(ObjectName::new("n", "x".repeat(235) + ".yyy"), Uid("u".into()));
        let name = name(&long, &digest(&long), Timestamp::UNIX_EPOCH);
        assert!(name.len() <= 253 && !name.contains(".."), "{name}");
    }

    #[test]
    fn notes_are_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
