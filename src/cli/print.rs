//! The only place that writes to standard output and standard error (clippy forbids `println!` and `eprintln!` everywhere).
//! What cannot be written is not written: a reader that went away, a terminal that was closed or a full disk never ends a
//! run, never changes an exit code, and never costs a report.
//!
//! Also keeps the live view, the last lines of a terminal, out of the way of what is printed above it.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use console::Term;

/// The live view as it stands on the terminal, below everything that was printed. Empty when there is none.
static VIEW: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Prints results, as they are.
pub(super) fn out(text: &str) {
    above(|| put(&mut io::stdout().lock(), text.as_bytes()));
}

/// Prints one line about what is going on, to standard error.
pub(super) fn tell(line: &str) {
    above(|| put(&mut io::stderr().lock(), format!("{line}\n").as_bytes()));
}

/// Prints what a command makes for other programs, to standard output.
///
/// # Errors
/// When it could not be written, as with a full disk: half of it must not be taken for all of it. A reader that has gone
/// away (`| head`) has what it wanted.
pub(super) fn product(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

/// Replaces the live view. Its lines must not be wider than the terminal; no lines take it away.
pub(super) fn view(lines: Vec<String>) {
    let mut shown = lock();
    if *shown != lines {
        let mut text = erased(&shown);
        text.push_str(&drawn(&lines));
        put(&mut io::stderr().lock(), text.as_bytes());
        *shown = lines;
    }
}

/// Prints while the live view is away.
fn above(print: impl FnOnce()) {
    let shown = lock();
    if shown.is_empty() {
        return print();
    }
    put(&mut io::stderr().lock(), erased(&shown).as_bytes());
    print();
    put(&mut io::stderr().lock(), drawn(&shown).as_bytes());
}

fn put(to: &mut impl Write, bytes: &[u8]) {
    let _ = to.write_all(bytes).and_then(|()| to.flush());
}

fn lock() -> MutexGuard<'static, Vec<String>> {
    VIEW.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drawn(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Takes lines away again. A terminal that was made narrower since has wrapped them.
fn erased(lines: &[String]) -> String {
    let width = Term::stderr().size_checked().map_or(usize::MAX, |(_, columns)| usize::from(columns).max(1));
    let rows: usize = lines.iter().map(|line| console::measure_text_width(line).div_ceil(width).max(1)).sum();
    if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r\x1b[J") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_taken_away_line_by_line() {
        assert_eq!(erased(&[]), "");
        assert_eq!(erased(&["a".to_owned(), String::new()]), "\x1b[2A\r\x1b[J");
        assert_eq!(drawn(&["a".to_owned(), "b".to_owned()]), "a\nb\n");
    }

    #[test]
    fn what_cannot_be_written_is_no_panic() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        put(&mut Gone, b"lost");
    }
}
