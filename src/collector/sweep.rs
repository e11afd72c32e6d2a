use std::ops::ControlFlow;

use super::process::{self, Stop, Why};
use super::{CollectorError, Registry};
use crate::collection::garbage::{Counts, Forecast, Objection, Output, OutputError, Veto, Writers};

/// What the words on standard error begin with that say why it failed; of all else nothing is told.
const COMPLAINTS: [&str; 5] = ["failed to ", "configuration error: ", "Error: ", "unable to ", "panic: "];
/// How much of it is told, in characters.
const COMPLAINT: usize = 300;

/// A run of `registry garbage-collect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Deletes nothing.
    Dry,
    /// Deletes what a dry run showed: so much.
    Sweep(Forecast),
}

impl Run {
    fn arguments(self, configuration: &str) -> Vec<&str> {
        // Never --delete-untagged: it destroys images that are kept.
        match self {
            Self::Dry => vec!["garbage-collect", "--dry-run", configuration],
            Self::Sweep(_) => vec!["garbage-collect", configuration],
        }
    }
}

/// Runs it, and compares each line as it comes. Success is exit code 0, an output that is understood to its end, and no
/// objection.
pub(super) async fn run(
    registry: &Registry,
    run: Run,
    mut veto: Veto<'_>,
    writers: Writers,
    stop: &mut Stop,
) -> Result<Forecast, CollectorError> {
    let mut output = Output::of(registry.release.generation);
    let mut trouble = None;
    let configuration = registry.configuration.to_string_lossy();
    let arguments = run.arguments(&configuration);
    let take = |line: &[u8]| {
        let said = match output.take(line) {
            Ok(said) => said,
            Err(problem) => {
                trouble = Some(Trouble::Output(problem));
                return ControlFlow::Break(());
            }
        };
        let contradiction = said.counts().and_then(|counts| run.contradiction(counts));
        let contradiction =
            contradiction.or(veto.take(said).filter(|_| run != Run::Dry).as_ref().map(Objection::to_string));
        match contradiction {
            None => ControlFlow::Continue(()),
            Some(why) => {
                trouble = Some(Trouble::Contradicted(why));
                ControlFlow::Break(())
            }
        }
    };
    let mut command = registry.command();
    command.args(arguments);
    let ended = process::run(command, stop, take).await.map_err(CollectorError::NotRun)?;
    let said = complaint(&ended.words);
    match (ended.why, trouble) {
        (Why::Stop, _) => return Err(CollectorError::Stopped),
        (_, Some(Trouble::Contradicted(why))) => return Err(CollectorError::Contradicted(why)),
        (_, Some(Trouble::Output(problem))) => return Err(CollectorError::Output { problem, said }),
        (Why::Itself | Why::Reader, None) => {}
    }
    if ended.code != Some(0) {
        return Err(CollectorError::Failed { code: ended.code, said });
    }
    let counts = output.end().map_err(|problem| CollectorError::Output { problem, said })?;
    veto.end(counts, writers).map_err(|objections| CollectorError::vetoed(&objections))
}

/// Why the output was not read to its end.
enum Trouble {
    Output(OutputError),
    Contradicted(String),
}

impl Run {
    /// The summary comes before the first blob is deleted: where it is not that of the dry run, it is not let go on.
    fn contradiction(self, counts: Counts) -> Option<String> {
        match self {
            Self::Sweep(forecast) if counts.blobs != forecast.blobs => {
                Some(format!("it is about to delete {} blobs, and the dry run showed {}", counts.blobs, forecast.blobs))
            }
            Self::Sweep(_) | Self::Dry => None,
        }
    }
}

/// The last of its words that says why it failed.
pub(super) fn complaint<'a>(
    words: impl IntoIterator<Item = &'a String, IntoIter: DoubleEndedIterator>,
) -> Option<String> {
    let says_why = |word: &&String| COMPLAINTS.iter().any(|begin| word.starts_with(begin));
    let word = words.into_iter().rev().find(says_why)?;
    Some(word.chars().take(COMPLAINT).map(|char| if char.is_control() { ' ' } else { char }).collect())
}
