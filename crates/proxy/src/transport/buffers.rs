//! Large read buffers of one worker, used again and again.
//! In: buffers whose bytes have been written. Out: the same buffers, empty.
//! Memory that goes back to the system between two reads costs more than the reads: each page is cleared anew.

use bytes::{Bytes, BytesMut};
use std::cell::RefCell;

/// Size of the buffers that are kept; smaller ones are cheap to make.
pub const LARGE: usize = 128 << 10;
/// How many are kept: all that a worker is idle with.
const KEPT: usize = 4;

thread_local!(static FREE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) });

/// An empty buffer with room for [`LARGE`] bytes.
pub fn take() -> BytesMut {
    FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| BytesMut::with_capacity(LARGE))
}

/// Gives an empty buffer back.
pub fn give(buffer: BytesMut) {
    if buffer.capacity() >= LARGE && buffer.is_empty() {
        FREE.with_borrow_mut(|free| {
            if free.len() < KEPT {
                free.push(buffer);
            }
        });
    }
}

/// Gives the buffer of a piece back that nobody else looks at.
pub fn recycle(piece: Bytes) {
    if let Ok(mut buffer) = piece.try_into_mut() {
        buffer.clear();
        if buffer.try_reclaim(LARGE) {
            give(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_whole_when_its_last_piece_is_written() {
        let mut buffer = take();
        let place = buffer.as_ptr();
        buffer.resize(LARGE - 100, 1);
        let (first, mut second) = (buffer.split_to(70_000).freeze(), buffer.split().freeze());
        drop(buffer);
        recycle(first);
        second = second.slice(5..);
        recycle(second);
        let again = take();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(again.capacity() >= LARGE);
        // A piece that somebody keeps is left to him.
        let mut buffer = again;
        buffer.resize(10, 1);
        let kept = buffer.split().freeze();
        recycle(kept.clone());
        assert_ne!(take().as_ptr(), place);
        assert_eq!(kept, [1; 10].as_slice());
    }
}
