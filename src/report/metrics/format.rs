//! In which of two formats somebody who asks for `/metrics` is answered.

use prometheus_client::encoding::prometheus_text;

/// A format of `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4: what everybody reads.
    Prometheus,
    /// OpenMetrics 1.0.0 text, for whoever asks for it.
    OpenMetrics,
}

impl Format {
    /// `Content-Type` of an answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What a request with this `Accept` header gets: OpenMetrics if it is named and liked at least as much as text
    /// (RFC 9110, section 12.5.1); Prometheus names both with weights.
    pub fn of(accept: &str) -> Self {
        let best = |wanted: fn(&Range<'_>) -> bool| {
            accept.split(',').map(Range::parse).filter(wanted).map(|range| range.weight).max().unwrap_or(0)
        };
        let open = best(|range| range.name == "application/openmetrics-text" && range.is_served());
        let text = best(|range| ["text/plain", "text/*", "*/*"].contains(&range.name.as_str()));
        if open > 0 && open >= text { Self::OpenMetrics } else { Self::Prometheus }
    }
}

/// One part of an `Accept` header.
struct Range<'a> {
    name: String,
    version: Option<&'a str>,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let parameters = parts.filter_map(|part| part.split_once('='));
        let mut range = Self { name, version: None, weight: 1000 };
        for (key, value) in parameters {
            match key.trim().to_ascii_lowercase().as_str() {
                "q" => range.weight = thousandths(value.trim()),
                "version" => range.version = Some(value.trim()),
                _ => {}
            }
        }
        range
    }

    fn is_served(&self) -> bool {
        self.version.is_none_or(|version| version.starts_with("1."))
    }
}

/// A weight of up to three digits; nonsense is no wish.
fn thousandths(weight: &str) -> u16 {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    if whole != "0" {
        return if whole == "1" { 1000 } else { 0 };
    }
    format!("{rest:0<3}").get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_gets_what_he_reads() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let cases = [
            ("", Format::Prometheus, "nothing said"),
            ("*/*", Format::Prometheus, "curl"),
            ("text/html,*/*;q=0.8", Format::Prometheus, "a browser"),
            (prometheus, Format::OpenMetrics, "Prometheus, as it asks by default"),
            (
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Prometheus,
                "Prometheus, set to the old format",
            ),
            ("application/openmetrics-text", Format::OpenMetrics, "no version, no weight"),
            ("APPLICATION/OpenMetrics-Text; Version=1.0.0", Format::OpenMetrics, "case does not count"),
            ("application/openmetrics-text;q=0", Format::Prometheus, "refused"),
            ("application/openmetrics-text;q=0.1,text/plain", Format::Prometheus, "text is liked more"),
            (
                "application/openmetrics-text;version=0.0.1",
                Format::Prometheus,
                "a version that is not served",
            ),
            ("application/openmetrics-text;q=viel", Format::Prometheus, "nonsense"),
            (";;q=,,=;", Format::Prometheus, "hostile"),
        ];
        for (accept, format, why) in cases {
            assert_eq!(Format::of(accept), format, "{why}: {accept}");
        }
    }
}
