//! Limits of Flow JSON (Meta: flows/reference/components, flows/reference/flowjson); lengths in characters.

/// Components of one screen.
pub(super) const COMPONENTS: usize = 50;
/// Pictures of one screen.
pub(super) const IMAGES: usize = 3;
/// Bytes of one picture: what Meta recommends, since a form is fetched whole.
pub(super) const IMAGE: usize = 300 * 1_024;
/// Switches of one screen that agree to something.
pub(super) const OPT_INS: usize = 5;
/// A heading or subheading.
pub(super) const HEADING: usize = 80;
/// Plain text.
pub(super) const TEXT: usize = 4_096;
/// A caption.
pub(super) const CAPTION: usize = 409;
/// Label of a field for text, and of a dropdown.
pub(super) const FIELD_LABEL: usize = 20;
/// Label of a choice.
pub(super) const CHOICE_LABEL: usize = 30;
/// Label of a date.
pub(super) const DATE_LABEL: usize = 40;
/// Label of a switch that agrees to something.
pub(super) const OPT_IN_LABEL: usize = 120;
/// Label of the button at the end of a screen.
pub(super) const FOOTER_LABEL: usize = 35;
/// The line below a field.
pub(super) const HELP: usize = 80;
/// The text above a choice.
pub(super) const DESCRIPTION: usize = 300;
/// Options of a choice.
pub(super) const OPTIONS: usize = 20;
/// Options of a dropdown.
pub(super) const DROPDOWN_OPTIONS: usize = 200;
/// Title of an option.
pub(super) const OPTION_TITLE: usize = 30;
/// Second line of an option.
pub(super) const OPTION_DESCRIPTION: usize = 300;
/// Bytes of a whole form.
pub(super) const FLOW_JSON: usize = 10 * 1_024 * 1_024;
