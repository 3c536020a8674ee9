//! The tour for people: the seed's table as it really went.

use super::judge::{Outcome, SentAs};
use crate::out;

/// Prints the rows, one line each, under the two columns of the table.
pub(super) fn table(outcomes: &[Outcome]) {
    let rows: Vec<Vec<String>> = outcomes
        .iter()
        .map(|o| {
            let went = match (o.sent_as, &o.error) {
                (Some(SentAs::Session), _) => "session message".to_owned(),
                (Some(SentAs::Template), _) => "template message".to_owned(),
                (None, Some(error)) => error.trim_start_matches("ERROR_CODE_").to_lowercase().replace('_', " "),
                (None, None) => "-".to_owned(),
            };
            let session = if o.session == "user" { "inside" } else { "outside" };
            let graph = match &o.posted_to_graph {
                Some(posted) => {
                    format!("posted to Graph: {} {}", posted.status, posted.code.map_or_else(String::new, |c| c.to_string()))
                }
                None => o.final_status.clone().unwrap_or_default(),
            };
            vec![
                if o.agrees { "✓" } else { "✗" }.to_owned(),
                o.kind.to_owned(),
                session.to_owned(),
                o.case.unwrap_or("").replace('_', " "),
                if o.approved { "approved" } else { "" }.to_owned(),
                o.seed.to_owned(),
                went,
                graph,
            ]
        })
        .collect();
    out::table(&["", "content type", "session", "buttons", "template", "the seed says", "it went as", "and was"], &rows);
    for outcome in outcomes.iter().filter(|o| !o.agrees) {
        let case = outcome.case.map_or_else(String::new, |c| format!(" with {c}"));
        let why = outcome.why.as_deref().unwrap_or("no reason noted");
        out::note(format!("✗ {}{case}, {} session, approved: {}: {why}", outcome.kind, outcome.session, outcome.approved));
    }
    let agreeing = outcomes.iter().filter(|o| o.agrees).count();
    out::line("");
    out::line(format!("{agreeing} of {} rows agree with the seed.", outcomes.len()));
}
