//! The contract of the `Store` port. Every implementation runs all of it:
//!
//! ```text
//! testkit::store_contract!(MyHome::new());
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a scenario fails by panicking"
)]

pub mod commits;
pub mod erasure;
pub mod factors;
pub mod ledger;
pub mod lists;
pub mod reads;
pub mod restart;
pub mod samples;
pub mod waiting;

use std::sync::Arc;

use engine::ports::Store;

/// Where a store under test lives: it can be opened again, and its ledger can be looked at.
pub trait Home {
    /// Opens the store. The one opened before has been dropped, so the process is as good as new.
    fn open(&mut self) -> Arc<dyn Store>;

    /// The ledger's entries in order, read past the port. The store may be open or not.
    fn entries(&mut self) -> Vec<StoredEntry>;
}

/// An entry as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The leaf hash stored with it.
    pub leaf: [u8; 32],
}

/// Makes one test of every scenario; the expression makes a new, empty [`Home`] each time.
#[macro_export]
macro_rules! store_contract {
    ($home:expr) => {
        $crate::store_contract!(@in $home; commits:
            a_commit_is_answered_with_the_index_of_its_first_entry,
            answers_come_once_each_and_in_the_order_of_the_commits,
            a_message_that_exists_cannot_be_added_again,
            an_update_needs_the_version_right_below_it,
            one_expectation_that_fails_refuses_the_whole_commit,
            a_commit_that_fails_late_leaves_its_neighbours_whole,
            a_commit_sees_those_before_it_that_are_not_durable_yet,
            one_commit_may_add_a_message_and_change_it,
            commits_of_many_threads_all_land_and_share_no_index,
            a_key_encryption_key_is_never_replaced,
            only_a_key_that_is_there_is_wrapped_anew,
            a_verification_is_changed_from_the_version_right_below_alone);
        $crate::store_contract!(@in $home; erasure:
            a_tombstone_takes_the_place_of_a_live_value_and_names_its_entry,
            a_value_is_destroyed_once,
            an_expired_value_is_gone,
            a_blanked_number_is_found_no_more_and_the_others_are,
            a_blanked_number_stays_forgotten_after_a_restart,
            opt_outs_of_a_number_are_found_with_what_is_sealed,
            verifications_of_a_number_are_found_until_it_is_blanked,
            old_values_come_by_age_and_pass_over_what_is_none,
            a_purge_ends_well_and_the_store_goes_on);
        $crate::store_contract!(@in $home; factors:
            a_factor_is_read_as_it_was_committed,
            a_factor_changes_from_the_version_right_below,
            a_removed_factor_has_no_secret_after_a_restart,
            pending_factors_come_oldest_first_and_below_a_sequence,
            factors_of_a_user_are_found_with_what_is_sealed_until_they_are_blanked);
        $crate::store_contract!(@in $home; ledger:
            entries_are_numbered_without_gaps_and_carry_their_leaf_hash,
            a_conflict_leaves_no_entry_and_no_gap,
            times_in_the_ledger_never_go_back,
            entries_go_on_after_a_restart_under_the_next_epoch);
        $crate::store_contract!(@in $home; reads:
            a_message_is_read_as_it_was_committed,
            several_messages_are_read_each_in_its_place,
            updates_change_the_facts_and_nothing_else,
            an_id_that_only_shares_a_sequence_finds_nothing,
            an_inbound_message_is_read_as_it_was_committed,
            an_older_segment_is_found_by_its_carriers_id_however_it_is_written,
            a_carriers_id_finds_nothing_of_another_carrier);
        $crate::store_contract!(@in $home; lists:
            a_list_is_newest_first_and_pages_meet_without_gap_or_overlap,
            each_filter_of_messages_keeps_only_what_it_names,
            a_list_by_number_sees_everything_committed,
            a_list_by_number_is_the_same_after_a_restart,
            unsettled_messages_are_read_oldest_first_between_two_sequences,
            inbound_lists_keep_to_the_short_codes_asked_for);
        $crate::store_contract!(@in $home; restart:
            a_new_store_is_empty_and_says_so,
            a_start_tells_how_the_last_one_ended,
            a_start_loads_open_messages_with_their_sealed_fields_in_order,
            a_start_loads_only_opt_outs_that_stand,
            a_start_loads_clients_as_they_last_were,
            a_start_loads_the_records_of_the_guard_in_order,
            a_start_loads_webhooks_and_progress_as_they_were_put_last,
            a_start_loads_keys_parts_and_receipts_that_were_not_forgotten,
            a_start_loads_verifications_that_go_on_and_the_budgets_that_matter,
            the_last_sequence_covers_every_table,
            pruning_deletes_what_has_ended_and_nothing_else,
            reopening_keeps_everything_and_stays_in_the_epoch);
    };
    (@in $home:expr; $module:ident: $($name:ident),+) => {$(
        #[test]
        fn $name() {
            $crate::contract::store::$module::$name(&mut $home);
        }
    )+};
}
