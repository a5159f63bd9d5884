//! A collector in memory: it takes what is sent, can be away, hang up, and lose what it has not confirmed.

use std::sync::{Arc, Mutex, MutexGuard};

use engine::ports::bookmark::{Bookmark, BookmarkError};
use engine::ports::stream::{Arrival, Collector, Line, LineBroken, OnItsWay};
use tokio::sync::Notify;

use crate::contract::stream::Receiver;
use crate::syslog::{Message, frames};

/// A collector and everything it heard.
#[derive(Clone, Debug, Default)]
pub struct MemoryCollector(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<Held>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    /// The octets of each line.
    lines: Vec<Vec<u8>>,
    /// Whether the newest line is open.
    is_open: bool,
    is_away: bool,
    /// Whether what is sent is confirmed at once.
    is_silent: bool,
}

impl MemoryCollector {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.held());
        self.0.changed.notify_waiters();
    }

    /// Takes no line, and ends the open one.
    pub fn go_away(&self) {
        self.change(|held| {
            held.is_away = true;
            held.is_open = false;
        });
    }

    /// Takes lines again.
    pub fn come_back(&self) {
        self.change(|held| held.is_away = false);
    }

    /// Confirms nothing from now on.
    pub fn fall_silent(&self) {
        self.change(|held| held.is_silent = true);
    }

    /// Ends the line, and loses the last octets that came over it.
    pub fn lose(&self, octets: usize) {
        self.change(|held| {
            held.is_open = false;
            if let Some(line) = held.lines.last_mut() {
                line.truncate(line.len().saturating_sub(octets));
            }
        });
    }

    /// Every whole message so far.
    pub fn messages(&self) -> Vec<Message> {
        let held = self.held();
        held.lines
            .iter()
            .flat_map(|line| frames::read(line))
            .collect()
    }

    /// How many lines were opened.
    pub fn lines(&self) -> usize {
        self.held().lines.len()
    }
}

impl Collector for MemoryCollector {
    fn connect(&self) -> OnItsWay<'_, Result<Box<dyn Line>, LineBroken>> {
        let mut held = self.held();
        if held.is_away {
            return Box::pin(std::future::ready(Err(LineBroken("it is away".to_owned()))));
        }
        held.lines.push(Vec::new());
        held.is_open = true;
        let line: Box<dyn Line> = Box::new(MemoryLine {
            shared: Arc::clone(&self.0),
            number: held.lines.len(),
            sent: 0,
        });
        Box::pin(std::future::ready(Ok(line)))
    }
}

struct MemoryLine {
    shared: Arc<Shared>,
    /// Which line it is, from 1.
    number: usize,
    sent: u64,
}

impl MemoryLine {
    fn is_open(&self) -> bool {
        let held = self.shared.held.lock().unwrap();
        held.is_open && held.lines.len() == self.number
    }
}

impl Line for MemoryLine {
    fn send(&mut self, octets: Vec<u8>) -> OnItsWay<'_, Result<(), LineBroken>> {
        if !self.is_open() {
            return Box::pin(std::future::ready(Err(LineBroken("it broke".to_owned()))));
        }
        self.sent += u64::try_from(octets.len()).unwrap();
        let mut held = self.shared.held.lock().unwrap();
        held.lines[self.number - 1].extend_from_slice(&octets);
        drop(held);
        self.shared.changed.notify_waiters();
        Box::pin(std::future::ready(Ok(())))
    }

    fn ended(&mut self) -> OnItsWay<'_, LineBroken> {
        Box::pin(async {
            loop {
                let changed = self.shared.changed.notified();
                if !self.is_open() {
                    return LineBroken("it was ended".to_owned());
                }
                changed.await;
            }
        })
    }

    fn arrived(&mut self) -> u64 {
        let is_silent = self.shared.held.lock().unwrap().is_silent;
        if is_silent { 0 } else { self.sent }
    }

    fn close(self: Box<Self>) -> OnItsWay<'static, Arrival> {
        let arrival = if self.is_open() {
            Arrival::Everything
        } else {
            Arrival::Unknown
        };
        let mut held = self.shared.held.lock().unwrap();
        if held.lines.len() == self.number {
            held.is_open = false;
        }
        Box::pin(std::future::ready(arrival))
    }
}

impl Receiver for MemoryCollector {
    fn collector(&self) -> Arc<dyn Collector> {
        Arc::new(self.clone())
    }

    fn heard(&self, line: usize, octets: usize) -> OnItsWay<'_, Vec<u8>> {
        Box::pin(async move {
            loop {
                let changed = self.0.changed.notified();
                if let Some(line) = self.held().lines.get(line - 1)
                    && line.len() >= octets
                {
                    return line.clone();
                }
                changed.await;
            }
        })
    }

    fn hang_up(&self) {
        self.change(|held| held.is_open = false);
    }
}

/// A bookmark that remembers for as long as it, or a copy of it, lives.
#[derive(Clone, Debug, Default)]
pub struct MemoryBookmark(Arc<Mutex<Option<u64>>>);

impl Bookmark for MemoryBookmark {
    fn next(&self) -> Result<Option<u64>, BookmarkError> {
        Ok(*self.0.lock().unwrap())
    }

    fn keep(&self, next: u64) -> Result<(), BookmarkError> {
        *self.0.lock().unwrap() = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{bookmark, stream};

    #[tokio::test]
    async fn the_collector_in_memory_keeps_the_contract() {
        stream::run(&MemoryCollector::default()).await;
    }

    #[test]
    fn the_bookmark_in_memory_keeps_the_contract() {
        let fresh = MemoryBookmark::default();
        bookmark::run(&fresh, &|| Box::new(fresh.clone()));
    }
}
