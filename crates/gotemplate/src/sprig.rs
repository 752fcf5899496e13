//! Sprig's text functions.
//! In: values. Out: values, as Sprig 3.3 answers.
//! Never here: randomness, keys, the network, the environment; those functions exist and fail with a clear error.

use crate::budget::Budget;
use crate::error::CallError;
use crate::function::{Function, InnerBody, Type};
use crate::value::Value;

mod args;
mod case;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod digest;
mod encoding;
mod lists;
mod math;
mod paths;
mod patterns;
mod regexes;
mod semver;
mod strings;
mod time;
mod urls;

type Result<T = Value> = std::result::Result<T, CallError>;

/// A function with its name and what it takes.
type Row = (&'static str, &'static [Type], Option<Type>, InnerBody);

/// Needs randomness.
const RANDOM: [&str; 8] =
    ["randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randInt", "randBytes", "shuffle", "uuidv4"];

/// Needs keys or password hashing.
const CRYPTO: [&str; 11] = [
    "bcrypt",
    "htpasswd",
    "genPrivateKey",
    "derivePassword",
    "buildCustomCert",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
];

/// Needs keys, the environment, or the network.
const OUTSIDE: [&str; 5] = ["encryptAES", "decryptAES", "env", "expandenv", "getHostByName"];

/// All of them with their names.
pub(crate) fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    let rows = [
        strings::FUNCTIONS,
        case::FUNCTIONS,
        lists::FUNCTIONS,
        dicts::FUNCTIONS,
        defaults::FUNCTIONS,
        math::FUNCTIONS,
        encoding::FUNCTIONS,
        regexes::FUNCTIONS,
        paths::FUNCTIONS,
        urls::FUNCTIONS,
        semver::FUNCTIONS,
        dates::FUNCTIONS,
    ];
    let known = rows
        .into_iter()
        .flatten()
        .map(|(name, fixed, variadic, body)| (*name, Function::inner(fixed, *variadic, *body)));
    let refused = RANDOM.into_iter().chain(CRYPTO).chain(OUTSIDE);
    known.chain(refused.map(|name| (name, Function::inner(&[], Some(Type::Any), unavailable))))
}

fn unavailable(_: &Budget, _: &[Value]) -> Result {
    Err(CallError::new("not available: templates have no access to randomness, keys, the environment or the network"))
}
