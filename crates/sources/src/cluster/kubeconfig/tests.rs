use std::fs;
use std::path::{Path, PathBuf};

use super::{Environment, Found, Proxies, find};

const TWO: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters:\n\
    - {name: one, cluster: {server: 'http://127.0.0.1:1'}}\nusers: []\ncontexts:\n\
    - {name: a, context: {cluster: one, namespace: shop}}\n- {name: b, context: {cluster: gone}}\n";
const OTHER: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n\
    - {name: gone, cluster: {server: 'http://127.0.0.1:2'}}\ncontexts:\n- {name: c, context: {cluster: gone}}\n";

/// What is tried: the file and the context given, the environment, and a part of what comes of it.
type Case<'a> = (&'a str, Option<&'a Path>, Option<&'a str>, Environment, &'a str);

/// The context that is chosen, or the error.
fn chosen(given: Option<&Path>, context: Option<&str>, environment: &Environment) -> String {
    match find(given, context, environment) {
        Ok(Found::Pod) => "pod".to_owned(),
        Ok(Found::File { context, .. }) => context,
        Err(error) => error.to_string(),
    }
}

#[test]
fn kubectl_would_find_the_same() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let (two, other) = (write("two", TWO), write("other", OTHER));
    let (empty, broken) = (write("empty", ""), write("broken", "contexts: {"));
    let none = write("none", &TWO.replace("current-context: a\n", ""));
    let missing = folder.join("missing");
    let with_home = tempfile::tempdir().unwrap();
    fs::create_dir(with_home.path().join(".kube")).unwrap();
    fs::write(with_home.path().join(".kube/config"), OTHER).unwrap();

    let list = |paths: &[&PathBuf]| Some(std::env::join_paths(paths).unwrap());
    let environment = |paths: &[&PathBuf]| Environment { kubeconfig: list(paths), ..Environment::default() };
    let at_home = || Environment { home: Some(with_home.path().to_owned()), ..Environment::default() };
    let in_pod = |environment| Environment { service_host: Some("10.0.0.1".into()), ..environment };
    let cases: [Case<'_>; 16] = [
        ("a file that is given comes first", Some(&two), None, in_pod(environment(&[&other])), "a"),
        ("a context of it", Some(&two), Some("b"), Environment::default(), "b"),
        ("a context it has not", Some(&two), Some("z"), Environment::default(), "no context \"z\"; it has a, b"),
        ("no current context", Some(&none), None, Environment::default(), "choose one with --context: a, b"),
        ("a given file that is not there", Some(&missing), None, in_pod(at_home()), "missing: No such file"),
        ("a given file that is empty", Some(&empty), None, Environment::default(), "it has no contexts"),
        ("a given file that is broken", Some(&broken), None, Environment::default(), "broken: failed to parse"),
        ("KUBECONFIG before home", None, None, Environment { home: at_home().home, ..environment(&[&two]) }, "a"),
        ("files of KUBECONFIG are merged, first wins", None, None, environment(&[&missing, &two, &other]), "a"),
        ("a context of the second file", None, Some("c"), environment(&[&two, &other]), "c"),
        ("home", None, None, in_pod(at_home()), "c"),
        ("a pod without a kubeconfig", None, None, in_pod(Environment::default()), "pod"),
        ("a pod with an empty kubeconfig", None, None, in_pod(environment(&[&empty])), "pod"),
        ("an empty kubeconfig", None, None, environment(&[&empty]), "(KUBECONFIG) has no contexts, and this is no pod"),
        ("a KUBECONFIG that is not there", None, None, environment(&[&missing]), "(KUBECONFIG) is not there"),
        ("nothing at all", None, None, Environment::default(), "no cluster to ask: there is no home folder"),
    ];
    for (what, given, context, environment, expected) in cases {
        let found = chosen(given, context, &environment);
        assert!(found.contains(expected), "{what}: expected {expected:?}, got {found:?}");
    }
}

#[test]
fn a_context_without_its_cluster_is_said() {
    let home = tempfile::tempdir().unwrap();
    let two = home.path().join("two");
    fs::write(&two, TWO).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let load = |context| {
        runtime.block_on(find(Some(&two), context, &Environment::default()).unwrap().load(&Proxies::default()))
    };
    let error = load(Some("b")).unwrap_err().to_string();
    assert!(error.contains("two") && error.contains("\"b\"") && error.contains("gone"), "{error}");
    let (config, name) = load(None).unwrap();
    assert_eq!(name, "cluster http://127.0.0.1:1 (context \"a\")");
    assert_eq!(config.default_namespace, "shop");
}
