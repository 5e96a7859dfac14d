//! Where a state is printed: a terminal, a pipe, a file.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use jiff::Timestamp;

use super::Output;
use crate::overview::{
    Overview,
    text::{Look, WIDTH, text},
};

/// Lines where the terminal does not say.
const HEIGHT: usize = 24;
/// A frame begins: at the top, shown as one by terminals that can.
const BEGIN: &str = "\u{1b}[?2026h\u{1b}[H";
/// A frame ends: nothing of the last one is left.
const END: &str = "\u{1b}[K\u{1b}[J\u{1b}[?2026l";
/// A screen of its own, without a cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J";
/// What was there before, with its cursor.
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// Standard output.
pub(super) struct Screen {
    output: Output,
    colour: bool,
    drawn: Option<String>,
    entered: bool,
}

impl Screen {
    pub fn new(output: Output) -> Self {
        // NO_COLOR, CLICOLOR_FORCE, TERM=dumb, no terminal.
        let colour = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        Self { output, colour, drawn: None, entered: false }
    }

    /// Whether frames take each other's place.
    pub fn redraws(&self) -> bool {
        self.output == Output::Text && io::stdout().is_terminal()
    }

    /// Prints it, once.
    pub fn print(&self, overview: &Overview) -> io::Result<()> {
        put(&match self.output {
            Output::Text => text(overview, overview.at, self.look(None)),
            Output::Json => {
                format!("{}\n", serde_json::to_string_pretty(overview).map_err(io::Error::other)?)
            }
        })
    }

    /// Shows it, as it looks now, in the place of the last one, or after it; nothing if it looks the same.
    pub fn show(&mut self, overview: &Overview, now: Timestamp) -> io::Result<()> {
        let frame = match self.output {
            Output::Json => format!("{}\n", serde_json::to_string(overview).map_err(io::Error::other)?),
            Output::Text if self.redraws() => {
                let (_, height) = size();
                let lines = text(overview, now, self.look(Some(height)));
                let frame = lines.trim_end().replace('\n', "\u{1b}[K\n");
                let enter = if self.entered { "" } else { ENTER };
                self.entered = true;
                format!("{enter}{BEGIN}{frame}{END}")
            }
            Output::Text => text(overview, now, self.look(None)) + "\n",
        };
        if self.drawn.as_ref() == Some(&frame) {
            return Ok(());
        }
        put(&frame)?;
        self.drawn = Some(frame);
        Ok(())
    }

    fn look(&self, height: Option<usize>) -> Look {
        Look { width: size().0, height, colour: self.colour }
    }
}

/// Whatever ends it: the terminal is as it was.
impl Drop for Screen {
    fn drop(&mut self) {
        if self.entered {
            let _ = put(LEAVE);
        }
    }
}

/// Columns and lines of the terminal; where there is none, as wide as is easily read.
fn size() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map_or((WIDTH, HEIGHT), |(width, height)| (width.0.into(), height.0.into()))
}

fn put(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
