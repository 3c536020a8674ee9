//! `hear`: everything that one webhook body says to one business, in one transaction.

use transom_domain::event::EventBody;
use transom_domain::fact::{
    Fact, Heard, HeardBy, IdentityChange, Inbound, InboundBody, StatusReport, TemplateStatus, TemplateTold, Watermark,
};
use transom_domain::id::{CustomerId, EventId, MessageId, SenderId};
use transom_domain::limits::LimitsTold;
use transom_domain::message::{CallbackTag, Class, Origin, PartTag, WhenUnknown};
use transom_domain::session::Evidence;
use transom_domain::standing::AccountTold;
use transom_domain::status::{Phase, Status};
use transom_domain::time::Timestamp;

use super::marks::FirstPart;
use super::people::Told;
use super::report::{Applied, Loaded, apply};
use super::session::{Pair, believe, tell_all};
use super::{account, amend, consent, marks, media, people, reach, read, tally, tell, template};
use crate::rows::{Brief, NewMessage, Orphan, Result, Rows, Seq, Standing};
use crate::{HearBody, HearOutcome, Sender};

/// Spreads the ids made from one seed; odd, so that no two of them meet.
const SPREAD: u128 = 0xD134_2543_DE82_EF95_0B4D;

/// One body being heard.
struct Hearing<'a> {
    body: &'a HearBody,
    outcome: HearOutcome,
    made: u128,
}

/// See [`crate::Store::hear`].
pub(crate) fn hear(rows: &mut dyn Rows, body: &HearBody) -> Result<HearOutcome> {
    let mut hearing = Hearing { body, outcome: HearOutcome::default(), made: 0 };
    for (sender, heard) in &body.heard {
        hearing.one(rows, *sender, heard)?;
    }
    hearing.outcome.nudged.sort_unstable();
    hearing.outcome.nudged.dedup();
    Ok(hearing.outcome)
}

impl Hearing<'_> {
    /// Chance for the next id.
    fn chance(&mut self) -> u128 {
        self.made += 1;
        self.body.seed.wrapping_add(self.made.wrapping_mul(SPREAD))
    }

    /// As of when something counts that says nothing of its own time: when it was heard first, where it is heard again.
    fn undated(&self) -> Timestamp {
        if self.body.heard_at < self.body.now { self.body.heard_at } else { Timestamp::FAR }
    }

    fn count(&mut self, news: bool) {
        if news {
            self.outcome.news += 1;
        } else {
            self.outcome.repeated += 1;
        }
    }

    /// What became known of people beside.
    fn passed(&mut self, told: Told) {
        self.outcome.events.extend(told.events);
        self.outcome.nudged.extend(told.nudged);
    }

    fn told(&mut self, event: Option<EventId>) {
        self.outcome.events.extend(event);
    }

    /// The sender a fact is for; one of another business is never spoken for here.
    fn own(&self, rows: &dyn Rows, sender: Option<SenderId>) -> Result<Option<Sender>> {
        match sender {
            Some(id) => Ok(rows.sender(id)?.filter(|s| s.business == self.body.business)),
            None => Ok(None),
        }
    }

    fn became(&mut self, became: amend::Became) {
        match became {
            amend::Became { repeated: true, .. } => self.outcome.repeated += 1,
            amend::Became { waits: true, .. } => self.outcome.orphans += 1,
            _ => self.outcome.news += 1,
        }
        self.outcome.files += usize::from(became.file);
        self.outcome.messages.extend(became.message);
        self.outcome.events.extend(became.events);
    }

    fn one(&mut self, rows: &mut dyn Rows, sender: Option<SenderId>, heard: &Heard) -> Result<()> {
        let business = self.body.business;
        match &heard.fact {
            Fact::Inbound(inbound) => match self.own(rows, sender)? {
                Some(sender) => self.inbound(rows, &sender, inbound),
                None => Ok(()),
            },
            Fact::Amended(amended) => {
                let Some(sender) = self.own(rows, sender)? else { return Ok(()) };
                let became = amend::amend(rows, &sender, amended, self.body.now)?;
                self.became(became);
                Ok(())
            }
            Fact::Echo(echo) => {
                let Some(sender) = self.own(rows, sender)? else { return Ok(()) };
                let now = self.body.now;
                let fresh = amend::Fresh {
                    customer: CustomerId::compose(now, self.chance()),
                    message: MessageId::compose(now, self.chance()),
                };
                let became = amend::echo(rows, &sender, echo, &fresh, (self.body.heard_at, now))?;
                self.became(became);
                Ok(())
            }
            Fact::Account(told) => {
                let transom_domain::fact::Account::Waba(waba) = &heard.account else { return Ok(()) };
                let told = AccountTold { at: told.at.min(self.undated()), ..told.clone() };
                let changed = account::heard(rows, business, waba, &told, self.body.now)?;
                self.count(!changed.is_empty());
                self.outcome.nudged.extend(changed);
                Ok(())
            }
            Fact::News(news) => {
                let event = account::news(rows, business, &heard.account, news, (self.body.heard_at, self.body.now))?;
                self.count(event.is_some());
                self.told(event);
                Ok(())
            }
            Fact::Status(report) => self.status(rows, report),
            Fact::Watermark(mark) => {
                let Some(sender) = self.own(rows, sender)? else { return Ok(()) };
                // What has not left yet cannot have been read, whatever Meta's clock says.
                let heard_at = self.body.heard_at;
                let mark = Watermark { until: mark.until.min(heard_at), at: mark.at.min(heard_at), ..mark.clone() };
                let marked = marks::heard(rows, &sender, &mark, &self.body.app, self.body.now)?;
                self.count(marked.news);
                self.outcome.events.extend(marked.events);
                Ok(())
            }
            Fact::TemplateStatus(status) => {
                let transom_domain::fact::Account::Waba(waba) = &heard.account else { return Ok(()) };
                let status = TemplateStatus { at: status.at.min(self.undated()), ..status.clone() };
                let (news, events) = template::told(rows, business, waba, &status, self.body.now)?;
                self.count(news);
                self.outcome.events.extend(events);
                Ok(())
            }
            Fact::TemplateNews(told) => {
                let transom_domain::fact::Account::Waba(waba) = &heard.account else { return Ok(()) };
                let told = TemplateTold { at: told.at.min(self.undated()), ..told.clone() };
                let (news, events) = template::heard(rows, business, waba, &told, self.body.now)?;
                self.count(news);
                self.outcome.events.extend(events);
                Ok(())
            }
            Fact::IdentityChanged(change) => {
                let change = IdentityChange { at: change.at.min(self.body.now), ..change.clone() };
                let mut told = Told::new(self.body.now);
                let news = people::rotate(rows, business, &change, &mut told)?;
                self.count(news);
                self.passed(told);
                Ok(())
            }
            Fact::Preference(preference) => {
                // Consent of someone unknown is kept too: it holds for the first message already.
                let new = CustomerId::compose(self.body.now, self.chance());
                let at = preference.at.min(self.body.heard_at);
                let mut told = Told::new(self.body.now);
                let customer = people::speaks(rows, business, &preference.from, at, new, &mut told)?;
                let said = consent::prefers(rows, customer, preference, (self.body.heard_at, self.body.now))?;
                self.count(said.news);
                self.passed(told);
                self.told(said.event);
                Ok(())
            }
            Fact::Limits(told) => {
                let transom_domain::fact::Account::Waba(waba) = &heard.account else { return Ok(()) };
                let told = LimitsTold { at: told.at.min(self.undated()), ..told.clone() };
                let changed = reach::heard(rows, business, waba, &told, self.body.now)?;
                self.count(!changed.is_empty());
                self.outcome.nudged.extend(changed);
                Ok(())
            }
            Fact::Other { .. } => Ok(()),
        }
    }

    fn inbound(&mut self, rows: &mut dyn Rows, sender: &Sender, inbound: &Inbound) -> Result<()> {
        let (business, now, heard_at) = (self.body.business, self.body.now, self.body.heard_at);
        let Some(address) = people::address(&inbound.from) else { return Ok(()) };
        match rows.provided(business, &inbound.provider_id)? {
            None => {}
            Some((seq, 0)) if !strange(inbound) => return self.understood(rows, sender, seq, inbound),
            Some(_) => {
                self.outcome.repeated += 1;
                return Ok(());
            }
        }
        let new = CustomerId::compose(now, self.chance());
        let mut told = Told::new(now);
        let mut customer = people::speaks(rows, business, &inbound.from, inbound.at.min(heard_at), new, &mut told)?;
        self.passed(told);
        let brief = Brief {
            seq: 0,
            id: MessageId::compose(now, self.chance()),
            business,
            sender: sender.id,
            customer: customer.id,
            lane: customer.id,
            channel: sender.channel,
            address,
            position: rows.next_position(sender.id, false)?,
            class: Class::Reply,
            accepted_at: now,
            expires_at: None,
            when_unknown: WhenUnknown::default(),
            callback_data: None,
            campaign: None,
            reply_to: inbound.refers_to().map(str::to_owned),
            content: None,
            origin: Origin { media: matches!(inbound.body, InboundBody::Media { .. }), ..Origin::default() }.said(),
        };
        let answered = match inbound.refers_to() {
            Some(id) => read::answered(rows, &brief, id)?,
            None => None,
        };
        let evidence = if inbound.body.opens_session() { Evidence::heard(inbound.at, heard_at) } else { Evidence::default() };
        let pair = Pair::from(&brief);
        let believed = believe(rows, &pair, evidence, now)?;
        if believed.opened() {
            self.outcome.nudged.push(sender.id);
        }
        let (past, present) = believed.parted();
        let party = tell::party(rows, business, sender.id, brief.customer, sender.channel, &brief.address)?;
        self.outcome.events.extend(tell_all(rows, &pair, Some(&party), &past, now)?);
        let (reply_to, callback_data) = answered.map_or((None, None), |b| (Some(b.id), b.callback_data));
        let received = EventBody::MessageReceived {
            party: party.clone(),
            message: brief.id,
            inbound: Box::new(inbound.clone()),
            reply_to,
            callback_data,
            retold: false,
        };
        // The event first: the message remembers where it was told, so that its content can be taken out there too.
        let (position, event) = tell::placed(rows, business, now, received)?;
        self.told(Some(event));
        let standing = Standing { phase: Phase::Received, status: Status::Received, told: 0 };
        let seq = rows.insert_message(&NewMessage {
            brief: &brief,
            standing: &standing,
            draft: None,
            inbound: Some(inbound),
            verdict: None,
            told_at: Some(position),
        })?;
        tally::count(rows, &brief, None, standing.status)?;
        rows.bind(business, &inbound.provider_id, seq, 0)?;
        // Here and not later: what is sent from now on already sees it.
        let consent = consent::keyword(rows, &mut customer, brief.id, inbound, (heard_at, now))?;
        self.told(consent.event);
        self.outcome.files += usize::from(media::heard(rows, &brief, &inbound.body, (heard_at, now))?);
        self.outcome.events.extend(tell_all(rows, &pair, Some(&party), &present, now)?);
        self.outcome.events.extend(amend::join_waiting(rows, sender, &inbound.provider_id, seq, now)?);
        self.outcome.messages.push(brief.id);
        self.outcome.news += 1;
        Ok(())
    }

    /// Heard again, from the journal or by Meta: a message that nobody understood then, and the present code does, says from now on
    /// what it says, and is told so once more.
    fn understood(&mut self, rows: &mut dyn Rows, sender: &Sender, seq: Seq, inbound: &Inbound) -> Result<()> {
        let (business, now, heard_at) = (self.body.business, self.body.now, self.body.heard_at);
        let known = rows.brief_of(seq)?.filter(|(brief, _)| brief.sender == sender.id);
        let Some((brief, whole)) = known.map(|(brief, _)| read::whole(rows, &brief).map(|whole| (brief, whole))).transpose()?
        else {
            self.outcome.repeated += 1;
            return Ok(());
        };
        let was = whole.inbound.filter(|_| !whole.redacted);
        if !was.is_some_and(|was| strange(&was)) {
            self.outcome.repeated += 1;
            return Ok(());
        }
        let mut told = Told::new(now);
        let new = CustomerId::compose(now, self.chance());
        let mut customer = people::speaks(rows, business, &inbound.from, inbound.at.min(heard_at), new, &mut told)?;
        self.passed(told);
        rows.put_inbound(seq, inbound)?;
        let evidence = if inbound.body.opens_session() { Evidence::heard(inbound.at, heard_at) } else { Evidence::default() };
        let pair = Pair::from(&brief);
        let believed = believe(rows, &pair, evidence, now)?;
        if believed.opened() {
            self.outcome.nudged.push(sender.id);
        }
        let (past, present) = believed.parted();
        let party = tell::party(rows, business, sender.id, brief.customer, sender.channel, &brief.address)?;
        self.outcome.events.extend(tell_all(rows, &pair, Some(&party), &past, now)?);
        let answered = inbound.refers_to().map(|id| read::answered(rows, &brief, id)).transpose()?.flatten();
        let (reply_to, callback_data) = answered.map_or((None, None), |b| (Some(b.id), b.callback_data));
        let (message, inbound_told) = (brief.id, Box::new(inbound.clone()));
        let body = EventBody::MessageReceived {
            party: party.clone(),
            message,
            inbound: inbound_told,
            reply_to,
            callback_data,
            retold: true,
        };
        let (position, event) = tell::placed(rows, business, now, body)?;
        self.told(Some(event));
        amend::told_again(rows, business, &inbound.provider_id, (seq, position), now)?;
        let consent = consent::keyword(rows, &mut customer, brief.id, inbound, (heard_at, now))?;
        self.told(consent.event);
        self.outcome.files += usize::from(media::heard(rows, &brief, &inbound.body, (heard_at, now))?);
        self.outcome.events.extend(tell_all(rows, &pair, Some(&party), &present, now)?);
        self.outcome.news += 1;
        Ok(())
    }

    fn status(&mut self, rows: &mut dyn Rows, report: &StatusReport) -> Result<()> {
        let (business, now) = (self.body.business, self.body.now);
        if let Some(part) = report.callback.as_deref().and_then(PartTag::parse) {
            let heard = marks::first_part_heard(rows, business, part, (&report.provider_id, &self.body.app), now)?;
            self.count(heard != FirstPart::Old);
            if let FirstPart::Freed(sender) = heard {
                self.outcome.nudged.push(sender);
            }
            return Ok(());
        }
        let failure = report.errors.first().map(|error| (self.body.native)(error));
        let (mut loaded, at) = match rows.provided(business, &report.provider_id)? {
            Some((seq, number)) => match Loaded::of(rows, seq)?.and_then(|l| l.find(number).map(|at| (l, at))) {
                Some(found) => found,
                // A message that was deleted, or one that came in.
                None => {
                    self.outcome.repeated += 1;
                    return Ok(());
                }
            },
            None => match tagged(rows, business, report)? {
                Some((loaded, at, number)) => {
                    rows.bind(business, &report.provider_id, loaded.brief.seq, number)?;
                    (loaded, at)
                }
                // It was asked for by an id that was known here, and is no longer: its message had to go meanwhile.
                None if report.by == HeardBy::History => {
                    self.outcome.repeated += 1;
                    return Ok(());
                }
                None => return self.orphan(rows, report, failure),
            },
        };
        let Applied { news, events, nudged } =
            apply(rows, &mut loaded, at, report, failure, &self.body.app, (self.body.heard_at, now))?;
        self.count(news);
        self.outcome.events.extend(events);
        self.outcome.nudged.extend(nudged);
        Ok(())
    }

    fn orphan(
        &mut self,
        rows: &mut dyn Rows,
        report: &StatusReport,
        failure: Option<transom_domain::status::Failure>,
    ) -> Result<()> {
        let orphan = Orphan { report: report.clone(), failure, app: self.body.app.clone(), at: self.body.now };
        if rows.put_orphan(self.body.business, &orphan)? {
            self.outcome.orphans += 1;
        } else {
            self.outcome.repeated += 1;
        }
        Ok(())
    }
}

/// Whether nobody here knows what it says.
fn strange(inbound: &Inbound) -> bool {
    matches!(inbound.body, InboundBody::Unknown { .. })
}

/// The attempt that a report's callback tag names. It was committed before anything left, so that a tag of ours always finds
/// it, however early the report is.
fn tagged(
    rows: &dyn Rows,
    business: transom_domain::id::BusinessId,
    report: &StatusReport,
) -> Result<Option<(Loaded, usize, u32)>> {
    let Some(tag) = report.callback.as_deref().and_then(CallbackTag::parse) else { return Ok(None) };
    let Some((brief, standing)) = rows.brief(business, tag.message)? else { return Ok(None) };
    let attempts = rows.attempts(brief.seq)?;
    let loaded = Loaded { brief, standing, attempts };
    Ok(loaded.find(tag.attempt).map(|at| (loaded, at, tag.attempt)))
}
