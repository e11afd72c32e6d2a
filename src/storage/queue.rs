use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many tasks may wait; more would be a copy of the whole storage in memory.
const ROOM: usize = 256;

/// Tasks that several threads share, each of which may make more.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: Vec<T>,
    /// How many threads have a task in hand.
    busy: usize,
    /// Whether nothing more is to be done.
    over: bool,
}

impl<T> Queue<T> {
    /// With this to begin with.
    pub(super) fn new(first: T) -> Self {
        Self { state: Mutex::new(State { waiting: vec![first], busy: 0, over: false }), changed: Condvar::new() }
    }

    /// Puts a task in, or gives it back if there is no room; then whoever has it does it at once.
    pub(super) fn put(&self, task: T) -> Result<(), T> {
        let mut state = self.state();
        if state.waiting.len() >= ROOM {
            return Err(task);
        }
        state.waiting.push(task);
        self.changed.notify_one();
        Ok(())
    }

    /// Does tasks, together with the other threads that call this, until none is left or one of them says so.
    pub(super) fn work(&self, mut task: impl FnMut(T) -> Result<(), ()>) {
        let mut state = self.state();
        loop {
            if state.over {
                return;
            }
            if let Some(next) = state.waiting.pop() {
                state.busy += 1;
                drop(state);
                let done = task(next);
                state = self.state();
                state.busy -= 1;
                state.over |= done.is_err() || (state.busy == 0 && state.waiting.is_empty());
                if state.over {
                    self.changed.notify_all();
                }
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// Counts itself, and makes two more, ten times over.
    fn double(queue: &Queue<usize>, done: &AtomicUsize, depth: usize) {
        done.fetch_add(1, Ordering::Relaxed);
        for _ in 0..(if depth < 10 { 2 } else { 0 }) {
            if let Err(depth) = queue.put(depth + 1) {
                double(queue, done, depth);
            }
        }
    }

    #[test]
    fn every_task_is_done_once_and_then_all_threads_end() {
        let (queue, done) = (Queue::new(0), AtomicUsize::new(0));
        let work = |depth| {
            double(&queue, &done, depth);
            Ok(())
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| queue.work(work));
            }
        });
        assert_eq!(done.into_inner(), 2047);
    }

    #[test]
    fn one_that_gives_up_ends_all() {
        let queue = Queue::new(());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| queue.work(|()| Err(())));
            }
        });
    }
}
