//! The components of a screen and what each may have: FB whatsapp/flows/reference/components, reference/media_upload.

/// One kind of component.
pub(super) struct Part {
    pub(super) kind: &'static str,
    /// The first version that has it.
    pub(super) since: (u32, u32),
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    /// Properties that are texts of so many characters at most.
    pub(super) limits: &'static [(&'static str, usize)],
    /// How many a screen can have.
    pub(super) most: usize,
    /// It takes something in, under a name.
    pub(super) is_input: bool,
}

const ANY: usize = usize::MAX;

const fn shown(
    kind: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    limits: &'static [(&'static str, usize)],
) -> Part {
    Part { kind, since: (2, 1), required, optional, limits, most: ANY, is_input: false }
}

const fn input(
    kind: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    limits: &'static [(&'static str, usize)],
) -> Part {
    Part { kind, since: (2, 1), required, optional, limits, most: ANY, is_input: true }
}

const STYLED: &[&str] = &["font-weight", "strikethrough", "visible", "markdown"];
const CHOICE: &[&str] = &[
    "min-selected-items",
    "max-selected-items",
    "enabled",
    "label",
    "required",
    "visible",
    "on-select-action",
    "on-unselect-action",
    "description",
    "init-value",
    "error-message",
    "media-size",
];

/// All of them.
pub(super) const PARTS: &[Part] = &[
    shown("TextHeading", &["text"], &["visible"], &[("text", 80)]),
    shown("TextSubheading", &["text"], &["visible"], &[("text", 80)]),
    shown("TextBody", &["text"], STYLED, &[("text", 4_096)]),
    shown("TextCaption", &["text"], STYLED, &[("text", 409)]),
    Part { since: (5, 1), ..shown("RichText", &["text"], &["visible"], &[]) },
    input(
        "TextInput",
        &["label", "name"],
        &[
            "input-type",
            "pattern",
            "required",
            "min-chars",
            "max-chars",
            "helper-text",
            "visible",
            "enabled",
            "init-value",
            "error-message",
            "label-variant",
        ],
        &[("label", 20), ("helper-text", 80), ("error-message", 30)],
    ),
    input(
        "TextArea",
        &["label", "name"],
        &["required", "max-length", "helper-text", "enabled", "visible", "init-value", "error-message", "label-variant"],
        &[("label", 20), ("helper-text", 80)],
    ),
    input("CheckboxGroup", &["data-source", "name"], CHOICE, &[("label", 30), ("description", 300)]),
    input("RadioButtonsGroup", &["data-source", "name"], CHOICE, &[("label", 30), ("description", 300)]),
    Part {
        since: (6, 3),
        ..input("ChipsSelector", &["data-source", "name", "label"], CHOICE, &[("label", 80), ("description", 300)])
    },
    input(
        "Dropdown",
        &["label", "data-source", "name"],
        &["required", "enabled", "visible", "on-select-action", "on-unselect-action", "init-value", "error-message"],
        &[("label", 20)],
    ),
    input(
        "DatePicker",
        &["label", "name"],
        &[
            "min-date",
            "max-date",
            "unavailable-dates",
            "visible",
            "helper-text",
            "enabled",
            "required",
            "on-select-action",
            "init-value",
            "error-message",
        ],
        &[("label", 40), ("helper-text", 80), ("error-message", 80)],
    ),
    Part {
        since: (6, 1),
        ..input(
            "CalendarPicker",
            &["label", "name"],
            &[
                "title",
                "description",
                "helper-text",
                "required",
                "visible",
                "enabled",
                "mode",
                "min-date",
                "max-date",
                "unavailable-dates",
                "include-days",
                "min-days",
                "max-days",
                "on-select-action",
                "init-value",
                "error-message",
            ],
            &[("title", 80), ("description", 300), ("label", 40), ("helper-text", 80), ("error-message", 80)],
        )
    },
    Part {
        most: 5,
        ..input("OptIn", &["label", "name"], &["required", "on-click-action", "visible", "init-value"], &[("label", 120)])
    },
    Part { most: 2, ..shown("EmbeddedLink", &["text", "on-click-action"], &["visible"], &[("text", 25)]) },
    Part { most: 3, ..shown("Image", &["src"], &["width", "height", "scale-type", "aspect-ratio", "alt-text", "visible"], &[]) },
    Part { since: (7, 1), ..shown("ImageCarousel", &["images"], &["aspect-ratio", "scale-type", "visible"], &[]) },
    Part {
        most: 1,
        ..shown(
            "Footer",
            &["label", "on-click-action"],
            &["left-caption", "center-caption", "right-caption", "enabled"],
            &[("label", 35), ("left-caption", 15), ("center-caption", 15), ("right-caption", 15)],
        )
    },
    Part { since: (4, 0), ..input("PhotoPicker", &["name", "label"], PHOTOS, &[("label", 80), ("description", 300)]) },
    Part { since: (4, 0), ..input("DocumentPicker", &["name", "label"], DOCUMENTS, &[("label", 80), ("description", 300)]) },
    Part {
        since: (6, 2),
        ..shown(
            "NavigationList",
            &["name", "list-items"],
            &["label", "description", "media-size", "on-click-action", "visible"],
            &[("label", 80), ("description", 300)],
        )
    },
    Part { most: 1, ..shown("Form", &["name", "children"], &["init-values", "error-messages"], &[]) },
    Part { since: (4, 0), ..shown("If", &["condition", "then"], &["else"], &[]) },
    Part { since: (4, 0), ..shown("Switch", &["value", "cases"], &[], &[]) },
];

const PHOTOS: &[&str] = &[
    "description",
    "photo-source",
    "max-file-size-kb",
    "min-uploaded-photos",
    "max-uploaded-photos",
    "enabled",
    "visible",
    "error-message",
];
const DOCUMENTS: &[&str] = &[
    "description",
    "max-file-size-kb",
    "min-uploaded-documents",
    "max-uploaded-documents",
    "allowed-mime-types",
    "enabled",
    "visible",
    "error-message",
];

/// Components of a screen at most.
pub(super) const PER_SCREEN_MAX: usize = 50;
/// Screens of a form at most.
pub(super) const SCREENS_MAX: usize = 100;
/// Options of a choice: at least, at most, and at most in a dropdown.
pub(super) const OPTIONS: (usize, usize, usize) = (1, 20, 200);
/// Characters of an option's title, description and metadata.
pub(super) const OPTION_LIMITS: [(&str, usize); 3] = [("title", 30), ("description", 300), ("metadata", 20)];
/// Levels of `If` inside each other.
pub(super) const IF_DEPTH_MAX: usize = 3;

/// The kinds of input of a `TextInput`.
pub(super) const INPUT_TYPES: &[&str] = &["text", "number", "email", "password", "passcode", "phone"];

pub(super) fn part(kind: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.kind == kind)
}
