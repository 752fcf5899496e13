//! Header operations of routes (`request_headers_to_add` and the like).
//! In: operations of one level, a head, a record for `%…%`. Out: the head changed.
//! As Envoy: removals, then values from what is left, then overwriting, then appending.

use crate::access_log::Record;
use crate::headers::{HeaderName, Headers, RequestHead, ResponseHead};
use crate::ir::{AppendAction, HeaderMutation};

/// Applies the operations of one level to a request. Values tell what the request holds at that point.
pub fn mutate_request(operations: &[HeaderMutation], head: &mut RequestHead, record: &Record<'_>) {
    if operations.is_empty() {
        return;
    }
    remove(operations, &mut head.headers);
    let values = rendered(operations, &head.headers, &Record { request: Some(head), ..*record });
    put(values, &mut head.headers);
}

/// Applies the operations of one level to a response.
pub fn mutate_response(operations: &[HeaderMutation], head: &mut ResponseHead, record: &Record<'_>) {
    if operations.is_empty() {
        return;
    }
    remove(operations, &mut head.headers);
    let values = rendered(operations, &head.headers, &Record { response: Some(head), ..*record });
    put(values, &mut head.headers);
}

fn remove(operations: &[HeaderMutation], headers: &mut Headers) {
    for operation in operations {
        if let HeaderMutation::Remove(name) = operation {
            headers.remove(name.as_str());
        }
    }
}

/// Names with their new values, and whether they take the place of others.
type Values<'o> = Vec<(&'o HeaderName, Vec<u8>, bool)>;

fn rendered<'o>(operations: &'o [HeaderMutation], headers: &Headers, record: &Record<'_>) -> Values<'o> {
    let mut values = Vec::with_capacity(operations.len());
    for operation in operations {
        let HeaderMutation::Set { name, value, action, keep_empty } = operation else { continue };
        let mut text = Vec::new();
        value.render_with(record, b"", &mut text);
        if text.is_empty() && !keep_empty {
            continue;
        }
        let present = headers.contains(name.as_str());
        match action {
            AppendAction::AppendIfExistsOrAdd => values.push((name, text, false)),
            AppendAction::AddIfAbsent if !present => values.push((name, text, false)),
            AppendAction::OverwriteIfExistsOrAdd => values.push((name, text, true)),
            AppendAction::OverwriteIfExists if present => values.push((name, text, true)),
            AppendAction::AddIfAbsent | AppendAction::OverwriteIfExists => {}
        }
    }
    values
}

fn put(values: Values<'_>, headers: &mut Headers) {
    let (overwriting, appending): (Vec<_>, Vec<_>) = values.into_iter().partition(|(_, _, overwrites)| *overwrites);
    for (name, value, _) in overwriting {
        headers.set(name, value);
    }
    for (name, value, _) in appending {
        headers.append(name, value);
    }
}
