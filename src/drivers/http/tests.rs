#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::time::Instant;
use url::Url;

use super::{
    scripted::{Reply, Scripted},
    *,
};
use crate::{
    drivers::error::{Class, DriverError},
    model::{Secret, SystemClock},
};

fn limits() -> Limits {
    Limits {
        requests_per_minute: 600,
        burst: 10,
        in_flight: 2,
        timeout: Duration::from_secs(30),
        max_body: 64 * 1024,
        meter: crate::drivers::http::Meter::default(),
    }
}

fn client(system: &Arc<Scripted>) -> HttpClient {
    let origin = Url::parse("https://emm.example:9443/base/").unwrap();
    HttpClient::new(Arc::clone(system) as SharedTransport, origin, limits(), Arc::new(SystemClock::new()))
}

fn call<'a>(path: &'a [&'a str], effect: bool) -> Call<'a> {
    let method = if effect { Method::POST } else { Method::GET };
    Call { method, path, query: &[], headers: HeaderMap::new(), body: None, effect, authorise: None }
}

async fn answered(reply: Reply, effect: bool) -> Result<Answer, DriverError> {
    client(&Scripted::list(vec![reply])).send(call(&["p"], effect)).await
}

#[tokio::test(start_paused = true)]
async fn the_request_is_what_was_said_and_the_hook_sees_the_wire() {
    let system = Scripted::list(vec![Reply::text(200, "ok")]);
    let authorise = |method: &Method, target: &str, body: &[u8]| {
        let proof = format!("{method} {target} {}", String::from_utf8_lossy(body));
        HeaderMap::from_iter([(http::header::AUTHORIZATION, proof.parse().unwrap())])
    };
    let query = [("cids", "a,b c"), ("x", "1&2")];
    let answer = client(&system)
        .send(Call {
            query: &query,
            body: Some((Bytes::from_static(b"{}"), "application/json")),
            authorise: Some(&authorise),
            ..call(&["a b", "c/d"], true)
        })
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    assert_eq!(answer.call, "POST https://emm.example:9443/base/a%20b/c%2Fd", "no query in messages");
    let seen = &system.seen()[0];
    assert_eq!(seen.line, "POST /base/a%20b/c%2Fd?cids=a,b%20c&x=1%262");
    assert_eq!(seen.origin, "https://emm.example:9443");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["authorization"], "POST /base/a%20b/c%2Fd?cids=a,b%20c&x=1%262 {}");
    assert!(seen.headers["authorization"].is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_ambiguous_only_where_an_effect_was_sent() {
    let cases = [
        (Reply::Lost { sent: true }, false, Class::Transient),
        (Reply::Lost { sent: false }, false, Class::Transient),
        (Reply::Lost { sent: false }, true, Class::Transient),
        (Reply::Lost { sent: true }, true, Class::Ambiguous),
        (Reply::Cut(200, "half".into()), true, Class::Ambiguous),
        (Reply::Cut(200, "half".into()), false, Class::Transient),
        (Reply::Endless, true, Class::Ambiguous),
        (Reply::Endless, false, Class::Transient),
        (Reply::Late(Duration::from_secs(31), Box::new(Reply::text(200, ""))), true, Class::Ambiguous),
        (Reply::Late(Duration::from_secs(31), Box::new(Reply::text(200, ""))), false, Class::Transient),
    ];
    for (reply, effect, class) in cases {
        let error = answered(reply.clone(), effect).await.unwrap_err();
        assert_eq!(error.class, class, "{reply:?} effect={effect}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_are_named_not_followed() {
    let system = Scripted::new(|_| Reply::text(302, "").with("location", "https://evil.example/x?token=1"));
    let error = client(&system).send(call(&["p"], false)).await.unwrap_err();
    assert!(error.message.contains("https://evil.example"), "{error}");
    assert!(!error.message.contains("token"), "{error}");
    assert_eq!(system.seen().len(), 1);
    let error = answered(Reply::text(303, ""), true).await.unwrap_err();
    assert_eq!(error.class, Class::Ambiguous);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_repeated_once_after_a_short_throttle() {
    let throttled = || Reply::text(429, "slow").with("retry-after", "3");
    let system = Scripted::list(vec![throttled(), Reply::text(200, "ok")]);
    let started = Instant::now();
    assert_eq!(client(&system).send(call(&["p"], false)).await.unwrap().status, 200);
    assert_eq!(started.elapsed(), Duration::from_secs(3));

    let system = Scripted::list(vec![throttled(), throttled(), Reply::text(200, "ok")]);
    assert_eq!(client(&system).send(call(&["p"], false)).await.unwrap().status, 429, "once, not for ever");

    let system = Scripted::list(vec![throttled(), Reply::text(200, "ok")]);
    assert_eq!(client(&system).send(call(&["p"], true)).await.unwrap().status, 429, "never an effect");
}

#[tokio::test(start_paused = true)]
async fn a_long_throttle_stops_all_calls_of_the_account_without_sending() {
    let system = Scripted::list(vec![
        Reply::text(429, "").with("retry-after", "999999"),
        Reply::text(200, ""),
        Reply::text(503, "").with("retry-after", "60"),
    ]);
    let client = client(&system);
    let answer = client.send(call(&["p"], false)).await.unwrap();
    assert_eq!(client.classify(&answer).class, Class::Throttled { after: Some(LONGEST_RETRY_AFTER) });
    let other = client.at(Url::parse("https://tokens.example").unwrap());
    let error = other.send(call(&["p"], true)).await.unwrap_err();
    assert_eq!(error.class, Class::Throttled { after: Some(LONGEST_RETRY_AFTER) });
    assert_eq!(system.seen().len(), 1);
    tokio::time::sleep(LONGEST_RETRY_AFTER).await;
    assert_eq!(other.send(call(&["p"], true)).await.unwrap().status, 200);
    let answer = other.send(call(&["p"], false)).await.unwrap();
    assert_eq!(client.classify(&answer).class, Class::Throttled { after: Some(Duration::from_secs(60)) });
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_at_once_than_allowed() {
    let running = Arc::new(std::sync::atomic::AtomicI32::new(0));
    let system = Scripted::new(|_| Reply::Late(Duration::from_secs(1), Box::new(Reply::text(200, ""))));
    let client = client(&system);
    let started = Instant::now();
    let one = || async {
        client.send(call(&["p"], false)).await.unwrap();
        running.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    futures::future::join_all((0..6).map(|_| one())).await;
    assert_eq!(started.elapsed(), Duration::from_secs(3), "six calls of a second, two at a time");
}

#[tokio::test(start_paused = true)]
async fn statuses_become_classes() {
    let transient = Class::Transient;
    let cases = [
        (401, false, Class::Unauthorized),
        (403, false, Class::Rejected),
        (404, false, Class::Gone),
        (410, true, Class::Gone),
        (408, false, transient),
        (408, true, Class::Ambiguous),
        (409, true, Class::Conflict),
        (413, true, Class::Rejected),
        (400, true, Class::Rejected),
        (422, true, Class::Rejected),
        (429, true, Class::Throttled { after: None }),
        (500, false, transient),
        (500, true, Class::Ambiguous),
        (502, true, Class::Ambiguous),
        (503, true, transient),
        (504, true, Class::Ambiguous),
        (599, false, transient),
        (299, false, transient),
        (299, true, Class::Ambiguous),
    ];
    for (status, effect, class) in cases {
        let system = Scripted::new(move |_| Reply::text(status, "why"));
        let client = client(&system);
        let answer = client.send(call(&["p"], effect)).await.unwrap();
        let error = client.classify(&answer);
        assert_eq!(error.class, class, "{status} effect={effect}");
        assert!(error.message.ends_with(&format!("answered {status}: why")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_json_is_an_error_in_words() {
    let secret = "canary-1234567890";
    let deep = "[".repeat(60_000);
    let cases = [
        ("<html><body>Login</body></html>", "markup instead of JSON"),
        ("  ", "nothing instead of JSON"),
        ("{\"a\": ", "not understood"),
        ("\"a text: canary-1234567890\"", "not understood"),
        ("\u{feff}[1]", "not understood"),
        (deep.as_str(), "not understood"),
    ];
    for (body, expected) in cases {
        let system = Scripted::list(vec![Reply::text(200, body)]);
        let client = client(&system);
        client.redact(&Secret::new(secret));
        let answer = client.send(call(&["p"], false)).await.unwrap();
        let error = client.json::<std::collections::BTreeMap<String, i32>>(&answer).unwrap_err();
        assert!(error.message.contains(expected), "{error}");
        assert!(!error.message.contains("canary-12"), "{error}");
        assert!(error.message.chars().count() < 700);
        assert_eq!(error.class, Class::Transient);
    }
    let answer = answered(Reply::text(200, "\u{feff}{\"a\": 1}"), false).await.unwrap();
    let system = Scripted::list(vec![]);
    assert_eq!(
        client(&system).json::<serde_json::Value>(&answer).unwrap()["a"],
        1,
        "a byte-order mark is skipped"
    );
}

#[tokio::test(start_paused = true)]
async fn a_path_that_cannot_be_said_is_never_sent() {
    let system = Scripted::list(vec![]);
    for segment in ["", ".", ".."] {
        let error = client(&system).send(call(&["p", segment], true)).await.unwrap_err();
        assert_eq!(error.class, Class::Rejected);
    }
    assert!(system.seen().is_empty());
}
