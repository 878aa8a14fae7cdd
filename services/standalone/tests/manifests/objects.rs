//! The rendered objects, and how to look into them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use crate::tools::tool;

/// One object of an overlay.
#[derive(Clone, Debug)]
pub(crate) struct Object(pub(crate) Value);

/// An overlay's name and its objects.
pub(crate) type Overlay = (String, Vec<Object>);

/// Every overlay, rendered once; none where nothing can render them.
pub(crate) fn overlays() -> Vec<Overlay> {
    static RENDERED: LazyLock<Option<Vec<Overlay>>> = LazyLock::new(render_all);
    match &*RENDERED {
        Some(overlays) => overlays.clone(),
        None => {
            // Says for this test too that it is left out.
            let _ = renderer();
            Vec::new()
        }
    }
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The documents of a YAML file.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).expect("YAML")
}

fn render_all() -> Option<Vec<Overlay>> {
    let renderer = renderer()?;
    let folders = fs::read_dir(root().join("k8s/overlays")).expect("k8s/overlays");
    let mut overlays: Vec<_> = folders
        .map(|folder| {
            let path = folder.expect("a folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), render(&renderer, &path))
        })
        .collect();
    overlays.sort_by(|one, other| one.0.cmp(&other.0));
    Some(overlays)
}

fn renderer() -> Option<PathBuf> {
    tool(&["kustomize", "kubectl"], "KUSTOMIZE", "REQUIRE_KUSTOMIZE")
}

fn render(renderer: &Path, overlay: &Path) -> Vec<Object> {
    let is_kubectl = renderer.ends_with("kubectl");
    let output = Command::new(renderer)
        .arg(if is_kubectl { "kustomize" } else { "build" })
        .arg(overlay)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", renderer.display()));
    assert!(
        output.status.success(),
        "{}:\n{}",
        overlay.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let yaml = String::from_utf8(output.stdout).expect("text");
    documents(&yaml).into_iter().map(Object).collect()
}

/// The objects of a kind.
pub(crate) fn of_kind<'a>(
    objects: &'a [Object],
    kind: &'a str,
) -> impl Iterator<Item = &'a Object> + Clone {
    objects.iter().filter(move |object| object.kind() == kind)
}

/// The object of a kind and name.
pub(crate) fn named<'a>(objects: &'a [Object], kind: &'a str, name: &str) -> Option<&'a Object> {
    of_kind(objects, kind).find(|object| object.name() == name)
}

/// Everything that makes pods.
pub(crate) fn workloads(objects: &[Object]) -> impl Iterator<Item = &Object> + Clone {
    of_kind(objects, "Deployment").chain(of_kind(objects, "StatefulSet"))
}

/// The Deployments: the programs of ours.
pub(crate) fn deployments(objects: &[Object]) -> impl Iterator<Item = &Object> + Clone {
    of_kind(objects, "Deployment")
}

impl Object {
    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(crate) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// What a JSON pointer leads to; `null` if there is nothing.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        at(&self.0, pointer)
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        list(&self.0, pointer)
    }

    /// The pod that a workload makes.
    pub(crate) fn pod(&self) -> &Value {
        self.at("/spec/template/spec")
    }

    /// The labels of that pod.
    pub(crate) fn pod_labels(&self) -> BTreeMap<String, String> {
        labels(self.at("/spec/template/metadata/labels"))
    }

    /// Its containers: one each, here.
    pub(crate) fn container(&self) -> &Value {
        let containers = list(self.pod(), "/containers");
        assert_eq!(containers.len(), 1, "{}: one container", self.name());
        &containers[0]
    }

    /// The variables of its container: the value, or where it comes from.
    pub(crate) fn env(&self) -> BTreeMap<String, Value> {
        list(self.container(), "/env")
            .iter()
            .map(|entry| {
                let value = entry.get("value").or_else(|| entry.get("valueFrom"));
                (text(entry, "/name").to_owned(), value.unwrap().clone())
            })
            .collect()
    }

    /// The Secrets that its container has as folders, with the keys that its variables name as
    /// files in them.
    pub(crate) fn secrets(&self) -> Vec<(String, Vec<String>)> {
        let volumes = list(self.pod(), "/volumes").iter();
        volumes
            .filter_map(|volume| {
                let secret = at(volume, "/secret/secretName").as_str()?;
                let folder = format!("{}/", self.folder_of(text(volume, "/name")));
                let env = self.env().into_values();
                let keys = env.filter_map(|value| {
                    let path = value.as_str()?.rsplit('=').next()?.to_owned();
                    path.strip_prefix(&folder).map(str::to_owned)
                });
                Some((secret.to_owned(), keys.collect()))
            })
            .collect()
    }

    /// Where its container has a volume.
    fn folder_of(&self, volume: &str) -> &str {
        let mounts = list(self.container(), "/volumeMounts");
        let mount = mounts.iter().find(|mount| text(mount, "/name") == volume);
        text(mount.expect("mounted"), "/mountPath")
    }
}

pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).as_str().unwrap_or_default()
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).as_array().map_or(&[], Vec::as_slice)
}

/// A map of texts.
pub(crate) fn labels(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

/// A number of bytes such as `64Mi`.
pub(crate) fn bytes(quantity: &str) -> u64 {
    let units = [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((quantity.strip_suffix(suffix)?, *unit)))
        .unwrap_or((quantity, 1));
    let number: u64 = number.parse().expect("a number of bytes");
    number * unit
}
