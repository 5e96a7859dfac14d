//! Pieces of schema: bounded strings, URLs, names, lists, and rules in CEL.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::limits;

/// Rules in CEL, each with what the API server says when it does not hold.
pub fn rules(rules: &[(&str, &str)]) -> Value {
    rules.iter().map(|(rule, message)| json!({"rule": rule, "message": message})).collect()
}

/// Puts a description made of documentation lines on a schema.
pub fn describe(schema: &mut Schema, lines: &[&str]) {
    let text: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    schema.insert("description".to_owned(), text.join("\n").into());
}

/// Exactly one of the members, as `oneOf`: costs no CEL budget, for the innermost items of long lists.
pub fn one_of(schema: &mut Schema, members: &[&str]) {
    let alternatives: Value = members.iter().map(|member| json!({"required": [member]})).collect();
    schema.insert("oneOf".to_owned(), alternatives);
}

/// Exactly one of the members, as a rule in CEL with a message that names them.
pub fn exactly_one(schema: &mut Schema, members: &[&str]) {
    let message = format!("exactly one of {} is required", members.join(", "));
    schema.insert("x-kubernetes-validations".to_owned(), rules(&[(&exactly_one_rule(members), &message)]));
}

/// [`exactly_one`], and which one it is never changes.
pub fn exactly_one_immutable(schema: &mut Schema, members: &[&str]) {
    let message = format!("exactly one of {} is required", members.join(", "));
    let same: Vec<String> = members.iter().map(|m| format!("has(self.{m}) == has(oldSelf.{m})")).collect();
    let all = rules(&[
        (&exactly_one_rule(members), &message),
        (&same.join(" && "), "the kind of system is immutable: create another Backend"),
    ]);
    schema.insert("x-kubernetes-validations".to_owned(), all);
}

fn exactly_one_rule(members: &[&str]) -> String {
    let has: Vec<String> = members.iter().map(|member| format!("has(self.{member})")).collect();
    format!("[{}].filter(x, x).size() == 1", has.join(", "))
}

fn text(min: usize, max: usize, pattern: &str) -> Schema {
    json_schema!({"type": "string", "minLength": min, "maxLength": max, "pattern": pattern})
}

/// The name of a Kubernetes object.
pub fn object_name(_: &mut SchemaGenerator) -> Schema {
    text(1, limits::OBJECT_NAME, r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
}

/// The name of a namespace.
pub fn namespace(_: &mut SchemaGenerator) -> Schema {
    text(1, 63, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
}

/// A key of a Secret or `ConfigMap`.
pub fn data_key(_: &mut SchemaGenerator) -> Schema {
    text(1, limits::OBJECT_NAME, r"^[-._a-zA-Z0-9]+$")
}

/// A name in a policy system. Controls and marks of writing direction are refused, because a name
/// must look like what it is; blanks at the ends, because the systems trim them (R16).
pub fn name(_: &mut SchemaGenerator) -> Schema {
    text(1, limits::NAME, NAME_PATTERN)
}

/// [`name`], as long as a display name may be.
pub fn display_name(_: &mut SchemaGenerator) -> Schema {
    text(1, limits::DISPLAY_NAME, NAME_PATTERN)
}

/// Neither controls nor invisible characters (`\p{C}`), and no kind of blank (`\p{Z}`) at the ends.
const NAME_PATTERN: &str = r"^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$";

/// Free text of several lines, without controls.
pub fn description(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": limits::DESCRIPTION, "pattern": r"^([^\p{C}]|[\n\t])*$"})
}

/// A word of a system's own vocabulary: a platform, a feature code, a consumer.
pub fn word(_: &mut SchemaGenerator) -> Schema {
    text(1, 100, r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
}

/// A GUID.
pub fn guid(_: &mut SchemaGenerator) -> Schema {
    text(36, 36, r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$")
}

/// A version such as `v2.8`.
pub fn dotted_version(_: &mut SchemaGenerator) -> Schema {
    text(1, 16, r"^v[0-9]+\.[0-9]+$")
}

/// A JSON pointer to a leaf.
pub fn json_pointer(_: &mut SchemaGenerator) -> Schema {
    text(2, limits::PATH, r"^(/([^/~]|~[01])+)+$")
}

/// A path below a URL.
pub fn path(_: &mut SchemaGenerator) -> Schema {
    text(1, limits::PATH, r"^/?([A-Za-z0-9._~-]|\{id\})+(/([A-Za-z0-9._~-]|\{id\})+)*$")
}

/// A path below a URL in which `{id}` stands for an id.
pub fn path_with_id(_: &mut SchemaGenerator) -> Schema {
    text(
        4,
        limits::PATH,
        r"^/?([A-Za-z0-9._~-]+/)*([A-Za-z0-9._~-]*\{id\}[A-Za-z0-9._~-]*)(/[A-Za-z0-9._~-]+)*$",
    )
}

/// `https`, or `http` on loopback only; no user, query or fragment.
pub fn url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": limits::URL,
        "x-kubernetes-validations": rules(&[(
            r"self.matches('^(https://([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])|http://(localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&()*+,;=:@%-]*)*$')",
            "must be https://HOST[:PORT][/PATH], or http:// on loopback only, without user, query and fragment",
        )]),
    })
}

/// Go syntax, 1m to 24h.
pub fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 2,
        "maxLength": limits::DURATION,
        "pattern": r"^([0-9]{1,6}[hms])+$",
        "x-kubernetes-validations": rules(&[(
            "duration(self) >= duration('1m') && duration(self) <= duration('24h')",
            "must be a duration between 1m and 24h, such as 90s, 30m or 1h30m",
        )]),
    })
}

/// An object whose members only the policy system knows.
pub fn free_form_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 1024, "x-kubernetes-preserve-unknown-fields": true})
}

/// A list of values whose shape only the policy system knows.
pub fn free_form_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::CONSTRAINTS,
        "items": {"x-kubernetes-preserve-unknown-fields": true},
        "x-kubernetes-list-type": "atomic",
    })
}

/// Words that would mean everybody in one of the systems must not slip in as a role or a user (R1).
fn people(max: usize) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": max,
        "items": text(1, 100, NAME_PATTERN),
        "x-kubernetes-list-type": "set",
        "x-kubernetes-validations": rules(&[(
            "self.all(word, word.lowerAscii() != 'any')",
            "the word ANY means everybody to the system: say everyone: true in the assignment instead",
        )]),
    })
}

/// Roles of a selection.
pub fn roles(_: &mut SchemaGenerator) -> Schema {
    people(limits::ROLES)
}

/// Users of a selection.
pub fn users(_: &mut SchemaGenerator) -> Schema {
    people(limits::USERS)
}

/// Single devices, `type/id`.
pub fn devices(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::DEVICES,
        "items": text(3, 91, r"^[A-Za-z0-9._-]{1,45}/[^/\s\x00-\x1f\x7f]{1,45}$"),
        "x-kubernetes-list-type": "set",
    })
}

/// A customer by GUID or by name. No rule in CEL: see [`one_of`].
pub fn customer(generator: &mut SchemaGenerator) -> Schema {
    let mut id = guid(generator);
    describe(&mut id, &["GUID of the customer. Exactly one of `id` and `name`."]);
    let mut by_name = name(generator);
    describe(&mut by_name, &["Name of the customer. Exactly one of `id` and `name`."]);
    json_schema!({
        "type": "object",
        "properties": {"id": id, "name": by_name},
        "oneOf": [{"required": ["id"]}, {"required": ["name"]}],
    })
}

/// Namespaces by name.
pub fn namespaces(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::NAMESPACES,
        "items": namespace(generator),
        "x-kubernetes-list-type": "set",
    })
}

/// Key of a label.
pub fn label_key(_: &mut SchemaGenerator) -> Schema {
    text(1, 317, r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
}

/// Values of a label.
pub fn label_values(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": limits::SELECTOR,
        "items": {"type": "string", "maxLength": 63},
        "x-kubernetes-list-type": "set",
    })
}

/// Labels by key.
pub fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": limits::SELECTOR,
        "additionalProperties": {"type": "string", "maxLength": 63},
    })
}

/// A short text in a status.
pub fn status_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": limits::STATUS_TEXT})
}

/// The message of a condition or problem.
pub fn message(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "maxLength": limits::MESSAGE})
}

/// A condition type or reason.
pub fn reason(_: &mut SchemaGenerator) -> Schema {
    text(1, 128, r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
}

/// A count in a status.
pub fn count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": 0})
}

/// A generation; -1 before anything has looked.
pub fn generation(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": -1})
}

/// A moment.
pub fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}
