//! TwiML: what an application answers to an inbound message. Read by hand over a tokenizer, so that every bound is ours: no
//! document type, no entities of its own, nothing deeper or longer than is said here.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

/// Longest answer, in bytes.
pub const TWIML_MAX: usize = 64 * 1024;
/// Most replies to one message.
pub const REPLIES_MAX: usize = 10;
/// Most files of one reply; further ones are told and left out.
pub const MEDIA_MAX: usize = 10;
/// Elements inside one another.
const DEPTH_MAX: usize = 16;
/// Remarks kept of one answer.
const REMARKS_MAX: usize = 16;

/// The answer is longer than [`TWIML_MAX`].
pub const TOO_LONG: u32 = 11_750;
/// The answer is no XML.
const NOT_XML: u32 = 12_100;
/// The answer is XML, and not TwiML.
const NOT_TWIML: u32 = 12_200;
/// The answer is neither empty nor XML.
const NOT_MARKUP: u32 = 12_300;
/// More than [`REPLIES_MAX`] replies.
pub const TOO_MANY: u32 = 14_109;

/// What an application wants done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Replies, in order; at most [`REPLIES_MAX`].
    pub replies: Vec<Reply>,
    /// Where to ask next; whatever stands behind it counts for nothing.
    pub redirect: Option<Redirect>,
    /// What of it was not understood, and did not stand in the way of the rest.
    pub remarks: Vec<Remark>,
}

/// One reply.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// To whom, where it is not the one who wrote.
    pub to: Option<String>,
    /// Through which sender, where it is not the one that was written to.
    pub from: Option<String>,
    /// The text, without blanks around it.
    pub body: String,
    /// Links to files; at most [`MEDIA_MAX`].
    pub media: Vec<String>,
    /// Who is told what becomes of it.
    pub status_callback: Option<String>,
}

/// Where to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The address; may be relative to the one that answered.
    pub url: String,
    /// By GET, not by POST.
    pub get: bool,
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {why}")]
pub struct Remark {
    /// Twilio's code.
    pub code: u32,
    /// A sentence.
    pub why: String,
}

impl Remark {
    fn new(code: u32, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }
}

/// Where in a document the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Response,
    Message,
    Body,
    Media,
    Redirect,
    /// Something that says nothing here, with all that is in it.
    Unknown,
}

/// A reply that is being read.
#[derive(Default)]
struct Draft {
    reply: Reply,
    /// Text straight inside it.
    text: String,
    /// Text in its `<Body>`s.
    body: Option<String>,
    media: String,
}

#[derive(Default)]
struct Reading {
    answer: Answer,
    places: Vec<Place>,
    begun: bool,
    over: bool,
    draft: Draft,
    replies: usize,
    redirect: Option<Redirect>,
}

/// Reads an answer. An empty one asks for nothing.
///
/// # Errors
/// When it cannot be read as a whole: then nothing of it is done.
pub fn read(answer: &[u8]) -> Result<Answer, Remark> {
    if answer.len() > TWIML_MAX {
        return Err(Remark::new(TOO_LONG, format!("the answer is longer than {TWIML_MAX} bytes")));
    }
    let text = std::str::from_utf8(answer).map_err(|_| Remark::new(NOT_XML, "the answer is not in UTF-8"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Ok(Answer::default());
    }
    if !text.starts_with('<') {
        return Err(Remark::new(NOT_MARKUP, "the answer is neither empty nor TwiML: plain text is not sent to the customer"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut reading = Reading::default();
    loop {
        match reader.read_event() {
            Err(why) => return Err(not_xml(&why)),
            Ok(Event::Eof) => return reading.end(),
            Ok(event) => reading.take(event)?,
        }
    }
}

fn not_xml(why: &impl std::fmt::Display) -> Remark {
    let mut why = format!("the answer is not well-formed XML: {why}");
    // What is wrong may quote the answer at length.
    if let Some((end, _)) = why.char_indices().nth(300) {
        why.truncate(end);
    }
    Remark::new(NOT_XML, why)
}

impl Reading {
    fn take(&mut self, event: Event<'_>) -> Result<(), Remark> {
        match event {
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => {
                self.open(&start)?;
                self.close();
                Ok(())
            }
            Event::End(_) => {
                self.close();
                Ok(())
            }
            Event::Text(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0).map_err(|why| not_xml(&why))?;
                self.text(&text)
            }
            Event::CData(text) => {
                let text = text.xml_content(XmlVersion::Implicit1_0).map_err(|why| not_xml(&why))?;
                self.text(&text)
            }
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::DocType(_) => Err(Remark::new(NOT_TWIML, "TwiML has no document type")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Remark> {
        if self.over {
            return Err(Remark::new(NOT_XML, "something follows the end of <Response>"));
        }
        if self.places.len() >= DEPTH_MAX {
            return Err(Remark::new(NOT_TWIML, format!("more than {DEPTH_MAX} elements stand inside one another")));
        }
        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        let place = match (self.places.last(), name.as_str()) {
            (None, "Response") => Place::Response,
            (None, _) => {
                return Err(Remark::new(
                    NOT_TWIML,
                    format!("the answer begins with <{}>, not with <Response>", shortened(&name)),
                ));
            }
            // What stands behind a redirect is never reached.
            (Some(Place::Response), _) if self.answer.redirect.is_some() => Place::Unknown,
            (Some(Place::Response), "Message" | "Sms") => self.message(start)?,
            (Some(Place::Response), "Redirect") => {
                let mut get = false;
                attributes(start, |name, value| get |= name == "method" && value.eq_ignore_ascii_case("get"))?;
                self.redirect = Some(Redirect { url: String::new(), get });
                Place::Redirect
            }
            (Some(Place::Message), "Body") => {
                self.draft.body.get_or_insert_default();
                Place::Body
            }
            (Some(Place::Message), "Media") => Place::Media,
            (Some(Place::Unknown), _) => Place::Unknown,
            (Some(_), _) => {
                self.remark(NOT_TWIML, format!("<{}> says nothing here and is left out", shortened(&name)));
                Place::Unknown
            }
        };
        self.begun = true;
        self.places.push(place);
        Ok(())
    }

    fn message(&mut self, start: &BytesStart<'_>) -> Result<Place, Remark> {
        let mut reply = Reply::default();
        let mut action = None;
        attributes(start, |name, value| match name {
            "to" => reply.to = Some(value),
            "from" => reply.from = Some(value),
            "statusCallback" => reply.status_callback = Some(value),
            "action" => action = Some(value),
            _ => {}
        })?;
        // Both are told what becomes of the message.
        reply.status_callback = reply.status_callback.or(action);
        self.draft = Draft { reply, ..Draft::default() };
        Ok(Place::Message)
    }

    fn close(&mut self) {
        match self.places.pop() {
            Some(Place::Message) => self.reply(),
            Some(Place::Media) => {
                let link = std::mem::take(&mut self.draft.media).trim().to_owned();
                if link.is_empty() || self.draft.reply.media.len() >= MEDIA_MAX {
                    self.remark(NOT_TWIML, format!("a <Media> is empty, or beyond {MEDIA_MAX} of one <Message>"));
                } else {
                    self.draft.reply.media.push(link);
                }
            }
            Some(Place::Redirect) => match self.redirect.take() {
                Some(redirect) if redirect.url.trim().is_empty() => {
                    self.remark(NOT_TWIML, "a <Redirect> without an address".to_owned());
                }
                redirect => self.answer.redirect = redirect.map(|r| Redirect { url: r.url.trim().to_owned(), ..r }),
            },
            Some(Place::Response) => self.over = true,
            Some(Place::Body | Place::Unknown) | None => {}
        }
    }

    fn reply(&mut self) {
        let Draft { mut reply, text, body, .. } = std::mem::take(&mut self.draft);
        body.as_deref().unwrap_or(&text).trim().clone_into(&mut reply.body);
        if reply.body.is_empty() && reply.media.is_empty() {
            self.remark(NOT_TWIML, "a <Message> without text and without file is left out".to_owned());
            return;
        }
        self.replies += 1;
        if self.replies <= REPLIES_MAX {
            self.answer.replies.push(reply);
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Remark> {
        match self.places.last() {
            Some(Place::Message) => self.draft.text.push_str(text),
            Some(Place::Body) => self.draft.body.get_or_insert_default().push_str(text),
            Some(Place::Media) => self.draft.media.push_str(text),
            Some(Place::Redirect) => {
                if let Some(redirect) = &mut self.redirect {
                    redirect.url.push_str(text);
                }
            }
            Some(Place::Response | Place::Unknown) => {}
            None if text.trim().is_empty() => {}
            None => return Err(Remark::new(NOT_XML, "text stands outside of <Response>")),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Remark> {
        if let Some(character) = reference.resolve_char_ref().map_err(|why| not_xml(&why))? {
            // XML 1.0 has no other control characters, spelled out or not.
            if character.is_control() && !matches!(character, '\t' | '\n' | '\r') {
                return Err(Remark::new(NOT_XML, "a character reference names a character that XML does not have"));
            }
            return self.text(character.encode_utf8(&mut [0; 4]));
        }
        let name = reference.decode().map_err(|why| not_xml(&why))?;
        match quick_xml::escape::resolve_xml_entity(&name) {
            Some(text) => self.text(text),
            None => Err(Remark::new(NOT_XML, format!("XML does not have the entity &{};", shortened(&name)))),
        }
    }

    fn remark(&mut self, code: u32, why: String) {
        if self.answer.remarks.len() < REMARKS_MAX {
            self.answer.remarks.push(Remark { code, why });
        }
    }

    fn end(mut self) -> Result<Answer, Remark> {
        if !self.places.is_empty() || !self.begun {
            return Err(Remark::new(NOT_XML, "the answer ends before <Response> does"));
        }
        if self.replies > REPLIES_MAX {
            let why = format!("{} replies to one message: the first {REPLIES_MAX} are sent", self.replies);
            // Rather this than one of many smaller ones.
            self.answer.remarks.truncate(REMARKS_MAX - 1);
            self.answer.remarks.push(Remark::new(TOO_MANY, why));
        }
        Ok(self.answer)
    }
}

fn attributes(start: &BytesStart<'_>, mut take: impl FnMut(&str, String)) -> Result<(), Remark> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|why| not_xml(&why))?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|why| not_xml(&why))?;
        let value = value.trim();
        if !value.is_empty() {
            take(&String::from_utf8_lossy(attribute.key.as_ref()), value.to_owned());
        }
    }
    Ok(())
}

fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
#[path = "twiml_tests.rs"]
mod tests;
