//! Processes that end with the test that started them.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// A running program; killed when dropped.
pub struct Program(Child);

impl Program {
    /// Starts it with its output in a file.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let out = File::create(log).unwrap();
        let err = out.try_clone().unwrap();
        Self(command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("the program starts"))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// SIGTERM, then its exit status.
    pub fn terminate(&mut self) -> ExitStatus {
        signal(self.id(), "-TERM");
        self.0.wait().unwrap()
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal, e.g. `-STOP`.
pub fn signal(pid: u32, signal: &str) {
    output(Command::new("kill").args([signal, &pid.to_string()]));
}

/// Runs a command to its end; panics with what it said if it fails.
pub fn output(command: &mut Command) -> String {
    let out = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        out.status.success(),
        "{command:?}: {}\n{}{}",
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

/// Runs a program to its end: whether it succeeded, and all it said.
pub fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let out = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.success(), text(&out.stdout) + &text(&out.stderr))
}

/// A path from the environment that `make test` sets.
pub fn path_of(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run make test, or scripts/test"))
}
