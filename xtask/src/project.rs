//! Where things are: the repository, what Cargo knows of it, the kits beside it.
//! In come the environment and `cargo metadata`; out come paths and packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The repository and what stands beside it.
pub struct Project {
    pub root: PathBuf,
    /// The answer of `cargo metadata`, without packages from outside.
    pub metadata: Value,
}

impl Project {
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?.to_owned();
        let mut command = Command::new(cargo());
        command.current_dir(&root).args(["metadata", "--format-version", "1", "--no-deps"]);
        let metadata = serde_json::from_slice(&output(&mut command)?)?;
        Ok(Self { root, metadata })
    }

    pub fn packages(&self) -> &[Value] {
        self.metadata["packages"].as_array().map_or(&[], Vec::as_slice)
    }

    /// A program of the release build.
    pub fn release(&self, program: &str) -> PathBuf {
        Path::new(self.metadata["target_directory"].as_str().unwrap_or("target")).join("release").join(program)
    }

    /// A kit that stands beside the repository, when it is there.
    pub fn kit(&self, name: &str) -> Option<PathBuf> {
        let path = self.root.parent()?.join("shared").join(name);
        path.is_dir().then_some(path)
    }

    /// All files of the repository, tracked or about to be.
    pub fn files(&self) -> Result<Vec<String>> {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names = String::from_utf8(output(&mut command)?)?;
        let mut names: Vec<_> = names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// The Cargo that runs this program.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

/// What a command writes to standard output; an error when it fails.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let out = command.output().with_context(|| format!("run {command:?}"))?;
    ensure!(out.status.success(), "{command:?}: {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    Ok(out.stdout)
}
