//! What is measured.

use std::collections::BTreeSet;

use crate::{
    support::{System, client},
    tables,
};

#[tokio::test]
async fn every_metric_is_documented_and_the_other_way_round() {
    let system = System::with_examples().await;
    // Some metrics show up with their first value only.
    for path in ["/search", "/users/bruce", "/login"] {
        client().get(system.page(path)).send().await.unwrap();
    }
    let mut found = BTreeSet::new();
    for address in system.operations("/metrics") {
        let page = client()
            .get(&address)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            page.ends_with("# EOF\n"),
            "{address} is no whole page of OpenMetrics: {page}"
        );
        found.extend(names(&page));
    }
    let documented: BTreeSet<_> = tables::rows(&tables::section("README.md", "Watch it"))
        .iter()
        .flat_map(|row| tables::names(&row[0]))
        .collect();
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "README.md, Watch it: the metric {missing:?} is missing"
    );
    let stale: Vec<_> = documented.difference(&found).collect();
    assert!(
        stale.is_empty(),
        "README.md, Watch it: {stale:?} is no metric (any more)"
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

/// The metrics by the names of their samples: OpenMetrics leaves the ending out of `# TYPE`.
fn names(page: &str) -> impl Iterator<Item = String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| match line.split_once(' ') {
            Some((name, "counter")) => format!("{name}_total"),
            Some((name, "info")) => format!("{name}_info"),
            Some((name, _)) => name.to_owned(),
            None => line.to_owned(),
        })
}
