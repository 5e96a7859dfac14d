//! Names, labels and values, and what is left of a backend that is gone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalogue::{ALL, Label, Type},
    *,
};
use crate::model::BackendKind;

fn backend() -> BackendId {
    BackendId { kind: BackendKind::Backend, namespace: "team-a".into(), name: "emm".into() }
}

fn snapshot() -> Snapshot {
    let at = |second| Timestamp::from_second(second).unwrap();
    Snapshot {
        system: SystemName::Wso2,
        drift_interval: Duration::from_secs(1800),
        proof: Some(Proof { wanted: at(1_800_000_000), oldest: Some(at(1_800_000_060)) }),
        due: [0, 1, 2, 3, 4],
        breaker: Some(Reason::Unreachable),
        holds: 12,
        operations: 2,
        oldest_operation: Some(at(1_800_000_030)),
    }
}

/// Each metric once.
fn all() -> Metrics {
    let metrics = Metrics::new();
    metrics.call(SystemName::Wso2, CallOutcome::Throttled, Duration::from_millis(30));
    metrics.pass(SystemName::Wso2, Duration::from_millis(30));
    metrics.drift_found(SystemName::Wso2, 2);
    metrics.drift_corrected(SystemName::Wso2, 1);
    metrics.account(&backend(), snapshot());
    metrics.connected(&backend(), running_meter(), Timestamp::from_second(1_900_000_000).ok());
    metrics.store_bytes(4096);
    metrics.leader(true);
    metrics.objects("Policy", ConditionType::Ready, ConditionStatus::False, 1);
    metrics.abnormal("Policy", ConditionType::Ready, Reason::Invalid, 1);
    metrics.status_write("Policy", WriteOutcome::Ok);
    metrics.finalizer_write("PolicyAssignment", WriteOutcome::Gone);
    metrics.annotation_write("PolicyAssignment", WriteOutcome::Refused);
    metrics.waiting("bulk", 3);
    metrics.event(WriteOutcome::Dropped);
    metrics
}

/// Of a client that lives as long as the process.
fn running_meter() -> Meter {
    use crate::drivers::http::{HttpClient, Limits, scripted::Scripted};
    let meter = Meter::default();
    let limits = Limits {
        requests_per_minute: 60,
        burst: 7,
        in_flight: 1,
        timeout: Duration::from_secs(1),
        max_body: 1,
        meter: meter.clone(),
    };
    let origin = url::Url::parse("https://emm.example").unwrap();
    let clock = Arc::new(crate::model::SystemClock::new());
    std::mem::forget(HttpClient::new(Scripted::list(vec![]), origin, limits, clock));
    meter
}

#[test]
fn values_arrive_under_their_names() {
    let text = all().encode();
    for line in [
        r#"ordain_vendor_calls_total{system="wso2",outcome="throttled"} 1"#,
        r#"ordain_vendor_call_duration_seconds_bucket{system="wso2",le="0.05"} 1"#,
        r#"ordain_drift_found_total{system="wso2"} 2"#,
        r#"ordain_guard_holds{backend="Backend/team-a/emm"} 12.0"#,
        "ordain_store_bytes 4096",
        r#"ordain_drift_interval_seconds{backend="Backend/team-a/emm"} 1800.0"#,
        r#"ordain_proof_wanted_timestamp_seconds{backend="Backend/team-a/emm"} 1800000000.0"#,
        r#"ordain_oldest_proof_timestamp_seconds{backend="Backend/team-a/emm"} 1800000060.0"#,
        r#"ordain_oldest_operation_timestamp_seconds{backend="Backend/team-a/emm"} 1800000030.0"#,
        r#"ordain_credentials_expiry_timestamp_seconds{backend="Backend/team-a/emm"} 1900000000.0"#,
        r#"ordain_items_due{backend="Backend/team-a/emm",lane="drift"} 4.0"#,
        r#"ordain_breaker_open{backend="Backend/team-a/emm",reason="Unreachable"} 1.0"#,
        r#"ordain_backend_info{backend="Backend/team-a/emm",system="wso2"} 1.0"#,
        r#"ordain_vendor_call_tokens{backend="Backend/team-a/emm"} 7.0"#,
        r#"ordain_objects_abnormal{kind="Policy",condition="Ready",reason="Invalid"} 1"#,
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_backend_that_is_gone_leaves_no_series_behind() {
    let metrics = all();
    assert!(metrics.encode().contains("team-a"));
    metrics.forget(&backend());
    assert!(!metrics.encode().contains("team-a"));
}

#[test]
fn each_format_is_said_as_it_is_defined() {
    let metrics = all();
    let (old, open) = (metrics.encode_as(Format::Prometheus), metrics.encode_as(Format::OpenMetrics));
    assert!(old.contains("# TYPE ordain_vendor_calls_total counter\n") && !old.contains("# EOF"), "{old}");
    assert!(open.contains("# TYPE ordain_vendor_calls counter\n") && open.ends_with("# EOF\n"), "{open}");
    // Bounds of buckets are spelled otherwise: 1 and 1.0.
    let series = |text: &str| -> BTreeSet<String> {
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.contains("_bucket{"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(series(&old), series(&open), "the same numbers");
}

/// Series by name, with their labels; of a histogram its count.
fn labels_of(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let parse = |line: &str| {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let pairs = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
        let labels = pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect();
        (name.to_owned(), labels)
    };
    text.lines().filter(|line| !line.starts_with('#')).map(parse).collect()
}

#[test]
fn the_catalogue_tells_every_metric_its_type_and_its_labels() {
    let text = all().encode();
    let found = labels_of(&text);
    let mut named = BTreeSet::new();
    for spec in ALL {
        let name = spec.name();
        let kind = match spec.type_ {
            Type::Counter => "counter",
            Type::Gauge | Type::Info => "gauge",
            Type::Histogram => "histogram",
        };
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is no {kind} in\n{text}");
        assert!(text.contains(&format!("# HELP {name} {}.\n", spec.help)), "{name}: {}", spec.help);
        let series = if spec.type_ == Type::Histogram { format!("{name}_count") } else { name.clone() };
        let labels = found.get(&series).unwrap_or_else(|| panic!("{series} is not in\n{text}"));
        let said: BTreeSet<_> = spec.labels.iter().map(|label| label.name()).collect();
        assert_eq!(labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), said, "{name}");
        for label in spec.labels {
            let words = label.words();
            let value = labels[label.name()].as_str();
            assert!(words.is_none_or(|words| words.contains(&value)), "{name}: {value} is no {label:?}");
        }
        named.insert(name);
    }
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    assert_eq!(types.map(str::to_owned).collect::<BTreeSet<_>>(), named, "what is served is catalogued");
}

#[test]
fn labels_are_bounded_but_for_the_backend() {
    let free = ALL.iter().flat_map(|spec| spec.labels).filter(|label| label.words().is_none());
    let free: BTreeSet<_> = free.map(|label| label.name()).collect();
    assert_eq!(free, BTreeSet::from([Label::Backend.name(), Label::Version.name()]));
}
