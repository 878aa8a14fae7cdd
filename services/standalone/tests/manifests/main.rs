//! What is applied to a cluster, looked at as kustomize renders it: every overlay of k8s/overlays.
//!
//! - [`pods`]: Pod Security `restricted`, resources, and time to end;
//! - [`programs`]: variables, ports and probes are those of the programs;
//! - [`references`]: whatever names something else names something that there is;
//! - [`ingresses`]: where Ingress controllers lead to, and what they are told;
//! - [`arrows`]: who may speak to whom, and the list of it;
//! - [`growth`]: replicas, and what they take of the databases;
//! - [`images`]: one name each, everywhere, with a fixed tag;
//! - [`secrets`]: what `k8s/secrets.sh` makes, leaves alone and refuses;
//! - [`waiting`]: a database waits for its password;
//! - [`runbook`]: what docs/runbook.md says of a cluster and of containers is there;
//! - [`compose`]: `compose.yaml` holds to the same where it can.
//!
//! Rendering takes `kustomize`, or a `kubectl` of 1.21 or later; without it these tests say that
//! they are left out, which `REQUIRE_KUSTOMIZE=1` makes a failure, as .ci/run does. That objects
//! fit the schemas of Kubernetes is checked there too, by `.ci/manifests`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed, and says so"
)]

mod arrows;
mod compose;
mod growth;
mod images;
mod ingresses;
mod objects;
mod pods;
mod programs;
mod references;
mod runbook;
#[path = "../support/runbook.rs"]
mod runbook_text;
mod secrets;
#[path = "../support/tools.rs"]
mod tools;
mod waiting;
