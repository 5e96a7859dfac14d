//! `ordain crds`: the five CRDs as YAML.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use crate::api::crds;

/// Arguments of `ordain crds`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to write one file per kind into, made if missing; without it all go to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Why the CRDs could not be handed out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A type whose schema YAML cannot hold.
    #[error("cannot render {name}")]
    Render {
        /// Name of the CRD.
        name: String,
        /// What the YAML writer says.
        source: serde_saphyr::ser::Error,
    },
    /// The folder, a file or stdout cannot be written.
    #[error("cannot write {what}")]
    Write {
        /// Where to.
        what: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Prints or writes the CRDs.
///
/// # Errors
/// [`Error::Write`] where the destination cannot be written.
pub fn run(args: &Args) -> Result<(), Error> {
    let files = files()?;
    match &args.dir {
        None => {
            let text = files.iter().map(|(_, yaml)| format!("---\n{yaml}")).collect::<String>();
            let what = "to stdout".to_owned();
            io::stdout().write_all(text.as_bytes()).map_err(|source| Error::Write { what, source })
        }
        Some(dir) => {
            fs::create_dir_all(dir)
                .map_err(|source| Error::Write { what: dir.display().to_string(), source })?;
            files.into_iter().try_for_each(|(name, yaml)| {
                let path = dir.join(name);
                fs::write(&path, yaml)
                    .map_err(|source| Error::Write { what: path.display().to_string(), source })
            })
        }
    }
}

/// Name and content of every file that `--dir` writes.
///
/// # Errors
/// [`Error::Render`]; not for the types of this crate.
pub fn files() -> Result<Vec<(String, String)>, Error> {
    crds::all()
        .iter()
        .map(|crd| {
            let name = crds::file_name(crd);
            let yaml = crds::render(crd).map_err(|source| Error::Render { name: name.clone(), source })?;
            Ok((name, yaml))
        })
        .collect()
}
