//! The reference of Twilio's codes, made from the table: as the page that every refusal's `more_info` leads to, and as a file.

use std::fmt::Write as _;

use super::codes::{Code, LATER, OF_META, of_answer};
use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;

/// The page as Markdown: derived, and compared in the tests.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Twilio's codes\n\n\
         <!-- Made by `cargo xtask derive` from crates/gateway/src/twilio/codes.rs. Do not edit. -->\n\n\
         What an application that speaks with Transom in Twilio's dialect is told, when, and why. A refusal has `code`, `message`,\n\
         `more_info` and `status`; a message that failed has `error_code` and `error_message`. The running binary serves this list at\n\
         `/docs/twilio`.\n\n\
         | Code | HTTP | When | What it says |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(page, "| {} | {} | {} | {} |", code.number(), code.status(), code.stage().word(), cell(code.what()));
    }
    page.push_str(
        "\n## What becomes of Transom's codes\n\nIn an answer. Some are told apart further by the verdict: a paused template is 63041, a disabled one \
         63042, content that the channel cannot carry 216602.\n\n| Transom | Twilio | Why |\n|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let told = of_answer(*code);
        let _ = writeln!(page, "| `{}` | {} | {} |", code.as_str(), told.number(), cell(told.what()));
    }
    page.push_str(
        "\nAs the reason of a message that was accepted and failed they are told so, too, but for these.\n\n\
         | Transom | Channel | Twilio | Why |\n|---|---|---|---|\n",
    );
    for row in LATER {
        let channel = row.channel.map_or("each", Channel::as_str);
        let _ = writeln!(page, "| `{}` | {channel} | {} | {} |", row.ours.as_str(), row.code.number(), cell(row.why));
    }
    page.push_str(
        "\n## What becomes of Meta's codes\n\nAs the reason of a message that failed; they come first. All others are told as Transom's own code for them is, above.\n\n\
         | Meta | Twilio | Why |\n|---|---|---|\n",
    );
    for row in OF_META {
        let _ = writeln!(page, "| {} | {} | {} |", row.meta, row.code.number(), cell(row.why));
    }
    page
}

/// The rows of the served page: number, status, stage, text.
pub(crate) fn rows() -> impl Iterator<Item = (u32, u16, &'static str, &'static str)> {
    Code::ALL.iter().map(|code| (code.number(), code.status(), code.stage().word(), code.what()))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
