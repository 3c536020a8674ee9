//! Statuses and Meta's reasons in plain words, each with what to do about it.

use super::{Approval, Template};

/// Where rejections and disabled templates are appealed: Meta has no call for it.
pub const APPEAL_LINK: &str = "https://business.facebook.com/wa/manage/message-templates/";

/// A status as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What is, and why, in one or two sentences.
    pub explanation: String,
    /// What to do; none when nothing is to be done.
    pub remedy: Option<&'static str>,
    /// Whether an appeal can be filed at [`APPEAL_LINK`].
    pub can_appeal: bool,
}

/// Meta's reasons for a rejection (webhooks/reference/message_template_status_update): code, what it means, what to do.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "ABUSIVE_CONTENT",
        "its text threatens, insults or demeans",
        "Take the wording out that could hurt or threaten anyone, and submit it again.",
    ),
    (
        "CATEGORY_NOT_AVAILABLE",
        "the account may not use this category",
        "Choose another category, or have the account cleared for it in WhatsApp Manager.",
    ),
    (
        "INCORRECT_CATEGORY",
        "its text belongs into another category",
        "Submit it under the category that fits: anything that advertises is MARKETING, one-time codes are AUTHENTICATION.",
    ),
    (
        "INVALID_FORMAT",
        "its format is wrong: placeholders, samples, links or characters",
        "Lint it, look at placeholders (not at the edges, not side by side, each with a sample) and links, and submit it again.",
    ),
    ("PROMOTIONAL", "it advertises, which its category does not allow", "Take the offer out, or submit it as MARKETING."),
    (
        "SCAM",
        "it looks like a fraud",
        "Say who writes and why, leave out shortened links and requests for card numbers or passwords, and submit it again.",
    ),
    (
        "TAG_CONTENT_MISMATCH",
        "its language or its category does not fit its text, or another template has the same text already",
        "Check that the text is in the language it is filed under and is no copy of another template, and submit it again.",
    ),
];

/// The sentence and the remedy of one of Meta's reasons.
fn reason_in_words(code: &str) -> Option<(&'static str, &'static str)> {
    REASONS.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(code)).map(|(_, why, remedy)| (*why, *remedy))
}

impl Template {
    /// Its status in plain words.
    #[must_use]
    pub fn in_words(&self) -> Words {
        let words = |explanation: &str, remedy| Words { explanation: explanation.to_owned(), remedy, can_appeal: false };
        match self.approval {
            Approval::Approved => match (&self.life.disable_on, self.life.flagged_at) {
                (None, None) => words("Meta has approved it: it can be sent.", None),
                (day, _) => words(
                    &format!(
                        "Meta has approved it: it can be sent. Customers take it badly, and Meta means to disable it{}.",
                        day.as_ref().map(|day| format!(" on {day}")).unwrap_or_default()
                    ),
                    Some("Edit it so that customers want it, and send it to fewer of them."),
                ),
            },
            Approval::Pending if self.sendable() => words(
                "An edit waits for Meta's review; until then the version before it is sent.",
                Some("Wait: reviews take minutes as a rule, a day at most."),
            ),
            Approval::Pending => {
                words("It waits for Meta's review.", Some("Wait: reviews take minutes as a rule, a day at most."))
            }
            Approval::Rejected => self.rejected_in_words(),
            Approval::Paused => {
                let until = match self.life.paused_until {
                    Some(until) => format!("it comes back at {until}"),
                    None => "it comes back only when it is unpaused in WhatsApp Manager".to_owned(),
                };
                words(
                    &format!("Meta has paused it because customers blocked or reported it; {until}."),
                    Some("Send it to fewer customers, or edit it; after the third pause it is disabled."),
                )
            }
            Approval::Disabled => Words {
                explanation: "Meta has disabled it for good because customers kept blocking or reporting it.".to_owned(),
                remedy: Some("Write another template; an appeal can be filed in WhatsApp Manager."),
                can_appeal: true,
            },
            Approval::InAppeal => words("Its rejection is being appealed.", Some("Wait for Meta's decision.")),
            Approval::PendingDeletion => words(
                "It is being deleted while messages are still under way.",
                Some("Use another template; its name can be used again 30 days after."),
            ),
            Approval::Deleted => {
                words("It was deleted.", Some("Use another template; its name can be used again after 30 days."))
            }
            Approval::LimitExceeded => words(
                "The account has as many templates as Meta allows.",
                Some(
                    "Delete templates that are not used, or have the business verified: the limit is then 6,000 instead of 250.",
                ),
            ),
            Approval::Archived => words(
                "Meta has put it aside because it was not used for a year.",
                Some("Take it out of the archive in WhatsApp Manager."),
            ),
            Approval::Unknown => {
                words("Meta gives it a status that this version does not know.", Some("Look at it in WhatsApp Manager."))
            }
        }
    }

    fn rejected_in_words(&self) -> Words {
        let known = self.reason.as_deref().and_then(reason_in_words);
        let rejection = self.life.rejection.clone().unwrap_or_default();
        let mut explanation = match (known, &self.reason) {
            (Some((why, _)), _) => format!("Meta rejected it: {why}."),
            (None, Some(code)) => format!("Meta rejected it: {code}."),
            (None, None) => "Meta rejected it without a reason.".to_owned(),
        };
        for said in rejection.reason.iter().chain(&rejection.recommendation) {
            explanation.push_str(&format!(" Meta says: {}", said.trim()));
        }
        let remedy = known.map_or("Edit it and submit it again, or appeal in WhatsApp Manager.", |(_, remedy)| remedy);
        Words { explanation, remedy: Some(remedy), can_appeal: true }
    }
}
