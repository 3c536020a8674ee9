//! The table itself (Meta: support/error-codes and the pages named in the remedies' subjects), one line per code.
//!
//! What must be mended at the account, the number or the token is the operator's and stops the sender. What only one message,
//! one customer or one template is to blame for never stops anything else.

use transom_domain::error_code::ErrorCode as E;
use transom_domain::failure::{Class, Curve, Scope};

use super::{ACCOUNT, Family, MetaCode};

const TOKEN: &str = "Renew the access token of the sender; `transom doctor` checks it.";
const WAIT: &str = "Nothing: the fault is Meta's and it is tried again, with growing gaps.";
const MEDIA: &str = "Check that the link is public, and that type and size of the file are among those that the channel takes.";
const DETAILS: &str = "Meta's details name what to change.";

const fn row(code: i64, http: u16, class: Class, retry: Curve, native: E, title: &'static str, remedy: &'static str) -> MetaCode {
    MetaCode { code, http, title, class, retry, native, remedy }
}

/// Every code with a row of its own, in ascending order.
#[rustfmt::skip]
pub const CODES: &[MetaCode] = &[
    row(0, 401, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "AuthException", TOKEN),
    row(1, 400, Class::Upstream, Curve::FAULT, E::UpstreamError, "API Unknown", "Nothing at first: it is tried again. If it stays, check the request against Meta's reference."),
    row(2, 503, Class::Upstream, Curve::FAULT, E::UpstreamError, "API Service", WAIT),
    row(3, 500, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "API Method", "Give the app the capability it lacks, in Meta's app dashboard."),
    row(4, 400, Class::Throttle(Scope::Account), ACCOUNT, E::BusinessReachedLimits, "API Too Many Calls", "Nothing: the app has used up its calls of this hour; sending goes on by itself."),
    row(10, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Permission Denied", "Give the token the permissions whatsapp_business_messaging and whatsapp_business_management; that of a Page pages_messaging."),
    row(33, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Parameter value is not valid", "The phone number was deleted, or the token may not see it: check the sender's phone number id and token."),
    row(100, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Invalid parameter", "Correct the parameter that the details name."),
    row(105, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Too many parameters", "Send fewer elements or buttons."),
    row(190, 401, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Access token has expired", TOKEN),
    row(194, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Too few parameters", "Give the parameter that is missing."),
    row(200, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "API Permission", "Give the token the permission that the details name."),
    row(368, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Temporarily blocked for policies violations", "See the account's restrictions in WhatsApp Manager and ask for a review there."),
    row(551, 400, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "This person isn't available right now", "Reach the customer another way: the account is gone, has blocked the Page, or takes no messages."),
    row(613, 400, Class::Throttle(Scope::Account), ACCOUNT, E::BusinessReachedLimits, "Calls to this api have exceeded the rate limit", "Nothing: sending slows down by itself and goes on."),
    row(1200, 500, Class::Upstream, Curve::FAULT, E::UpstreamError, "Temporary send message failure", WAIT),
    row(2200, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Callback verification failed", "Make the public address of this gateway reachable from the internet over https, then register the webhook again."),
    row(80_007, 400, Class::Throttle(Scope::Account), ACCOUNT, E::BusinessReachedLimits, "Rate limit issues", "Nothing: the account has used up its calls of this hour; work goes on by itself."),
    row(130_403, 400, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "The business has blocked this user", "Unblock the customer for this number first."),
    row(130_429, 400, Class::Throttle(Scope::Sender), Curve::SENDER, E::BusinessReachedLimits, "Rate limit hit", "Nothing: sending slows down by itself and goes on."),
    row(130_472, 400, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "User's number is part of an experiment", "Do not repeat it: Meta holds marketing back from this customer. A message inside a session still goes."),
    row(130_497, 403, Class::Customer, Curve::NEVER, E::BusinessReachedLimits, "Business account is restricted from messaging users in this country", "Check in WhatsApp Manager which countries the account may write to."),
    row(131_000, 500, Class::Upstream, Curve::FAULT, E::UpstreamError, "Something went wrong", WAIT),
    row(131_005, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Access denied", "Give the token access to this WhatsApp Business Account and its permissions."),
    row(131_008, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Required parameter is missing", "Give the parameter that the details name."),
    row(131_009, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Parameter value is not valid", "Correct the value that the details name, such as a product or a message that does not exist."),
    row(131_014, 400, Class::Caller, Curve::NEVER, E::MediaDownloadFailed, "Media link could not be fetched", MEDIA),
    row(131_016, 500, Class::Upstream, Curve::FAULT, E::UpstreamError, "Service unavailable", WAIT),
    row(131_021, 400, Class::Caller, Curve::NEVER, E::MessageSelfInvalid, "Recipient cannot be sender", "Send to a customer, not to the sender itself."),
    row(131_026, 400, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "Message undeliverable", "Reach the customer another way: not on WhatsApp, an old app, or Meta's terms not accepted."),
    row(131_030, 400, Class::Caller, Curve::NEVER, E::MessagePhoneNumberInvalid, "Recipient phone number not in allowed list", "Add the number to the test number's list of recipients, or send from a number that is no test number."),
    row(131_031, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Account has been locked", "See in WhatsApp Manager why the account is locked; when registering, check the two-step PIN."),
    row(131_037, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Number needs display name approval", "Have the display name of the number approved in WhatsApp Manager."),
    row(131_042, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Business eligibility payment issue", "Mend the payment method of the WhatsApp Business Account."),
    row(131_044, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Payment issue for calls", "Mend the payment method of the WhatsApp Business Account."),
    row(131_045, 500, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Incorrect certificate", "Register the number again; `transom sender add` does it."),
    row(131_047, 400, Class::NoSession, Curve::NEVER, E::MessageOutsideOfEligibilityWindow, "Re-engagement message", "Send an approved template, or wait until the customer writes."),
    row(131_048, 400, Class::Throttle(Scope::Account), Curve::HOURS, E::BusinessReachedLimits, "Spam rate limit hit", "See the quality of the number in WhatsApp Manager; sending goes on by itself, with gaps of hours."),
    row(131_049, 400, Class::Customer, Curve::NEVER, E::MessageMarketingLimited, "This message was not delivered to maintain healthy ecosystem engagement.", "Try again after a day at the earliest; repeating it sooner makes it worse."),
    row(131_050, 400, Class::Customer, Curve::NEVER, E::MessageCustomerOptedOut, "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business", "Send this customer no marketing until they want it again."),
    row(131_051, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Unsupported message type", "Send a message of a type that the channel knows."),
    row(131_052, 400, Class::Caller, Curve::NEVER, E::MediaDownloadFailed, "Media download error", "Ask the customer to send the file again, smaller than 100 MB."),
    row(131_053, 400, Class::Caller, Curve::NEVER, E::MediaDownloadFailed, "Media upload error", MEDIA),
    row(131_055, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Method not allowed", "Send marketing templates only through the marketing messages API."),
    row(131_056, 400, Class::Throttle(Scope::Pair), Curve::PAIR, E::BusinessReachedLimits, "(Business Account, Consumer Account) pair rate limit hit", "Nothing: messages to this customer slow down by themselves and go on."),
    row(131_057, 500, Class::Throttle(Scope::Sender), Curve::SENDER, E::UpstreamError, "Account in maintenance mode", "Nothing: Meta is raising the throughput of the number; sending goes on within minutes."),
    row(131_062, 400, Class::Caller, Curve::NEVER, E::RecipientBsuidUnsupported, "Business-scoped user id not supported for this message", "Send one-time codes to a phone number."),
    row(131_063, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Marketing templates are switched off on the Cloud API", "Switch marketing templates on for the account in WhatsApp Manager."),
    row(131_064, 400, Class::Template, Curve::HOURS, E::BusinessReachedLimits, "Limit for wrongly categorised templates", "Give the account's templates the category that their texts have."),
    row(132_000, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Number of parameters does not match the expected number of params", "Give a value for every variable of the template, and no other."),
    row(132_001, 404, Class::Template, Curve::NEVER, E::MessageTemplateNotFound, "Template name does not exist in the translation", "Check name and language, and that Meta has approved the template."),
    row(132_005, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Template Hydrated Text Too Long", "Shorten the values: the text with them is longer than Meta takes."),
    row(132_007, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Template Format Character Policy Violated", "Take out of the values what Meta's rules for characters forbid."),
    row(132_008, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Template parameter value invalid", "Correct the value that the details name."),
    row(132_012, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Template Parameter Format Mismatch", "Give each variable a value of its kind, without line breaks, tabs or more than four blanks in a row."),
    row(132_015, 400, Class::Template, Curve::HOURS, E::MessageBlocked, "Template is Paused", "Wait until Meta resumes the template, after three or six hours, or use another one."),
    row(132_016, 400, Class::Template, Curve::NEVER, E::MessageBlocked, "Template is Disabled", "Make a new template: Meta has stopped this one for good."),
    row(132_018, 400, Class::Caller, Curve::NEVER, E::MessageTemplateInputInvalid, "Template parameters are invalid", "Correct the parameters that the details name."),
    row(132_068, 400, Class::Caller, Curve::NEVER, E::MessageBlocked, "Flow is in blocked state", "Mend the flow in WhatsApp Manager, then send again."),
    row(132_069, 400, Class::Upstream, Curve::HOURS, E::BusinessReachedLimits, "Flow is in throttled state", "Mend the flow's quality: until then ten messages with it go out per hour."),
    row(133_000, 500, Class::Upstream, Curve::FAULT, E::UpstreamError, "Incomplete Deregistration", "Nothing: it is tried again, with growing gaps."),
    row(133_004, 503, Class::Upstream, Curve::FAULT, E::UpstreamError, "Server Temporarily Unavailable", WAIT),
    row(133_005, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Two step verification PIN Mismatch", "Give the PIN of the number, or set a new one in WhatsApp Manager."),
    row(133_006, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Phone number re-verification needed", "Verify the number in WhatsApp Manager, then register it again."),
    row(133_008, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Too Many two step verification PIN Guesses", "Wait as long as the details say, then give the right PIN."),
    row(133_009, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Two step verification PIN Guessed Too Fast", "Wait a while, then give the right PIN."),
    row(133_010, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Phone number Not Registered", "Register the number; `transom sender add` does it with a PIN."),
    row(133_015, 400, Class::Operator, Curve::FAULT, E::UpstreamCredentials, "Please wait a few minutes before attempting to register this phone number", "Wait five minutes, then register the number."),
    row(133_016, 400, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "Account register deregister rate limit exceeded", "Wait 72 hours: a number can be registered ten times in that span."),
    row(134_011, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "WhatsApp Payments terms of service has not been accepted", "Accept the terms of payments in WhatsApp Manager."),
    row(134_100, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Only marketing messages supported", "Send this template through the Cloud API, not the marketing messages API."),
    row(134_101, 400, Class::Template, Curve::FAULT, E::MessageBlocked, "Template is still being synced", "Wait ten minutes after the template was made."),
    row(134_102, 500, Class::Template, Curve::NEVER, E::MessageBlocked, "Template is not available for the marketing messages API", "Check the template in WhatsApp Manager."),
    row(135_000, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Generic user error", "Check the request against Meta's reference; Meta gives no closer reason."),
    row(137_000, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Identity key hash does not match", "Make sure that it is still the same person, then send without the hash."),
    row(139_200, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Direct Send is blocked for this account", "Send an approved template instead."),
];

/// Sub-codes of Messenger's, each with the code it comes with.
#[rustfmt::skip]
pub const SUBCODES: &[(i64, MetaCode)] = &[
    (2_018_278, row(10, 403, Class::NoSession, Curve::NEVER, E::MessageOutsideOfEligibilityWindow, "This message is sent outside of allowed window", "Wait until the customer writes; a named human may answer for seven days.")),
    (2_018_065, row(10, 403, Class::NoSession, Curve::NEVER, E::MessageOutsideOfEligibilityWindow, "This message is sent outside of allowed window (older sub-code)", "Wait until the customer writes; a named human may answer for seven days.")),
    (2_018_108, row(10, 403, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "This person cannot receive messages right now", "Reach the customer another way: the conversation is closed or the Page blocked.")),
    (1_893_063, row(10, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "The Page is restricted for a time", "See the Page's support inbox for the reason; sending goes on once the restriction has ended.")),
    (2_018_001, row(100, 400, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "No matching user found", "Use the page-scoped id that this very Page was told: each Page knows a person under another one.")),
    (2_018_109, row(100, 400, Class::Caller, Curve::NEVER, E::MediaDownloadFailed, "Attachment size exceeds allowable limit", MEDIA)),
    (1_545_041, row(200, 403, Class::Customer, Curve::NEVER, E::MessageUndeliverable, "Message not sent: the person is not available", "Reach the customer another way, or wait until the customer writes.")),
];

/// Ranges and single codes of parts of the API that this gateway does not use itself.
#[rustfmt::skip]
pub const FAMILIES: &[Family] = &[
    Family { last: 299, row: row(201, 403, Class::Operator, Curve::HOURS, E::UpstreamCredentials, "API Permission", "Give the token the permission that the details name.") },
    Family { last: 131_020, row: row(131_020, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Groups", DETAILS) },
    Family { last: 131_041, row: row(131_041, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Groups", DETAILS) },
    Family { last: 131_059, row: row(131_059, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Groups", DETAILS) },
    Family { last: 131_215, row: row(131_201, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Groups", DETAILS) },
    Family { last: 138_018, row: row(138_000, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Calls", DETAILS) },
    Family { last: 139_004, row: row(139_000, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Management of flows", DETAILS) },
    Family { last: 139_103, row: row(139_100, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "Block list", DETAILS) },
    Family { last: 147_005, row: row(147_001, 400, Class::Caller, Curve::NEVER, E::UpstreamError, "User names", DETAILS) },
];
