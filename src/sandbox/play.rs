//! The answers that faults give.

use std::{collections::BTreeMap, io, time::Duration};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::faults::Kind;

const MEBIBYTE: usize = 1 << 20;
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>\
    <body><h1>Sorry</h1><p>The service is temporarily unavailable.</p></body></html>\n";

/// What a fault makes of the real answer, or says in its place where there is none.
pub async fn play(kind: Kind, real: Option<Response<Body>>) -> Response<Body> {
    match (kind, real) {
        (Kind::Status { code, retry_after, body, .. }, _) => status(code, retry_after, body),
        (Kind::Html { code, .. }, _) => answer(code, "text/html; charset=utf-8", Body::from(PAGE)),
        (Kind::Redirect { location, code, .. }, _) => {
            with_header(answer(code, "text/plain", Body::empty()), header::LOCATION, &location)
        }
        (Kind::Endless { .. }, _) => answer(200, "application/json", endless()),
        (Kind::GzipBomb { megabytes, .. }, _) => {
            let bomb = answer(200, "application/json", Body::from(gzip_bomb(megabytes)));
            with_header(bomb, header::CONTENT_ENCODING, "gzip")
        }
        (Kind::Truncate { bytes, clean }, Some(real)) => truncate(real, bytes, clean).await,
        (Kind::Slow { ms }, Some(real)) => slow(real, Duration::from_millis(ms)).await,
        (Kind::Rewrite { set, remove }, Some(real)) => rewrite(real, set, &remove).await,
        (_, real) => real.unwrap_or_default(),
    }
}

fn answer(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    // Codes are checked when a fault is posted.
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_header(mut response: Response<Body>, name: HeaderName, value: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn status(code: u16, retry_after: Option<String>, body: Option<Value>) -> Response<Body> {
    let response = match body {
        None => answer(code, "text/plain", Body::empty()),
        Some(Value::String(text)) => answer(code, "text/plain; charset=utf-8", Body::from(text)),
        Some(json) => answer(code, "application/json; charset=utf-8", Body::from(json.to_string())),
    };
    match retry_after {
        Some(text) => with_header(response, header::RETRY_AFTER, &text),
        None => response,
    }
}

/// Paced, so that a client on a paused clock gets its turn to give up.
fn endless() -> Body {
    let chunk = Bytes::from(vec![b' '; 1 << 16]);
    Body::from_stream(stream::repeat(chunk).then(|chunk| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, io::Error>(chunk)
    }))
}

/// A valid gzip file of zeros: one deflated mebibyte, flushed so that it stands alone, repeated.
fn gzip_bomb(megabytes: u32) -> Bytes {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let zeros = vec![0; MEBIBYTE];
    let (mut block, mut end) = (Vec::with_capacity(1 << 14), Vec::with_capacity(64));
    // Writing to memory with room to spare: neither call can fail.
    let _ = Compress::new(Compression::best(), false).compress_vec(&zeros, &mut block, FlushCompress::Full);
    let _ = Compress::new(Compression::best(), false).compress_vec(&[], &mut end, FlushCompress::Finish);
    let mut one = Crc::new();
    one.update(&zeros);
    let mut crc = Crc::new();
    let mut bomb = HEADER.to_vec();
    for _ in 0..megabytes {
        bomb.extend_from_slice(&block);
        crc.combine(&one);
    }
    bomb.extend_from_slice(&end);
    bomb.extend_from_slice(&crc.sum().to_le_bytes());
    bomb.extend_from_slice(&crc.amount().to_le_bytes());
    bomb.into()
}

/// The parts of a real answer and its whole body. The double's own bodies are in memory.
async fn whole(real: Response<Body>) -> (http::response::Parts, Bytes) {
    let (parts, body) = real.into_parts();
    (parts, to_bytes(body, usize::MAX).await.unwrap_or_default())
}

async fn truncate(real: Response<Body>, keep: Option<usize>, clean: bool) -> Response<Body> {
    let (mut parts, mut body) = whole(real).await;
    let promised = body.len().max(1);
    body.truncate(keep.unwrap_or(body.len() / 2));
    if clean {
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::from(body));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    // The pause lets what comes before the break reach the wire.
    let broken = stream::once(async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by the sandbox"))
    });
    Response::from_parts(parts, Body::from_stream(stream::iter([Ok(body)]).chain(broken)))
}

/// An answer without a body trickles blanks, as there is nothing else to be slow with.
async fn slow(real: Response<Body>, pause: Duration) -> Response<Body> {
    let (mut parts, mut body) = whole(real).await;
    if body.is_empty() {
        body = Bytes::from_static(&[b' '; 256]);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    let drops = stream::iter(body).then(move |byte| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(Bytes::from(vec![byte]))
    });
    Response::from_parts(parts, Body::from_stream(drops))
}

async fn rewrite(real: Response<Body>, set: BTreeMap<String, Value>, remove: &[String]) -> Response<Body> {
    let (mut parts, body) = whole(real).await;
    let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
        return Response::from_parts(parts, Body::from(body));
    };
    for pointer in remove {
        remove_at(&mut json, pointer);
    }
    for (pointer, value) in set {
        set_at(&mut json, &pointer, value);
    }
    parts.headers = without_length(parts.headers);
    Response::from_parts(parts, Body::from(json.to_string()))
}

fn without_length(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(header::CONTENT_LENGTH);
    headers
}

fn set_at(json: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = json.pointer_mut(pointer) {
        *place = value;
        return;
    }
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match json.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.insert(unescape(name), value);
        }
        Some(Value::Array(elements)) if name == "-" => elements.push(value),
        _ => {}
    }
}

fn remove_at(json: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match json.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&unescape(name));
        }
        Some(Value::Array(elements)) => {
            if let Some(index) = name.parse().ok().filter(|index| *index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::io::Read;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_bomb_is_valid_gzip_and_small() {
        let bomb = gzip_bomb(3);
        assert!(bomb.len() < 3 * MEBIBYTE / 200, "{} bytes on the wire", bomb.len());
        let mut inflated = Vec::new();
        flate2::read::GzDecoder::new(&bomb[..]).read_to_end(&mut inflated).unwrap();
        assert_eq!(inflated.len(), 3 * MEBIBYTE, "the decoder also checked CRC and length");
    }

    #[tokio::test]
    async fn a_rewrite_edits_by_pointer_and_ignores_what_is_not_there() {
        let real = Response::new(Body::from(json!({"a": {"b": 1, "c": 2}, "l": [1, 2]}).to_string()));
        let set = BTreeMap::from([
            ("/a/b".to_owned(), Value::Null),
            ("/l/-".to_owned(), json!(3)),
            ("/nowhere/x".to_owned(), json!(1)),
        ]);
        let kind = Kind::Rewrite { set, remove: vec!["/a/c".into(), "/l/0".into(), "/l/9".into()] };
        let (_, body) = whole(play(kind, Some(real)).await).await;
        let json: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json, json!({"a": {"b": null}, "l": [2, 3]}));
    }

    #[tokio::test]
    async fn a_clean_truncation_is_whole_http_and_half_a_document() {
        let real = Response::new(Body::from("0123456789"));
        let (_, body) = whole(play(Kind::Truncate { bytes: None, clean: true }, Some(real)).await).await;
        assert_eq!(body, "01234");
        let real = Response::new(Body::from("0123456789"));
        let cut = play(Kind::Truncate { bytes: Some(3), clean: false }, Some(real)).await;
        assert_eq!(cut.headers().get(header::CONTENT_LENGTH).unwrap(), "10", "more is promised");
        assert!(to_bytes(cut.into_body(), 99).await.is_err(), "than ever comes");
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_body_passes_every_limit() {
        let endless = play(Kind::Endless { effect: false }, None).await;
        assert!(to_bytes(endless.into_body(), 10 * MEBIBYTE).await.is_err(), "more than 10 MiB");
    }

    #[tokio::test]
    async fn a_redirect_and_a_refusal_carry_their_headers() {
        let kind = Kind::Redirect { location: "http://other.example/".into(), code: 307, effect: false };
        let elsewhere = play(kind, None).await;
        assert_eq!(
            (elsewhere.status(), &elsewhere.headers()[header::LOCATION]),
            (StatusCode::TEMPORARY_REDIRECT, &HeaderValue::from_static("http://other.example/"))
        );
        let refusal = status(429, Some("soon".into()), Some(json!({"error": 1})));
        assert_eq!(refusal.headers()[header::RETRY_AFTER], "soon");
        assert_eq!(whole(refusal).await.1, r#"{"error":1}"#);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_takes_its_time_by_tokios_clock() {
        let start = tokio::time::Instant::now();
        let real = Response::new(Body::from("12345"));
        let (_, body) = whole(play(Kind::Slow { ms: 1000 }, Some(real)).await).await;
        assert_eq!(body, "12345");
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
