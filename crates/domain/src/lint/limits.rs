//! What Meta allows in a template at most (templates/components and the page of each special kind). Characters are Unicode
//! scalar values.

use std::ops::RangeInclusive;

use crate::template::Category;

/// A template's name.
pub const NAME: usize = 512;
/// Text of a header.
pub const HEADER: usize = 60;
/// Text of a template.
pub const BODY: usize = 1_024;
/// Text of a limited-time offer.
pub const OFFER_BODY: usize = 600;
/// Text of a card, and of a template that shows one product.
pub const CARD_BODY: usize = 160;
/// Footer.
pub const FOOTER: usize = 60;
/// Emojis in a body.
pub const EMOJIS: usize = 10;
/// Blanks in a row.
pub const BLANKS: usize = 4;
/// Line breaks in a row.
pub const LINE_BREAKS: usize = 2;
/// Line of a limited-time offer.
pub const OFFER_TEXT: usize = 16;
/// Label of a button.
pub const LABEL: usize = 25;
/// Label of a button that calls on WhatsApp.
pub const CALL_LABEL: usize = 20;
/// Address of a button.
pub const URL: usize = 2_000;
/// Phone number of a button.
pub const PHONE: usize = 20;
/// Coupon code.
pub const COUPON: usize = 20;
/// Coupon code of a limited-time offer.
pub const OFFER_COUPON: usize = 15;
/// Buttons of one template.
pub const BUTTONS: usize = 10;
/// Buttons that open a page.
pub const URL_BUTTONS: usize = 2;
/// Minutes for which a call button works.
pub const CALL_MINUTES: RangeInclusive<u32> = 1..=43_200;
/// Cards of a carousel.
pub const CARDS: RangeInclusive<usize> = 2..=10;
/// Buttons of one card.
pub const CARD_BUTTONS: RangeInclusive<usize> = 1..=2;
/// Minutes after which a code is void.
pub const EXPIRY_MINUTES: RangeInclusive<u8> = 1..=90;
/// Apps that a code may be handed to.
pub const APPS: usize = 5;
/// Name of an app's package.
pub const PACKAGE: usize = 224;
/// Hash of the key that an app is signed with: exactly so many.
pub const SIGNATURE: usize = 11;

/// Seconds for which Meta tries to deliver; -1, which stands for 30 days, is allowed beside it except for marketing.
#[must_use]
pub const fn ttl_seconds(category: Category) -> RangeInclusive<i64> {
    match category {
        Category::Authentication => 30..=900,
        Category::Utility => 30..=43_200,
        Category::Marketing => 43_200..=2_592_000,
    }
}
