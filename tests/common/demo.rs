//! The demo as a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use super::{Browser, remote};

pub struct Demo {
    child: Child,
    pub base: String,
    _stdout: BufReader<ChildStdout>,
}

impl Demo {
    /// Starts the demo with these settings and none of ours, and waits until it listens.
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::of(&mut command(settings))
    }

    /// The same, without what it logs: nobody reads that before the pipe is full.
    pub fn silent(settings: &[(&str, &str)]) -> Self {
        Self::of(command(settings).stderr(Stdio::null()))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command
            .spawn()
            .expect("the demo is built along with the tests");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let base = loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the demo listens");
            if let Some(base) = line.trim().strip_prefix("listening on ") {
                break base.to_owned();
            }
        };
        Self {
            child,
            base,
            _stdout: stdout,
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: remote(&self.base),
            jar: Vec::new(),
        }
    }

    /// Ends the demo as no program expects it, and reads all that it logged.
    pub fn log(mut self) -> String {
        let mut log = String::new();
        let _ = self.child.kill();
        let stderr = self.child.stderr.take();
        stderr.unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The demo with these settings, not started yet.
pub fn command(settings: &[(&str, &str)]) -> Command {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.ancestors().nth(2).unwrap().into();
    let mut command = Command::new(target.join("examples").join("demo"));
    command
        .env_clear()
        .env("LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
