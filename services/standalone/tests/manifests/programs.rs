//! What a Deployment tells a program is what the program asks for.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory as _};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use serde_json::{Value, json};

use crate::objects::{Object, at, deployments, list, overlays, text, workloads};

/// A good value for whatever comes from a Secret.
const SECRET: &str = "64c8d1b1f5f0a7e29d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796";

/// What looks like a certificate or a key; a program looks closer at its start alone.
const PEM: &str = "-----BEGIN CERTIFICATE-----";

#[test]
fn every_variable_is_one_that_the_program_knows() {
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            let (program, command) = program(deployment);
            let known = variables(&command);
            for variable in deployment.env().keys() {
                let known = known.contains(variable);
                assert!(known, "{overlay}: {program} knows no {variable}");
            }
        }
    }
}

#[test]
fn every_value_is_one_that_the_program_takes_and_none_is_missing() {
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            let (program, command) = program(deployment);
            let mut arguments = vec![program.to_owned()];
            for (variable, value) in deployment.env() {
                let setting = variable.strip_suffix("_FILE").unwrap_or(&variable);
                let flag = setting.to_lowercase().replace('_', "-");
                let value = value.as_str().expect("secrets are files");
                // Files that only a cluster has.
                arguments.push(match value {
                    "true" if setting == "DEMO" => "--demo".to_owned(),
                    _ if setting != variable => format!("--{flag}={SECRET}"),
                    value if value.starts_with("/etc/tls/") => format!("--{flag}={PEM}"),
                    value => format!("--{flag}={value}"),
                });
            }
            if let Err(error) = command.try_get_matches_from(&arguments) {
                panic!("{overlay}: {program} does not start: {error}");
            }
        }
    }
}

#[test]
fn ports_are_those_that_the_program_listens_on() {
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            let (program, command) = program(deployment);
            let ports: BTreeMap<_, _> = list(deployment.container(), "/ports")
                .iter()
                .map(|port| (text(port, "/name"), at(port, "/containerPort").as_u64()))
                .collect();
            let main = if program == "gateway" { "http" } else { "grpc" };
            let listens = BTreeMap::from([
                (main, Some(default_port(&command, "LISTEN_ADDR"))),
                ("ops", Some(default_port(&command, "OPS_ADDR"))),
            ]);
            assert_eq!(ports, listens, "{overlay}: {program}");
        }
    }
}

#[test]
fn k04_probes_ask_for_what_there_is() {
    let services = services();
    for (overlay, objects) in overlays() {
        for deployment in deployments(&objects) {
            let (program, command) = program(deployment);
            let whose = format!("{overlay}: {program}");
            let env = deployment.env();
            let own_service = match program {
                "thoughts-backend" => "mythoughts.thoughts.v1.ThoughtsService",
                _ => "mythoughts.users.v1.UsersService",
            };
            assert!(services.contains(own_service));
            let probe = |name: &str| {
                let probe = at(deployment.container(), &format!("/{name}Probe"));
                ["grpc", "httpGet", "exec", "tcpSocket"]
                    .iter()
                    .filter_map(|how| Some((*how, probe.get(how)?.clone())))
                    .collect::<Vec<_>>()
            };
            // The kubelet speaks no TLS in gRPC probes, and the gateway no gRPC.
            let by_grpc = program != "gateway" && !env.contains_key("TLS_CERT");
            let grpc = |service: &str| {
                let port = default_port(&command, "LISTEN_ADDR");
                vec![("grpc", json!({"port": port, "service": service}))]
            };
            let http = |path: &str| vec![("httpGet", json!({"port": "ops", "path": path}))];
            let (ready, alive) = if by_grpc {
                (grpc(own_service), grpc(""))
            } else {
                (http("/readyz"), http("/healthz"))
            };
            assert_eq!(probe("startup"), ready, "{whose}: startup");
            assert_eq!(probe("readiness"), ready, "{whose}: readiness");
            assert_eq!(probe("liveness"), alive, "{whose}: liveness");
        }
    }
}

/// A database that is away, or a Secret that is missing, keeps a pod waiting, not restarting.
#[test]
fn whoever_needs_a_database_or_a_secret_may_wait_for_a_day() {
    for (overlay, objects) in overlays() {
        for workload in workloads(&objects) {
            let probe = at(workload.container(), "/startupProbe");
            let field = |name: &str| probe.get(name).and_then(Value::as_u64).unwrap_or_default();
            let patience = field("periodSeconds") * field("failureThreshold");
            if workload.env().contains_key("DATABASE_URL") || !workload.secrets().is_empty() {
                let name = workload.name();
                assert!(patience >= 24 * 60 * 60, "{overlay}: {name}: {patience} s");
            }
        }
    }
}

/// A Deployment's program, by its image, and its settings.
pub(crate) fn program(deployment: &Object) -> (&'static str, Command) {
    let image = text(deployment.container(), "/image");
    let name = image.split(':').next().and_then(|it| it.rsplit('/').next());
    match name.unwrap_or_default() {
        "thoughts-backend" => ("thoughts-backend", thoughts_backend::Config::command()),
        "users-backend" => ("users-backend", users_backend::Config::command()),
        "gateway" => ("gateway", gateway::Config::command()),
        _ => panic!("{image} is no program"),
    }
}

/// The variables of a program: each setting's, and the one that says where a secret lies.
fn variables(command: &Command) -> BTreeSet<String> {
    let names = command.get_arguments().flat_map(|argument| {
        let name = argument.get_env().map(|it| it.to_string_lossy());
        let file = argument.is_hide_env_values_set().then_some("_FILE");
        let suffixes = [Some(""), file].into_iter().flatten();
        suffixes.filter_map(move |suffix| Some(format!("{}{suffix}", name.as_ref()?)))
    });
    names.collect()
}

/// The port that a program listens on when nobody says otherwise.
pub(crate) fn default_port(command: &Command, variable: &str) -> u64 {
    let argument = command
        .get_arguments()
        .find(|argument| argument.get_env().is_some_and(|name| name == variable));
    let default = argument.expect(variable).get_default_values()[0].to_string_lossy();
    let port = default.rsplit(':').next().unwrap_or_default();
    port.parse().expect("a port")
}

/// The full names of the gRPC services.
fn services() -> BTreeSet<String> {
    let descriptors = FileDescriptorSet::decode(api::FILE_DESCRIPTOR_SET).expect("descriptors");
    let names = descriptors.file.iter().flat_map(|file| {
        let services = file.service.iter();
        services.map(|service| format!("{}.{}", file.package(), service.name()))
    });
    names.collect()
}
