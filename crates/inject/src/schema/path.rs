//! Where in a pod something stands, for messages: `spec.containers[istio-proxy].ports[0]`.
//! In: steps, while a walk goes down. Out: text, only when a message needs it.
//! Never here: lookups.

use std::fmt;

use serde_json::Value as Json;

/// A place in a pod, by the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    above: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    /// An item of a list, by its place and, if it has one, its name.
    Item(usize, Option<&'a str>),
}

impl<'a> Path<'a> {
    /// The pod itself.
    pub(crate) const ROOT: Path<'static> = Path { above: None, step: Step::Root };

    /// A field of what stands here.
    pub(crate) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path { above: Some(self), step: Step::Field(name) }
    }

    /// An item of the list that stands here; it is called by its name where it has one.
    pub(crate) fn item(&'a self, place: usize, item: &'a Json) -> Path<'a> {
        let name = item.get("name").and_then(Json::as_str);
        Path { above: Some(self), step: Step::Item(place, name) }
    }

    /// An item of the list that stands here, by what tells it apart; by its place where nothing does.
    pub(crate) fn named(&'a self, place: usize, name: Option<&'a str>) -> Path<'a> {
        Path { above: Some(self), step: Step::Item(place, name) }
    }

    /// Keys, and places in lists, from the outside to here.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = self.above.map_or_else(Vec::new, Path::keys);
        match self.step {
            Step::Root => {}
            Step::Field(name) => keys.push(name.to_owned()),
            Step::Item(place, _) => keys.push(place.to_string()),
        }
        keys
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.above else { return f.write_str("the pod") };
        let outermost = above.above.is_none();
        if !outermost {
            above.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) if outermost => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Item(_, Some(name)) => write!(f, "[{}]", name.trim_matches('"')),
            Step::Item(place, None) => write!(f, "[{place}]"),
        }
    }
}
