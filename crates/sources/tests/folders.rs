//! Real folders and real events: what happens on disk, and the generations that come of it.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lateen_config::{Severity, Spec};
use lateen_sources::{Generation, Source, load};
use tempfile::TempDir;

/// The longest wait for something that must happen; far above what it takes.
const LIMIT: Duration = Duration::from_secs(10);

fn entry(name: &str, host: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata:\n  name: {name}\n\
         spec:\n  hosts:\n  - {host}\n---\n"
    )
}

/// `name=host` of every object.
fn hosts(generation: &Generation) -> Vec<String> {
    let host = |spec: &Spec| match spec {
        Spec::ServiceEntry(entry) => entry.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
        _ => String::new(),
    };
    generation.objects.iter().map(|object| format!("{}={}", object.meta.name, host(&object.spec))).collect()
}

/// A watched folder, and every generation that it gave.
struct Rig {
    runtime: tokio::runtime::Runtime,
    home: TempDir,
    source: Source,
}

impl Rig {
    fn new(prepare: impl FnOnce(&Path)) -> Self {
        Self::watching("conf", prepare)
    }

    fn watching(name: &str, prepare: impl FnOnce(&Path)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("conf");
        fs::create_dir(&root).unwrap();
        prepare(&root);
        let source = Source::open(&[home.path().join(name)]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, home, source }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("conf").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn replace(&self, name: &str, text: &str) {
        let temporary = self.path(".temporary");
        fs::write(&temporary, text).unwrap();
        fs::rename(temporary, self.path(name)).unwrap();
    }

    fn next(&mut self) -> Arc<Generation> {
        self.within(LIMIT).expect("a generation")
    }

    fn within(&mut self, limit: Duration) -> Option<Arc<Generation>> {
        let changed = async { tokio::time::timeout(limit, self.source.changed()).await };
        self.runtime.block_on(changed).ok().map(|changed| changed.expect("watching goes on"))
    }

    /// The next generation, which must hold exactly these objects.
    #[track_caller]
    fn expect(&mut self, want: &[&str]) -> Arc<Generation> {
        let generation = self.next();
        assert_eq!(hosts(&generation), want);
        generation
    }
}

#[test]
fn what_counts_in_a_folder_is_read_and_the_rest_is_not() {
    let rig = Rig::new(|root| {
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        for (name, object) in [
            ("a.yaml", "a"),
            ("b.yml", "b"),
            ("sub/deep/d.yaml", "d"),
            (".hidden.yaml", "wrong"),
            (".git/x.yaml", "wrong"),
            ("a.yaml~", "wrong"),
            (".#a.yaml", "wrong"),
            (".a.yaml.swp", "wrong"),
            ("4913", "wrong"),
            ("notes.txt", "wrong"),
        ] {
            fs::write(root.join(name), entry(object, "x.example")).unwrap();
        }
        let json = r#"{"apiVersion":"networking.istio.io/v1","kind":"ServiceEntry","metadata":{"name":"c"},"spec":{"hosts":["x.example"]}}"#;
        fs::write(root.join("c.json"), json).unwrap();
    });
    let generation = rig.source.current();
    assert_eq!(hosts(&generation), ["a=x.example", "b=x.example", "c=x.example", "d=x.example"]);
    assert_eq!(generation.number, 1);
    assert_eq!(hosts(&load(&[rig.path("sub"), rig.path("a.yaml")]).unwrap()), ["d=x.example", "a=x.example"]);
    assert_eq!(hosts(&load(&[rig.path("notes.txt")]).unwrap()), ["wrong=x.example"]);
}

#[test]
fn an_edit_is_a_generation_within_200_ms() {
    let mut rig = Rig::new(|root| fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap());
    // The best of a few, so that a busy machine does not decide.
    let times = (0..5).map(|turn| {
        let host = format!("{turn}.example");
        rig.write("a.yaml", &entry("a", &host));
        let start = Instant::now();
        rig.expect(&[&format!("a={host}")]);
        start.elapsed()
    });
    let best = times.min().unwrap();
    assert!(best < Duration::from_millis(200), "{best:?}");
}

#[test]
fn files_come_change_and_go() {
    let mut rig = Rig::new(|_| {});
    assert_eq!(hosts(&rig.source.current()), [""; 0]);
    rig.write("a.yaml", &entry("a", "one.example"));
    rig.expect(&["a=one.example"]);
    rig.replace("a.yaml", &entry("a", "two.example"));
    rig.expect(&["a=two.example"]);
    fs::rename(rig.path("a.yaml"), rig.path("b.yaml")).unwrap();
    rig.expect(&["a=two.example"]);
    fs::remove_file(rig.path("b.yaml")).unwrap();
    rig.expect(&[]);
}

#[test]
fn a_new_sub_folder_is_read_and_watched() {
    let mut rig = Rig::new(|_| {});
    fs::create_dir_all(rig.path("x/y")).unwrap();
    rig.write("x/y/a.yaml", &entry("a", "one.example"));
    rig.expect(&["a=one.example"]);
    rig.write("x/y/a.yaml", &entry("a", "two.example"));
    rig.expect(&["a=two.example"]);
    fs::remove_dir_all(rig.path("x")).unwrap();
    rig.expect(&[]);
}

#[test]
fn many_files_written_in_a_row_are_one_generation() {
    let mut rig = Rig::new(|_| {});
    for name in ["a", "b", "c", "d", "e"] {
        rig.write(&format!("{name}.yaml"), &entry(name, "x.example"));
    }
    assert_eq!(rig.next().objects.len(), 5);
}

#[test]
fn a_half_written_file_never_becomes_a_generation() {
    let mut rig = Rig::new(|root| fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap());
    // The first half parses, and lacks what the second half says.
    let text = entry("a", "two.example") + &entry("b", "two.example");
    let half = entry("a", "two.example").len();
    for cut in [half, half - 20, 3] {
        rig.replace("a.yaml", &entry("a", "one.example"));
        while hosts(&rig.source.current()) != ["a=one.example"] {
            rig.next();
        }
        let mut file = File::create(rig.path("a.yaml")).unwrap();
        file.write_all(&text.as_bytes()[..cut]).unwrap();
        file.sync_all().unwrap();
        let early = rig.within(Duration::from_millis(700));
        assert!(early.is_none(), "cut at {cut}: {:?}", early.map(|generation| hosts(&generation)));
        file.write_all(&text.as_bytes()[cut..]).unwrap();
        drop(file);
        rig.expect(&["a=two.example", "b=two.example"]);
    }
}

#[test]
fn a_half_written_file_does_not_hold_back_the_others_for_long() {
    let mut rig = Rig::new(|_| {});
    let mut file = File::create(rig.path("a.yaml")).unwrap();
    file.write_all(entry("a", "one.example").as_bytes()).unwrap();
    rig.write("b.yaml", &entry("b", "two.example"));
    rig.expect(&["b=two.example"]);
    drop(file);
    rig.expect(&["a=one.example", "b=two.example"]);
}

#[test]
fn a_bad_edit_keeps_the_last_good_form_and_a_good_one_replaces_it() {
    let mut rig = Rig::new(|root| fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap());
    for bad in
        ["kind: [", "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec: {hosts: 7}\n"]
    {
        rig.write("a.yaml", bad);
        let generation = rig.expect(&["a=one.example"]);
        assert!(generation.findings.iter().any(|finding| finding.severity == Severity::Error), "{bad}");
    }
    rig.write("a.yaml", &entry("a", "two.example"));
    assert!(rig.expect(&["a=two.example"]).findings.is_empty());
}

/// What kubelet does to the folder of a mounted ConfigMap.
fn mount(root: &Path, version: &str, text: &str) {
    let folder = format!("..{version}");
    fs::create_dir(root.join(&folder)).unwrap();
    fs::write(root.join(&folder).join("a.yaml"), text).unwrap();
    symlink(&folder, root.join("..data_tmp")).unwrap();
    let old = fs::read_link(root.join("..data")).ok();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    match old {
        None => symlink("..data/a.yaml", root.join("a.yaml")).unwrap(),
        Some(old) => fs::remove_dir_all(root.join(old)).unwrap(),
    }
}

#[test]
fn a_mounted_config_map_is_read_once_and_followed_through_its_swap() {
    for name in ["conf", "conf/a.yaml"] {
        let mut rig = Rig::watching(name, |root| mount(root, "2026_1", &entry("a", "one.example")));
        let first = rig.source.current();
        assert_eq!(hosts(&first), ["a=one.example"]);
        assert_eq!((first.files.len(), first.findings.len()), (1, 0));
        let swaps = [("2026_2", "two.example"), ("2026_3", "three.example"), ("2026_4", "four.example")];
        let times = swaps.map(|(version, host)| {
            let start = Instant::now();
            mount(&rig.path(""), version, &entry("a", host));
            rig.expect(&[&format!("a={host}")]);
            start.elapsed()
        });
        assert!(times.iter().min() < Some(&Duration::from_millis(500)), "by an event and not by the poll: {times:?}");
    }
}

#[test]
fn a_folder_can_be_replaced_removed_and_brought_back() {
    let mut rig = Rig::new(|root| fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap());
    let other = rig.home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a.yaml"), entry("a", "two.example")).unwrap();
    fs::remove_dir_all(rig.path("")).unwrap();
    fs::rename(&other, rig.path("")).unwrap();
    rig.expect(&["a=two.example"]);
    rig.write("a.yaml", &entry("a", "three.example"));
    rig.expect(&["a=three.example"]);
    fs::remove_dir_all(rig.path("")).unwrap();
    let gone = rig.expect(&[]);
    assert!(gone.findings[0].message.contains("No such file"), "{:?}", gone.findings);
    fs::create_dir(rig.path("")).unwrap();
    rig.write("a.yaml", &entry("a", "four.example"));
    while hosts(&rig.source.current()) != ["a=four.example"] {
        rig.next();
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_finding_and_the_rest_serves() {
    let rig = Rig::new(|root| {
        fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap();
        fs::write(root.join("b.yaml"), b"a: \xff\xfe").unwrap();
        symlink("nowhere", root.join("c.yaml")).unwrap();
        symlink("..", root.join("loop")).unwrap();
        symlink("a.yaml", root.join("again.yaml")).unwrap();
    });
    let generation = rig.source.current();
    assert_eq!(hosts(&generation), ["a=one.example"]);
    let places: Vec<_> =
        generation.findings.iter().map(|finding| finding.place.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(places, ["b.yaml", "c.yaml"]);
}

#[test]
fn touching_a_file_without_changing_it_is_nothing() {
    let mut rig = Rig::new(|root| fs::write(root.join("a.yaml"), entry("a", "one.example")).unwrap());
    rig.write("a.yaml", &entry("a", "one.example"));
    rig.write("notes.txt", "nothing");
    assert!(rig.within(Duration::from_millis(400)).is_none());
}

#[test]
fn a_change_without_any_event_is_seen_by_the_poll() {
    // A symlink in the middle of the path: no watched folder changes when it leads elsewhere.
    let mut rig = Rig::watching("link/inner", |root| {
        for (version, host) in [("v1", "one.example"), ("v2", "two.example")] {
            let inner = root.join(version).join("inner");
            fs::create_dir_all(&inner).unwrap();
            fs::write(inner.join("a.yaml"), entry("a", host)).unwrap();
        }
        symlink(root.join("v1"), root.parent().unwrap().join("link")).unwrap();
    });
    assert_eq!(hosts(&rig.source.current()), ["a=one.example"]);
    let link = rig.home.path().join("link");
    symlink(rig.path("v2"), rig.home.path().join("next")).unwrap();
    fs::rename(rig.home.path().join("next"), link).unwrap();
    rig.expect(&["a=two.example"]);
}
