//! RBAC rules of HTTP and network filters.
//! In: `envoy.config.rbac.v3.RBAC`. Out: rules that need only the request and the connection.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use super::matching::{header, string};
use super::value::network;
use crate::matcher::StringMatcher;
use crate::rbac::{Action, Permission, Policy, Principal, Rbac, Rules};
use lateen_envoy_api::v3::{http_filter, matcher, network_filter, rbac as api};
use std::collections::BTreeMap;

pub(crate) fn http(mut filter: http_filter::rbac::Rbac, at: At<'_>) -> Result<Rbac, DecodeError> {
    // Names of statistics.
    filter.rules_stat_prefix.clear();
    filter.shadow_rules_stat_prefix.clear();
    filter.track_per_rule_stats = false;
    let (enforced, shadow) = (filter.rules.take(), filter.shadow_rules.take());
    at.nothing_left(&filter)?;
    both(enforced, shadow, at)
}

pub(crate) fn on_connection(mut filter: network_filter::rbac::Rbac, at: At<'_>) -> Result<Rbac, DecodeError> {
    filter.stat_prefix.clear();
    filter.shadow_rules_stat_prefix.clear();
    let (enforced, shadow) = (filter.rules.take(), filter.shadow_rules.take());
    at.nothing_left(&filter)?;
    both(enforced, shadow, at)
}

fn both(enforced: Option<api::Rbac>, shadow: Option<api::Rbac>, at: At<'_>) -> Result<Rbac, DecodeError> {
    Ok(Rbac {
        rules: enforced.map(|given| rules(given, at.field("rules"))).transpose()?,
        shadow: shadow.map(|given| rules(given, at.field("shadow_rules"))).transpose()?,
    })
}

fn rules(given: api::Rbac, at: At<'_>) -> Result<Rules, DecodeError> {
    let action = match given.action {
        0 => Action::Allow,
        1 => Action::Deny,
        2 => Action::Log,
        other => return Err(at.field("action").invalid(other, "unknown action")),
    };
    if let Some(audit) = given.audit_logging_options.filter(|audit| !audit.logger_configs.is_empty()) {
        return Err(at.field("audit_logging_options").unsupported(audit.logger_configs.len(), "there is no audit log"));
    }
    // Envoy walks policies in the order of their names.
    let sorted: BTreeMap<String, api::Policy> = given.policies.into_iter().collect();
    let mut policies = Vec::with_capacity(sorted.len());
    for (name, given) in sorted {
        let decoded = policy(given, at.key("policies", &name))?;
        policies.push((name, decoded));
    }
    Ok(Rules { action, policies })
}

fn policy(mut given: api::Policy, at: At<'_>) -> Result<Policy, DecodeError> {
    let permissions = std::mem::take(&mut given.permissions);
    let principals = std::mem::take(&mut given.principals);
    at.nothing_left(&given)?;
    if permissions.is_empty() {
        return Err(at.field("permissions").missing("at least one"));
    }
    if principals.is_empty() {
        return Err(at.field("principals").missing("at least one"));
    }
    Ok(Policy {
        permissions: all(permissions, "permissions", at, permission)?,
        principals: all(principals, "principals", at, principal)?,
    })
}

fn all<T, U>(
    given: Vec<T>,
    field: &str,
    at: At<'_>,
    one: fn(T, At<'_>) -> Result<U, DecodeError>,
) -> Result<Vec<U>, DecodeError> {
    given.into_iter().enumerate().map(|(index, given)| one(given, at.index(field, index))).collect()
}

fn permission(given: api::Permission, at: At<'_>) -> Result<Permission, DecodeError> {
    use api::permission::Rule;
    Ok(match given.rule {
        None => return Err(at.missing("a rule")),
        Some(Rule::Any(true)) => Permission::Any,
        Some(Rule::Any(false)) => return Err(at.field("any").invalid(false, "must be true")),
        Some(Rule::AndRules(set)) => Permission::And(all(set.rules, "rules", at.field("and_rules"), permission)?),
        Some(Rule::OrRules(set)) => Permission::Or(all(set.rules, "rules", at.field("or_rules"), permission)?),
        Some(Rule::NotRule(rule)) => Permission::Not(Box::new(permission(*rule, at.field("not_rule"))?)),
        Some(Rule::Header(matcher)) => Permission::Header(header(matcher, at.field("header"))?),
        Some(Rule::UrlPath(matcher)) => Permission::Path(path(matcher, at.field("url_path"))?),
        Some(Rule::DestinationIp(range)) => Permission::DestinationIp(network(range, at.field("destination_ip"))?),
        Some(Rule::DestinationPort(port)) => {
            if port > 65535 {
                return Err(at.field("destination_port").invalid(port, "must be at most 65535"));
            }
            Permission::DestinationPort(port..port + 1)
        }
        Some(Rule::DestinationPortRange(range)) => {
            let bound = |port: i32| u32::try_from(port).ok().filter(|port| *port <= 65536);
            match (bound(range.start), bound(range.end)) {
                (Some(start), Some(end)) if start < end => Permission::DestinationPort(start..end),
                _ => {
                    let value = format!("{}..{}", range.start, range.end);
                    return Err(at.field("destination_port_range").invalid(value, "no range of ports"));
                }
            }
        }
        Some(Rule::RequestedServerName(matcher)) => {
            Permission::ServerName(string(matcher, at.field("requested_server_name"))?)
        }
        // No filter here writes metadata, so only an inverted condition holds.
        Some(Rule::Metadata(matcher)) => Permission::Metadata(matcher.invert),
        Some(Rule::SourcedMetadata(_)) => return Err(at.field("sourced_metadata").unsupported("", "")),
        Some(Rule::Matcher(custom)) => return Err(at.field("matcher").unsupported(custom.name, "")),
        Some(Rule::UriTemplate(custom)) => {
            return Err(at.field("uri_template").unsupported(custom.name, "use url_path with a safe_regex"));
        }
    })
}

fn principal(given: api::Principal, at: At<'_>) -> Result<Principal, DecodeError> {
    use api::principal::Identifier as Id;
    Ok(match given.identifier {
        None => return Err(at.missing("an identifier")),
        Some(Id::Any(true)) => Principal::Any,
        Some(Id::Any(false)) => return Err(at.field("any").invalid(false, "must be true")),
        Some(Id::AndIds(set)) => Principal::And(all(set.ids, "ids", at.field("and_ids"), principal)?),
        Some(Id::OrIds(set)) => Principal::Or(all(set.ids, "ids", at.field("or_ids"), principal)?),
        Some(Id::NotId(id)) => Principal::Not(Box::new(principal(*id, at.field("not_id"))?)),
        Some(Id::Authenticated(given)) => {
            let at = at.field("authenticated");
            let at = at.field("principal_name");
            Principal::Authenticated(given.principal_name.map(|matcher| string(matcher, at)).transpose()?)
        }
        // `source_ip` is the address of the connection, which PROXY protocol may have set.
        Some(Id::SourceIp(range)) => Principal::RemoteIp(network(range, at.field("source_ip"))?),
        Some(Id::DirectRemoteIp(range)) => Principal::DirectRemoteIp(network(range, at.field("direct_remote_ip"))?),
        Some(Id::RemoteIp(range)) => Principal::RemoteIp(network(range, at.field("remote_ip"))?),
        Some(Id::Header(matcher)) => Principal::Header(header(matcher, at.field("header"))?),
        Some(Id::UrlPath(matcher)) => Principal::Path(path(matcher, at.field("url_path"))?),
        Some(Id::Metadata(matcher)) => Principal::Metadata(matcher.invert),
        Some(Id::FilterState(matcher)) => {
            return Err(at.field("filter_state").unsupported(matcher.key, "use authenticated.principal_name"));
        }
        Some(Id::SourcedMetadata(_)) => return Err(at.field("sourced_metadata").unsupported("", "")),
        Some(Id::Custom(custom)) => return Err(at.field("custom").unsupported(custom.name, "")),
    })
}

fn path(given: matcher::PathMatcher, at: At<'_>) -> Result<StringMatcher, DecodeError> {
    match given.rule {
        Some(matcher::path_matcher::Rule::Path(matcher)) => string(matcher, at.field("path")),
        None => Err(at.field("path").missing("")),
    }
}
