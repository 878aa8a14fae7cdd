//! What is measured.

use std::collections::BTreeSet;

use crate::{
    reference,
    support::{System, client},
};

#[tokio::test]
async fn every_metric_is_in_the_reference_and_the_other_way_round() {
    let system = System::with_examples().await;
    // Some metrics show up with their first value only.
    for path in ["/search", "/users/bruce", "/login"] {
        client().get(system.page(path)).send().await.unwrap();
    }
    let mut found = BTreeSet::new();
    for address in system.operations("/metrics") {
        let page = client().get(&address).send().await.unwrap().text().await.unwrap();
        assert!(page.ends_with("# EOF\n"), "{address} is no whole page of OpenMetrics: {page}");
        found.extend(names(&page));
    }
    let documented = reference::names("Metrics");
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/reference.md lacks the metrics {missing:?}");
    let stale: Vec<_> = documented.difference(&found).collect();
    assert!(stale.is_empty(), "docs/reference.md has metrics that no program has: {stale:?}");
}

#[tokio::test]
async fn the_public_ports_tell_nothing_of_it() {
    let system = System::with_examples().await;
    for path in ["/metrics", "/healthz", "/readyz"] {
        let response = client().get(system.page(path)).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path} is served on the gateway's public port");
    }
}

/// `# TYPE name kind`
fn names(page: &str) -> impl Iterator<Item = String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
}
