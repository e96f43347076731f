//! The demo as a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

pub struct Demo {
    pub child: Child,
    pub base: String,
    _stdout: BufReader<ChildStdout>,
}

impl Demo {
    /// Waits until it listens.
    pub fn of(command: &mut Command) -> Self {
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
