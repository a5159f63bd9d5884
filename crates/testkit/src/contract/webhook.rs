//! What everybody who calls webhooks promises: what was handed over arrives as it was, any status is an
//! answer, none is followed, and what is broken or silent is no answer and no wait without end.

use std::time::Duration;

use domain::webhook::Target;
use engine::ports::Webhook;
use engine::ports::webhook::{Body, Call, Shape, Uncalled};

/// The other end of an implementation.
pub trait WebhookPeer {
    /// The implementation that calls it.
    fn webhook(&self) -> &dyn Webhook;
    /// Where it is.
    fn target(&self) -> Target;
    /// Answers with this status from now on.
    fn says(&self, status: u16);
    /// Never answers from now on.
    fn is_silent(&self);
    /// What arrived since the last look: id, timestamp, signature and body.
    fn heard(&self) -> Vec<(String, u64, String, Vec<u8>)>;
}

fn call(peer: &dyn WebhookPeer, n: u64) -> Call {
    Call {
        target: peer.target(),
        id: format!("evt_{n}"),
        timestamp: 1_764_064_800 + n,
        signature: format!("v1,{n} v1a,{n}"),
        shape: Shape::Json,
        body: Body(format!(r#"{{"n":{n}}}"#).into_bytes()),
    }
}

/// Runs the scenarios.
pub async fn run(peer: &dyn WebhookPeer) {
    for (n, status) in (0..).zip([200, 204, 301, 307, 400, 404, 410, 429, 500, 503]) {
        peer.says(status);
        let sent = call(peer, n);
        let answered = peer.webhook().call(sent.clone()).await.unwrap();
        assert_eq!(answered.status, status);
        let arrived = (sent.id, sent.timestamp, sent.signature, sent.body.0);
        assert_eq!(peer.heard(), [arrived], "once, and nothing was followed");
    }
    peer.is_silent();
    let waited = peer.webhook().call(call(peer, 100));
    let waited = tokio::time::timeout(Duration::from_mins(1), waited).await;
    assert_eq!(waited.unwrap(), Err(Uncalled::TimedOut));
    let cut = peer.webhook().call(call(peer, 101));
    let _cut = tokio::time::timeout(Duration::from_millis(50), cut).await;
    peer.says(200);
    let after = peer.webhook().call(call(peer, 102)).await;
    assert_eq!(
        after.unwrap().status,
        200,
        "what was dropped stands in nobody's way"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::webhook::MemoryWebhook;

    struct Memory(Arc<MemoryWebhook>);

    impl WebhookPeer for Memory {
        fn webhook(&self) -> &dyn Webhook {
            self.0.as_ref()
        }

        fn target(&self) -> Target {
            Target::parse("https://hooks.example/in").unwrap()
        }

        fn says(&self, status: u16) {
            self.0.say(status);
        }

        fn is_silent(&self) {
            self.0.fail(Uncalled::TimedOut);
        }

        fn heard(&self) -> Vec<(String, u64, String, Vec<u8>)> {
            let heard = self.0.heard().into_iter();
            heard
                .map(|call| (call.id, call.timestamp, call.signature, call.body.0))
                .collect()
        }
    }

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        run(&Memory(MemoryWebhook::taking())).await;
    }
}
