//! One file, read in one piece.
//! In come a path and the stamp that it had in the listing; out comes its text, or that it changed
//! meanwhile. A text is only given out when the file was the same before and after.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::Path;

use crate::scan::Stamp;

/// Largest file that is read, in bytes.
pub(crate) const MAX_FILE: u64 = 64 << 20;

/// What reading gave.
#[derive(Debug)]
pub(crate) enum Outcome {
    Text(String),
    /// It was written to, replaced or removed: list again.
    Changed,
    /// It cannot be used, and why.
    Failed(String),
}

/// Reads the file, which had `stamp` when it was listed.
pub(crate) fn read(path: &Path, stamp: Stamp) -> Outcome {
    match try_read(path, stamp) {
        Ok(outcome) => outcome,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::Changed,
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn try_read(path: &Path, stamp: Stamp) -> io::Result<Outcome> {
    let file = File::open(path)?;
    if Stamp::of(&file.metadata()?) != stamp {
        return Ok(Outcome::Changed);
    }
    let outcome = text(&file)?;
    // By handle and by name: the one sees a write, the other a replacement.
    if Stamp::of(&file.metadata()?) != stamp || Stamp::of(&fs::metadata(path)?) != stamp {
        return Ok(Outcome::Changed);
    }
    Ok(outcome)
}

/// Everything that a reader gives, when it is text and not too long.
pub(crate) fn text(from: impl Read) -> io::Result<Outcome> {
    let mut bytes = Vec::new();
    from.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Ok(Outcome::Failed(format!("larger than {} MiB, not read", MAX_FILE >> 20)));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Outcome::Text(text),
        Err(error) => {
            Outcome::Failed(format!("not UTF-8 text (the byte at offset {})", error.utf8_error().valid_up_to()))
        }
    })
}

/// Tells two texts apart without keeping them.
pub(crate) fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}
