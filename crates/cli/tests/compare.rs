//! The same folder, the same bootstrap, the same requests: through stock Envoy and through lateen.
//! In come the folders of `compare/`; a difference in status, headers, body, what the upstream saw or what the access
//! log says fails, unless `compare/allowances.json` writes it down with its reason.
//! Needs stock Envoy, which `cargo xtask test` installs; without it the test fails and says so.
#![allow(clippy::unwrap_used)] // a test fails by it

mod compare {
    pub mod backend;
    pub mod fleet;
    pub mod record;
}

use compare::backend::Backend;
use compare::fleet::{Control, Dataplane, Folder};
use compare::record::{Allowances, differences};
use std::path::PathBuf;

#[test]
fn envoy_and_lateen_answer_alike() {
    let envoy = lateen_testkit::envoy_program().expect("no stock Envoy: run `cargo xtask test`, or set LATEEN_ENVOY");
    let lateen = PathBuf::from(env!("CARGO_BIN_EXE_lateen"));
    let programs = [("envoy", envoy, &[][..]), ("lateen", lateen, &["proxy"][..])];
    let only = std::env::var("LATEEN_COMPARE").unwrap_or_default();
    let backend = Backend::start();
    let allowances = Allowances::load();
    let mut failures = Vec::new();
    let mut count = 0;
    let folders = Folder::all();
    assert!(folders.len() >= 10, "only {} folders", folders.len());
    for folder in folders.iter().filter(|folder| folder.name.contains(&only)) {
        let mut control = Control::start(folder, &backend);
        let answers = programs.each_ref().map(|(name, program, words)| {
            let dataplane = Dataplane::start(name, program, words, &control);
            control.assert_everything_accepted(name);
            let ask = |(i, request)| dataplane.ask(folder, i, request, &backend);
            let records = folder.requests.iter().enumerate().map(ask).collect();
            control.assert_everything_accepted(name);
            dataplane.stop(records)
        });
        for (i, request) in folder.requests.iter().enumerate() {
            count += 1;
            for difference in differences(&answers[0][i], &answers[1][i]) {
                if !allowances.allow(&folder.name, &request.name, &difference) {
                    failures.push(format!("{}/{}: {difference}", folder.name, request.name));
                }
            }
        }
    }
    println!("{count} requests over {} folders", folders.len());
    if only.is_empty() {
        assert!(count >= 60, "only {count} requests");
        allowances.assert_all_used();
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}
