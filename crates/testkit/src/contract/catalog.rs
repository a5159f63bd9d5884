//! The contract of the `Catalog` port, held against a look at every entry. Every implementation runs
//! all of it:
//!
//! ```text
//! testkit::catalog_contract!(MyHome::new());
//! ```

pub mod filters;
pub mod mix;
pub mod paging;

use super::log::Opened;

/// Where a store under test lives.
pub trait Home {
    /// Opens the store. The one opened before has been dropped, so the process is as good as new.
    fn open(&mut self) -> Opened;

    /// Has the open store bring up to date what it keeps to be fast, as far as it ever does.
    fn settle(&mut self);
}

/// Makes one test of every scenario; the expression makes a new, empty [`Home`] each time.
#[macro_export]
macro_rules! catalog_contract {
    ($home:expr) => {
        $crate::catalog_contract!(@in $home; filters:
            nothing_is_found_in_an_empty_ledger,
            each_filter_finds_what_a_look_at_every_entry_finds,
            filters_together_find_what_passes_all_of_them,
            what_was_answered_is_found_at_once,
            the_same_is_found_after_a_restart,
            a_large_ledger_is_searched_to_its_end);
        $crate::catalog_contract!(@in $home; paging:
            pages_of_any_length_lose_and_repeat_nothing,
            what_comes_while_somebody_pages_changes_nothing_below,
            bounds_of_the_index_hold_on_every_page,
            a_limit_out_of_range_counts_as_the_nearer_end);
    };
    (@in $home:expr; $module:ident: $($name:ident),+) => {$(
        #[test]
        fn $name() {
            $crate::contract::catalog::$module::$name(&mut $home);
        }
    )+};
}
