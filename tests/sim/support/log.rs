//! What a process says in its log, collected as it is said.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

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
pub struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    _guard: DefaultGuard,
}

impl Log {
    pub fn new() -> Self {
        let lines = Arc::default();
        let subscriber = tracing_subscriber::registry().with(Collector(Arc::clone(&lines)));
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Lines of effects.
    pub fn effects(&self) -> Vec<Line> {
        self.ours().into_iter().filter(|line| line.target == "ordain::effect").collect()
    }

    /// Everything that the product said.
    pub fn ours(&self) -> Vec<Line> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.target.starts_with("ordain")).cloned().collect()
    }
}

struct Collector(Arc<Mutex<Vec<Line>>>);

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() > Level::INFO {
            return;
        }
        let mut line = Line { target: event.metadata().target().to_owned(), fields: BTreeMap::new() };
        event.record(&mut line);
        self.0.lock().unwrap().push(line);
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
