//! The contract of the `Log` port, for stores whose entries it serves. Every implementation runs all of
//! it:
//!
//! ```text
//! testkit::log_contract!(MyHome::new());
//! ```

pub mod acceptance;
pub mod checkpoints;
pub mod damage;
pub mod entries;
pub mod filling;
pub mod nodes;
pub mod pruning;

use std::sync::Arc;

use engine::ports::{Pruning, Store};

/// One store by its two ports.
pub struct Opened {
    /// Where changes are committed.
    pub store: Arc<dyn Store>,
    /// Where its entries are read.
    pub log: Arc<dyn Pruning>,
}

/// Where a store under test lives.
pub trait Home {
    /// Opens the store. The one opened before has been dropped, so the process is as good as new.
    fn open(&mut self) -> Opened;

    /// Spoils what is kept of the tree. The store is closed.
    fn spoil(&mut self, how: Spoil);
}

/// What happens to the file of the tree. One that keeps none loses its checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    /// It is gone.
    Removed,
    /// It is empty.
    Emptied,
    /// It ends early.
    Cut,
    /// It is text.
    Scribbled,
    /// One octet of a node is another.
    Flipped,
    /// A node is gone.
    Holed,
}

impl Spoil {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Removed,
        Self::Emptied,
        Self::Cut,
        Self::Scribbled,
        Self::Flipped,
        Self::Holed,
    ];
}

/// Makes one test of every scenario; the expression makes a new, empty [`Home`] each time.
#[macro_export]
macro_rules! log_contract {
    ($home:expr) => {
        $crate::log_contract!(@in $home; entries:
            an_empty_ledger_has_nothing_to_read,
            leaves_are_the_hashes_of_the_entries,
            pages_meet_at_every_edge,
            what_is_in_memory_is_what_was_written,
            what_was_answered_is_seen_and_only_whole_commits_are,
            what_was_refused_is_never_seen,
            entries_are_the_same_after_a_restart);
        $crate::log_contract!(@in $home; nodes:
            nodes_are_those_of_the_tree_with_and_without_a_checkpoint,
            nodes_of_a_large_ledger_are_those_of_the_tree_at_every_edge,
            nodes_that_come_with_a_gap_leave_none,
            there_are_no_nodes_between_the_levels,
            a_node_that_is_not_of_the_tree_below_the_checkpoint_is_refused);
        $crate::log_contract!(@in $home; checkpoints:
            the_latest_checkpoint_is_the_one_published_last_also_after_a_restart,
            a_smaller_checkpoint_is_refused_also_after_a_restart,
            the_same_size_may_bring_signatures_but_no_other_root,
            a_checkpoint_over_entries_that_are_not_there_is_refused);
        $crate::log_contract!(@in $home; acceptance:
            the_entry_that_accepted_a_message_is_found,
            each_message_of_a_group_finds_its_own_entry,
            a_commit_of_many_entries_is_found_at_its_first,
            a_group_that_was_written_twice_points_to_where_it_ended_up,
            an_inbound_message_is_found_too,
            what_is_not_there_has_no_entry);
        $crate::log_contract!(@in $home; pruning:
            nothing_is_pruned_at_first,
            what_is_pruned_keeps_its_hashes_and_its_nodes,
            dropping_goes_on_after_a_restart,
            a_minimum_never_goes_down,
            a_spoiled_tree_over_pruned_entries_is_computed_anew,
            the_snapshot_is_that_of_the_minimum_in_force);
        $crate::log_contract!(@in $home; damage:
            a_spoiled_tree_is_computed_anew,
            a_spoiled_tree_takes_the_next_checkpoint);
    };
    (@in $home:expr; $module:ident: $($name:ident),+) => {$(
        #[test]
        fn $name() {
            $crate::contract::log::$module::$name(&mut $home);
        }
    )+};
}
