//! What a piece of work came to on the wire: how many calls may have changed something (a step may take several, and a task
//! none of its own), and which one tells of a failure.

use std::cell::RefCell;

tokio::task_local! {
    static WORK: RefCell<Work>;
}

/// What [`counted`] saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Calls that left and may have changed something.
    pub effects: u32,
    /// The last call that may have changed something and was not answered with a success, else the last other one without,
    /// else the last that may have changed something, else the last one; of a call made again, the last answer.
    pub telling: Option<Made>,
}

/// A call that was made, and how it was answered. Nothing of the answer itself: that may hold what settings hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Method and place, without a query.
    pub call: String,
    /// `None`: no answer came.
    pub status: Option<u16>,
    /// Whether it may have changed something.
    pub effect: bool,
}

impl Made {
    /// What tells most of a failure is the greatest.
    fn rank(&self) -> u8 {
        match self.status {
            Some(200..=299) => u8::from(self.effect),
            _ => 2 + u8::from(self.effect),
        }
    }
}

/// Does the work, and keeps what [`sent`] and [`made`] tell of meanwhile.
pub async fn counted<F: Future>(work: F) -> (F::Output, Work) {
    WORK.scope(RefCell::default(), async {
        let output = work.await;
        (output, WORK.with(RefCell::take))
    })
    .await
}

/// A call with an effect leaves. Outside of [`counted`] nobody counts it.
pub fn sent() {
    let _ = WORK.try_with(|work| {
        let mut work = work.borrow_mut();
        work.effects = work.effects.saturating_add(1);
    });
}

/// A call has ended.
pub fn made(call: Made) {
    let _ = WORK.try_with(|work| {
        let mut work = work.borrow_mut();
        // Made once more, the earlier answer to it counts for nothing.
        let tells = |before: &Made| before.call == call.call || before.rank() <= call.rank();
        if work.telling.as_ref().is_none_or(tells) {
            work.telling = Some(call);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_piece_of_work_counts_its_own() {
        sent();
        let work = |calls: u32| {
            counted(async move {
                for _ in 0..calls {
                    sent();
                    tokio::task::yield_now().await;
                }
            })
        };
        let (one, other) = tokio::join!(work(1), work(3));
        assert_eq!((one.1.effects, other.1.effects), (1, 3), "they run at the same time");
    }

    #[tokio::test]
    async fn the_call_that_tells_of_a_failure() {
        type Calls = &'static [(&'static str, Option<u16>, bool)];
        let cases: [(&str, Calls, Option<(&str, Option<u16>)>); 8] = [
            ("no call", &[], None),
            (
                "a read that is refused before the write",
                &[("read", Some(403), false)],
                Some(("read", Some(403))),
            ),
            (
                "a write that is refused, then looked after",
                &[("write", Some(400), true), ("read", Some(200), false)],
                Some(("write", Some(400))),
            ),
            (
                "a success that is none, then looked after",
                &[("write", Some(200), true), ("read", Some(200), false)],
                Some(("write", Some(200))),
            ),
            (
                "a write, and nothing to be read",
                &[("write", Some(200), true), ("read", None, false)],
                Some(("read", None)),
            ),
            (
                "a write that is refused, and nothing to be read",
                &[("write", Some(400), true), ("read", Some(500), false)],
                Some(("write", Some(400))),
            ),
            (
                "a login anew, then a success that is none",
                &[("write", Some(401), true), ("login", Some(200), false), ("write", Some(200), true)],
                Some(("write", Some(200))),
            ),
            (
                "a login anew, then lost",
                &[("write", Some(401), true), ("again", None, true)],
                Some(("again", None)),
            ),
        ];
        for (why, calls, expected) in cases {
            let tell = |(call, status, effect): &(&str, Option<u16>, bool)| {
                made(Made { call: (*call).to_owned(), status: *status, effect: *effect });
            };
            let ((), work) = counted(async { calls.iter().for_each(tell) }).await;
            let told = work.telling.as_ref().map(|made| (made.call.as_str(), made.status));
            assert_eq!(told, expected, "{why}");
        }
    }
}
