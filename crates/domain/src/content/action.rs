//! Buttons.

use serde::{Deserialize, Serialize};

/// What a button does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionKind {
    /// Sends its text back.
    QuickReply,
    /// Opens a page.
    Url,
    /// Dials a number.
    #[serde(alias = "PHONE")]
    PhoneNumber,
    /// Copies a code.
    CopyCode,
    /// Calls the business on WhatsApp.
    VoiceCall,
    /// Asks for leave to call.
    VoiceCallRequest,
    /// Asks for the phone number.
    RequestContactInfo,
}

impl ActionKind {
    /// Every kind of button.
    pub const ALL: [Self; 7] = [
        Self::QuickReply,
        Self::Url,
        Self::PhoneNumber,
        Self::CopyCode,
        Self::VoiceCall,
        Self::VoiceCallRequest,
        Self::RequestContactInfo,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QuickReply => "QUICK_REPLY",
            Self::Url => "URL",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::CopyCode => "COPY_CODE",
            Self::VoiceCall => "VOICE_CALL",
            Self::VoiceCallRequest => "VOICE_CALL_REQUEST",
            Self::RequestContactInfo => "REQUEST_CONTACT_INFO",
        }
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it does; a quick reply where it is left out.
    #[serde(rename = "type", default = "quick_reply")]
    pub kind: ActionKind,
    /// Label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Payload that comes back from a quick reply; the label where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Page of a URL button; a variable only at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Number of a phone button, E.164.
    #[serde(default, alias = "phone_number", skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Coupon of a copy-code button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Label of the one-time-code button; Meta replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_code_text: Option<String>,
    /// Minutes for which a call button works, 1 to 43,200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<serde_json::Value>,
    /// RCS only, kept for Twilio's sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webview_size: Option<String>,
    /// RCS only, kept for Twilio's sake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip_list: Option<bool>,
    /// Position, echoed by Twilio; ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u8>,
}

impl Action {
    /// A button of this kind with nothing said of it yet.
    #[must_use]
    pub const fn of(kind: ActionKind) -> Self {
        Self {
            kind,
            title: None,
            id: None,
            url: None,
            phone: None,
            code: None,
            copy_code_text: None,
            ttl_minutes: None,
            webview_size: None,
            chip_list: None,
            index: None,
        }
    }
}

const fn quick_reply() -> ActionKind {
    ActionKind::QuickReply
}
