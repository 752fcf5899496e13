//! The `date` header, made once a second.
//! In: the wall clock. Out: an IMF-fixdate (RFC 9110 section 5.6.7).
//! Never here: time-outs; those are counted on the monotonic clock.

use bytes::Bytes;
use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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

/// Civil date from days since 1970-01-01, by the algorithm of Howard Hinnant.
fn imf_fixdate(seconds: u64) -> String {
    let days = seconds / 86_400;
    let of_day = seconds % 86_400;
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let weekday = DAYS[(days % 7) as usize];
    let month = MONTHS[(month - 1) as usize];
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
