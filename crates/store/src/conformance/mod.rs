//! One suite for every engine: each check is a promise of the contract, named by what it promises.
//!
//! An engine's tests give a [`Factory`] and run every one of [`CHECKS`] on a store of its own.

mod accepting;
mod amending;
mod audit;
mod consent;
mod contents;
mod conversations;
pub(crate) mod desk;
mod erasing;
mod hearing;
mod history;
#[cfg(test)]
mod holding;
mod insight;
mod keeping;
mod keys;
mod lanes;
mod limits;
mod losing;
mod marks;
mod media;
mod merging;
mod messaging_services;
#[cfg(test)]
mod model;
mod people;
#[cfg(test)]
mod people_orders;
mod rehearing;
mod relaying;
mod restoring;
mod sessions;
mod settling;
mod standing;
mod sweeping;
mod tally;
pub(crate) mod telling;
mod templates;
#[cfg(test)]
pub(crate) mod tests;
mod timeline;
mod users;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Store, StoreError};

/// Makes the store under test: empty at the first call; what it was left as at each later one, after the one before was dropped.
pub trait Factory: Send + Sync {
    /// Opens it.
    fn open(&self) -> Arc<dyn Store>;
}

/// A promise that was not kept: where in the suite, and what was seen.
#[derive(Debug)]
pub struct Broken(pub String);

impl From<StoreError> for Broken {
    #[track_caller]
    fn from(error: StoreError) -> Self {
        Self(format!("{}: {error}", std::panic::Location::caller()))
    }
}

/// What a check ends with.
pub type Outcome = Result<(), Broken>;

/// A check as it runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// One promise.
pub struct Check {
    /// What is promised.
    pub name: &'static str,
    /// Runs it on an empty store.
    pub run: for<'a> fn(&'a dyn Factory) -> Running<'a>,
}

/// Breaks the check unless a condition holds.
macro_rules! hold {
    ($condition:expr) => {
        if !$condition {
            return Err($crate::conformance::Broken(format!("{}:{}: not so: {}", file!(), line!(), stringify!($condition))));
        }
    };
}

/// Breaks the check unless two values are the same.
macro_rules! same {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    let said = stringify!($left);
                    return Err($crate::conformance::Broken(format!(
                        "{}:{}: {said} is\n  {left:?}\nand not\n  {right:?}",
                        file!(),
                        line!()
                    )));
                }
            }
        }
    };
}

use {hold, same};

macro_rules! checks {
    ($($module:ident: $($check:ident),+;)+) => {
        /// Every promise.
        pub const CHECKS: &[Check] = &[
            $($(Check { name: concat!(stringify!($module), "::", stringify!($check)), run: |factory| Box::pin($module::$check(factory)) },)+)+
        ];
    };
}

checks! {
    accepting: a_key_replays_what_was_accepted, what_is_judged_is_what_is_stored, ids_and_keys_are_each_businesss_own, positions_have_no_gaps,
        a_full_backlog_refuses_and_a_claim_makes_room, what_is_for_later_leaves_room_for_what_goes_now, a_foreign_sender_is_refused, calling_off_redacting_and_deleting;
    lanes: a_lane_starts_in_the_order_accepted, classes_go_before_each_other, a_class_without_room_leaves_the_others_theirs, a_long_wait_lets_the_next_pass,
        a_short_wait_keeps_its_place, a_pair_has_its_pace, what_is_past_its_validity_never_leaves, a_stopped_sender_keeps_its_queue,
        what_was_scheduled_takes_its_place, what_nothing_stands_before_starts_at_once;
    limits: a_full_limit_holds_back_new_customers_only, places_come_free_in_the_order_accepted, what_is_tried_again_keeps_what_it_had_before,
        codes_find_the_places_kept_for_them, limits_go_by_time_and_by_owner, what_starts_at_once_takes_a_place_too;
    settling: an_answer_hands_over, a_refusal_ends_or_waits, what_never_left_is_no_attempt, a_late_outcome_only_joins;
    losing: a_lost_answer_frees_the_lane, recovery_is_of_others_only, silence_has_its_evidence,
        silence_is_judged_at_the_moment_of_the_decision, a_resend_is_called_off_by_a_word,
        what_arrived_after_all_is_not_sent_a_third_time, a_refusal_beside_a_lost_answer_leaves_it_in_doubt,
        a_failure_beside_a_lost_answer_is_told,
        silence_while_nobody_listened_says_nothing;
    hearing: statuses_in_any_order_come_out_the_same, a_status_before_the_answer_is_joined, a_tag_binds_at_once,
        each_event_is_told_once, a_repeated_message_is_one_message, a_session_opens_once, a_refusal_for_want_of_a_session_closes_it,
        a_body_is_heard_whole, word_from_meta_overrides_giving_up, what_is_done_to_an_old_message_opens_no_session;
    history: what_nothing_is_heard_of_is_asked_about, who_has_no_history_is_not_asked,
        what_a_history_tells_is_heard_as_if_it_had_been_told, a_history_is_no_evidence_that_webhooks_come;
    amending: edits_in_any_order_show_the_same, what_is_redacted_is_still_known_by_its_name,
        what_the_business_wrote_elsewhere_is_sent_already, what_was_edited_often_can_be_taken_back, a_reply_names_a_message_of_its_own_conversation;
    standing: a_ban_stops_the_senders_of_the_account_until_it_is_taken_back, a_restriction_holds_back_new_customers_only,
        what_changed_of_a_sender_is_told, news_is_passed_on_once;
    sessions: a_session_is_told_to_open_to_close_soon_and_to_close, a_session_closes_by_metas_word,
        looks_are_bounded_and_go_by_what_a_business_wants;
    marks: a_mark_covers_what_was_sent_up_to_it, a_mark_from_the_future_covers_nothing_sent_later, a_mark_before_the_answer_settles_what_joins_later,
        an_echo_settles_a_lost_answer_and_a_mark_finds_it, the_first_of_two_parts_settles_nothing_and_is_remembered,
        the_second_of_two_parts_goes_once_the_first_is_heard_of,
        a_mark_settles_a_bounded_number_and_the_next_goes_on;
    timeline: every_order_tells_the_same_story, a_story_has_its_own_steps, what_is_tried_again_says_until_when,
        what_waits_to_be_told_is_in_the_story, without_an_order_it_is_in_the_story_too,
        feedback_stands_in_the_story, what_is_taken_out_is_taken_out_of_events;
    people: identities_join_one_customer, a_conflict_keeps_both, a_customer_without_a_number, a_new_number_is_the_same_customer,
        preferences_go_by_time, a_number_is_found_by_each_of_its_spellings, who_is_known_by_a_number_only_is_whoever_has_it,
        a_merge_by_hand_is_undone_as_if_it_had_not_been, a_change_is_told_once_in_whatever_form, the_latest_of_many_changes_counts, people_are_listed_and_found,
        any_word_of_a_name_finds,
        a_name_that_was_asked_for_stands_in_for_none;
    merging: what_waits_over_an_undo_is_its_own, a_number_that_passed_on_is_judged_as_whose_it_is,
        what_is_refused_stays_with_whom_it_did_not_reach, what_is_wanted_is_told_where_a_merge_changes_it,
        a_conversation_keeps_its_order_over_a_merge, who_is_forgotten_after_an_undo_is_in_nobody_s_events;
    conversations: whoever_wrote_last_stands_first, the_newest_message_stands_in_the_list;
    insight: what_was_told_of_a_message_is_found_with_whom_it_did_not_reach, an_endpoint_says_how_far_it_lags;
    tally: tallies_agree_with_a_count_over_all_messages, tallies_outlive_their_messages_by_the_hour;
    users: users_are_kept_changed_and_found, who_signs_in_elsewhere_is_found_bound_or_made_once, a_session_ends_by_hand_by_time_and_with_its_user,
        a_business_keeps_its_last_owner;
    audit: what_was_done_is_kept_in_order_and_in_pages, lines_are_found_by_who_did_what_and_when;
    keys: a_key_gives_way_to_another_one, a_number_is_one_sender_of_its_business;
    erasing: nothing_is_left_of_who_asks_to_be_forgotten, an_erasure_waits_for_what_is_on_its_way,
        what_is_taken_out_by_hand_is_blanked_in_the_journal;
    consent: a_ledger_keeps_every_word_once_in_pages, what_stops_marketing_is_kept_with_what_shows_it,
        a_stop_word_counts_from_the_message_that_says_it, a_business_chooses_its_words, a_word_from_the_future_is_one_word;
    templates: templates_go_by_time, a_call_is_committed_before_it_leaves, quotas_are_counted_where_they_are_used_up,
        an_edit_waits_beside_what_is_in_force, what_webhooks_lose_a_reading_finds, webhooks_are_joined_by_id,
        what_was_deleted_keeps_its_lock_however_the_list_lags, a_history_has_pages_and_an_end,
        a_twin_is_a_template_of_the_account, accounts_of_templates_do_not_meet;
    telling: an_endpoint_starts_at_the_end, deliveries_of_a_conversation_keep_their_order, the_stream_is_swept_behind_its_readers,
        one_registration_per_topic, the_stream_never_goes_back_in_time, a_stop_is_told_once,
        a_refusal_of_the_token_before_stops_nothing;
    relaying: an_endpoint_of_its_own_keeps_what_it_was_given, an_origin_of_callbacks_is_there_once, what_a_round_brings_besides_is_told, a_change_of_an_endpoint_touches_what_it_names, health_is_told_once_and_a_hand_counts_more,
        without_an_order_nothing_is_held, what_was_given_up_is_kept_and_holds_back_nothing, a_replay_goes_on_where_it_stopped;
    contents: content_is_kept_found_and_listed, a_submission_is_made_once, a_submission_shows_its_own_template,
        content_in_use_stays_as_it_is, what_nobody_submits_any_more_holds_no_content, contents_have_orders_and_pages,
        contents_are_found_by_how_far_they_got;
    messaging_services: services_are_kept_changed_and_listed, a_sender_is_in_one_pool_at_most, every_change_of_the_directory_is_counted,
        who_spoke_with_a_customer_last_speaks_again;
    restoring: what_waited_at_the_backup_is_held, what_waited_at_the_backup_ends_or_goes_as_is_chosen;
    media: a_file_is_fetched_once, a_file_whose_type_nobody_told_has_that_of_its_download, no_sender_waits_for_another_s_files, bytes_stay_until_nobody_has_them, bytes_are_brought_or_removed_and_never_both,
        what_is_taken_out_takes_its_file_along, the_upstream_s_ids_are_used_until_they_end, a_file_that_never_comes_is_told;
    sweeping: each_business_keeps_contents_and_events_as_long_as_it_chose, what_was_not_heard_is_counted_once, a_code_that_is_not_delivered_counts_as_dropped_within_a_day, what_is_over_goes_and_what_is_not_stays, what_was_taken_out_is_recognised_as_long, a_slice_is_bounded, a_slice_takes_content_out_of_so_many_at_most,
        what_an_endpoint_leaves_behind_goes_in_slices;
    rehearing: a_replay_of_the_journal_is_found_again_where_it_was, what_was_not_understood_then_says_what_it_says_when_heard_again;
    keeping: what_was_answered_is_there_after_opening_again, what_started_at_once_holds_its_lane, tenants_do_not_meet, lists_have_pages, lists_go_by_time, a_closed_store_refuses,
        directory_and_secrets, settings_are_changed_in_parts, the_journal_is_bounded,
        the_journal_is_read_in_the_order_of_arrival, the_journal_is_searched_in_bounded_looks,
        what_is_erased_is_gone_from_the_journal_only_there, each_business_keeps_its_journal_as_long_as_it_chose;
}
