//! Who may speak to whom. [`SYSTEM`], with [`LOCAL`] or [`PRODUCTION`], is the list; what the
//! NetworkPolicies of an overlay allow is worked out for everybody, strangers included, and has to
//! be exactly that.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::objects::{Object, at, labels, list, of_kind, overlays, text, workloads};

/// From whom, to whom, on which port: everywhere.
const SYSTEM: [(&str, &str, u64); 11] = [
    ("Ingress", "frontend", 8002),
    ("frontend", "thoughts-backend", 8000),
    ("frontend", "users-backend", 8001),
    ("thoughts-backend", "users-backend", 8001),
    ("users-backend", "thoughts-backend", 8000),
    ("frontend", "DNS", 53),
    ("thoughts-backend", "DNS", 53),
    ("users-backend", "DNS", 53),
    ("Prometheus", "frontend", 9002),
    ("Prometheus", "thoughts-backend", 9000),
    ("Prometheus", "users-backend", 9001),
];

/// Databases in the cluster, and the gRPC Ingress.
const LOCAL: [(&str, &str, u64); 4] = [
    ("thoughts-backend", "thoughts-db", 5432),
    ("users-backend", "users-db", 5432),
    ("Ingress", "thoughts-backend", 8000),
    ("Ingress", "users-backend", 8001),
];

/// Databases that somebody else runs, and what collects traces.
const PRODUCTION: [(&str, &str, u64); 5] = [
    ("thoughts-backend", "database elsewhere", 5432),
    ("users-backend", "database elsewhere", 5432),
    ("frontend", "collector", 4317),
    ("thoughts-backend", "collector", 4317),
    ("users-backend", "collector", 4317),
];

/// The ports that are tried on everybody.
const PORTS: [u64; 13] = [
    53, 80, 443, 4317, 5432, 6443, 8000, 8001, 8002, 9000, 9001, 9002, 10250,
];

#[test]
fn k08_the_arrows_are_those_of_the_system_and_no_others() {
    for (overlay, objects) in overlays() {
        let policies: Vec<_> = of_kind(&objects, "NetworkPolicy").collect();
        let own = match overlay.as_str() {
            "production" => &PRODUCTION[..],
            _ => &LOCAL[..],
        };
        let somebody = somebody(&objects);
        let pairs = somebody
            .iter()
            .flat_map(|from| somebody.iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.is_ours() || to.is_ours());
        for (from, to) in pairs {
            for port in PORTS {
                for protocol in ["TCP", "UDP"] {
                    let arrow = (from.role.as_str(), to.role.as_str(), port);
                    let listed = SYSTEM.iter().chain(own).any(|it| *it == arrow)
                        && (protocol == "TCP" || port == 53);
                    let allowed = allowed(&policies, from, to, (protocol, port));
                    assert_eq!(
                        allowed, listed,
                        "{overlay}: is {protocol} {port} from {from} to {to} open? (left: the \
                         policies, right: the list)"
                    );
                }
            }
        }
    }
}

#[test]
fn k08_nothing_is_allowed_that_no_policy_names() {
    for (overlay, objects) in overlays() {
        let closed = of_kind(&objects, "NetworkPolicy").any(|policy| {
            let spec = policy.at("/spec");
            let both = list(spec, "/policyTypes") == ["Ingress", "Egress"];
            let everybody = at(spec, "/podSelector")
                .as_object()
                .is_some_and(serde_json::Map::is_empty);
            both && everybody && spec.get("ingress").is_none() && spec.get("egress").is_none()
        });
        assert!(closed, "{overlay}: no default-deny");
    }
}

/// Somebody who may speak or be spoken to.
struct Somebody {
    /// As the lists call them.
    role: String,
    /// `None` outside the cluster.
    namespace: Option<&'static str>,
    labels: BTreeMap<String, String>,
}

impl Somebody {
    fn is_ours(&self) -> bool {
        self.namespace == Some("example")
    }
}

impl fmt::Display for Somebody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, labels) = (&self.role, &self.labels);
        write!(f, "{role} ({:?}, {labels:?})", self.namespace)
    }
}

/// Our pods, their neighbours, and strangers.
fn somebody(objects: &[Object]) -> Vec<Somebody> {
    let ours = workloads(objects).map(|workload| Somebody {
        role: workload.name().to_owned(),
        namespace: Some("example"),
        labels: workload.pod_labels(),
    });
    let name = "app.kubernetes.io/name";
    let others = [
        ("Ingress", Some("traefik"), (name, "traefik")),
        ("Ingress", Some("kube-system"), (name, "traefik")),
        ("Ingress", Some("ingress-nginx"), (name, "ingress-nginx")),
        ("Ingress", Some("default"), ("app", "traefik")),
        ("DNS", Some("kube-system"), ("k8s-app", "kube-dns")),
        ("Prometheus", Some("monitoring"), (name, "prometheus")),
        (
            "collector",
            Some("observability"),
            (name, "opentelemetry-collector"),
        ),
        ("elsewhere", Some("observability"), (name, "grafana")),
        (
            "database elsewhere",
            Some("databases"),
            ("cnpg.io/instanceRole", "primary"),
        ),
        (
            "database elsewhere",
            Some("databases"),
            ("cnpg.io/instanceRole", "replica"),
        ),
        ("a stranger inside", Some("example"), (name, "stranger")),
        ("elsewhere", Some("default"), (name, "frontend")),
        (
            "elsewhere",
            Some("kube-system"),
            ("k8s-app", "metrics-server"),
        ),
        ("the world", None, ("", "")),
    ];
    let others = others
        .into_iter()
        .map(|(role, namespace, (key, value))| Somebody {
            role: role.to_owned(),
            namespace,
            labels: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        });
    ours.chain(others).collect()
}

/// Whether a connection comes about: the one side lets it out, the other lets it in.
fn allowed(policies: &[&Object], from: &Somebody, to: &Somebody, port: (&str, u64)) -> bool {
    one_side(policies, "Egress", from, to, port) && one_side(policies, "Ingress", to, from, port)
}

/// Whether `own` may speak with `peer`: everything is open that no policy of that direction selects,
/// and what one of them allows is allowed.
fn one_side(
    policies: &[&Object],
    direction: &str,
    own: &Somebody,
    peer: &Somebody,
    port: (&str, u64),
) -> bool {
    let mut selecting = policies
        .iter()
        .filter(|policy| {
            own.namespace == Some(policy.text("/metadata/namespace"))
                && policy.list("/spec/policyTypes").contains(&direction.into())
                && matches(policy.at("/spec/podSelector"), &own.labels)
        })
        .peekable();
    if selecting.peek().is_none() {
        return true;
    }
    let (rules, peers) = match direction {
        "Ingress" => ("/spec/ingress", "/from"),
        _ => ("/spec/egress", "/to"),
    };
    selecting.any(|policy| {
        policy.list(rules).iter().any(|rule| {
            let to_port = rule.get("ports").is_none()
                || list(rule, "/ports").iter().any(|it| is_port(it, port));
            let with_peer = rule.get(peers.trim_start_matches('/')).is_none()
                || list(rule, peers).iter().any(|it| is_peer(it, policy, peer));
            to_port && with_peer
        })
    })
}

fn is_port(rule: &Value, (protocol, port): (&str, u64)) -> bool {
    let own = rule
        .get("protocol")
        .and_then(Value::as_str)
        .unwrap_or("TCP");
    assert!(
        rule.get("endPort").is_none(),
        "ranges are not understood here: {rule}"
    );
    own == protocol && at(rule, "/port").as_u64() == Some(port)
}

fn is_peer(rule: &Value, policy: &Object, peer: &Somebody) -> bool {
    assert!(
        rule.get("ipBlock").is_none(),
        "addresses are not understood here: {rule}"
    );
    let Some(namespace) = peer.namespace else {
        return false;
    };
    let in_namespace = match rule.get("namespaceSelector") {
        None => namespace == policy.text("/metadata/namespace"),
        Some(selector) => {
            let name = "kubernetes.io/metadata.name".to_owned();
            matches(selector, &BTreeMap::from([(name, namespace.to_owned())]))
        }
    };
    let selected = rule
        .get("podSelector")
        .is_none_or(|it| matches(it, &peer.labels));
    in_namespace && selected
}

/// Whether a label selector finds these labels.
fn matches(selector: &Value, has: &BTreeMap<String, String>) -> bool {
    let all = labels(at(selector, "/matchLabels"));
    let alike = all.iter().all(|(key, value)| has.get(key) == Some(value));
    let expressions = list(selector, "/matchExpressions")
        .iter()
        .all(|expression| {
            assert_eq!(
                text(expression, "/operator"),
                "In",
                "not understood here: {expression}"
            );
            let value = has.get(text(expression, "/key"));
            value.is_some_and(|value| list(expression, "/values").contains(&value.as_str().into()))
        });
    alike && expressions
}
