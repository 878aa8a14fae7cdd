//! What is measured.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    support::{System, client},
    tables,
};

/// Names of metrics, each with the names of its labels.
type Metrics = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn every_metric_is_documented_with_its_labels_and_the_other_way_round() {
    let system = System::with_examples().await;
    // Some metrics show up with their first value only.
    for path in ["/search", "/users/bruce", "/login"] {
        client().get(system.page(path)).send().await.unwrap();
    }
    let mut found = Metrics::new();
    for address in system.operations("/metrics") {
        let page = client().get(&address).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(
            page.ends_with("# EOF\n"),
            "{address} is no whole page of OpenMetrics: {page}"
        );
        for (name, labels) in metrics(&page) {
            found.entry(name).or_default().extend(labels);
        }
    }
    let table = tables::section("docs/observability.md", "Metrics");
    let documented: Metrics = tables::rows(&table)
        .iter()
        .map(|row| {
            let labels = tables::names(&row[1]).into_iter().collect();
            (tables::names(&row[0]).concat(), labels)
        })
        .collect();
    for (name, labels) in &found {
        assert_eq!(
            documented.get(name),
            Some(labels),
            "docs/observability.md, Metrics: {name} and its labels (left: there, right: measured)"
        );
    }
    let stale: Vec<_> = documented
        .keys()
        .filter(|it| !found.contains_key(*it))
        .collect();
    assert!(
        stale.is_empty(),
        "docs/observability.md, Metrics: {stale:?} is no metric (any more)"
    );
}

#[tokio::test]
async fn s19_the_public_ports_tell_nothing_of_it() {
    let system = System::with_examples().await;
    let grpc = reqwest::Client::builder().http2_prior_knowledge();
    let grpc = grpc.build().unwrap();
    for path in ["/metrics", "/healthz", "/readyz"] {
        let response = client().get(system.page(path)).send().await.unwrap();
        assert_eq!(
            response.status(),
            404,
            "{path} is served on the gateway's public port"
        );
        for backend in [&system.thoughts, &system.users] {
            let response = grpc.get(format!("http://{backend}{path}")).send().await;
            let response = response.unwrap();
            // There it is a call of an rpc that is unknown.
            assert_eq!(response.headers()["grpc-status"], "12", "{path}");
            assert_eq!(response.text().await.unwrap(), "", "{path}");
        }
    }
}

/// The metrics of a page. OpenMetrics names them without the ending of their samples, and says once
/// what they are.
fn metrics(page: &str) -> Metrics {
    let mut found = Metrics::new();
    let mut said = BTreeSet::new();
    let mut of = String::new();
    for line in page.lines() {
        if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|it| it.split_once(' '))
        {
            assert!(said.insert(name.to_owned()), "{name} is there twice");
            of = match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            };
            found.entry(of.clone()).or_default();
        } else if !line.starts_with('#') {
            let labels = labels(line).filter(|label| *label != "le");
            let known = found.get_mut(&of).expect("its type is said before");
            known.extend(labels.map(str::to_owned));
        }
    }
    found
}

/// The names of a sample's labels. None of our values has a quotation mark in it.
fn labels(sample: &str) -> impl Iterator<Item = &str> {
    let inside = sample.split_once('{').map_or("", |(_, rest)| rest);
    let names = inside.split('"').step_by(2);
    names.filter_map(|part| part.trim_start_matches(',').strip_suffix('='))
}

#[test]
fn labels_are_told_from_their_values() {
    let sample = r#"a_bucket{le="0.5",b="c=d, e",f=""} 1 # {trace="x"} 2"#;
    let inside = sample.split(" # ").next().unwrap();
    assert_eq!(labels(inside).collect::<Vec<_>>(), ["le", "b", "f"]);
    assert_eq!(labels("a 1").count(), 0);
}
