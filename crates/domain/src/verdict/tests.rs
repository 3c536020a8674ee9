//! The verdict against a second transcription of the published table, made by hand: nothing here reads `crate::rules::RULES`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::content::{Action, ActionKind, Content, Language};
use crate::rules::{PUBLISHED, RULES};
use crate::session::Evidence;
use crate::template::Definition;
use crate::time::Span;

/// The table of session definitions, row by row, as it is published: `y` goes, `d` depends on buttons, `a` needs approval,
/// `n` not supported.
const TABLE: [(&str, char, char); 12] = [
    ("twilio/text", 'y', 'a'),
    ("twilio/media", 'y', 'a'),
    ("twilio/location", 'y', 'n'),
    ("twilio/call-to-action", 'd', 'a'),
    ("twilio/quick-reply", 'y', 'a'),
    ("twilio/list-picker", 'y', 'n'),
    ("twilio/card", 'd', 'a'),
    ("twilio/carousel", 'a', 'a'),
    ("twilio/catalog", 'y', 'a'),
    ("twilio/flows", 'a', 'a'),
    ("whatsapp/card", 'd', 'a'),
    ("whatsapp/authentication", 'a', 'a'),
];

/// By hand, too: which buttons may go in a session without approval.
const BUTTONS: [(ButtonCase, bool); 10] = [
    (ButtonCase::None, true),
    (ButtonCase::FewQuickReplies, true),
    (ButtonCase::ManyQuickReplies, false),
    (ButtonCase::OneUrl, true),
    (ButtonCase::TwoUrls, false),
    (ButtonCase::VoiceCall, true),
    (ButtonCase::PhoneNumber, false),
    (ButtonCase::CopyCode, false),
    (ButtonCase::Mixed, false),
    (ButtonCase::Other, false),
];

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn open() -> Session {
    Evidence::heard(NOW.minus(Span::hours(1)), NOW).at(NOW)
}

fn closed() -> Session {
    Evidence::heard(NOW.minus(Span::hours(30)), NOW).at(NOW)
}

fn template(approval: Approval, category: Category) -> Template {
    Template {
        id: "1".into(),
        name: "hello".into(),
        language: Language::parse("en").unwrap(),
        category,
        approval,
        reason: None,
        definition: Definition::default(),
        life: crate::template::Life::default(),
    }
}

fn ask(channel: Channel, kind: ContentType, buttons: ButtonCase, session: Session, templates: &[&Template]) -> Verdict {
    let candidates = [Candidate { kind, buttons, over_session_limits: None, templates }];
    verdict(&Question {
        channel,
        subject: Subject::Content { candidates: &candidates, when_closed: WhenClosed::Template },
        session,
        customer: CustomerFacts::default(),
        stopped: None,
        human: Human::default(),
    })
}

#[test]
fn every_cell_of_the_published_table_holds_with_and_without_approval() {
    let approved = template(Approval::Approved, Category::Utility);
    for (name, in_session, outside) in TABLE {
        let kind = ContentType::named(name).unwrap();
        for (session, cell) in [(open(), in_session), (closed(), outside), (Evidence::default().at(NOW), outside)] {
            for (case, goes_freely) in BUTTONS {
                let (bare, with) =
                    (ask(Channel::Whatsapp, kind, case, session, &[]), ask(Channel::Whatsapp, kind, case, session, &[&approved]));
                let expected = match cell {
                    'y' => (Kind::Session, Kind::Session),
                    'd' if goes_freely => (Kind::Session, Kind::Session),
                    'd' | 'a' => (Kind::NeedsApproval, Kind::Template),
                    _ => (Kind::Unsupported, Kind::Unsupported),
                };
                assert_eq!((bare.kind, with.kind), expected, "{name} {case:?} {session:?}");
                assert!(!bare.explanation.is_empty() && (bare.kind.goes() || !bare.alternatives.is_empty()), "{name}");
            }
        }
    }
}

#[test]
fn the_table_has_a_row_for_each_type_and_the_published_ones_come_first() {
    assert_eq!(RULES.map(|rule| rule.kind), ContentType::ALL);
    let mut published: Vec<_> = TABLE.iter().map(|(name, ..)| ContentType::named(name).unwrap()).collect();
    published.sort_unstable();
    assert_eq!(published, ContentType::ALL[..PUBLISHED]);
}

/// By hand, from the pages of these types.
#[test]
fn a_form_made_at_meta_goes_as_it_is_in_a_session_and_approved_outside() {
    let approved = template(Approval::Approved, Category::Utility);
    let of = |session, templates| ask(Channel::Whatsapp, ContentType::WhatsappFlows, ButtonCase::None, session, templates).kind;
    assert_eq!(
        (of(open(), &[]), of(closed(), &[]), of(closed(), &[&approved])),
        (Kind::Session, Kind::NeedsApproval, Kind::Template)
    );
    let messenger = ask(Channel::Messenger, ContentType::WhatsappFlows, ButtonCase::None, open(), &[]);
    assert_eq!(messenger.reason, Reason::ChannelCannotCarry);
}

#[test]
fn what_is_only_kept_never_goes_and_hides_nothing_that_may() {
    let candidate = |kind| Candidate { kind, buttons: ButtonCase::None, over_session_limits: None, templates: &[] };
    for never in NEVER {
        for session in [open(), closed()] {
            for channel in [Channel::Whatsapp, Channel::Messenger] {
                let alone = ask(channel, never.kind, ButtonCase::None, session, &[]);
                assert_eq!(alone.kind, Kind::Unsupported, "{}", never.kind);
                assert!(channel == Channel::Messenger || alone.explanation.contains(never.why), "{alone:?}");
                assert!(channel == Channel::Messenger || !alone.may_change(), "{alone:?}");
            }
            let candidates = [candidate(never.kind), candidate(ContentType::Text)];
            let question = Question {
                channel: Channel::Whatsapp,
                subject: Subject::Content { candidates: &candidates, when_closed: WhenClosed::Template },
                session,
                customer: CustomerFacts::default(),
                stopped: None,
                human: Human::default(),
            };
            let both = verdict(&question);
            // A text may go once a session opens: that is what the answer is about.
            assert_eq!((both.content_type.as_deref(), both.may_change()), (Some("twilio/text"), !both.kind.goes()));
            assert_eq!((both.passed_over.len(), both.passed_over[0].reason), (1, Reason::ChannelCannotCarry));
        }
    }
}

#[test]
fn messenger_is_user_initiated_only() {
    // By hand: what Messenger carries at all (channel matrix of the content types).
    let carries = ["twilio/text", "twilio/media", "twilio/quick-reply", "twilio/call-to-action", "twilio/card"];
    let approved = template(Approval::Approved, Category::Utility);
    for (name, ..) in TABLE {
        let kind = ContentType::named(name).unwrap();
        for templates in [&[][..], &[&approved][..]] {
            let inside = ask(Channel::Messenger, kind, ButtonCase::None, open(), templates);
            assert_eq!(inside.kind.goes(), carries.contains(&name), "{name}");
            let outside = ask(Channel::Messenger, kind, ButtonCase::None, closed(), templates);
            assert_eq!((outside.kind, outside.reason), (Kind::Unsupported, Reason::SessionRequired), "{name}");
        }
    }
}

#[test]
fn a_named_human_may_answer_on_messenger_while_the_door_is_open() {
    let candidates = |kind| [Candidate { kind, buttons: ButtonCase::None, over_session_limits: None, templates: &[] }];
    let ask = |kind, session, human| {
        verdict(&Question {
            channel: Channel::Messenger,
            subject: Subject::Content { candidates: &candidates(kind), when_closed: WhenClosed::Template },
            session,
            customer: CustomerFacts::default(),
            stopped: None,
            human,
        })
    };
    let evidence = Evidence::heard(NOW.minus(Span::hours(30)), NOW);
    let (session, until) = (evidence.at(NOW), evidence.human_until(NOW));
    let said = ask(ContentType::Text, session, Human { name: Some("Kim"), until });
    assert_eq!((said.kind, said.reason, said.valid_until), (Kind::Session, Reason::HumanAgent, until));
    assert!(said.explanation.contains("Kim"));
    // Whom Messenger cannot serve, no human can.
    assert_eq!(ask(ContentType::Carousel, session, Human { name: Some("Kim"), until }).reason, Reason::ChannelCannotCarry);
    // Nobody is named: refused, and told who could.
    let nobody = ask(ContentType::Text, session, Human { name: None, until });
    assert_eq!((nobody.kind, nobody.reason), (Kind::Unsupported, Reason::SessionRequired));
    assert!(nobody.alternatives.iter().any(|a| a.action == AlternativeAction::NameHuman));
    // After seven days, or from a stranger, not even a human may.
    let late = ask(ContentType::Text, session, Human { name: Some("Kim"), until: None });
    assert_eq!((late.kind, late.reason), (Kind::Unsupported, Reason::SessionRequired));
    // In a session it is a plain answer.
    assert_eq!(ask(ContentType::Text, open(), Human { name: Some("Kim"), until }).reason, Reason::SessionOpen);
}

#[test]
fn what_is_too_large_for_messenger_is_unsupported_there() {
    let why = Some("title has 81 characters, at most 80 are allowed");
    let candidates = [Candidate { kind: ContentType::Card, buttons: ButtonCase::None, over_session_limits: why, templates: &[] }];
    let said = verdict(&Question {
        channel: Channel::Messenger,
        subject: Subject::Content { candidates: &candidates, when_closed: WhenClosed::Template },
        session: open(),
        customer: CustomerFacts::default(),
        stopped: None,
        human: Human::default(),
    });
    assert_eq!((said.kind, said.reason), (Kind::Unsupported, Reason::OverSessionLimits));
    assert!(said.explanation.contains("81") && !said.alternatives.is_empty());
}

#[test]
fn buttons_fall_into_their_cases() {
    let action = |kind: ActionKind| -> Action { serde_json::from_value(json!({"type": kind.as_str(), "title": "x"})).unwrap() };
    let of = |kinds: &[ActionKind]| ButtonCase::of(&kinds.iter().map(|k| action(*k)).collect::<Vec<_>>());
    use ActionKind::{CopyCode, PhoneNumber, QuickReply, RequestContactInfo, Url, VoiceCall, VoiceCallRequest};
    assert_eq!(of(&[]), ButtonCase::None);
    assert_eq!(of(&[QuickReply; 3]), ButtonCase::FewQuickReplies);
    assert_eq!(of(&[QuickReply; 4]), ButtonCase::ManyQuickReplies);
    assert_eq!(of(&[Url]), ButtonCase::OneUrl);
    assert_eq!(of(&[Url, Url]), ButtonCase::TwoUrls);
    assert_eq!(of(&[VoiceCall]), ButtonCase::VoiceCall);
    assert_eq!(of(&[VoiceCallRequest]), ButtonCase::VoiceCall);
    assert_eq!(of(&[PhoneNumber]), ButtonCase::PhoneNumber);
    assert_eq!(of(&[CopyCode]), ButtonCase::CopyCode);
    assert_eq!(of(&[QuickReply, Url]), ButtonCase::Mixed);
    assert_eq!(of(&[RequestContactInfo]), ButtonCase::Other);
}

#[test]
fn only_an_approved_template_goes() {
    for approval in [
        Approval::Pending,
        Approval::Rejected,
        Approval::InAppeal,
        Approval::PendingDeletion,
        Approval::Deleted,
        Approval::LimitExceeded,
        Approval::Archived,
        Approval::Unknown,
    ] {
        let template = template(approval, Category::Utility);
        let verdict = ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&template]);
        assert_eq!(verdict.kind, Kind::NeedsApproval, "{approval:?}");
    }
    let paused = template(Approval::Paused, Category::Utility);
    assert_eq!(ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&paused]).reason, Reason::TemplatePaused);
}

#[test]
fn consent_and_reach_come_before_approval() {
    let marketing = template(Approval::Approved, Category::Marketing);
    let code = template(Approval::Approved, Category::Authentication);
    let ask = |template: &Template, customer: CustomerFacts| {
        let subject = Subject::Template(template);
        verdict(&Question {
            channel: Channel::Whatsapp,
            subject,
            session: closed(),
            customer,
            stopped: None,
            human: Human::default(),
        })
    };
    let unwilling = CustomerFacts { no_marketing: true, ..CustomerFacts::default() };
    assert_eq!(ask(&marketing, unwilling).reason, Reason::OptedOut);
    assert_eq!(ask(&code, unwilling).kind, Kind::Template);
    let unreachable = CustomerFacts { no_phone: true, ..CustomerFacts::default() };
    assert_eq!(ask(&code, unreachable).reason, Reason::PhoneRequired);
    assert_eq!(ask(&marketing, unreachable).kind, Kind::Template);
    let silent = CustomerFacts { nothing: true, ..CustomerFacts::default() };
    assert_eq!(ask(&code, silent).kind, Kind::Blocked);
    assert_eq!(
        (ask(&marketing, CustomerFacts::default()).class(), ask(&code, CustomerFacts::default()).class()),
        (Class::Marketing, Class::Reply)
    );
}

#[test]
fn the_richest_type_that_goes_is_taken() {
    let candidates = [
        Candidate { kind: ContentType::Carousel, buttons: ButtonCase::None, over_session_limits: None, templates: &[] },
        Candidate { kind: ContentType::Card, buttons: ButtonCase::PhoneNumber, over_session_limits: None, templates: &[] },
        Candidate { kind: ContentType::Text, buttons: ButtonCase::None, over_session_limits: None, templates: &[] },
    ];
    let subject = Subject::Content { candidates: &candidates, when_closed: WhenClosed::Template };
    let ask = |session| {
        verdict(&Question {
            channel: Channel::Whatsapp,
            subject,
            session,
            customer: CustomerFacts::default(),
            stopped: None,
            human: Human::default(),
        })
    };
    let inside = ask(open());
    assert_eq!((inside.kind, inside.content_type.as_deref()), (Kind::Session, Some("twilio/text")));
    let past = |verdict: &Verdict| {
        verdict.passed_over.iter().map(|other| (other.content_type.clone(), other.reason)).collect::<Vec<_>>()
    };
    let told = |kind: &str, reason| (kind.to_owned(), reason);
    assert_eq!(
        past(&inside),
        [told("twilio/carousel", Reason::TypeNeedsApproval), told("twilio/card", Reason::ButtonsNeedApproval)]
    );
    // Where none goes, the richest one's reason is told, and then the others'.
    let outside = ask(closed());
    assert_eq!(outside.content_type.as_deref(), Some("twilio/carousel"));
    assert_eq!(past(&outside), [told("twilio/card", Reason::SessionClosed), told("twilio/text", Reason::SessionClosed)]);
}

#[test]
fn refusing_to_go_as_a_template_is_the_callers_right() {
    let approved = template(Approval::Approved, Category::Utility);
    let candidates =
        [Candidate { kind: ContentType::Text, buttons: ButtonCase::None, over_session_limits: None, templates: &[&approved] }];
    let subject = Subject::Content { candidates: &candidates, when_closed: WhenClosed::Refuse };
    let verdict = verdict(&Question {
        channel: Channel::Whatsapp,
        subject,
        session: closed(),
        customer: CustomerFacts::default(),
        stopped: None,
        human: Human::default(),
    });
    assert_eq!(verdict.reason, Reason::SessionRequired);
}

proptest! {
    /// Any clock gives a verdict that matches the table.
    #[test]
    fn any_clock_gives_a_verdict_that_matches_the_table(row in 0usize..12, since in -10_000_000i64..400_000_000, case in 0usize..10) {
        let (name, in_session, outside) = TABLE[row];
        let (case, goes_freely) = BUTTONS[case];
        let heard = NOW.minus(Span::millis(since));
        let session = Evidence::heard(heard, NOW).at(NOW);
        let cell = if since < 86_400_000 { in_session } else { outside };
        let verdict = ask(Channel::Whatsapp, ContentType::named(name).unwrap(), case, session, &[]);
        prop_assert_eq!(verdict.kind.goes(), cell == 'y' || (cell == 'd' && goes_freely));
        if verdict.kind.goes() {
            prop_assert_eq!(verdict.valid_until, Some(heard.min(NOW).plus(Span::hours(24))));
        }
    }
}

#[test]
fn a_stopped_template_says_when_it_may_come_back() {
    let until = NOW.plus(Span::hours(3));
    let mut paused = template(Approval::Paused, Category::Utility);
    paused.life.paused_until = Some(until);
    let verdict = ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&paused]);
    assert_eq!((verdict.kind, verdict.reason, verdict.valid_until), (Kind::Blocked, Reason::TemplatePaused, Some(until)));
    assert!(verdict.explanation.contains(&until.to_string()), "{}", verdict.explanation);
    let disabled = template(Approval::Disabled, Category::Utility);
    let verdict = ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&disabled]);
    assert_eq!((verdict.kind, verdict.reason), (Kind::Blocked, Reason::TemplateDisabled));
    // One that can be sent is taken first, and its version told.
    let mut edited = template(Approval::Pending, Category::Utility);
    edited.life.version = 4;
    edited.life.edit =
        Some(Box::new(crate::template::Edit { version: 5, definition: Definition::default(), since: NOW, as_sent: true }));
    edited.life.review = Some(crate::template::Review { from: Approval::Approved, since: NOW });
    let verdict = ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&paused, &edited]);
    assert_eq!((verdict.sent_as, verdict.template_version), (Some(SentAs::Template), Some(4)));
    let stepped = verdict.stepping_in_for(&ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, closed(), &[&paused]));
    assert_eq!(stepped.instead_of.as_ref().map(|t| t.name.as_str()), Some("hello"));
    let text = serde_json::to_string(&stepped).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), stepped);
}

#[test]
fn a_verdict_survives_the_store() {
    let content = Content::read(&json!({"language": "en", "types": {"twilio/text": {"body": "Hi"}}}), "content").unwrap();
    assert_eq!(content.types.len(), 1);
    let verdict = ask(Channel::Whatsapp, ContentType::Text, ButtonCase::None, open(), &[]);
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
}
