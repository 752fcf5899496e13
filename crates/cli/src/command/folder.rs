//! Files and folders read once, for the commands that ask and do not serve.

use anyhow::Context;
use lateen_config::{Finding, Object};
use lateen_model::{Input, Options, Snapshot};
use std::path::PathBuf;
use std::sync::Arc;

/// Which files, and what to assume where they say nothing.
#[derive(clap::Args, Clone)]
pub struct FolderArgs {
    /// Files or folders of YAML.
    #[arg(long = "filename", short = 'f', value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Mesh configuration, in place of ConfigMap `istio`.
    #[arg(long = "meshConfigFile", value_name = "FILE")]
    pub mesh: Option<PathBuf>,
    /// Namespace of objects that name none.
    #[arg(long, short, default_value = "default")]
    pub namespace: String,
}

/// What stands in the files.
pub struct Folder {
    pub objects: Vec<Arc<Object>>,
    pub snapshot: Snapshot,
    pub findings: Vec<Finding>,
    pub options: Options,
}

impl Folder {
    pub fn read(args: &FolderArgs) -> anyhow::Result<Self> {
        let generation = lateen_sources::load(&args.paths)?;
        let mut findings = generation.findings.clone();
        let mesh = match &args.mesh {
            None => None,
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                let (mesh, more) = lateen_config::decode_mesh_config(&file.display().to_string(), &text);
                findings.extend(more);
                Some(mesh)
            }
        };
        let options = Options { default_namespace: args.namespace.as_str().into(), ..Options::default() };
        let objects = generation.objects.clone();
        let (snapshot, more) = Snapshot::build(&Input {
            objects: objects.clone(),
            refused: generation.findings.clone(),
            mesh,
            options: options.clone(),
            now: now(),
            previous: None,
        });
        findings.extend(more);
        Ok(Self { objects, snapshot, findings, options })
    }
}

/// Seconds since 1970, by which certificates expire.
fn now() -> Option<i64> {
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(age.as_secs()).ok()
}
