//! Which addresses and URLs no Backend may point at (R24, S3). Pure; `real` asks it at every resolution.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Stands in every message about an address that is not called.
pub const REFUSED: &str = "no Backend may point there";

/// Why an address is refused; `None` where it may be called. Private networks may be called.
///
/// `allow_loopback` opens loopback, also in its v4-mapped form, and nothing else.
pub fn refuse(ip: IpAddr, allow_loopback: bool) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => refuse_v4(ip, allow_loopback),
        IpAddr::V6(ip) => refuse_v6(ip, allow_loopback),
    }
}

fn refuse_v4(ip: Ipv4Addr, allow_loopback: bool) -> Option<&'static str> {
    match ip.octets() {
        [127, ..] if allow_loopback => None,
        [127, ..] => Some("a loopback address"),
        [0, ..] => Some("an unspecified address"),
        // Oracle, Alibaba, Azure; the others are link-local.
        [192, 0, 0, 192] | [100, 100, 100, 200] | [168, 63, 129, 16] => Some("a metadata service"),
        [192, 0, 0, _] => Some("an address reserved for protocols"),
        [169, 254, ..] => Some("a link-local address or metadata service"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a broadcast or reserved address"),
        _ => None,
    }
}

fn refuse_v6(ip: Ipv6Addr, allow_loopback: bool) -> Option<&'static str> {
    let segments = ip.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] if allow_loopback => None,
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] | [0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254] => {
            Some("a metadata service")
        }
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x2001, 0, ..] => Some("a Teredo tunnel"),
        [0x0064, 0xff9b, 1, ..] => Some("a local NAT64 prefix"),
        // v4-mapped: the kernel calls the IPv4 address itself.
        [0, 0, 0, 0, 0, 0xffff, high, low] => refuse_v4(embedded(high, low), allow_loopback),
        // v4-compatible, v4-translated, NAT64, 6to4, ISATAP: some gateway may.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => refuse_v4(embedded(high, low), false),
        _ => None,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Why a host name is refused whatever it resolves to.
pub fn refuse_name(name: &str, allow_loopback: bool) -> Option<&'static str> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let under =
        |domain: &str| name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    let api_server = matches!(name.as_str(), "kubernetes" | "kubernetes.default")
        || name.starts_with("kubernetes.default.svc");
    if is_localhost(&name) {
        (!allow_loopback).then_some("a loopback name")
    } else if api_server {
        Some("the Kubernetes API server")
    } else if under("metadata.google.internal") || matches!(name.as_str(), "metadata" | "instance-data") {
        Some("a metadata service")
    } else {
        None
    }
}

/// Names that mean this machine (RFC 6761), and are never looked up.
pub fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Checks the URL of a system: https (http on loopback only), a host that may be called, nothing else in it.
///
/// # Errors
/// A sentence that says what is wrong and what is allowed.
pub fn check_url(url: &Url, allow_loopback: bool) -> Result<(), String> {
    let host = url.host().ok_or("the url has no host")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the url contains a user or password; credentials belong into the Secret".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("the url contains a query or fragment; give the root of the API only".to_owned());
    }
    let refused = match &host {
        Host::Domain(name) => refuse_name(name, allow_loopback),
        Host::Ipv4(ip) => refuse_v4(*ip, allow_loopback),
        Host::Ipv6(ip) => refuse_v6(*ip, allow_loopback),
    };
    if let Some(why) = refused {
        return Err(format!("{host} is {why}; {REFUSED}"));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow_loopback && is_loopback(&host) => Ok(()),
        scheme => Err(format!("the url begins with {scheme}://, only https:// is allowed; {REFUSED}")),
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

/// Whether the operator's list of allowed hosts (exact, or `*.domain`) covers this one; an empty list covers all.
pub fn is_listed(host: &str, allowed: &[String]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    allowed.is_empty()
        || allowed.iter().any(|pattern| {
            let pattern = pattern.trim().trim_end_matches('.').to_ascii_lowercase();
            match pattern.strip_prefix("*.") {
                Some(domain) => host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
                None => host == pattern,
            }
        })
}

#[cfg(test)]
mod tests;
