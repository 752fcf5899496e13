//! Integers, floats and texts under a directive's verb and flags.
//! In: the number or text, the verb. Out: its padded form.
//! Never here: which verb fits which type.

use super::{Printed, Printer, float};
use crate::quote::{can_back_quote, is_printable, quote, quote_ascii, quote_char};

impl Printer<'_> {
    /// An integer by its sign and magnitude.
    pub(super) fn integer(&mut self, magnitude: u64, negative: bool, verb: char) -> Printed {
        let flags = self.flags;
        let digits = match verb {
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        // No digits at all for a zero with precision 0.
        if flags.precision == Some(0) && magnitude == 0 {
            self.flags.zero = false;
            let padded = self.pad("");
            self.flags.zero = flags.zero;
            return padded;
        }
        let signed = negative || flags.plus || flags.space;
        let wanted = match (flags.precision, flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(signed)),
            _ => 0,
        };
        self.budget.text(wanted)?;
        let mut text = "0".repeat(wanted.saturating_sub(digits.len()));
        text.push_str(&digits);
        if flags.sharp {
            match verb {
                'b' => text.insert_str(0, "0b"),
                'o' | 'O' if !text.starts_with('0') => text.insert(0, '0'),
                'x' => text.insert_str(0, "0x"),
                'X' => text.insert_str(0, "0X"),
                _ => {}
            }
        }
        if verb == 'O' {
            text.insert_str(0, "0o");
        }
        if negative {
            text.insert(0, '-');
        } else if flags.plus {
            text.insert(0, '+');
        } else if flags.space {
            text.insert(0, ' ');
        }
        self.flags.zero = false;
        let padded = self.pad(&text);
        self.flags.zero = flags.zero;
        padded
    }

    pub(super) fn float(&mut self, value: f64, double: bool, verb: char, precision: Option<usize>) -> Printed {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        self.budget.text(precision.unwrap_or(0))?;
        let text = float::format(value, double, verb, precision, flags.sharp);
        let (sign, body) = match text.strip_prefix('-') {
            Some(body) => ("-", body),
            None if flags.plus => ("+", text.trim_start_matches('+')),
            None if flags.space => (" ", text.trim_start_matches('+')),
            None if value.is_infinite() => ("+", text.trim_start_matches('+')),
            None => ("", text.as_str()),
        };
        if !value.is_finite() {
            // Never padded with zeros.
            self.flags.zero = false;
            let padded = self.pad(&format!("{sign}{body}"));
            self.flags.zero = flags.zero;
            return padded;
        }
        if flags.zero && !flags.minus && flags.width.is_some() && !sign.is_empty() {
            // The sign goes before the zeros.
            self.out.push_str(sign);
            self.flags.width = flags.width.map(|width| width.saturating_sub(1));
            let padded = self.pad(body);
            self.flags.width = flags.width;
            return padded;
        }
        self.pad(&format!("{sign}{body}"))
    }

    pub(super) fn character(&mut self, code: u64) -> Printed {
        self.pad(char_of(code).encode_utf8(&mut [0; 4]))
    }

    pub(super) fn quoted_character(&mut self, code: u64) -> Printed {
        let quoted = quote_char(char_of(code), self.flags.plus);
        self.pad(&quoted)
    }

    /// `U+0041`, with `#` the character as well.
    pub(super) fn unicode(&mut self, code: u64) -> Printed {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        self.budget.text(digits)?;
        let mut text = format!("{code:X}");
        text.insert_str(0, &"0".repeat(digits.saturating_sub(text.len())));
        text.insert_str(0, "U+");
        if self.flags.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && is_printable(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        let zero = std::mem::take(&mut self.flags.zero);
        let padded = self.pad(&text);
        self.flags.zero = zero;
        padded
    }

    /// A text under a verb that fits texts.
    pub(super) fn text(&mut self, text: &str, verb: char) -> Printed {
        match verb {
            'x' | 'X' => {
                let hex = self.hex(text, verb == 'X');
                self.pad(&hex)
            }
            'q' => {
                let text = self.truncated(text);
                let quoted = if self.flags.sharp && can_back_quote(text) {
                    format!("`{text}`")
                } else if self.flags.plus {
                    quote_ascii(text)
                } else {
                    quote(text)
                };
                self.pad(&quoted)
            }
            _ if self.flags.sharp_v && verb == 'v' => self.pad(&quote(text)),
            _ => {
                let text = self.truncated(text);
                self.pad(text)
            }
        }
    }

    /// Precision cuts a text by characters.
    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        match self.flags.precision.and_then(|precision| text.char_indices().nth(precision)) {
            Some((end, _)) => &text[..end],
            None => text,
        }
    }

    fn hex(&self, text: &str, upper: bool) -> String {
        let count = self.flags.precision.unwrap_or(text.len()).min(text.len());
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut out = String::new();
        for (i, byte) in text.bytes().take(count).enumerate() {
            if i == 0 {
                out.push_str(prefix);
            } else if self.flags.space {
                out.push(' ');
                out.push_str(prefix);
            }
            out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        out
    }
}

fn char_of(code: u64) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
}
