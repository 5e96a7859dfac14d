//! A store for the length of one plan, in a folder that goes with it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    model::{Clock, Secret},
    store::{Expected, Keys, Store, StoreError},
};

/// The folder; removed with everything in it when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder among the temporary ones, which nobody else may look into.
    pub fn new() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("ordain-plan-{}", uuid::Uuid::new_v4()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// An empty store under keys that nobody knows: what is in it is of no use to anybody else.
    pub fn store(&self, clock: Arc<dyn Clock>) -> Result<Store, StoreError> {
        let mut key = vec![0u8; 32];
        rand::fill(key.as_mut_slice());
        let keys = Keys::derive(&Secret::new(key))?;
        let path = self.0.join("plan.db");
        let expected = Expected::default();
        Ok(Store::claim(&path.display().to_string())?.open(keys, expected, clock)?.store)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "a temporary folder is left behind");
    }
}
