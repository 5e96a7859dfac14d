//! How many calls of a piece of work may have changed something: a step may take several, and a task none of its own.

use std::cell::Cell;

tokio::task_local! {
    static SENT: Cell<u32>;
}

/// Does the work, and counts the effects that [`sent`] tells of meanwhile.
pub async fn counted<F: Future>(work: F) -> (F::Output, u32) {
    SENT.scope(Cell::new(0), async {
        let output = work.await;
        (output, SENT.with(Cell::get))
    })
    .await
}

/// A call with an effect leaves. Outside of [`counted`] nobody counts it.
pub fn sent() {
    let _ = SENT.try_with(|count| count.set(count.get().saturating_add(1)));
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
        assert_eq!((one.1, other.1), (1, 3), "they run at the same time");
    }
}
