//! Semantic versions and constraints on them.
//! In: text. Out: a version with its parts as methods, or whether a version fits.
//! Never here: version schemes other than SemVer 2 and its loose forms (`v1`, `1.2`).

use std::cmp::Ordering;

use super::args::text;
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::String as Str;
use crate::function::{Function, Signature};
use crate::value::{Record, Value};

pub(super) const FUNCTIONS: &[Row] = &[("semver", &[Str], None, semver), ("semverCompare", &[Str, Str], None, compare)];

#[derive(Clone, Debug)]
struct Version {
    numbers: [u64; 3],
    pre: String,
    metadata: String,
}

impl Version {
    fn parse(text: &str) -> Result<Version> {
        let invalid = || CallError::new("Invalid Semantic Version");
        let body = text.strip_prefix('v').unwrap_or(text);
        let (body, metadata) = body.split_once('+').map_or((body, None), |(body, meta)| (body, Some(meta)));
        let (body, pre) = body.split_once('-').map_or((body, None), |(body, pre)| (body, Some(pre)));
        let (mut numbers, mut too_large) = ([0; 3], None);
        let parts: Vec<&str> = body.split('.').collect();
        if parts.len() > 3 {
            return Err(invalid());
        }
        for (number, part) in numbers.iter_mut().zip(parts) {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            match part.parse() {
                Ok(parsed) => *number = parsed,
                Err(_) => too_large = too_large.or(Some(part)),
            }
        }
        for identifiers in [pre, metadata].into_iter().flatten() {
            let good = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !identifiers.split('.').all(good) {
                return Err(invalid());
            }
        }
        if let Some(part) = too_large {
            return Err(CallError::new(format!(
                "Error parsing version segment: strconv.ParseUint: parsing \"{part}\": value out of range"
            )));
        }
        if pre.is_some_and(|pre| pre.split('.').any(|id| id.len() > 1 && id.starts_with('0') && is_number(id))) {
            return Err(CallError::new("version segment starts with 0"));
        }
        let own = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Ok(Version { numbers, pre: own(pre), metadata: own(metadata) })
    }

    fn cmp(&self, other: &Version) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn is_number(identifier: &str) -> bool {
    identifier.bytes().all(|b| b.is_ascii_digit())
}

/// SemVer 2, section 11: no pre-release is greater than any; numbers are below words.
fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => (a.len(), a).cmp(&(b.len(), b)),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

fn semver(_: &Budget, args: &[Value]) -> Result {
    let original = text(args, 0).to_owned();
    let version = Version::parse(&original)?;
    let record = Record::new("*semver.Version").prints_as(&version.to_string());
    let [major, minor, patch] = version.numbers;
    let parts: [(&str, Value); 6] = [
        ("Major", major.into()),
        ("Minor", minor.into()),
        ("Patch", patch.into()),
        ("Prerelease", version.pre.into()),
        ("Metadata", version.metadata.into()),
        ("Original", original.into()),
    ];
    Ok(Value::object(parts.into_iter().fold(record, |record, (name, part)| {
        record.method(name, Function::typed(Signature::fixed([]), move |_| Ok(part.clone())))
    })))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// One comparison; `given` is how many of the three numbers were written.
#[derive(Debug)]
struct Constraint {
    operator: Operator,
    version: Version,
    given: usize,
}

fn compare(budget: &Budget, args: &[Value]) -> Result {
    let (constraints, version) = (text(args, 0), text(args, 1));
    budget.spend(constraints.len() as u64)?;
    let mut fits = false;
    let mut alternatives = Vec::new();
    for alternative in constraints.split("||") {
        alternatives
            .push(parse_all(alternative).ok_or_else(|| CallError::new(format!("improper constraint: {constraints}")))?);
    }
    let version = Version::parse(version)?;
    for alternative in alternatives {
        fits |= alternative.iter().all(|constraint| constraint.allows(&version));
    }
    Ok(fits.into())
}

/// Constraints that must all hold, with spaces or commas between them.
fn parse_all(text: &str) -> Option<Vec<Constraint>> {
    let mut words: Vec<String> = Vec::new();
    for word in text.replace(',', " ").split_whitespace() {
        // An operator may stand apart from its version.
        match words.last_mut() {
            Some(last) if last.chars().all(|c| "=!<>~^".contains(c)) => last.push_str(word),
            _ => words.push(word.to_owned()),
        }
    }
    let mut all = Vec::new();
    let mut i = 0;
    while i < words.len() {
        if words.get(i + 1).is_some_and(|word| word == "-") {
            all.push(Constraint::parse(&format!(">={}", words[i]))?);
            all.push(Constraint::parse(&format!("<={}", words.get(i + 2)?))?);
            i += 3;
        } else {
            all.push(Constraint::parse(&words[i])?);
            i += 1;
        }
    }
    if all.is_empty() {
        return None;
    }
    Some(all)
}

impl Constraint {
    fn parse(word: &str) -> Option<Constraint> {
        let rest = word.trim_start_matches(['=', '!', '<', '>', '~', '^']);
        let operator = match &word[..word.len() - rest.len()] {
            "" | "=" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => return None,
        };
        let body = rest.strip_prefix('v').unwrap_or(rest);
        let numbers_end = body.find(['-', '+']).unwrap_or(body.len());
        let (numbers, tail) = body.split_at(numbers_end);
        let wild = |part: &str| matches!(part, "x" | "X" | "*");
        let parts: Vec<&str> = numbers.split('.').collect();
        let given = parts.iter().position(|part| wild(part)).unwrap_or(parts.len());
        if parts.len() > 3 || (given < parts.len() && !parts[given..].iter().all(|p| wild(p) || is_number(p))) {
            return None;
        }
        if given == 0 {
            // Any version that is no pre-release.
            let version = Version { numbers: [0; 3], pre: String::new(), metadata: String::new() };
            return Some(Constraint { operator: Operator::GreaterEqual, version, given: 3 });
        }
        let version = Version::parse(&format!("{}{tail}", parts[..given].join("."))).ok()?;
        Some(Constraint { operator, version, given })
    }

    fn allows(&self, version: &Version) -> bool {
        let (v, c) = (version.numbers, self.version.numbers);
        let (partial, minor_open, patch_open) = (self.given < 3, self.given < 2, self.given == 2);
        let ordering = version.cmp(&self.version);
        let pre_refused = !version.pre.is_empty() && self.version.pre.is_empty();
        match self.operator {
            Operator::NotEqual if !partial => return ordering != Ordering::Equal,
            _ if pre_refused => return false,
            _ => {}
        }
        match self.operator {
            Operator::Equal if !partial => ordering == Ordering::Equal,
            Operator::Equal | Operator::Tilde => {
                if ordering == Ordering::Less {
                    return false;
                }
                if c == [0, 0, 0] && !partial {
                    return true;
                }
                v[0] == c[0] && (minor_open || v[1] == c[1])
            }
            Operator::NotEqual => v[0] != c[0] || (!minor_open && v[1] != c[1]),
            Operator::Greater if !partial => ordering == Ordering::Greater,
            Operator::Greater => v[0] > c[0] || (v[0] == c[0] && patch_open && v[1] > c[1]),
            Operator::Less => ordering == Ordering::Less,
            Operator::GreaterEqual => ordering != Ordering::Less,
            Operator::LessEqual if !partial => ordering != Ordering::Greater,
            Operator::LessEqual => v[0] < c[0] || (v[0] == c[0] && (minor_open || v[1] <= c[1])),
            Operator::Caret => {
                if ordering == Ordering::Less {
                    return false;
                }
                if c[0] > 0 || minor_open {
                    return v[0] == c[0];
                }
                if v[0] > 0 {
                    return false;
                }
                if c[1] > 0 || patch_open {
                    return v[1] == c[1];
                }
                v[1] == 0 && v[2] == c[2]
            }
        }
    }
}
