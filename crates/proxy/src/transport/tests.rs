//! What is written is what was added, however little the peer takes at a time.

use super::{Output, Transport};
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

async fn pair() -> (Transport, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (Transport::Tcp(near), listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn pieces_arrive_in_order_and_whole() {
    let (mut transport, mut peer) = pair().await;
    let mut output = Output::default();
    let mut expected = Vec::new();
    for round in 0..200_usize {
        let piece = vec![b'a' + (round % 26) as u8; round * round % 30_000];
        output.tail(|out| out.extend_from_slice(b"<"));
        output.push_framed(b"[", Bytes::from(piece.clone()), b"]");
        expected.extend_from_slice(b"<[");
        expected.extend_from_slice(&piece);
        expected.push(b']');
        assert_eq!(output.len(), expected.len());
    }
    let wanted = expected.len();
    let reader = tokio::spawn(async move {
        let mut seen = vec![0; wanted];
        peer.read_exact(&mut seen).await.unwrap();
        seen
    });
    std::future::poll_fn(|task| output.poll_flush(task, &mut transport)).await.unwrap();
    assert!(output.is_empty());
    assert!(reader.await.unwrap() == expected);
}

#[tokio::test]
async fn a_peer_that_closes_or_speaks_out_of_turn_is_noticed() {
    let (mut transport, peer) = pair().await;
    assert!(!transport.is_disturbed());
    drop(peer);
    let Transport::Tcp(stream) = &transport else { panic!("plain text") };
    stream.readable().await.unwrap();
    assert!(transport.is_disturbed());
}
