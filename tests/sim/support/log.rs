//! What a process says in its log, collected as it is said.

use std::{cell::RefCell, collections::BTreeMap, fmt::Debug, sync::Once};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

thread_local! {
    /// What was said on this thread since a [`Log`] began, while there is one: a test has a thread of its own.
    static SAID: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

/// A line: its target, and its fields as text.
#[derive(Debug, Clone)]
pub struct Line {
    pub target: String,
    pub fields: BTreeMap<String, String>,
}

impl Line {
    /// A field, empty where it is not there.
    pub fn get(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }
}

/// Everything said at info or louder on this thread while it lives.
///
/// One subscriber serves the whole process: those of single threads, that come and go, make call sites which another
/// thread meets first deaf for a while.
pub struct Log(());

impl Log {
    pub fn new() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing_subscriber::registry().with(LevelFilter::INFO).with(Collector).init());
        SAID.set(Some(Vec::new()));
        Self(())
    }

    /// Lines of effects.
    pub fn effects(&self) -> Vec<Line> {
        self.ours().into_iter().filter(|line| line.target == "ordain::effect").collect()
    }

    /// Everything that the product said.
    #[allow(clippy::unused_self, reason = "lines are kept only while there is a log")]
    pub fn ours(&self) -> Vec<Line> {
        SAID.with_borrow(|said| {
            let lines = said.iter().flatten();
            lines.filter(|line| line.target.starts_with("ordain")).cloned().collect()
        })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        SAID.set(None);
    }
}

struct Collector;

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        SAID.with_borrow_mut(|said| {
            let Some(lines) = said else { return };
            let target = event.metadata().target().to_owned();
            let mut line = Line { target, fields: BTreeMap::new() };
            event.record(&mut line);
            lines.push(line);
        });
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }
}
