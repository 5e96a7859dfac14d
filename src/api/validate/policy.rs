//! Rules of a Policy.

use std::collections::BTreeSet;

use super::{Findings, text};
use crate::api::{
    AppShieldFacet, Content, Document, Feature, FreeForm, PolicySpec, Profile, SecretLeaf, SymphonyFacet,
    WfbssFacet, Wso2Facet, limits,
};

pub(super) fn spec(spec: &PolicySpec, found: &mut Findings) {
    let content = &spec.content;
    if let Some(name) = &spec.display_name {
        let symphony = content.symphony.is_some();
        let max = if symphony { limits::SYMPHONY_DISPLAY_NAME } else { limits::DISPLAY_NAME };
        text::name(name, max, "spec.displayName", found);
    }
    if let Some(text) = &spec.description {
        text::description(text, "spec.description", found);
    }
    let switched_document = content.wfbss.is_some() && spec.enabled.is_some();
    found.require(
        !switched_document,
        "spec.enabled",
        "stands beside a wfbss facet, whose documents have no such switch",
        "remove it, or move the facet into a Policy of its own",
    );
    facets(content, found);
}

fn facets(content: &Content, found: &mut Findings) {
    let Content { wfbss: documents, symphony: filter, app_shield: shield, tachyon, wso2 } = content;
    let none =
        documents.is_none() && filter.is_none() && shield.is_none() && tachyon.is_none() && wso2.is_none();
    let allowed = "at least one of wfbss, symphony, appShield, tachyon, wso2 is required";
    found.require(!none, "spec.content", "has no facet", allowed);
    documents.iter().for_each(|facet| wfbss(facet, found));
    filter.iter().for_each(|facet| symphony(facet, found));
    shield.iter().for_each(|facet| app_shield(facet, found));
    wso2.iter().for_each(|facet| profiles(facet, found));
    let rules = tachyon.as_ref().and_then(|facet| facet.rules.as_deref()).unwrap_or_default();
    text::ids_or_names(rules, limits::RULES, "spec.content.tachyon.rules", found);
}

fn wfbss(facet: &WfbssFacet, found: &mut Findings) {
    let at = "spec.content.wfbss.documents";
    found.at_least_one(facet.documents.len(), at);
    found.unique(facet.documents.iter().map(|one| (one.os, one.os.to_string())), at);
    for (i, document) in facet.documents.iter().enumerate() {
        self::document(document, &format!("{at}[{i}]"), found);
    }
}

fn document(document: &Document, at: &str, found: &mut Findings) {
    let empty =
        document.settings.is_none() && document.secrets.is_empty() && document.replicate_from.is_none();
    found.require(!empty, at, "says nothing", "name settings, secrets or replicateFrom");
    if let Some(settings) = &document.settings {
        text::free_form(settings, true, &format!("{at}.settings"), found);
    }
    secrets(&document.secrets, document.settings.as_ref(), at, found);
    if let Some(seed) = &document.replicate_from {
        text::guid(&seed.customer, &format!("{at}.replicateFrom.customer"), found);
        text::id(&seed.group, &format!("{at}.replicateFrom.group"), found);
        found.range(Some(seed.revision), 0..=1_000_000, &format!("{at}.replicateFrom.revision"));
    }
}

/// Leaves kept in Secrets: each once, and not named by the free-form part as well.
fn secrets(leaves: &[SecretLeaf], free_form: Option<&FreeForm>, at: &str, found: &mut Findings) {
    let field = format!("{at}.secrets");
    found.at_most(leaves.len(), limits::SECRETS, &field);
    found.unique(leaves.iter().map(|leaf| (&leaf.path, leaf.path.clone())), &field);
    let readable = free_form.filter(|value| !leaves.is_empty() && value.depth() <= limits::FREE_FORM_DEPTH);
    let tree = readable.map(FreeForm::to_value).unwrap_or_default();
    for (i, leaf) in leaves.iter().enumerate() {
        let field = format!("{field}[{i}]");
        let path = format!("{field}.path");
        let good = leaf.path.len() <= limits::PATH && is_pointer(&leaf.path);
        found.require(
            good,
            &path,
            "is not a JSON pointer to a leaf",
            "write /section/key, with ~0 for ~ and ~1 for /",
        );
        found.require(
            tree.pointer(&leaf.path).is_none(),
            &path,
            "is also named in the free-form part",
            "name the leaf in one place only",
        );
        let below = leaves.iter().any(|other| leaf.path.starts_with(&format!("{}/", other.path)));
        found.require(!below, &path, "lies below another secret leaf", "a leaf has nothing below it");
        text::secret_key_ref(&leaf.secret_key_ref, &format!("{field}.secretKeyRef"), found);
    }
}

fn is_pointer(text: &str) -> bool {
    let tokens = text.strip_prefix('/').unwrap_or_default();
    tokens.split('/').all(|token| {
        let escapes = token.replace("~0", "").replace("~1", "");
        !token.is_empty() && !escapes.contains('~')
    })
}

fn symphony(facet: &SymphonyFacet, found: &mut Findings) {
    let at = "spec.content.symphony";
    found.at_least_one(facet.content_types.len(), &format!("{at}.contentTypes"));
    found.unique(facet.content_types.iter().map(|one| (one, one.to_string())), &format!("{at}.contentTypes"));
    found.at_least_one(facet.scopes.len(), &format!("{at}.scopes"));
    found.unique(facet.scopes.iter().map(|one| (one, one.to_string())), &format!("{at}.scopes"));
    let field = format!("{at}.dictionaries");
    text::ids_or_names(&facet.dictionaries, limits::DICTIONARIES, &field, found);
    found.require(
        !facet.dictionaries.is_empty() || facet.allow_empty_dictionaries == Some(true),
        &field,
        "is empty, and the system disables such a policy",
        "name a dictionary, or say allowEmptyDictionaries: true",
    );
}

fn app_shield(facet: &AppShieldFacet, found: &mut Findings) {
    let at = "spec.content.appShield.constraints";
    let constraints = facet.constraints.as_deref().unwrap_or_default();
    found.at_most(constraints.len(), limits::CONSTRAINTS, at);
    for (i, constraint) in constraints.iter().enumerate() {
        text::free_form(constraint, false, &format!("{at}[{i}]"), found);
    }
}

fn profiles(facet: &Wso2Facet, found: &mut Findings) {
    let at = "spec.content.wso2.profiles";
    found.at_least_one(facet.profiles.len(), at);
    found.at_most(facet.profiles.len(), limits::PROFILES, at);
    found.unique(facet.profiles.iter().map(|one| (&one.platform, one.platform.clone())), at);
    for (i, profile) in facet.profiles.iter().enumerate() {
        self::profile(profile, &format!("{at}[{i}]"), found);
    }
}

fn profile(profile: &Profile, at: &str, found: &mut Findings) {
    text::word(&profile.platform, &format!("{at}.platform"), found);
    let field = format!("{at}.features");
    found.at_least_one(profile.features.len(), &field);
    found.at_most(profile.features.len(), limits::FEATURES, &field);
    // The system matches features by code without regard to case (wso2-emm.md section 5).
    found
        .unique(profile.features.iter().map(|one| (one.code.to_ascii_lowercase(), one.code.clone())), &field);
    for (i, feature) in profile.features.iter().enumerate() {
        self::feature(feature, &format!("{field}[{i}]"), found);
    }
}

fn feature(feature: &Feature, at: &str, found: &mut Findings) {
    text::word(&feature.code, &format!("{at}.code"), found);
    if let Some(content) = &feature.content {
        text::free_form(content, true, &format!("{at}.content"), found);
    }
    secrets(&feature.secrets, feature.content.as_ref(), at, found);
}

pub(super) fn update(old: &PolicySpec, new: &PolicySpec, found: &mut Findings) {
    let allowed = "delete the assignments and the Policy instead";
    let facets = new.facets();
    for facet in old.facets().into_iter().filter(|facet| !facets.contains(facet)) {
        found.add(&format!("spec.content.{facet}"), "was removed", allowed);
    }
    if let (Some(old), Some(new)) = (&old.content.wfbss, &new.content.wfbss) {
        let kept: BTreeSet<_> = new.documents.iter().map(|one| one.os).collect();
        for gone in old.documents.iter().filter(|one| !kept.contains(&one.os)) {
            found.add("spec.content.wfbss.documents", format!("{} was removed", gone.os), allowed);
        }
    }
    if let (Some(old), Some(new)) = (&old.content.wso2, &new.content.wso2) {
        let kept: BTreeSet<_> = new.profiles.iter().map(|one| &one.platform).collect();
        for gone in old.profiles.iter().filter(|one| !kept.contains(&one.platform)) {
            found.add("spec.content.wso2.profiles", format!("{} was removed", gone.platform), allowed);
        }
    }
}
