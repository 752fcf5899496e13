//! The echo workloads that run just now.
//! In: the stubs that are needed. Out: listeners on the loopback interface, one for each; those no longer needed end.

use crate::board::StubRow;
use crate::stubs::Stub;
use lateen_config::Object;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Echo workloads by namespace and pod.
#[derive(Default)]
pub(crate) struct RunningStubs {
    running: BTreeMap<(String, String), Running>,
}

struct Running {
    stub: Stub,
    address: SocketAddr,
    /// Dropped, it ends the workload.
    _stop: oneshot::Sender<()>,
}

impl RunningStubs {
    /// Starts what is missing and ends what is no longer planned; returns the objects that stand for all of them.
    ///
    /// # Errors
    /// When no port can be had on the loopback interface.
    pub(crate) async fn apply(&mut self, planned: Vec<Stub>) -> std::io::Result<Vec<Arc<Object>>> {
        let mut next = BTreeMap::new();
        for stub in planned {
            let key = (stub.key().0.to_owned(), stub.key().1.to_owned());
            let running = match self.running.remove(&key) {
                Some(running) if running.stub.echo == stub.echo => Running { stub, ..running },
                _ => Running::start(stub).await?,
            };
            next.insert(key, running);
        }
        self.running = next;
        Ok(self.running.values().flat_map(|running| running.stub.objects(running.address.port())).collect())
    }

    pub(crate) fn rows(&self) -> Vec<StubRow> {
        self.running
            .values()
            .map(|running| StubRow {
                services: running
                    .stub
                    .services
                    .iter()
                    .map(|(service, _)| format!("{}/{service}", running.stub.echo.namespace))
                    .collect(),
                pod: running.stub.echo.pod.clone(),
                address: running.address,
            })
            .collect()
    }
}

impl Running {
    async fn start(stub: Stub) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(lateen_echo::serve(listener, stub.echo.clone(), async move {
            let _ = stopped.await;
        }));
        Ok(Self { stub, address, _stop: stop })
    }
}
