//! `lateen validate`: what is wrong with files, before anything runs.

use crate::command::folder::{Folder, FolderArgs};
use crate::print;
use lateen_config::{Document, Finding, Severity, decode_documents};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check files of Istio and Kubernetes objects without a cluster.
///
/// Ends with 1 when an object would be refused. Kinds that are not read here are passed over.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    lateen validate -f ./folder                 what is wrong, where, and what to write instead\n  \
    lateen validate -f routes.yaml -o json      one object per document: {kind, name, valid, errors}")]
pub struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// Print text, or a verdict on each document as JSON.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let failed = match args.output {
        Output::Text => text(&args.folder)?,
        Output::Json => verdicts(&args.folder.paths)?,
    };
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn text(args: &FolderArgs) -> anyhow::Result<bool> {
    let folder = Folder::read(args)?;
    print::findings(&folder.findings);
    print::out(format_args!("{} objects, {} findings\n", folder.objects.len(), folder.findings.len()))?;
    Ok(folder.findings.iter().any(is_error))
}

fn verdicts(paths: &[PathBuf]) -> anyhow::Result<bool> {
    let mut rows = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            rows.extend(decode_documents("<stdin>", &text).iter().map(verdict));
            continue;
        }
        for file in &lateen_sources::load(std::slice::from_ref(path))?.files {
            match (&file.error, std::fs::read_to_string(&*file.name)) {
                (None, Ok(text)) => rows.extend(decode_documents(&file.name, &text).iter().map(verdict)),
                (Some(error), _) => rows.push(unreadable(&file.name, error)),
                (None, Err(error)) => rows.push(unreadable(&file.name, &error.to_string())),
            }
        }
    }
    print::out(format_args!("{:#}\n", json!(rows)))?;
    Ok(rows.iter().any(|row| row["valid"] == false))
}

fn verdict(document: &Document) -> serde_json::Value {
    let errors: Vec<String> = document.findings.iter().filter(|finding| is_error(finding)).map(line).collect();
    json!({ "kind": document.kind, "name": document.name, "valid": document.is_valid(), "errors": errors })
}

fn unreadable(file: &str, error: &str) -> serde_json::Value {
    json!({ "kind": "", "name": "", "valid": false, "errors": [format!("{file}: {error}")] })
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn line(finding: &Finding) -> String {
    let path = if finding.path.is_empty() { String::new() } else { format!(" {}:", finding.path) };
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}:{path} {}{hint}", finding.place, finding.message)
}
