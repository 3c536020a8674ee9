//! `transom template preview`: a template as a customer would see it, filled with its samples.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;

use serde_json::{Value, json};
use transom_domain::content::{Language, Piece, pieces};
use transom_domain::template::{
    BodyDefinition, ButtonDefinition, CardDefinition, Definition, FooterDefinition, HeaderDefinition, TextDefinition,
};

use super::file::{self, FILE_SAMPLE, Wanted};
use super::remote::{self, Remote};
use crate::args::Account;
use crate::fail::Fail;
use crate::out;

/// Shows a file, or a template at Meta.
///
/// # Errors
/// When there is none, or it cannot be read.
pub(crate) async fn run(what: &str, language: Option<&str>, account: &Account) -> Result<(), Fail> {
    let (name, languages) = if Path::new(what).extension().is_some() { of_file(what)? } else { of_meta(what, account).await? };
    let chosen: Vec<&(Language, Wanted)> =
        languages.iter().filter(|(code, _)| language.is_none_or(|language| language == code.as_str())).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = languages.iter().map(|(code, _)| code.as_str()).collect();
        let fail = Fail::usage(format!("{name} has no language {}", language.unwrap_or_default()));
        return Err(fail.remedy(format!("There is {}.", known.join(", "))));
    }
    if account.target.json {
        let shown: Vec<Value> = chosen.iter().map(|(language, wanted)| shown_json(&name, language, wanted)).collect();
        return out::json(&json!({ "data": shown }));
    }
    let style = Style::of_terminal();
    for (language, wanted) in chosen {
        out::line(style.faint(&format!("{name} · {language} · {}", wanted.category.as_str())));
        out::line(card_of(&wanted.definition, style));
    }
    Ok(())
}

fn of_file(path: &str) -> Result<(String, Vec<(Language, Wanted)>), Fail> {
    let text = std::fs::read_to_string(path).map_err(|why| Fail::usage(format!("{path} cannot be read: {why}")))?;
    let template = file::read(&text).map_err(|why| {
        let field = if why.field.is_empty() { String::new() } else { format!(" {}", why.field) };
        Fail::usage(format!("{path}:{field}: {}", why.message)).remedy(why.fix)
    })?;
    Ok((template.name, template.languages.into_iter().collect()))
}

async fn of_meta(name: &str, account: &Account) -> Result<(String, Vec<(Language, Wanted)>), Fail> {
    let mut languages = Vec::new();
    for view in Remote::of(account)?.named(name).await? {
        let standing = remote::standing(&view)?;
        languages.push((standing.template.language.clone(), standing.as_wanted()));
    }
    Ok((name.to_owned(), languages))
}

fn shown_json(name: &str, language: &Language, wanted: &Wanted) -> Value {
    json!({
        "name": name,
        "language": language.as_str(),
        "category": wanted.category.as_str(),
        "text": card_of(&wanted.definition, Style::PLAIN),
    })
}

/// Whether bold is bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    colours: bool,
}

impl Style {
    const PLAIN: Self = Self { colours: false };

    /// Colours only where a person looks, and has not asked for none (https://no-color.org).
    fn of_terminal() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colours: std::io::stdout().is_terminal() && !unwanted }
    }

    fn wrap(self, text: &str, code: u8) -> String {
        // Lines are put into a frame one by one: each begins and ends its own.
        if !self.colours || text.is_empty() {
            return text.to_owned();
        }
        let lines: Vec<String> = text.split('\n').map(|line| format!("\u{1b}[{code}m{line}\u{1b}[0m")).collect();
        lines.join("\n")
    }

    fn bold(self, text: &str) -> String {
        self.wrap(text, 1)
    }

    fn faint(self, text: &str) -> String {
        self.wrap(text, 2)
    }
}

/// The whole template in a frame.
fn card_of(definition: &Definition, style: Style) -> String {
    let mut text = String::new();
    if let Some(shown) = &definition.header {
        frame(&mut text, &header(shown, style));
    }
    if let Some(offer) = &definition.limited_time_offer {
        let clock = if offer.has_expiration { " (counts down)" } else { "" };
        frame(&mut text, &style.bold(&format!("{}{clock}", plain(&offer.text))));
    }
    match &definition.body {
        BodyDefinition::Own(own) => frame(&mut text, &marked(&filled(own), style)),
        BodyDefinition::Authentication { add_security_recommendation } => {
            let advice = if *add_security_recommendation { " For your security, do not share this code." } else { "" };
            frame(&mut text, &format!("{} is your verification code.{advice}", style.bold("123456")));
        }
    }
    match &definition.footer {
        Some(FooterDefinition::Text { text: footer }) => frame(&mut text, &style.faint(&plain(footer))),
        Some(FooterDefinition::CodeExpiration { minutes }) => {
            frame(&mut text, &style.faint(&format!("This code expires in {minutes} minutes.")));
        }
        None => {}
    }
    buttons(&mut text, &definition.buttons, "  ", style);
    for (place, card) in definition.cards.iter().enumerate() {
        let _ = writeln!(text, "  {}", style.faint(&format!("card {}", place + 1)));
        in_carousel(&mut text, card, style);
    }
    if definition.call_permission_request {
        let _ = writeln!(text, "  [ Choose whether this business may call you ]");
    }
    text
}

fn in_carousel(text: &mut String, card: &CardDefinition, style: Style) {
    let mut inner = header(&card.header, style);
    if let Some(body) = &card.body {
        inner = format!("{inner}\n{}", marked(&filled(body), style));
    }
    for line in inner.lines() {
        let _ = writeln!(text, "    │ {line}");
    }
    buttons(text, &card.buttons, "    ", style);
}

fn frame(text: &mut String, part: &str) {
    for line in part.split('\n') {
        let _ = writeln!(text, "  │ {line}");
    }
}

fn header(header: &HeaderDefinition, style: Style) -> String {
    let media = |what: &str, sample: &Option<String>| {
        let sample = sample.as_deref().map(|sample| match sample.strip_prefix(FILE_SAMPLE) {
            Some(path) => format!(": {}", plain(path)),
            None if sample.starts_with("http") => format!(": {}", plain(sample)),
            None => String::new(),
        });
        format!("[{what}{}]", sample.unwrap_or_default())
    };
    match header {
        HeaderDefinition::Text(own) => style.bold(&filled(own)),
        HeaderDefinition::Image { sample } => media("image", sample),
        HeaderDefinition::Video { sample } => media("video", sample),
        HeaderDefinition::Document { sample } => media("document", sample),
        HeaderDefinition::Location => "[place]".to_owned(),
        HeaderDefinition::Product => "[product]".to_owned(),
    }
}

fn buttons(text: &mut String, buttons: &[ButtonDefinition], margin: &str, style: Style) {
    for button in buttons {
        let (label, more) = match button {
            ButtonDefinition::QuickReply { text } => (text.as_str(), String::new()),
            ButtonDefinition::Url { text, url, sample } => {
                let filled = sample.as_ref().filter(|sample| sample.starts_with("http"));
                (text.as_str(), filled.unwrap_or(url).clone())
            }
            ButtonDefinition::PhoneNumber { text, phone } => (text.as_str(), phone.clone()),
            ButtonDefinition::CopyCode { sample } => ("Copy offer code", sample.clone().unwrap_or_default()),
            ButtonDefinition::Otp { text, .. } => (text.as_deref().unwrap_or("Copy code"), String::new()),
            ButtonDefinition::Flow { text, .. } => (text.as_str(), "opens a form".to_owned()),
            ButtonDefinition::Catalog => ("View catalog", String::new()),
            ButtonDefinition::MultiProduct => ("View items", String::new()),
            ButtonDefinition::SingleProduct => ("View", String::new()),
            ButtonDefinition::VoiceCall { text, .. } => (text.as_str(), "calls on WhatsApp".to_owned()),
            ButtonDefinition::RequestContactInfo => ("Share contact info", String::new()),
        };
        let more = if more.is_empty() { String::new() } else { format!("  {}", style.faint(&plain(&more))) };
        let _ = writeln!(text, "{margin}[ {} ]{more}", style.bold(&plain(label)));
    }
}

/// A text with its samples in the places of its variables; a variable without one stays as it is written.
fn filled(text: &TextDefinition) -> String {
    let names = text.names();
    let mut shown = String::new();
    for piece in pieces(&text.text) {
        match piece {
            Piece::Plain(plain) => shown.push_str(plain),
            Piece::Variable(name) => {
                let sample = names.iter().position(|known| *known == name).and_then(|place| text.samples.get(place));
                match sample {
                    Some(sample) => shown.push_str(sample),
                    None => shown.push_str(&format!("{{{{{name}}}}}")),
                }
            }
        }
    }
    plain(&shown)
}

/// Without anything that a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// WhatsApp's marks: `*bold*`, `_italic_`, `~struck~`, and three backticks around code. Where there are no colours they stay.
fn marked(text: &str, style: Style) -> String {
    if !style.colours {
        return text.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(|line| marked_line(&line.chars().collect::<Vec<_>>())).collect();
    lines.join("\n")
}

fn marked_line(line: &[char]) -> String {
    let mut shown = String::new();
    let mut at = 0;
    while let Some(c) = line.get(at) {
        let codes = match c {
            '*' => Some((1, 22)),
            '_' => Some((3, 23)),
            '~' => Some((9, 29)),
            _ => None,
        };
        match codes.and_then(|codes| closing(line, at).map(|end| (codes, end))) {
            Some(((on, off), end)) => {
                let inner = marked_line(line.get(at + 1..end).unwrap_or_default());
                shown.push_str(&format!("\u{1b}[{on}m{inner}\u{1b}[{off}m"));
                at = end + 1;
            }
            None => {
                shown.push(*c);
                at += 1;
            }
        }
    }
    shown
}

/// Where a mark ends that begins at `at`: both stand at the edge of a word, with something between them.
fn closing(line: &[char], at: usize) -> Option<usize> {
    let mark = line.get(at)?;
    let is_word = |place: Option<usize>| place.and_then(|place| line.get(place)).is_some_and(|c| c.is_alphanumeric());
    let is_blank = |place: usize| line.get(place).is_none_or(|c| c.is_whitespace());
    if is_word(at.checked_sub(1)) || is_blank(at + 1) || line.get(at + 1) == Some(mark) {
        return None;
    }
    (at + 2..line.len()).find(|end| line.get(*end) == Some(mark) && !is_blank(end - 1) && !is_word(Some(end + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: Style = Style { colours: true };

    #[test]
    fn marks_are_marks_only_around_words() {
        assert_eq!(marked("a *b c* d", COLOURS), "a \u{1b}[1mb c\u{1b}[22m d");
        assert_eq!(marked("*_x_*", COLOURS), "\u{1b}[1m\u{1b}[3mx\u{1b}[23m\u{1b}[22m");
        for same in ["2*3*4", "* a *", "snake_case_name", "**", "*", "a* b*", "_", "~ x ~"] {
            assert_eq!(marked(same, COLOURS), same);
        }
        assert_eq!(marked("*b*", Style::PLAIN), "*b*");
    }

    #[test]
    fn samples_stand_in_the_places_of_variables_and_terminals_obey_nothing() {
        let own = TextDefinition::new("Hi {{2}}, {{1}} and {{3}}\u{1b}[2J", vec!["Ana".into(), "8".into()]);
        assert_eq!(filled(&own), "Hi Ana, 8 and {{3}}[2J");
        let definition = Definition {
            header: Some(HeaderDefinition::Image { sample: Some("file:logo.png".into()) }),
            body: BodyDefinition::Own(TextDefinition::new("One\ntwo", Vec::new())),
            buttons: vec![ButtonDefinition::QuickReply { text: "Stop".into() }],
            ..Definition::default()
        };
        assert_eq!(card_of(&definition, Style::PLAIN), "  │ [image: logo.png]\n  │ One\n  │ two\n  [ Stop ]\n");
    }
}
