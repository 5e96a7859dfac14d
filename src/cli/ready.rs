//! `ordain ready`: what `/readyz` says, for people, `helm test` and images without a shell.

use std::time::Duration;

use url::Url;

/// Arguments of `ordain ready`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the operator's pages are
    #[arg(default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// Seconds to wait for it to become ready
    #[arg(long, default_value_t = 60)]
    timeout: u32,
}

/// It is not ready, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("{0}: not an address of an operator; give one like http://ordain.ordain-system:8080")]
    Url(Url),
    /// It answers, and is not ready.
    #[error("not ready: {0}")]
    NotReady(String),
    /// It does not answer.
    #[error("no answer from {0}")]
    Silent(Url, #[source] reqwest::Error),
    /// No client can be made.
    #[error("no client can be made")]
    Client(#[source] reqwest::Error),
}

/// Longest part of an answer that is told.
const TOLD: usize = 2000;
/// Between two questions.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks until it is ready or the time is over.
///
/// # Errors
/// [`Error`], as of the last answer.
pub async fn run(args: &Args) -> Result<(), Error> {
    let page = args.url.join("readyz").map_err(|_| Error::Url(args.url.clone()))?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .map_err(Error::Client)?;
    let patience = Duration::from_secs(args.timeout.into());
    let asked = async {
        loop {
            let answer = ask(&client, &page).await;
            if answer.is_ok() {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let answer = match tokio::time::timeout(patience, asked).await {
        Ok(answer) => answer,
        Err(_) => ask(&client, &page).await,
    };
    answer.map(|()| println!("ready"))
}

async fn ask(client: &reqwest::Client, page: &Url) -> Result<(), Error> {
    let silent = |error: reqwest::Error| Error::Silent(page.clone(), error.without_url());
    let answer = client.get(page.clone()).send().await.map_err(silent)?;
    let ready = answer.status().is_success();
    let text = answer.text().await.map_err(silent)?;
    if ready {
        return Ok(());
    }
    let lines: Vec<&str> = text.lines().collect();
    Err(Error::NotReady(lines.join("; ").chars().take(TOLD).collect()))
}
