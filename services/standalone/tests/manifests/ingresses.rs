//! What Ingress controllers are told.

use std::collections::BTreeMap;

use crate::objects::{Object, at, list, named, of_kind, overlays, text};

#[test]
fn every_ingress_leads_to_a_port_of_a_service() {
    for (overlay, objects) in overlays() {
        let mut hosts = BTreeMap::new();
        for ingress in of_kind(&objects, "Ingress") {
            let whose = format!("{overlay}: Ingress {}", ingress.name());
            for rule in ingress.list("/spec/rules") {
                for path in list(rule, "/http/paths") {
                    let name = text(path, "/backend/service/name");
                    let service = named(&objects, "Service", name).expect("a Service");
                    let wanted = text(path, "/backend/service/port/name");
                    let ports = service.list("/spec/ports");
                    let there = ports.iter().any(|port| text(port, "/name") == wanted);
                    assert!(there, "{whose}: {name} has no port {wanted}");
                    hosts.insert(text(rule, "/host").to_owned(), name.to_owned());
                }
            }
            for tls in ingress.list("/spec/tls") {
                let covered = list(tls, "/hosts").iter().all(|host| {
                    let rules = ingress.list("/spec/rules");
                    rules.iter().any(|rule| at(rule, "/host") == host)
                });
                assert!(covered, "{whose}: a certificate for another host");
            }
        }
        if overlay.starts_with("local") {
            let expected = [
                ("frontend.example.local", "frontend-service"),
                ("thoughts.example.local", "thoughts-service"),
                ("users.example.local", "users-service"),
            ];
            let expected = expected.map(|(host, service)| (host.to_owned(), service.to_owned()));
            assert_eq!(hosts, BTreeMap::from(expected), "{overlay}");
        }
    }
}

#[test]
fn the_public_url_is_the_host_of_the_ingress() {
    for (overlay, objects) in overlays() {
        let frontend = named(&objects, "Deployment", "frontend").expect("the gateway");
        if let Some(url) = frontend.env().get("PUBLIC_URL") {
            let ingress = named(&objects, "Ingress", "frontend").expect("an Ingress");
            let host = text(&ingress.list("/spec/rules")[0], "/host");
            assert_eq!(url, &format!("https://{host}"), "{overlay}");
            let hosts = list(&ingress.list("/spec/tls")[0], "/hosts");
            assert_eq!(hosts, [host], "{overlay}");
        }
    }
}

/// gRPC is HTTP/2, streams that say nothing for minutes, and calls of any length.
#[test]
fn ingress_controllers_let_grpc_pass() {
    for (overlay, objects) in overlays() {
        for ingress in of_kind(&objects, "Ingress") {
            let whose = format!("{overlay}: Ingress {}", ingress.name());
            let rule = &ingress.list("/spec/rules")[0];
            let name = text(rule, "/http/paths/0/backend/service/name");
            let service = named(&objects, "Service", name).expect("a Service");
            if text(&service.list("/spec/ports")[0], "/name") != "grpc" {
                continue;
            }
            match ingress.text("/spec/ingressClassName") {
                "traefik" => {
                    let scheme = "traefik.ingress.kubernetes.io/service.serversscheme";
                    assert_eq!(annotation(service, scheme), "h2c", "{whose}");
                }
                "nginx" => {
                    let nginx = |name: &str| {
                        annotation(ingress, &format!("nginx.ingress.kubernetes.io/{name}"))
                    };
                    assert_eq!(nginx("backend-protocol"), "GRPC", "{whose}");
                    assert_eq!(nginx("proxy-body-size"), "0", "{whose}");
                    for limit in ["proxy-read-timeout", "proxy-send-timeout"] {
                        let seconds: u64 = nginx(limit).parse().expect("seconds");
                        assert!(seconds >= 3600, "{whose}: {limit}");
                    }
                    // It speaks HTTP/2 by TLS only.
                    assert_ne!(ingress.list("/spec/tls").len(), 0, "{whose}");
                }
                class => panic!("{whose}: class {class}"),
            }
        }
    }
}

/// They are as large as the gateway takes them, and pass as they come.
#[test]
fn ingress_controllers_let_uploads_pass() {
    for (overlay, objects) in overlays() {
        let frontend = named(&objects, "Ingress", "frontend").expect("an Ingress");
        if frontend.text("/spec/ingressClassName") == "nginx" {
            let nginx = |name| annotation(frontend, &format!("nginx.ingress.kubernetes.io/{name}"));
            assert_eq!(nginx("proxy-body-size"), "1g", "{overlay}");
            assert_eq!(nginx("proxy-request-buffering"), "off", "{overlay}");
        }
    }
}

fn annotation<'a>(object: &'a Object, name: &str) -> &'a str {
    let annotations = object.at("/metadata/annotations");
    let value = annotations.get(name).and_then(|it| it.as_str());
    value.unwrap_or_default()
}
