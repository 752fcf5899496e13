//! One TLS session without its socket: bytes of the wire in, bytes of the application out, and back.
//! In: records, which are decrypted in place. Out: plain text at the end of a buffer, answers at the end of another.
//! Never here: a buffer of its own; an idle session holds keys and nothing else.

use bytes::BytesMut;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{CommonState, Error};

/// Largest plain text of a record (RFC 8446 section 5.1).
pub const RECORD: usize = 16 << 10;
/// What a record is longer than its plain text, at most, with what the session may put before it.
pub const OVERHEAD: usize = 128;

/// A session of either side.
pub enum Engine {
    /// Towards a client.
    Server(Box<UnbufferedServerConnection>),
    /// Towards an endpoint.
    Client(Box<UnbufferedClientConnection>),
}

/// What came of some bytes.
#[derive(Debug, Default)]
pub struct Fed {
    /// Bytes that were used.
    pub used: usize,
    /// The peer will say no more.
    pub closed: bool,
    /// The session has failed; an alert is among the answers.
    pub error: Option<Error>,
}

macro_rules! feed {
    ($session:expr, $wire:expr, $plain:expr, $answers:expr) => {{
        let mut fed = Fed::default();
        loop {
            let UnbufferedStatus { mut discard, state } = $session.process_tls_records(&mut $wire[fed.used..]);
            let mut more = true;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        match record {
                            Ok(record) => {
                                $plain.extend_from_slice(record.payload);
                                discard += record.discard;
                            }
                            Err(error) => {
                                fed.error = Some(error);
                                break;
                            }
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut |out| data.encode(out), $answers);
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => fed.closed = true,
                Ok(ConnectionState::Closed) => {
                    fed.closed = true;
                    more = false;
                }
                // Early data is never offered, so what else there may be is no state of ours.
                Ok(_) => more = false,
                Err(error) => {
                    fed.error = Some(error);
                    // The alert is all that is fetched once more; bad bytes are not looked at twice.
                    let UnbufferedStatus { state, .. } = $session.process_tls_records(&mut $wire[fed.used..]);
                    if let Ok(ConnectionState::EncodeTlsData(mut data)) = state {
                        encode(&mut |out| data.encode(out), $answers);
                    }
                    return fed;
                }
            }
            fed.used += discard;
            if !more {
                return fed;
            }
        }
    }};
}

/// Adds what a session has to say.
fn encode(data: &mut dyn FnMut(&mut [u8]) -> Result<usize, EncodeError>, answers: &mut BytesMut) {
    let start = answers.len();
    let mut size = 0;
    loop {
        answers.resize(start + size, 0);
        match data(&mut answers[start..]) {
            Ok(written) => return answers.truncate(start + written),
            Err(EncodeError::InsufficientSize(needed)) if needed.required_size > size => size = needed.required_size,
            Err(_) => return answers.truncate(start),
        }
    }
}

macro_rules! traffic {
    ($session:expr, $pending:expr, $traffic:ident => $call:expr) => {
        match $session.process_tls_records($pending).state {
            Ok(ConnectionState::WriteTraffic(mut $traffic)) => Some($call),
            Ok(ConnectionState::TransmitTlsData(mut data)) => match data.may_encrypt_app_data() {
                Some(mut $traffic) => Some($call),
                None => None,
            },
            _ => None,
        }
    };
}

impl Engine {
    /// Works on bytes of the wire.
    pub fn feed(&mut self, wire: &mut [u8], plain: &mut BytesMut, answers: &mut BytesMut) -> Fed {
        match self {
            Self::Server(session) => feed!(session, wire, plain, answers),
            Self::Client(session) => feed!(session, wire, plain, answers),
        }
    }

    /// Encrypts at most one record; the length that it has on the wire. `None` when the session takes nothing more.
    /// `pending` is what `feed` has left over: the session may remember places in it.
    pub fn encrypt(&mut self, pending: &mut [u8], plain: &[u8], wire: &mut [u8]) -> Option<usize> {
        let outcome = match self {
            Self::Server(session) => traffic!(session, pending, traffic => traffic.encrypt(plain, wire)),
            Self::Client(session) => traffic!(session, pending, traffic => traffic.encrypt(plain, wire)),
        };
        // It fails only for want of room, or when the session has encrypted all that it may.
        outcome?.ok()
    }

    /// The alert that ends our side.
    pub fn close(&mut self, pending: &mut [u8], wire: &mut [u8]) -> Option<usize> {
        let outcome = match self {
            Self::Server(session) => traffic!(session, pending, traffic => traffic.queue_close_notify(wire)),
            Self::Client(session) => traffic!(session, pending, traffic => traffic.queue_close_notify(wire)),
        };
        outcome?.ok()
    }

    /// What both sides know of a session.
    pub fn common(&self) -> &CommonState {
        match self {
            Self::Server(session) => session,
            Self::Client(session) => session,
        }
    }
}
