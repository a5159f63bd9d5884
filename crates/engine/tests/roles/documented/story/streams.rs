//! A collector that the ledger is told to.

use std::sync::Arc;
use std::time::Duration;

use engine::{StreamFrom, StreamLimits, StreamParts};
use ledger::siem::{Format, Producer};
use testkit::{MemoryBookmark, MemoryCollector, TestGateway};
use tokio::sync::watch;

/// A stream that begins to tell the ledger to somebody.
pub fn streaming() -> TestGateway {
    let test = TestGateway::immediate();
    let collector = MemoryCollector::default();
    let parts = StreamParts {
        name: "soc".to_owned(),
        log: test.store.clone(),
        collector: Arc::new(collector.clone()),
        bookmark: Arc::new(MemoryBookmark::default()),
        format: Format::Entry,
        producer: Producer {
            log: "log.example".to_owned(),
            version: "1".to_owned(),
        },
        from: StreamFrom::Now,
        limits: StreamLimits {
            batch_entries: 8,
            batch_octets: 65_536,
            pause: Duration::from_secs(1),
            pause_max: Duration::from_secs(1),
        },
    };
    test.gateway.attach_streams(vec![parts]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(Arc::clone(&test.gateway).run_streams(stopped));
        while collector.messages().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.send(true).unwrap();
        running.await.unwrap();
    });
    test
}
