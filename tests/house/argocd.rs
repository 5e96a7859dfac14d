//! The rules for Argo CD: laid out as its own repository has them, and as the ConfigMap that users merge into theirs.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;

const GROUP: &str = "ordain.dev";

fn integration() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("integrations/argocd")
}

fn rules() -> PathBuf {
    integration().join("resource_customizations").join(GROUP)
}

/// Names below a folder, sorted.
fn names(folder: PathBuf) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(path: PathBuf) -> String {
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A text as a block of YAML.
fn block(text: &str, indent: usize) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{:indent$}{line}\n", ""),
    });
    lines.collect()
}

fn actions_of(kind: &str) -> Vec<String> {
    let folder = rules().join(kind).join("actions");
    if !folder.exists() {
        return vec![];
    }
    names(folder.clone()).into_iter().filter(|name| folder.join(name).join("action.lua").exists()).collect()
}

/// `argocd-cm` with the rules of all kinds, made from the folders.
fn config_map() -> String {
    let mut text = String::from(
        "# Argo CD's rules for the kinds of Ordain, to be merged into its ConfigMap (docs/argo-cd.md). Made from\n\
         # resource_customizations, which is laid out as in Argo CD's own repository.\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  labels:\n    \
         app.kubernetes.io/name: argocd-cm\n    app.kubernetes.io/part-of: argocd\ndata:\n",
    );
    for kind in names(rules()) {
        let folder = rules().join(&kind);
        let health = block(&read(folder.join("health.lua")), 4);
        let _ = write!(text, "  resource.customizations.health.{GROUP}_{kind}: |\n{health}");
        if actions_of(&kind).is_empty() {
            continue;
        }
        let discovery = block(&read(folder.join("actions/discovery.lua")), 6);
        let _ = write!(
            text,
            "  resource.customizations.actions.{GROUP}_{kind}: |\n    discovery.lua: |\n{discovery}"
        );
        text.push_str("    definitions:\n");
        for action in actions_of(&kind) {
            let lua = block(&read(folder.join("actions").join(&action).join("action.lua")), 8);
            let _ = write!(text, "    - name: {action}\n      action.lua: |\n{lua}");
        }
    }
    text
}

#[test]
fn the_config_map_is_made_of_the_rules() {
    let path = integration().join("argocd-cm.yaml");
    let made = config_map();
    if std::env::var_os("ORDAIN_WRITE_TESTDATA").is_some() {
        fs::write(&path, &made).unwrap();
    }
    assert!(
        fs::read_to_string(&path).is_ok_and(|text| text == made),
        "integrations/argocd/argocd-cm.yaml is not what the folders say: run ORDAIN_WRITE_TESTDATA=1 cargo test --test \
         house argocd"
    );
    let decoded: Value = serde_saphyr::from_str(&made).unwrap();
    let action: Value = serde_saphyr::from_str(
        decoded["data"]["resource.customizations.actions.ordain.dev_PolicyAssignment"].as_str().unwrap(),
    )
    .unwrap();
    assert_eq!(action["definitions"].as_array().unwrap().len(), 4, "indented as YAML wants it");
}

#[test]
fn every_kind_has_rules_and_what_is_the_same_is_the_same() {
    let kinds: Vec<_> = ordain::api::crds::all().into_iter().map(|crd| crd.spec.names.kind).collect();
    let (known, found): (BTreeSet<_>, BTreeSet<_>) =
        (kinds.into_iter().collect(), names(rules()).into_iter().collect());
    assert_eq!(found, known);
    for kind in &found {
        let health = |kind: &str| read(rules().join(kind).join("health.lua"));
        assert_eq!(health(kind), health("PolicyAssignment"), "one health.lua for all: {kind}");
        assert!(rules().join(kind).join("health_test.yaml").exists(), "{kind} is tried");
    }
    let actions = |kind: &str| rules().join(kind).join("actions");
    for file in
        actions_of("Backend").iter().map(|name| format!("{name}/action.lua")).chain(["discovery.lua".into()])
    {
        let both = ["Backend", "ClusterBackend"].map(|kind| read(actions(kind).join(&file)));
        assert_eq!(both[0], both[1], "{file} of Backend and ClusterBackend");
    }
}
