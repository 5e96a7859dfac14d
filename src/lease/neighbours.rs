//! Other installations as they were seen over time, and what is said of the one we wait for. Pure.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{
    DURATION, NAME,
    installation::{Installation, Stage},
};
use crate::{
    index::Scope,
    model::{reckoned, spoken},
};

/// Namespaces named in a line; the rest is counted.
const NAMED: usize = 5;

/// What was seen of the others, by our own monotonic clock.
#[derive(Debug, Default)]
pub struct Neighbours {
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    installation: Installation,
    /// Since when its Lease is missing.
    gone: Option<Duration>,
}

impl Neighbours {
    /// The others as they count now. A Lease that was deleted while a process held it counts for as long as it would
    /// have lasted: a holder that is alive makes it again.
    pub fn look(&mut self, listed: Vec<Installation>, now: Duration) -> Vec<Installation> {
        for seen in self.seen.values_mut() {
            seen.gone.get_or_insert(now);
        }
        for installation in listed {
            self.seen.insert(installation.namespace.clone(), Seen { installation, gone: None });
        }
        self.seen.retain(|_, seen| match seen.gone {
            None => true,
            Some(since) => seen.installation.held && now.saturating_sub(since) < DURATION,
        });
        self.seen.values().map(|seen| seen.installation.clone()).collect()
    }

    /// Whether its Lease is no longer there.
    fn is_gone(&self, namespace: &str) -> bool {
        self.seen.get(namespace).is_some_and(|seen| seen.gone.is_some())
    }

    /// Why we wait for this one, and what to do; `now`: when it was last seen is said, which changes all the time.
    pub fn say(&self, rival: &Installation, mine: &Scope, now: Option<Timestamp>) -> String {
        let Installation { namespace, scope, stage, renewed, held, .. } = rival;
        let place = spelled(scope.as_ref(), mine);
        let works = match stage {
            Stage::Claiming => format!("was there first and would work in {place}"),
            Stage::Entering | Stage::Serving => format!("works in {place}"),
        };
        // Whoever ends in good order renews it a last time.
        let seen = if *held { "last seen" } else { "it ended" };
        let ago = now.zip(*renewed).map(|(now, then)| format!(" ({seen} {} ago)", spoken(then, now)));
        let (ago, would) = (ago.unwrap_or_default(), spelled(Some(mine), scope.as_ref().unwrap_or(mine)));
        let way_out = if self.is_gone(namespace) {
            format!("its Lease was deleted while it was held, and is waited for {} s", DURATION.as_secs())
        } else {
            format!(
                "give each namespaces of its own (chart: watchNamespaces) and use ClusterBackends with one of them only, or \
                 uninstall one; if that one is uninstalled: \
                 kubectl delete lease {NAME} -n {namespace}"
            )
        };
        format!(
            "standing by: the operator of namespace {namespace} {works}{ago}, this one would work in {would}; {way_out}"
        )
    }
}

/// Shared namespaces first, so that they are among those that are named.
fn spelled(scope: Option<&Scope>, other: &Scope) -> String {
    let names = match scope {
        None => {
            return "namespaces that its Lease does not tell (is it of an earlier version? upgrade that, too)"
                .to_owned();
        }
        Some(Scope::All) => return "all namespaces".to_owned(),
        Some(Scope::Only(names)) => names,
    };
    let (shared, own): (Vec<&str>, Vec<&str>) =
        names.iter().map(AsRef::as_ref).partition(|name| other.covers(name));
    let all: Vec<&str> = shared.into_iter().chain(own).collect();
    let named = all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {}", reckoned(more, "other")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn installation(held: bool) -> Installation {
        Installation {
            namespace: "a".into(),
            scope: Some(Scope::All),
            stage: Stage::Serving,
            serves: Some(Scope::All),
            original: true,
            created: None,
            renewed: Some(Timestamp::UNIX_EPOCH),
            held,
        }
    }

    fn only(names: &[&str]) -> Scope {
        Scope::Only(names.iter().copied().map(Arc::from).collect())
    }

    /// What is listed when, and whether it counts after that.
    #[test]
    fn a_lease_that_is_gone_counts_for_as_long_as_its_holder_may_live() {
        let at = Duration::from_secs;
        let lasts = DURATION.as_secs();
        let (held, free) = (|| vec![installation(true)], || vec![installation(false)]);
        for (why, looks, counts) in [
            ("never seen", vec![(vec![], 0)], false),
            ("there", vec![(held(), 0)], true),
            ("given back, then deleted: uninstalled", vec![(free(), 0), (vec![], 5)], false),
            ("deleted under its holder", vec![(held(), 0), (vec![], 5)], true),
            ("made again meanwhile", vec![(held(), 0), (vec![], 5), (held(), 10), (vec![], lasts + 9)], true),
            ("not yet long enough", vec![(held(), 0), (vec![], 5), (vec![], lasts + 4)], true),
            ("nobody made it again", vec![(held(), 0), (vec![], 5), (vec![], lasts + 5)], false),
        ] {
            let mut neighbours = Neighbours::default();
            let left = looks.into_iter().map(|(listed, now)| neighbours.look(listed, at(now)).len()).last();
            assert_eq!(left, Some(usize::from(counts)), "{why}");
        }
    }

    #[test]
    fn it_says_who_where_and_what_to_do() {
        let mut neighbours = Neighbours::default();
        neighbours.look(vec![installation(true)], Duration::ZERO);
        let now = Timestamp::from_second(3).ok();
        assert_eq!(
            neighbours.say(&installation(true), &only(&["team-a"]), now),
            "standing by: the operator of namespace a works in all namespaces (last seen 3 s ago), this one would work in \
             team-a; give each namespaces of its own (chart: watchNamespaces) and use ClusterBackends with one of them \
             only, or uninstall one; if that one is uninstalled: kubectl delete lease ordain -n a"
        );
        let ended = neighbours.say(&installation(false), &Scope::All, now);
        assert!(ended.contains("works in all namespaces (it ended 3 s ago), this one"), "{ended}");
        neighbours.look(vec![], Duration::from_secs(1));
        let said = neighbours.say(&installation(true), &Scope::All, None);
        assert!(said.ends_with("its Lease was deleted while it was held, and is waited for 60 s"), "{said}");
    }

    #[test]
    fn of_many_namespaces_the_shared_ones_are_named() {
        let many = only(&["a", "b", "c", "d", "e", "f", "z"]);
        assert_eq!(spelled(Some(&many), &only(&["z"])), "z, a, b, c, d and 2 others");
        assert_eq!(
            spelled(None, &many),
            "namespaces that its Lease does not tell (is it of an earlier version? upgrade that, too)"
        );
    }
}
