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
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let program = Self(child.expect("the program starts"));
        program.guarded(log);
        program
    }

    /// Written down where a control plane of the test's own keeps its processes, if the output lies beside one: its guard
    /// ends them all should the test be killed hard.
    fn guarded(&self, log: &Path) {
        let mut lists = log.ancestors().map(|folder| folder.join("kube/pids"));
        let Some(list) = lists.find(|list| list.is_file()) else { return };
        let record = r#". "$0/scripts/lib.sh" && who=$(identity "$1") && echo "program $1 $who" >>"$2""#;
        let mut shell = Command::new("bash");
        shell.args(["-c", record, env!("CARGO_MANIFEST_DIR"), &self.id().to_string()]).arg(list);
        // One that has ended at once has no start time any more, and needs nobody to end it.
        let _ = shell.stdin(Stdio::null()).stderr(Stdio::null()).status();
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
