//! Calls to systems on the wire: fenced (R28), counted and timed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::{
    api::SystemName,
    drivers::http::{BodyStream, CallInfo, SharedTransport, Transport, TransportError, effects},
    model::Clock,
    report::metrics::{CallOutcome, Metrics},
    worker::ports::Fence,
};

/// A transport whose calls are counted, and whose effects end within the lease, however long they waited for their turn.
pub struct FencedWire {
    /// The way there.
    pub wire: SharedTransport,
    /// For the measures.
    pub system: SystemName,
    /// Measures.
    pub metrics: Metrics,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Leadership.
    pub fence: Arc<dyn Fence>,
}

#[async_trait]
impl Transport for FencedWire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
        let info = request.extensions().get::<CallInfo>().copied();
        let effect = info.is_some_and(|info| info.effect);
        if let Some(info) = info.filter(|info| info.effect && !self.fence.allows(info.timeout)) {
            let message =
                format!("the lease may end within {} s, so nothing is sent any more", info.timeout.as_secs());
            return Err(TransportError { maybe_sent: false, message });
        }
        if effect {
            effects::sent();
        }
        let mut call = Open { of: self, since: self.clock.monotonic(), outcome: no_answer(effect) };
        let answer = self.wire.send(request).await;
        call.outcome = match &answer {
            Ok(answer) => answered(answer.status()),
            Err(error) => no_answer(effect && error.maybe_sent),
        };
        answer
    }
}

/// A call under way; one that is given up counts as without an answer.
struct Open<'a> {
    of: &'a FencedWire,
    since: Duration,
    outcome: CallOutcome,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let took = self.of.clock.monotonic().saturating_sub(self.since);
        self.of.metrics.call(self.of.system, self.outcome, took);
    }
}

fn no_answer(may_have_worked: bool) -> CallOutcome {
    if may_have_worked { CallOutcome::Ambiguous } else { CallOutcome::Unavailable }
}

fn answered(status: StatusCode) -> CallOutcome {
    match status.as_u16() {
        200..=299 => CallOutcome::Ok,
        401 | 403 => CallOutcome::Unauthorized,
        429 => CallOutcome::Throttled,
        400..=499 => CallOutcome::Rejected,
        _ => CallOutcome::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Mutex;

    use futures::{StreamExt as _, stream};

    use super::*;
    use crate::{model::SystemClock, worker::ports::AlwaysLeader};

    type Answer = Result<u16, bool>;

    struct Scripted(Mutex<Vec<Answer>>);

    #[async_trait]
    impl Transport for Scripted {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<BodyStream>, TransportError> {
            let next = self.0.lock().unwrap().pop();
            let failed = |maybe_sent| TransportError { maybe_sent, message: "cut".into() };
            match next {
                Some(Ok(status)) => {
                    Ok(Response::builder().status(status).body(stream::empty().boxed()).unwrap())
                }
                Some(Err(maybe_sent)) => Err(failed(maybe_sent)),
                None => std::future::pending().await,
            }
        }
    }

    fn told(answer: Option<Answer>, effect: bool) -> String {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let metrics = Metrics::new();
        let wire = Arc::new(Scripted(Mutex::new(answer.into_iter().collect())));
        let fenced = FencedWire {
            wire,
            system: SystemName::Wso2,
            metrics: metrics.clone(),
            clock,
            fence: Arc::new(AlwaysLeader),
        };
        let mut request = Request::new(Bytes::new());
        request.extensions_mut().insert(CallInfo { effect, timeout: Duration::ZERO });
        // Polled once: what is pending is given up.
        let _ = futures::FutureExt::now_or_never(fenced.send(request));
        metrics.encode()
    }

    #[test]
    fn every_call_counts_once_by_how_it_ended() {
        let cases: [(&str, Option<Answer>, bool, &str); 9] = [
            ("as asked", Some(Ok(201)), true, "ok"),
            ("refused content", Some(Ok(422)), true, "rejected"),
            ("refused credentials", Some(Ok(401)), false, "unauthorized"),
            ("slow down", Some(Ok(429)), false, "throttled"),
            ("in trouble", Some(Ok(503)), true, "unavailable"),
            ("a read without an answer changed nothing", Some(Err(true)), false, "unavailable"),
            ("an effect that never left", Some(Err(false)), true, "unavailable"),
            ("an effect that may have left", Some(Err(true)), true, "ambiguous"),
            ("an effect that was given up", None, true, "ambiguous"),
        ];
        for (reason, answer, effect, outcome) in cases {
            let text = told(answer, effect);
            let line = format!("ordain_vendor_calls_total{{system=\"wso2\",outcome=\"{outcome}\"}} 1");
            assert!(text.contains(&line), "{reason}: {text}");
            assert!(
                text.contains("ordain_vendor_call_duration_seconds_count{system=\"wso2\"} 1"),
                "{reason}"
            );
        }
    }

    /// Whatever a driver is asked: a plan sends reads alone.
    #[test]
    fn without_effects_only_reads_leave() {
        for (effect, sent) in [(true, false), (false, true)] {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let metrics = Metrics::new();
            let wire = Arc::new(Scripted(Mutex::new(vec![Ok(200)])));
            let fence = Arc::new(crate::worker::ports::NoEffects);
            let fenced = FencedWire { wire: wire.clone(), system: SystemName::Wso2, metrics, clock, fence };
            let mut request = Request::new(Bytes::new());
            request.extensions_mut().insert(CallInfo { effect, timeout: Duration::ZERO });
            let answer = futures::FutureExt::now_or_never(fenced.send(request)).unwrap();
            assert_eq!((answer.is_ok(), wire.0.lock().unwrap().is_empty()), (sent, sent), "effect: {effect}");
        }
    }

    struct Ending;

    impl Fence for Ending {
        fn allows(&self, timeout: Duration) -> bool {
            timeout < Duration::from_secs(10)
        }
    }

    #[test]
    fn an_effect_that_may_outlast_the_lease_never_leaves() {
        for (reason, effect, seconds, sent) in [
            ("it ends in time", true, 9, true),
            ("it may not", true, 30, false),
            ("a read harms nobody", false, 30, true),
        ] {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let metrics = Metrics::new();
            let wire = Arc::new(Scripted(Mutex::new(vec![Ok(200)])));
            let fence = Arc::new(Ending);
            let fenced = FencedWire { wire: wire.clone(), system: SystemName::Wso2, metrics, clock, fence };
            let mut request = Request::new(Bytes::new());
            request.extensions_mut().insert(CallInfo { effect, timeout: Duration::from_secs(seconds) });
            let answer = futures::FutureExt::now_or_never(fenced.send(request)).unwrap();
            assert_eq!(wire.0.lock().unwrap().is_empty(), sent, "{reason}");
            assert_eq!(answer.is_ok(), sent, "{reason}");
            assert!(answer.err().is_none_or(|error| !error.maybe_sent), "{reason}");
        }
    }
}
