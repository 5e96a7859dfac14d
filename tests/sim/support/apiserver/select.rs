//! Label and field selectors.

use serde_json::Value;

use super::call::Call;
use super::failure::Failure;
use super::store::Key;

/// Which objects of a collection a call is about.
#[derive(Debug, Clone)]
pub struct Selector {
    namespace: Option<String>,
    name: Option<String>,
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selector {
    /// Reads the selectors of a call.
    ///
    /// # Errors
    /// 400 for a selector that does not parse.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        let parse = |parameter: &str| -> Result<Vec<Requirement>, Failure> {
            split(call.parameter(parameter).unwrap_or_default()).into_iter().map(requirement).collect()
        };
        let name = Some(call.name.clone()).filter(|name| !name.is_empty());
        let (labels, fields) = (parse("labelSelector")?, parse("fieldSelector")?);
        Ok(Self { namespace: call.namespace.clone(), name, labels, fields })
    }

    /// Whether an object is meant.
    pub fn matches(&self, key: &Key, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"][name].as_str().map(str::to_owned);
        let field = |path: &str| {
            let found = object.pointer(&format!("/{}", path.replace('.', "/")));
            Some(found.map(plain).unwrap_or_default())
        };
        self.namespace.as_deref().is_none_or(|namespace| namespace == key.namespace())
            && self.name.as_deref().is_none_or(|name| name == key.name())
            && self.labels.iter().all(|requirement| requirement.holds(label(&requirement.key)))
            && self.fields.iter().all(|requirement| requirement.holds(field(&requirement.key)))
    }

    /// Whether it leaves nothing out but by namespace.
    pub fn is_open(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

impl Requirement {
    fn holds(&self, value: Option<String>) -> bool {
        match &self.test {
            Test::In(values) => value.is_some_and(|value| values.contains(&value)),
            Test::NotIn(values) => value.is_none_or(|value| !values.contains(&value)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Splits at commas outside of parentheses.
fn split(selector: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = selector.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Result<Requirement, Failure> {
    let make = |key: &str, test| Ok(Requirement { key: key.trim().into(), test });
    if let Some((key, value)) = text.split_once("!=") {
        return make(key, Test::NotIn(vec![value.trim().into()]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return make(key, Test::In(vec![value.trim().into()]));
    }
    if let Some((key, values)) = text.split_once(" notin ") {
        return make(key, Test::NotIn(set(values)?));
    }
    if let Some((key, values)) = text.split_once(" in ") {
        return make(key, Test::In(set(values)?));
    }
    match text.strip_prefix('!') {
        Some(key) => make(key, Test::Absent),
        None => make(text, Test::Exists),
    }
}

fn set(text: &str) -> Result<Vec<String>, Failure> {
    let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inner = inner.ok_or_else(|| Failure::bad_request(format!("unable to parse requirement: {text}")))?;
    Ok(inner.split(',').map(|value| value.trim().to_owned()).collect())
}
