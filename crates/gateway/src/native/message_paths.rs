//! Where the parts of a free-form message stand in the published `message`: findings are told in the caller's own terms.

use transom_domain::free_form::{FreeForm, Header, MediaKind};

/// The path below `message` of a part that the domain names.
pub(super) fn published_path(say: &FreeForm, part: &str) -> String {
    let object = object_of(say);
    // The body of every interactive message is the message's own text.
    if part == "body" {
        return "text".to_owned();
    }
    let (first, rest) = part.split_once('.').map_or((part, ""), |(first, rest)| (first, rest));
    let inner = match (say, first) {
        (FreeForm::Media { file, .. }, "file") => {
            return if file.kind == MediaKind::Sticker { "sticker.url".to_owned() } else { "attachments[0].url".to_owned() };
        }
        (FreeForm::Media { .. }, _) => return format!("attachments[0].{part}"),
        (FreeForm::Contacts { .. }, _) => return part.to_owned(),
        (FreeForm::Buttons { header, .. } | FreeForm::CtaUrl { header, .. }, "header") => match header {
            Some(Header::File(_)) => "header.attachment".to_owned(),
            _ => "header.text".to_owned(),
        },
        (_, "header") => "header.text".to_owned(),
        (_, "footer") => "footer.text".to_owned(),
        (FreeForm::List { .. }, "button") | (FreeForm::CtaUrl { .. }, "displayText") => "button.text".to_owned(),
        (FreeForm::CtaUrl { .. }, "url") => "button.url".to_owned(),
        (FreeForm::Product { .. }, "product") => "productItem.productRetailerId".to_owned(),
        (FreeForm::ProductList { .. }, "sections") if rest == "products" => "sections.productItems".to_owned(),
        // Buttons and rows are labelled with `text` here; only sections have a title.
        (_, _) if first.starts_with("buttons[") || rest.starts_with("rows[") => part.replace(".title", ".text"),
        _ => part.to_owned(),
    };
    if object.is_empty() { inner } else { format!("{object}.{inner}") }
}

/// The object below `message` in which a kind of message stands.
fn object_of(say: &FreeForm) -> &'static str {
    match say {
        FreeForm::List { .. } => "listMessage",
        FreeForm::Buttons { .. } => "replyButtonMessage",
        FreeForm::Product { .. } => "singleProductMessage",
        FreeForm::ProductList { .. } => "multiProductMessage",
        FreeForm::CtaUrl { .. } => "ctaUrlMessage",
        FreeForm::Location { .. } => "location",
        FreeForm::Reaction { .. } => "reaction",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::free_form::{ListRow, ListSection};

    #[test]
    fn findings_of_a_list_are_told_in_the_published_terms() {
        let row = ListRow { id: String::new(), title: "x".repeat(25), description: Some("y".repeat(73)) };
        let list = FreeForm::List {
            header: Some("h".repeat(61)),
            body: String::new(),
            footer: Some("f".repeat(61)),
            button: "b".repeat(21),
            sections: vec![ListSection { title: Some("t".repeat(25)), rows: vec![row] }],
        };
        let paths: Vec<_> = list.check("").unwrap_err().iter().map(|f| published_path(&list, &f.field)).collect();
        assert_eq!(
            paths,
            [
                "listMessage.header.text",
                "text",
                "listMessage.footer.text",
                "listMessage.button.text",
                "listMessage.sections[0].title",
                "listMessage.sections[0].rows[0].text",
                "listMessage.sections[0].rows[0].id",
                "listMessage.sections[0].rows[0].description",
            ]
        );
    }
}
