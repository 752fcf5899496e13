//! `/logging`: `?level=debug` for all, `?paths=http:debug,pool:trace` or `?http=debug` for components.

use super::Answer;
use super::query::Query;
use crate::logging::LogLevel;
use crate::process::Shared;
use http::StatusCode;
use std::fmt::Write as _;

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    let mut changes: Vec<(Option<String>, LogLevel)> = Vec::new();
    for (name, value) in query.iter() {
        let parsed = match name {
            "level" => value.parse().map(|level| changes.push((None, level))),
            "paths" | "group" => value.split(',').try_for_each(|pair| match pair.rsplit_once(':') {
                Some((component, level)) => {
                    level.parse().map(|level| changes.push((Some(component.to_owned()), level)))
                }
                None => Err(format!("`{pair}` is not component:level")),
            }),
            component => value.parse().map(|level| changes.push((Some(component.to_owned()), level))),
        };
        if let Err(reason) = parsed {
            let usage = "usage: /logging?level=<level>, /logging?<component>=<level>, \
                         /logging?paths=<component>:<level>,...";
            return Answer::error(StatusCode::BAD_REQUEST, format!("{reason}\n{usage}\n"));
        }
    }
    for (component, level) in changes {
        match component {
            Some(component) => shared.log.set_component(&component, level),
            None => shared.log.set_level(level),
        }
    }
    let (level, components) = shared.log.levels();
    let mut out = format!("active loggers:\n  all: {level}\n");
    for (component, level) in components {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {component}: {level}");
    }
    Answer::text(out)
}
