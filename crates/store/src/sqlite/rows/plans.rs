//! How SQLite answers the statements whose cost must not grow with what is stored. That a statement uses some index is not enough:
//! one that walks all of a sender's messages along the primary key uses one too. So each plan is written down whole.

use super::{
    SqliteRows, conversation, erasing, flush, heard, history, journal, marks, message, messaging_services, queue, reach, relay,
    restore, silence, state, sweep,
};
use crate::sql::{Sql as _, admin, audit, consent, content, media, people, rehear, tally, telling, template, users};

const PLANS: &[(&str, &str)] = &[
    (audit::LOG, "SEARCH audit USING INDEX audit_business (business=? AND rowid<?)"),
    (users::BY_EMAIL, "SEARCH console_user USING INDEX console_user_email (email=?)"),
    (users::BY_TOKEN, "SEARCH console_session USING INDEX console_session_hash (hash=?)"),
    (users::BY_FORMER, "SEARCH console_session USING INDEX console_session_former (former=?)"),
    (users::OF_USER, "SEARCH console_session USING INDEX console_session_user (whose=?)"),
    (erasing::BLANKS, "SEARCH blank USING PRIMARY KEY (business=?)"),
    (people::OLD_CHANGES, "SEARCH identity_change USING COVERING INDEX identity_change_at (at<?)"),
    (erasing::OPEN, "SEARCH erasure USING INDEX erasure_open (open=?)"),
    (rehear::OPEN, "SEARCH journal_replay USING INDEX journal_replay_open (open=?)"),
    (rehear::OF, "SEARCH journal_replay USING INDEX sqlite_autoindex_journal_replay_1 (business=?)"),
    (erasing::KEPT_AFTER, "SEARCH idempotency USING PRIMARY KEY (business=? AND key>?)"),
    (erasing::ORPHANS_AFTER, "SEARCH orphan USING PRIMARY KEY (business=? AND provider_id>?)"),
    (
        erasing::AMENDMENTS_AFTER,
        "SEARCH amendment USING INDEX sqlite_autoindex_amendment_1 (business=? AND (original,provider_id)>(?,?))",
    ),
    (erasing::LEFT_IDS_OF, "SEARCH left_id USING PRIMARY KEY (at=? AND business=?)"),
    (erasing::LEDGER_LINES, "SEARCH consent USING COVERING INDEX sqlite_autoindex_consent_1 (business=? AND customer=?)"),
    (consent::LEDGER, "SEARCH consent USING INDEX sqlite_autoindex_consent_1 (business=? AND customer=? AND (at,digest)<(?,?))"),
    (content::NEWEST, "SEARCH content USING INDEX content_business (business=? AND rowid<?)"),
    (content::OLDEST, "SEARCH content USING INDEX content_business (business=? AND rowid>?)"),
    (content::CHANGED_LAST, "SEARCH content USING INDEX content_changed (business=? AND (updated_at,id)<(?,?))"),
    (content::CHANGED_FIRST, "SEARCH content USING INDEX content_changed (business=? AND (updated_at,id)>(?,?))"),
    (content::BY_NAME, "SEARCH content USING INDEX content_name (business=? AND (name_key,id)>(?,?))"),
    (content::BY_NAME_DOWN, "SEARCH content USING INDEX content_name (business=? AND (name_key,id)<(?,?))"),
    (queue::WAITS_WITH, "SEARCH wait USING COVERING INDEX wait_content (content=?)"),
    (content::SUBMISSIONS, "SEARCH submission USING PRIMARY KEY (business=? AND content=?); USE TEMP B-TREE FOR ORDER BY"),
    (
        content::SUBMITTED_AS,
        "SEARCH submission USING COVERING INDEX submission_name (business=? AND waba=? AND name=? AND language=?)",
    ),
    (queue::DUE_LANES, "SEARCH lane USING COVERING INDEX lane_due (sender=? AND class=? AND due<?)"),
    (queue::FIRST_DUE, "SEARCH lane USING COVERING INDEX lane_due (sender=? AND class=? AND due>?)"),
    (queue::FIRST_WAIT, "SEARCH wait USING INDEX wait_lane (sender=? AND class=? AND customer=?)"),
    (queue::FIRST_ASIDE, "SEARCH wait USING INDEX wait_aside (sender=? AND class=? AND customer=?)"),
    (queue::DUE_ASIDES, "SEARCH wait USING INDEX wait_aside (sender=? AND class=? AND customer=? AND not_before<?)"),
    (queue::IN_LANE, "SEARCH wait USING INDEX wait_lane (sender=? AND class=? AND customer=?)"),
    (queue::ASIDE_IN_LANE, "SEARCH wait USING INDEX wait_aside (sender=? AND class=? AND customer=?)"),
    (queue::PAST_VALIDITY, "SEARCH wait USING INDEX wait_expires (expires_at<?)"),
    (queue::NEXT_VALIDITY, "SEARCH wait USING COVERING INDEX wait_expires (expires_at>?)"),
    (reach::PARKED_LANES, "SEARCH lane USING COVERING INDEX lane_due (sender=? AND class=? AND due=?)"),
    (reach::FIRST_REACHED, "SEARCH reach_minute USING PRIMARY KEY (business=? AND minute>?)"),
    (reach::REACH_SINCE, "SEARCH reach_minute USING PRIMARY KEY (business=? AND minute>?)"),
    (state::STATE_BY_ID, "SEARCH m USING INDEX message_id (business=? AND id=?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
    (state::STATE_BY_SEQ, "SEARCH m USING INTEGER PRIMARY KEY (rowid=?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
    (state::FORMER_ATTEMPTS, "SEARCH attempt USING PRIMARY KEY (seq=?)"),
    (message::WORD, "SEARCH word USING PRIMARY KEY (seq=? AND attempt=? AND word=?)"),
    (message::WORDS, "SEARCH word USING PRIMARY KEY (seq=?)"),
    (
        message::NEWEST,
        "SEARCH m USING INDEX message_business (business=? AND rowid<?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
    ),
    (
        message::NEWEST_OF_CUSTOMER,
        "SEARCH m USING INDEX message_customer (business=? AND customer=? AND rowid<?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
    ),
    (message::OVERDUE, "SEARCH standing USING COVERING INDEX standing_unknown (phase_at<?)"),
    (message::NEXT_OVERDUE, "SEARCH standing USING COVERING INDEX standing_unknown (phase_at>?)"),
    (
        flush::FLIGHTS,
        "SCAN s USING INDEX standing_open; SEARCH m USING INTEGER PRIMARY KEY (rowid=?); CORRELATED SCALAR SUBQUERY 1; SEARCH l USING PRIMARY KEY (sender=? AND class=? AND customer=?)",
    ),
    // The index holds only attempts without an outcome: as many as were in flight.
    (message::LEFT_BEHIND, "SCAN standing USING COVERING INDEX standing_open; USE TEMP B-TREE FOR ORDER BY"),
    (messaging_services::SERVICES, "SEARCH messaging_service USING INDEX messaging_service_business (business=? AND rowid<?)"),
    (messaging_services::POOL, "SEARCH pool USING COVERING INDEX pool_of (service=?)"),
    (marks::MARKS, "SEARCH watermark USING PRIMARY KEY (sender=? AND address=?)"),
    (marks::UNREAD, "SEARCH unread USING COVERING INDEX unread_of (sender=? AND address=? AND started_at>? AND started_at<?)"),
    (people::CUSTOMERS, "SEARCH customer USING INDEX sqlite_autoindex_customer_1 (business=? AND id<?)"),
    (people::CLAIMS_ON, "SEARCH identity USING PRIMARY KEY (business=? AND identity=?)"),
    (SqliteRows::CLAIMS_OF, "SEARCH identity USING INDEX identity_of (business=? AND customer=?)"),
    (people::HOLDERS_FROM, "SEARCH identity USING PRIMARY KEY (business=? AND identity>? AND identity<?)"),
    (people::CHANGES, "SEARCH identity_change USING PRIMARY KEY (business=? AND identity=?)"),
    (people::ABSORBED, "SEARCH customer USING COVERING INDEX customer_merged (business=? AND merged_into=?)"),
    (people::BY_NAME, "SEARCH customer USING COVERING INDEX customer_name (business=? AND name_key>? AND name_key<?)"),
    (
        people::BY_USERNAME,
        "SEARCH customer USING COVERING INDEX customer_username (business=? AND username_key>? AND username_key<?)",
    ),
    (people::BY_WORD, "SEARCH customer_word USING PRIMARY KEY (business=? AND word>? AND word<?)"),
    (
        conversation::HEARD,
        "SEARCH conversation USING INDEX conversation_heard (business=? AND heard>? AND (heard,sender,customer)<(?,?,?))",
    ),
    (
        conversation::HEARD_OF_SENDER,
        "SEARCH conversation USING INDEX conversation_sender (business=? AND sender=? AND heard>? AND (heard,customer)<(?,?))",
    ),
    (
        conversation::HEARD_OF_CUSTOMER,
        "SEARCH conversation USING INDEX conversation_of (business=? AND customer=? AND heard>? AND (heard,sender)<(?,?))",
    ),
    (
        conversation::SPOKEN,
        "SEARCH conversation USING INDEX conversation_spoken (business=? AND spoken_at>? AND (spoken_at,sender,customer)<(?,?,?))",
    ),
    (conversation::OF_CUSTOMER, "SEARCH conversation USING INDEX conversation_of (business=? AND customer=?)"),
    (conversation::DUE_LOOKS, "SEARCH conversation USING INDEX conversation_look (look_at<?)"),
    (conversation::NEXT_LOOK, "SEARCH conversation USING COVERING INDEX conversation_look (look_at>?)"),
    (telling::EVENTS_AFTER, "SEARCH event USING INDEX event_position (business=? AND position>?)"),
    (telling::EVENTS_BEFORE, "SEARCH event USING INDEX event_position (business=? AND position<?)"),
    (relay::FIRST_DELIVERY, "SEARCH delivery USING INDEX delivery_open (endpoint=?)"),
    (relay::OPEN_DELIVERIES, "SEARCH delivery USING INDEX delivery_open (endpoint=? AND position>?)"),
    (relay::GIVEN_UP, "SEARCH delivery USING INDEX delivery_over (endpoint=? AND position>?)"),
    (relay::OPEN_REPLAY, "SEARCH replay USING INDEX replay_open (endpoint=?)"),
    (relay::DUE_DELIVERIES, "SEARCH delivery USING INDEX delivery_due (endpoint=? AND due<?)"),
    (relay::NEXT_DELIVERY, "SEARCH delivery USING COVERING INDEX delivery_due (endpoint=? AND due>?)"),
    (relay::OLDEST_DELIVERY, "SEARCH delivery USING INDEX delivery_of (endpoint=? AND sender=? AND customer=?)"),
    (relay::DELIVERIES_OF, "SEARCH delivery USING INDEX delivery_of (endpoint=? AND sender=? AND customer=?)"),
    (restore::WAITS_AFTER, "SEARCH wait USING PRIMARY KEY ((sender,position)>(?,?))"),
    (restore::UNKNOWNS, "SCAN standing USING COVERING INDEX standing_unknown"),
    (sweep::OLD_KEPT, "SEARCH idempotency USING COVERING INDEX idempotency_until (until<?)"),
    (sweep::OLD_ORPHANS, "SEARCH orphan USING COVERING INDEX orphan_at (at<?)"),
    (admin::BUSINESSES_AFTER, "SEARCH business USING COVERING INDEX sqlite_autoindex_business_1 (id>?)"),
    (heard::AMENDMENTS, "SEARCH amendment USING INDEX sqlite_autoindex_amendment_1 (business=? AND original=?)"),
    (heard::AMENDMENTS_OF, "SEARCH amendment USING INDEX amendment_of (seq=?)"),
    (heard::OLD_AMENDMENTS, "SEARCH amendment USING INDEX amendment_waits (heard_at<?)"),
    (heard::OLD_NEWS, "SEARCH news USING COVERING INDEX news_at (at<?)"),
    (sweep::LEFT_IDS, "SEARCH left_id USING PRIMARY KEY (at<?)"),
    (sweep::NEXT_STREAM, "SEARCH event_counter USING PRIMARY KEY (business>?)"),
    (sweep::EVENT_AGES, "SEARCH event USING INDEX event_position (business=? AND position>?)"),
    (sweep::NEXT_OUTSTANDING, "SEARCH delivery USING PRIMARY KEY (endpoint>?)"),
    (sweep::OLDEST_DELIVERIES, "SEARCH delivery USING PRIMARY KEY (endpoint=? AND position<?)"),
    (
        template::HISTORY,
        "SEARCH template_change USING INDEX template_change_of (business=? AND waba=? AND name=? AND language=? AND seq<?)",
    ),
    (template::CREATIONS, "SEARCH template_change USING COVERING INDEX template_change_created (business=? AND waba=? AND at>?)"),
    (template::OLD_CHANGES, "SEARCH template_change USING INDEX template_change_at (at<?)"),
    (
        silence::MESSAGES_OF_AFTER,
        "SEARCH m USING INDEX message_business (business=? AND rowid>?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
    ),
    (
        silence::PASSED_AFTER,
        "SEARCH m USING INDEX message_business (business=? AND rowid>?); SEARCH s USING INTEGER PRIMARY KEY (rowid=?)",
    ),
    (history::UNTIL, "SEARCH overdue USING PRIMARY KEY (sender=? AND due<?)"),
    (history::OF, "SEARCH overdue USING PRIMARY KEY (sender=?)"),
    (tally::SUMS, "SEARCH tally USING PRIMARY KEY (business=? AND width=? AND at>? AND at<?); USE TEMP B-TREE FOR GROUP BY"),
    (
        tally::FAILURES,
        "SEARCH tally_failure USING PRIMARY KEY (business=? AND hour>? AND hour<?); USE TEMP B-TREE FOR GROUP BY; USE TEMP B-TREE FOR ORDER BY",
    ),
    (tally::OLD, "SEARCH tally USING PRIMARY KEY (business=? AND width=? AND at<?)"),
    (tally::OLD_FAILURES, "SEARCH tally_failure USING PRIMARY KEY (business=? AND hour<?)"),
    (silence::SILENCE, "SEARCH silence USING PRIMARY KEY (sender=? AND day>?)"),
    (media::HAS_BYTES, "SEARCH media USING COVERING INDEX media_digest (business=? AND digest=?)"),
    (media::OLD_MEDIA, "SEARCH media USING INDEX media_at (business=? AND at<?)"),
    (media::NEXT_FETCHING, "SEARCH media USING COVERING INDEX media_due (sender>?)"),
    (media::TO_FETCH, "SEARCH media USING INDEX media_due (sender=? AND due>?)"),
    (media::LOOSE, "SEARCH loose USING COVERING INDEX loose_at (at<?)"),
    (media::OLD_COPIES, "SEARCH upstream_copy USING COVERING INDEX upstream_copy_until (until<?)"),
];

/// Those of the journal's file.
const JOURNAL: &[(&str, &str)] = &[
    (journal::HEADS_AFTER, "SEARCH entry USING INDEX entry_position (business=? AND position>?)"),
    (journal::HEADS_BEFORE, "SEARCH entry USING INDEX entry_position (business=? AND position<?)"),
    (journal::FLAGGED_BEFORE, "SEARCH entry USING INDEX entry_flagged (business=? AND position<?)"),
    (journal::FLAGGED_AFTER, "SEARCH entry USING INDEX entry_flagged (business=? AND position>?)"),
    (journal::HEAD_BY_ID, "SEARCH entry USING INDEX entry_id (id=?)"),
    (journal::ENTRY_FROM, "SEARCH entry USING INDEX entry_position (business=? AND position>?)"),
    (journal::RAW, "SEARCH entry USING INDEX entry_position (business=? AND position=?)"),
];

/// A file of each kind, with its statements.
fn files() -> [(rusqlite::Connection, &'static [(&'static str, &'static str)]); 2] {
    [(crate::sqlite::open::HOUSE, PLANS), (crate::sqlite::open::JOURNAL, JOURNAL)].map(|(kind, plans)| {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        crate::sqlite::open::steady_plans(&connection).unwrap();
        (kind.migrate)(&connection).unwrap();
        (connection, plans)
    })
}

#[test]
fn nothing_on_the_way_of_a_message_walks_through_what_is_stored() {
    for (connection, (sql, expected)) in files().iter().flat_map(|(file, plans)| plans.iter().map(move |plan| (file, plan))) {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let unbound = vec![rusqlite::types::Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(unbound), |row| row.get("detail")).unwrap();
        let plan: Vec<String> = steps.map(|step| step.unwrap()).collect();
        assert_eq!(plan.join("; "), *expected, "{sql}");
    }
}

/// A statement that is prepared anew at each run costs more than all else it does.
#[test]
fn a_statement_is_prepared_once() {
    for (connection, (sql, _)) in files().iter().flat_map(|(file, plans)| plans.iter().map(move |plan| (file, plan))) {
        let mut statement = connection.prepare(sql).unwrap();
        for value in 0..3i64 {
            let values = vec![value; statement.parameter_count()];
            let mut rows = statement.query(rusqlite::params_from_iter(values)).unwrap();
            assert!(rows.next().unwrap().is_none());
        }
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0, "{sql}");
    }
}
