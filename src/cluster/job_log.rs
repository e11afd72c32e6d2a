use std::io::Write;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::{AsyncBufRead, AsyncBufReadExt as _};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::Api;
use kube::api::LogParams;

use super::error::Cause;
use super::pod_state::{Progress, progress};
use crate::storage::{LONGEST_LOG_LINE, LogError, LogReader};

/// How often the log is read from its beginning, when the connection breaks.
const ATTEMPTS: usize = 5;
/// How long it is waited before that, and between two looks at the pod.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a container may take to be started: its images may have to be pulled.
const START: Duration = Duration::from_secs(300);
/// How long the kubelet may take to tell that a container has ended whose log has.
const END: Duration = Duration::from_secs(60);

/// Why the log of a container gave no result.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The API server.
    #[error("{0}")]
    Api(Cause),
    /// The pod is gone.
    #[error("its pod was deleted meanwhile")]
    Gone,
    /// The container was not started.
    #[error("it was not started: {0}")]
    NotStarted(String),
    /// The connection broke, and by then the kubelet had put the beginning of the log away.
    #[error("the connection to its log broke, and the beginning of the log is gone: a kubelet keeps the last 10 MiB")]
    Rotated,
    /// The connection broke again and again.
    #[error("the connection to its log broke {ATTEMPTS} times: {0}")]
    Broken(String),
    /// The log is not what was written, or says why there is no result.
    #[error("its log cannot be used: {0}")]
    Log(LogError),
}

/// Follows the log of a container from its first line until the container has ended. What is returned may have no end, if
/// the container had none to write.
///
/// Kubelets put a log away that is longer than 10 MiB, and give out only the rest; who follows it meanwhile has all of it.
/// So a connection that breaks is never taken up again where it broke: what is read begins with the beginning, or there
/// is no result.
pub(super) async fn follow<W: Write>(
    pods: &Api<Pod>,
    pod: &str,
    container: &str,
    begin: impl Fn() -> LogReader<W>,
) -> Result<(LogReader<W>, ContainerStateTerminated), FollowError> {
    started(pods, pod, container).await?;
    let mut broken = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let had_ended = matches!(look(pods, pod, container).await?, Progress::Ended(_));
        let mut reader = begin();
        match read(pods, pod, container, &mut reader).await {
            // A connection that ends while the container runs, or ends with it, may have been cut.
            Ok(()) if reader.has_ended() || had_ended => {
                let ended = ended(pods, pod, container).await?;
                return Ok((reader, ended));
            }
            Ok(()) => broken = "it ended before the container".into(),
            Err(Stopped::Broken(why)) => broken = why,
            Err(Stopped::Log(LogError::Gap { expected: 0, .. })) => return Err(FollowError::Rotated),
            Err(Stopped::Log(why)) => return Err(FollowError::Log(why)),
        }
        tracing::info!(pod, attempt, broken, "the log of a Job is read from its beginning again");
    }
    Err(FollowError::Broken(broken))
}

/// Why reading a log stopped before its end.
enum Stopped {
    Broken(String),
    Log(LogError),
}

/// Reads the log from its beginning, until the container ends.
async fn read<W: Write>(pods: &Api<Pod>, pod: &str, container: &str, reader: &mut LogReader<W>) -> Result<(), Stopped> {
    let whole = LogParams { container: Some(container.to_owned()), follow: true, ..LogParams::default() };
    let broken = |why: &kube::Error| Stopped::Broken(Cause::from(why).to_string());
    let stream = pods.log_stream(pod, &whole).await.map_err(|why| broken(&why))?;
    lines(stream, reader).await
}

/// Hands over line by line, holding no more than the longest line there is.
async fn lines<W: Write>(stream: impl AsyncBufRead, reader: &mut LogReader<W>) -> Result<(), Stopped> {
    let mut stream = pin!(stream);
    let mut line = Vec::new();
    loop {
        let bytes = stream.fill_buf().await.map_err(|why| Stopped::Broken(why.to_string()))?;
        if bytes.is_empty() {
            return Ok(());
        }
        let newline = bytes.iter().position(|byte| *byte == b'\n');
        let piece = &bytes[..newline.unwrap_or(bytes.len())];
        // One byte too many is enough for a line to be refused.
        let room = (LONGEST_LOG_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let used = piece.len() + usize::from(newline.is_some());
        stream.consume_unpin(used);
        if newline.is_some() {
            reader.take(&line).map_err(Stopped::Log)?;
            line.clear();
        }
    }
}

/// Waits until the container runs, or has run.
async fn started(pods: &Api<Pod>, pod: &str, container: &str) -> Result<(), FollowError> {
    let began = Instant::now();
    loop {
        match look(pods, pod, container).await? {
            Progress::Runs | Progress::Ended(_) => return Ok(()),
            Progress::Failed(why) => return Err(FollowError::NotStarted(why)),
            Progress::Waits(why) if began.elapsed() > START => return Err(FollowError::NotStarted(why)),
            Progress::Waits(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Waits until the kubelet has told that the container has ended.
async fn ended(pods: &Api<Pod>, pod: &str, container: &str) -> Result<ContainerStateTerminated, FollowError> {
    let began = Instant::now();
    loop {
        match look(pods, pod, container).await? {
            Progress::Ended(ended) => return Ok(ended),
            Progress::Failed(why) => return Err(FollowError::NotStarted(why)),
            _ if began.elapsed() > END => {
                return Err(FollowError::Broken("the kubelet does not tell that the container has ended".into()));
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn look(pods: &Api<Pod>, pod: &str, container: &str) -> Result<Progress, FollowError> {
    match pods.get_opt(pod).await {
        Ok(Some(pod)) => Ok(progress(&pod, container)),
        Ok(None) => Err(FollowError::Gone),
        Err(why) => Err(FollowError::Api(Cause::from(&why))),
    }
}

#[cfg(test)]
mod tests;
