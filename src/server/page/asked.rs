//! The query: a short list of names, each once, each with values out of a short list or alphabet.

use url::form_urlencoded;

use crate::overview::{Pick, State};

/// Seconds between two loads that may be asked for.
const REFRESH: [u32; 4] = [5, 10, 30, 60];
/// Longest value, in bytes.
const LONGEST: usize = 320;
/// More pages than there can be.
const PAGES: usize = 1_000_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub pick: Pick,
    pub page: usize,
    pub refresh: Option<u32>,
}

impl Asked {
    /// Reads a query. Empty values are what a form sends for "all".
    ///
    /// # Errors
    /// What is allowed, in words of ours.
    pub fn of(query: &str) -> Result<Self, &'static str> {
        let mut asked = Self { pick: Pick::default(), page: 1, refresh: None };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err("each part of the query is allowed once");
            }
            asked.take(&name, &value)?;
            seen.push(name);
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let given = Some(value).filter(|value| !value.is_empty());
        match name {
            "namespace" => self.pick.namespace = given.map(object).transpose()?,
            "account" => self.pick.account = given.map(object).transpose()?,
            "state" => self.pick.state = given.map(state).transpose()?,
            "page" => self.page = given.map(page).transpose()?.unwrap_or(1),
            "refresh" => self.refresh = given.map(refresh).transpose()?,
            _ => return Err("namespace, account, state, page and refresh are allowed in the query"),
        }
        Ok(())
    }

    pub fn is_namespace(&self, name: &str) -> bool {
        self.pick.namespace.as_deref() == Some(name)
    }

    pub fn is_account(&self, backend: &str) -> bool {
        self.pick.account.as_deref() == Some(backend)
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates give references")]
    pub fn is_state(&self, state: &State) -> bool {
        self.pick.state == Some(*state)
    }

    /// The address of the same in one state, on its first page.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "templates give references")]
    pub fn in_state(&self, state: &State) -> String {
        self.with_state(Some(*state))
    }

    /// The address of the same in all states.
    pub fn in_any_state(&self) -> String {
        self.with_state(None)
    }

    /// The address of all that is held on an account.
    pub fn held_on(&self, backend: &str) -> String {
        let pick = Pick { account: Some(backend.to_owned()), state: Some(State::Held), namespace: None };
        Self { pick, page: 1, refresh: self.refresh }.address()
    }

    /// What is asked for by name, as it is typed.
    pub fn namespace(&self) -> &str {
        self.pick.namespace.as_deref().unwrap_or_default()
    }

    /// What is asked for by name, as it is typed.
    pub fn account(&self) -> &str {
        self.pick.account.as_deref().unwrap_or_default()
    }

    fn with_state(&self, state: Option<State>) -> String {
        Self { pick: Pick { state, ..self.pick.clone() }, page: 1, refresh: self.refresh }.address()
    }

    /// The address of another page of the same.
    pub fn with_page(&self, page: usize) -> String {
        Self { page, ..self.clone() }.address()
    }

    /// The address of the same, loaded anew so often.
    pub fn with_refresh(&self, refresh: Option<u32>) -> String {
        Self { refresh, ..self.clone() }.address()
    }

    fn address(&self) -> String {
        let page = (self.page > 1).then(|| self.page.to_string());
        let refresh = self.refresh.map(|seconds| seconds.to_string());
        let parts = [
            ("namespace", self.pick.namespace.as_deref()),
            ("account", self.pick.account.as_deref()),
            ("state", self.pick.state.map(State::as_str)),
            ("page", page.as_deref()),
            ("refresh", refresh.as_deref()),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parts.iter().filter_map(|(name, value)| value.map(|value| (name, value))));
        let query = query.finish();
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    }
}

/// The alphabet of names in Kubernetes, and the `/` and capitals of `Backend/NAMESPACE/NAME`.
fn object(value: &str) -> Result<String, &'static str> {
    let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'/');
    let good = value.len() <= LONGEST && value.bytes().all(known);
    good.then(|| value.to_owned())
        .ok_or("namespace and account are names of Kubernetes objects: letters, digits, - . and /")
}

fn state(value: &str) -> Result<State, &'static str> {
    let known = State::ALL.into_iter().find(|state| state.as_str() == value);
    known.ok_or("state is one of stalled, held, drifting, working, unknown, resting, inForce")
}

fn page(value: &str) -> Result<usize, &'static str> {
    let known = value.parse().ok().filter(|page| (1..=PAGES).contains(page));
    known.ok_or("page is a number from 1")
}

fn refresh(value: &str) -> Result<u32, &'static str> {
    let known = value.parse().ok().filter(|seconds| REFRESH.contains(seconds));
    known.ok_or("refresh is one of 5, 10, 30, 60 (seconds)")
}
