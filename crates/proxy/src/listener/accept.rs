//! The accept loop of one address on one worker.
//! In: a listening socket. Out: a task for each connection, with its panics caught and counted.
//! When told to stop it first takes what waits in the accept queue: no connection is reset.

use super::Slot;
use crate::downstream;
use crate::worker::Context;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Pause after the system refused a connection, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts until the slot is stopped.
pub async fn run(context: Rc<Context>, slot: Rc<Slot>, socket: TcpListener) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = slot.stop.notified(), if !slot.stopped.get() => None,
            accepted = socket.accept() => Some(accepted),
        };
        if slot.stopped.get() {
            if let Some(Ok((stream, _))) = accepted {
                serve(&context, &slot, stream);
            }
            while let Some(Ok((stream, _))) = socket.accept().now_or_never() {
                serve(&context, &slot, stream);
            }
            return;
        }
        match accepted {
            Some(Ok((stream, _))) => serve(&context, &slot, stream),
            // A client that went away before it was accepted is no trouble of ours.
            Some(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Some(Err(error)) => {
                tracing::warn!(address = %slot.address, %error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
            None => {}
        }
    }
}

fn serve(context: &Rc<Context>, slot: &Slot, stream: TcpStream) {
    let served = slot.current();
    let registration = served.register(context);
    let key = registration.key();
    let connection = downstream::serve(Rc::clone(context), registration, stream);
    let of = Rc::clone(&served);
    let task = tokio::task::spawn_local(async move {
        if AssertUnwindSafe(connection).catch_unwind().await.is_err() {
            of.stats.downstream_cx_panic.inc();
            tracing::error!("a connection ended with a panic; this is a bug");
        }
    });
    served.started(key, task.abort_handle());
}
