//! A program that runs as long as its test.
//! In comes a command; out come its process id, its output so far and its end.
//! It is killed by its process id when the value is dropped, also when the test fails.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
pub use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::wait::try_eventually;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Where its output goes; it lives as long as the process.
    home: TempDir,
}

impl Process {
    /// Starts `command` with its output in a file and no input.
    pub fn start(mut command: Command) -> Result<Self> {
        let name = PathBuf::from(command.get_program());
        let name = name.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let home = tempfile::tempdir()?;
        // Appending: a program that opens /dev/stdout once more has an offset of its own.
        let out = File::options().create(true).append(true).open(home.path().join("output"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { name, child, home })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far to standard output and standard error.
    pub fn output(&self) -> String {
        fs::read(self.home.path().join("output"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal, such as `SIGTERM`.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("{signal} to {} ({id})", self.name))
    }

    /// Asks until the answer is `Ok`; an error carries the output when the deadline passes or the program ends.
    pub fn wait_until<T>(&mut self, limit: Duration, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let mut ended = None;
        let answer = try_eventually(limit, || match self.child.try_wait() {
            Ok(Some(status)) => {
                ended = Some(status);
                Ok(None)
            }
            _ => ask().map(Some),
        });
        match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => bail!(
                "{} ended{}:\n{}",
                self.name,
                ended.map_or_else(String::new, |status| format!(" with {status}")),
                self.output()
            ),
            Err(error) => Err(error.context(format!("{} within {limit:?}:\n{}", self.name, self.output()))),
        }
    }

    /// Waits for its end.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<ExitStatus> {
        let child = &mut self.child;
        let ended = try_eventually(limit, || child.try_wait().map_err(anyhow::Error::from)?.context("still running"));
        ended.with_context(|| format!("end of {} within {limit:?}:\n{}", self.name, self.output()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Child::kill goes by the process id and does nothing once the child was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
