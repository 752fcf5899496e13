//! The `date` header, made once a second.
//! In: the wall clock. Out: an IMF-fixdate (RFC 9110 section 5.6.7).
//! Never here: time-outs; those are counted on the monotonic clock.

use bytes::Bytes;
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The date of now, cached for the current second.
#[derive(Debug, Default)]
pub struct HttpDate {
    cached: RefCell<(u64, Bytes)>,
}

impl HttpDate {
    /// The value of a `date` header.
    pub fn now(&self) -> Bytes {
        self.at(SystemTime::now())
    }

    fn at(&self, time: SystemTime) -> Bytes {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut cached = self.cached.borrow_mut();
        if cached.0 != seconds || cached.1.is_empty() {
            *cached = (seconds, imf_fixdate(seconds).into());
        }
        cached.1.clone()
    }
}

/// A clock that is set to before 1970 or after 9999 gets the first date that can be written.
fn imf_fixdate(seconds: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    let seconds = if seconds > LAST { 0 } else { seconds };
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_9110_says() {
        let date = HttpDate::default();
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            assert_eq!(date.at(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
