//! The rules of the house, checked: the crate graph, and every file.
//! In come `cargo metadata` and the files of the repository; out come lines that name what is wrong.
//! Nothing is changed.

mod files;
mod graph;
mod prose;

use anyhow::Result;

use crate::project::Project;

/// Prints what is wrong; true when nothing is. Warnings do not count.
pub fn run(project: &Project) -> Result<bool> {
    let mut wrong = graph::check(project);
    let files = project.files()?;
    let mut warnings = Vec::new();
    let mut read = 0;
    for name in &files {
        // A file that is deleted and not yet committed, or that is not text.
        let Ok(text) = std::fs::read_to_string(project.root.join(name)) else { continue };
        read += 1;
        wrong.extend(files::check(name, &text));
        if name.ends_with(".md") {
            warnings.extend(prose::check(name, &text));
        }
    }
    for line in &warnings {
        println!("warning: {line}");
    }
    for line in &wrong {
        println!("tidy: {line}");
    }
    println!(
        "{} crates and {read} files: {} wrong, {} warnings",
        project.packages().len(),
        wrong.len(),
        warnings.len()
    );
    Ok(wrong.is_empty())
}
