//! `ordain status --watch`: shown anew whenever something happens, until nobody looks any more.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use jiff::Timestamp;
use kube::Client;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
    sync::{
        oneshot,
        watch::{Receiver, Sender, channel},
    },
    time::{MissedTickBehavior, interval, timeout},
};

use super::Screen;
use crate::{
    index::Scope,
    overview::{Cluster, Overview},
    watch,
};

/// Times on the screen grow older, and windows change their size.
const TICK: Duration = Duration::from_secs(1);
/// What was put back is asked for so often; what is watched is shown at once.
const CORRECTIONS_EVERY: Duration = Duration::from_secs(15);
/// How long the terminal may take to become as it was.
const PARTING: Duration = Duration::from_secs(1);

/// What was shown last, if anything was seen yet.
type View = Option<Arc<Overview>>;

/// Shows every change until Ctrl-C, SIGTERM, or until standard output is closed; what was shown last.
///
/// # Errors
/// Standard output cannot be written.
pub(super) async fn watched(client: Client, scope: &Scope, screen: Screen) -> io::Result<View> {
    let (sender, views) = channel(None);
    let mut written = write(views.clone(), screen)?;
    let ended = tokio::select! {
        written = &mut written => written.ok(),
        () = follow(client, scope, &sender) => None,
        () = asked_to_end() => None,
        () = closed() => None,
    };
    // The writer ends with the sender, unless nobody takes what it writes.
    drop(sender);
    let ended = match ended {
        None if !written.is_terminated() => timeout(PARTING, written).await.ok().and_then(Result::ok),
        ended => ended,
    };
    match ended {
        Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(views.borrow().clone()),
    }
}

/// Draws on a thread that nothing waits for: whoever reads standard output, a pager or a stopped terminal, may not read,
/// and that keeps nobody from ending it.
///
/// # Errors
/// There is no thread to be had.
fn write(views: Receiver<View>, screen: Screen) -> io::Result<oneshot::Receiver<io::Result<()>>> {
    let (told, written) = oneshot::channel();
    let runtime = Handle::current();
    thread::Builder::new().name("screen".to_owned()).spawn(move || {
        // Nobody asks any more once the end was not waited for.
        let _ = told.send(runtime.block_on(draw(views, screen)));
    })?;
    Ok(written)
}

async fn follow(client: Client, scope: &Scope, views: &Sender<View>) {
    let corrections = Mutex::new(None);
    tokio::select! {
        () = show(client.clone(), scope, views, &corrections) => {}
        () = ask_for_corrections(&client, scope, &corrections) => {}
    }
}

/// What was put back, besides what is watched; `None` before the first answer.
type Aside = Mutex<Option<Cluster>>;

async fn ask_for_corrections(client: &Client, scope: &Scope, corrections: &Aside) {
    let mut ticks = interval(CORRECTIONS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut aside = Cluster::default();
        watch::note_corrections(client, scope, &mut aside).await;
        *corrections.lock().unwrap_or_else(PoisonError::into_inner) = Some(aside);
    }
}

async fn show(client: Client, scope: &Scope, views: &Sender<View>, corrections: &Aside) {
    watch::onlook(client, scope, |cluster| {
        let mut view = Overview::of(cluster, Timestamp::now());
        if let Some(aside) = corrections.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            view = view.and_corrections(aside);
        }
        // A new version of an object that comes to the same is no change.
        views.send_if_modified(|last| {
            let at = view.at;
            view.at = last.as_ref().map_or(at, |last| last.at);
            let news = last.as_deref() != Some(&view);
            view.at = at;
            if news {
                *last = Some(Arc::new(view));
            }
            news
        });
        !views.is_closed()
    })
    .await;
}

async fn draw(mut views: Receiver<View>, mut screen: Screen) -> io::Result<()> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let changed = tokio::select! {
            changed = views.changed() => { if changed.is_err() { return Ok(()) } true }
            _ = ticks.tick() => screen.redraws(),
        };
        let view = views.borrow().clone();
        if let Some(view) = view.filter(|_| changed) {
            let now = if screen.redraws() { Timestamp::now() } else { view.at };
            screen.show(&view, now)?;
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
