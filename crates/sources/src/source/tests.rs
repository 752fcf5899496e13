use super::*;

#[test]
fn a_path_that_is_not_there_is_named_with_where_it_was_looked_for() {
    let error = Source::open(&["no/such/folder".into()]).unwrap_err().to_string();
    let place = std::env::current_dir().unwrap().join("no/such/folder");
    assert_eq!(error, format!("no/such/folder: no such file or folder (looked for {})", place.display()));
    assert!(load(&[]).unwrap_err().to_string().contains("name at least one"));
}
