//! What templates run with: functions, options and bounds.
//! In: the host's choices. Out: a set that many templates and executions share.
//! Never here: the environment, the clock, the network; a template reaches nothing that the host did not give.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::CallError;
use crate::function::{Function, Signature};
use crate::value::Value;
use crate::{builtin, sprig};

/// What a field that a map lacks evaluates to; Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: prints `<no value>`, further fields of it are no value too.
    #[default]
    Invalid,
    /// The zero value of the map's elements: nil in a map of anything, `""` in a map of strings.
    Zero,
    /// The execution stops.
    Error,
}

/// Bounds on parsing and on each execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output.
    pub output_size: usize,
    /// Bytes of any one text, or sixteenths of the items of any one list, that a function makes.
    pub value_size: usize,
    /// Evaluated nodes, items visited, and parts of the work inside functions.
    pub steps: u64,
    /// Templates that call one another, and blocks and parentheses that are open at a time during execution.
    pub depth: usize,
    /// Blocks and parentheses that may nest in a text.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { output_size: 16 << 20, value_size: 16 << 20, steps: 5_000_000, depth: 300, nesting: 150 }
    }
}

/// Options of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub missing_key: MissingKey,
    pub limits: Limits,
    /// What `now` and `ago` take as the present, in seconds since 1970. Without it they are not available.
    pub now_unix_seconds: Option<i64>,
}

/// Functions and options that templates are parsed with.
///
/// ```
/// use lateen_gotemplate::{Engine, Template, Value};
///
/// let engine = Engine::new().with_sprig().with_function("twice", |args| Ok(Value::list(args.iter().chain(args).cloned())));
/// let template = Template::parse("t", "{{ twice .a | join \"-\" | upper }}", &engine).unwrap();
/// assert_eq!(template.execute(&Value::map([("a", "x")])).unwrap(), "X-X");
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) functions: Arc<HashMap<Arc<str>, Entry>>,
    pub(crate) options: Options,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub function: Function,
    pub role: Role,
}

/// How the executor treats a function. The host's functions have the first role, whatever their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Host,
    BuiltIn,
    And,
    Or,
    Call,
    Index,
    Slice,
}

impl Role {
    fn of_built_in(name: &str) -> Role {
        match name {
            "and" => Role::And,
            "or" => Role::Or,
            "call" => Role::Call,
            "index" => Role::Index,
            "slice" => Role::Slice,
            _ => Role::BuiltIn,
        }
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// text/template's own functions.
    pub fn new() -> Engine {
        let functions = builtin::functions()
            .map(|(name, function)| (name.into(), Entry { function, role: Role::of_built_in(name) }));
        Engine { functions: Arc::new(functions.collect()), options: Options::default() }
    }

    /// Adds Sprig 3.3's text functions. Those that need randomness, keys, the network or the environment fail when called.
    #[must_use]
    pub fn with_sprig(mut self) -> Engine {
        let functions = Arc::make_mut(&mut self.functions);
        functions
            .extend(sprig::functions().map(|(name, function)| (name.into(), Entry { function, role: Role::Host })));
        self
    }

    /// Adds or replaces a function of any number of any values.
    #[must_use]
    pub fn with_function(
        self,
        name: &str,
        body: impl Fn(&[Value]) -> Result<Value, CallError> + Send + Sync + 'static,
    ) -> Engine {
        self.with(name, Function::new(body))
    }

    /// Adds or replaces a function whose arguments are checked as Go would.
    #[must_use]
    pub fn with_typed_function(
        self,
        name: &str,
        signature: Signature,
        body: impl Fn(&[Value]) -> Result<Value, CallError> + Send + Sync + 'static,
    ) -> Engine {
        self.with(name, Function::typed(signature, body))
    }

    /// Adds or replaces a function.
    #[must_use]
    pub fn with(mut self, name: &str, function: Function) -> Engine {
        Arc::make_mut(&mut self.functions).insert(name.into(), Entry { function, role: Role::Host });
        self
    }

    #[must_use]
    pub fn with_options(mut self, options: Options) -> Engine {
        self.options = options;
        self
    }

    #[must_use]
    pub fn with_missing_key(mut self, missing_key: MissingKey) -> Engine {
        self.options.missing_key = missing_key;
        self
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Names of all functions, in order.
    pub fn function_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.functions.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }
}
