//! What Twilio documents of its content types, and what is answered here: a table that is made by asking the verdict itself.

use std::fmt::Write as _;

use transom_domain::address::Channel;
use transom_domain::content::ContentType;
use transom_domain::message::WhenClosed;
use transom_domain::messenger::Human;
use transom_domain::rules::{ButtonCase, NEVER};
use transom_domain::session::{Closed, Session};
use transom_domain::time::Timestamp;
use transom_domain::verdict::{Candidate, CustomerFacts, Question, Subject, Verdict, verdict};

use super::codes::{is_undelivered, of_failure};
use super::refusal::Refusal;
use crate::problem::Problem;
use crate::service::{code_of, failure_of};

/// What Twilio's pages say of content that is not approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Documented {
    /// It goes.
    Allowed,
    /// It needs an approved template.
    Approval,
    /// It cannot go, and cannot be submitted.
    Impossible,
    /// No page says anything of it.
    Nothing,
}

impl Documented {
    const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "goes",
            Self::Approval => "approval required: 63016 later",
            Self::Impossible => "impossible: 63016 later",
            Self::Nothing => "nothing",
        }
    }
}

/// One row of Twilio's session matrix (content types overview; session definitions; the pages of each type), by hand: type, buttons,
/// inside a session, outside.
const MATRIX: &[(ContentType, ButtonCase, Documented, Documented)] = &[
    (ContentType::Text, ButtonCase::None, Documented::Allowed, Documented::Approval),
    (ContentType::Media, ButtonCase::None, Documented::Allowed, Documented::Approval),
    (ContentType::Location, ButtonCase::None, Documented::Allowed, Documented::Impossible),
    (ContentType::QuickReply, ButtonCase::FewQuickReplies, Documented::Allowed, Documented::Approval),
    (ContentType::CallToAction, ButtonCase::OneUrl, Documented::Allowed, Documented::Approval),
    (ContentType::CallToAction, ButtonCase::PhoneNumber, Documented::Approval, Documented::Approval),
    (ContentType::ListPicker, ButtonCase::None, Documented::Allowed, Documented::Impossible),
    (ContentType::Card, ButtonCase::FewQuickReplies, Documented::Allowed, Documented::Approval),
    (ContentType::Card, ButtonCase::CopyCode, Documented::Approval, Documented::Approval),
    (ContentType::Carousel, ButtonCase::FewQuickReplies, Documented::Approval, Documented::Approval),
    (ContentType::Catalog, ButtonCase::None, Documented::Allowed, Documented::Approval),
    (ContentType::Flows, ButtonCase::None, Documented::Approval, Documented::Approval),
    (ContentType::WhatsappCard, ButtonCase::OneUrl, Documented::Allowed, Documented::Approval),
    (ContentType::WhatsappCard, ButtonCase::Mixed, Documented::Approval, Documented::Approval),
    (ContentType::Authentication, ButtonCase::CopyCode, Documented::Approval, Documented::Approval),
];

/// The types that this matrix does not have, from their own pages.
const BEYOND: &[(ContentType, ButtonCase, Documented, Documented)] = &[
    (ContentType::WhatsappFlows, ButtonCase::None, Documented::Allowed, Documented::Approval),
    (ContentType::Pay, ButtonCase::None, Documented::Allowed, Documented::Impossible),
    (ContentType::Schedule, ButtonCase::None, Documented::Nothing, Documented::Nothing),
];

const OPEN: Session = Session::Open { until: Timestamp::from_secs(86_400) };
const CLOSED: Session = Session::Closed(Closed::NeverHeard);

/// The page as Markdown: derived, and compared in the tests.
#[must_use]
pub fn differences_page() -> String {
    let mut page = String::from(
        "# Twilio's table, and what is answered here\n\n\
         <!-- Made by `cargo xtask derive` from crates/gateway/src/twilio/differences.rs and the verdict. Do not edit. -->\n\n\
         Content that is not approved, sent to WhatsApp with a `ContentSid`. What Twilio documents was written down by hand from its pages on\n\
         content types and sessions; what is answered here comes from the verdict that judges every message. *At once* is what an account\n\
         hears that chose `transom twilio refusals at-once`.\n\n\
         | Content type | Buttons | Session | Twilio documents | Here | Here, at once |\n|---|---|---|---|---|---|\n",
    );
    rows(MATRIX, &mut page);
    let _ = write!(
        page,
        "\n## Types that the table of sessions does not have\n\n\
         `whatsapp/flows` opens a form that the business published at Meta itself. `twilio/pay` and `twilio/schedule` are kept, shown, changed\n\
         and moved in, and never sent from here: beside another type of the same content they are passed over, alone they are refused.\n\n\
         | Content type | Buttons | Session | Twilio documents | Here | Here, at once |\n|---|---|---|---|---|---|\n",
    );
    rows(BEYOND, &mut page);
    for never in NEVER {
        let _ = write!(page, "\n`{}` {}. {}\n", never.kind, never.why, never.instead);
    }
    page
}

fn rows(matrix: &[(ContentType, ButtonCase, Documented, Documented)], page: &mut String) {
    for (kind, buttons, inside, outside) in matrix {
        for (session, word, documented) in [(OPEN, "open", inside), (CLOSED, "none", outside)] {
            let (later, at_once) = answers(&asked(*kind, *buttons, session), session);
            let buttons = buttons.words();
            let _ = writeln!(page, "| `{kind}` | {buttons} | {word} | {} | {later} | {at_once} |", documented.word());
        }
    }
}

fn asked(kind: ContentType, buttons: ButtonCase, session: Session) -> Verdict {
    let candidates = [Candidate { kind, buttons, over_session_limits: None, templates: &[] }];
    verdict(&Question {
        channel: Channel::Whatsapp,
        subject: Subject::Content { candidates: &candidates, when_closed: WhenClosed::Template },
        session,
        customer: CustomerFacts::default(),
        stopped: None,
        human: Human::default(),
    })
}

/// What a send is answered, by default and where refusals come at once.
fn answers(verdict: &Verdict, session: Session) -> (String, String) {
    if verdict.kind.goes() {
        return ("201, goes".to_owned(), "201, goes".to_owned());
    }
    let refused = Refusal::from(Problem::refused(verdict, code_of(verdict, session)));
    let at_once = format!("{}, {}", refused.status, refused.code.number());
    let later = if verdict.may_change() {
        let failure = failure_of(verdict, session);
        let word = if is_undelivered(&failure, false, Channel::Whatsapp) { "undelivered" } else { "failed" };
        format!("201, then `{word}` with {}", of_failure(&failure, Channel::Whatsapp).number())
    } else {
        at_once.clone()
    };
    (later, at_once)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_here_is_what_twilio_lets_go() {
        let mut kinds: Vec<ContentType> = MATRIX.iter().chain(BEYOND).map(|(kind, ..)| *kind).collect();
        kinds.dedup();
        assert_eq!(kinds, ContentType::ALL);
        for never in NEVER {
            let (later, at_once) = answers(&asked(never.kind, ButtonCase::None, OPEN), OPEN);
            assert_eq!((later.as_str(), at_once.as_str()), ("400, 216602", "400, 216602"), "{}", never.kind);
        }
        for (kind, buttons, inside, outside) in MATRIX.iter().chain(&BEYOND[..1]) {
            for (session, documented) in [(OPEN, inside), (CLOSED, outside)] {
                let (later, at_once) = answers(&asked(*kind, *buttons, session), session);
                let goes = *documented == Documented::Allowed;
                assert_eq!((later.ends_with("goes"), at_once.ends_with("goes")), (goes, goes), "{kind} {buttons:?} {session:?}");
                assert!(goes || (later.contains("63016") && at_once.contains("63016")), "{kind} {buttons:?}: {later}; {at_once}");
            }
        }
    }
}
