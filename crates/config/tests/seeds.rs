//! The manifests that started the project decode without errors.
//! They stand beside the repository; where they are missing, the test says so and passes.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use lateen_config::{Severity, decode};

#[test]
fn seeds_have_no_errors() {
    let shared = std::env::var_os("LATEEN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let mut objects = 0;
    for folder in ["ingress", "usage", "egress"] {
        let Ok(files) = fs::read_dir(shared.join("seeds").join(folder)) else {
            println!("skipped: seeds/{folder} is not here");
            continue;
        };
        for file in files {
            let path = file.unwrap().path();
            let decoded = decode(&path.to_string_lossy(), &fs::read_to_string(&path).unwrap());
            let errors: Vec<_> = decoded.findings.iter().filter(|f| f.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{errors:#?}");
            assert!(!decoded.objects.is_empty() || !decoded.skipped.is_empty(), "{path:?}");
            objects += decoded.objects.len();
        }
        println!("seeds/{folder}: {objects} objects so far");
    }
}
