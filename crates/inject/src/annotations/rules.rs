//! What the value of an annotation may be: modes, ports, ranges of addresses, interfaces, numbers.
//! In: the value. Out: nothing, or what is wrong with it and what would be right.
//! Never here: which annotation it is.

use std::net::IpAddr;

/// Characters of an interface's name, as Linux has it.
const LONGEST_INTERFACE: usize = 15;

/// How traffic is captured.
pub(super) fn interception_mode(value: &str) -> Result<(), String> {
    match value {
        "REDIRECT" | "TPROXY" | "NONE" => Ok(()),
        _ => Err("no such mode; use REDIRECT, TPROXY or NONE".to_owned()),
    }
}

/// One port; spaces around it do not matter.
pub(super) fn port(value: &str) -> Result<(), String> {
    match number(value.trim()) {
        Some(port) if port <= u64::from(u16::MAX) => Ok(()),
        _ => Err(format!("'{}' is no port; use a number from 0 to 65535", value.trim())),
    }
}

/// Ports with commas between them, or none.
pub(super) fn ports(value: &str) -> Result<(), String> {
    if value.trim().is_empty() {
        return Ok(());
    }
    value.split(',').try_for_each(|item| match item.trim() {
        "" => Err("a port is missing beside a comma; use ports such as 80,443".to_owned()),
        item => port(item),
    })
}

/// `*`, or as [`ports`].
pub(super) fn all_or_ports(value: &str) -> Result<(), String> {
    if value == "*" {
        return Ok(());
    }
    ports(value).map_err(|why| format!("{why}, or * alone for all ports"))
}

/// Ranges of addresses with commas and no spaces between them, or none.
pub(super) fn ranges(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    value.split(',').try_for_each(range)
}

/// `*`, or as [`ranges`].
pub(super) fn all_or_ranges(value: &str) -> Result<(), String> {
    if value == "*" {
        return Ok(());
    }
    ranges(value).map_err(|why| format!("{why}, or * alone for all addresses"))
}

/// Go's `netip.ParsePrefix`.
fn range(text: &str) -> Result<(), String> {
    let wrong =
        |why: &str| Err(format!("'{text}' is no range of addresses: {why}; use ranges such as 10.0.0.0/8,fd00::/8"));
    if text.is_empty() {
        return wrong("it is empty");
    }
    if text.trim() != text {
        return wrong("there is a space in it");
    }
    let Some((address, length)) = text.rsplit_once('/') else {
        return wrong("the length after a slash is missing");
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return wrong("what stands before the slash is no IP address");
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match number(length) {
        Some(bits) if bits <= most && (length == "0" || !length.starts_with('0')) => Ok(()),
        _ => wrong(&format!("its length is not a number from 0 to {most}")),
    }
}

/// Names of network interfaces with commas between them, or none.
pub(super) fn interfaces(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    value.split(',').map(str::trim).try_for_each(|name| {
        let right = "use names such as eth0,net1";
        if name.is_empty() {
            return Err(format!("the name of an interface is missing; {right}"));
        }
        if name.len() > LONGEST_INTERFACE {
            return Err(format!("the interface name '{name}' is longer than {LONGEST_INTERFACE} characters"));
        }
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.bytes().all(inner) {
            return Err(format!(
                "the interface name '{name}' is not a letter followed by letters, digits, '_', '.' or '-'; {right}"
            ));
        }
        Ok(())
    })
}

/// Go's `strconv.ParseUint` with 32 bits.
pub(super) fn uint32(value: &str) -> Result<(), String> {
    match number(value) {
        Some(number) if number <= u64::from(u32::MAX) => Ok(()),
        _ => Err(format!("not a number; use a whole number from 0 to {}", u32::MAX)),
    }
}

/// Go's `strconv.ParseBool`.
pub(super) fn boolean(value: &str) -> Result<(), String> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(()),
        _ => Err("not a boolean; use true or false".to_owned()),
    }
}

/// JSON such as `{"name":{"emptyDir":{}}}` or `[{"name":"name","emptyDir":{}}]`, whose names Istio's templates take too.
/// They stop on everything else without naming the annotation.
pub(super) fn volumes(value: &str) -> Result<(), String> {
    let right = r#"use JSON such as {"name":{...}} or [{"name":"name",...}]"#;
    if value.is_empty() {
        return Ok(());
    }
    let json: serde_json::Value =
        serde_json::from_str(value).map_err(|error| format!("it is not JSON: {error}; {right}"))?;
    let wrong = match &json {
        serde_json::Value::Object(maps) => maps.iter().find(|(_, map)| !map.is_object()),
        serde_json::Value::Array(items) => {
            let no_map =
                |(_, item): &(usize, &serde_json::Value)| item.get("name").is_none_or(|name| !name.is_string());
            return match items.iter().enumerate().find(no_map) {
                Some((place, item)) => Err(format!("item {place} is {item} and not an object with a name; {right}")),
                None => Ok(()),
            };
        }
        other => return Err(format!("it is {other} and neither an object nor a list; {right}")),
    };
    match wrong {
        Some((name, other)) => Err(format!("\"{name}\" is {other} and not an object; {right}")),
        None => Ok(()),
    }
}

/// Digits only: no sign, no space, no underscore.
fn number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}
