//! Callbacks: events told in Twilio's form to the addresses that messages and senders name, and the replies in the answers.
//!
//! One try of the relay is all that Twilio does at once: the address, as often as its fragment asks, then the fallback. What goes
//! on after that (again later, for days) is the relay's own, unless the fragment says when to give up.

use std::sync::PoisonError;
use std::time::Duration;

use ::http::{Method, Request};
use bytes::Bytes;
use url::Url;

use transom_domain::error_code::ErrorCode;
use transom_domain::event::{Event, EventBody};
use transom_domain::id::{CustomerId, MessageId, SenderId};
use transom_domain::message::WhenRefused;
use transom_domain::time::Timestamp;
use transom_store::{Actor, Attempted, CallbackMethod, Endpoint, EndpointAnswer, Scopes};

use super::Inner;
use super::answers::kept;
use super::call::{NotTold, Told, judge};
use crate::problem::Problem;
use crate::service::{Caller, WeakService};
use crate::telemetry;
use crate::twilio::callback::book::{Book, Target};
use crate::twilio::callback::form::Form;
use crate::twilio::callback::hook::{Hook, Outcome};
use crate::twilio::callback::replies::{self, LOOPED};
use crate::twilio::callback::twiml::{self, REPLIES_MAX, Remark, Reply};
use crate::twilio::callback::{inbound, message_sid, service_sid, signature, status};
use crate::twilio::{codes, is_inbound, know_file, path_of_file};
use crate::wire::{Called, ConnectWithin, Wanted};

/// Largest answer that is read; one over what TwiML may have is told as that.
const ANSWER_MAX: usize = 1024 * 1024;
/// Addresses that one answer leads to after another.
const REDIRECTS_MAX: usize = 5;
/// Tries to hand in a reply when there is no room for it just now.
const REPLY_TRIES: u32 = 3;
/// The pause between them.
const REPLY_PAUSE: Duration = Duration::from_secs(1);
/// An address could not be reached, or answered with an error: what a fallback is told, and what is said of a redirect.
const NOT_REACHED: u32 = 11_200;

/// What an address was asked, and in which words.
struct Question<'a> {
    book: &'a Book,
    event: &'a Event,
    form: &'a Form,
    attempt: u32,
}

/// What was heard of an address: the HTTP status, and the answer as people see it.
#[derive(Default)]
struct Heard {
    status: Option<u16>,
    answer: Option<EndpointAnswer>,
}

/// What an address answered.
struct Answered {
    heard: Heard,
    result: Result<Bytes, NotTold>,
}

/// A reply, and the address that gave it.
type Said = (Reply, Url);

/// What the answers to an inbound message ask for.
#[derive(Default)]
struct Wanting {
    replies: Vec<Said>,
    remarks: Vec<Remark>,
}

impl Inner {
    /// Tells the address of an event of it. One that no address is for counts as told.
    pub(super) async fn call_back(&self, book: &Book, event: &Event, attempt: u32) -> Told {
        let at = self.parts.clock.now();
        let begun = tokio::time::Instant::now();
        let Some(target) = book.target(event) else { return Told::nothing(at) };
        let told = match self.form(event, &target).await {
            Ok(Some(form)) => self.call_target(&Question { book, event, form: &form, attempt }, &target).await,
            Ok(None) => return Told::nothing(at),
            Err(not) => (Heard::default(), Err(not)),
        };
        let millis = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let (Heard { status, answer }, result) = told;
        let attempt = Attempted { at, status, millis };
        match result {
            Ok(remarks) => Told { attempt, result: Ok(()), answer, remarks },
            Err(not) => Told { attempt, result: Err(not), answer, remarks: Vec::new() },
        }
    }

    /// The call that tells an event, printed once more: of the address, whether or not its fallback was called.
    pub(super) async fn callback_again(
        &self,
        endpoint: &Endpoint,
        event: &Event,
        attempt: u32,
    ) -> Result<Option<Request<Bytes>>, String> {
        let book = self.parts.directory.now().callbacks(endpoint.business).cloned();
        let Some(book) = book else { return Ok(None) };
        let Some(target) = book.target(event).filter(|target| target.is_at(&endpoint.address)) else { return Ok(None) };
        let Some(form) = self.form(event, &target).await.map_err(|not| not.why)? else { return Ok(None) };
        let hook = Hook::parse(target.address).map_err(|why| why.0)?;
        let question = Question { book: &book, event, form: &form, attempt };
        self.callback_request(&question, &hook, target.method).map(Some)
    }

    /// What is said of an event.
    async fn form(&self, event: &Event, target: &Target<'_>) -> Result<Option<Form>, NotTold> {
        let business = event.business;
        let service = target.service.map(service_sid);
        let service = service.as_deref();
        Ok(match &event.body {
            EventBody::MessageReceived { party, message, inbound, reply_to, .. } => {
                let replied_to = match reply_to {
                    Some(message) => Some(self.original(event, *message).await?),
                    None => None,
                };
                let said =
                    inbound::Said { business, party, message: *message, inbound, replied_to: replied_to.as_ref(), service };
                inbound::form(&said, |media| format!("{}{}", self.parts.links.base(), path_of_file(business, *message, media)))
            }
            EventBody::MessageStatus { party, message, status, failure, taken, origin, .. } => {
                let failure = failure.as_ref();
                let late = failure.is_some_and(|failure| codes::is_undelivered(failure, *taken, party.channel));
                let error = failure.map(|f| (codes::of_failure(f, party.channel).number(), f.message.as_str()));
                let upstream = failure.and_then(|f| f.upstream.as_ref());
                let upstream = upstream.map(|said| said.details.as_deref().unwrap_or(&said.title));
                let sid = message_sid(*message, origin.as_ref().is_some_and(|origin| origin.media));
                status::Word::of(*status, late)
                    .map(|word| status::form(&status::Report { business, party, message: &sid, word, service, error, upstream }))
            }
            _ => None,
        })
    }

    /// A message that is answered. One that is no more is taken for the business's: most are.
    async fn original(&self, event: &Event, message: MessageId) -> Result<inbound::Original, NotTold> {
        let found = self.parts.store.message(event.business, message).await.map_err(|why| NotTold::plain(why.to_string()))?;
        let is_inbound = found.as_ref().is_some_and(is_inbound);
        let media = found.and_then(|message| message.origin).is_some_and(|origin| origin.media);
        Ok(inbound::Original { sid: message_sid(message, media), is_inbound })
    }

    /// The address, then the fallback.
    async fn call_target(&self, question: &Question<'_>, target: &Target<'_>) -> (Heard, Result<Vec<Remark>, NotTold>) {
        let (heard, first) = self.call_one(question, (target.address, target.method)).await;
        let Some(fallback) = target.fallback.filter(|_| first.wants_a_fallback()) else { return (heard, first.told()) };
        let mut form = question.form.clone();
        form.set("ErrorCode", first.code().to_string());
        form.set("ErrorUrl", target.address.split('#').next().unwrap_or_default());
        let second = self.call_one(&Question { form: &form, ..*question }, fallback).await;
        match (first, second) {
            // What failed is the address itself; that the fallback did, too, adds nothing.
            (first, (_, Ended::NotTaken(_) | Ended::Faulty(_))) => (heard, first.told()),
            (Ended::Faulty(remark), (heard, Ended::Done(mut remarks))) => {
                remarks.insert(0, remark);
                (heard, Ok(remarks))
            }
            (_, (heard, second)) => (heard, second.told()),
        }
    }

    /// One address, as often as it asks for, and what its answer asks for.
    async fn call_one(&self, question: &Question<'_>, (address, method): (&str, CallbackMethod)) -> (Heard, Ended) {
        let hook = match Hook::parse(address) {
            Ok(hook) => hook,
            Err(why) => return (Heard::default(), Ended::NotTaken(NotTold::plain(why.0))),
        };
        let Answered { heard, result } = self.ask(question, &hook, method).await;
        let body = match result {
            Ok(body) => body,
            Err(not) => return (heard, Ended::NotTaken(not)),
        };
        // What is answered to a status is nobody's wish.
        if !matches!(question.event.body, EventBody::MessageReceived { .. }) {
            return (heard, Ended::Done(Vec::new()));
        }
        let wanting = match self.understand(question, hook.url, &body).await {
            Ok(wanting) => wanting,
            Err(remark) => return (heard, Ended::Faulty(remark)),
        };
        let ended = match self.answer(question, wanting).await {
            Ok(remarks) => Ended::Done(remarks),
            Err(not) => Ended::Unanswered(not),
        };
        (heard, ended)
    }

    /// Asks an address, again at once where it wants that.
    async fn ask(&self, question: &Question<'_>, hook: &Hook, method: CallbackMethod) -> Answered {
        let begun = tokio::time::Instant::now();
        let mut last =
            Answered { heard: Heard::default(), result: Err(NotTold::plain("there was no time to call it".to_owned())) };
        for _ in 0..=hook.wishes.retries {
            let Some(limit) = hook.wishes.left(begun.elapsed()) else { break };
            let at = self.parts.clock.now();
            let called = match self.callback_request(question, hook, method) {
                Ok(request) => {
                    let asked = tokio::time::Instant::now();
                    let call = self.parts.wire.call(request, Wanted::Whole(ANSWER_MAX));
                    let called = tokio::time::timeout(limit, call).await;
                    telemetry::delivering(asked.elapsed());
                    called.unwrap_or_else(|_| Called::Lost("timed out".to_owned()))
                }
                Err(why) => return Answered { heard: Heard::default(), result: Err(NotTold::plain(why)) },
            };
            let (outcome, body) = match &called {
                Called::Answer { status, body, .. } => (Outcome::Answered(*status), body.clone()),
                Called::NeverLeft(_) => (Outcome::NoConnection, Bytes::new()),
                Called::Lost(_) => (Outcome::NoAnswer, Bytes::new()),
            };
            let answer = kept(&called);
            let (status, result) = judge(called, at);
            let over = hook.wishes.explicit;
            // An answer is about this event; that a host cannot answer, or has enough, is about all of them.
            let alone = matches!(outcome, Outcome::Answered(code) if !matches!(code, 429 | 502..=504));
            let result = result.map(|()| body).map_err(|not| NotTold { gone: false, alone, over, ..not });
            let again = result.is_err() && hook.wishes.on.include(outcome);
            last = Answered { heard: Heard { status, answer }, result };
            if !again {
                break;
            }
        }
        last
    }

    fn callback_request(&self, question: &Question<'_>, hook: &Hook, method: CallbackMethod) -> Result<Request<Bytes>, String> {
        self.parts.addresses.check(hook.url.as_str()).map_err(|problem| problem.message)?;
        let signer = question.book.token.as_ref().map(|(_, signer)| signer);
        let signer = signer.ok_or("its business has no auth token to sign with")?;
        let (method, url, body, signed) = match method {
            CallbackMethod::Post => {
                let signed = signer.sign(&hook.url, Some(question.form));
                (Method::POST, hook.url.clone(), question.form.encoded(), signed)
            }
            CallbackMethod::Get => {
                let url = question.form.behind(&hook.url);
                let signed = signer.sign(&url, None);
                (Method::GET, url, String::new(), signed)
            }
        };
        let mut request = Request::builder().method(&method).uri(url.as_str());
        if method == Method::POST {
            request = request.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        }
        let id = question.event.id.to_string();
        request
            .header("accept", "text/xml, application/xml, */*")
            .header(signature::HEADER, signed)
            // The same at every try: by it what comes twice is known.
            .header("i-twilio-idempotency-token", &id)
            .header("x-gateway-event-id", &id)
            .header("x-gateway-attempt", question.attempt)
            .extension(ConnectWithin(hook.wishes.connect))
            .body(body.into())
            .map_err(|why| why.to_string())
    }

    /// What an answer asks for, and those that it leads to. What is wrong with the first of them is an error, since the fallback may
    /// know better; what is wrong further on is a remark.
    async fn understand(&self, question: &Question<'_>, mut url: Url, body: &[u8]) -> Result<Wanting, Remark> {
        let mut answer = twiml::read(body)?;
        let mut wanting = Wanting::default();
        for hop in 0.. {
            wanting.remarks.append(&mut answer.remarks);
            wanting.replies.extend(answer.replies.drain(..).map(|reply| (reply, url.clone())));
            let Some(redirect) = answer.redirect.take() else { break };
            let failed = |why: &str| Remark { code: NOT_REACHED, why: format!("a <Redirect> could not be followed: {why}") };
            if hop == REDIRECTS_MAX {
                wanting.remarks.push(failed("it leads on and on"));
                break;
            }
            let next = url.join(&redirect.url).map_err(|why| why.to_string());
            let next = next.and_then(|next| Hook::parse(next.as_str()).map_err(|why| why.0));
            let hook = match next {
                Ok(hook) => hook,
                Err(why) => {
                    wanting.remarks.push(failed(&why));
                    break;
                }
            };
            let method = if redirect.get { CallbackMethod::Get } else { CallbackMethod::Post };
            let asked = self.ask(question, &hook, method).await;
            let read = match asked.result {
                Ok(body) => twiml::read(&body),
                Err(not) => Err(failed(&not.why)),
            };
            match read {
                Ok(next) => (answer, url) = (next, hook.url),
                Err(remark) => {
                    wanting.remarks.push(remark);
                    break;
                }
            }
        }
        if wanting.replies.len() > REPLIES_MAX {
            wanting.replies.truncate(REPLIES_MAX);
            wanting.remarks.push(Remark { code: twiml::TOO_MANY, why: format!("only the first {REPLIES_MAX} replies are sent") });
        }
        Ok(wanting)
    }

    /// Sends the replies, in order. Gives what of it could not be done.
    async fn answer(&self, question: &Question<'_>, wanting: Wanting) -> Result<Vec<Remark>, NotTold> {
        let Wanting { replies, mut remarks } = wanting;
        for (index, (reply, url)) in replies.iter().enumerate() {
            if let Err(remark) = self.reply(question, index, reply, url).await? {
                let looped = remark.code == LOOPED;
                remarks.push(remark);
                if looped {
                    break;
                }
            }
        }
        Ok(remarks)
    }

    /// Sends one reply: once, however often its message is told.
    async fn reply(
        &self,
        question: &Question<'_>,
        index: usize,
        reply: &Reply,
        url: &Url,
    ) -> Result<Result<(), Remark>, NotTold> {
        let Question { book, event, .. } = question;
        let later = |why: &str| NotTold { alone: true, ..NotTold::plain(format!("a reply could not be handed in: {why}")) };
        let (Some(party), Some((key, _))) = (event.body.party(), &book.token) else { return Ok(Ok(())) };
        let service = self.service.get().and_then(WeakService::upgrade).ok_or_else(|| later("the service is not there"))?;
        let now = self.parts.clock.now();
        let when_refused = if book.refuse_at_once { WhenRefused::Refuse } else { WhenRefused::Accept };
        let mut command = match replies::command(reply, party, url, when_refused) {
            Ok(command) => command,
            Err(remark) => return Ok(Err(remark)),
        };
        command.id = Some(replies::id(event, index));
        if let Err(refusal) = know_file(&service, event.business, &mut command.what).await {
            return if refusal.status >= 500 { Err(later(&refusal.message)) } else { Ok(Err(replies::remark(&refusal))) };
        }
        if !self.may_reply((party.sender, party.customer), now) {
            return Ok(Err(Remark {
                code: LOOPED,
                why: "more than 15 replies between two numbers within 30 seconds".to_owned(),
            }));
        }
        let caller = Caller { business: event.business, who: Actor::Key(*key), scopes: Scopes::SEND };
        let mut tries = 1;
        loop {
            let problem: Problem = match service.sending(&caller, command.clone()).await {
                Ok(_) => return Ok(Ok(())),
                Err(problem) => problem,
            };
            match problem.code {
                // This reply was accepted when the message was told before.
                ErrorCode::IdempotencyConflict => return Ok(Ok(())),
                ErrorCode::RateLimited
                | ErrorCode::BacklogFull
                | ErrorCode::Overloaded
                | ErrorCode::StoreUnavailable
                | ErrorCode::Unspecified => {
                    if tries == REPLY_TRIES {
                        return Err(later(&problem.message));
                    }
                    tries += 1;
                    tokio::time::sleep(REPLY_PAUSE).await;
                }
                _ => return Ok(Err(replies::refused(problem))),
            }
        }
    }

    fn may_reply(&self, pair: (SenderId, CustomerId), now: Timestamp) -> bool {
        self.replied.lock().unwrap_or_else(PoisonError::into_inner).allow(pair, now)
    }
}

/// How a call ended.
enum Ended {
    /// It was taken, and done what the answer asks for, as far as it can be.
    Done(Vec<Remark>),
    /// It was taken, and the answer cannot be read.
    Faulty(Remark),
    /// It was not taken.
    NotTaken(NotTold),
    /// It was taken, and there is no room here for what it answered.
    Unanswered(NotTold),
}

impl Ended {
    const fn wants_a_fallback(&self) -> bool {
        matches!(self, Self::Faulty(_) | Self::NotTaken(_))
    }

    /// The code under which a fallback hears of it.
    const fn code(&self) -> u32 {
        match self {
            Self::Faulty(remark) => remark.code,
            Self::Done(_) | Self::NotTaken(_) | Self::Unanswered(_) => NOT_REACHED,
        }
    }

    fn told(self) -> Result<Vec<Remark>, NotTold> {
        match self {
            Self::Done(remarks) => Ok(remarks),
            Self::Faulty(remark) => Ok(vec![remark]),
            Self::NotTaken(not) | Self::Unanswered(not) => Err(not),
        }
    }
}

#[cfg(test)]
#[path = "callbacks_tests.rs"]
mod tests;
