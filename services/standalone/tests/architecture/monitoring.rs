//! The dashboard and the alerts ask for what there is, and each alert is explained.
//!
//! That docs/observability.md has just the metrics that the programs have is tested in `tests/system`.
//! Whether Prometheus understands the questions, and when alerts begin, is tested by `.ci/monitoring`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::Value;

use crate::{sources, tables};

const FOLDER: &str = "k8s/components/monitoring";

/// What Prometheus adds to all that it collects.
const ADDED: [&str; 1] = ["instance"];

/// Words of PromQL that are followed by names of labels in brackets.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Other words of it that are no names.
const WORDS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&file("dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut asked = BTreeSet::new();
    for panel in panels {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let title = panel["title"].as_str().expect("a title");
            asked.extend(check(title, text(target, "expr")));
        }
    }
    // A row of a panel each would be no use if something were never looked at.
    let all: BTreeSet<_> = documented().into_keys().collect();
    let unseen: Vec<_> = all
        .difference(&asked)
        .filter(|name| {
            ![
                "process_virtual_memory_bytes",
                "process_threads",
                "process_max_fds",
            ]
            .contains(&name.as_str())
        })
        .collect();
    assert!(
        unseen.is_empty(),
        "no panel of the dashboard shows {unseen:?}"
    );
}

#[test]
fn alerts_ask_for_metrics_that_there_are_and_say_what_to_do() {
    let pages = fs::read_to_string(sources::root().join("docs/alerts.md")).expect("docs/alerts.md");
    let explained: BTreeSet<_> = pages
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(str::to_owned)
        .collect();
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = text(&alert, "alert");
        check(name, text(&alert, "expr"));
        let severity = text(&alert["labels"], "severity");
        assert!(
            ["critical", "warning"].contains(&severity),
            "{name}: {severity:?}"
        );
        let annotations = &alert["annotations"];
        assert!(
            !text(annotations, "summary").is_empty(),
            "{name}: no summary"
        );
        assert_eq!(
            text(annotations, "runbook_url"),
            format!("docs/alerts.md#{}", name.to_lowercase()),
            "{name}: where it is explained"
        );
        assert!(names.insert(name.to_owned()), "{name} is there twice");
    }
    assert_eq!(
        names, explained,
        "alerts (left), and headings of docs/alerts.md (right)"
    );
}

#[test]
fn every_alert_is_seen_to_begin_in_a_test() {
    let tests = file("alerts-test.yaml");
    for alert in alerts() {
        let name = text(&alert, "alert");
        let played = tests.contains(&format!("alertname: {name}\n"));
        assert!(played, "{name} is in no test of alerts-test.yaml");
    }
}

fn alerts() -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(&file("alerts.yaml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups");
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.cloned().collect()
}

/// The metrics of the documentation, each with its labels.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let table = tables::section("docs/observability.md", "Metrics");
    let rows = tables::rows(&table);
    let metrics = rows.iter().map(|row| {
        let labels = tables::names(&row[1]).into_iter().collect();
        (tables::names(&row[0]).concat(), labels)
    });
    metrics.collect()
}

/// The metrics that a question is about. It may name those that there are, and their labels.
fn check(whose: &str, question: &str) -> BTreeSet<String> {
    let (metrics, labels) = names(question);
    assert!(!metrics.is_empty(), "{whose}: asks for nothing: {question}");
    let documented = documented();
    let mut known: BTreeSet<String> = ADDED.map(str::to_owned).into();
    let mut asked = BTreeSet::new();
    for metric in metrics {
        // Prometheus has the buckets of a histogram as a metric of their own.
        let bare = metric.strip_suffix("_bucket").unwrap_or(&metric);
        let own = documented.get(bare);
        let own = own.unwrap_or_else(|| panic!("{whose}: there is no metric {metric}: {question}"));
        known.extend(own.iter().cloned());
        if bare != metric {
            known.insert("le".to_owned());
        }
        asked.insert(bare.to_owned());
    }
    let strange: Vec<_> = labels.difference(&known).collect();
    assert!(
        strange.is_empty(),
        "{whose}: there are no labels {strange:?}: {question}"
    );
    asked
}

/// The metrics and the labels that a question names.
fn names(question: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    // Texts in quotation marks and times in brackets have no names in them.
    let mut bare: String = question.split('"').step_by(2).collect();
    while let (Some(from), Some(to)) = (bare.find('['), bare.find(']')) {
        bare.replace_range(from..=to, " ");
    }
    let (mut in_braces, mut in_labels, mut after_word) = (false, false, false);
    let mut rest = bare.as_str();
    while let Some(c) = rest.chars().next() {
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
            .unwrap_or(rest.len());
        if length == 0 {
            match c {
                '{' => in_braces = true,
                '}' => in_braces = false,
                '(' => in_labels = after_word,
                ')' => in_labels = false,
                _ => {}
            }
            after_word &= c.is_whitespace();
            rest = &rest[c.len_utf8()..];
            continue;
        }
        // A function is followed by its arguments, or by what it sums up by.
        let (word, others) = rest.split_at(length);
        rest = others;
        after_word = false;
        if c.is_ascii_digit() || WORDS.contains(&word) {
            continue;
        }
        if in_braces || in_labels {
            labels.insert(word.to_owned());
        } else if BEFORE_LABELS.contains(&word) {
            after_word = true;
        } else if !["(", "by ", "without "]
            .iter()
            .any(|it| rest.trim_start().starts_with(it))
        {
            metrics.insert(word.to_owned());
        }
    }
    (metrics, labels)
}

fn file(name: &str) -> String {
    let path = sources::root().join(FOLDER).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
}

#[test]
fn names_are_found_in_questions() {
    let question = r#"histogram_quantile(0.9, sum by (le, a) (rate(b_bucket{c=~"d|e",f!="g"}[5m]))) > 1e3
        or h * on (i) group_left (j) k unless sum(l)"#;
    let (metrics, labels) = names(question);
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(metrics, set(&["b_bucket", "h", "k", "l"]));
    assert_eq!(labels, set(&["le", "a", "c", "f", "i", "j"]));
}
