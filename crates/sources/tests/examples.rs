//! The folders of `examples` decode without a word.

use std::path::Path;

use lateen_sources::load;

#[test]
fn examples_have_objects_and_no_findings() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut folders = 0;
    for folder in std::fs::read_dir(examples).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let generation = load(&[folder.path()]).unwrap();
        assert!(generation.findings.is_empty(), "{:?}", generation.findings);
        assert!(generation.objects.len() >= 3, "{}", folder.path().display());
        folders += 1;
    }
    assert!(folders >= 3);
}
