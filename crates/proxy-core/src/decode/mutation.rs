//! Header operations, and per-level configuration of HTTP filters.
//! In: the lists of a level. Out: operations in the order they are done: removals first, as Envoy.

use super::DecodeError;
use super::at::At;
use crate::access_log::Template;
use crate::headers::HeaderName;
use crate::ir::{AppendAction, HeaderMutation, HeaderMutations};
use lateen_envoy_api::v3;

type Added = Vec<v3::core::HeaderValueOption>;

pub(crate) fn mutations(
    request: (Added, Vec<String>),
    response: (Added, Vec<String>),
    at: At<'_>,
) -> Result<HeaderMutations, DecodeError> {
    Ok(HeaderMutations {
        request: operations(request, "request_headers_to_add", "request_headers_to_remove", at)?,
        response: operations(response, "response_headers_to_add", "response_headers_to_remove", at)?,
    })
}

fn operations(
    (added, removed): (Added, Vec<String>),
    add_field: &str,
    remove_field: &str,
    at: At<'_>,
) -> Result<Vec<HeaderMutation>, DecodeError> {
    let mut operations = Vec::with_capacity(added.len() + removed.len());
    for (index, name) in removed.iter().enumerate() {
        operations.push(HeaderMutation::Remove(changeable(name, at.index(remove_field, index))?));
    }
    for (index, option) in added.into_iter().enumerate() {
        operations.push(set(option, at.index(add_field, index))?);
    }
    Ok(operations)
}

#[allow(deprecated)]
fn set(option: v3::core::HeaderValueOption, at: At<'_>) -> Result<HeaderMutation, DecodeError> {
    let Some(header) = option.header else { return Err(at.field("header").missing("")) };
    let here = at.field("header");
    let name = changeable(&header.key, here.field("key"))?;
    let text = if header.raw_value.is_empty() {
        header.value
    } else {
        let raw = here.field("raw_value");
        String::from_utf8(header.raw_value).map_err(|_| raw.unsupported("", "must be UTF-8"))?
    };
    let template = Template::decode(&text).map_err(|error| here.field("value").invalid(&text, error.to_string()))?;
    let action = match (option.append, option.append_action) {
        (Some(append), 0) if append.value => AppendAction::AppendIfExistsOrAdd,
        (Some(_), 0) => AppendAction::OverwriteIfExistsOrAdd,
        (Some(_), _) => return Err(at.field("append").invalid("", "append and append_action exclude each other")),
        (None, 0) => AppendAction::AppendIfExistsOrAdd,
        (None, 1) => AppendAction::AddIfAbsent,
        (None, 2) => AppendAction::OverwriteIfExistsOrAdd,
        (None, 3) => AppendAction::OverwriteIfExists,
        (None, other) => return Err(at.field("append_action").invalid(other, "unknown action")),
    };
    Ok(HeaderMutation::Set { name, value: template, action, keep_empty: option.keep_empty_value })
}

/// A header that may be changed: not `:…` and not `host`.
fn changeable(name: &str, at: At<'_>) -> Result<HeaderName, DecodeError> {
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        return Err(at.invalid(name, ":-prefixed or host headers may not be modified"));
    }
    HeaderName::decode(name).map_err(|error| at.invalid(name, error.to_string()))
}
