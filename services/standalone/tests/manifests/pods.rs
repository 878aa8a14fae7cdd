//! Each pod by itself.

use serde_json::{Value, json};

use crate::objects::{at, bytes, deployments, list, named, overlays, text, workloads};

/// The volumes that Pod Security `restricted` allows.
const VOLUMES: [&str; 7] = [
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// What a program takes after ten minutes of load, without password hashes (bar P5).
const UNDER_LOAD: u64 = 60 << 20;

/// What 10,000 open pages that are told of new thoughts take of the gateway (bar P9).
const READERS: u64 = 10_000 * (20 << 10);

/// From SIGTERM to the end, at most, in seconds (bar R12).
const DRAIN: u64 = 25;

/// How long callers may go on to know only the replicas that are about to end, in seconds. The
/// gateway and the backends look a backend's name up every 3, and CoreDNS keeps it for up to 30 as
/// kubeadm configures it.
const KNOWN_FOR: u64 = 30 + 3;

/// The same for an Ingress controller, which is told.
const KNOWN_TO_INGRESS_FOR: u64 = 5;

/// https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#[test]
fn k02_every_pod_holds_to_restricted() {
    for (overlay, objects) in overlays() {
        let namespace = named(&objects, "Namespace", "example").expect("the namespace");
        let labels = namespace.at("/metadata/labels");
        let enforced = labels.get("pod-security.kubernetes.io/enforce");
        assert_eq!(enforced, Some(&json!("restricted")), "{overlay}");
        for workload in workloads(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let (pod, container) = (workload.pod(), workload.container());
            for field in ["hostNetwork", "hostPID", "hostIPC", "initContainers"] {
                assert_eq!(pod.get(field), None, "{whose}: {field}");
            }
            for volume in list(pod, "/volumes") {
                let allowed = VOLUMES.iter().any(|kind| volume.get(kind).is_some());
                assert!(allowed, "{whose}: {volume}");
            }
            for port in list(container, "/ports") {
                assert_eq!(port.get("hostPort"), None, "{whose}: {port}");
            }
            let security = at(pod, "/securityContext");
            assert_eq!(at(security, "/runAsNonRoot"), true, "{whose}");
            assert!(at(security, "/runAsUser").as_u64() > Some(0), "{whose}");
            assert_eq!(text(security, "/seccompProfile/type"), "RuntimeDefault");
            assert_eq!(security.get("sysctls"), None, "{whose}");
            let exactly = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            });
            assert_eq!(at(container, "/securityContext"), &exactly, "{whose}");
        }
    }
}

#[test]
fn no_pod_has_a_token_for_the_cluster() {
    for (overlay, objects) in overlays() {
        for workload in workloads(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let pod = workload.pod();
            assert_eq!(at(pod, "/automountServiceAccountToken"), false, "{whose}");
            assert_eq!(at(pod, "/enableServiceLinks"), false, "{whose}");
            let account = named(&objects, "ServiceAccount", text(pod, "/serviceAccountName"));
            let account = account.unwrap_or_else(|| panic!("{whose} has no ServiceAccount"));
            assert_eq!(account.at("/automountServiceAccountToken"), false);
        }
    }
}

#[test]
fn k07_memory_covers_the_load_and_the_hashing() {
    for (overlay, objects) in overlays() {
        for workload in deployments(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let resources = at(workload.container(), "/resources");
            let limit = bytes(text(resources, "/limits/memory"));
            // How many threads a program starts, and how many passwords it hashes at once, goes by
            // the cores that it may have. Without a limit those are the node's.
            let cores: usize = text(resources, "/limits/cpu")
                .parse()
                .unwrap_or_else(|_| panic!("{whose}: a whole number of cores as the limit"));
            let on_top = match workload.name() {
                "users-backend" => users_backend::hashing::PasswordHasher::memory(cores),
                "frontend" => READERS,
                _ => 0,
            };
            // R6: at most half as much again in an overload.
            let needed = UNDER_LOAD * 3 / 2 + on_top;
            assert!(limit >= needed, "{whose}: {limit} bytes, {needed} needed");
            let request = bytes(text(resources, "/requests/memory"));
            assert!(request >= UNDER_LOAD && request <= limit, "{whose}");
            assert!(at(resources, "/requests/cpu").is_string(), "{whose}");
        }
    }
}

#[test]
fn k05_a_pod_has_time_to_end() {
    for (overlay, objects) in overlays() {
        for workload in deployments(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let sleep = at(workload.container(), "/lifecycle/preStop/sleep/seconds").as_u64();
            let sleep = sleep.unwrap_or_else(|| panic!("{whose} does not sleep before it ends"));
            let known_for = match workload.name() {
                "frontend" => KNOWN_TO_INGRESS_FOR,
                _ => KNOWN_FOR,
            };
            assert!(
                sleep >= known_for,
                "{whose} ends while callers know nobody else"
            );
            let grace = at(workload.pod(), "/terminationGracePeriodSeconds").as_u64();
            assert!(grace >= Some(sleep + DRAIN), "{whose}: {grace:?} s");
        }
    }
}

#[test]
fn k06_replicas_are_spread_and_replaced_one_by_one() {
    for (overlay, objects) in overlays() {
        for workload in deployments(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            let update = workload.at("/spec/strategy/rollingUpdate");
            assert_eq!(
                update,
                &json!({"maxUnavailable": 0, "maxSurge": 1}),
                "{whose}"
            );
            let keys: Vec<_> = list(workload.pod(), "/topologySpreadConstraints")
                .iter()
                .map(|constraint| text(constraint, "/topologyKey"))
                .collect();
            let places = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
            assert_eq!(keys, places, "{whose}");
            // On one node all of it has to fit, and during an update one more of each (bar K1).
            for constraint in list(workload.pod(), "/topologySpreadConstraints") {
                let otherwise = text(constraint, "/whenUnsatisfiable");
                assert_eq!(otherwise, "ScheduleAnyway", "{whose}");
            }
            for field in ["affinity", "nodeSelector", "nodeName"] {
                assert_eq!(workload.pod().get(field), None, "{whose}: {field}");
            }
        }
    }
}

/// A PostgreSQL whose data goes with the pod is what the book has.
#[test]
fn k10_databases_keep_their_data() {
    for (overlay, objects) in overlays() {
        let databases = workloads(&objects).filter(|it| it.kind() == "StatefulSet");
        for database in databases {
            let whose = format!("{overlay}: {}", database.name());
            assert_eq!(database.at("/spec/replicas"), 1, "{whose}");
            let claims = database.list("/spec/volumeClaimTemplates");
            let claim = text(&claims[0], "/metadata/name");
            let mounts = list(database.container(), "/volumeMounts");
            let data = mounts.iter().find(|mount| text(mount, "/name") == claim);
            let folder = text(data.expect("mounted"), "/mountPath");
            let env = database.env();
            let place = env["PGDATA"].as_str().unwrap();
            assert!(place.starts_with(&format!("{folder}/")), "{whose}: {place}");
            let retained = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
            let policy = database.at("/spec/persistentVolumeClaimRetentionPolicy");
            assert_eq!(policy, &retained, "{whose}");
            let options = env["POSTGRES_INITDB_ARGS"].as_str().unwrap();
            assert_eq!(options, "--encoding=UTF8 --locale=C.UTF-8", "{whose}");
            assert_ne!(at(database.container(), "/startupProbe"), &Value::Null);
            // The end of what an exec leaves behind is no crash of the first process.
            assert_eq!(
                at(database.pod(), "/shareProcessNamespace"),
                true,
                "{whose}"
            );
        }
    }
}
