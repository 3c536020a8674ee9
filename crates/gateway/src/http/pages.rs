//! The pages as text, made from the tables.

use std::fmt::Write as _;

use crate::native::reference::{catalogue, rule_table};
use crate::twilio::reference_rows;

/// The style of every page of ours.
pub(super) const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; }
code { font-size: .9em; overflow-wrap: anywhere; }
section { border-bottom: 1px solid #8884; padding: .25rem 0; }
section:target, tr:target { background: #fd02; }
h3 { margin: .5rem 0 0; font-size: 1rem; }
p { margin: .25rem 0; }
";

/// The page at the root: where everything is.
pub(super) fn index() -> String {
    let links = [
        ("/console", "Console", "conversations, templates, deliveries"),
        ("/docs", "API reference", "every operation, with examples"),
        ("/openapi.json", "OpenAPI 3.1", "the same for programs"),
        ("/docs/errors", "Error codes", "what each means and what to do"),
        ("/docs/rules", "Rules", "which content may go when"),
        ("/docs/twilio", "Twilio's codes", "what applications are told that speak with Twilio's SDKs"),
        ("/readyz", "Readiness", "whether a message could be taken on now"),
        ("/healthz", "Health", "whether the process answers"),
        ("/metrics", "Metrics", "for Prometheus"),
    ];
    let mut body = String::from(
        "<h1>Transom</h1>\n<p>The gateway between a business's software and its customers on WhatsApp and Messenger.</p>\n<ul>\n",
    );
    for (target, name, what) in links {
        let _ = writeln!(body, "<li><a href=\"{target}\">{name}</a>: {what}</li>");
    }
    body.push_str("</ul>\n");
    page("Transom", &body)
}

/// The reader of the API description.
pub(super) fn reader() -> String {
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
     <title>Transom: API reference</title></head>\n<body><redoc spec-url=\"/openapi.json\"></redoc>\
     <script src=\"/docs/redoc.js\"></script></body></html>\n"
        .to_owned()
}

/// The reference of error codes; each code is a place that `details.help` leads to.
pub(super) fn errors() -> String {
    let catalogue = catalogue();
    let mut body = String::from(
        "<h1>Error codes</h1>\n<p><a href=\"#meta\">Meta's codes</a> follow ours. For programs: <code>GET /v1/errors</code>.</p>\n",
    );
    for entry in &catalogue.errors {
        let _ = writeln!(
            body,
            "<section id=\"{code}\"><h3>{title}</h3><p><code>{code}</code> · {kind} · HTTP {status}</p><p>{when}</p><p><b>What to do:</b> {remedy}</p></section>",
            code = entry.code,
            title = text(&entry.title),
            kind = entry.kind,
            status = entry.status,
            when = text(entry.when),
            remedy = text(entry.remedy),
        );
    }
    body.push_str(
        "<h2 id=\"meta\">Meta's codes</h2>\n<table><thead><tr><th>Code</th><th>Meta's title</th><th>Whose to mend</th><th>Becomes</th><th>What to do</th></tr></thead><tbody>\n",
    );
    for entry in &catalogue.meta {
        let numbers = if entry.last == entry.code { entry.code.to_string() } else { format!("{} to {}", entry.code, entry.last) };
        let _ = writeln!(
            body,
            "<tr id=\"meta-{code}\"><td>{numbers}</td><td>{title}</td><td>{class}</td><td><a href=\"#{becomes}\"><code>{becomes}</code></a></td><td>{remedy}</td></tr>",
            code = entry.code,
            title = text(entry.title),
            class = entry.class,
            becomes = entry.becomes,
            remedy = text(entry.remedy),
        );
    }
    body.push_str("</tbody></table>\n");
    page("Transom: error codes", &body)
}

/// The reference of Twilio's codes; each code is a place that `more_info` leads to.
pub(super) fn twilio() -> String {
    let mut body = String::from(
        "<h1>Twilio's codes</h1>\n<p>What applications are told that speak with this server through Twilio's SDKs.</p>\n\
         <table><thead><tr><th>Code</th><th>HTTP</th><th>When</th><th>What it says</th></tr></thead><tbody>\n",
    );
    for (number, status, stage, what) in reference_rows() {
        let what = text(what);
        let _ = writeln!(
            body,
            "<tr id=\"{number}\"><td><code>{number}</code></td><td>{status}</td><td>{stage}</td><td>{what}</td></tr>"
        );
    }
    body.push_str("</tbody></table>\n");
    page("Transom: Twilio's codes", &body)
}

/// The rule table.
pub(super) fn rules() -> String {
    let table = rule_table();
    let mut body = String::from(
        "<h1>Which content may go when</h1>\n<p>A session is open for 24 hours from the customer's last message. Outside it only \
         approved templates go, and on Messenger nothing. For programs: <code>GET /v1/rules</code>.</p>\n\
         <table><thead><tr><th>Content type</th><th>WhatsApp, in a session</th><th>WhatsApp, outside</th><th>Messenger, in a session</th></tr></thead><tbody>\n",
    );
    for rule in &table.rules {
        let _ = writeln!(
            body,
            "<tr id=\"{anchor}\"><td><code>{kind}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            rule.in_session,
            rule.out_of_session,
            rule.messenger,
            anchor = rule.kind.replace('/', "-"),
            kind = rule.kind,
        );
    }
    body.push_str(
        "</tbody></table>\n<p><b>allowed</b>: goes as it is. <b>depends</b>: on its buttons, see below. <b>approval</b>: goes as an approved template. <b>unsupported</b>: never goes.</p>\n\
         <h2 id=\"buttons\">Buttons inside a session</h2>\n<table><thead><tr><th>Buttons</th><th>Needs approval</th><th>Why</th></tr></thead><tbody>\n",
    );
    for rule in &table.buttons {
        let needs = if rule.needs_approval { "yes" } else { "no" };
        let _ = writeln!(
            body,
            "<tr id=\"buttons-{case}\"><td><code>{case}</code></td><td>{needs}</td><td>{why}</td></tr>",
            case = rule.case,
            why = text(rule.why)
        );
    }
    body.push_str("</tbody></table>\n");
    page("Transom: rules", &body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/docs/style.css\"></head>\n<body>\n{body}</body></html>\n"
    )
}

/// Text made safe for a page; what stands in backticks becomes code.
fn text(plain: &str) -> String {
    let mut html = String::with_capacity(plain.len() + 16);
    let mut in_code = false;
    for c in plain.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '`' => {
                html.push_str(if in_code { "</code>" } else { "<code>" });
                in_code = !in_code;
            }
            other => html.push(other),
        }
    }
    if in_code {
        html.push_str("</code>");
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::error_code::ErrorCode;
    use transom_domain::rules::RULES;

    #[test]
    fn every_code_and_every_type_has_its_place() {
        let (errors, rules) = (errors(), rules());
        for code in ErrorCode::ALL {
            assert!(errors.contains(&format!("id=\"{code}\"")), "{code}");
        }
        for rule in RULES {
            assert!(rules.contains(rule.kind.as_str()), "{}", rule.kind);
        }
    }

    #[test]
    fn text_is_made_safe() {
        assert_eq!(text("a < b & `\"c\"`"), "a &lt; b &amp; <code>&quot;c&quot;</code>");
        assert_eq!(text("`open"), "<code>open</code>");
    }
}
