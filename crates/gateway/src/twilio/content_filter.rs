//! What a search of contents asks for.

use transom_domain::content::{Language, Needle, SEARCH_WORDS_MAX};
use transom_store::{ContentFilter, ContentOrder};

use super::content_body::kind;
use super::content_view::{STATUSES, stages};
use super::dates;
use super::form::Form;
use super::refusal::Refusal;

/// Longest pattern over contents, in characters.
const CONTENT_MAX: usize = 1_024;
/// Longest pattern over names, in characters.
const NAME_MAX: usize = 450;

/// Reads the filters of a search; repeated ones mean any of theirs, different ones all of them.
pub(super) fn filter(query: &Form) -> Result<ContentFilter, Refusal> {
    let language = |code: &&str| {
        let refused = |_| Refusal::parameter("Language", "is not a language code", "write it as en or pt_BR");
        Language::parse(code).map_err(refused)
    };
    let mut wanted = Vec::new();
    for eligibility in query.all("ChannelEligibility") {
        wanted.extend(eligible(eligibility)?);
    }
    let moment = |name: &str| -> Result<_, Refusal> {
        let refused = || Refusal::parameter(name, "is not a moment", "write it as 2026-01-02T03:04:05Z");
        query.text(name)?.map(|text| dates::read(text).ok_or_else(refused)).transpose()
    };
    Ok(ContentFilter {
        search: needle(query, "Content", CONTENT_MAX)?,
        name: needle(query, "ContentName", NAME_MAX)?,
        languages: query.all("Language").iter().map(language).collect::<Result<_, _>>()?,
        kinds: query.all("ContentType").into_iter().map(kind).collect::<Result<_, _>>()?,
        stages: wanted,
        created_from: moment("DateCreatedAfter")?,
        // The whole second: what is shown has no fractions.
        created_to: moment("DateCreatedBefore")?.map(|at| at.plus(transom_domain::time::Span::millis(999))),
        order: order(query)?,
    })
}

fn needle(query: &Form, name: &str, max: usize) -> Result<Option<Needle>, Refusal> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    let refused = || {
        let rule = format!("must have 1 to {SEARCH_WORDS_MAX} words and at most {max} characters");
        Refusal::parameter(name, rule, "give fewer words, in the order in which they stand")
    };
    if text.chars().count() > max {
        return Err(refused());
    }
    Needle::of(text).map(Some).ok_or_else(refused)
}

/// `whatsapp:approved`: only there are contents approved.
fn eligible(text: &str) -> Result<Vec<Option<transom_domain::submission::Stage>>, Refusal> {
    let refused = || {
        let rule = "is not one of its values";
        let remedy = format!("write whatsapp: and one of {}", STATUSES.join(", "));
        Refusal::parameter("ChannelEligibility", rule, remedy)
    };
    let (channel, status) = text.split_once(':').ok_or_else(refused)?;
    let status = status.trim().to_ascii_lowercase();
    if !channel.trim().eq_ignore_ascii_case("whatsapp") || !STATUSES.contains(&status.as_str()) {
        return Err(refused());
    }
    Ok(stages(&status))
}

fn order(query: &Form) -> Result<ContentOrder, Refusal> {
    let direction = |name: &str| -> Result<Option<bool>, Refusal> {
        match query.text(name)?.map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("asc" | "ascending") => Ok(Some(true)),
            Some("desc" | "descending") => Ok(Some(false)),
            Some(_) => Err(Refusal::parameter(name, "is neither asc nor desc", "write asc or desc")),
        }
    };
    match (direction("SortByDate")?, direction("SortByContentName")?) {
        (None, None) => Ok(ContentOrder::Newest),
        (Some(true), None) => Ok(ContentOrder::ChangedFirst),
        (Some(false), None) => Ok(ContentOrder::ChangedLast),
        (None, Some(true)) => Ok(ContentOrder::Name),
        (None, Some(false)) => Ok(ContentOrder::NameDown),
        (Some(_), Some(_)) => {
            Err(Refusal::parameter("SortByDate", "is given beside SortByContentName", "give one of both: a list has one order"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::content::ContentType;
    use transom_domain::submission::Stage;
    use transom_domain::template::Approval;

    fn of(query: &str) -> Result<ContentFilter, Refusal> {
        filter(&Form::read(query.as_bytes()).unwrap())
    }

    #[test]
    fn filters_are_read_as_the_sdks_send_them() {
        let read = of("Language=en&Language=pt-BR&ContentType=twilio%2Ftext&ContentType=twilioCard&ChannelEligibility=whatsapp:approved\
             &ChannelEligibility=WhatsApp%3Aunsubmitted&Content=parcel%20here&ContentName=shop&DateCreatedAfter=2026-01-02T03%3A04%3A05Z\
             &SortByDate=asc&PageSize=7")
        .unwrap();
        assert_eq!(read.languages.iter().map(Language::as_str).collect::<Vec<_>>(), ["en", "pt_BR"]);
        assert_eq!(read.kinds, [ContentType::Text, ContentType::Card]);
        assert_eq!(read.stages, [Some(Stage::AtMeta(Approval::Approved)), None]);
        assert_eq!((read.search, read.name), (Needle::of("parcel here"), Needle::of("shop")));
        assert_eq!((read.created_to, read.order), (None, ContentOrder::ChangedFirst));
        assert_eq!(read.created_from.map(dates::iso).as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(of("").unwrap(), ContentFilter::default());
        assert_eq!(of("SortByContentName=descending").unwrap().order, ContentOrder::NameDown);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for query in [
            "Language=english",
            "ContentType=twilio/fax",
            "ChannelEligibility=approved",
            "ChannelEligibility=rcs:approved",
            "ChannelEligibility=whatsapp:fine",
            "DateCreatedBefore=yesterday",
            "SortByDate=up",
            "SortByDate=asc&SortByContentName=asc",
            "Content=%20",
        ] {
            let refused = of(query).unwrap_err();
            assert_eq!(refused.status, 400, "{query}");
        }
        assert!(of(&format!("ContentName={}", "x".repeat(451))).is_err());
        assert!(of(&format!("Content={}", "x+".repeat(31))).is_err());
    }
}
