//! `lateen validate`: what is wrong with files, before anything runs.

use crate::command::folder::{Folder, FolderArgs};
use crate::print;
use lateen_config::Severity;
use serde_json::json;
use std::process::ExitCode;

/// Check files of Istio and Kubernetes objects without a cluster.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  lateen validate -f ./folder")]
pub struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// Print findings as JSON.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let folder = Folder::read(&args.folder)?;
    match args.output {
        Output::Text => {
            print::findings(&folder.findings);
            println!("{} objects, {} findings", folder.objects.len(), folder.findings.len());
        }
        Output::Json => {
            let rows: Vec<_> = folder.findings.iter().map(print::finding_json).collect();
            println!("{:#}", json!(rows));
        }
    }
    let failed = folder.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
