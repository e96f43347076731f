//! Programs that run beside this one until it drops them.

use std::{
    env,
    io::{self, BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

pub struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts `serve` with these arguments, on this processor or on any.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(processor: Option<&str>, arguments: &[&str]) -> io::Result<Self> {
        let serve = env::current_exe()?.with_file_name("serve");
        let mut command = match processor {
            Some(processor) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(processor).arg(serve);
                command
            }
            None => Command::new(serve),
        };
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// The next line that it prints.
    ///
    /// # Errors
    ///
    /// When it ended before.
    pub fn line(&mut self) -> io::Result<String> {
        let ended = || io::Error::other("the server ended");
        self.lines.next().ok_or_else(ended)?
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
