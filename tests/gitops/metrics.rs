//! Metrics, alerts and dashboard, by promtool: what the running operator tells is well formed, each alert is silent while it
//! should be and fires when it should, and nothing asks for a metric or a word that there is not.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use ordain::report::metrics::catalogue::{ALL, Spec};
use serde_json::{Value, json};

use crate::{
    cluster::root,
    pages,
    programs::output,
    site::{Site, TEAM},
};

/// What a template of the chart renders to.
fn rendered(template: &str, settings: &str) -> Value {
    let mut helm = Command::new("helm");
    helm.args(["template", "ordain", "-n", "ordain-system", "--set", settings, "-s", template]);
    serde_saphyr::from_str(&output(helm.arg(root().join("charts/ordain")))).unwrap()
}

/// The groups of the PrometheusRule.
fn groups() -> Value {
    rendered("templates/prometheusrule.yaml", "prometheusRule.enabled=true")["spec"].take()
}

fn rules(groups: &Value) -> Vec<&Value> {
    let groups = groups["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect()
}

fn alert(rule: &Value) -> &str {
    rule["alert"].as_str().unwrap()
}

fn dashboard() -> Value {
    let map = rendered("templates/dashboard.yaml", "dashboard.enabled=true");
    serde_json::from_str(map["data"]["ordain.json"].as_str().unwrap()).unwrap()
}

/// Whether promtool is content, and what it says.
fn promtool(arguments: &[&str], input: Option<&Path>, at: &Path) -> (bool, String) {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(at);
    if let Some(input) = input {
        command.stdin(fs::File::open(input).unwrap());
    }
    let out = command.output().unwrap();
    let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (out.status.success(), said.concat())
}

#[test]
fn what_the_running_operator_tells_is_well_formed_in_both_formats() {
    let site = Site::at_work();
    let chart = site.phones(6);
    site.team(&["install", "phones", chart.to_str().unwrap()], &[]).unwrap();
    site.cluster.wait(TEAM, "backends/tachyon", "Ready");
    let address = pages::address(&site.node.logs()).expect("it says where it listens");
    let (head, text) = pages::scrape(&address, "/metrics", "*/*");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let folder = site.cluster.folder();
    let file = folder.join("metrics.txt");
    fs::write(&file, &text).unwrap();
    let (clean, said) = promtool(&["check", "metrics"], Some(&file), folder);
    assert!(clean && said.trim().is_empty(), "promtool check metrics: {said}\n{text}");
    for told in [
        "ordain_leader 1",
        r#"ordain_vendor_calls_total{system="wso2",outcome="ok"}"#,
        r#"ordain_oldest_proof_timestamp_seconds{backend="Backend/ordain-demo/wso2"}"#,
        r#"ordain_credentials_expiry_timestamp_seconds{backend="Backend/ordain-demo/tachyon"}"#,
        r#"ordain_vendor_call_tokens{backend="Backend/ordain-demo/wso2"}"#,
        r#"ordain_objects{kind="PolicyAssignment",condition="Ready",status="True"} 1"#,
    ] {
        assert!(text.lines().any(|line| line.starts_with(told)), "{told} is not in\n{text}");
    }
    let (head, open) = pages::scrape(&address, "/metrics", "application/openmetrics-text;version=1.0.0");
    assert!(head.contains("application/openmetrics-text; version=1.0.0"), "{head}");
    // promtool reads OpenMetrics where it makes blocks of it, which need times.
    let timed: String = open.lines().map(|line| timed(line) + "\n").collect();
    fs::write(folder.join("metrics.om"), timed).unwrap();
    let blocks = ["tsdb", "create-blocks-from", "openmetrics", "metrics.om", "blocks"];
    let (read, said) = promtool(&blocks, None, folder);
    assert!(read, "promtool tsdb create-blocks-from openmetrics: {said}\n{open}");
}

fn timed(line: &str) -> String {
    if line.starts_with('#') { line.to_owned() } else { format!("{line} 1800000000") }
}

#[test]
fn each_alert_is_silent_while_it_should_be_and_fires_when_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let cases = root().join("tests/gitops/alerts/alerts_test.yaml");
    fs::copy(cases, folder.path().join("alerts_test.yaml")).unwrap();
    let tested = |groups: &Value| {
        fs::write(folder.path().join("rules.yaml"), groups.to_string()).unwrap();
        promtool(&["test", "rules", "alerts_test.yaml"], None, folder.path())
    };
    let groups = groups();
    let (green, said) = tested(&groups);
    assert!(green, "{said}");
    let (clean, said) = promtool(&["check", "rules", "--lint-fatal", "rules.yaml"], None, folder.path());
    assert!(clean, "{said}");
    // The cases see what they are there for: each alert as one that never fires, and as one that always does.
    for at in 0..rules(&groups).len() {
        for broken in ["vector(0) > 1", "vector(1)"] {
            let mut groups = groups.clone();
            groups["groups"][0]["rules"][at]["expr"] = json!(broken);
            let (green, _) = tested(&groups);
            assert!(!green, "no case of {} sees that it is {broken}", alert(rules(&groups)[at]));
        }
    }
}

#[test]
fn each_alert_says_what_to_do_and_where_to_read_on() {
    let groups = groups();
    let page = fs::read_to_string(root().join("docs/alerts.md")).unwrap();
    let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let alerts: Vec<_> = rules(&groups).into_iter().map(alert).collect();
    assert_eq!(sections, alerts, "docs/alerts.md has a section for each alert, in the same order");
    for rule in rules(&groups) {
        let (name, said) = (alert(rule), &rule["annotations"]);
        let place = format!("docs/alerts.md#{}", name.to_lowercase());
        assert_eq!(said["runbook_url"], place.as_str(), "{name}");
        assert!(said["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert!(said["description"].as_str().unwrap().contains("kubectl"), "{name} says what to run next");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(["warning", "critical"].contains(&severity), "{name}: {severity}");
        assert!(rule["for"].is_string(), "{name} waits for what passes by itself");
    }
}

/// The metrics an expression asks for, each with its selector.
fn asked(expression: &str) -> Vec<(String, String)> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ends = expression.match_indices("ordain_").map(|(at, _)| at);
    let starts = ends.filter(|at| !expression[..*at].ends_with(is_of_name));
    let parts = starts.map(|at| {
        let text = &expression[at..];
        let (name, rest) = text.split_at(text.find(|c| !is_of_name(c)).unwrap_or(text.len()));
        let selector = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
        (name.to_owned(), selector.unwrap_or_default().to_owned())
    });
    parts.collect()
}

/// The metric of that name; of a histogram also its parts.
fn known(name: &str) -> Option<&'static Spec> {
    let parts = ["", "_bucket", "_count", "_sum"];
    ALL.iter().find(|spec| {
        parts
            .iter()
            .any(|part| format!("{}{part}", spec.name()) == name && (part.is_empty() || spec.is_histogram()))
    })
}

/// What is wrong with an expression, as far as our metrics and their words go.
fn wrong(expression: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, selector) in asked(expression) {
        let Some(spec) = known(&name) else {
            wrong.push(format!("there is no metric {name}"));
            continue;
        };
        for matcher in selector.split(',').map(str::trim).filter(|matcher| !matcher.is_empty()) {
            let (label, words) = matcher.split_once(['=', '!']).unwrap();
            let words = words.trim_matches(['=', '~', '"']);
            if ["job", "namespace"].contains(&label) {
                continue;
            }
            let Some(label) = spec.labels.iter().find(|one| one.name() == label) else {
                wrong.push(format!("{name} has no label {label}"));
                continue;
            };
            let unknown = |word: &&str| label.words().is_some_and(|words| !words.contains(word));
            wrong.extend(
                words.split('|').filter(unknown).map(|word| format!("{name}: {word} is no {label:?}")),
            );
        }
    }
    wrong
}

/// Every expression of the dashboard, with the title of its panel.
fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap();
        targets.iter().map(move |target| (title.clone(), target["expr"].as_str().unwrap().to_owned()))
    });
    targets.collect()
}

#[test]
fn nothing_asks_for_a_metric_or_a_word_that_there_is_not() {
    assert_eq!(wrong("sum(ordain_no_such_thing)"), ["there is no metric ordain_no_such_thing"]);
    assert_eq!(wrong("ordain_leader{kind=\"x\"}"), ["ordain_leader has no label kind"]);
    assert_eq!(
        wrong("ordain_breaker_open{reason=~\"Unreachable|Unreachbale\"}"),
        ["ordain_breaker_open: Unreachbale is no Reason"]
    );
    let (groups, dashboard) = (groups(), dashboard());
    let of_rules = rules(&groups).into_iter().map(|rule| (alert(rule).to_owned(), rule["expr"].clone()));
    let of_rules = of_rules.map(|(name, expression)| (name, expression.as_str().unwrap().to_owned()));
    for (place, expression) in of_rules.chain(expressions(&dashboard)) {
        assert!(!asked(&expression).is_empty(), "{place} asks for nothing of ours: {expression}");
        assert_eq!(wrong(&expression), [""; 0], "{place}: {expression}");
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_takes() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|one| one["type"] == "datasource" && one["query"] == "prometheus"));
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{}", panel["title"]);
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{}", panel["title"]);
    }
    let with_values = |expression: &str| {
        expression.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$backend", ".*")
    };
    let rules = expressions(&dashboard).into_iter().enumerate();
    let rules: Vec<_> = rules
        .map(|(at, (_, expression))| json!({"record": format!("panel:{at}"), "expr": with_values(&expression)}))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    assert!(!file.contains('$'), "no variable is left: {file}");
    fs::write(folder.path().join("rules.yaml"), file).unwrap();
    let (parsed, said) = promtool(&["check", "rules", "rules.yaml"], None, folder.path());
    assert!(parsed, "{said}");
}
