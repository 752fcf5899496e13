//! One template over one pod: text, YAML, a pod overlay.
//! In: a parsed template and data. Out: the overlay with warnings, or an error with the template's line.
//! Never here: merging.

use lateen_config::json_documents;
use lateen_gotemplate::{CallError, Engine, ExecError, Function, Rendered, Signature, Template, Type, Value};
use serde_json::Value as Json;

use crate::config::Form;
use crate::conform::{ConformError, conform};
use crate::legacy;
use crate::merge::MergeError;

/// Why a template gives no pod.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template stops.
    #[error("injection {0}")]
    Execute(Box<ExecError>),
    /// Its output is no YAML, or no map.
    #[error("injection template `{template}`{}: its output is no pod: {problem}{}", line_of(*line), shown(wrote))]
    Yaml {
        /// The template.
        template: String,
        /// The template's line that wrote the line in question.
        line: Option<usize>,
        /// What is wrong with it as YAML.
        problem: String,
        /// The output around that line, the line itself marked.
        wrote: String,
    },
    /// Its output has a value of a wrong type.
    #[error("injection template `{template}`{}: {error}", line_of(*line))]
    Conform {
        /// The template.
        template: String,
        /// The template's line that wrote the value.
        line: Option<usize>,
        /// Field, value, and what was wanted.
        error: Box<ConformError>,
    },
    /// Its output does not merge into the pod.
    #[error("injection template `{template}`: {error}")]
    Merge {
        /// The template.
        template: String,
        /// Field and reason.
        error: Box<MergeError>,
    },
}

fn line_of(line: Option<usize>) -> String {
    line.map(|line| format!(" line {line}")).unwrap_or_default()
}

fn shown(wrote: &str) -> String {
    if wrote.is_empty() { String::new() } else { format!("; it wrote:\n{wrote}") }
}

/// What a template made.
pub(crate) struct Overlay {
    /// A pod, or the part of one.
    pub(crate) overlay: Json,
    /// What was repaired or dropped.
    pub(crate) warnings: Vec<String>,
}

/// Runs a template and reads what it wrote.
pub(crate) fn render(template: &Template, form: Form, engine: &Engine, data: &Value) -> Result<Overlay, RenderError> {
    let name = template.name();
    let rendered = with_render(template, engine, data)
        .execute_with_lines(data)
        .map_err(|error| RenderError::Execute(Box::new(error)))?;
    let mut warnings = no_values(name, &rendered);
    let mut documents = json_documents(name, &rendered.text).into_iter().filter(|document| !document.is_empty());
    let Some(mut document) = documents.next() else {
        return Ok(Overlay { overlay: Json::Object(serde_json::Map::new()), warnings });
    };
    if documents.next().is_some() {
        warnings.push(format!("injection template `{name}` writes several YAML documents; the first is used"));
    }
    for duplicate in &document.duplicates {
        let line = |line: usize| rendered.origin(line).map_or(line, |(_, line)| line);
        let path = duplicate.path.iter().chain([&duplicate.key]).map(String::as_str).collect::<Vec<_>>().join(".");
        warnings.push(format!(
            "injection template `{name}` writes `{path}` twice, at its lines {} and {}; two maps are united, of other \
             values the second counts",
            line(duplicate.first),
            line(duplicate.second),
        ));
    }
    let mut overlay = match (document.value.take(), &document.error) {
        (Some(json @ Json::Object(_)), _) => json,
        (Some(other), _) => {
            return Err(no_pod(name, &rendered, document.line, format!("it is `{other}` and not a map")));
        }
        (None, finding) => {
            let line = finding
                .as_ref()
                .map_or(document.line, |finding| usize::try_from(finding.place.line).unwrap_or_default());
            let problem = finding.as_ref().map_or_else(String::new, |finding| finding.message.clone());
            return Err(no_pod(name, &rendered, line, problem));
        }
    };
    let told = |repair: String| format!("injection template `{name}`: {repair}");
    if form == Form::InjectionSpec {
        warnings.extend(legacy::to_pod(&mut overlay).into_iter().map(told));
    }
    match conform(&mut overlay, form) {
        Ok(repairs) => warnings.extend(repairs.into_iter().map(told)),
        Err(error) => {
            let path: Vec<&str> = error.path().collect();
            let line = document.line_of(legacy::path_in_text(form, &path));
            let line = line.and_then(|line| rendered.origin(line)).map(|(_, line)| line);
            return Err(RenderError::Conform { template: name.to_owned(), line, error: Box::new(error) });
        }
    }
    Ok(Overlay { overlay, warnings })
}

/// Where Go writes `<no value>` for a value that is missing, which may become part of a name or an argument.
fn no_values(template: &str, rendered: &Rendered) -> Vec<String> {
    let lines = rendered.text.lines().enumerate().filter(|(_, text)| text.contains("<no value>"));
    let lines = lines.filter(|(_, text)| !text.trim_start().starts_with('#'));
    let told = lines.map(|(index, text)| {
        let line = line_of(rendered.origin(index + 1).map(|(_, line)| line));
        format!("injection template `{template}`{line} writes `{}`: a value is missing there", text.trim())
    });
    told.collect()
}

fn no_pod(template: &str, rendered: &Rendered, line: usize, problem: String) -> RenderError {
    RenderError::Yaml {
        template: template.to_owned(),
        line: rendered.origin(line).map(|(_, line)| line),
        problem,
        wrote: around(&rendered.text, line),
    }
}

/// Some lines of a text with their numbers, one of them marked.
fn around(text: &str, line: usize) -> String {
    const BEFORE: usize = 3;
    const AFTER: usize = 2;
    let first = line.saturating_sub(BEFORE).max(1);
    let lines = text.lines().enumerate().skip(first - 1).take(line + AFTER + 1 - first);
    let lines = lines.map(|(index, text)| {
        let mark = if index + 1 == line { '>' } else { ' ' };
        format!("{mark} {:>4} | {}", index + 1, text.trim_end())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Release 1.7.3's `render`: runs a text as a template over the data of the outer one.
///
/// Where 1.7.3 made an empty text of a text that fails, the outer template fails here and says why.
fn with_render(template: &Template, engine: &Engine, data: &Value) -> Template {
    let (engine, data) = (engine.clone(), data.clone());
    let function = Function::typed(Signature::fixed([Type::String]), move |args| {
        let text = args.first().and_then(Value::as_str).unwrap_or_default();
        let inner = Template::parse("render", text, &engine).map_err(|error| CallError::new(error.to_string()))?;
        inner.execute(&data).map(Value::from).map_err(|error| CallError::new(error.to_string()))
    });
    template.rebind("render", function)
}
