//! How many replicas there are, and that what they share is enough for all of them.

use serde_json::json;

use crate::objects::{at, deployments, named, of_kind, overlays, text};

#[test]
fn k06_k07_there_are_two_replicas_and_more_under_load() {
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            let name = deployment.name();
            let whose = format!("{overlay}: {name}");
            let scaler = named(&objects, "HorizontalPodAutoscaler", name).expect("one each");
            let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": name});
            assert_eq!(scaler.at("/spec/scaleTargetRef"), &target, "{whose}");
            assert!(
                scaler.at("/spec/minReplicas").as_u64() >= Some(2),
                "{whose}"
            );
            assert!(scaler.at("/spec/maxReplicas").as_u64() > Some(2), "{whose}");
            // An upgrade would set them back to this number in the middle of the day.
            assert_eq!(deployment.0.pointer("/spec/replicas"), None, "{whose}");
            let budget = named(&objects, "PodDisruptionBudget", name).expect("one each");
            assert_eq!(budget.at("/spec/maxUnavailable"), 1, "{whose}");
            let selector = deployment.at("/spec/selector");
            assert_eq!(budget.at("/spec/selector"), selector, "{whose}");
        }
    }
}

/// While replicas are replaced, those that come are there beside those that go.
#[test]
fn a_database_has_room_for_the_connections_of_all_replicas() {
    for (overlay, objects) in overlays() {
        for database in of_kind(&objects, "StatefulSet") {
            let script = text(database.container(), "/args/0");
            let room = script
                .split_whitespace()
                .filter_map(|it| it.strip_prefix("max_connections="))
                .find_map(|it| it.parse::<u64>().ok())
                .unwrap_or_else(|| panic!("{overlay}: {} says nothing", database.name()));
            let backend = deployments(&objects)
                .find(|it| text(&it.0, "/metadata/name").starts_with(backend(database.name())))
                .expect("its backend");
            let scaler = named(&objects, "HorizontalPodAutoscaler", backend.name());
            let most = at(&scaler.expect("one").0, "/spec/maxReplicas")
                .as_u64()
                .unwrap();
            let each = u64::from(database::POSTGRES_CONNECTIONS);
            // PostgreSQL keeps three for its administrator, and commands take one each.
            let needed = 2 * most * each + 5;
            assert!(
                room >= needed,
                "{overlay}: {room} connections, {needed} needed"
            );
        }
    }
}

fn backend(database: &str) -> &str {
    database.trim_end_matches("-db")
}
