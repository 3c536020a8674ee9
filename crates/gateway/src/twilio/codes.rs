//! Twilio's error codes: one table of those that are used, and the three maps into it: from our codes in answers, from our codes
//! as reasons of a failure, and from Meta's codes.

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::status::Failure;

/// When a code is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In the answer to the request.
    AtOnce,
    /// Later, in the message and its status callbacks.
    Later,
    /// Either: later as Twilio does it, at once for an account that asks for it.
    Either,
}

impl Stage {
    /// The word of the reference page.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Later => "later",
            Self::Either => "later, or at once where asked for",
        }
    }
}

macro_rules! codes {
    ($($name:ident = $number:literal, $status:literal, $stage:ident, $what:literal;)+) => {
        /// A code of Twilio's that is used here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $what] $name,)+
        }

        impl Code {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number,)+ }
            }

            /// HTTP status of an answer with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// When it is told.
            #[must_use]
            pub const fn stage(self) -> Stage {
                match self { $(Self::$name => Stage::$stage,)+ }
            }

            /// What it says here, and why.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)+ }
            }
        }
    };
}

codes! {
    Unauthorised = 20003, 401, AtOnce, "The account SID, key or token is missing or wrong, belongs to another account, or lacks the permission (403).";
    MethodNotAllowed = 20004, 405, AtOnce, "The path exists, but not for this method.";
    NotFinished = 20009, 409, AtOnce, "The message is not over, or what is to be changed is in use.";
    NotFound = 20404, 404, AtOnce, "There is nothing at this path in this account.";
    ParameterInvalid = 20422, 400, AtOnce, "A parameter breaks its rule; the message names it. 415 for a body that is no form, 413 for one over 1 MiB.";
    TooManyRequests = 20429, 429, AtOnce, "Too many requests per second, or more work than there is room for. Nothing was stored: repeat it after Retry-After.";
    Internal = 20500, 500, AtOnce, "An unexpected failure on our side; nothing was stored.";
    Unavailable = 20503, 503, AtOnce, "The store cannot commit now; nothing was stored.";
    ToInvalid = 21211, 400, AtOnce, "To is no address: whatsapp:+E.164, whatsapp:CC.user-id or messenger:page-scoped-id.";
    FromInvalid = 21212, 400, AtOnce, "From is no address: whatsapp:+E.164 or messenger:page-id.";
    FromMissing = 21603, 400, AtOnce, "Neither From nor MessagingServiceSid is given.";
    ToMissing = 21604, 400, AtOnce, "To is not given.";
    FromUnusable = 21606, 400, AtOnce, "From cannot be used for this destination.";
    CallbackInvalid = 21609, 400, AtOnce, "StatusCallback is no address that may be called: public https, unless the operator allows others.";
    OptedOut = 21610, 400, AtOnce, "The customer wants no such messages. Also later, where the customer stopped them after acceptance.";
    QueueFull = 21611, 429, AtOnce, "As many messages of this sender wait as may wait.";
    BodyTooLong = 21617, 400, AtOnce, "Body has more than 1,600 characters.";
    ContentMissing = 21619, 400, AtOnce, "None of Body, MediaUrl and ContentSid is given.";
    MediaUrlInvalid = 21620, 400, AtOnce, "MediaUrl is no http(s) address, or nothing that may be sent lies there.";
    MediaTooMany = 21623, 400, AtOnce, "More than one MediaUrl: a message on WhatsApp and Messenger carries one file.";
    ValidityInvalid = 21624, 400, AtOnce, "ValidityPeriod is not 1 to 36000 seconds.";
    VariablesWithoutContent = 21654, 400, AtOnce, "ContentVariables is given without ContentSid.";
    ContentSidInvalid = 21655, 400, AtOnce, "ContentSid names no content of this account.";
    VariablesInvalid = 21656, 400, AtOnce, "ContentVariables is no JSON object of texts, or a value breaks a rule; the message names which.";
    TooLong = 21658, 400, AtOnce, "A parameter, or one value of ContentVariables, is too long.";
    ServiceUnknown = 21701, 404, AtOnce, "MessagingServiceSid names no messaging service of this account.";
    ServiceUnusable = 21703, 400, AtOnce, "The messaging service has no sender on this channel.";
    ServiceEmpty = 21704, 400, AtOnce, "The messaging service has no sender.";
    ChannelsDiffer = 21910, 400, AtOnce, "From and To are on different channels.";
    Expired = 30036, 400, Later, "The message waited past its ValidityPeriod and was not sent.";
    NotCancellable = 30409, 400, AtOnce, "The message is no longer scheduled, so that it cannot be canceled.";
    SendAtMissing = 35111, 400, AtOnce, "ScheduleType is given without SendAt.";
    SendAtOutOfRange = 35114, 400, AtOnce, "SendAt is not 300 seconds to 35 days ahead, or is no moment.";
    ScheduleWithoutService = 35118, 400, AtOnce, "A message is scheduled without MessagingServiceSid.";
    ScheduleFull = 35125, 400, AtOnce, "As many messages of this sender wait as may wait for one more to be scheduled.";
    PageRefused = 63001, 400, Later, "Meta does not accept our credentials for this sender: the operator has to mend them.";
    FromUnknown = 63007, 400, AtOnce, "From is no sender of this account. Later: the number is not registered at Meta.";
    ChannelMisconfigured = 63008, 400, Either, "The sender is stopped by an error that the operator has to mend.";
    UpstreamFailed = 63012, 400, Later, "Meta failed, or its answer was lost and no status came.";
    PolicyViolated = 63013, 400, Later, "Meta says that the message breaks its policy, or the format of its template.";
    WindowClosed = 63016, 400, Either, "No session is open and no approved template carries the content: the customer has not written within 24 hours.";
    RateLimited = 63018, 400, Later, "Meta takes no more from this sender, or for this customer, for now.";
    MediaNotFetched = 63019, 400, Later, "Meta could not fetch the file.";
    AccountProblem = 63020, 400, Later, "The business account at Meta is not in order: payment, terms, verification.";
    ContentInvalid = 63021, 400, Either, "The channel cannot carry this content.";
    RecipientInvalid = 63024, 400, Later, "Meta cannot deliver to this customer: not on WhatsApp, an old app, terms not accepted; or the address does not do for this kind of message.";
    TemplateMissing = 63027, 400, Either, "No approved template of this name is there in this language.";
    TemplateParameters = 63028, 400, Later, "The values do not fit the template.";
    FromIsTo = 63031, 400, AtOnce, "The recipient is the sender itself.";
    ExperimentGroup = 63032, 400, Later, "Meta keeps the customer in an experiment in which it does not deliver.";
    MediaTooLarge = 63034, 400, Later, "The file is larger than the channel takes.";
    TemplatePaused = 63041, 400, Either, "Meta has paused the template, or holds it back; or has disabled it since the message was accepted.";
    TemplateDisabled = 63042, 400, Either, "Meta has disabled the template.";
    MarketingLimited = 63049, 400, Later, "Meta holds marketing messages back from this customer; do not repeat it at once.";
    AccountLocked = 63051, 400, Later, "Meta has restricted or locked the account.";
    ContentTypeMissing = 92001, 400, AtOnce, "No content type is given, or one that is none; the message says which.";
    VariablesTooMany = 92002, 400, AtOnce, "The content has more than 100 variables.";
    LanguageMissing = 92003, 400, AtOnce, "The content has no language.";
    LanguageInvalid = 92004, 400, AtOnce, "The language is no code such as en or pt_BR.";
    SamplesInvalid = 92007, 400, AtOnce, "The samples of the content's variables are no JSON object of texts, or one has a name that is none.";
    TypeRetired = 92008, 400, AtOnce, "The content type was retired by Twilio.";
    TypeUnusable = 216_602, 400, Either, "None of the content's types can go on this channel.";
}

/// What a refusal of the service is called in an answer. Every code of ours stands here.
#[must_use]
pub const fn of_answer(code: ErrorCode) -> Code {
    match code {
        ErrorCode::ApiKeyInvalid
        | ErrorCode::KeyScopeMissing
        | ErrorCode::SessionInvalid
        | ErrorCode::CrossSite
        | ErrorCode::UpstreamSignatureInvalid
        | ErrorCode::UpstreamHandshakeRefused => Code::Unauthorised,
        ErrorCode::MethodNotAllowed => Code::MethodNotAllowed,
        ErrorCode::StateConflict | ErrorCode::ContentInUse | ErrorCode::EndpointState => Code::NotFinished,
        ErrorCode::NotFound
        | ErrorCode::TemplateNotFound
        | ErrorCode::WebhookNotFound
        | ErrorCode::CursorTooOld
        | ErrorCode::MediaLinkInvalid => Code::NotFound,
        ErrorCode::RequestInvalid
        | ErrorCode::BodyTooLarge
        | ErrorCode::CallbackDataTooLarge
        | ErrorCode::IdempotencyConflict
        | ErrorCode::BusinessKeySecretAbsent
        | ErrorCode::TemplateInvalid
        | ErrorCode::TemplateConflict
        | ErrorCode::ContentNeverSubmittable
        | ErrorCode::WebhookTopicExists
        | ErrorCode::EndpointsTooMany => Code::ParameterInvalid,
        ErrorCode::RateLimited | ErrorCode::Overloaded | ErrorCode::TemplateQuota => Code::TooManyRequests,
        ErrorCode::Unspecified => Code::Internal,
        ErrorCode::StoreUnavailable | ErrorCode::MediaNotReady => Code::Unavailable,
        ErrorCode::PhoneNumberBadFormat | ErrorCode::RecipientBsuidInvalid | ErrorCode::MessagePhoneNumberInvalid => {
            Code::ToInvalid
        }
        ErrorCode::WebhookAddressRefused => Code::CallbackInvalid,
        ErrorCode::MessageCustomerOptedOut => Code::OptedOut,
        ErrorCode::BacklogFull => Code::QueueFull,
        ErrorCode::ScheduleFull => Code::ScheduleFull,
        ErrorCode::MessageTextEmpty => Code::ContentMissing,
        ErrorCode::MessageAttachmentEmpty | ErrorCode::MessageAttachmentInvalid => Code::MediaUrlInvalid,
        ErrorCode::MessageAttachmentsNumberInvalid => Code::MediaTooMany,
        ErrorCode::ContentNotFound => Code::ContentSidInvalid,
        ErrorCode::MessageTemplateInputInvalid => Code::VariablesInvalid,
        ErrorCode::InvalidSenderId | ErrorCode::BusinessMissesMatchingChannel => Code::FromUnknown,
        ErrorCode::MessageSelfInvalid => Code::FromIsTo,
        ErrorCode::MessageTemplateNotFound | ErrorCode::MessageTemplateDeleted => Code::TemplateMissing,
        ErrorCode::MessageTemplateApprovalRequired
        | ErrorCode::MessageOutsideOfEligibilityWindow
        | ErrorCode::MessageCustomerNoConversationInitiation => Code::WindowClosed,
        ErrorCode::MessageContentUnsupported => Code::ContentInvalid,
        ErrorCode::MessageBlocked => Code::ChannelMisconfigured,
        ErrorCode::RecipientBsuidUnsupported | ErrorCode::MessageUndeliverable => Code::RecipientInvalid,
        ErrorCode::BusinessReachedLimits => Code::RateLimited,
        ErrorCode::MediaDownloadFailed => Code::MediaNotFetched,
        ErrorCode::MediaTooLarge => Code::MediaTooLarge,
        ErrorCode::MessageMarketingLimited => Code::MarketingLimited,
        ErrorCode::MessageExpired => Code::Expired,
        ErrorCode::MessageCancelled => Code::NotCancellable,
        ErrorCode::OutcomeUnknown | ErrorCode::UpstreamError => Code::UpstreamFailed,
        ErrorCode::UpstreamAccountRestricted => Code::AccountLocked,
        ErrorCode::UpstreamCredentials => Code::PageRefused,
    }
}

/// What a verdict's word adds to the code of a refusal: where one of ours stands for several of Twilio's.
#[must_use]
pub fn of_verdict(reason: &str) -> Option<Code> {
    Some(match reason {
        "type_cannot_start" => Code::WindowClosed,
        "channel_cannot_carry" => Code::TypeUnusable,
        "template_paused" => Code::TemplatePaused,
        "template_disabled" => Code::TemplateDisabled,
        _ => return None,
    })
}

/// Why a messaging service cannot be sent through.
#[must_use]
pub fn of_service(how: &str) -> Option<Code> {
    Some(match how {
        "unknown" => Code::ServiceUnknown,
        "empty" => Code::ServiceEmpty,
        "no_sender_on_channel" => Code::ServiceUnusable,
        _ => return None,
    })
}

/// One code of Meta's, as a failure of a message that Meta refused or took back.
pub struct OfMeta {
    /// Meta's code.
    pub meta: i64,
    /// Twilio's.
    pub code: Code,
    /// Why this one.
    pub why: &'static str,
}

/// Meta's codes that say more than ours: all others are told as our own code is.
pub const OF_META: &[OfMeta] = &[
    OfMeta { meta: 368, code: Code::AccountLocked, why: "blocked for a time for breaking policies" },
    OfMeta { meta: 80_007, code: Code::RateLimited, why: "the account's rate limit" },
    OfMeta { meta: 130_429, code: Code::RateLimited, why: "the number's throughput" },
    OfMeta { meta: 130_472, code: Code::ExperimentGroup, why: "the customer is part of an experiment" },
    OfMeta { meta: 130_497, code: Code::AccountLocked, why: "the account may not write to this country" },
    OfMeta { meta: 131_000, code: Code::UpstreamFailed, why: "an unknown failure at Meta" },
    OfMeta { meta: 131_005, code: Code::PageRefused, why: "the token lacks a permission" },
    OfMeta { meta: 131_008, code: Code::ContentInvalid, why: "a parameter is missing" },
    OfMeta { meta: 131_009, code: Code::ContentInvalid, why: "a parameter has a value that Meta does not take" },
    OfMeta { meta: 131_016, code: Code::UpstreamFailed, why: "Meta is not available" },
    OfMeta { meta: 131_021, code: Code::FromIsTo, why: "the recipient is the sender" },
    OfMeta { meta: 131_026, code: Code::RecipientInvalid, why: "cannot be delivered to this customer" },
    OfMeta { meta: 131_031, code: Code::AccountLocked, why: "the account is locked" },
    OfMeta { meta: 131_042, code: Code::AccountProblem, why: "a payment is due" },
    OfMeta { meta: 131_047, code: Code::WindowClosed, why: "more than 24 hours since the customer wrote" },
    OfMeta { meta: 131_048, code: Code::RateLimited, why: "too many of its messages were blocked as spam" },
    OfMeta { meta: 131_049, code: Code::MarketingLimited, why: "held back for the health of the ecosystem" },
    OfMeta { meta: 131_050, code: Code::OptedOut, why: "the customer stopped marketing of this business" },
    OfMeta { meta: 131_051, code: Code::ContentInvalid, why: "a kind of message that Meta does not carry" },
    OfMeta { meta: 131_052, code: Code::MediaNotFetched, why: "the file could not be downloaded" },
    OfMeta { meta: 131_053, code: Code::MediaNotFetched, why: "the file could not be uploaded" },
    OfMeta { meta: 131_056, code: Code::RateLimited, why: "too many messages to this customer at once" },
    OfMeta { meta: 132_000, code: Code::TemplateParameters, why: "too many or too few values" },
    OfMeta { meta: 132_001, code: Code::TemplateMissing, why: "no such template in this language" },
    OfMeta { meta: 132_005, code: Code::ContentInvalid, why: "too long once the values are in" },
    OfMeta { meta: 132_007, code: Code::PolicyViolated, why: "the template's text breaks the policy" },
    OfMeta { meta: 132_012, code: Code::TemplateParameters, why: "a value of another format" },
    OfMeta { meta: 132_015, code: Code::TemplatePaused, why: "paused for low quality" },
    OfMeta { meta: 132_016, code: Code::TemplateDisabled, why: "disabled for low quality" },
    OfMeta { meta: 133_010, code: Code::FromUnknown, why: "the number is not registered" },
];

/// A code of ours that says something else of a message that was accepted than it does in an answer.
pub struct Later {
    /// Ours.
    pub ours: ErrorCode,
    /// On which channel; on each where none is named.
    pub channel: Option<Channel>,
    /// Twilio's.
    pub code: Code,
    /// Why this one.
    pub why: &'static str,
}

/// Our codes that are told otherwise of a message that was accepted: all others are told as in an answer.
pub const LATER: &[Later] = &[
    Later {
        ours: ErrorCode::MessageContentUnsupported,
        channel: Some(Channel::Whatsapp),
        code: Code::WindowClosed,
        why: "WhatsApp carries every type in a session, so that it was for want of one",
    },
    Later {
        ours: ErrorCode::MessageContentUnsupported,
        channel: Some(Channel::Messenger),
        code: Code::TypeUnusable,
        why: "Messenger does not carry the type",
    },
    Later {
        ours: ErrorCode::MessageTemplateInputInvalid,
        channel: None,
        code: Code::TemplateParameters,
        why: "the template was right when the message was accepted",
    },
    Later {
        ours: ErrorCode::MessageBlocked,
        channel: None,
        code: Code::TemplatePaused,
        why: "the template was paused, disabled or held back after the message was accepted",
    },
    Later {
        ours: ErrorCode::MessagePhoneNumberInvalid,
        channel: None,
        code: Code::RecipientInvalid,
        why: "the address was right by its form, and Meta does not take it",
    },
    Later { ours: ErrorCode::PhoneNumberBadFormat, channel: None, code: Code::RecipientInvalid, why: "as above" },
    Later { ours: ErrorCode::RecipientBsuidInvalid, channel: None, code: Code::RecipientInvalid, why: "as above" },
    Later {
        ours: ErrorCode::RequestInvalid,
        channel: None,
        code: Code::ContentInvalid,
        why: "Meta does not take what the message says",
    },
];

/// What a failed message is said to have failed with.
#[must_use]
pub fn of_failure(failure: &Failure, channel: Channel) -> Code {
    let meta = failure.upstream.as_ref().and_then(|said| OF_META.iter().find(|row| row.meta == said.code));
    if let Some(row) = meta {
        return row.code;
    }
    let later = LATER.iter().find(|row| row.ours == failure.code && row.channel.is_none_or(|on| on == channel));
    later.map_or_else(|| of_answer(failure.code), |row| row.code)
}

/// Whether a message that failed so is `undelivered`: Meta had taken it before (`taken`), or there was no session for it, which Twilio
/// finds out later only. Whatever else Meta refused when it was sent, or never left, is `failed`.
#[must_use]
pub fn is_undelivered(failure: &Failure, taken: bool, channel: Channel) -> bool {
    taken || of_failure(failure, channel) == Code::WindowClosed
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::failure::UpstreamError;
    use transom_domain::verdict::Reason;

    #[test]
    fn the_table_is_in_order_and_every_row_says_what_it_is() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{pair:?}");
        }
        for code in Code::ALL {
            assert!((400..600).contains(&code.status()) && code.what().ends_with('.'), "{code:?}");
        }
        for pair in OF_META.windows(2) {
            assert!(pair[0].meta < pair[1].meta, "{}", pair[1].meta);
        }
    }

    #[test]
    fn no_refusal_of_ours_becomes_a_failure_of_the_server() {
        for code in ErrorCode::ALL {
            let told = of_answer(*code);
            let ours = matches!(code, ErrorCode::Unspecified | ErrorCode::StoreUnavailable | ErrorCode::MediaNotReady);
            assert_eq!(told.status() >= 500, ours, "{code}");
        }
    }

    #[test]
    fn what_meta_says_comes_first() {
        let failure = |code, meta: Option<i64>| Failure {
            code,
            message: String::new(),
            upstream: meta.map(|code| UpstreamError { code, title: String::new(), details: None, subcode: None }),
        };
        let of = |code, meta| of_failure(&failure(code, meta), Channel::Whatsapp).number();
        assert_eq!(of(ErrorCode::MessageOutsideOfEligibilityWindow, Some(131_047)), 63016);
        assert_eq!(of(ErrorCode::UpstreamError, Some(132_000)), 63028);
        assert_eq!(of(ErrorCode::UpstreamError, Some(1)), 63012);
        assert_eq!(of(ErrorCode::MessageContentUnsupported, None), 63016);
        assert_eq!(of_failure(&failure(ErrorCode::MessageContentUnsupported, None), Channel::Messenger).number(), 216_602);
    }

    #[test]
    fn only_what_meta_had_taken_and_what_found_no_session_is_undelivered() {
        let of = |code, meta: Option<i64>, taken| {
            let upstream = meta.map(|code| UpstreamError { code, title: String::new(), details: None, subcode: None });
            is_undelivered(&Failure { code, message: String::new(), upstream }, taken, Channel::Whatsapp)
        };
        assert!(of(ErrorCode::UpstreamError, Some(131_026), true));
        assert!(!of(ErrorCode::UpstreamError, Some(131_026), false), "refused at the call");
        for taken in [true, false] {
            assert!(of(ErrorCode::MessageOutsideOfEligibilityWindow, Some(131_047), taken));
        }
        assert!(of(ErrorCode::MessageTemplateApprovalRequired, None, false));
        assert!(!of(ErrorCode::MessageExpired, None, false));
    }

    #[test]
    fn the_words_of_verdicts_are_the_domain_s() {
        for reason in [Reason::TypeCannotStart, Reason::ChannelCannotCarry, Reason::TemplatePaused, Reason::TemplateDisabled] {
            let word = serde_json::to_value(reason).unwrap();
            assert!(of_verdict(word.as_str().unwrap()).is_some(), "{word}");
        }
    }
}
