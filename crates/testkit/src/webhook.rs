//! A receiver of webhooks without a wire: answers what the test told it to, and remembers what it heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::Webhook;
use engine::ports::webhook::{Call, Called, Calling, Uncalled};

/// Such a receiver.
#[derive(Debug)]
pub struct MemoryWebhook {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    says: Result<Called, Uncalled>,
    heard: Vec<Call>,
}

impl MemoryWebhook {
    /// One that takes everything.
    pub fn taking() -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                says: Ok(status(200)),
                heard: Vec::new(),
            }),
        })
    }

    /// Answers so from now on.
    pub fn say(&self, status_code: u16) {
        self.inner().says = Ok(status(status_code));
    }

    /// Answers no more, for this reason.
    pub fn fail(&self, why: Uncalled) {
        self.inner().says = Err(why);
    }

    /// What it heard since the last look, whatever it answered.
    pub fn heard(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner().heard)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn status(status: u16) -> Called {
    Called {
        status,
        retry_after: None,
    }
}

impl Webhook for MemoryWebhook {
    fn call(&self, call: Call) -> Calling<'_> {
        let mut inner = self.inner();
        inner.heard.push(call);
        let says = inner.says.clone();
        Box::pin(std::future::ready(says))
    }
}
