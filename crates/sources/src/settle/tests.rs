use super::*;
use crate::scan::Entry;

/// A disk of numbered stamps, and a clock that is an argument.
struct Rig {
    start: Instant,
    settle: Settle,
    disk: BTreeMap<PathBuf, (u64, bool)>,
}

impl Rig {
    fn new() -> Self {
        Self { start: Instant::now(), settle: Settle::default(), disk: BTreeMap::new() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// A file gets another stamp, and an event tells of it.
    fn write(&mut self, ms: u64, path: &str, stamp: u64) {
        self.disk.insert(path.into(), (stamp, false));
        self.settle.hear(Heard::Written(path.into()), self.at(ms));
    }

    fn close(&mut self, ms: u64, path: &str) {
        self.settle.hear(Heard::Closed(path.into()), self.at(ms));
    }

    fn rename_over(&mut self, ms: u64, path: &str, stamp: u64) {
        self.disk.insert(path.into(), (stamp, false));
        self.settle.hear(Heard::Touched(path.into()), self.at(ms));
    }

    fn remove(&mut self, ms: u64, path: &str) {
        self.disk.remove(Path::new(path));
        self.settle.hear(Heard::Touched(path.into()), self.at(ms));
    }

    fn look(&mut self, ms: u64) -> Seen {
        let mut listing = Listing::default();
        for (path, (stamp, missing)) in &self.disk {
            let entry = Entry {
                shown: path.to_string_lossy().into(),
                real: path.clone(),
                stamp: Stamp::numbered(*stamp),
                problem: None,
                missing: *missing,
                root: 0,
            };
            listing.files.insert(path.clone(), entry);
        }
        let now = self.at(ms);
        self.settle.list(&listing, |_| Duration::ZERO, now);
        match self.settle.decide(now) {
            Decision::Idle => Seen::Idle,
            Decision::Wait(then) => Seen::Wait((then - self.start).as_millis() as u64),
            Decision::Take(paths) => {
                self.settle.taken(&paths, now);
                Seen::Take(paths.iter().map(|path| path.to_string_lossy().into()).collect())
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Idle,
    Wait(u64),
    Take(Vec<String>),
}

fn take(paths: &[&str]) -> Seen {
    Seen::Take(paths.iter().map(|path| (*path).into()).collect())
}

#[test]
fn a_written_and_closed_file_is_taken_after_the_quiet_time() {
    let mut rig = Rig::new();
    rig.write(0, "a", 1);
    rig.close(1, "a");
    assert_eq!(rig.look(20), Seen::Wait(51));
    assert_eq!(rig.look(51), take(&["a"]));
    assert_eq!(rig.look(52), Seen::Idle);
}

#[test]
fn a_file_that_is_still_open_for_writing_is_not_taken() {
    let mut rig = Rig::new();
    rig.write(0, "a", 1);
    assert!(matches!(rig.look(50), Seen::Wait(_)));
    assert!(matches!(rig.look(600), Seen::Wait(_)));
    rig.write(3000, "a", 2);
    assert!(matches!(rig.look(3100), Seen::Wait(_)));
    rig.close(3200, "a");
    assert_eq!(rig.look(3250), take(&["a"]));
}

#[test]
fn a_writer_that_never_closes_is_believed_in_the_end() {
    let mut rig = Rig::new();
    rig.write(0, "a", 1);
    assert!(matches!(rig.look(4999), Seen::Wait(_)));
    assert_eq!(rig.look(5000), take(&["a"]));
}

#[test]
fn several_files_make_one_generation() {
    let mut rig = Rig::new();
    for (ms, path) in [(0, "a"), (40, "b"), (80, "c")] {
        rig.write(ms, path, 1);
        rig.close(ms, path);
    }
    rig.remove(90, "z");
    assert_eq!(rig.look(90), Seen::Wait(130));
    assert_eq!(rig.look(130), take(&["a", "b", "c"]));
}

#[test]
fn one_restless_file_holds_back_the_others_for_a_bounded_time() {
    let mut rig = Rig::new();
    rig.write(0, "a", 1);
    rig.close(0, "a");
    let mut taken_at = None;
    for ms in (10..1000).step_by(10) {
        rig.write(ms, "restless", ms);
        match rig.look(ms) {
            Seen::Wait(_) => {}
            seen => {
                assert_eq!(seen, take(&["a"]));
                taken_at = Some(ms);
                break;
            }
        }
    }
    assert_eq!(taken_at, Some(510));
}

#[test]
fn a_file_that_is_replaced_over_and_over_is_taken_now_and_then() {
    let mut rig = Rig::new();
    let takes = (0..2000).step_by(20).filter(|ms| {
        rig.rename_over(*ms, "a", *ms);
        matches!(rig.look(ms + 15), Seen::Take(_))
    });
    assert!((2..=4).contains(&takes.count()));
}

#[test]
fn what_looks_cut_off_needs_more_quiet() {
    let mut rig = Rig::new();
    rig.rename_over(0, "a", 1);
    assert_eq!(rig.look(10), Seen::Wait(50));
    assert!(rig.settle.doubt(Path::new("a"), rig.at(50)));
    assert_eq!(rig.look(50), Seen::Wait(100));
    assert!(!rig.settle.doubt(Path::new("a"), rig.at(100)));
    assert_eq!(rig.look(100), take(&["a"]));
}

#[test]
fn doubt_ends_with_the_next_state_of_the_file() {
    let mut rig = Rig::new();
    rig.rename_over(0, "a", 1);
    rig.look(10);
    rig.settle.doubt(Path::new("a"), rig.at(50));
    rig.rename_over(60, "a", 2);
    assert_eq!(rig.look(61), Seen::Wait(110));
    assert_eq!(rig.look(110), take(&["a"]));
}

#[test]
fn a_change_that_nobody_told_of_is_taken_when_it_was_seen_for_the_quiet_time() {
    let mut rig = Rig::new();
    rig.disk.insert("a".into(), (1, false));
    assert_eq!(rig.look(1000), Seen::Wait(1050));
    assert_eq!(rig.look(1050), take(&["a"]));
    rig.disk.clear();
    assert_eq!(rig.look(2000), Seen::Wait(2050));
    assert_eq!(rig.look(2050), take(&["a"]));
    assert_eq!(rig.look(2051), Seen::Idle);
}

#[test]
fn a_change_that_is_undone_while_it_waits_is_nothing() {
    let mut rig = Rig::new();
    rig.rename_over(0, "a", 1);
    assert_eq!(rig.look(50), take(&["a"]));
    rig.remove(100, "a");
    assert_eq!(rig.look(110), Seen::Wait(150));
    rig.rename_over(120, "a", 1);
    assert_eq!(rig.look(150), Seen::Idle);
}

#[test]
fn a_folder_that_is_replaced_is_not_taken_for_gone() {
    let mut rig = Rig::new();
    rig.rename_over(0, "root/a", 1);
    rig.look(50);
    rig.remove(100, "root/a");
    rig.disk.insert("root".into(), (0, true));
    rig.settle.hear(Heard::Touched("root".into()), rig.at(100));
    assert_eq!(rig.look(150), Seen::Wait(600));
    rig.disk.remove(Path::new("root"));
    rig.disk.insert("root/a".into(), (2, false));
    assert_eq!(rig.look(300), Seen::Wait(350));
    assert_eq!(rig.look(350), take(&["root/a"]));
}
