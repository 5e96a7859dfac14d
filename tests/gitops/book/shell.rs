//! The reader's shell: one for a page, so that what a block sets is there in the next.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use super::stage::Ground;

/// Longest time a block may take: more than all timeouts in the documentation.
const PATIENCE: Duration = Duration::from_secs(400);
const END: &str = "@@end";
const FAILED: &str = "@@failed ";

/// What a block came to.
pub struct Outcome {
    /// What it printed.
    pub output: String,
    /// Commands that did not succeed, with their exit status.
    pub failed: Vec<(String, String)>,
}

/// A shell that waits for the next block.
pub struct Shell {
    child: Child,
    typed: ChildStdin,
    printed: Receiver<String>,
    block: PathBuf,
}

impl Shell {
    /// Starts it.
    pub fn start(ground: &Ground) -> Self {
        let mut command = ground.command("bash");
        command.args(["--noprofile", "--norc"]).current_dir(&ground.folder).process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (typed, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (lines, printed) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        let mut shell = Self { child, typed, printed, block: ground.folder.join(".block") };
        shell.tell("exec 2>&1; set -o pipefail; nl=$'\\n'");
        shell.tell(&format!("trap 'echo \"{FAILED}$? ${{BASH_COMMAND%%$nl*}}\"' ERR"));
        shell.run(&ground.prepared);
        shell
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.typed, "{line}").unwrap();
    }

    /// Runs a block to its end. It reads no input: what would ask, fails.
    pub fn run(&mut self, text: &str) -> Outcome {
        fs::write(&self.block, text).unwrap();
        self.tell(&format!(". ./.block </dev/null\nprintf '\\n{END}\\n'"));
        let mut outcome = Outcome { output: String::new(), failed: Vec::new() };
        loop {
            let line = self.printed.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{text}\ndid not end; so far:\n{}", outcome.output));
            if line == END {
                return outcome;
            }
            match line.strip_prefix(FAILED).and_then(|failed| failed.split_once(' ')) {
                // The reading of the file fails with its last command.
                Some((_, command)) if command.starts_with(". ./.block") => {}
                Some((status, command)) => outcome.failed.push((command.to_owned(), status.to_owned())),
                None => outcome.output.extend([line.as_str(), "\n"]),
            }
        }
    }
}

impl Drop for Shell {
    /// With all that the page left running.
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
