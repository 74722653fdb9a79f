//! Every task of the worker: the one place that spawns, and the owner that waits for them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) struct Tasks {
    running: JoinSet<()>,
    end: CancellationToken,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self {
            running: JoinSet::new(),
            end: CancellationToken::new(),
        }
    }

    /// A task that ends by itself once its token or its channel does.
    pub(super) fn spawn_to_end(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(task);
    }

    /// A task that may be dropped at any await when the worker ends.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_until(self.end.clone(), task);
    }

    /// A task that may be dropped at any await when `stop` says so.
    pub(super) fn spawn_until(
        &mut self,
        stop: CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_to_end(async move {
            stop.run_until_cancelled_owned(task).await;
        });
    }

    /// Cancelled at the latest when the worker ends.
    pub(super) fn child_token(&self) -> CancellationToken {
        self.end.child_token()
    }

    /// Waits for the next task that panicked, and says what it said.
    pub(super) async fn failed(&mut self) -> Option<String> {
        loop {
            match self.running.join_next().await {
                Some(Err(error)) if error.is_panic() => return Some(error.to_string()),
                Some(_) => {}
                None => return None,
            }
        }
    }

    pub(super) async fn shut_down(mut self, within: Duration) {
        self.end.cancel();
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::warn!(tasks = self.running.len(), "not everything ended in time");
            self.running.shutdown().await;
        }
    }
}

/// Running tasks of one kind by what they are for, so that each can be cancelled.
pub(super) struct Running<K> {
    end: CancellationToken,
    tokens: HashMap<K, CancellationToken>,
}

impl<K: Eq + Hash> Running<K> {
    pub(super) fn under(tasks: &Tasks) -> Self {
        Self {
            end: tasks.end.clone(),
            tokens: HashMap::new(),
        }
    }

    /// The token of a new task, which takes the place of an earlier one for the same.
    pub(super) fn start(&mut self, key: K) -> CancellationToken {
        let token = self.end.child_token();
        if let Some(earlier) = self.tokens.insert(key, token.clone()) {
            earlier.cancel();
        }
        token
    }

    pub(super) fn cancel(&mut self, key: &K) {
        if let Some(token) = self.tokens.remove(key) {
            token.cancel();
        }
    }
}
