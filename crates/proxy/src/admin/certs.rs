//! `/certs`: certificates in use, and what is wrong with those that are not.
//! In: the contexts of the workers. Out: JSON in Envoy's form, with `lateen` beside it for sources and problems.

use super::answer::Answer;
use super::query::Query;
use crate::process::Shared;
use lateen_proxy_core::ir::SanKind;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

/// Answers `/certs`.
pub(super) fn answer(shared: &Shared, _query: &Query) -> Answer {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut all = shared.publish.certificates();
    all.sort_by(|a, b| a.sources.cmp(&b.sources));
    let certificates: Vec<Value> = all
        .iter()
        .map(|context| {
            let chain: Vec<Value> = context
                .leaves
                .iter()
                .map(|leaf| {
                    let names: Vec<Value> = leaf
                        .names
                        .iter()
                        .map(|(kind, name)| match kind {
                            SanKind::Dns => json!({"dns": name}),
                            SanKind::Uri => json!({"uri": name}),
                            SanKind::IpAddress => json!({"ip_address": name}),
                            SanKind::Email => json!({"email": name}),
                        })
                        .collect();
                    json!({
                        "path": context.sources.join(", "),
                        "serial_number": leaf.serial,
                        "subject_alt_names": names,
                        "days_until_expiration": ((leaf.not_after - now) / 86_400).max(0).to_string(),
                        "valid_from": time(leaf.not_before),
                        "expiration_time": time(leaf.not_after),
                    })
                })
                .collect();
            json!({
                "ca_cert": [],
                "cert_chain": chain,
                "lateen": {"sources": context.sources, "problem": context.problem},
            })
        })
        .collect();
    Answer::json(&json!({"certificates": certificates}))
}

/// RFC 3339.
fn time(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}
