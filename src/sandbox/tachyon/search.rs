//! Filters, sorts and pages (section 5).

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Failure},
    body::{self, Members},
    force::{Anomaly, Force},
    inner::Call,
    options::{SearchCase, TachyonOptions, TotalCount},
};

/// What can be asked for, of one object.
pub struct Row {
    /// Of the object.
    pub id: i32,
    /// Its columns as text.
    pub columns: Vec<(&'static str, String)>,
}

impl Row {
    fn get(&self, column: &str) -> &str {
        let mut found = self.columns.iter().filter(|(name, _)| name.eq_ignore_ascii_case(column));
        found.next().map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// What a call found.
pub struct Found {
    /// The ids on the page.
    pub ids: Vec<i32>,
    total: usize,
}

impl Found {
    /// `TotalCount` and `Items`.
    pub fn answer(&self, items: Vec<Value>) -> Answer {
        Answer::json(json!({"TotalCount": self.total, "Items": items}))
    }
}

/// Reads a search and carries it out over rows in the order of lists.
///
/// # Errors
/// 400 for a column, an operator or a number that cannot be.
pub fn run(
    call: &Call,
    options: &TachyonOptions,
    mut rows: Vec<Row>,
    (filters, sorts): (&[&str], &[&str]),
) -> Result<Found, Failure> {
    let sent = if call.body.is_empty() { Map::new() } else { body::object(&call.body)? };
    let sent = Members(&sent);
    if let Some(filter) = sent.get("Filter") {
        let reader = Reader { options, columns: filters };
        let mut kept = Vec::new();
        for row in rows {
            if reader.matches(filter, &row)? {
                kept.push(row);
            }
        }
        // An expression is wrong whether there is anything to hold it against or not.
        reader.matches(filter, &Row { id: 0, columns: Vec::new() })?;
        rows = kept;
    }
    sort(sent, sorts, &mut rows)?;
    let (start, size) = page(sent, options)?;
    Ok(cut(call, options, &rows, start, size))
}

struct Reader<'a> {
    options: &'a TachyonOptions,
    columns: &'a [&'a str],
}

impl Reader<'_> {
    fn matches(&self, expression: &Value, row: &Row) -> Result<bool, Failure> {
        let members = expression.as_object().map(Members);
        let members = members.ok_or_else(|| wrong("An expression must be an object."))?;
        let operator = members.text("Operator")?.ok_or_else(|| wrong("Operator is missing."))?;
        let Some(operands) = members.get("Operands") else { return self.leaf(members, &operator, row) };
        let operands = operands.as_array().ok_or_else(|| wrong("Operands must be an array."))?;
        let outcomes: Vec<bool> =
            operands.iter().map(|one| self.matches(one, row)).collect::<Result<_, _>>()?;
        match operator.as_str() {
            and if and.eq_ignore_ascii_case(&self.options.operators.and) => {
                Ok(outcomes.into_iter().all(|one| one))
            }
            or if or.eq_ignore_ascii_case(&self.options.operators.or) => {
                Ok(outcomes.into_iter().any(|one| one))
            }
            other => Err(wrong(format!("The operator {other:?} is unknown."))),
        }
    }

    fn leaf(&self, members: Members<'_>, operator: &str, row: &Row) -> Result<bool, Failure> {
        let attribute = members.text("Attribute")?.ok_or_else(|| wrong("Attribute is missing."))?;
        allowed(&attribute, self.columns)?;
        let value = members.text("Value")?.ok_or_else(|| wrong("Value is missing."))?;
        if operator != self.options.operators.equals {
            return Err(wrong(format!("The operator {operator:?} is unknown.")));
        }
        let stored = row.get(&attribute);
        // A boolean is a word whose case says nothing.
        let folded =
            self.options.search_case == SearchCase::Folded || attribute.eq_ignore_ascii_case("Enabled");
        Ok(if folded { stored.to_lowercase() == value.to_lowercase() } else { stored == value })
    }
}

fn wrong(message: impl Into<String>) -> Failure {
    Failure::new(400, "Search.Invalid", message)
}

fn allowed(column: &str, columns: &[&str]) -> Result<(), Failure> {
    if columns.iter().any(|known| known.eq_ignore_ascii_case(column)) {
        return Ok(());
    }
    Err(wrong(format!("The column {column:?} cannot be used here.")).about(column))
}

fn sort(sent: Members<'_>, columns: &[&str], rows: &mut [Row]) -> Result<(), Failure> {
    let Some(sorts) = sent.get("Sort") else { return Ok(()) };
    let sorts = sorts.as_array().ok_or_else(|| wrong("Sort must be an array."))?;
    let mut wanted = Vec::new();
    for one in sorts {
        let one = one.as_object().map(Members).ok_or_else(|| wrong("A sort must be an object."))?;
        let column = one.text("Column")?.ok_or_else(|| wrong("Column is missing."))?;
        allowed(&column, columns)?;
        let direction = one.text("Direction")?.unwrap_or_else(|| "ASC".to_owned());
        let descending = direction.eq_ignore_ascii_case("DESC");
        if !descending && !direction.eq_ignore_ascii_case("ASC") {
            return Err(wrong(format!("The direction {direction:?} is unknown.")));
        }
        wanted.push((column, descending));
    }
    rows.sort_by(|a, b| {
        let orders = wanted.iter().map(|(column, descending)| {
            let order = a.get(column).to_lowercase().cmp(&b.get(column).to_lowercase());
            if *descending { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
    Ok(())
}

/// `Start`, which counts from 1, and `PageSize`.
fn page(sent: Members<'_>, options: &TachyonOptions) -> Result<(usize, usize), Failure> {
    let number = |name| match sent.number(name)? {
        Some(number) if number < 1 => Err(wrong(format!("{name} must be at least 1."))),
        number => Ok(number.and_then(|number| usize::try_from(number).ok())),
    };
    let size = number("PageSize")?.or(options.page_size.default).unwrap_or(usize::MAX);
    Ok((number("Start")?.unwrap_or(1), size.min(options.page_size.max.unwrap_or(usize::MAX))))
}

fn cut(call: &Call, options: &TachyonOptions, rows: &[Row], start: usize, size: usize) -> Found {
    let anomaly = call.struck.iter().find_map(|force| match force {
        Force::PageAnomaly(anomaly) => Some(*anomaly),
        _ => None,
    });
    let mut skipped = start - 1;
    if anomaly == Some(Anomaly::Repeat) {
        skipped = skipped.saturating_sub(size);
    }
    let mut ids: Vec<i32> = rows.iter().skip(skipped).take(size).map(|row| row.id).collect();
    match anomaly {
        Some(Anomaly::Empty) => ids.clear(),
        Some(Anomaly::Short) => drop(ids.pop()),
        _ => {}
    }
    let total = match options.total_count {
        TotalCount::Matching => rows.len(),
        TotalCount::Returned => ids.len(),
    };
    let total = match anomaly {
        Some(Anomaly::CountLow) => total.saturating_sub(1),
        Some(Anomaly::CountHigh) => total + 1,
        _ => total,
    };
    Found { ids, total }
}
