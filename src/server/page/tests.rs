#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::{body::Body, http::Request};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use super::*;
use crate::{
    model::ObjectName,
    overview::{Cluster, Overview, Seen},
};

const EVIL: &str = "<script>alert(1)</script>\u{202e}\"'&";

/// One assignment whose every word is hostile; counts looks.
#[derive(Clone, Default)]
struct Hostile(Arc<AtomicUsize>);

#[async_trait]
impl Onlooker for Hostile {
    async fn look(&self) -> Result<Overview, &'static str> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let condition = |type_: &str, status: &str| {
            json!({"type": type_, "status": status, "reason": "Rejected", "message": EVIL, "observedGeneration": 1,
                "lastTransitionTime": "2026-11-29T11:30:00Z"})
        };
        let status = json!({"observedGeneration": 1, "policyGeneration": 1,
            "conditions": [condition("Ready", "False"), condition("Stalled", "True"), condition("InSync", "False")],
            "problems": [{"target": EVIL, "reason": "RoleNotFound", "message": EVIL}],
            "objects": [{"key": EVIL, "id": EVIL, "name": EVIL, "modifiedBy": EVIL}],
            "plan": {"create": 1, "update": 0, "remove": 0, "summary": EVIL}});
        let spec = json!({"policyRef": {"name": "pin"}, "backendRef": {"name": "emm"},
            "targets": {"include": [{"wso2": {"roles": [EVIL]}}]}});
        let seen = Seen {
            uid: crate::model::Uid("u".into()),
            generation: 1,
            deleting: None,
            spec: Ok(serde_json::from_value(spec).unwrap()),
            status: serde_json::from_value(status).unwrap(),
        };
        let mut cluster = Cluster::default();
        cluster.assignments.insert(ObjectName::new("mobile", "engineers"), seen);
        Ok(Overview::of(&cluster, "2026-11-29T12:00:00Z".parse().unwrap()))
    }
}

fn app(onlooker: &Hostile) -> Router {
    router(
        "127.0.0.1:8081".parse().unwrap(),
        Glances::new(onlooker.clone()),
        vec!["Ordain.example.com".into()],
    )
}

async fn ask(request: Request<Body>) -> (u16, axum::http::HeaderMap, String) {
    let response = app(&Hostile::default()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (parts.status.as_u16(), parts.headers, text)
}

fn get_of(uri: &str) -> Request<Body> {
    Request::get(uri).header("host", "localhost:8081").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn everything_is_escaped_and_browsers_are_told_what_this_is() {
    let (status, headers, page) = ask(get_of("/")).await;
    assert_eq!(status, 200);
    assert!(page.contains("mobile/engineers") && page.contains("alert(1)"), "it is shown: {page}");
    assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    assert!(!page.contains("\"'&\"") && !page.contains("}\"'"), "{page}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let policy = headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(headers[name], value);
    }
}

/// What the operator knows and no status tells.
#[test]
fn when_an_account_was_proven_and_what_was_put_back_is_shown() {
    use crate::{
        api::SystemName,
        model::{BackendId, BackendKind},
        overview::BackendGlance,
        report::corrections::Correction,
    };
    let at = |second: &str| format!("2026-11-29T12:00:{second}Z").parse().unwrap();
    let mut cluster = Cluster::default();
    for name in ["emm", "never-proven"] {
        let id = BackendId { kind: BackendKind::Backend, namespace: "mobile".into(), name: name.into() };
        let spec = Ok(BackendGlance { system: SystemName::Wso2 });
        cluster.backends.insert(
            id,
            Seen { uid: crate::model::Uid("u".into()), generation: 1, deleting: None, spec, status: None },
        );
    }
    cluster.proven.insert("Backend/mobile/emm".into(), at("10"));
    let shown = |cluster: &Cluster| {
        view::page(&Overview::of(cluster, at("50")), asked::Asked::of("").unwrap()).unwrap()
    };
    let calm = shown(&cluster);
    let proven = "<td data-label=\"Proven\"><time datetime=\"2026-11-29T12:00:10Z\" \
                  title=\"2026-11-29T12:00:10Z\">40s ago</time></td>";
    assert!(calm.contains(proven) && calm.contains("<td data-label=\"Proven\">–</td>"), "{calm}");
    assert!(!calm.contains("Put back lately"), "{calm}");
    let (assignment, note) = (ObjectName::new("mobile", "pin"), EVIL.to_owned());
    cluster.corrections.push(Correction { assignment, note, at: at("20"), times: 3 });
    let shown = shown(&cluster);
    let told = ["Put back lately", "30s ago</time><small>3 times</small>", "mobile/pin"];
    assert!(told.iter().all(|told| shown.contains(told)) && !shown.contains("<script"), "{shown}");
}

#[tokio::test]
async fn a_query_is_a_choice_out_of_a_short_list() {
    let cases = [
        ("/?", 200, "nothing"),
        ("/?namespace=&account=&state=", 200, "as the form sends it for all"),
        ("/?namespace=mobile&state=inForce&page=2&refresh=10", 200, "all of it"),
        ("/?account=Backend%2Fmobile%2Femm", 200, "as links have it"),
        ("/?page=999999", 200, "beyond the last page is the last"),
        ("/?namespace=%3Cscript%3E", 400, "not a name"),
        ("/?namespace=%FF%FE", 400, "not a text"),
        ("/?namespace=%00", 400, "a control"),
        ("/?namespace=%E2%80%AE", 400, "turned round"),
        ("/?namespace=a&namespace=b", 400, "twice"),
        ("/?state=Robert'%29%3B+DROP+TABLE", 400, "no state"),
        ("/?page=0", 400, "before the first"),
        ("/?page=-1", 400, "before the first"),
        ("/?page=99999999999999999999999", 400, "no number that fits"),
        ("/?refresh=0", 400, "as fast as it can"),
        ("/?refresh=10;url=http://evil", 400, "elsewhere"),
        ("/?callback=x", 400, "something else"),
        ("/?%00", 400, "nothing known"),
        ("/?__proto__[x]=1", 400, "nothing known"),
    ];
    for (uri, expected, why) in cases {
        let (status, headers, body) = ask(get_of(uri)).await;
        assert_eq!(status, expected, "{uri}: {why}");
        assert!(status == 200 || !body.contains('<') && body.len() < 200, "nothing of it comes back: {body}");
        assert!(headers.contains_key("content-security-policy"), "{uri}");
    }
    let long = format!("/?namespace={}", "a".repeat(4000));
    assert_eq!(ask(get_of(&long)).await.0, 414);
    assert_eq!(ask(get_of(&format!("/?{}", "a=&".repeat(300)))).await.0, 400);
}

#[tokio::test]
async fn paths_and_methods_beside_the_page_are_refused() {
    for path in [
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//",
        "/index.html",
        "/metrics",
        "/style.css/..",
        "/%00",
    ] {
        assert_eq!(ask(get_of(path)).await.0, 404, "{path}");
    }
    assert_eq!(ask(get_of("/style.css")).await.0, 200);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request =
            Request::builder().method(method).uri("/").header("host", "localhost").body(Body::empty());
        let (status, headers, _) = ask(request.unwrap()).await;
        assert_eq!(status, 405, "{method}");
        assert!(headers["allow"].to_str().unwrap().contains("GET"), "{headers:?}");
    }
    let head = Request::head("/").header("host", "localhost").body(Body::empty()).unwrap();
    let (status, _, body) = ask(head).await;
    assert_eq!((status, body.as_str()), (200, ""));
}

#[tokio::test]
async fn only_names_that_nobody_else_can_point_here_are_answered() {
    let cases = [
        ("localhost", 200, "the usual"),
        ("LOCALHOST:1234", 200, "another port, as port-forward gives"),
        ("127.0.0.1:8081", 200, "an address"),
        ("127.9.9.9", 200, "loopback, too"),
        ("[::1]:80", 200, "in the other family"),
        ("ordain.example.com", 200, "named in --page-hosts"),
        ("evil.example.com", 421, "DNS rebinding"),
        ("localhost.evil.example.com", 421, "begins well"),
        ("127.0.0.1.nip.io", 421, "looks like an address"),
        ("user@localhost", 421, "somebody at"),
        ("10.0.0.1", 421, "somebody else's address"),
        ("localhost evil", 421, "two"),
        ("", 421, "nobody"),
        ("[::1", 421, "half of one"),
    ];
    for (host, expected, why) in cases {
        let request = Request::get("/").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(ask(request).await.0, expected, "{host}: {why}");
    }
    assert_eq!(ask(Request::get("/").body(Body::empty()).unwrap()).await.0, 421, "no host");
    let twice = Request::get("/").header("host", "localhost").header("host", "localhost").body(Body::empty());
    assert_eq!(ask(twice.unwrap()).await.0, 421, "two hosts");
    let elsewhere = Request::get("http://evil.example.com/").header("host", "localhost").body(Body::empty());
    assert_eq!(ask(elsewhere.unwrap()).await.0, 421, "another host in the first line");
    let open = gate::Gate::new("0.0.0.0:1".parse().unwrap(), Vec::new());
    assert!(open.admits("10.0.0.1:8081") && !open.admits("evil.example.com"), "open on purpose, by address");
}

#[tokio::test(start_paused = true)]
async fn who_ask_together_share_a_look() {
    let onlooker = Hostile::default();
    let app = app(&onlooker);
    let asked = (0..10).map(|_| app.clone().oneshot(get_of("/")));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(onlooker.0.load(Ordering::SeqCst), 1, "one list for all");
    tokio::time::advance(std::time::Duration::from_secs(4)).await;
    assert_eq!(app.oneshot(get_of("/")).await.unwrap().status(), 200);
    assert_eq!(onlooker.0.load(Ordering::SeqCst), 2, "it is not shown for ever");
}

/// Answers once it may; counts looks.
#[derive(Clone)]
struct Slow(Arc<AtomicUsize>, Arc<tokio::sync::Semaphore>);

#[async_trait]
impl Onlooker for Slow {
    async fn look(&self) -> Result<Overview, &'static str> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let _may = self.1.acquire().await.unwrap();
        Ok(Overview::of(&Cluster::default(), "2026-11-29T12:00:00Z".parse().unwrap()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_goes_on_for_others_when_whoever_asked_leaves() {
    let slow = Slow(Arc::default(), Arc::new(tokio::sync::Semaphore::new(0)));
    let app = router("127.0.0.1:8081".parse().unwrap(), Glances::new(slow.clone()), Vec::new());
    for _ in 0..3 {
        let mut leaves = Box::pin(app.clone().oneshot(get_of("/")));
        assert!(futures::poll!(&mut leaves).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.0.load(Ordering::SeqCst), 1, "nobody begins another beside it");
    slow.1.add_permits(1);
    assert_eq!(app.oneshot(get_of("/")).await.unwrap().status(), 200);
    assert_eq!(slow.0.load(Ordering::SeqCst), 1, "what it came to is shown");
}

/// Clients run their connections where they are made.
#[tokio::test]
async fn what_is_made_for_the_page_runs_on_its_thread() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (told, thread) = tokio::sync::oneshot::channel();
    let glances = || {
        tokio::spawn(async move { told.send(thread::current().name().map(str::to_owned)) });
        Ok(Glances::new(Hostile::default()))
    };
    start(listener, glances, Vec::new()).unwrap();
    assert_eq!(thread.await.unwrap().as_deref(), Some("page"));
}

/// Also where it is asked for within a runtime, as the operator does.
#[tokio::test]
async fn what_cannot_be_made_is_told_and_nothing_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let told = start(listener, || Err(std::io::Error::other("no client")), Vec::new()).unwrap_err();
    assert_eq!(told.to_string(), "no client");
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// Never answers; counts looks.
#[derive(Clone, Default)]
struct Stuck(Arc<AtomicUsize>);

#[async_trait]
impl Onlooker for Stuck {
    async fn look(&self) -> Result<Overview, &'static str> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_api_server_and_a_crowd_are_told_and_end() {
    let (stuck, began) = (Stuck::default(), tokio::time::Instant::now());
    let app = router("127.0.0.1:8081".parse().unwrap(), Glances::new(stuck.clone()), Vec::new());
    let asked = (0..40).map(|_| app.clone().oneshot(get_of("/")));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.unwrap().status(), 503);
    }
    let second = std::time::Duration::from_secs(1);
    assert!(began.elapsed() < 21 * second, "nobody waits for the others' looks: {:?}", began.elapsed());
    assert_eq!(stuck.0.load(Ordering::SeqCst), 1, "one look for all");
    let again = tokio::time::Instant::now();
    assert_eq!(app.clone().oneshot(get_of("/")).await.unwrap().status(), 503);
    assert!(again.elapsed() < second, "that it failed is known: {:?}", again.elapsed());
    tokio::time::advance(4 * second).await;
    assert_eq!(app.oneshot(get_of("/")).await.unwrap().status(), 503);
    assert_eq!(stuck.0.load(Ordering::SeqCst), 2, "it is not told for ever");
}
