//! Consent: a ledger that keeps what was said, and a state that is the same in whatever order it was heard.

use transom_domain::consent::{Choice, Entry, Evidence, Scope, Source};
use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, InboundBody, Preference, Reported};
use transom_domain::failure::UpstreamError;
use transom_domain::id::CustomerId;
use transom_domain::keywords::{Keywords, Words};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, failure, identity, person};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{ConsentLedger, Outcome as Of, Page, RecordConsent, RecordedConsent, StoreError, Who};

const ANA: &str = "+4915112345678";

fn entry(scope: Scope, choice: Choice, at: Timestamp) -> Entry {
    let evidence = Evidence { wording: Some("Send me offers".to_owned()), ..Evidence::default() };
    Entry { scope, choice, at, source: Source::Api, evidence }
}

async fn record(desk: &mut Desk, who: Who, entry: Entry) -> Result<Option<RecordedConsent>, Broken> {
    let new_customer = CustomerId(desk.now.as_millis().unsigned_abs().into());
    Ok(desk.store.record_consent(RecordConsent { business: SHOP, who, new_customer, entry, now: desk.now }).await?)
}

async fn ledger(desk: &Desk, size: usize, token: Option<String>) -> Result<ConsentLedger, Broken> {
    let found = desk.store.consent(SHOP, Who::Identity(identity(ANA)?), Page { size, token }).await?;
    found.ok_or_else(|| Broken("nobody is named so".to_owned()))
}

/// What one says in a text, or taps.
async fn says(desk: &mut Desk, wamid: &str, body: InboundBody) -> Outcome {
    let Fact::Inbound(mut inbound) = desk.inbound(person(ANA)?, wamid, desk.now) else {
        return Err(Broken("no inbound message".to_owned()));
    };
    inbound.body = body;
    desk.hear(vec![Fact::Inbound(inbound)]).await?;
    Ok(())
}

fn text(body: &str) -> InboundBody {
    InboundBody::Text { body: body.to_owned() }
}

pub(super) async fn a_ledger_keeps_every_word_once_in_pages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let who = Who::Identity(identity(ANA)?);
    // Older than the first message: the customer is made.
    let first = entry(Scope::Marketing, Choice::OptedIn, desk.now.minus(Span::hours(9)));
    let recorded = record(&mut desk, who.clone(), first.clone()).await?.ok_or_else(|| Broken("not recorded".to_owned()))?;
    hold!(recorded.news && recorded.changed);
    let again = record(&mut desk, Who::Id(recorded.customer), first.clone()).await?;
    same!(again, Some(RecordedConsent { news: false, changed: false, ..recorded.clone() }));
    // An earlier word is kept, and changes nothing.
    let earlier = entry(Scope::Marketing, Choice::OptedOut, desk.now.minus(Span::hours(10)));
    let late = record(&mut desk, who.clone(), earlier.clone()).await?;
    same!(late, Some(RecordedConsent { news: true, changed: false, ..recorded.clone() }));
    let out = entry(Scope::Everything, Choice::OptedOut, desk.now.minus(Span::hours(8)));
    let recorded = record(&mut desk, who.clone(), out.clone()).await?.ok_or_else(|| Broken("not recorded".to_owned()))?;
    hold!(recorded.consent.opted_out(Scope::Marketing) && recorded.consent.opted_out(Scope::Everything));
    let facts = desk.look(SHOP, DESK, identity(ANA)?).await?.facts;
    hold!(facts.nothing && facts.no_marketing);
    // Newest first, in pages, each once.
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = ledger(&desk, 2, token).await?;
        hold!(page.entries.len() <= 2);
        same!(page.consent, recorded.consent);
        found.extend(page.entries);
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    same!(found, vec![out, first, earlier]);
    hold!(matches!(
        desk.store.consent(SHOP, who.clone(), Page { size: 2, token: Some("x".to_owned()) }).await,
        Err(StoreError::BadToken)
    ));
    // Told when something else was wanted than before, and only then.
    same!(desk.names().await?, vec!["consent.changed"; 2]);
    // Nobody, and another business's.
    same!(record(&mut desk, Who::Id(CustomerId(7)), entry(Scope::Marketing, Choice::OptedIn, Timestamp::EPOCH)).await?, None);
    same!(desk.store.consent(RIVAL, Who::Id(recorded.customer), Page { size: 9, token: None }).await?, None);
    Ok(())
}

pub(super) async fn a_word_from_the_future_is_one_word(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Meta's clock is ahead of ours, and it says so twice.
    let wish = Fact::Preference(Preference { from: person(ANA)?, marketing: false, at: desk.now.plus(Span::secs(90)) });
    same!(desk.hear(vec![wish.clone()]).await?.news, 1);
    let heard = desk.now;
    desk.turn(Span::secs(30));
    same!(desk.hear(vec![wish.clone()]).await?.repeated, 1);
    same!(ledger(&desk, 9, None).await?.entries.len(), 1);
    // What is said after it was heard counts more.
    let start = Fact::Preference(Preference { from: person(ANA)?, marketing: true, at: heard.plus(Span::secs(10)) });
    desk.hear(vec![start, wish]).await?;
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    Ok(())
}

pub(super) async fn what_stops_marketing_is_kept_with_what_shows_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    // Meta's refusal, as a status.
    let refused = || UpstreamError { code: 131_050, title: "User has stopped".to_owned(), details: None, subcode: None };
    let by_status = desk.handed(ANA, "out.1").await?;
    let mut report = desk.status("out.1", Reported::Failed, desk.now);
    report.errors = vec![refused()];
    let outcome = desk.hear(vec![Fact::Status(report.clone()), Fact::Status(report)]).await?;
    same!((outcome.news, outcome.repeated, outcome.events.len()), (1, 1, 2));
    same!(desk.names().await?, vec!["consent.changed", "message.status"]);
    // In WhatsApp itself.
    desk.turn(Span::minutes(1));
    let wish = Preference { from: person(ANA)?, marketing: true, at: desk.now };
    desk.hear(vec![Fact::Preference(wish)]).await?;
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    // Meta's refusal, as the answer.
    desk.turn(Span::minutes(1));
    let by_answer = desk.send(ANA).await?;
    desk.take().await?;
    let mut failure = failure(transom_domain::error_code::ErrorCode::MessageCustomerOptedOut);
    failure.upstream = Some(refused());
    desk.settle(by_answer, 1, Of::Failed { failure, no_session: false }).await?;
    hold!(desk.look(SHOP, DESK, identity(ANA)?).await?.facts.no_marketing);
    let entries = ledger(&desk, 9, None).await?.entries;
    same!(entries.iter().map(|e| e.source).collect::<Vec<_>>(), vec![Source::Refusal, Source::Preference, Source::Refusal]);
    same!(entries.iter().map(|e| e.evidence.message).collect::<Vec<_>>(), vec![Some(by_answer), None, Some(by_status)]);
    hold!(entries.iter().all(|e| e.scope == Scope::Marketing && e.evidence.said.is_some()));
    Ok(())
}

pub(super) async fn a_stop_word_counts_from_the_message_that_says_it(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let waiting = desk.send(ANA).await?;
    says(&mut desk, "in.0", text("Please stop by tomorrow")).await?;
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.facts.nothing);
    says(&mut desk, "in.1", text(" Arrêt! ")).await?;
    // Read again where it is claimed: what was accepted before it does not leave.
    let claimed = desk.take().await?;
    same!((claimed.message.id, claimed.facts.nothing), (waiting, true));
    let said = ledger(&desk, 9, None).await?.entries;
    same!(said.len(), 1);
    let events = desk.events().await?;
    let stopped = events.iter().find_map(|event| match &event.body {
        EventBody::ConsentChanged { choice, source, message, .. } => Some((*choice, *source, *message)),
        _ => None,
    });
    let told = said.first().map(|entry| (Some(entry.choice), Some(entry.source), entry.evidence.message));
    same!(told, stopped);
    same!(said.first().and_then(|entry| entry.evidence.said.clone()), Some(" Arrêt! ".to_owned()));
    // The same message again says nothing new.
    says(&mut desk, "in.1", text(" Arrêt! ")).await?;
    same!(ledger(&desk, 9, None).await?.entries.len(), 1);
    // To write is no opt-in; a start word is.
    desk.turn(Span::minutes(1));
    says(&mut desk, "in.2", text("Where is my order?")).await?;
    hold!(desk.look(SHOP, DESK, identity(ANA)?).await?.facts.nothing);
    says(&mut desk, "in.3", InboundBody::Button { payload: "START".to_owned(), text: "Again, please".to_owned() }).await?;
    hold!(!desk.look(SHOP, DESK, identity(ANA)?).await?.facts.nothing);
    Ok(())
}

pub(super) async fn a_business_chooses_its_words(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let words = Words { stop_marketing: vec!["Lass gut sein".to_owned()], ..Words::default() };
    let keywords = Keywords { built_in: false, languages: [("de".to_owned(), words)].into() };
    desk.store.change_settings(SHOP, std::sync::Arc::new(move |settings| settings.keywords = Some(keywords.clone()))).await?;
    says(&mut desk, "in.1", text("STOP")).await?;
    let facts = desk.look(SHOP, DESK, identity(ANA)?).await?.facts;
    hold!(!facts.nothing && !facts.no_marketing);
    says(&mut desk, "in.2", text("Laß gut sein.")).await?;
    let facts = desk.look(SHOP, DESK, identity(ANA)?).await?.facts;
    hold!(!facts.nothing && facts.no_marketing);
    Ok(())
}
