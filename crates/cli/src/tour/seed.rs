//! The seed's table once more, copied by hand from the published page, so that the product is not judged by its own rules.
//!
//! Nothing here may come from the domain crate. Where a cell says "may be required … based on buttons types present", the
//! published button rules decide (call-to-action and card pages): one to three quick replies or a single URL need no
//! approval; phone numbers, codes to copy and any mixture do.

/// What a cell of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// ✅ Can reply to inbound messages.
    Allowed,
    /// ⚠️ Template approval may be required, based on button types present.
    Depends,
    /// ⚠️ Template approval required.
    Approval,
    /// ❌ Not supported.
    Unsupported,
}

impl Cell {
    /// The word in the tour's rows.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Depends => "depends",
            Self::Approval => "approval",
            Self::Unsupported => "unsupported",
        }
    }
}

/// One line of the table: content type, user-initiated, business-initiated.
pub(crate) type Line = (&'static str, Cell, Cell);

/// The table, line by line.
pub(crate) const SEED: [Line; 12] = [
    ("twilio/text", Cell::Allowed, Cell::Approval),
    ("twilio/media", Cell::Allowed, Cell::Approval),
    ("twilio/location", Cell::Allowed, Cell::Unsupported),
    ("twilio/call-to-action", Cell::Depends, Cell::Approval),
    ("twilio/quick-reply", Cell::Allowed, Cell::Approval),
    ("twilio/list-picker", Cell::Allowed, Cell::Unsupported),
    ("twilio/card", Cell::Depends, Cell::Approval),
    ("twilio/carousel", Cell::Approval, Cell::Approval),
    ("twilio/catalog", Cell::Allowed, Cell::Approval),
    ("twilio/flows", Cell::Approval, Cell::Approval),
    ("whatsapp/card", Cell::Depends, Cell::Approval),
    ("whatsapp/authentication", Cell::Approval, Cell::Approval),
];

/// The button cases of a type, and whether each needs approval inside a session; empty for types without a choice of buttons.
pub(crate) fn cases(kind: &str) -> &'static [(&'static str, bool)] {
    const CALL_TO_ACTION: [(&str, bool); 5] =
        [("quick_reply", false), ("url", false), ("phone", true), ("copy_code", true), ("mixed", true)];
    const CARD: [(&str, bool); 6] =
        [("none", false), ("quick_reply", false), ("url", false), ("phone", true), ("copy_code", true), ("mixed", true)];
    match kind {
        "twilio/call-to-action" => &CALL_TO_ACTION,
        "twilio/card" | "whatsapp/card" => &CARD,
        _ => &[],
    }
}
