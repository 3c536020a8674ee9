//! What the linter says: a finding, and the table of rules it can name.

use serde::{Serialize, Serializer};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Meta would refuse it: it is not submitted.
    Error,
    /// It may go through, and not as it is meant.
    Warning,
}

/// One thing the linter found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it can be submitted all the same.
    pub severity: Severity,
    /// Path of the field, in the form the author wrote it in: see [`super::template`] and [`super::content`].
    pub field: String,
    /// The rule that does not hold.
    pub rule: Rule,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// The document that has the rule.
    pub source: &'static str,
}

impl Finding {
    /// Whether it keeps the template from being submitted.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

macro_rules! rules {
    ($($name:ident = $word:literal, $severity:ident, $source:literal, $says:literal;)+) => {
        /// A rule of Meta's for templates.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $says] $name,)+
        }

        impl Rule {
            /// Every rule, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its word; stays as it is from version to version.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// How bad it is to break it.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// The document that has it: a page of Meta's WhatsApp documentation unless another house is named.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)+ }
            }

            /// What it says, as a sentence.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)+ }
            }
        }
    };
}

rules! {
    NameCharset = "name-charset", Error, "templates/overview",
        "A name has lower-case letters, digits and underscores only.";
    NameLength = "name-length", Error, "templates/overview",
        "A name has 1 to 512 characters.";
    LanguageUnsupported = "language-unsupported", Error, "templates/supported-languages",
        "The language is one of Meta's list.";
    TtlRange = "ttl-range", Error, "templates/time-to-live",
        "The time to live is within the range of the category.";
    TextRequired = "text-required", Error, "templates/components",
        "A body, a text header, a footer and a label have some text.";
    TextTooLong = "text-too-long", Error, "templates/components",
        "A text is no longer than its part allows.";
    FilledTooLong = "filled-too-long", Warning, "support/error-codes",
        "A text stays within its limit with values as long as the samples; else sends fail with 132005.";
    Spacing = "spacing", Error, "templates/components",
        "A text has no tab, no more than four blanks and no more than two line breaks in a row.";
    EmojiCount = "emoji-count", Error, "Twilio: message-template-approvals-statuses",
        "A body has at most ten emojis.";
    WhatsappLink = "whatsapp-link", Error, "Twilio: message-template-approvals-statuses",
        "Nothing leads to wa.me.";
    LinkShortener = "link-shortener", Warning, "templates/template-review",
        "Links show where they lead; shortened ones are often rejected.";
    BracesBroken = "braces-broken", Error, "templates/template-review",
        "Braces stand in pairs around a variable's name.";
    VariableName = "variable-name", Error, "templates/overview",
        "A variable's name has lower-case letters, digits and underscores, and begins with a letter.";
    VariableMix = "variable-mix", Error, "templates/overview",
        "Variables are either all numbered or all named, as the parameter format says.";
    VariableGap = "variable-gap", Error, "templates/template-review",
        "Numbered variables of a text count from 1 without gaps.";
    VariableAtEdge = "variable-at-edge", Error, "support/error-codes",
        "A body neither begins nor ends with a variable; punctuation after the last one does not help.";
    VariablesAdjacent = "variables-adjacent", Error, "webhooks/reference/message_template_status_update",
        "Between two variables stands more than blanks.";
    VariablesClose = "variables-close", Warning, "Twilio: using-variables-with-content-api",
        "Between two variables stands a word; punctuation alone is sometimes rejected.";
    VariablesTooMany = "variables-too-many", Error, "support/error-codes",
        "A text with x variables has at least 2x+1 words around them.";
    VariableAlone = "variable-alone", Warning, "templates/template-review",
        "No line consists of a variable alone.";
    VariableNotAllowed = "variable-not-allowed", Error, "templates/components",
        "Footers, labels and offers have no variables.";
    SampleMissing = "sample-missing", Error, "templates/components",
        "Each variable and each media header has a sample.";
    SampleSurplus = "sample-surplus", Error, "templates/components",
        "There are no more samples than variables.";
    SampleForm = "sample-form", Warning, "templates/components",
        "A sample looks like a value: no line break, tab or more than four blanks in a row.";
    HeaderVariables = "header-variables", Error, "templates/components",
        "A text header has at most one variable.";
    HeaderForm = "header-form", Error, "templates/components",
        "A text header has no line break, no emoji and no formatting.";
    HeaderFile = "header-file", Error, "templates/components",
        "A media header is an image, a video or a document.";
    FooterForm = "footer-form", Error, "templates/components",
        "A footer is one line.";
    LabelForm = "label-form", Error, "templates/components",
        "A label is one line.";
    EmojiInPlainText = "emoji-in-plain-text", Warning, "templates/components",
        "Footers and labels do better without emojis.";
    LabelTwice = "label-twice", Warning, "templates/components",
        "Buttons have different labels.";
    ButtonCount = "button-count", Error, "templates/components",
        "There are no more buttons, and no more of a kind, than Meta allows.";
    ButtonOrder = "button-order", Error, "templates/components",
        "Quick replies stand together, before all other buttons or after them.";
    ButtonAlone = "button-alone", Error, "templates/components",
        "Catalog, product and contact buttons stand alone.";
    UrlForm = "url-form", Error, "templates/components",
        "An address begins with http:// or https://, a domain written out, and has at most 2,000 characters.";
    UrlVariable = "url-variable", Error, "templates/components",
        "An address has at most one variable, {{1}}, at its very end and behind a slash.";
    PhoneForm = "phone-form", Error, "templates/components",
        "A phone number has its country code, digits only, and at most 20 characters.";
    CouponForm = "coupon-form", Error, "templates/marketing-templates/coupon-templates",
        "A coupon code has at most 20 characters, 15 in a limited-time offer.";
    FlowSource = "flow-source", Error, "templates/components",
        "A flow button names exactly one flow: by id, by name, or as JSON.";
    CallMinutes = "call-minutes", Error, "calling/call-button-messages-deep-links",
        "A call button works for 1 to 43,200 minutes.";
    CarouselCount = "carousel-count", Error, "templates/marketing-templates/media-card-carousel-templates",
        "A carousel has 2 to 10 cards.";
    CarouselCard = "carousel-card", Error, "templates/marketing-templates/media-card-carousel-templates",
        "A card has an image, a video or a product above, and one or two buttons that fit it.";
    CarouselStructure = "carousel-structure", Error, "templates/marketing-templates/media-card-carousel-templates",
        "All cards have the same parts: header, text, and kinds of buttons in the same order.";
    CarouselAlone = "carousel-alone", Error, "templates/marketing-templates/media-card-carousel-templates",
        "Beside a carousel stands a text and nothing else.";
    OfferParts = "offer-parts", Error, "templates/marketing-templates/limited-time-offer-templates",
        "A limited-time offer has nothing but an image or a video above, no footer, and buttons that copy a code or open a page.";
    ProductParts = "product-parts", Error, "templates/marketing-templates/spm-templates",
        "A product header and the button that shows it go together.";
    AuthenticationText = "authentication-text", Error, "templates/authentication-templates",
        "The text around a one-time code is Meta's own.";
    AuthenticationParts = "authentication-parts", Error, "templates/authentication-templates",
        "An authentication template has Meta's text, at most the minutes of expiry, and one code button.";
    AuthenticationButton = "authentication-button", Error, "templates/authentication-templates",
        "A one-time code has one button: COPY_CODE, ONE_TAP or ZERO_TAP; the latter two name the app.";
    AuthenticationOnly = "authentication-only", Error, "templates/authentication-templates",
        "One-time codes are of the category AUTHENTICATION.";
    ExpiryMinutes = "expiry-minutes", Error, "templates/authentication-templates",
        "A code expires after 1 to 90 minutes.";
    MarketingOnly = "marketing-only", Error, "templates/marketing-templates",
        "Carousels and limited-time offers are of the category MARKETING.";
    LikelyMarketing = "likely-marketing", Warning, "templates/template-categorization",
        "What promotes something is approved as MARKETING, whatever was asked for.";
    LikelyAuthentication = "likely-authentication", Warning, "templates/template-categorization",
        "What carries a one-time code in another category is rejected later.";
    LanguageMismatch = "language-mismatch", Warning, "webhooks/reference/message_template_status_update",
        "The text is in the language it is filed under; else it is rejected as TAG_CONTENT_MISMATCH.";
    NeverSubmittable = "never-submittable", Error, "Twilio: content-types-overview",
        "Lists and locations go in a session only, payments and schedules never; no template holds them.";
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Notes {
    found: Vec<Finding>,
}

impl Notes {
    /// Notes that `rule` does not hold at `field`.
    pub(super) fn note(&mut self, rule: Rule, field: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) {
        self.found.push(Finding {
            severity: rule.severity(),
            field: field.into(),
            rule,
            message: message.into(),
            fix: fix.into(),
            source: rule.source(),
        });
    }

    /// What was found, in the order in which it was noted.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.found
    }
}
