//! The registry's own program, as a process whose output is read while it comes.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{ChildStderr, Command};
use tokio::sync::watch;

use crate::collection::garbage::LONGEST_LINE;

/// Turns true when somebody wants an end.
pub type Stop = watch::Receiver<bool>;

/// How many lines of standard error are remembered: the last ones, for they say why.
const WORDS: usize = 20;
/// How much of each, in bytes.
const WORD: usize = 400;
/// How long its standard error is waited for once it has ended.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The last lines that a process printed on standard error.
pub(super) type Words = Arc<Mutex<VecDeque<String>>>;

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) why: Why,
    /// Its exit code; `None` if a signal ended it.
    pub(super) code: Option<i32>,
    /// The last lines that it printed on standard error.
    pub(super) words: VecDeque<String>,
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It did so itself.
    Itself,
    /// Whoever read its output had enough.
    Reader,
    /// Somebody wanted an end.
    Stop,
}

/// Runs a program to its end, and hands over each line of its standard output, cut one byte after the longest that there
/// can be. Where `take` breaks off, or somebody wants an end, the process is killed at once.
pub(super) async fn run(
    mut command: Command,
    stop: &mut Stop,
    take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<Ended> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let pipe = || io::Error::other("it has no output");
    let (stdout, stderr) = (child.stdout.take().ok_or_else(pipe)?, child.stderr.take().ok_or_else(pipe)?);
    let words = Words::default();
    let told = tokio::spawn(remember(stderr, Arc::clone(&words)));
    let why = tokio::select! {
        biased;
        () = wanted(stop) => Why::Stop,
        read = lines(stdout, LONGEST_LINE, take) => match read? {
            ControlFlow::Continue(()) => Why::Itself,
            ControlFlow::Break(()) => Why::Reader,
        },
    };
    if why != Why::Itself {
        child.start_kill()?;
    }
    let code = child.wait().await?.code();
    // Whoever it started may still hold its standard error.
    let _ = tokio::time::timeout(AFTERWARDS, told).await;
    let words = std::mem::take(&mut *words.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Ended { why, code, words })
}

/// Keeps the last lines.
pub(super) async fn remember(from: ChildStderr, words: Words) {
    // Without its words it is none the worse.
    let _ = lines(from, WORD, |line| {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == WORDS {
            words.pop_front();
        }
        words.push_back(String::from_utf8_lossy(line).into_owned());
        ControlFlow::Continue(())
    })
    .await;
}

/// Ends when somebody wants an end.
pub(super) async fn wanted(stop: &mut Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could want one.
        std::future::pending::<()>().await;
    }
}

/// Hands over each line, without its newline, holding no more than one byte over `longest` of it.
async fn lines(
    from: impl AsyncRead + Unpin,
    longest: usize,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let mut line: Vec<u8> = Vec::new();
    loop {
        let bytes = from.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(if line.is_empty() { ControlFlow::Continue(()) } else { take(&line) });
        }
        let length = bytes.len();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let room = (longest + 1).saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                if take(&line).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                line.clear();
            }
        }
        from.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    async fn shell(script: &str, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> (Ended, Vec<String>) {
        let (_tell, mut stop) = watch::channel(false);
        let mut seen = Vec::new();
        let take = |line: &[u8]| {
            seen.push(String::from_utf8_lossy(line).into_owned());
            take(line)
        };
        let ended = run(sh(script), &mut stop, take).await.unwrap();
        (ended, seen)
    }

    #[tokio::test]
    async fn every_line_comes_and_the_last_words_stay() {
        let script = "printf 'a\\n\\nb'; for n in $(seq 30); do echo $n >&2; done; exit 3";
        let (ended, seen) = shell(script, |_| ControlFlow::Continue(())).await;
        assert_eq!((ended.why, ended.code, seen.join("|")), (Why::Itself, Some(3), "a||b".to_owned()));
        assert_eq!((ended.words.len(), ended.words.back().unwrap().as_str()), (WORDS, "30"));
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_held_no_longer_than_any() {
        let (ended, seen) = shell("head -c 10000000 /dev/zero", |_| ControlFlow::Continue(())).await;
        assert_eq!((ended.code, seen.len(), seen[0].len()), (Some(0), 1, LONGEST_LINE + 1));
    }

    #[tokio::test]
    async fn whoever_has_read_enough_ends_it_at_once() {
        let (ended, seen) = shell("echo a; echo b; sleep 600", |_| ControlFlow::Break(())).await;
        assert_eq!((ended.why, ended.code, seen.as_slice()), (Why::Reader, None, ["a".to_owned()].as_slice()));
    }

    #[tokio::test]
    async fn whoever_wants_an_end_has_it_at_once() {
        let (tell, mut stop) = watch::channel(false);
        let take = |_: &[u8]| {
            tell.send_replace(true);
            ControlFlow::Continue(())
        };
        let ended = run(sh("echo a; exec sleep 600"), &mut stop, take).await.unwrap();
        assert_eq!((ended.why, ended.code), (Why::Stop, None));
    }
}
