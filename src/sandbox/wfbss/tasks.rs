//! Asynchronous work (section 5): a task's state is a function of the clock, its effect falls due.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{names::guid, options::WfbssOptions, write::Write};

/// How a late task is late unless told otherwise: longer than anyone waits.
const LATE: Duration = Duration::from_mins(20);

/// How a task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// SUCCESS.
    Success,
    /// FAILURE.
    Failure,
    /// REVOKED without ever having started.
    Revoked,
    /// STARTED for ever.
    Never,
    /// SUCCESS after everybody has given up.
    Late,
    /// The server knows nothing of it.
    Lost,
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Ok(match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => Self::Success,
            "FAILURE" => Self::Failure,
            "REVOKED" => Self::Revoked,
            "NEVER" => Self::Never,
            "LATE" => Self::Late,
            "LOST" => Self::Lost,
            _ => {
                let known = "SUCCESS, FAILURE, REVOKED, never, late, lost";
                return Err(serde::de::Error::custom(format!(
                    "outcome {word:?} is unknown; known are {known}"
                )));
            }
        })
    }
}

/// How much of the work a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Nothing.
    None,
    /// The first customer only.
    Partial,
    /// All.
    Full,
}

/// The fault `taskOutcome`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forced {
    /// How it ends.
    pub outcome: Outcome,
    /// When it ends; default as all tasks, 20 minutes for a late one.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// Default: full for a success, else none.
    #[serde(default)]
    pub effect: Option<Effect>,
    /// An id in place of a new one (F26: id reused).
    #[serde(default)]
    pub id: Option<String>,
    /// Does its work once more so much later (F26: finishing twice).
    #[serde(default)]
    pub repeat_after_ms: Option<u64>,
}

impl Forced {
    /// What happens without the fault.
    pub const SUCCESS: Self =
        Self { outcome: Outcome::Success, after_ms: None, effect: None, id: None, repeat_after_ms: None };

    fn effect(&self) -> Effect {
        self.effect.unwrap_or(match self.outcome {
            Outcome::Success | Outcome::Late => Effect::Full,
            _ => Effect::None,
        })
    }

    fn end(&self, options: &WfbssOptions) -> Duration {
        match (self.after_ms, self.outcome) {
            (Some(ms), _) => Duration::from_millis(ms),
            (None, Outcome::Late) => LATE,
            (None, _) => Duration::from_millis(options.task_finish_ms),
        }
    }
}

#[derive(Debug, Clone)]
struct Task {
    id: String,
    outcome: Outcome,
    start: Duration,
    end: Duration,
}

impl Task {
    fn status(&self, now: Duration) -> &'static str {
        match self.outcome {
            Outcome::Revoked if now >= self.end => "REVOKED",
            Outcome::Revoked => "PENDING",
            _ if now < self.start => "PENDING",
            Outcome::Success | Outcome::Late if now >= self.end => "SUCCESS",
            Outcome::Failure if now >= self.end => "FAILURE",
            _ => "STARTED",
        }
    }
}

#[derive(Debug, Clone)]
struct Due {
    at: Duration,
    task: Option<String>,
    write: Write,
}

/// All tasks, and the work that is not yet done. Times are monotonic.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    list: Vec<Task>,
    due: Vec<Due>,
}

impl Tasks {
    /// Takes work on as a task; answers its object (section 5).
    pub fn start(
        &mut self,
        write: Option<Write>,
        forced: &Forced,
        options: &WfbssOptions,
        now: Duration,
    ) -> Value {
        let id = forced.id.clone().unwrap_or_else(|| guid(&format!("task {}", self.list.len())));
        let start = now + Duration::from_millis(options.task_start_ms);
        let end = now + forced.end(options);
        let work = write.and_then(|write| match forced.effect() {
            Effect::None => None,
            Effect::Partial => Some(write.cut(1)),
            Effect::Full => Some(write),
        });
        if let Some(write) = work {
            let again = forced.repeat_after_ms.map(|ms| end + Duration::from_millis(ms));
            for at in [Some(end), again].into_iter().flatten() {
                self.due.push(Due { at, task: Some(id.clone()), write: write.clone() });
            }
        }
        let answer = json!({"task": {"id": id, "status": "PENDING"}});
        self.list.push(Task { id, outcome: forced.outcome, start, end });
        answer
    }

    /// Takes work on without a task, to be done at a moment.
    pub fn defer(&mut self, write: Write, at: Duration) {
        self.due.push(Due { at, task: None, write });
    }

    /// Hands out the work due by now, earliest first; work due at the same moment in order of arrival.
    pub fn settle(&mut self, now: Duration) -> Vec<Write> {
        let (mut due, later): (Vec<_>, Vec<_>) = self.due.drain(..).partition(|due| due.at <= now);
        self.due = later;
        due.sort_by_key(|due| due.at);
        due.into_iter().map(|due| due.write).collect()
    }

    /// The state of the newest task of this id; `None` if the server knows none.
    pub fn status(&self, id: &str, now: Duration) -> Option<&'static str> {
        let task = self.list.iter().rev().find(|task| task.id.eq_ignore_ascii_case(id))?;
        (task.outcome != Outcome::Lost).then(|| task.status(now))
    }

    /// Revokes an open task: its work is never done.
    ///
    /// # Errors
    /// If there is no such task or it has ended.
    pub fn revoke(&mut self, id: &str, now: Duration) -> Result<(), String> {
        let open = self
            .list
            .iter_mut()
            .rev()
            .find(|task| task.id == id && matches!(task.status(now), "PENDING" | "STARTED"));
        let task = open.ok_or_else(|| format!("revokeTask: {id:?} is no open task"))?;
        (task.outcome, task.end) = (Outcome::Revoked, now);
        self.due.retain(|due| due.task.as_deref() != Some(id));
        Ok(())
    }

    /// Every task with its true state, in order of creation, also the lost ones.
    pub fn state(&self, now: Duration) -> Value {
        let shown = |task: &Task| json!({"id": task.id, "status": task.status(now), "lost": task.outcome == Outcome::Lost});
        self.list.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::sandbox::wfbss::write::Subject;

    const MS: Duration = Duration::from_millis(1);

    fn run(forced: &Value, at: &[u32]) -> Vec<(Option<&'static str>, usize)> {
        let forced: Forced = serde_json::from_value(forced.clone()).unwrap();
        let (options, mut tasks) = (WfbssOptions::default(), Tasks::default());
        let work = Write { customers: vec![], subject: Subject::Settings, steps: vec![] };
        let answer = tasks.start(Some(work), &forced, &options, Duration::ZERO);
        let id = answer.pointer("/task/id").unwrap().as_str().unwrap().to_owned();
        at.iter().map(|ms| (tasks.status(&id, MS * *ms), tasks.settle(MS * *ms).len())).collect()
    }

    #[test]
    fn states_and_effects_follow_the_clock() {
        let (pending, started, success) = (Some("PENDING"), Some("STARTED"), Some("SUCCESS"));
        let cases = [
            (
                "as usual",
                json!({"outcome": "success"}),
                vec![(pending, 0), (started, 0), (success, 1), (success, 0)],
            ),
            (
                "fails",
                json!({"outcome": "FAILURE"}),
                vec![(pending, 0), (started, 0), (Some("FAILURE"), 0), (Some("FAILURE"), 0)],
            ),
            (
                "fails half way",
                json!({"outcome": "FAILURE", "effect": "partial"}),
                vec![(pending, 0), (started, 0), (Some("FAILURE"), 1), (Some("FAILURE"), 0)],
            ),
            (
                "is revoked before it starts",
                json!({"outcome": "REVOKED"}),
                vec![(pending, 0), (pending, 0), (Some("REVOKED"), 0), (Some("REVOKED"), 0)],
            ),
            (
                "never ends",
                json!({"outcome": "never"}),
                vec![(pending, 0), (started, 0), (started, 0), (started, 0)],
            ),
            (
                "is late",
                json!({"outcome": "late"}),
                vec![(pending, 0), (started, 0), (started, 0), (success, 1)],
            ),
            ("is lost", json!({"outcome": "lost"}), vec![(None, 0); 4]),
            (
                "is lost, yet works",
                json!({"outcome": "lost", "effect": "full"}),
                vec![(None, 0), (None, 0), (None, 1), (None, 0)],
            ),
            (
                "works twice",
                json!({"outcome": "success", "repeatAfterMs": 5000}),
                vec![(pending, 0), (started, 0), (success, 1), (success, 1)],
            ),
        ];
        for (why, forced, expected) in cases {
            assert_eq!(run(&forced, &[0, 1000, 3000, 1_200_000]), expected, "{why}");
        }
    }

    #[test]
    fn a_revoked_task_does_no_work() {
        let (options, mut tasks) = (WfbssOptions::default(), Tasks::default());
        let work = Write { customers: vec![], subject: Subject::Settings, steps: vec![] };
        let answer = tasks.start(Some(work), &Forced::SUCCESS, &options, Duration::ZERO);
        let id = answer.pointer("/task/id").unwrap().as_str().unwrap();
        tasks.revoke(id, MS * 2000).unwrap();
        assert_eq!(tasks.status(id, MS * 2000), Some("REVOKED"));
        assert!(tasks.settle(MS * 9000).is_empty());
        assert!(tasks.revoke(id, MS * 9000).is_err(), "it has ended");
    }
}
