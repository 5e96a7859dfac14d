//! Slices of lists (section 7).

use serde_json::{Value, json};

use super::{
    answer::Failure,
    force::{Anomaly, Force},
    inner::{Call, Inner},
    options::{NegativePages, OverLimit, SymphonyOptions},
};

/// The default of `limit`, and its maximum.
const LARGEST: usize = 50;

/// Which slice is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Counts from 0.
    number: usize,
    limit: usize,
}

/// `page` and `limit` of a call.
///
/// # Errors
/// 400 for what is no number, or not an allowed one.
pub fn wanted(call: &Call, options: &SymphonyOptions) -> Result<Page, Failure> {
    let number = parameter(call, "page", (0, 0), options)?;
    let mut limit = parameter(call, "limit", (LARGEST, 1), options)?;
    if limit > LARGEST {
        match options.over_limit {
            OverLimit::Clamp => limit = LARGEST,
            OverLimit::Reject => {
                return Err(Failure::inner(options.invalid_value_status, "limit must not exceed 50"));
            }
            OverLimit::Honour => {}
        }
    }
    Ok(Page { number, limit })
}

fn parameter(
    call: &Call,
    name: &str,
    (default, least): (usize, i64),
    options: &SymphonyOptions,
) -> Result<usize, Failure> {
    let Some(text) = call.query.get(name) else { return Ok(default) };
    let number: i64 =
        text.parse().map_err(|_| Failure::malformed(format!("{name} is {text:?}, wanted is a number")))?;
    if number >= least {
        return Ok(usize::try_from(number).unwrap_or(usize::MAX));
    }
    match options.negative_pages {
        NegativePages::Default => Ok(default),
        NegativePages::Reject => {
            Err(Failure::inner(options.invalid_value_status, format!("{name} must be at least {least}")))
        }
    }
}

impl Inner {
    /// The slice as an answer, under `name`; a fault may have cut it wrongly (F23).
    pub fn page(&mut self, call: &Call, name: &str, records: Vec<Value>, page: Page) -> Value {
        let anomaly = self.force(call, |force| match force {
            Force::PageAnomaly { anomaly } => Some(*anomaly),
            _ => None,
        });
        let count = records.len().div_ceil(page.limit);
        let count = match anomaly {
            Some(Anomaly::CountLow) => count.saturating_sub(1),
            Some(Anomaly::CountHigh) => count + 1,
            _ => count,
        };
        let repeated = anomaly == Some(Anomaly::Repeat);
        let number = if repeated { page.number.saturating_sub(1) } else { page.number };
        let skipped = number.saturating_mul(page.limit);
        let mut slice: Vec<Value> = records.into_iter().skip(skipped).take(page.limit).collect();
        match anomaly {
            Some(Anomaly::Empty) => slice.clear(),
            Some(Anomaly::Short) => slice.truncate(slice.len().saturating_sub(1)),
            _ => {}
        }
        json!({name: slice, "page": page.number, "pageCount": count})
    }
}
