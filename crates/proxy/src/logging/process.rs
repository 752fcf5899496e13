//! The log of the process itself.
//! In: tracing events of all crates. Out: lines on standard error or in a file, as Envoy's or as JSON.
//! The level can change while running, for all or by component (the crate or module that speaks).

use serde_json::{Map, Value, json};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::{Layer as _, reload};

/// Envoy's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    Off,
}

impl LogLevel {
    /// As Envoy writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Off => "off",
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            // tracing has nothing above error.
            Self::Error | Self::Critical => LevelFilter::ERROR,
            Self::Off => LevelFilter::OFF,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "trace" => Self::Trace,
            "debug" => Self::Debug,
            "info" => Self::Info,
            "warn" | "warning" => Self::Warning,
            "error" | "err" => Self::Error,
            "critical" => Self::Critical,
            "off" => Self::Off,
            _ => {
                return Err(format!(
                    "`{text}` is no log level; use trace, debug, info, warning, error, critical or off"
                ));
            }
        })
    }
}

/// Form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `[time][pid][level][component] message`.
    #[default]
    Text,
    /// An object for each line.
    Json,
}

/// Changes the level while running.
#[derive(Debug, Clone)]
pub struct LogHandle(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    level: LogLevel,
    components: Vec<(String, LogLevel)>,
    reload: Option<reload::Handle<Targets, Registry>>,
}

impl State {
    fn targets(&self) -> Targets {
        let targets = Targets::new().with_default(self.level.filter());
        // Crates that speak about every byte stay quiet unless they are named.
        let targets = ["h2", "hyper", "tonic", "tower"]
            .into_iter()
            .fold(targets, |targets, noisy| targets.with_target(noisy, self.level.filter().min(LevelFilter::INFO)));
        targets.with_targets(self.components.iter().map(|(name, level)| (target_of(name), level.filter())))
    }
}

/// A component is a module of the proxy, or a crate.
fn target_of(component: &str) -> String {
    match component {
        "admin" | "upstream" | "http" | "pool" | "dns" | "main" => format!("lateen_proxy::{component}"),
        "config" => "lateen_proxy::ads".to_owned(),
        "router" => "lateen_proxy::exchange".to_owned(),
        "connection" | "conn_handler" => "lateen_proxy::listener".to_owned(),
        "http2" => "h2".to_owned(),
        other => other.replace('-', "_"),
    }
}

impl LogHandle {
    /// Of a process whose log is not ours: levels are kept and change nothing.
    #[must_use]
    pub fn detached(level: LogLevel) -> Self {
        Self(Arc::new(Mutex::new(State { level, components: Vec::new(), reload: None })))
    }

    /// Changes the level of everything; component levels are forgotten.
    pub fn set_level(&self, level: LogLevel) {
        self.change(|state| {
            state.level = level;
            state.components.clear();
        });
    }

    /// Changes the level of one component.
    pub fn set_component(&self, component: &str, level: LogLevel) {
        self.change(|state| {
            state.components.retain(|(name, _)| name != component);
            state.components.push((component.to_owned(), level));
        });
    }

    /// The level of everything, and of the components that were set.
    #[must_use]
    pub fn levels(&self) -> (LogLevel, Vec<(String, LogLevel)>) {
        let state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (state.level, state.components.clone())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
        if let Some(reload) = &state.reload
            && let Err(error) = reload.reload(state.targets())
        {
            tracing::warn!(%error, "the log level did not change");
        }
    }
}

/// Sets up the log of the process: to `file` (appended to), or to standard error.
/// When the process has a log already, that one stays and the handle changes nothing.
///
/// # Errors
/// When `file` cannot be opened.
pub fn init(level: LogLevel, format: LogFormat, file: Option<&Path>) -> io::Result<LogHandle> {
    let out = match file {
        Some(path) => Out::File(Arc::new(File::options().append(true).create(true).open(path)?)),
        None => Out::Stderr,
    };
    let mut state = State { level, components: Vec::new(), reload: None };
    let (filter, handle) = reload::Layer::new(state.targets());
    let layer = tracing_subscriber::fmt::layer().event_format(Lines(format)).with_ansi(false).with_writer(out);
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(filter));
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        state.reload = Some(handle);
    }
    Ok(LogHandle(Arc::new(Mutex::new(state))))
}

enum Out {
    Stderr,
    File(Arc<File>),
}

impl<'a> MakeWriter<'a> for Out {
    type Writer = Box<dyn io::Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match self {
            Self::Stderr => Box::new(io::stderr()),
            Self::File(file) => Box::new(&**file),
        }
    }
}

struct Lines(LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::TRACE => "trace",
            tracing::Level::DEBUG => "debug",
            tracing::Level::INFO => "info",
            tracing::Level::WARN => "warning",
            tracing::Level::ERROR => "error",
        };
        let target = metadata.target();
        let component = target.strip_prefix("lateen_proxy::").unwrap_or(target);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut fields = Fields::default();
        event.record(&mut fields);
        match self.0 {
            LogFormat::Text => {
                let pid = std::process::id();
                write!(out, "[{}][{pid}][{level}][{component}] {}", timestamp(now, ' '), fields.message)?;
                for (name, value) in &fields.others {
                    match value {
                        // A line stays a line.
                        Value::String(text) if !text.contains(['\n', '\r']) => write!(out, " {name}={text}")?,
                        value => write!(out, " {name}={value}")?,
                    }
                }
                out.write_char('\n')
            }
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("time".to_owned(), json!(format!("{}Z", timestamp(now, 'T'))));
                line.insert("level".to_owned(), json!(level));
                line.insert("scope".to_owned(), json!(component));
                line.insert("msg".to_owned(), json!(fields.message));
                line.extend(fields.others);
                writeln!(out, "{}", Value::Object(line))
            }
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}").replace('\n', "\\n").replace('\r', "\\r");
        } else {
            self.others.insert(field.name().to_owned(), Value::String(format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.insert(field.name().to_owned(), Value::String(value.to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.insert(field.name().to_owned(), json!(value));
    }
}

/// `2025-11-20 07:31:00.123` of a time since 1970, UTC.
pub(crate) fn timestamp(since_epoch: std::time::Duration, between: char) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    // After the year 9999 the log begins anew.
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    let millis = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}.{millis:03}")
}
