//! Whatever names something else names something that there is.

use serde_json::Value;

use crate::{
    objects::{Object, at, deployments, labels, list, named, of_kind, overlays, text, workloads},
    programs::{default_port, program},
};

#[test]
fn every_selector_finds_one_workload() {
    for (overlay, objects) in overlays() {
        for service in of_kind(&objects, "Service") {
            let selected = selected(&objects, service.at("/spec/selector"));
            let whose = format!("{overlay}: Service {}", service.name());
            let [workload] = selected[..] else {
                panic!("{whose} selects {}", selected.len());
            };
            let ports = list(workload.container(), "/ports");
            for port in service.list("/spec/ports") {
                let target = ports
                    .iter()
                    .find(|it| at(it, "/name") == at(port, "/targetPort"));
                let target = target.unwrap_or_else(|| panic!("{whose}: {port}"));
                // A headless Service's callers connect to the pods themselves.
                assert_eq!(at(target, "/containerPort"), at(port, "/port"), "{whose}");
            }
        }
        for workload in workloads(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let own = |selector| {
                let selected = selected(&objects, selector);
                selected.len() == 1 && selected[0].name() == workload.name()
            };
            assert!(own(workload.at("/spec/selector/matchLabels")), "{whose}");
            for constraint in list(workload.pod(), "/topologySpreadConstraints") {
                assert!(own(at(constraint, "/labelSelector/matchLabels")), "{whose}");
            }
            if workload.kind() == "StatefulSet" {
                let service = named(&objects, "Service", workload.text("/spec/serviceName"));
                let service = service.unwrap_or_else(|| panic!("{whose}: its Service"));
                assert_eq!(service.at("/spec/clusterIP"), "None", "{whose}");
            }
        }
    }
}

#[test]
fn every_object_is_in_the_namespace() {
    for (overlay, objects) in overlays() {
        for object in &objects {
            if object.kind() != "Namespace" {
                let whose = format!("{overlay}: {} {}", object.kind(), object.name());
                assert_eq!(object.text("/metadata/namespace"), "example", "{whose}");
            }
        }
    }
}

#[test]
fn every_mount_has_its_volume() {
    for (overlay, objects) in overlays() {
        for workload in workloads(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let mut volumes: Vec<_> = list(workload.pod(), "/volumes")
                .iter()
                .map(|volume| text(volume, "/name"))
                .collect();
            let claims = workload.list("/spec/volumeClaimTemplates").iter();
            volumes.extend(claims.map(|claim| text(claim, "/metadata/name")));
            volumes.sort_unstable();
            let mut mounts: Vec<_> = list(workload.container(), "/volumeMounts")
                .iter()
                .map(|mount| text(mount, "/name"))
                .collect();
            mounts.sort_unstable();
            assert_eq!(mounts, volumes, "{whose}");
        }
    }
}

#[test]
fn k03_backends_are_called_by_their_headless_services() {
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            for (variable, target) in [
                ("THOUGHTS_BACKEND_URL", "thoughts-backend"),
                ("USER_BACKEND_URL", "users-backend"),
            ] {
                let whose = format!("{overlay}: {variable} of {}", deployment.name());
                let env = deployment.env();
                if deployment.name() == target {
                    continue;
                }
                let url = env.get(variable).and_then(Value::as_str);
                let url = url.unwrap_or_else(|| panic!("{whose} is not set"));
                let callee = named(&objects, "Deployment", target).expect("a backend");
                let secure = callee.env().contains_key("TLS_CERT");
                let (scheme, rest) = url.split_once("://").unwrap_or_default();
                assert_eq!(scheme, if secure { "https" } else { "http" }, "{whose}");
                let (host, port) = rest.split_once(':').unwrap_or_default();
                let service = named(&objects, "Service", host).expect("a Service");
                assert_eq!(service.at("/spec/clusterIP"), "None", "{whose}");
                assert_eq!(
                    service.at("/spec/selector"),
                    callee.at("/spec/selector/matchLabels")
                );
                let listens = default_port(&program(callee).1, "LISTEN_ADDR");
                assert_eq!(port, listens.to_string(), "{whose}");
            }
        }
    }
}

#[test]
fn k03_each_backend_has_a_service_for_people_and_a_headless_one() {
    for (overlay, objects) in overlays() {
        for (name, port) in [("thoughts-service", 8000), ("users-service", 8001)] {
            for (name, headless) in [(name.to_owned(), false), (format!("{name}-headless"), true)] {
                let whose = format!("{overlay}: {name}");
                let service = named(&objects, "Service", &name).expect("a Service");
                assert_eq!(
                    service.text("/spec/clusterIP") == "None",
                    headless,
                    "{whose}"
                );
                let ports = service.list("/spec/ports");
                assert_eq!(ports.len(), 1, "{whose}");
                assert_eq!(text(&ports[0], "/name"), "grpc", "{whose}");
                assert_eq!(at(&ports[0], "/port"), port, "{whose}");
                assert!(at(&ports[0], "/appProtocol").is_string(), "{whose}");
            }
        }
        let frontend = named(&objects, "Service", "frontend-service").expect("a Service");
        assert_eq!(
            at(&frontend.list("/spec/ports")[0], "/port"),
            8002,
            "{overlay}"
        );
    }
}

#[test]
fn every_database_is_the_one_that_the_backend_is_told_of() {
    for (overlay, objects) in overlays() {
        for database in of_kind(&objects, "StatefulSet") {
            let name = database.name();
            let backend = deployments(&objects)
                .find(|it| {
                    it.env()
                        .get("DATABASE_URL")
                        .is_some_and(|url| url.to_string().contains(name))
                })
                .unwrap_or_else(|| panic!("{overlay}: nobody uses {name}"));
            let (env, told) = (database.env(), backend.env());
            let (user, db) = (&env["POSTGRES_USER"], &env["POSTGRES_DB"]);
            let url = format!(
                "postgres://{}@{name}:5432/{}",
                user.as_str().unwrap(),
                db.as_str().unwrap()
            );
            assert_eq!(told["DATABASE_URL"], url, "{overlay}");
            let secret = vec![(name.to_owned(), vec!["POSTGRES_PASSWORD".to_owned()])];
            assert_eq!(database.secrets(), secret, "{overlay}");
            assert!(backend.secrets().contains(&secret[0]), "{overlay}");
            assert_eq!(told["PGPASSWORD_FILE"], env["POSTGRES_PASSWORD_FILE"]);
        }
    }
}

#[test]
fn k11_replicas_are_those_of_the_database_and_reached_in_the_same_way() {
    let all = overlays();
    if all.is_empty() {
        return;
    }
    let mut found = Vec::new();
    for (overlay, objects) in all {
        for deployment in deployments(&objects) {
            let env = deployment.env();
            let Some(replicas) = env.get("DATABASE_READ_URL").and_then(Value::as_str) else {
                continue;
            };
            // As CloudNativePG names the Services of a cluster.
            let primary = env["DATABASE_URL"].as_str().expect("an address");
            assert_eq!(replicas, primary.replacen("-rw.", "-ro.", 1), "{overlay}");
            assert_ne!(replicas, primary, "{overlay}");
            found.push((overlay.clone(), deployment.name().to_owned()));
        }
    }
    let expected = ("production".to_owned(), "thoughts-backend".to_owned());
    assert_eq!(found, [expected]);
}

/// The workloads whose pods have these labels.
fn selected<'a>(objects: &'a [Object], selector: &Value) -> Vec<&'a Object> {
    let wanted = labels(selector);
    assert!(!wanted.is_empty(), "an empty selector finds everything");
    workloads(objects)
        .filter(|workload| {
            let has = workload.pod_labels();
            wanted
                .iter()
                .all(|(key, value)| has.get(key) == Some(value))
        })
        .collect()
}
