//! Asking for a task: where, only the Backend can tell, because the vendor's page is not public (sheet section 5).

use super::{calls::Session, wire};
use crate::{
    api::conditions::Reason,
    drivers::{Class, DriverError},
    model::memory::TaskState,
};

/// `spec.system.wfbss.taskPath`: segments below the API's root, one of which holds `{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPath(Vec<String>);

impl TaskPath {
    /// Takes `tasks/{id}`, with or without a slash before it.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let segments: Vec<String> = text.trim_matches('/').split('/').map(str::to_owned).collect();
        let steps = segments.iter().any(|segment| matches!(segment.as_str(), "" | "." | ".."));
        if steps || segments.iter().filter(|segment| segment.contains("{id}")).count() != 1 {
            return Err(format!(
                "spec.system.wfbss.taskPath is {text:?}: it must be a path such as tasks/{{id}}, with {{id}} once"
            ));
        }
        Ok(Self(segments))
    }

    fn of(&self, operation: &str) -> Vec<String> {
        self.0.iter().map(|segment| segment.replace("{id}", operation)).collect()
    }

    /// The state of a task; an id that the system does not know may also be called pending.
    ///
    /// # Errors
    /// `Gone` for a 404, `Transient` for an answer that is no task, else by the status.
    pub async fn state(&self, session: &Session, operation: &str) -> Result<TaskState, DriverError> {
        let path = self.of(operation);
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let answer = session.get(&segments, &[]).await.map_err(|error| of_a_task(error, operation))?;
        wire::task(&answer).map(|task| task.state).ok_or_else(|| {
            let shown = session.http.excerpt(answer.to_string().as_bytes());
            let message = format!("asked for task {operation}, the system answered something else: {shown}");
            DriverError::new(Class::Transient, Reason::UnexpectedAnswer, message)
        })
    }
}

/// A 404 here speaks of the task, not of a customer.
fn of_a_task(mut error: DriverError, operation: &str) -> DriverError {
    if error.class == Class::Gone {
        error.message = format!("the system does not know task {operation} (any more)");
    }
    error
}
