//! The built-in echo workload: what answers for a Service that has no endpoint in the folder.
//! In come a listener and the name of the workload to play; out come httpbin-like answers over
//! HTTP/1.1, HTTP/2 with prior knowledge, WebSocket and gRPC, each naming service, version and pod.
//! No mesh configuration ever gets in here, and no answer is buffered beyond a fixed size.
#![warn(missing_docs)]

mod answer;
mod body;
mod grpc;
mod identity;
mod limits;
mod report;
mod serve;
mod websocket;

pub use identity::Echo;
pub use limits::{MAX_BODY_BYTES, MAX_BYTES, MAX_CONNECTIONS, MAX_DELAY, MAX_LINES, MAX_REPORTED_BYTES};
pub use serve::serve;
