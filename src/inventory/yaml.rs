//! The inventory as manifests, with comments for what they cannot say.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::{Entry, Inventory, table::remarks};
use crate::api::validate::shown;

/// Manifests of everything that can be said in their words.
///
/// # Errors
/// The YAML writer's; not for values that came from JSON.
pub fn yaml(inventory: &Inventory) -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    let sayable = inventory.entries.iter().filter(|entry| entry.manifests.is_ok()).count();
    let total = inventory.entries.len();
    comment(
        &mut text,
        &format!("{}: {total} that nobody manages, {sayable} of them as manifests.", inventory.backend),
    );
    comment(
        &mut text,
        "Applied as they stand they change nothing: every assignment observes, and names what it would take",
    );
    comment(&mut text, "over. Where Git shall decide from now on, say mode: Apply.");
    remarks(inventory).iter().for_each(|remark| comment(&mut text, &format!("{remark}.")));
    for entry in &inventory.entries {
        document(&mut text, entry)?;
    }
    let unsaid = inventory.entries.iter().filter_map(|entry| Some((entry, entry.manifests.as_ref().err()?)));
    for (entry, why) in unsaid {
        text.push('\n');
        comment(&mut text, &title(entry));
        comment(&mut text, &format!("cannot be taken over as it is: {why}"));
    }
    Ok(text)
}

fn document(text: &mut String, entry: &Entry) -> Result<(), serde_saphyr::ser::Error> {
    let Ok(manifests) = &entry.manifests else { return Ok(()) };
    text.push_str("---\n");
    comment(text, &title(entry));
    entry.notes.iter().for_each(|note| comment(text, &format!("{note}.")));
    text.push_str(&object(&manifests.policy)?);
    text.push_str("---\n");
    text.push_str(&object(&manifests.assignment)?);
    Ok(())
}

fn object(object: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| *member != Value::Null);
    }
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&value, options)
}

fn title(entry: &Entry) -> String {
    let active = match entry.active {
        Some(true) => ", active",
        Some(false) => ", not active",
        None => "",
    };
    let targets = if entry.targets == "-" { String::new() } else { format!(", reaches {}", entry.targets) };
    format!("{:?} ({}){active}{targets}", entry.name, entry.id)
}

/// A comment stays one whatever text stands in it.
fn comment(text: &mut String, line: &str) {
    let _ = writeln!(text, "# {}", shown(line));
}
