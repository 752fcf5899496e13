//! The thread of one worker.
//! In: commands. Out: accept loops, connections and pools, all on this thread.
//! Never here: work for another thread.

use super::command::Command;
use super::context::{Context, Shared};
use crate::listener::{Listeners, accept};
use crate::logging::AccessLogs;
use crate::stats::WorkerStats;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How often idle upstream connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) fn start(
    index: usize,
    shared: Arc<Shared>,
    stats: WorkerStats,
    access_logs: Arc<AccessLogs>,
) -> std::io::Result<(UnboundedSender<Command>, JoinHandle<()>)> {
    let (sender, receiver) = unbounded_channel();
    let (ready, started) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name(format!("worker {index}")).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
            Ok(runtime) => runtime,
            Err(error) => {
                // The starter waits for this answer; if it is gone, so is the need for it.
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        runtime.block_on(run(Rc::new(Context::new(shared, stats, &access_logs)), receiver));
    })?;
    started.recv().unwrap_or_else(|_| Err(std::io::Error::other("the worker thread ended early")))?;
    Ok((sender, thread))
}

async fn run(context: Rc<Context>, mut commands: UnboundedReceiver<Command>) {
    let mut listeners = Listeners::default();
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Shutdown) | None => return,
                Some(command) => survive(|| obey(command, &context, &mut listeners)),
            },
            // Whether there is something to sweep is asked once for each turn, so the first cluster begins a new one.
            () = context.upstreams.begun(), if !context.upstreams.any_idle() => {}
            _ = sweep.tick(), if context.upstreams.any_idle() => survive(|| context.upstreams.sweep(&context)),
        }
    }
}

/// A worker outlives a bug in one of its chores.
fn survive(chore: impl FnOnce()) {
    if std::panic::catch_unwind(AssertUnwindSafe(chore)).is_err() {
        tracing::error!("a chore of a worker ended with a panic; this is a bug");
    }
}

fn obey(command: Command, context: &Rc<Context>, listeners: &mut Listeners) {
    match command {
        Command::Add { address, socket, listener, tls } => match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => {
                let slot = listeners.add(address, listener, &tls, context);
                tokio::task::spawn_local(accept::run(Rc::clone(context), slot, socket));
            }
            Err(error) => tracing::error!(%address, %error, "this worker cannot accept connections"),
        },
        Command::Replace { address, listener, tls } => listeners.replace(address, listener, &tls, context),
        Command::Remove { address } => listeners.remove(address, context),
        Command::Tables => context.upstreams.sweep(context),
        Command::Drain => {
            context.draining.set(true);
            listeners.drain(context);
        }
        Command::StopAccepting => listeners.stop_accepting(),
        Command::Shutdown => {}
    }
}
