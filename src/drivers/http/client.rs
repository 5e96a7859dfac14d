//! One account's way to the wire: paced, bounded, without redirects, with redacted errors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Request, header};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tracing::{Instrument as _, Span, field::Empty};
use url::Url;

use super::{
    Answer, Call, Limits, SharedTransport, TransportError, address,
    bucket::Bucket,
    effects::{self, Made},
    meter::{Level, Paced},
    redact::Redactor,
    retry_after, target,
};
use crate::{
    api::conditions::Reason,
    drivers::error::{Class, DriverError},
    model::{Clock, Secret, TRACE, is_traced},
};

/// What is waited inside a call rather than handed back to the scheduler.
const SHORT: Duration = Duration::from_secs(5);

/// Sends the calls of one account. Clones share limits and redaction.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<Shared>,
    origin: Arc<Url>,
}

struct Shared {
    transport: SharedTransport,
    limits: Limits,
    bucket: Bucket,
    in_flight: Semaphore,
    waiting: AtomicU32,
    on_the_wire: AtomicU32,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
}

/// Stands in the extensions of every request, for transports that fence or count (R28).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallInfo {
    /// The call may change something.
    pub effect: bool,
    /// It is given up after this time.
    pub timeout: Duration,
}

impl HttpClient {
    /// A client for the account at `origin`, whose path (if any) stands before every call's.
    pub fn new(transport: SharedTransport, origin: Url, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let bucket = Bucket::new(limits.requests_per_minute, limits.burst);
        let in_flight = Semaphore::new(usize::try_from(limits.in_flight.max(1)).unwrap_or(1));
        let redactor = Redactor::default();
        let (waiting, on_the_wire) = (AtomicU32::new(0), AtomicU32::new(0));
        let shared = Shared { transport, limits, bucket, in_flight, waiting, on_the_wire, redactor, clock };
        let shared = Arc::new(shared);
        let paced: Arc<dyn Paced> = shared.clone();
        shared.limits.meter.attach(Arc::downgrade(&paced));
        Self { shared, origin: Arc::new(origin) }
    }

    /// The same account's other host: same limits, same pauses, same redaction.
    #[must_use]
    pub fn at(&self, origin: Url) -> Self {
        Self { shared: Arc::clone(&self.shared), origin: Arc::new(origin) }
    }

    /// Where this client calls.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// The clock given at the start.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Cuts this secret out of all messages from now on.
    pub fn redact(&self, secret: &Secret) {
        self.shared.redactor.learn(secret);
    }

    /// At most 500 characters of a body, without known secrets.
    pub fn excerpt(&self, body: &[u8]) -> String {
        self.shared.redactor.excerpt(body)
    }

    /// The text without known secrets.
    pub fn redacted(&self, text: &str) -> String {
        self.shared.redactor.cut(text)
    }

    /// Sends one call and reads its whole answer, whatever its status says.
    ///
    /// Waits for its turn (in flight, then rate). Nothing is repeated, except that a read which is
    /// throttled for at most five seconds is sent once more after that time.
    ///
    /// # Errors
    /// - `Throttled` without sending, where the system has asked for a longer pause.
    /// - `Transient` for a call that cannot have had an effect, a redirect, an answer over the limits.
    /// - `Ambiguous` where an effect call was sent and no complete answer came back.
    /// - `Rejected` for a path that cannot be said.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, DriverError> {
        let wire_target = target::encode(self.origin.path(), call.path, call.query)
            .map_err(|error| DriverError::new(Class::Rejected, Reason::Invalid, error.to_string()))?;
        let first = self.attempt(&call, &wire_target).instrument(self.span(&call, &wire_target)).await?;
        match self.throttle(&first) {
            Some(after) if !call.effect && after <= SHORT => {
                sleep(after).await;
                let span = self.span(&call, &wire_target);
                let second = self.attempt(&call, &wire_target).instrument(span).await?;
                self.throttle(&second);
                Ok(second)
            }
            _ => Ok(first),
        }
    }

    /// Of a call within a trace; one that belongs to none begins none.
    fn span(&self, call: &Call<'_>, wire_target: &str) -> Span {
        if !is_traced() || Span::current().is_none() {
            return Span::none();
        }
        let place = self.redacted(&self.place(wire_target));
        tracing::trace_span!(
            target: TRACE, "call", method = %call.method, place, effect = call.effect, status = Empty
        )
    }

    /// Pauses the account if the answer asks for it, and tells for how long.
    fn throttle(&self, answer: &Answer) -> Option<Duration> {
        let asked = self.asked_to_wait(answer);
        let wait = match answer.status {
            429 => asked.unwrap_or(retry_after::DEFAULT),
            403 | 503 => asked?,
            _ => return None,
        };
        self.shared.bucket.pause(Instant::now() + wait);
        Some(wait)
    }

    /// `Retry-After` of an answer, bounded.
    pub(super) fn asked_to_wait(&self, answer: &Answer) -> Option<Duration> {
        retry_after::parse(&answer.headers, self.shared.clock.now())
    }

    async fn attempt(&self, call: &Call<'_>, wire_target: &str) -> Result<Answer, DriverError> {
        let what = self.redacted(&format!("{} {}", call.method, self.place(wire_target)));
        let waits = Counted::new(&self.shared.waiting);
        // A closed semaphore does not occur; if it did, calling unbounded would still be right.
        let _permit = self.shared.in_flight.acquire().await.ok();
        self.turn(&what).await?;
        drop(waits);
        let _on_the_wire = Counted::new(&self.shared.on_the_wire);
        let request = self.request(call, wire_target)?;
        let limit = self.shared.limits.timeout;
        let result = timeout(limit, self.exchange(request, call.effect, what.clone())).await;
        let answer = result.unwrap_or_else(|_| {
            let message = format!("no complete answer within {} s", limit.as_secs_f32());
            Err(TransportError { maybe_sent: true, message })
        });
        let status = answer.as_ref().ok().map(|answer| answer.status);
        effects::made(Made { call: what.clone(), status, effect: call.effect });
        let answer = answer.map_err(|error| self.lost(&what, call.effect, &error))?;
        Span::current().record("status", answer.status);
        tracing::debug!(call = %answer.call, status = answer.status, bytes = answer.body.len(), "answered");
        self.refuse_redirect(answer)
    }

    /// Waits for a token; a long pause goes back to the scheduler, so that no call starts much later than decided.
    async fn turn(&self, what: &str) -> Result<(), DriverError> {
        let pause = self.shared.bucket.paused_for();
        if pause > SHORT {
            let message = format!("{what} waits: the system asked for a pause of {} s more", pause.as_secs());
            return Err(DriverError::new(
                Class::Throttled { after: Some(pause) },
                Reason::Throttled,
                message,
            ));
        }
        self.shared.bucket.take().await;
        Ok(())
    }

    /// Scheme, host and path: a query may hold what does not belong into a message.
    fn place(&self, wire_target: &str) -> String {
        let path = wire_target.split('?').next().unwrap_or_default();
        format!("{}{path}", self.origin.origin().ascii_serialization())
    }

    fn request(&self, call: &Call<'_>, wire_target: &str) -> Result<Request<Bytes>, DriverError> {
        let (body, content_type) = match &call.body {
            Some((body, content_type)) => (body.clone(), Some(*content_type)),
            None => (Bytes::new(), None),
        };
        let mut headers = call.headers.clone();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(authorise) = call.authorise {
            headers.extend(sensitive(authorise(&call.method, wire_target, &body)));
        }
        let uri = format!("{}{wire_target}", self.origin.origin().ascii_serialization());
        let mut request =
            Request::builder().method(call.method.clone()).uri(uri).body(body).map_err(|error| {
                DriverError::new(Class::Rejected, Reason::Invalid, format!("not a request: {error}"))
            })?;
        *request.headers_mut() = headers;
        request
            .extensions_mut()
            .insert(CallInfo { effect: call.effect, timeout: self.shared.limits.timeout });
        Ok(request)
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        effect: bool,
        call: String,
    ) -> Result<Answer, TransportError> {
        let (head, mut stream) = self.shared.transport.send(request).await?.into_parts();
        let limit = self.shared.limits.max_body;
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| TransportError { maybe_sent: true, ..error })?;
            if body.len().saturating_add(chunk.len()) > limit {
                let message = format!("the answer is longer than {limit} bytes");
                return Err(TransportError { maybe_sent: true, message });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.freeze(), effect, call })
    }

    fn lost(&self, what: &str, effect: bool, error: &TransportError) -> DriverError {
        let message = format!("{what}: {}", self.redacted(&error.message));
        let class = if effect && error.maybe_sent { Class::Ambiguous } else { Class::Transient };
        DriverError::new(class, reason(&error.message), message)
    }

    /// A redirect is never followed: our credentials are bound to the origin (S4).
    fn refuse_redirect(&self, answer: Answer) -> Result<Answer, DriverError> {
        if !(300..400).contains(&answer.status) {
            return Ok(answer);
        }
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let host = location
            .and_then(|text| self.origin.join(text).ok())
            .map_or_else(|| "nowhere".to_owned(), |url| url.origin().ascii_serialization());
        // After a form some servers answer a success this way.
        let class = if answer.effect && answer.status == 303 { Class::Ambiguous } else { Class::Transient };
        let message = format!(
            "{} answered {}, a redirect to {}, which is not followed; set the url of the system to where its API is",
            answer.call,
            answer.status,
            self.redacted(&host),
        );
        Err(DriverError::new(class, Reason::Unreachable, message))
    }
}

impl Paced for Shared {
    fn level(&self) -> Level {
        Level {
            tokens: self.bucket.tokens(),
            waiting: self.waiting.load(Ordering::Relaxed),
            in_flight: self.on_the_wire.load(Ordering::Relaxed),
            paused: self.bucket.paused_for(),
        }
    }
}

/// One more, until it is dropped: also a call that is given up counts down.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Which step failed: only a person can mend a certificate or an address.
fn reason(message: &str) -> Reason {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&["invalid peer certificate", "received fatal alert", "peer is incompatible"]) {
        Reason::TlsFailed
    } else if says(&[address::REFUSED]) {
        Reason::AddressRefused
    } else {
        Reason::Unreachable
    }
}

/// Header values that no log prints, not even a library's.
fn sensitive(mut headers: HeaderMap) -> HeaderMap {
    headers.values_mut().for_each(|value| value.set_sensitive(true));
    headers
}
