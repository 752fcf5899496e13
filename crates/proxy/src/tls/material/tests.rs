//! Which authorities a context trusts.

use super::{authorities_at, is_of_system};
use lateen_proxy_core::ir::{DataSource, ValidationContext};

#[test]
fn the_roots_of_the_system_are_where_this_system_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (usual, other, own) = (path("usual.pem"), path("other.pem"), path("own.pem"));
    let places = [usual.as_str(), other.as_str()];
    let write = |path: &str| {
        let certificate = rcgen::generate_simple_self_signed(vec![path.to_owned()]).unwrap().cert;
        std::fs::write(path, certificate.pem()).unwrap();
        certificate.der().clone()
    };
    let file = |path: &str| ValidationContext {
        trusted_ca: Some(DataSource::File(path.to_owned())),
        ..ValidationContext::default()
    };
    let system = ValidationContext { system_roots: true, ..ValidationContext::default() };

    for context in [&file(&usual), &system] {
        assert!(is_of_system(context, &places));
        assert!(authorities_at(context, &places).unwrap_err().contains("no file of trusted authorities"));
    }
    let elsewhere = write(&other);
    for context in [&file(&usual), &system] {
        assert_eq!(authorities_at(context, &places).unwrap(), std::slice::from_ref(&elsewhere));
    }
    let here = write(&usual);
    for context in [&file(&usual), &system] {
        assert_eq!(authorities_at(context, &places).unwrap(), std::slice::from_ref(&here));
    }
    // A file of one's own is that file and no other, also when it is not there.
    assert!(!is_of_system(&file(&own), &places));
    assert!(authorities_at(&file(&own), &places).unwrap_err().contains("own.pem: is not there"));
    let given = write(&own);
    assert_eq!(authorities_at(&file(&own), &places).unwrap(), std::slice::from_ref(&given));
    let both = ValidationContext { system_roots: true, ..file(&own) };
    assert_eq!(authorities_at(&both, &places).unwrap(), [given, here]);
}
