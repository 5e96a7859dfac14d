//! Backends.

use serde_json::{Value, json};

use super::{Accept, Case, CodeOnly, Refuse, case, object, repeat, with};

fn backend(system: Value) -> Value {
    object("Backend", &json!({"system": system}))
}

fn url(url: &str) -> Value {
    backend(json!({"wfbss": {"url": url, "credentialsRef": {"name": "c"}}}))
}

fn wfbss(field: &str, value: Value) -> Value {
    with(url("https://cspi.trendmicro.com"), &format!("/spec/system/wfbss/{field}"), value)
}

fn spec(field: &str, value: Value) -> Value {
    with(url("https://cspi.trendmicro.com"), &format!("/spec/{field}"), value)
}

fn deploy() -> Value {
    json!({"mode": "Automatic", "foreignChanges": "Hold"})
}

const URL_RULE: &str = "must be https://HOST[:PORT][/PATH], or http:// on loopback only";

pub fn cases() -> Vec<Case> {
    [systems(), urls(), options()].into_iter().flatten().collect()
}

fn systems() -> Vec<Case> {
    let credentials = json!({"name": "c"});
    let symphony = json!({"podUrl": "https://pod.example.com", "agentUrl": "https://agent.example.com", "generation": "V1", "naming": "Exact", "credentialsRef": credentials});
    let shield = json!({"url": "https://bi.example.com/yurbi/api", "paths": {"list": "AppShield/List", "get": "/AppShield/{id}"}, "deepSave": true, "resend": "Interval", "credentialsRef": credentials});
    let tachyon = json!({"url": "https://tachyon.example.com", "consumer": "Ordain", "deploy": deploy(), "credentialsRef": credentials});
    let wso2 = json!({"url": "https://emm.example.com:8243", "api": "DeviceMgtV1", "deploy": deploy(), "ungroupedDevices": "Accept", "deviceLinks": "Ignored", "credentialsRef": credentials});
    let mut undecided = wso2.clone();
    undecided.as_object_mut().expect("an object").remove("deploy");
    let both = json!({"tachyon": tachyon, "wso2": wso2});
    vec![
        case("Symphony", backend(json!({"symphony": symphony})), Accept),
        case("App Shield", backend(json!({"appShield": shield})), Accept),
        case("Tachyon", backend(json!({"tachyon": tachyon})), Accept),
        case("WSO2", backend(json!({"wso2": wso2})), Accept),
        case("WFBSS", wfbss("taskPath", "/tasks/{id}".into()), Accept),
        case(
            "a backend is one system",
            backend(both),
            Refuse("exactly one of wfbss, symphony, appShield, tachyon, wso2 is required"),
        ),
        case(
            "a backend is a system",
            backend(json!({})),
            Refuse("exactly one of wfbss, symphony, appShield, tachyon, wso2 is required"),
        ),
        case(
            "deploying concerns others and is decided by a human",
            backend(json!({"wso2": undecided})),
            Refuse("spec.system.wso2.deploy: Required value"),
        ),
        case("a task's path says where the id goes", wfbss("taskPath", "tasks".into()), Refuse("taskPath")),
        case("a path does not climb", wfbss("taskPath", "../{id}".into()), CodeOnly),
        case("a path has no query", wfbss("taskPath", "tasks/{id}?x=1".into()), Refuse("taskPath")),
        case("ten customers go into one write", wfbss("customersPerWrite", 10.into()), Accept),
        case(
            "the system takes ten customers at most",
            wfbss("customersPerWrite", 11.into()),
            Refuse("should be less than or equal to 10"),
        ),
        case(
            "no customer is not a write",
            wfbss("customersPerWrite", 0.into()),
            Refuse("should be greater than or equal to 1"),
        ),
        case("a version is vN.N", wfbss("version", "2.8".into()), Refuse("version")),
        case(
            "execution is out of a list",
            wfbss("execution", "Later".into()),
            Refuse("Unsupported value: \"Later\""),
        ),
        case(
            "credentials are in the same namespace",
            wfbss("credentialsRef", json!({"name": "kube-system/c"})),
            Refuse("credentialsRef.name"),
        ),
    ]
}

fn urls() -> Vec<Case> {
    vec![
        case("a path and a port", url("https://emm.example.com:9443/api/v1"), Accept),
        case("an address", url("https://10.1.2.3"), Accept),
        case("an IPv6 address", url("https://[2001:db8::1]:443/"), Accept),
        case("loopback may be plain", url("http://127.0.0.1:41001"), Accept),
        case("localhost may be plain", url("http://localhost:41001/api"), Accept),
        case("IPv6 loopback may be plain", url("http://[::1]:41001"), Accept),
        case("others are encrypted", url("http://emm.example.com"), Refuse(URL_RULE)),
        case("a host that begins as loopback is none", url("http://127.0.0.1.example.com"), Refuse(URL_RULE)),
        case("localhost is not a suffix", url("http://localhost.example.com"), Refuse(URL_RULE)),
        case("no other scheme", url("ftp://emm.example.com"), Refuse(URL_RULE)),
        case("a scheme is there", url("emm.example.com"), Refuse(URL_RULE)),
        case("no user", url("https://admin@emm.example.com"), Refuse(URL_RULE)),
        case(
            "no user that looks like a host",
            url("https://emm.example.com:443@evil.example.com"),
            Refuse(URL_RULE),
        ),
        case("no password", url("https://admin:pw@emm.example.com"), Refuse(URL_RULE)),
        case("no query", url("https://emm.example.com/api?x=1"), Refuse(URL_RULE)),
        case("no fragment", url("https://emm.example.com/#x"), Refuse(URL_RULE)),
        case(
            "parsers turn a backslash round",
            url("https://emm.example.com\\@evil.example.com"),
            Refuse(URL_RULE),
        ),
        case("parsers drop a line break", url("https://emm.exa\nmple.com"), Refuse(URL_RULE)),
        case("a host is written in ASCII", url("https://emm.éxample.com"), Refuse(URL_RULE)),
        case("a host is there", url("https:///api"), Refuse(URL_RULE)),
        case(
            "1025 characters are too many",
            url(&format!("https://e.example.com/{}", "x".repeat(1003))),
            Refuse("may not be more than 1024"),
        ),
        case("an octal address hides another", url("https://0177.0.0.1"), CodeOnly),
        case("a number hides an address", url("https://2130706433"), CodeOnly),
        case("a port ends at 65535", url("https://emm.example.com:65536"), CodeOnly),
        case("a path does not climb in a URL either", url("https://emm.example.com/api/../admin"), CodeOnly),
    ]
}

fn options() -> Vec<Case> {
    vec![
        case(
            "a minute is the shortest interval",
            spec("drift", json!({"interval": "1m", "correction": "Report"})),
            Accept,
        ),
        case("a day is the longest", spec("drift", json!({"interval": "24h"})), Accept),
        case(
            "hours and minutes together",
            spec("guard", json!({"window": "1h30m", "maxTargets": 0, "maxRemovals": 0})),
            Accept,
        ),
        case("seconds add up", spec("drift", json!({"interval": "90s"})), Accept),
        case(
            "59 seconds are too short",
            spec("drift", json!({"interval": "59s"})),
            Refuse("must be a duration between 1m and 24h"),
        ),
        case(
            "a second over a day is too long",
            spec("guard", json!({"window": "24h1s"})),
            Refuse("must be a duration between 1m and 24h"),
        ),
        case("days are not Go", spec("drift", json!({"interval": "1d"})), Refuse("spec.drift.interval")),
        case(
            "a number needs a unit",
            spec("drift", json!({"interval": "30"})),
            Refuse("spec.drift.interval"),
        ),
        case(
            "a duration is not negative",
            spec("drift", json!({"interval": "-30m"})),
            Refuse("spec.drift.interval"),
        ),
        case("a duration is text", spec("drift", json!({"interval": 30})), Refuse("must be of type string")),
        case(
            "guards are not negative",
            spec("guard", json!({"maxRemovals": -1})),
            Refuse("should be greater than or equal to 0"),
        ),
        case(
            "one request at a time",
            spec("limits", json!({"requestsPerMinute": 1, "burst": 1, "inFlight": 1})),
            Accept,
        ),
        case(
            "no request at all is suspend",
            spec("limits", json!({"inFlight": 0})),
            Refuse("should be greater than or equal to 1"),
        ),
        case(
            "64 at a time are the most",
            spec("limits", json!({"inFlight": 65})),
            Refuse("should be less than or equal to 64"),
        ),
        case(
            "an authority of one's own",
            spec("caRef", json!({"kind": "Secret", "name": "ca", "key": "tls.crt"})),
            Accept,
        ),
        case(
            "a key is no path",
            spec("caRef", json!({"name": "ca", "key": "../x"})),
            Refuse("spec.caRef.key"),
        ),
    ]
}

fn cluster(entries: Value) -> Value {
    let mut object = spec("access", entries);
    object["kind"] = "ClusterBackend".into();
    object
}

fn entry(name: &str, field: &str, value: Value) -> Value {
    let entry = json!({"e": {"name": name, "namespaces": {"names": ["team-a"]}, "targets": {"all": true}}});
    with(entry, &format!("/e/{field}"), value)["e"].clone()
}

fn access_with(field: &str, value: Value) -> Value {
    cluster(json!([entry("emea", field, value)]))
}

fn expression(expression: Value) -> Value {
    access_with("namespaces", json!({"selector": {"matchExpressions": [expression]}}))
}

const EMPTY_SELECTOR: &str = "an empty selector would mean every namespace";

pub fn access() -> Vec<Case> {
    let wfbss =
        json!({"wfbss": {"customers": [{"id": "640FE47F-5118-4D79-8221-A35D0DE2EE2C", "allGroups": true}]}});
    vec![
        case("no entry, no access", cluster(json!([])), Accept),
        case("by name, all targets", access_with("everyone", true.into()), Accept),
        case(
            "by label",
            access_with("namespaces", json!({"names": [], "selector": {"matchLabels": {"region": "emea"}}})),
            Accept,
        ),
        case(
            "every namespace is said in words",
            expression(json!({"key": "kubernetes.io/metadata.name", "operator": "Exists"})),
            Accept,
        ),
        case(
            "an empty selector is not everybody",
            access_with("namespaces", json!({"selector": {}})),
            Refuse(EMPTY_SELECTOR),
        ),
        case(
            "an empty set of labels is not everybody",
            access_with("namespaces", json!({"selector": {"matchLabels": {}}})),
            Refuse(EMPTY_SELECTOR),
        ),
        case("no namespace is a slip", access_with("namespaces", json!({})), Refuse(EMPTY_SELECTOR)),
        case(
            "In needs values",
            expression(json!({"key": "region", "operator": "In"})),
            Refuse("In and NotIn need values"),
        ),
        case(
            "Exists has none",
            expression(json!({"key": "region", "operator": "Exists", "values": ["a"]})),
            Refuse("Exists and DoesNotExist have none"),
        ),
        case("some customers", access_with("targets", wfbss.clone()), Accept),
        case(
            "targets of one system",
            access_with("targets", json!({"wfbss": {}, "wso2": {}})),
            Refuse("exactly one of all, wfbss"),
        ),
        case(
            "all: false says nothing",
            access_with("targets", json!({"all": false})),
            Refuse("supported values: \"true\""),
        ),
        case("targets are named", access_with("targets", json!({})), Refuse("exactly one of all, wfbss")),
        case(
            "ANY is refused in access, too",
            access_with("targets", json!({"wso2": {"roles": ["any"]}})),
            Refuse("the word ANY means everybody"),
        ),
        case("a range of priorities", access_with("priority", json!({"min": -5, "max": 99})), Accept),
        case(
            "a range is not upside down",
            access_with("priority", json!({"min": 1, "max": 0})),
            Refuse("min must not be above max"),
        ),
        case(
            "priorities of access are bounded, too",
            access_with("priority", json!({"min": 0, "max": 1001})),
            Refuse("should be less than or equal to 1000"),
        ),
        case(
            "an entry has a name of its own",
            cluster(json!([entry("a", "targets", wfbss.clone()), entry("a", "targets", wfbss)])),
            Refuse("Duplicate value"),
        ),
        case(
            "64 entries are allowed",
            cluster(repeat(64, |i| entry(&format!("e{i}"), "everyone", false.into()))),
            Accept,
        ),
        case(
            "65 entries are too many",
            cluster(repeat(65, |i| entry(&format!("e{i}"), "everyone", false.into()))),
            Refuse("must have at most 64 items"),
        ),
        case(
            "a Backend has no access",
            {
                let mut o = access_with("everyone", true.into());
                o["kind"] = "Backend".into();
                o
            },
            Refuse("unknown field \"spec.access\""),
        ),
    ]
}
