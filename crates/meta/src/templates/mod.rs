//! Templates: how one is created, and how Meta writes it when it is read back (Meta: templates/components,
//! templates/template-management and the page of each special kind).

mod create;
mod parse;
mod request;

use transom_domain::template::Category;

pub(crate) use parse::next_cursor;

pub use create::{components, to_create};
pub use parse::{BadTemplate, NotAPage, Page, Skipped, parse, parse_page};
pub use request::{Request, read_components, read_request};

/// Fields to ask for when templates are read: what [`parse`] looks at.
pub const FIELDS: &str = "id,name,language,category,status,parameter_format,components,rejected_reason,\
                          quality_score,previous_category,correct_category,message_send_ttl_seconds";

/// Reads Meta's word for a category, in either case.
#[must_use]
pub fn category(word: &str) -> Option<Category> {
    [Category::Marketing, Category::Utility, Category::Authentication]
        .into_iter()
        .find(|category| category.as_str().eq_ignore_ascii_case(word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_read_in_either_case() {
        assert_eq!(category("utility"), Some(Category::Utility));
        assert_eq!(category(" MARKETING"), Some(Category::Marketing));
        assert_eq!(category("GREETING"), None);
    }
}
