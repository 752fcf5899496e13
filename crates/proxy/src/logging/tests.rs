use super::*;
use lateen_proxy_core::ir::AccessLogSink;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(10);

fn line(text: &str) -> impl FnOnce(&mut Vec<u8>) + '_ {
    move |out| out.extend_from_slice(text.as_bytes())
}

#[test]
fn lines_of_two_workers_reach_the_file_and_reopening_moves_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let sink = AccessLogSink::File(path.to_str().expect("UTF-8").to_owned());
    let logs = AccessLogs::start().expect("a thread");
    let (mut one, mut two) = (logs.worker(), logs.worker());
    one.write(&sink, line("a\n"));
    two.write(&sink, line("b\n"));
    one.write(&sink, line("c\n"));
    assert!(logs.flush(LONG));
    let mut lines: Vec<_> = std::fs::read_to_string(&path).expect("a file").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["a", "b", "c"]);

    std::fs::rename(&path, folder.path().join("old")).expect("moved");
    logs.reopen();
    // Lines that come while it is done may go to either file.
    assert!(logs.flush(LONG));
    one.write(&sink, line("d\n"));
    assert!(logs.flush(LONG));
    assert_eq!(std::fs::read_to_string(&path).expect("a new file"), "d\n");
    assert_eq!(logs.dropped(), 0);
}

#[test]
fn lines_without_a_place_are_counted() {
    let sink = AccessLogSink::File("/nowhere/at/all".to_owned());
    let logs = AccessLogs::start().expect("a thread");
    let mut worker = logs.worker();
    worker.write(&sink, line("a\nb\n"));
    assert!(logs.flush(LONG));
    assert_eq!(logs.dropped(), 2);
}

#[test]
fn lines_of_a_worker_that_is_gone_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let logs = AccessLogs::start().expect("a thread");
    let mut worker = logs.worker();
    worker.write(&AccessLogSink::File(path.to_str().expect("UTF-8").to_owned()), line("last\n"));
    drop(worker);
    assert!(logs.flush(LONG));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "last\n");
}

#[test]
fn levels_by_envoys_names() {
    for (text, level) in [("warn", LogLevel::Warning), ("critical", LogLevel::Critical), ("OFF", LogLevel::Off)] {
        assert_eq!(text.parse(), Ok(level));
    }
    assert!("loud".parse::<LogLevel>().is_err_and(|error| error.contains("`loud`")));
}

#[test]
fn writes_dates() {
    for (seconds, text) in [(0, "1970-01-01 00:00:00.000"), (951_782_400, "2000-02-29 00:00:00.000")] {
        assert_eq!(super::process::timestamp(Duration::from_secs(seconds), ' '), text);
    }
}
