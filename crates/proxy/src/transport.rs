//! Byte streams, and the buffers between them and the codecs.
//! In: sockets, downstream and upstream; TLS sessions later, behind the same enum. Out: bytes, in as few system calls as may be.
//! An idle stream holds no buffer.

pub mod buffers;
mod output;
mod stream;
mod timer;

pub use output::Output;
pub use stream::Transport;
pub use timer::Timer;

#[cfg(test)]
mod tests;
