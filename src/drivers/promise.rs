//! What a user may count on, and which systems cannot give it: the exceptions of the suite that every driver passes.

use super::Facts;

/// A promise that follows from product.md sections 1, 4 and 5 and that a system may make impossible.
///
/// `tests/sim/conformance` proves each of them for each system, unless [`Facts::exception`] names one;
/// docs/reference/systems.md prints the exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Promise 6: a change by hand is seen.
    DriftSeen,
    /// Section 4: an object is found again although nothing was recorded of it, or one is in its way.
    FoundAgain,
    /// Promise 4, R14: one object although the answer to its creation was lost.
    OneObject,
    /// Promise 5: what others made is taken over on purpose only.
    Adoption,
    /// I12, F32: two installations on one account.
    Neighbours,
    /// R11, R13: former values survive the loss of the store.
    RestoreAfterLoss,
}

impl Promise {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] = [
        Self::DriftSeen,
        Self::FoundAgain,
        Self::OneObject,
        Self::Adoption,
        Self::Neighbours,
        Self::RestoreAfterLoss,
    ];

    /// What is promised.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DriftSeen => "a change by hand is noticed and put back within a drift interval",
            Self::FoundAgain => "what was let go of, or lost with the store, is found by looking for it",
            Self::OneObject => "a creation whose answer was lost leaves one object",
            Self::Adoption => "an object made by hand is in the way until `spec.adopt` names it",
            Self::Neighbours => "two installations write to one account and to the same targets",
            Self::RestoreAfterLoss => {
                "a deletion brings back what stood before, even after the store was lost"
            }
        }
    }
}

impl Facts {
    /// Why this system cannot keep a promise, and what holds in its place; `None`: it keeps it.
    pub const fn exception(self, promise: Promise) -> Option<&'static str> {
        match promise {
            Promise::DriftSeen if !self.reads => {
                Some("nothing can be read: `InSync` is Unknown, NotReadable")
            }
            Promise::FoundAgain if !self.lists => {
                Some("nothing can be listed: the id that stands on the assignment finds it, or `spec.adopt`")
            }
            Promise::OneObject if !self.lists => Some(
                "nothing can be listed: a second one is made and the first may stay, without effect, counted in the \
                 Backend's `status.objects.inertLeftovers`",
            ),
            Promise::Adoption if self.documents => Some("there are documents, not objects: none is made"),
            Promise::Neighbours if !self.marks => {
                Some("nothing bears a mark: one installation for each target, by agreement")
            }
            Promise::RestoreAfterLoss if self.documents => Some(
                "former values are in the store only: the deletion ends in RestoreIncomplete, and `releasePolicy: \
                 Orphan` lets go",
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::connect;

    /// Every exception there is, with the system that needs it: nobody adds one in passing.
    #[test]
    fn exceptions_are_few_and_follow_from_facts() {
        let excepted = |promise: Promise| -> Vec<&str> {
            let of = connect::ALL.iter().filter(|facts| facts.exception(promise).is_some());
            of.map(|facts| facts.system).collect()
        };
        let cases: [(Promise, &[&str], &str); 6] = [
            (Promise::DriftSeen, &["appShield"], "no call that reads is known out of the box"),
            (Promise::FoundAgain, &["appShield"], "no call that lists is known out of the box"),
            (Promise::OneObject, &["appShield"], "nor can a lost creation be looked for"),
            (Promise::Adoption, &["wfbss"], "its documents exist anyway"),
            (Promise::Neighbours, &["wfbss"], "a leaf has no room for a mark"),
            (Promise::RestoreAfterLoss, &["wfbss"], "a document does not tell what stood there before"),
        ];
        for (promise, systems, why) in cases {
            assert_eq!(excepted(promise), systems, "{promise:?}: {why}");
        }
        assert_eq!(cases.map(|case| case.0), Promise::ALL);
    }

    #[test]
    fn configured_paths_take_app_shield_s_exceptions_away() {
        let listed = connect::ALL.iter().find(|facts| !facts.lists).map(|facts| Facts {
            lists: true,
            reads: true,
            ..*facts
        });
        let left = Promise::ALL
            .into_iter()
            .filter(|promise| listed.is_none_or(|facts| facts.exception(*promise).is_some()));
        assert_eq!(left.count(), 0);
    }
}
