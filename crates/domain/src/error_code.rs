//! Our own error codes: one table, from which answers, the reference page and `GET /v1/errors` are made.

use serde::{Deserialize, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident, $status:literal, $when:literal, $remedy:literal;)+) => {
        /// A code that a caller can be told, in an answer or as the error of a failed message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $(#[doc = $when] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the reference page.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The text on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => concat!("ERROR_CODE_", $text),)+ }
            }

            /// The broad class on the wire.
            #[must_use]
            pub const fn kind(self) -> ErrorType {
                match self { $(Self::$name => ErrorType::$kind,)+ }
            }

            /// HTTP status of an answer with this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// When it is used.
            #[must_use]
            pub const fn when(self) -> &'static str {
                match self { $(Self::$name => $when,)+ }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)+ }
            }

            /// The code with this text.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

/// The broad class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    /// The request is wrong.
    InvalidRequest,
    /// A session is over, or never was.
    DeadlineExceeded,
    /// No key, or not this business's.
    Authentication,
    /// The key, or the customer, does not allow it.
    PermissionDenied,
    /// No such thing at this path.
    NotFound,
    /// Something else has happened already.
    Conflict,
    /// Too much, too fast.
    ResourceExhausted,
    /// Ours.
    Unspecified,
    /// Not now.
    Unavailable,
    /// The cursor points to what is no longer kept.
    Gone,
}

impl ErrorType {
    /// The text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "ERROR_TYPE_INVALID_REQUEST",
            Self::DeadlineExceeded => "ERROR_TYPE_DEADLINE_EXCEEDED",
            Self::Authentication => "ERROR_TYPE_AUTHENTICATION",
            Self::PermissionDenied => "ERROR_TYPE_PERMISSION_DENIED",
            Self::NotFound => "ERROR_TYPE_NOT_FOUND",
            Self::Conflict => "ERROR_TYPE_CONFLICT",
            Self::ResourceExhausted => "ERROR_TYPE_RESOURCE_EXHAUSTED",
            Self::Unspecified => "ERROR_TYPE_UNSPECIFIED",
            Self::Unavailable => "ERROR_TYPE_UNAVAILABLE",
            Self::Gone => "ERROR_TYPE_GONE",
        }
    }
}

codes! {
    RequestInvalid = "REQUEST_INVALID", InvalidRequest, 400, "The request is not what this operation takes; `details.errors` names each field.", "Correct the fields that `details.errors` names and send again.";
    BodyTooLarge = "BODY_TOO_LARGE", InvalidRequest, 413, "The body is larger than 1 MiB.", "Send less at once; give media by link.";
    CallbackDataTooLarge = "CALLBACK_DATA_TOO_LARGE", InvalidRequest, 413, "`callbackData` is larger than 1,024 bytes.", "Send an id in `callbackData` and keep the rest yourself.";
    ApiKeyInvalid = "API_KEY_INVALID", Authentication, 401, "The X-API-Key header is missing, or no valid key of this business.", "Send a key of this business; `transom key add` makes one.";
    KeyScopeMissing = "KEY_SCOPE_MISSING", PermissionDenied, 403, "The key is valid, but not for this operation.", "Use a key with the scope that the message names.";
    SessionInvalid = "SESSION_INVALID", Authentication, 401, "Nobody is signed in to the console, or the session is over.", "Sign in to the console again.";
    CrossSite = "CROSS_SITE", PermissionDenied, 403, "A request with the console's cookie was not sent by the console's own page, or not as it sends them.", "Reload the console; programs use a key in X-API-Key instead of the cookie.";
    NotFound = "NOT_FOUND", NotFound, 404, "There is nothing at this path, or it is another business's.", "Check the path and the ids in it.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", InvalidRequest, 405, "The path exists, but not for this method.", "Use a method that the Allow header names.";
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", Conflict, 409, "The idempotency key was used with another body, or its first request is still under way.", "Use a new key for a new request; after Retry-After repeat the same one.";
    StateConflict = "STATE_CONFLICT", Conflict, 409, "What this is to be done with is no longer, or not yet, in a state in which it can be done.", "Read it and decide anew.";
    RateLimited = "RATE_LIMITED", ResourceExhausted, 429, "More requests per second than this business may send.", "Wait for the seconds that Retry-After names.";
    BacklogFull = "BACKLOG_FULL", ResourceExhausted, 429, "As many messages of this sender wait already as may wait.", "Wait for the seconds that Retry-After names.";
    ScheduleFull = "SCHEDULE_FULL", ResourceExhausted, 429, "So many messages of this sender wait that no more can be scheduled; what goes at once still can.", "Send it when it is due, or schedule it once fewer wait.";
    Overloaded = "OVERLOADED", Unavailable, 503, "More work at once than there is room for; nothing was stored.", "Repeat the request after the seconds that Retry-After names.";
    StoreUnavailable = "STORE_UNAVAILABLE", Unavailable, 503, "The store cannot commit (disk full, stopping); nothing was stored.", "Repeat the request later; operators find the cause at /readyz and with `transom doctor`.";
    Unspecified = "UNSPECIFIED", Unspecified, 500, "An unexpected failure on our side.", "Repeat the request; if it happens again, report the trace id.";

    InvalidSenderId = "INVALID_SENDER_ID", InvalidRequest, 400, "The sender is no sender of this business, or more than one could be meant.", "Name one of the senders that `transom sender list` shows.";
    BusinessMissesMatchingChannel = "BUSINESS_MISSES_MATCHING_CHANNEL", InvalidRequest, 400, "The business has no sender on this channel.", "Add one with `transom sender add`.";
    PhoneNumberBadFormat = "PHONE_NUMBER_BAD_FORMAT", InvalidRequest, 400, "The recipient is no phone number with a country.", "Write the number as + and country code, such as +4915112345678.";
    MessagePhoneNumberInvalid = "MESSAGE_PHONE_NUMBER_INVALID", InvalidRequest, 400, "The upstream says that this number cannot be written to.", "Check the number with the customer.";
    RecipientBsuidInvalid = "RECIPIENT_BSUID_INVALID", InvalidRequest, 400, "The recipient is no business-scoped user id.", "Pass the id on whole, as the webhook gave it.";
    RecipientBsuidUnsupported = "RECIPIENT_BSUID_UNSUPPORTED", InvalidRequest, 400, "One-time codes cannot go to a business-scoped user id, and no phone number of the customer is known.", "Ask the customer for the number first.";
    MessageSelfInvalid = "MESSAGE_SELF_INVALID", InvalidRequest, 400, "The recipient is the sender itself.", "Send to a customer.";
    MessageAttachmentsNumberInvalid = "MESSAGE_ATTACHMENTS_NUMBER_INVALID", InvalidRequest, 400, "Not exactly one attachment.", "Send one attachment per message.";
    MessageAttachmentEmpty = "MESSAGE_ATTACHMENT_EMPTY", InvalidRequest, 400, "The attachment has no URL.", "Give the URL of the file.";
    MessageAttachmentInvalid = "MESSAGE_ATTACHMENT_INVALID", InvalidRequest, 400, "The attachment's URL is no http(s) address.", "Give a public http(s) address.";
    MessageTextEmpty = "MESSAGE_TEXT_EMPTY", InvalidRequest, 400, "A text is required and missing.", "Give a text.";
    MessageTemplateNotFound = "MESSAGE_TEMPLATE_NOT_FOUND", InvalidRequest, 400, "No approved template has this name and this language.", "Check name and language, and that Meta has approved it.";
    MessageTemplateInputInvalid = "MESSAGE_TEMPLATE_INPUT_INVALID", InvalidRequest, 400, "The parameters do not fit the template; `details.parameters` names each one.", "Give every variable of the template, and no other.";
    MessageTemplateDeleted = "MESSAGE_TEMPLATE_DELETED", InvalidRequest, 400, "A translation of that name is being deleted; it cannot be made again for 4 weeks.", "Use another name.";
    TemplateInvalid = "TEMPLATE_INVALID", InvalidRequest, 400, "The template breaks Meta's rules; `details.findings` names each finding.", "Mend what `details.findings` names and send it again.";
    TemplateNotFound = "TEMPLATE_NOT_FOUND", NotFound, 404, "The account has no template of this name, or not in this language.", "List the templates; one that was made elsewhere a moment ago appears with the next reading.";
    TemplateConflict = "TEMPLATE_CONFLICT", Conflict, 409, "The template's state does not allow it: it exists already, is under review or disabled, or its category is fixed; `details.rule` says which.", "Look at `details.template`, then edit it, wait, or choose another name.";
    TemplateQuota = "TEMPLATE_QUOTA", ResourceExhausted, 429, "Meta's quota of creations or edits is used up; `details.notBefore` says from when on there is room.", "Wait until `details.notBefore`.";
    MessageTemplateApprovalRequired = "MESSAGE_TEMPLATE_APPROVAL_REQUIRED", InvalidRequest, 400, "The content would go once a template with this content is approved.", "Submit it for approval, or wait until the customer writes; `details.verdict` says which.";
    MessageContentUnsupported = "MESSAGE_CONTENT_UNSUPPORTED", InvalidRequest, 400, "The content can never go this way: not on this channel, or not outside a session.", "Send what `details.verdict.alternatives` names.";
    MessageBlocked = "MESSAGE_BLOCKED", InvalidRequest, 400, "The message must not go now: the sender is stopped, or the template is paused.", "See `details.verdict.reason`.";
    MessageOutsideOfEligibilityWindow = "MESSAGE_OUTSIDE_OF_ELIGIBILITY_WINDOW", DeadlineExceeded, 400, "More than 24 hours have gone by since the customer's last message.", "Send an approved template instead.";
    MessageCustomerNoConversationInitiation = "MESSAGE_CUSTOMER_NO_CONVERSATION_INITIATION", DeadlineExceeded, 400, "The customer has never written to this sender.", "Send an approved template instead.";
    MessageCustomerOptedOut = "MESSAGE_CUSTOMER_OPTED_OUT", PermissionDenied, 403, "The customer wants no such messages.", "Do not send; the customer can opt in again.";
    BusinessReachedLimits = "BUSINESS_REACHED_LIMITS", ResourceExhausted, 429, "Meta restricts sending on this channel (limits, quality, spam).", "Wait; `transom doctor` shows the state of the sender.";
    BusinessKeySecretAbsent = "BUSINESS_KEY_SECRET_ABSENT", InvalidRequest, 400, "The webhook secret of the business was never set up.", "Make one by creating an endpoint.";
    MediaDownloadFailed = "MEDIA_DOWNLOAD_FAILED", InvalidRequest, 400, "Meta could not fetch the file.", "Check that the link is public and of an allowed type and size.";
    MediaTooLarge = "MEDIA_TOO_LARGE", InvalidRequest, 413, "The file is larger than the channel takes.", "Send a smaller file.";
    MediaLinkInvalid = "MEDIA_LINK_INVALID", PermissionDenied, 403, "The link to a file is over, or is not one that was given out.", "Ask for a fresh link with `GET …/media/{id}`.";
    MediaNotReady = "MEDIA_NOT_READY", Unavailable, 503, "The file is still being fetched from Meta.", "Repeat the request after the seconds that Retry-After names.";
    MessageUndeliverable = "MESSAGE_UNDELIVERABLE", InvalidRequest, 400, "Meta cannot deliver to this customer: not on WhatsApp, an old app, or terms not accepted.", "Reach the customer another way.";
    MessageMarketingLimited = "MESSAGE_MARKETING_LIMITED", ResourceExhausted, 429, "Meta holds marketing messages back from this customer.", "Try again after a day at the earliest; do not repeat sooner.";
    MessageExpired = "MESSAGE_EXPIRED", DeadlineExceeded, 400, "The message waited past its validity and was not sent.", "Send a new one if it is still wanted.";
    MessageCancelled = "MESSAGE_CANCELLED", Conflict, 409, "The message was cancelled before it was sent.", "Nothing: this is what was asked for.";
    OutcomeUnknown = "OUTCOME_UNKNOWN", Unavailable, 502, "The answer to the send was lost and no status came: the customer may or may not have got it.", "Decide yourself whether to send again; `whenUnknown` can do it for you.";
    UpstreamError = "UPSTREAM_ERROR", Unavailable, 502, "Meta refused or failed; `details.metaCode` has its code.", "Look the code up in the error reference.";
    UpstreamAccountRestricted = "UPSTREAM_ACCOUNT_RESTRICTED", Unavailable, 502, "Meta has disabled or restricted the account.", "Operators: see the account in Meta's Business Support Home and ask for a review; the sender goes on by itself once Meta reinstates it.";
    UpstreamCredentials = "UPSTREAM_CREDENTIALS", Unavailable, 502, "Meta does not accept our credentials, or the account is not in order.", "Operators: `transom doctor` says which sender and what to mend.";

    ContentNotFound = "CONTENT_NOT_FOUND", InvalidRequest, 400, "`contentId` names no content of this business.", "Create the content first, or list the contents there are.";
    ContentNeverSubmittable = "CONTENT_NEVER_SUBMITTABLE", InvalidRequest, 400, "None of the content's types can become a template: lists and locations go in a session only, payments and schedules never.", "Add a type that can be approved, such as twilio/text.";
    ContentInUse = "CONTENT_IN_USE", Conflict, 409, "The content is submitted, or a message that was sent from it waits.", "The message of the error says what it waits for.";

    WebhookTopicExists = "WEBHOOK_TOPIC_EXISTS", Conflict, 409, "This topic has a registration already.", "Update that one instead.";
    EndpointsTooMany = "ENDPOINTS_TOO_MANY", Conflict, 409, "The business has as many endpoints as it may have.", "Remove endpoints that are no longer needed; one endpoint can take several types of events.";
    EndpointState = "ENDPOINT_STATE", Conflict, 409, "The endpoint is not in a state in which this can be done.", "The message of the error says what stands in the way.";
    WebhookNotFound = "WEBHOOK_NOT_FOUND", NotFound, 404, "There is no registration with this id.", "List the registrations.";
    WebhookAddressRefused = "WEBHOOK_ADDRESS_REFUSED", InvalidRequest, 400, "The address is not https, or leads to a private network.", "Use a public https address; operators can allow others.";
    UpstreamSignatureInvalid = "UPSTREAM_SIGNATURE_INVALID", Authentication, 401, "The webhook's signature does not fit its bytes.", "Check the app secret; pass the body on unchanged.";
    UpstreamHandshakeRefused = "UPSTREAM_HANDSHAKE_REFUSED", PermissionDenied, 403, "The verify token of the handshake is wrong.", "Use the token that `transom sender add` set.";
    CursorTooOld = "CURSOR_TOO_OLD", Gone, 410, "The position is older than what is kept.", "Start again from the earliest position that `details` names.";
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::named(&text).ok_or_else(|| serde::de::Error::custom("unknown error code"))
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_and_read_back() {
        for (i, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(ErrorCode::named(code.as_str()), Some(*code));
            assert!(!ErrorCode::ALL[..i].contains(code));
            assert!((400..600).contains(&code.status()) && code.when().ends_with('.') && code.remedy().ends_with('.'));
        }
    }
}
