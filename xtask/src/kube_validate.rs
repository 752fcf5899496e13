//! Injected pods against the schemas of Kubernetes, for every release that the validator knows.
//! In: the release build, manifests of the repository and of the kits beside it. Out: what the strict schemas refuse.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::kits::program;
use crate::project::Project;
use crate::python;
use crate::step::Outcome;

/// The oldest release of Kubernetes that pods are made for.
const OLDEST: (u32, u32) = (1, 33);

/// Injects every manifest, with and without native sidecars, and validates what comes out.
pub fn run(project: &Project) -> Result<Outcome> {
    let validator = python::home(project).join("bin/kubernetes-validate");
    ensure!(validator.is_file(), "{} is not there; step `venv` makes it", validator.display());
    let releases = releases(project)?;
    ensure!(!releases.is_empty(), "kubernetes-validate knows no release from 1.33 on");
    let manifests = manifests(project)?;
    let out = project.release("kube-validate");
    std::fs::create_dir_all(&out)?;
    let mut refused = 0;
    for (manifest, flags) in &manifests {
        for native in ["true", "false"] {
            let injected = inject(project, manifest, flags, native, &out)?;
            for release in &releases {
                let result = Command::new(&validator)
                    .args(["--strict", "--quiet", "-k", release])
                    .arg(&injected)
                    .output()
                    .context("run kubernetes-validate")?;
                if !result.status.success() {
                    refused += 1;
                    println!("FAIL {} (native sidecars: {native}, Kubernetes {release})", manifest.display());
                    println!("{}", String::from_utf8_lossy(&result.stdout).trim_end());
                    println!("{}", String::from_utf8_lossy(&result.stderr).trim_end());
                }
            }
        }
    }
    println!("{} manifests, Kubernetes {}", manifests.len(), releases.join(", "));
    ensure!(refused == 0, "{refused} results that Kubernetes refuses");
    Ok(Outcome::Passed)
}

/// Releases that the validator has strict schemas of, from the oldest on.
fn releases(project: &Project) -> Result<Vec<String>> {
    let lib = python::home(project).join("lib");
    let mut found = Vec::new();
    for python in std::fs::read_dir(lib)?.flatten() {
        let schemas = python.path().join("site-packages/kubernetes_validate/kubernetes-json-schema");
        for schema in std::fs::read_dir(schemas).into_iter().flatten().flatten() {
            let name = schema.file_name().to_string_lossy().into_owned();
            let Some(release) = name.strip_prefix('v').and_then(|name| name.strip_suffix("-local-strict")) else {
                continue;
            };
            let mut numbers = release.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
            let release = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
            if release >= OLDEST {
                found.push(release);
            }
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(major, minor)| format!("{major}.{minor}.0")).collect())
}

/// Manifests and the flags that they are injected with.
fn manifests(project: &Project) -> Result<Vec<(PathBuf, Vec<PathBuf>)>> {
    let own = |file: &String| {
        let path = Path::new(file);
        path.extension().is_some_and(|extension| extension == "yaml")
            && (path.starts_with("examples") || path.starts_with("crates/inject/tests/pods"))
    };
    let mut found: Vec<(PathBuf, Vec<PathBuf>)> =
        project.files()?.iter().filter(|file| own(file)).map(|file| (project.root.join(file), Vec::new())).collect();
    ensure!(!found.is_empty(), "there are no manifests");
    if let Some(seeds) = project.kit("seeds") {
        let release = seeds.join("injection-1.7.3");
        let files = ["inject-config.yaml", "mesh-config.yaml", "inject-values.json"].map(|file| release.join(file));
        found.push((release.join("sleep.yaml"), Vec::new()));
        found.push((release.join("sleep.yaml"), files.into()));
    }
    Ok(found)
}

/// Injects one manifest; gives the file with the result.
fn inject(project: &Project, manifest: &Path, files: &[PathBuf], native: &str, out: &Path) -> Result<PathBuf> {
    let result = out.join("injected.yaml");
    let mut command = Command::new(program(project, "lateen")?);
    command.arg("kube-inject").arg("--filename").arg(manifest).arg("--output").arg(&result);
    for (flag, file) in ["--injectConfigFile", "--meshConfigFile", "--valuesFile"].into_iter().zip(files) {
        command.arg(flag).arg(file);
    }
    command.env("ENABLE_NATIVE_SIDECARS", native).env("KUBECONFIG", "/dev/null").stderr(Stdio::piped());
    let output = command.output().context("run lateen kube-inject")?;
    ensure!(
        output.status.success(),
        "lateen kube-inject -f {}: {}",
        manifest.display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(result)
}
