//! What reaches a terminal: whole lines, with everything escaped that a terminal would obey.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::file::visible;

/// Whether something could not be written to standard output, other than because its reader had enough.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints one line on standard output.
pub(super) fn out(line: impl Display) {
    write_out(&format!("{}\n", visible(line.to_string().trim_end())));
}

/// Prints lines on standard output.
pub(super) fn out_all<T: Display>(lines: impl IntoIterator<Item = T>) {
    lines.into_iter().for_each(out);
}

/// Prints one line on standard error.
pub(super) fn err(line: impl Display) {
    let line = format!("{}\n", visible(line.to_string().trim_end()));
    // Where even this cannot be written there is nobody to tell.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Prints an error of one or several lines on standard error.
pub(super) fn fail(error: impl Display) {
    for (index, line) in error.to_string().lines().enumerate() {
        err(format_args!("{}{line}", if index == 0 { "error: " } else { "       " }));
    }
}

/// Prints a document for programs: what a terminal would obey in it is escaped as JSON has it, where strings are the
/// only place for it.
pub(super) fn document(text: &str) {
    let escaped = text.chars().fold(String::with_capacity(text.len()), |mut all, char| {
        match char {
            '\n' => all.push('\n'),
            char if char.is_control() => all.extend([format!("\\u{:04x}", u32::from(char))]),
            char => all.push(char),
        }
        all
    });
    write_out(&format!("{}\n", escaped.trim_end()));
}

/// Prints text of our own that is to be taken over byte by byte.
pub(super) fn raw(text: &str) {
    write_out(text);
}

/// Whether everything reached standard output.
pub(super) fn is_whole() -> bool {
    let _ = io::stdout().lock().flush().map_err(note);
    !LOST.load(Ordering::Relaxed)
}

fn write_out(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes()).map_err(note);
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn note(error: io::Error) {
    if error.kind() != io::ErrorKind::BrokenPipe {
        LOST.store(true, Ordering::Relaxed);
    }
}
