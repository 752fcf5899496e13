//! A Kubernetes API for tests.
//! In come objects in JSON; out come a kubeconfig file for whoever is tested, and what it asked.
//! The API is in memory, or that of the real `kube-apiserver` where `KUBEBUILDER_ASSETS` names the folder
//! of its programs. Neither runs a controller: a Deployment never gets Pods.

mod memory;
mod query;
mod real;
mod store;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::origin::Seen;
use memory::Memory;
use real::Real;

/// What a client shows to be let in.
const TOKEN: &str = "lateen-test-token";

/// A running API of Kubernetes; it ends when it is dropped.
pub struct KubeApi {
    api: Api,
    kubeconfig: PathBuf,
    _home: TempDir,
}

enum Api {
    Memory(Memory),
    Real(Real),
}

impl KubeApi {
    /// Starts the real API server where `KUBEBUILDER_ASSETS` names a folder with `etcd`,
    /// `kube-apiserver` and `kubectl`, else one in memory; says on stderr which it is.
    pub fn start() -> Result<Self> {
        let Some(programs) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) else {
            eprintln!("testkit: Kubernetes API in memory (KUBEBUILDER_ASSETS is not set)");
            return Self::in_memory();
        };
        let programs = PathBuf::from(programs);
        eprintln!("testkit: kube-apiserver and etcd of {}", programs.display());
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("kubeconfig");
        let real = Real::start(&programs, home.path(), &kubeconfig)?;
        Ok(Self { api: Api::Real(real), kubeconfig, _home: home })
    }

    /// Starts the one in memory: plain HTTP on loopback.
    ///
    /// It knows GET, LIST (selectors of labels and names, pages), WATCH, POST, PUT, merge PATCH and DELETE of
    /// objects of any kind, and their `status`; it checks nothing of what is in them. It has no discovery.
    pub fn in_memory() -> Result<Self> {
        let home = tempfile::tempdir()?;
        let path = home.path().join("kubeconfig");
        let memory = Memory::start()?;
        fs::write(&path, kubeconfig(&format!("http://{}", memory.addr()), None))?;
        Ok(Self { api: Api::Memory(memory), kubeconfig: path, _home: home })
    }

    /// A kubeconfig file with a context `test` of an admin; gone when this value is dropped.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Whether a real API server answers.
    pub fn is_real(&self) -> bool {
        matches!(self.api, Api::Real(_))
    }

    /// Makes an object; its namespace must be there, as `default` is from the start.
    pub fn create(&self, object: &Json) -> Result<()> {
        match &self.api {
            Api::Memory(memory) => memory.create(object),
            Api::Real(real) => real.create(object),
        }
    }

    /// Writes an object in place of that of the same kind and name.
    pub fn replace(&self, object: &Json) -> Result<()> {
        match &self.api {
            Api::Memory(memory) => memory.replace(object),
            Api::Real(real) => real.replace(object),
        }
    }

    /// Deletes the object of the kind and name of the given one.
    pub fn delete(&self, object: &Json) -> Result<()> {
        match &self.api {
            Api::Memory(memory) => memory.delete(object),
            Api::Real(real) => real.delete(object),
        }
    }

    /// Answers 403 from now on to whoever asks for a resource, such as `configmaps`; in memory only.
    pub fn forbid(&self, plural: &str) -> Result<()> {
        match &self.api {
            Api::Memory(memory) => memory.forbid(plural),
            Api::Real(_) => bail!("only the API in memory can forbid {plural}"),
        }
        Ok(())
    }

    /// The requests that were answered so far; in memory only.
    pub fn seen(&self) -> Result<Vec<Seen>> {
        match &self.api {
            Api::Memory(memory) => Ok(memory.seen()),
            Api::Real(_) => bail!("only the API in memory writes down what it is asked"),
        }
    }
}

/// A kubeconfig with one context; JSON is YAML.
fn kubeconfig(server: &str, authority: Option<&Path>) -> String {
    let mut cluster = json!({ "server": server });
    if let Some(authority) = authority {
        cluster["certificate-authority"] = json!(authority);
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{ "name": "test", "cluster": cluster }],
        "users": [{ "name": "admin", "user": { "token": TOKEN } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "admin" } }],
    });
    format!("{config:#}\n")
}

/// A text of an object, such as `kind` or `metadata.name`.
fn text<'a>(object: &'a Json, path: &str) -> Result<&'a str> {
    let pointer = format!("/{}", path.replace('.', "/"));
    let text = object.pointer(&pointer).and_then(Json::as_str);
    text.with_context(|| format!("an object without {path}: {object}"))
}
