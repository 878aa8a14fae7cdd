//! What docs/runbook.md tells `kubectl` and `docker` to do is about what there is.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use crate::{
    objects::{documents, named, overlays, root},
    runbook_text::{Block, blocks},
};

/// Objects that pods make, or that come with a workload.
const WORKLOADS: [(&str, &str); 2] = [("deploy/", "Deployment"), ("statefulset/", "StatefulSet")];

#[test]
fn what_kubectl_is_told_of_is_there() {
    let all = overlays();
    if all.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    for words in commands("kubectl") {
        let has = |word: &str| words.iter().any(|it| it == word);
        let line = words.join(" ");
        let is_there = |kind: &str, name: &str| {
            all.iter()
                .any(|(_, objects)| named(objects, kind, name).is_some())
        };
        for word in &words {
            for (prefix, kind) in WORKLOADS {
                if let Some(name) = word.strip_prefix(prefix) {
                    assert!(is_there(kind, name), "{line}: there is no {kind} {name}");
                    seen.insert(kind);
                }
            }
            if let Some(name) = word.strip_suffix("-0") {
                assert!(is_there("StatefulSet", name), "{line}: there is no {name}");
                seen.insert("StatefulSet");
            }
        }
        if let Some(at) = words.iter().position(|it| it == "hpa")
            && let Some(name) = words.get(at + 1).filter(|_| has("patch"))
        {
            assert!(is_there("HorizontalPodAutoscaler", name), "{line}");
            seen.insert("HorizontalPodAutoscaler");
        }
        for name in secrets(&words) {
            let used = all.iter().flat_map(|(_, objects)| objects).any(|object| {
                let text = object.0.to_string();
                text.contains(&format!("\"secretName\":\"{name}\""))
            });
            assert!(used, "{line}: nobody has the Secret {name}");
            seen.insert("Secret");
        }
        if has("apply") && has("-k") {
            let overlay = words.last().expect("a folder");
            assert!(root().join(overlay).join("kustomization.yaml").is_file());
            seen.insert("overlay");
        } else if !has("apply") {
            assert!(has("example"), "{line}: in which namespace?");
        }
        runs(&words);
    }
    let kinds = [
        "Deployment",
        "HorizontalPodAutoscaler",
        "Secret",
        "StatefulSet",
        "overlay",
    ];
    assert_eq!(
        seen,
        BTreeSet::from(kinds),
        "the commands are understood here"
    );
}

#[test]
fn what_docker_is_told_of_is_there() {
    let compose = std::fs::read_to_string(root().join("compose.yaml")).expect("compose.yaml");
    let compose = documents(&compose).remove(0);
    let mut count = 0;
    for words in commands("docker") {
        let exec = words.iter().position(|it| it == "exec");
        let service = exec.and_then(|at| words[at + 1..].iter().find(|it| !it.starts_with('-')));
        if let Some(service) = service {
            let there = compose.pointer(&format!("/services/{service}"));
            assert!(there.is_some(), "there is no service {service}");
            count += 1;
        }
        runs(&words);
    }
    assert!(count >= 3, "the commands are understood here");
}

#[test]
fn what_the_scripts_make_is_what_is_deleted() {
    let script = std::fs::read_to_string(root().join("k8s/secrets.sh")).expect("k8s/secrets.sh");
    for words in commands("kubectl") {
        if words.contains(&"delete".to_owned()) {
            for name in secrets(&words) {
                assert!(
                    script.contains(&name),
                    "k8s/secrets.sh does not make {name} again"
                );
            }
        }
    }
}

/// Whatever program of ours is run in a pod or container has that subcommand.
fn runs(words: &[String]) {
    let programs = [
        ("users-backend", users_backend::Config::command()),
        ("thoughts-backend", thoughts_backend::Config::command()),
    ];
    for (program, command) in programs {
        // Behind its Deployment or service, which has the same name.
        let at = words.iter().rposition(|it| it == program);
        let before = at.and_then(|at| words.get(at.checked_sub(1)?));
        let run = before.is_some_and(|it| it == "--" || it == program);
        if let Some(at) = at.filter(|_| run) {
            let name = words.get(at + 1).expect("a subcommand");
            let known = command.find_subcommand(name);
            assert!(known.is_some(), "{program} has no {name}");
        }
    }
}

/// The Secrets that a command names.
fn secrets(words: &[String]) -> Vec<String> {
    let Some(at) = words.iter().position(|it| it == "secret") else {
        return Vec::new();
    };
    let names = words[at + 1..].iter().filter(|it| *it != "generic");
    let names = names.take_while(|it| !it.starts_with('-') && *it != "|");
    names.cloned().collect()
}

/// The words of each command line that begins with a tool.
fn commands(tool: &str) -> Vec<Vec<String>> {
    let elsewhere = blocks().into_iter().filter(Block::is_elsewhere);
    let lines: Vec<_> = elsewhere
        .flat_map(|block| {
            let lines = block.commands.lines().map(str::to_owned);
            lines.collect::<Vec<_>>()
        })
        .collect();
    let words = lines.iter().map(|line| {
        let words = line.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    let commands: Vec<_> = words
        .filter(|it| it.first().is_some_and(|it| it == tool))
        .collect();
    assert!(!commands.is_empty(), "docs/runbook.md has no {tool}");
    commands
}
