//! A point in time with its zone, printed and read by Go's layouts.
//! In: seconds since 1970, or text and a layout. Out: text by a layout.
//! Never here: the clock, or a database of zones; there is UTC and what a text says.

use crate::error::CallError;
use crate::function::{Function, Signature, Type};
use crate::value::{Object, Value};
use std::cell::Cell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Since 1970, UTC.
    pub seconds: i64,
    pub nanos: u32,
    /// East of UTC, in seconds.
    pub offset: i32,
}

/// What a clock and a calendar show.
#[derive(Clone, Copy, Debug)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    /// From 1.
    year_day: i64,
    /// From Sunday, 0.
    weekday: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The pieces of a layout, longer ones before those that they begin with.
const PIECES: [&str; 43] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "1",
    "2",
    "3",
    "4",
    "5",
    ".000000000",
    ".000000",
    ".000",
    ".00",
    ".0",
    ".999999999",
    ".999999",
    ".999",
    ".99",
    ".9",
];

/// Days since 1970 of a date, by the proleptic Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Time {
    pub fn unix(seconds: i64) -> Time {
        // Years beyond what four digits can say are cut off there.
        Time { seconds: seconds.clamp(-62_167_219_200, 253_402_300_799), nanos: 0, offset: 0 }
    }

    /// Go's zero time, the first of January of the year 1.
    pub fn zero() -> Time {
        Time { seconds: -62_135_596_800, nanos: 0, offset: 0 }
    }

    fn civil(self) -> Civil {
        let local = self.seconds + i64::from(self.offset);
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil {
            year,
            month,
            day,
            year_day: days - days_of(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    pub fn format(self, layout: &str) -> String {
        let civil = self.civil();
        let mut out = String::new();
        for (text, piece) in pieces(layout) {
            out.push_str(text);
            out.push_str(&piece.map_or_else(String::new, |piece| self.show(civil, piece)));
        }
        out
    }

    fn show(self, civil: Civil, piece: &str) -> String {
        let name =
            |names: &[&str], i: i64| usize::try_from(i).ok().and_then(|i| names.get(i)).map_or("", |n| *n).to_owned();
        let hour12 = (civil.hour + 11) % 12 + 1;
        match piece {
            "January" => name(&MONTHS, civil.month - 1),
            "Jan" => name(&MONTHS, civil.month - 1).chars().take(3).collect(),
            "Monday" => name(&DAYS, civil.weekday),
            "Mon" => name(&DAYS, civil.weekday).chars().take(3).collect(),
            "MST" if self.offset == 0 => "UTC".into(),
            "MST" => self.zone(if self.offset % 3600 == 0 { "-07" } else { "-0700" }),
            "2006" => format!("{:04}", civil.year),
            "06" => format!("{:02}", civil.year.rem_euclid(100)),
            "01" => format!("{:02}", civil.month),
            "1" => civil.month.to_string(),
            "02" => format!("{:02}", civil.day),
            "_2" => format!("{:2}", civil.day),
            "2" => civil.day.to_string(),
            "002" => format!("{:03}", civil.year_day),
            "__2" => format!("{:3}", civil.year_day),
            "15" => format!("{:02}", civil.hour),
            "03" => format!("{hour12:02}"),
            "3" => hour12.to_string(),
            "04" => format!("{:02}", civil.minute),
            "4" => civil.minute.to_string(),
            "05" => format!("{:02}", civil.second),
            "5" => civil.second.to_string(),
            "PM" => if civil.hour >= 12 { "PM" } else { "AM" }.into(),
            "pm" => if civil.hour >= 12 { "pm" } else { "am" }.into(),
            fraction if fraction.starts_with('.') => {
                let digits = &format!("{:09}", self.nanos)[..fraction.len() - 1];
                let digits = if fraction.starts_with(".9") { digits.trim_end_matches('0') } else { digits };
                if digits.is_empty() { String::new() } else { format!(".{digits}") }
            }
            zone => self.zone(zone),
        }
    }

    fn zone(self, piece: &str) -> String {
        if piece.starts_with('Z') && self.offset == 0 {
            return "Z".into();
        }
        let (sign, offset) = (if self.offset < 0 { '-' } else { '+' }, self.offset.abs());
        let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
        match piece.trim_start_matches(['Z', '-']) {
            "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
            "0700" => format!("{sign}{hours:02}{minutes:02}"),
            "07:00:00" => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
            "070000" => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
            _ => format!("{sign}{hours:02}"),
        }
    }

    /// Reads a text by a layout; what it does not say is the start of the year 0 in UTC.
    pub fn parse(layout: &str, text: &str) -> Result<Time, CallError> {
        // What is read next, and as what.
        let place = Cell::new((text, layout));
        let refuse = || {
            let (rest, piece) = place.get();
            let [text, layout, rest, piece] = [text, layout, rest, piece].map(quote);
            CallError::new(format!("parsing time {text} as {layout}: cannot parse {rest} as {piece}"))
        };
        let bad = |why: &str| CallError::new(format!("parsing time {}: {why}", quote(text)));
        let within = |number: i64, least: i64, most: i64, what: &str| match number {
            number if (least..=most).contains(&number) => Ok(number),
            _ => Err(bad(&format!("{what} out of range"))),
        };
        let mut reader = Reader { rest: text };
        let (mut year, mut month, mut day, mut hour, mut minute, mut second) = (0, 1, 1, 0, 0, 0);
        let (mut afternoon, mut offset, mut nanos) = (None, 0, 0);
        for (literal, piece) in pieces(layout) {
            let passed = reader.pass(literal);
            place.set((reader.rest, literal));
            passed.ok_or_else(refuse)?;
            let Some(piece) = piece else { continue };
            place.set((reader.rest, piece));
            let number = |r: &mut Reader<'_>, least, most| r.number(least, most).ok_or_else(refuse);
            match piece {
                "2006" => year = number(&mut reader, 4, 4)?,
                "06" => {
                    let short = number(&mut reader, 2, 2)?;
                    year = short + if short >= 69 { 1900 } else { 2000 };
                }
                "01" | "1" => month = within(number(&mut reader, piece.len(), 2)?, 1, 12, "month")?,
                "January" => month = reader.name(&MONTHS, false).ok_or_else(refuse)? + 1,
                "Jan" => month = reader.name(&MONTHS, true).ok_or_else(refuse)? + 1,
                "Monday" => drop(reader.name(&DAYS, false).ok_or_else(refuse)?),
                "Mon" => drop(reader.name(&DAYS, true).ok_or_else(refuse)?),
                "02" => day = number(&mut reader, 2, 2)?,
                "_2" | "2" => {
                    reader.rest = reader.rest.trim_start_matches(' ');
                    day = number(&mut reader, 1, 2)?;
                }
                "15" => hour = within(number(&mut reader, 2, 2)?, 0, 23, "hour")?,
                "03" | "3" => hour = within(number(&mut reader, piece.len(), 2)?, 0, 12, "hour")?,
                "04" | "4" => minute = within(number(&mut reader, piece.len(), 2)?, 0, 59, "minute")?,
                "05" | "5" => {
                    second = within(number(&mut reader, piece.len(), 2)?, 0, 59, "second")?;
                    // A fraction may follow even where the layout has none.
                    if !layout.contains("05.") {
                        nanos = reader.fraction();
                    }
                }
                "PM" | "pm" => {
                    let mark = reader.rest.get(..2).ok_or_else(refuse)?;
                    afternoon = Some(mark.eq_ignore_ascii_case("pm"));
                    reader.rest = &reader.rest[2..];
                }
                "MST" => {
                    let name =
                        reader.rest.len() - reader.rest.trim_start_matches(|c: char| c.is_ascii_uppercase()).len();
                    if name < 3 {
                        return Err(refuse());
                    }
                    reader.rest = &reader.rest[name..];
                }
                fraction if fraction.starts_with('.') => nanos = reader.fraction(),
                "002" | "__2" => drop(number(&mut reader, 3, 3)?),
                zone => offset = reader.zone(zone).ok_or_else(refuse)?,
            }
        }
        if let Some(afternoon) = afternoon {
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_in_month = match month {
            4 | 6 | 9 | 11 => 30,
            2 => 28 + i64::from(leap),
            _ => 31,
        };
        if !reader.rest.is_empty() {
            return Err(bad(&format!("extra text: {}", quote(reader.rest))));
        }
        within(day, 1, days_in_month, "day")?;
        let seconds = days_of(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - i64::from(offset);
        Ok(Time { seconds, nanos, offset })
    }
}

/// As Go's package `time` quotes: what is not printable ASCII, byte by byte.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..' ' | '\u{80}'.. => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A layout as literal texts, each with the piece after it.
fn pieces(layout: &str) -> Vec<(&str, Option<&'static str>)> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < layout.len() {
        let rest = &layout[at..];
        let fits = |piece: &&&str| {
            let after = &rest[piece.len()..];
            // A fraction ends where its digits end, and stands behind the seconds.
            !piece.starts_with('.') || !after.starts_with(|c: char| c.is_ascii_digit())
        };
        match PIECES.iter().filter(|piece| rest.starts_with(**piece)).find(fits) {
            Some(piece) => {
                found.push((&layout[start..at], Some(*piece)));
                at += piece.len();
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    found.push((&layout[start..], None));
    found
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Reads what the layout has between its pieces. Spaces there stand for any number of spaces.
    fn pass(&mut self, mut literal: &str) -> Option<()> {
        while let Some(c) = literal.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                literal = literal.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(c)?;
                literal = &literal[c.len_utf8()..];
            }
        }
        Some(())
    }

    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }

    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        let cut = |name: &&str| if short { 3 } else { name.len() };
        let found = names.iter().position(|name| {
            self.rest.get(..cut(name)).is_some_and(|text| text.eq_ignore_ascii_case(&name[..cut(name)]))
        })?;
        self.rest = &self.rest[cut(&names[found])..];
        i64::try_from(found).ok()
    }

    fn fraction(&mut self) -> u32 {
        let Some(tail) = self.rest.strip_prefix('.') else { return 0 };
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let text = format!("{:0<9}", &tail[..digits.min(9)]);
        self.rest = &tail[digits..];
        text.parse().unwrap_or(0)
    }

    fn zone(&mut self, piece: &str) -> Option<i32> {
        if piece.starts_with('Z')
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            return Some(0);
        }
        let negative = match self.rest.as_bytes().first()? {
            b'+' => false,
            b'-' => true,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let parts = piece.bytes().filter(u8::is_ascii_digit).count() / 2;
        let mut seconds = 0;
        for (i, unit) in [3600, 60, 1].into_iter().take(parts).enumerate() {
            if i > 0 && piece.contains(':') {
                self.rest = self.rest.strip_prefix(':')?;
            }
            let most = if i == 0 { 24 } else { 59 };
            seconds += i32::try_from(self.number(2, 2).filter(|n| *n <= most)?).ok()? * unit;
        }
        Some(if negative { -seconds } else { seconds })
    }
}

impl Object for Time {
    fn type_name(&self) -> String {
        "time.Time".into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Function> {
        let (time, civil) = (*self, self.civil());
        let answer: Value = match name {
            "Format" => {
                return Some(Function::typed(Signature::fixed([Type::String]), move |args| {
                    Ok(time.format(super::args::text(args, 0)).into())
                }));
            }
            "String" => self.string().into(),
            "Unix" => super::args::int64(self.seconds),
            "UTC" => Value::object(Time { offset: 0, ..time }),
            "IsZero" => (self.seconds == Time::zero().seconds && self.nanos == 0).into(),
            "Year" => civil.year.into(),
            "Day" => civil.day.into(),
            "Hour" => civil.hour.into(),
            "Minute" => civil.minute.into(),
            "Second" => civil.second.into(),
            "YearDay" => civil.year_day.into(),
            _ => return None,
        };
        Some(Function::typed(Signature::fixed([]), move |_| Ok(answer.clone())))
    }

    fn string(&self) -> Option<String> {
        Some(self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn to_json(&self) -> serde_json::Value {
        self.format("2006-01-02T15:04:05.999999999Z07:00").into()
    }
}
