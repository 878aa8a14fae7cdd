//! `k8s/secrets.sh`, with a kubectl that keeps what it is given in a folder.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::objects::{
    at, deployments, documents, labels, list, of_kind, overlays, root, text, workloads,
};

/// Secrets that nobody can make up: somebody else's passwords and certificates. The script says
/// which of them are missing.
const GIVEN: [(&str, &str); 4] = [
    ("thoughts-db", "production"),
    ("users-db", "production"),
    ("databases-ca", "production"),
    ("frontend-site", "production"),
];

/// Answers as kubectl does. Whatever is in its folder exists, by kind and name.
const KUBECTL: &str = r#"#!/bin/sh
[ "$1 $2" = "--namespace example" ] || { echo "another namespace: $*" >&2; exit 1; }
shift 2
cd "$(dirname "$0")" || exit 1
echo "$*" >>arguments
case $1 in
apply) ;;
get)
    [ -e unreachable ] && { echo "the cluster does not answer" >&2; exit 1; }
    [ -e "$2-$3" ] || exit 0
    case $* in
    *go-template*) key=${5#*'"'}; grep -q "^  ${key%%'"'*}: ." "$2-$3" && printf yes
        exit 0 ;;
    *jsonpath={.status.phase}*) cat "$2-$3" ;;
    *) echo "$2/$3" ;;
    esac ;;
exec)
    # Of a database that is not made yet.
    [ -e "empty-$2" ] ;;
create)
    cat >incoming
    name=$(sed -n 's/^  name: //p' incoming)
    [ -e "secret-$name" ] && { echo "$name exists" >&2; exit 1; }
    mv incoming "secret-$name"
    echo "secret/$name created" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"#;

#[test]
fn every_secret_that_a_pod_needs_is_made() {
    for (overlay, objects) in overlays() {
        let cluster = Cluster::new();
        cluster.secrets_for(&overlay);
        for workload in workloads(&objects) {
            for (secret, keys) in workload.secrets() {
                let whose = format!("{overlay}: {} needs {secret}", workload.name());
                assert!(!keys.is_empty(), "{whose}, but uses nothing of it");
                if is_given(&secret, &overlay) {
                    continue;
                }
                let made = cluster.secret(&secret).unwrap_or_else(|| panic!("{whose}"));
                for key in keys {
                    assert!(made.contains_key(&key), "{whose} with {key}");
                }
            }
        }
        for ingress in of_kind(&objects, "Ingress") {
            for tls in ingress.list("/spec/tls") {
                let secret = text(tls, "/secretName");
                assert!(
                    secret.is_empty() || is_given(secret, &overlay),
                    "{overlay}: {secret}"
                );
            }
        }
    }
}

/// A pod starts without its Secrets, so that its own log can say what it waits for. Each Secret has
/// a folder of its own, because an empty one is what a program waits by.
#[test]
fn a_pod_starts_without_its_secrets() {
    for (overlay, objects) in overlays() {
        for workload in workloads(&objects) {
            let whose = format!("{overlay}: {}", workload.name());
            for volume in list(workload.pod(), "/volumes") {
                assert_eq!(volume.get("projected"), None, "{whose}");
                if let Some(secret) = volume.get("secret") {
                    assert_eq!(at(secret, "/optional"), true, "{whose}: {secret}");
                    // Its group's, which is the program's.
                    assert_eq!(at(secret, "/defaultMode"), 0o440, "{whose}: {secret}");
                }
            }
            let from_elsewhere = workload
                .env()
                .into_values()
                .find(|value| !value.is_string());
            assert_eq!(from_elsewhere, None, "{whose}");
            assert_eq!(workload.container().get("envFrom"), None, "{whose}");
        }
    }
}

#[test]
fn values_are_random_long_and_shown_to_nobody() {
    let values = [Cluster::new(), Cluster::new()].map(|cluster| {
        let output = cluster.run(&[]);
        assert!(output.status.success(), "{output:?}");
        let said = format!("{output:?}{}", cluster.file("arguments"));
        let secrets = ["thoughts-db", "users-db", "users-keys"];
        let values: Vec<_> = secrets
            .iter()
            .flat_map(|name| cluster.secret(name).expect("made").into_values())
            .collect();
        for value in &values {
            // 256 bits, written in hexadecimal and then in base64.
            assert_eq!(value.len(), 88, "{value}");
            assert!(!said.contains(value.as_str()), "shown: {said}");
        }
        values
    });
    let mut all: Vec<_> = values.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "no two are alike");
}

#[test]
fn again_it_leaves_everything_as_it_is() {
    for overlay in ["local", "production"] {
        let cluster = Cluster::new();
        cluster.secrets_for(overlay);
        let before = cluster.everything();
        cluster.secrets_for(overlay);
        assert_eq!(cluster.everything(), before, "{overlay}");
    }
}

#[test]
fn no_new_password_for_a_volume_that_has_another() {
    let cluster = Cluster::new();
    cluster.put("persistentvolumeclaim-data-users-db-0", "");
    let output = cluster.run(&[]);
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        errors.contains("users-db is gone, but its volume is there"),
        "{errors}"
    );
    assert!(cluster.secret("users-db").is_none());
}

/// As where an overlay was applied before its Secrets were made.
#[test]
fn a_volume_with_nothing_in_it_gets_a_password() {
    for (phase, asked) in [("Pending", false), ("Bound", true)] {
        let cluster = Cluster::new();
        for database in ["thoughts-db", "users-db"] {
            cluster.put(&format!("persistentvolumeclaim-data-{database}-0"), phase);
            if asked {
                cluster.put(&format!("empty-{database}-0"), "");
            }
        }
        let output = cluster.run(&[]);
        assert!(output.status.success(), "{phase}: {output:?}");
        assert!(cluster.secret("users-db").is_some(), "{phase}");
        let exec = r#"exec users-db-0 --container postgres -- sh -c [ ! -s "$PGDATA/PG_VERSION" ]"#;
        assert_eq!(cluster.file("arguments").contains(exec), asked, "{phase}");
    }
}

#[test]
fn what_is_half_there_is_not_mended_by_guessing() {
    let cluster = Cluster::new();
    cluster.put("secret-users-keys", "data:\n  ANOTHER: dGV4dA==\n");
    let output = cluster.run(&[]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        errors.contains("users-keys is there, but has no KEY_ENCRYPTION_SECRET"),
        "{errors}"
    );

    let cluster = Cluster::new();
    cluster.secrets_for("production");
    fs::remove_file(cluster.folder.path().join("secret-users-tls")).expect("made before");
    let output = cluster.run(&["production"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "certificates of two authorities");
    assert!(
        errors.contains("delete thoughts-tls, users-tls and frontend-tls"),
        "{errors}"
    );
}

#[test]
fn a_cluster_that_does_not_answer_gets_nothing() {
    let cluster = Cluster::new();
    cluster.put("unreachable", "");
    assert!(!cluster.run(&[]).status.success());
    assert!(!cluster.file("arguments").contains("create"));
}

/// A certificate is good for the host that its service is called by, and each caller's is on the
/// callee's list.
#[test]
fn s18_certificates_are_for_the_names_that_are_used() {
    for (overlay, objects) in overlays() {
        let cluster = Cluster::new();
        if !deployments(&objects).any(|it| it.env().contains_key("TLS_CERT")) {
            continue;
        }
        cluster.secrets_for(&overlay);
        let names_of = |deployment: &str| {
            let deployment = deployments(&objects).find(|it| it.name() == deployment);
            let volumes = list(deployment.expect("there").pod(), "/volumes");
            let secret = volumes.iter().find(|volume| text(volume, "/name") == "tls");
            cluster.names(text(secret.expect("mounted"), "/secret/secretName"))
        };
        for caller in deployments(&objects) {
            for (variable, callee) in [
                ("THOUGHTS_BACKEND_URL", "thoughts-backend"),
                ("USER_BACKEND_URL", "users-backend"),
            ] {
                let env = caller.env();
                let Some(url) = env.get(variable).and_then(Value::as_str) else {
                    continue;
                };
                let host = url
                    .trim_start_matches("https://")
                    .split(':')
                    .next()
                    .unwrap();
                let whose = format!("{overlay}: {} calls {host}", caller.name());
                assert!(names_of(callee).contains(&host.to_owned()), "{whose}");
                let callee = deployments(&objects)
                    .find(|it| it.name() == callee)
                    .unwrap();
                let allowed = callee.env()["TLS_ALLOWED_NAMES"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                let names = names_of(caller.name());
                assert!(
                    allowed.split(',').any(|it| names.contains(&it.to_owned())),
                    "{whose}"
                );
            }
        }
    }
}

/// A cluster as the script sees it.
struct Cluster {
    folder: TempDir,
}

impl Cluster {
    fn new() -> Self {
        let cluster = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        cluster.put("kubectl", KUBECTL);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(cluster.path("kubectl"), executable).expect("ours");
        cluster
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("bash")
            .arg(root().join("k8s/secrets.sh"))
            .args(arguments)
            .env("KUBECTL", self.path("kubectl"))
            .output()
            .expect("bash")
    }

    fn secrets_for(&self, overlay: &str) {
        let overlay = overlay.trim_end_matches("-nginx");
        let output = self.run(&[overlay]);
        assert!(output.status.success(), "{overlay}: {output:?}");
    }

    /// A Secret's keys and values, these still in base64.
    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let yaml = fs::read_to_string(self.path(&format!("secret-{name}"))).ok()?;
        Some(labels(&documents(&yaml)[0]["data"]))
    }

    /// The names in a certificate.
    fn names(&self, secret: &str) -> Vec<String> {
        let certificate = self.secret(secret).expect("made")["tls.crt"].clone();
        let script = "printf %s \"$0\" | base64 -d | openssl x509 -noout -ext subjectAltName";
        let shown = Command::new("sh")
            .args(["-c", script, &certificate])
            .output();
        let shown = String::from_utf8(shown.expect("openssl").stdout).expect("text");
        let names = shown.split("DNS:").skip(1);
        names
            .map(|name| name.trim().trim_end_matches(',').to_owned())
            .collect()
    }

    fn everything(&self) -> BTreeMap<PathBuf, String> {
        fs::read_dir(self.folder.path())
            .expect("ours")
            .map(|entry| entry.expect("ours").path())
            .filter(|path| !path.ends_with("arguments"))
            .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
            .collect()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("ours");
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn is_given(secret: &str, overlay: &str) -> bool {
    GIVEN.contains(&(secret, overlay))
}
