//! Header operations of routes (`request_headers_to_add` and the like).
//! In: operations, a head, a record for `%…%`. Out: the head changed.

use crate::access_log::Record;
use crate::headers::{Headers, RequestHead, ResponseHead};
use crate::ir::{AppendAction, HeaderMutation};

/// Applies operations to a request. Values may tell what the request holds at that point.
pub fn mutate_request(operations: &[HeaderMutation], head: &mut RequestHead, record: &Record<'_>) {
    for operation in operations {
        let value = rendered(operation, &Record { request: Some(head), ..*record });
        change(operation, value, &mut head.headers);
    }
}

/// Applies operations to a response.
pub fn mutate_response(operations: &[HeaderMutation], head: &mut ResponseHead, record: &Record<'_>) {
    for operation in operations {
        let value = rendered(operation, &Record { response: Some(head), ..*record });
        change(operation, value, &mut head.headers);
    }
}

fn rendered(operation: &HeaderMutation, record: &Record<'_>) -> Vec<u8> {
    let mut value = Vec::new();
    if let HeaderMutation::Set { value: template, .. } = operation {
        template.render_with(record, b"", &mut value);
    }
    value
}

fn change(operation: &HeaderMutation, value: Vec<u8>, headers: &mut Headers) {
    match operation {
        HeaderMutation::Remove(name) => {
            headers.remove(name.as_str());
        }
        HeaderMutation::Set { keep_empty, .. } if value.is_empty() && !keep_empty => {}
        HeaderMutation::Set { name, action, .. } => match action {
            AppendAction::AppendIfExistsOrAdd => headers.append(name, value),
            AppendAction::AddIfAbsent if headers.contains(name.as_str()) => {}
            AppendAction::AddIfAbsent => headers.append(name, value),
            AppendAction::OverwriteIfExistsOrAdd => headers.set(name, value),
            AppendAction::OverwriteIfExists if headers.contains(name.as_str()) => headers.set(name, value),
            AppendAction::OverwriteIfExists => {}
        },
    }
}
