//! How subcommands reach the systems: the same flags for the operator and for what only reads.

use std::{
    collections::BTreeSet,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use crate::drivers::http::real::{HttpsProxy, RealSettings, RealTransport};

/// Flags of everything that calls systems.
#[derive(Debug, Clone, clap::Args)]
pub struct Connections {
    /// Let Backends point at loopback, over http too: for the sandbox
    #[arg(long, env = "ORDAIN_ALLOW_LOOPBACK")]
    allow_loopback: bool,
    /// Hosts that Backends may point at, separated by commas [default: all but the refused]
    #[arg(long, env = "ORDAIN_ALLOWED_HOSTS", value_delimiter = ',')]
    allowed_hosts: Vec<String>,
    /// File with certificates (PEM) of authorities to trust beside those of the machine
    #[arg(long, env = "ORDAIN_CA_BUNDLE", value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Proxy (CONNECT) to reach the systems through; needs --allowed-hosts
    #[arg(long, env = "ORDAIN_HTTPS_PROXY", value_name = "URL", hide_env_values = true)]
    https_proxy: Option<ProxyUrl>,
    /// Hosts and suffixes (.example.com) that are reached without the proxy, separated by commas
    #[arg(long, env = "ORDAIN_NO_PROXY", value_delimiter = ',')]
    no_proxy: Vec<String>,
}

/// May bear credentials: shown to nobody.
#[derive(Clone)]
struct ProxyUrl(String);

impl std::str::FromStr for ProxyUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Connections {
    /// What they say, tried out. `api_server` is the API server's host: no Backend may point there (R24).
    ///
    /// # Errors
    /// A flag that does not say what it must, in words.
    pub async fn settings(&self, api_server: Option<&str>) -> Result<RealSettings, String> {
        let settings = RealSettings { refused: addresses(api_server).await, ..self.written()? };
        RealTransport::new(settings.clone()).map_err(|why| why.to_string())?;
        Ok(settings)
    }

    /// What they say, before anything is looked up.
    ///
    /// # Errors
    /// As for [`Connections::settings`].
    pub(super) fn written(&self) -> Result<RealSettings, String> {
        Ok(RealSettings {
            ca_pem: None,
            allow_loopback: self.allow_loopback,
            allowed_hosts: self.allowed_hosts.clone(),
            refused: BTreeSet::new(),
            ca_bundle: self.ca_bundle.as_deref().map(read).transpose()?,
            proxy: self.proxy()?,
        })
    }

    fn proxy(&self) -> Result<Option<HttpsProxy>, String> {
        let Some(ProxyUrl(text)) = self.https_proxy.as_ref().filter(|url| !url.0.is_empty()) else {
            return Ok(None);
        };
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = url else {
            return Err("--https-proxy: not a URL like http://proxy.example.com:3128".to_owned());
        };
        if self.allowed_hosts.iter().all(|host| host.trim().is_empty()) {
            return Err(
                "--https-proxy: a proxy resolves names itself, so no address can be checked; name the hosts \
                        that Backends may point at (--allowed-hosts)"
                    .to_owned(),
            );
        }
        Ok(Some(HttpsProxy { url, direct: self.no_proxy.clone() }))
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("--ca-bundle {}: {error}", path.display()))
}

/// Addresses of the API server.
async fn addresses(host: Option<&str>) -> BTreeSet<IpAddr> {
    let Some(host) = host else { return BTreeSet::new() };
    let lookup = tokio::net::lookup_host((host.trim_matches(['[', ']']), 0));
    match tokio::time::timeout(Duration::from_secs(5), lookup).await {
        // On loopback the sandbox stands beside it.
        Ok(Ok(addresses)) => addresses.map(|a| a.ip()).filter(|ip| !ip.is_loopback()).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        connections: Connections,
    }

    async fn settings(flags: &[&str]) -> Result<RealSettings, String> {
        let all = std::iter::once("test").chain(flags.iter().copied());
        Alone::try_parse_from(all).unwrap().connections.settings(None).await
    }

    #[tokio::test]
    async fn flags_that_cannot_be_meant_are_told_with_what_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let garbage = folder.path().join("garbage.pem");
        std::fs::write(&garbage, "garbage").unwrap();
        let garbage = garbage.to_str().unwrap();
        let missing = folder.path().join("missing.pem");
        let cases: [(&str, &[&str], &str); 5] = [
            ("a file that is not there", &["--ca-bundle", missing.to_str().unwrap()], "missing.pem"),
            ("a file of something else", &["--ca-bundle", garbage], "not a list of PEM certificates"),
            ("no scheme", &["--https-proxy", "proxy:3128", "--allowed-hosts", "a.example"], "http://proxy"),
            (
                "another scheme",
                &["--https-proxy", "socks5://p:1", "--allowed-hosts", "a.example"],
                "http://proxy",
            ),
            ("a proxy to anywhere", &["--https-proxy", "http://proxy:3128"], "--allowed-hosts"),
        ];
        for (why, flags, words) in cases {
            let error = settings(flags).await.expect_err(why);
            assert!(error.contains(words), "{why}: {error}");
        }
        let fine = ["--https-proxy", "http://u:p@proxy:3128", "--allowed-hosts", "*.example.com"];
        let settings = settings(&fine).await.unwrap();
        assert!(!format!("{settings:?}").contains("u:p"), "credentials of a proxy are never printed");
    }
}
