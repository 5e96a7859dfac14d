//! Spans that began before they were made: what a worker decides later is told with its true times.

use std::time::Duration;

use opentelemetry::{Context, Value};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

use crate::model::{BEGAN_BEFORE, ENDED_BEFORE};

/// Puts [`BEGAN_BEFORE`] and [`ENDED_BEFORE`] into the times of a span, and takes them off it.
#[derive(Debug)]
pub struct Backdating<P>(pub P);

impl<P: SpanProcessor> SpanProcessor for Backdating<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        let before = |key: &str| {
            let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
            let micros = match found.map(|attribute| &attribute.value) {
                Some(Value::I64(micros)) => u64::try_from(*micros).unwrap_or(0),
                _ => 0,
            };
            Duration::from_micros(micros)
        };
        let (began, ended) = (before(BEGAN_BEFORE), before(ENDED_BEFORE));
        span.start_time = span.start_time.checked_sub(began).unwrap_or(span.start_time);
        span.end_time = span.end_time.checked_sub(ended).unwrap_or(span.end_time).max(span.start_time);
        span.attributes.retain(|attribute| ![BEGAN_BEFORE, ENDED_BEFORE].contains(&attribute.key.as_str()));
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
