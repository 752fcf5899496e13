use super::places::{Files, Place};
use super::{Identity, IdentityArgs, Places, Source, of_files};
use lateen_envoy_api::v3::core::Node;
use lateen_envoy_api::v3::tls::secret;
use std::fs::write;
use std::os::unix::net::UnixListener;
use std::path::Path;

fn fill(folder: &Path, names: [&str; 3]) -> Files {
    let [chain, key, roots] = names.map(|name| folder.join(name));
    for path in [&chain, &key, &roots] {
        write(path, "").expect("a file");
    }
    Files { chain, key, roots }
}

#[test]
fn the_first_place_that_is_complete_counts() {
    let home = tempfile::tempdir().expect("a folder");
    let [one, two] = ["one", "two"].map(|name| home.path().join(name));
    for folder in [&one, &two] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let socket = home.path().join("socket");
    let places = Places { socket: Some(socket.clone()), folders: vec![one.clone(), two.clone()] };
    assert_eq!(places.find(), None);
    let missing = places.missing();
    for part in [&socket, &one, &two] {
        assert!(missing.contains(&part.display().to_string()), "{missing}");
    }
    let second = fill(&two, ["certificates.pem", "private_key.pem", "ca_certificates.pem"]);
    assert_eq!(places.find(), Some(Place::Files(second)));
    write(one.join("cert-chain.pem"), "").expect("a file");
    assert!(matches!(places.find(), Some(Place::Files(files)) if files.chain.starts_with(&two)), "one is not complete");
    let first = fill(&one, ["cert-chain.pem", "key.pem", "root-cert.pem"]);
    assert_eq!(places.find(), Some(Place::Files(first.clone())));
    assert_eq!(places.expected(), Some(first.clone()));
    write(&socket, "").expect("a file");
    assert_eq!(places.find(), Some(Place::Files(first)), "a file is no socket");
    std::fs::remove_file(&socket).expect("a file");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    assert_eq!(places.find(), Some(Place::Socket(socket)));
}

#[test]
fn arguments_stand_in_the_place_of_istios_paths() {
    let args = |folder: Option<&str>, socket: Option<&str>| {
        let path = |text: Option<&str>| text.map(Into::into);
        IdentityArgs { workload_certificates: path(folder), workload_identity_socket: path(socket) }.places()
    };
    assert_eq!(args(None, None), Places::default());
    assert_eq!(args(None, Some("socket")), Places::default(), "Istio's own name of it");
    let uds = "/var/run/secrets/workload-spiffe-uds";
    for (folder, socket, wanted_socket, wanted_folders) in [
        (Some("/certs"), None, None, vec!["/certs"]),
        (Some("/certs"), Some("/run/spire"), Some("/run/spire".to_owned()), vec!["/certs"]),
        (None, Some("spire"), Some(format!("{uds}/spire")), vec![]),
    ] {
        let wanted = Places {
            socket: wanted_socket.map(Into::into),
            folders: wanted_folders.into_iter().map(Into::into).collect(),
        };
        assert_eq!(args(folder, socket), wanted);
    }
}

#[test]
fn a_named_socket_that_is_late_is_waited_for() {
    let home = tempfile::tempdir().expect("a folder");
    let socket = home.path().join("socket");
    let args = IdentityArgs { workload_identity_socket: Some(socket.clone()), ..IdentityArgs::default() };
    let mut identity = Identity::new(args.places(), Node::default());
    for name in ["default", "ROOTCA"] {
        let Source::Nowhere(problem) = identity.own(name) else { panic!("{name} from elsewhere") };
        assert!(problem.contains(&socket.display().to_string()) && !problem.contains("/etc/certs"), "{problem}");
    }
    let _listener = UnixListener::bind(&socket).expect("a socket");
    assert!(matches!(identity.own("default"), Source::Server(uri, _) if uri.ends_with("/socket")));
}

#[test]
fn names_of_files_are_istios() {
    let Some(secret::Type::TlsCertificate(pair)) = of_files("file-cert:/a/b.pem~/a/key.pem") else {
        panic!("no certificate")
    };
    assert!(format!("{pair:?}").contains("/a/b.pem") && format!("{pair:?}").contains("/a/key.pem"));
    let Some(secret::Type::ValidationContext(roots)) = of_files("file-root:/a/ca.pem") else { panic!("no roots") };
    assert!(format!("{roots:?}").contains("/a/ca.pem"));
    let Some(secret::Type::ValidationContext(roots)) = of_files("file-root:system") else { panic!("no roots") };
    assert!(roots.system_root_certs.is_some());
    for name in ["default", "ROOTCA", "file-cert:/a", "kubernetes://a"] {
        assert!(of_files(name).is_none(), "{name}");
    }
}
