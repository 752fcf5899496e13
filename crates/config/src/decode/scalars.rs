//! Strings, booleans, bytes, durations and the special leaves of Kubernetes kinds.

use std::time::Duration;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::decode::duration::{DurationError, parse_duration};
use crate::decode::{Context, Decode};
use crate::kinds::pod::IntOrString;
use crate::kinds::secret::{SecretText, SecretValue};
use crate::place::Text;
use crate::yaml::{Node, Scalar, ScalarKind, Value};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

impl Decode for String {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        string(node, cx).map(|scalar| scalar.text.clone())
    }
}

impl Decode for Text {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        string(node, cx).map(|scalar| Text { value: scalar.text.clone(), at: node.at, origin: scalar.origin })
    }
}

impl Decode for bool {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        match &node.value {
            Value::Scalar(Scalar { kind: ScalarKind::Bool(value), .. }) => Some(*value),
            Value::Scalar(scalar) if scalar.text == "true" || scalar.text == "false" => {
                let hint = format!("write {} without quotes", scalar.text);
                cx.wrong_type(node, "a boolean", Some(hint));
                None
            }
            _ => {
                cx.wrong_type(node, "a boolean", Some("write true or false".to_owned()));
                None
            }
        }
    }
}

impl Decode for Duration {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            cx.wrong_type(node, "a duration such as `1.5s`", None);
            return None;
        };
        match scalar.kind {
            ScalarKind::String => match parse_duration(&scalar.text) {
                Ok(duration) => Some(duration),
                Err(error) => {
                    let hint = match error {
                        DurationError::Syntax | DurationError::Unit => "write it as `1.5s`, `300ms`, `5m` or `1h30m`",
                        DurationError::Negative => "durations here start at 0s",
                        DurationError::TooLong => "the longest duration is about 292 years",
                    };
                    let message = format!("bad duration `{}`: {error}", scalar.shown());
                    cx.error(node, message, Some(hint.to_owned()));
                    None
                }
            },
            ScalarKind::Int(_) | ScalarKind::Float(_) => {
                let hint = format!("add a unit, for example `{}s`", scalar.shown());
                cx.wrong_type(node, "a duration", Some(hint));
                None
            }
            _ => {
                cx.wrong_type(node, "a duration such as `1.5s`", None);
                None
            }
        }
    }
}

impl Decode for Vec<u8> {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        bytes(node, cx, true)
    }
}

impl Decode for SecretValue {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        bytes(node, cx, false).map(|bytes| Self { bytes, at: node.at })
    }
}

impl Decode for SecretText {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        match &node.value {
            Value::Scalar(Scalar { kind: ScalarKind::String, text, .. }) => {
                Some(Self { text: text.clone(), at: node.at })
            }
            _ => {
                // The value stays out of the message: it is a secret.
                cx.error(node, "expected a string".to_owned(), Some("quote it".to_owned()));
                None
            }
        }
    }
}

impl Decode for IntOrString {
    fn decode(node: &Node, cx: &mut Context) -> Option<Self> {
        match &node.value {
            Value::Scalar(Scalar { kind: ScalarKind::String, text, .. }) => Some(Self::String(text.clone())),
            _ => i32::decode(node, cx).map(Self::Int),
        }
    }
}

fn string<'n>(node: &'n Node, cx: &mut Context) -> Option<&'n Scalar> {
    match &node.value {
        Value::Scalar(scalar) if scalar.kind == ScalarKind::String => Some(scalar),
        Value::Scalar(scalar) => {
            let hint = format!("quote it: \"{}\"", scalar.shown());
            cx.wrong_type(node, "a string", Some(hint));
            None
        }
        _ => {
            cx.wrong_type(node, "a string", None);
            None
        }
    }
}

fn bytes(node: &Node, cx: &mut Context, show: bool) -> Option<Vec<u8>> {
    let Value::Scalar(Scalar { kind: ScalarKind::String, text, .. }) = &node.value else {
        if show {
            cx.wrong_type(node, "base64 text", None);
        } else {
            cx.error(node, "expected base64 text".to_owned(), None);
        }
        return None;
    };
    // Line breaks are allowed, as Go's decoder skips them.
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let engine = if compact.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    match engine.decode(&compact) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            let hint = "encode the value, or write it under `stringData`";
            let hint = (!show).then(|| hint.to_owned());
            cx.error(node, "this is not base64".to_owned(), hint);
            None
        }
    }
}
