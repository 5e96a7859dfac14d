//! Where tests stop the process.

use super::StoreError;

/// A hook around every commit, for tests that stop the process there. It must not call the store.
///
/// Labels: `create`, `migrate to <version> <step>`, `open`, `epoch`, `commit <account>`, `forget <account>`.
pub trait StoreHook: Send + Sync {
    /// Before the transaction is made durable.
    ///
    /// # Errors
    /// An error undoes the transaction and is what the caller gets.
    fn before_commit(&self, label: &str) -> Result<(), StoreError>;

    /// After the transaction is durable.
    ///
    /// # Errors
    /// An error is what the caller gets; the transaction stays.
    fn after_commit(&self, label: &str) -> Result<(), StoreError>;
}

/// Lets everything pass.
pub(super) struct NoHook;

impl StoreHook for NoHook {
    fn before_commit(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    fn after_commit(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
