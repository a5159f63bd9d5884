//! Searching a store in memory: every entry is looked at.

use engine::ports::Catalog;
use engine::ports::catalog::{EntryPage, EntryQuery, EntryRow};
use engine::ports::store::ReadError;

use super::MemoryStore;
use super::image::Image;

impl Catalog for MemoryStore {
    fn search(&self, query: &EntryQuery) -> Result<EntryPage, ReadError> {
        self.lock().read(|inner| search(&inner.image, query))
    }
}

fn search(image: &Image, query: &EntryQuery) -> EntryPage {
    let (first, below) = query.span(image.head().size);
    let mut page = EntryPage::default();
    for index in (first..below).rev() {
        if page.rows.len() >= query.rows_max() {
            page.next = Some(index + 1);
            break;
        }
        let bytes = &image.entries()[usize::try_from(index).unwrap()].bytes;
        if query.takes(bytes) {
            let bytes = bytes.clone();
            page.rows.push(EntryRow { index, bytes });
        }
    }
    page
}
