//! Streams to collectors: every entry at least once and in order, over whatever breaks, and never at the
//! cost of a commit.

use std::sync::Arc;
use std::time::Duration;

use engine::{StreamFrom, StreamLimits, StreamParts};
use ledger::siem::{Format, Producer};
use testkit::gateway::everything;
use testkit::syslog::Message;
use testkit::{MemoryBookmark, MemoryCollector, TestGateway};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::interval;

/// How often a test looks before it gives up, with [`LOOK`] in between.
const LOOKS: usize = 6_000;
/// Time that the stream is given between two looks.
const LOOK: Duration = Duration::from_millis(5);

struct Stage {
    test: TestGateway,
    collector: MemoryCollector,
    bookmark: MemoryBookmark,
    runtime: Runtime,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Stage {
    /// A stream from the start of the ledger, running.
    fn new(from: StreamFrom) -> Self {
        let test = TestGateway::immediate();
        let (collector, bookmark) = (MemoryCollector::default(), MemoryBookmark::default());
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let mut stage = Self {
            test,
            collector,
            bookmark,
            runtime,
            running: None,
        };
        stage.start(from);
        stage
    }

    fn start(&mut self, from: StreamFrom) {
        let parts = StreamParts {
            name: "siem".to_owned(),
            log: self.test.store.clone(),
            collector: Arc::new(self.collector.clone()),
            bookmark: Arc::new(self.bookmark.clone()),
            format: Format::Entry,
            producer: Producer {
                log: "log.example".to_owned(),
                version: "1".to_owned(),
            },
            from,
            limits: StreamLimits {
                batch_entries: 2,
                batch_octets: 4_096,
                pause: Duration::from_millis(1),
                pause_max: Duration::from_millis(20),
            },
        };
        self.test.gateway.attach_streams(vec![parts]).unwrap();
        let (stop, stopped) = watch::channel(false);
        let gateway = Arc::clone(&self.test.gateway);
        let task = self.runtime.spawn(gateway.run_streams(stopped));
        self.running = Some((stop, task));
    }

    fn stop(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        stop.send(true).unwrap();
        self.runtime.block_on(task).unwrap();
    }

    /// The process ends in good order and a new one takes up what is durable.
    fn restart(mut self) -> Self {
        self.stop();
        let store = testkit::MemoryStore::open_immediate(self.test.store.crash());
        let settings = testkit::settings::usual();
        let test = TestGateway::start(
            (store, self.test.keyring.clone()),
            settings,
            Arc::clone(&self.test.clock),
            9,
        );
        self.test = test;
        self.start(StreamFrom::Now);
        self
    }

    fn entries(&self, count: usize) {
        for place in 0..count {
            self.add(&format!("client-{place}"));
        }
    }

    fn add(&self, name: &str) {
        let adding = self.test.gateway.add_client("root", everything(name));
        self.runtime.block_on(adding).unwrap();
    }

    fn size(&self) -> u64 {
        self.test
            .store
            .with_image(|image| u64::try_from(image.entries().len()).unwrap())
    }

    /// Waits until the collector has the last entry, and gives all that it heard.
    fn all(&self) -> Vec<Message> {
        self.until(|stage| {
            let heard = stage.collector.messages();
            heard
                .last()
                .is_some_and(|message| message.index + 1 == stage.size())
        });
        self.collector.messages()
    }

    fn until(&self, done: impl Fn(&Self) -> bool) {
        self.runtime.block_on(async {
            let mut looks = interval(LOOK);
            for _ in 0..LOOKS {
                if done(self) {
                    return;
                }
                looks.tick().await;
            }
            panic!("it does not come to that");
        });
    }

    fn metric(&self, name: &str) -> u64 {
        let rows = self.test.gateway.metrics().rows;
        rows.iter().find(|row| row.name == name).unwrap().value
    }
}

/// Every index from `first` is there, in order, when repeated ones are left out.
fn assert_whole(messages: &[Message], first: u64, size: u64) {
    let mut next = first;
    for message in messages {
        assert!(message.index <= next, "entry {next} is missing");
        next = next.max(message.index + 1);
    }
    assert_eq!(next, size);
}

#[test]
fn every_entry_is_told_in_order_from_the_start_and_as_it_comes() {
    let stage = Stage::new(StreamFrom::Start);
    stage.entries(5);
    let heard = stage.all();
    let indices: Vec<u64> = heard.iter().map(|message| message.index).collect();
    assert_eq!(indices, (0..stage.size()).collect::<Vec<_>>());
    for message in &heard {
        let place = usize::try_from(message.index).unwrap();
        let entry = stage
            .test
            .store
            .with_image(|image| image.entries()[place].bytes.clone());
        assert_eq!(message.body().as_bytes(), entry);
    }
}

#[test]
fn a_stream_from_now_on_tells_nothing_older_than_its_first_start() {
    let stage = Stage::new(StreamFrom::Now);
    stage.entries(1);
    let heard = stage.all();
    let first = heard[0].index;
    assert!(first > 0);
    assert_whole(&heard, first, stage.size());
}

#[test]
fn what_was_not_confirmed_is_told_again_over_the_next_line() {
    let stage = Stage::new(StreamFrom::Start);
    stage.all();
    stage.collector.fall_silent();
    stage.entries(3);
    stage.all();
    stage.collector.lose(700);
    stage.entries(1);
    assert_whole(&stage.all(), 0, stage.size());
    assert!(stage.collector.lines() >= 2);
}

#[test]
fn a_collector_that_is_away_holds_no_commit_up_and_gets_all_of_it_later() {
    let stage = Stage::new(StreamFrom::Start);
    stage.all();
    stage.collector.go_away();
    stage.until(|stage| stage.metric("shortstop_siem_up") == 0);
    stage.entries(9);
    assert!(stage.metric("shortstop_siem_lag_entries") >= 9);
    stage.collector.come_back();
    assert_whole(&stage.all(), 0, stage.size());
    stage.until(|stage| stage.metric("shortstop_siem_lag_entries") == 0);
    assert_eq!(stage.metric("shortstop_siem_up"), 1);
}

#[test]
fn a_restart_in_good_order_goes_on_behind_the_last_entry_and_repeats_none() {
    let stage = Stage::new(StreamFrom::Start);
    stage.entries(2);
    stage.all();
    let stage = stage.restart();
    stage.entries(2);
    let heard = stage.all();
    assert_eq!(u64::try_from(heard.len()).unwrap(), stage.size());
    assert_whole(&heard, 0, stage.size());
}

#[test]
fn a_stream_is_recorded_before_it_tells_anything() {
    let stage = Stage::new(StreamFrom::Start);
    let heard = stage.all();
    let begun = heard
        .iter()
        .position(|message| message.body().contains(r#""kind":"ledger.exported""#));
    let begun = &heard[begun.unwrap()];
    assert!(
        begun
            .body()
            .contains(r#""data":{"first":0,"format":"entry","stream":"siem"}"#)
    );
    assert!(
        begun
            .body()
            .contains(r#""actor":{"id":"siem","type":"system"}"#)
    );
}

#[test]
fn a_store_that_takes_no_record_of_it_hands_nothing_out() {
    let stage = Stage::new(StreamFrom::Start);
    stage.all();
    let told = stage.collector.messages().len();
    stage.test.store.fail_next();
    stage.collector.go_away();
    stage.until(|stage| stage.metric("shortstop_siem_up") == 0);
    stage.collector.come_back();
    stage.until(|stage| stage.collector.lines() >= 3);
    assert_eq!(stage.collector.messages().len(), told);
}
