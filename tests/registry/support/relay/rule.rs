use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use regex::Regex;
use reqwest::Method;
use tokio::sync::watch;

use super::{Relay, Reply, Request};

/// What becomes of a request, as a test decides before it is forwarded.
#[derive(Debug)]
pub enum Step {
    /// It goes on to the registry.
    Forward,
    /// It never reaches the registry; this is the answer.
    Answer(Reply),
    /// The connection is closed without an answer.
    Disconnect,
    /// Nothing happens, ever.
    Hang,
}

type Before = Box<dyn Fn(Request) -> BoxFuture<'static, Step> + Send + Sync>;
type After = Box<dyn Fn(Request, Reply) -> BoxFuture<'static, Reply> + Send + Sync>;

pub(super) struct Rule {
    method: Method,
    path: Regex,
    nth: Option<usize>,
    seen: AtomicUsize,
    before: Before,
    after: After,
}

impl Rule {
    /// Whether it is about this request. Each request must be asked about once, since the n-th is counted here.
    pub(super) fn applies(&self, request: &Request) -> bool {
        request.method == self.method
            && self.path.is_match(&request.path)
            && self.nth.is_none_or(|nth| self.seen.fetch_add(1, Ordering::SeqCst) + 1 == nth)
    }

    pub(super) async fn before(&self, request: &Request) -> Step {
        (self.before)(request.clone()).await
    }

    pub(super) async fn after(&self, request: &Request, reply: Reply) -> Reply {
        (self.after)(request.clone(), reply).await
    }
}

/// Requests that a rule is about; ends with what is to happen to them. See [`Relay::on`].
#[must_use = "a rule needs to say what happens"]
pub struct On<'a> {
    pub(super) relay: &'a Relay,
    pub(super) method: Method,
    pub(super) path: Regex,
    pub(super) nth: Option<usize>,
}

impl On<'_> {
    /// Only the n-th of them, counted from 1.
    pub fn nth(self, nth: usize) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// Runs `hook` when the request has arrived and the registry has not seen it yet. This is where a test pushes in
    /// the worst moment.
    pub fn before<F: Future<Output = Step> + Send + 'static>(
        self,
        hook: impl Fn(Request) -> F + Send + Sync + 'static,
    ) {
        self.add(Box::new(move |request| hook(request).boxed()), Box::new(|_, reply| async { reply }.boxed()));
    }

    /// Runs `hook` when the registry has answered and the client has not seen it yet. It returns the answer to send.
    pub fn after<F: Future<Output = Reply> + Send + 'static>(
        self,
        hook: impl Fn(Request, Reply) -> F + Send + Sync + 'static,
    ) {
        let after: After = Box::new(move |request, reply| hook(request, reply).boxed());
        self.add(Box::new(|_| async { Step::Forward }.boxed()), after);
    }

    /// Answers in the registry's place.
    pub fn answer(self, reply: Reply) {
        self.before(move |_| {
            let reply = reply.clone();
            async { Step::Answer(reply) }
        });
    }

    /// Closes the connection without an answer; the registry never sees the request.
    pub fn disconnect(self) {
        self.before(|_| async { Step::Disconnect });
    }

    /// Never answers; the registry never sees the request.
    pub fn hang(self) {
        self.before(|_| async { Step::Hang });
    }

    /// Breaks the connection after `length` bytes of the answer's body; the registry has done its part.
    pub fn cut_after(self, length: usize) {
        self.after(move |_, reply| async move { Reply { cut: Some(length), ..reply } });
    }

    /// Holds the requests until the test opens the gate.
    pub fn gate(self) -> Gate {
        let gate = Gate::closed();
        let held = gate.clone();
        self.before(move |_| {
            let passed = held.pass();
            // Where the gate is gone, nobody is there to open it.
            async { if passed.await { Step::Forward } else { Step::Disconnect } }
        });
        gate
    }

    /// Holds the answers, of a registry that has done its part, until the test opens the gate.
    #[allow(dead_code, reason = "tests in a cluster use it")]
    pub fn gate_answers(self) -> Gate {
        let gate = Gate::closed();
        let held = gate.clone();
        self.after(move |_, reply| {
            let passed = held.pass();
            async {
                passed.await;
                reply
            }
        });
        gate
    }

    fn add(self, before: Before, after: After) {
        let rule =
            Rule { method: self.method, path: self.path, nth: self.nth, seen: AtomicUsize::new(0), before, after };
        self.relay.add(rule);
    }
}

/// Holds requests in the relay.
#[derive(Clone)]
pub struct Gate {
    reached: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
}

impl Gate {
    fn closed() -> Self {
        Self { reached: Arc::new(watch::Sender::new(false)), open: Arc::new(watch::Sender::new(false)) }
    }

    /// Says that somebody is there, and ends when the gate is opened; false if it is gone.
    fn pass(&self) -> impl Future<Output = bool> + Send + use<> {
        self.reached.send_replace(true);
        let mut open = self.open.subscribe();
        async move { open.wait_for(|open| *open).await.is_ok() }
    }

    /// Waits until a request stands before the gate.
    pub async fn reached(&self) {
        let mut reached = self.reached.subscribe();
        let reached = tokio::time::timeout(Duration::from_secs(60), reached.wait_for(|reached| *reached)).await;
        assert!(reached.is_ok(), "no request came to the gate");
    }

    /// Lets through who stands there, and who comes later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}
