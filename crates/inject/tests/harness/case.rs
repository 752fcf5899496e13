//! One case: a folder with inputs.
//! In: the folder. Out: an injector and what it makes of the text.
//! Never here: what is wanted.

use lateen_config::json_documents;
use lateen_inject::{Documents, Facts, Injector, NativeSidecars, Settings, Surroundings};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that a case may have.
const FILES: [&str; 12] = [
    "in.yaml",
    "config.yaml",
    "values.yaml",
    "mesh.yaml",
    "namespaces.yaml",
    "revision",
    "env",
    "base",
    "want.yaml",
    "want.diff",
    "error.txt",
    "warnings.txt",
];

/// A folder.
#[derive(Clone)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// What stands in place of a file.
    instead: BTreeMap<&'static str, String>,
}

/// All cases in order of their names.
pub fn all() -> Vec<Case> {
    // Crate `control` reads them too.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../inject/tests/cases");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut cases: Vec<Case> = folders.map(Case::open).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    fn open(folder: PathBuf) -> Case {
        for file in fs::read_dir(&folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(FILES.contains(&name.as_str()), "{}: {name} is no file of a case", folder.display());
        }
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        Case { name, folder, instead: BTreeMap::new() }
    }

    /// The case that this one differs from; its `in.yaml` counts when this one has none.
    pub fn base(&self) -> Option<Case> {
        let name = fs::read_to_string(self.folder.join("base")).ok()?;
        Some(Case::open(self.folder.with_file_name(name.trim())))
    }

    fn file(&self, name: &'static str) -> Option<String> {
        self.instead.get(name).cloned().or_else(|| fs::read_to_string(self.folder.join(name)).ok())
    }

    fn named(&self, name: &'static str) -> Option<(String, String)> {
        Some((name.to_owned(), self.file(name)?))
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let env = self.file("env").unwrap_or_default();
        env.lines().filter_map(|line| line.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
    }

    /// The injector with warnings, or the error.
    pub fn injector(&self) -> Result<(Injector, Vec<String>), String> {
        let settings = Settings {
            config: self.named("config.yaml"),
            values: self.named("values.yaml"),
            mesh: self.named("mesh.yaml"),
            revision: self.file("revision").unwrap_or_default().trim().to_owned(),
            environment: self.environment(),
        };
        Injector::new(settings).map_err(|error| error.to_string())
    }

    /// What the text does not tell.
    pub fn surroundings(&self) -> Surroundings {
        let setting = self.environment().get("ENABLE_NATIVE_SIDECARS").cloned();
        let (native_sidecars, _) = NativeSidecars::from_setting(setting.as_deref());
        let mut namespaces = BTreeMap::new();
        for (name, annotations) in
            yaml(&self.file("namespaces.yaml").unwrap_or_default()).as_object().into_iter().flatten()
        {
            namespaces.insert(name.clone(), annotations.as_object().unwrap().clone());
        }
        Surroundings { native_sidecars, facts: Facts { namespaces: namespaces.into(), ..Facts::default() } }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.file("in.yaml").or_else(|| self.base()?.file("in.yaml")).unwrap()
    }

    /// The injected text, the injector's own warnings before those of the workloads; or the error.
    pub fn inject(&self) -> Result<Documents, String> {
        let (injector, mut warnings) = self.injector()?;
        let mut documents = injector
            .inject_documents("in.yaml", &self.text(), &self.surroundings())
            .map_err(|error| error.to_string())?;
        warnings.append(&mut documents.warnings);
        documents.warnings = warnings;
        Ok(documents)
    }

    /// The same with an image of another tag in templates and values.
    pub fn with_newer_proxy(&self) -> Case {
        let mut newer = self.clone();
        if let Some(config) = self.file("config.yaml") {
            newer.instead.insert("config.yaml", config.replace("example/proxy:1", "example/proxy:2"));
        }
        let own = self.file("config.yaml").is_none();
        if own || self.file("values.yaml").is_some() {
            let mut values = yaml(&self.file("values.yaml").unwrap_or_else(|| "{}".to_owned()));
            lay_over(&mut values, json!({ "global": { "tag": "newer" } }));
            newer.instead.insert("values.yaml", values.to_string());
        }
        newer
    }
}

/// Without the fingerprints, which change with every letter of a template, and without the version of this program.
pub fn masked(text: &str) -> String {
    const VERSION: &str = r#""version":""#;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(VERSION) {
        let (before, after) = rest.split_at(at + VERSION.len());
        out.push_str(before);
        out.push_str("(fingerprint)");
        rest = &after[after.find('"').unwrap()..];
    }
    (out + rest).replace(concat!("lateen-proxy:", env!("CARGO_PKG_VERSION")), "lateen-proxy:VERSION")
}

fn yaml(text: &str) -> Json {
    json_documents("", text).into_iter().find_map(|document| document.value).unwrap_or_default()
}

fn lay_over(under: &mut Json, over: Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            over.into_iter().for_each(|(key, value)| lay_over(under.entry(key).or_insert(Json::Null), value));
        }
        (under, over) => *under = over,
    }
}
