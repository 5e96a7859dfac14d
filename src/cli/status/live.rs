//! `ordain status --watch`: shown anew whenever something happens, until nobody looks any more.

use std::{io, time::Duration};

use jiff::Timestamp;
use kube::Client;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch::{Receiver, Sender, channel},
    time::{MissedTickBehavior, interval},
};

use super::Screen;
use crate::{index::Scope, overview::Overview, watch};

/// Times on the screen grow older, and windows change their size.
const TICK: Duration = Duration::from_secs(1);

/// Shows every change until Ctrl-C, SIGTERM, or until standard output is closed; what was shown last.
///
/// # Errors
/// Standard output cannot be written.
pub(super) async fn watched(client: Client, scope: &Scope, screen: Screen) -> io::Result<Option<Overview>> {
    let (sender, views) = channel(None);
    let shown = tokio::select! {
        shown = draw(views.clone(), screen) => shown,
        () = follow(client, scope, &sender) => Ok(()),
        () = asked_to_end() => Ok(()),
        () = closed() => Ok(()),
    };
    match shown {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(views.borrow().clone()),
    }
}

async fn follow(client: Client, scope: &Scope, views: &Sender<Option<Overview>>) {
    watch::onlook(client, scope, |cluster| {
        let view = Overview::of(cluster, Timestamp::now());
        // A new version of an object that comes to the same is no change.
        views.send_if_modified(|last| {
            let news = last.as_ref().is_none_or(|last| Overview { at: view.at, ..last.clone() } != view);
            if news {
                *last = Some(view.clone());
            }
            news
        });
        !views.is_closed()
    })
    .await;
}

async fn draw(mut views: Receiver<Option<Overview>>, mut screen: Screen) -> io::Result<()> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let changed = tokio::select! {
            changed = views.changed() => { if changed.is_err() { return Ok(()) } true }
            _ = ticks.tick() => screen.redraws(),
        };
        let view = views.borrow().clone();
        if let Some(mut view) = view.filter(|_| changed) {
            if screen.redraws() {
                view.at = Timestamp::now();
            }
            screen.show(&view)?;
        }
    }
}

async fn asked_to_end() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// Ends once whoever reads standard output is gone, also while nothing is written.
async fn closed() {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if is_closed() {
            return;
        }
    }
}

/// Whether nobody reads standard output any more, as a pipe tells it. A terminal that goes sends a signal.
fn is_closed() -> bool {
    let stdout = io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let answered = poll(&mut asked, Some(&now)).is_ok();
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    answered && asked.iter().any(|one| one.revents().intersects(gone))
}
