//! Traces and logs of the built binary: one edit is one trace, from the event to the proof; a line per effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{TcpListener, TcpStream},
};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

use crate::support::{
    Installation,
    collector::{Collector, text},
    eventually, kubectl,
};

const WSO2: &str = include_str!("../../examples/wso2-baseline.yaml");
const LONGER: &str = r#"[{"op": "replace", "path": "/spec/content/wso2/profiles/0/features/1/content/minLength", "value": 8}]"#;

/// The spans of one trace, connected below its root.
struct Trace(BTreeMap<Vec<u8>, Span>);

impl Trace {
    fn of(spans: Vec<Span>, root: &Span) -> Self {
        let own = spans.into_iter().filter(|span| span.trace_id == root.trace_id);
        Self(own.map(|span| (span.span_id.clone(), span)).collect())
    }

    fn parent(&self, span: &Span) -> Option<&Span> {
        self.0.get(&span.parent_span_id)
    }

    /// In the order in which they began; of what began at once, what ended first.
    fn named(&self, name: &str) -> Vec<&Span> {
        let mut found: Vec<&Span> = self.0.values().filter(|span| span.name == name).collect();
        found.sort_by_key(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
        found
    }

    /// Names from the root down to this span.
    fn path(&self, span: &Span) -> String {
        let above = self.parent(span).map(|parent| self.path(parent) + " > ");
        above.unwrap_or_default() + &span.name
    }

    /// As a person would draw it.
    fn tree(&self) -> String {
        fn below(trace: &Trace, parent: &[u8], depth: usize, text: &mut String) {
            let mut children: Vec<&Span> = trace.0.values().filter(|s| s.parent_span_id == parent).collect();
            children.sort_by_key(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
            for span in children {
                let told = ["object", "verb", "method", "place", "status", "items"];
                let told = told.iter().filter_map(|key| Some(format!("{key}={}", text_of(span, key)?)));
                let took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1000;
                let told = told.collect::<Vec<_>>().join(" ");
                text.push_str(&format!("{}{} {told} ({took} us)\n", "  ".repeat(depth), span.name));
                below(trace, &span.span_id, depth + 1, text);
            }
        }
        let mut text = String::new();
        below(self, &[], 0, &mut text);
        text
    }
}

fn text_of(span: &Span, key: &str) -> Option<String> {
    text(&span.attributes, key)
}

/// The change that this object began, once it has ended with a status written.
fn change(collector: &Collector, object: &str) -> Option<Trace> {
    let spans = collector.spans();
    let mut roots = spans.iter().filter(|span| span.name == "change" && span.parent_span_id.is_empty());
    let root = roots.rfind(|span| text_of(span, "object").as_deref() == Some(object))?.clone();
    let trace = Trace::of(spans, &root);
    (!trace.named("status").is_empty()).then_some(trace)
}

#[test]
fn an_edit_is_one_trace_from_the_event_to_the_proof() {
    let collector = Collector::start();
    let mut installation = Installation::without_operator("traces");
    installation.start_with(&["--otlp-endpoint", collector.url()]);
    let example = WSO2.replace("namespace: ordain-demo", "namespace: traces");
    let (whom_and_what, assignment) = example.rsplit_once("---\n").unwrap();
    // What nothing hangs on is no change to an account.
    installation.apply(whom_and_what);
    installation.wait_ready("policy", "phone-baseline");
    installation.wait_ready("backend", "wso2");
    installation.apply(assignment);
    installation.wait_ready("policyassignment", "phone-baseline-engineers");

    kubectl(&["patch", "policy", "phone-baseline", "-n", "traces", "--type", "json", "-p", LONGER]);
    let object = "Policy traces/phone-baseline";
    assert!(eventually(|| change(&collector, object).is_some()), "{:#?}", collector.spans());
    let trace = change(&collector, object).unwrap();
    println!("{}", trace.tree());

    let [root] = trace.named("change")[..] else { panic!("one root: {}", trace.tree()) };
    for span in trace.0.values() {
        assert!(trace.path(span).starts_with("change"), "connected: {}\n{}", trace.path(span), trace.tree());
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{}", trace.tree());
    }
    let replace = |span: &&&Span| text_of(span, "verb").as_deref() == Some("replace");
    let steps = trace.named("step");
    let written = *steps.iter().find(replace).unwrap_or_else(|| panic!("the edit is sent: {}", trace.tree()));
    assert_eq!(trace.path(written), "change > round > apply > step");
    let proofs = trace.named("proof");
    let proof = *proofs.last().unwrap_or_else(|| panic!("read back: {}", trace.tree()));
    let first = |name: &str| trace.named(name)[0].start_time_unix_nano;
    let order = [
        ("watch", first("watch")),
        ("queued", first("queued")),
        ("round", first("round")),
        ("read", first("read")),
        ("plan", first("plan")),
        ("guard", first("guard")),
        ("step", written.start_time_unix_nano),
        ("proof", proof.start_time_unix_nano),
        ("status", trace.named("status").last().unwrap().start_time_unix_nano),
    ];
    assert!(order.is_sorted_by_key(|(_, at)| *at), "{order:?}\n{}", trace.tree());
    let calls = trace.named("call");
    assert!(calls.iter().any(|call| call.parent_span_id == written.span_id), "{}", trace.tree());
    assert!(calls.iter().all(|call| text_of(call, "status").is_some()), "{}", trace.tree());
    let deployed = steps.iter().any(|span| text_of(span, "verb").as_deref() == Some("deploy"));
    assert!(deployed, "and published: {}", trace.tree());

    assert!(installation.stop().success());
    assert_eq!(collector.service().as_deref(), Some("ordain"));
    for secret in ["maxFailedAttempts", "Basic ", "Bearer "] {
        assert!(!collector.was_sent(secret), "{secret} is in a trace");
    }
    let (ids, spans): (BTreeSet<_>, Vec<_>) =
        (collector.spans().iter().map(|span| span.span_id.clone()).collect(), collector.spans());
    let lost: Vec<_> = spans
        .iter()
        .filter(|span| !span.parent_span_id.is_empty() && !ids.contains(&span.parent_span_id))
        .map(|span| &span.name)
        .collect();
    assert!(lost.is_empty(), "SIGTERM sends what waits: {lost:?}");
    changes_lead_to_something(&spans);
}

/// Finalizers, annotations and statuses that come back from the API server begin no trace: an assignment and an edit are two.
fn changes_lead_to_something(spans: &[Span]) {
    let roots: Vec<&Span> = spans.iter().filter(|span| span.name == "change").collect();
    let wso2 = |span: &&&Span| text_of(span, "backend").is_some_and(|backend| backend.ends_with("/wso2"));
    let began: Vec<_> = roots.iter().filter(wso2).map(|span| text_of(span, "object")).collect();
    assert_eq!(began.len(), 2, "{began:?}");
    let traces: Vec<Trace> = roots.iter().map(|root| Trace::of(spans.to_vec(), root)).collect();
    for trace in traces {
        let came_to = ["round", "status"].iter().any(|name| !trace.named(name).is_empty());
        assert!(came_to, "a change that nothing came of: {}", trace.tree());
        let all: Vec<_> =
            trace.0.values().flat_map(|span| &span.attributes).map(|a| a.key.as_str()).collect();
        assert!(!all.iter().any(|key| key.ends_with("_before_us")), "{all:?}");
    }
}

/// A collector that is gone costs one warning, holds nothing up, and does not keep the process from ending.
#[test]
fn without_its_collector_the_operator_works_and_says_so_once() {
    // Its place is kept, so that nobody else answers there: whoever comes is hung up on.
    works_without_a_collector("no-collector", drop);
}

/// So does one that takes everything and answers nothing.
#[test]
fn with_a_collector_that_never_answers_the_operator_works_and_says_so_once() {
    works_without_a_collector("mute-collector", std::mem::forget);
}

fn works_without_a_collector(namespace: &str, treat: fn(TcpStream)) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().flatten().for_each(treat));
    let mut installation = Installation::without_operator(namespace);
    installation.start_with(&["--otlp-endpoint", &url]);
    installation.apply(&WSO2.replace("namespace: ordain-demo", &format!("namespace: {namespace}")));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    assert!(eventually(|| installation.logs().contains("traces cannot be delivered")), "it is told");
    kubectl(&["patch", "policy", "phone-baseline", "-n", namespace, "--type", "json", "-p", LONGER]);
    installation.wait_ready("policy", "phone-baseline");
    assert!(installation.stop().success());
    let told = installation.logs().matches("traces cannot be delivered").count();
    assert_eq!(told, 1, "{}", installation.logs());
}

/// `--log-format json`: a line per effect, with who, why, what, before and after.
#[test]
fn each_effect_is_a_line_of_json() {
    let mut installation = Installation::without_operator("effect-lines");
    installation.start_with(&["--log", "info,ordain::trace=trace"]);
    installation.apply(&WSO2.replace("namespace: ordain-demo", "namespace: effect-lines"));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    kubectl(&["patch", "policy", "phone-baseline", "-n", "effect-lines", "--type", "json", "-p", LONGER]);
    let lines = || -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let all: Vec<Value> = installation.logs().lines().map(parse).collect();
        let spans = all.iter().find(|line| !line["spans"].is_null());
        assert!(spans.is_none(), "no span is made without a collector: {spans:?}");
        all.into_iter().filter(|line| line["target"] == "ordain::effect").collect()
    };
    let is = |line: &&Value| line["fields"]["policies"] == "effect-lines/phone-baseline@2";
    let replaced = |line: &&Value| is(line) && line["fields"]["verb"] == "replace";
    assert!(eventually(|| lines().iter().any(|line| replaced(&line))), "{:#?}", lines());
    installation.wait_ready("policy", "phone-baseline");
    let lines = lines();
    let line = lines.iter().find(replaced).unwrap();
    println!("{line}");
    let fields = &line["fields"];
    let expected = [
        ("message", "effect"),
        ("backend", "Backend/effect-lines/wso2"),
        ("system", "wso2"),
        ("object", "effect-lines/phone-baseline-engineers/android/roles"),
        ("title", "Phone baseline"),
        ("why", "edit"),
        ("assignments", "effect-lines/phone-baseline-engineers"),
        ("changes", "features/PASSCODE_POLICY"),
        ("outcome", "applied"),
        ("part", "1/1"),
    ];
    for (field, value) in expected {
        assert_eq!(fields[field], value, "{line:#}");
    }
    assert!(line["timestamp"].is_string() && line["level"] == "INFO", "{line:#}");
    let created = lines.iter().find(|line| line["fields"]["verb"] == "create").unwrap();
    assert!(created["fields"]["id"].is_string(), "{created:#}");
    assert_eq!(created["fields"]["before"], "-");
    assert_eq!(created["fields"]["after"], fields["before"], "the edit begins where the create left it");
    assert_ne!(fields["before"], fields["after"]);
    let text = lines.iter().map(ToString::to_string).collect::<String>();
    assert!(!text.contains("minLength") && !text.contains("maxPINAgeInDays"), "names of settings, no values");
}
