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
    /// The last call that was not answered with a success, else the last one that may have changed something, else the
    /// last one.
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
            _ => 2,
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
        if work.telling.as_ref().is_none_or(|before| before.rank() <= call.rank()) {
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
        let cases: [(&str, Calls, Option<&str>); 6] = [
            ("no call", &[], None),
            ("a read that is refused before the write", &[("read", Some(403), false)], Some("read")),
            (
                "a write that is refused, then looked after",
                &[("write", Some(400), true), ("read", Some(200), false)],
                Some("write"),
            ),
            (
                "a success that is none, then looked after",
                &[("write", Some(200), true), ("read", Some(200), false)],
                Some("write"),
            ),
            (
                "a write, and nothing to be read",
                &[("write", Some(200), true), ("read", None, false)],
                Some("read"),
            ),
            ("a login anew, then lost", &[("write", Some(401), true), ("again", None, true)], Some("again")),
        ];
        for (why, calls, expected) in cases {
            let tell = |(call, status, effect): &(&str, Option<u16>, bool)| {
                made(Made { call: (*call).to_owned(), status: *status, effect: *effect });
            };
            let ((), work) = counted(async { calls.iter().for_each(tell) }).await;
            assert_eq!(work.telling.map(|made| made.call).as_deref(), expected, "{why}");
        }
    }
}
