use super::*;

fn footer(action: Value) -> Value {
    json!({ "type": "Footer", "label": "Go on", "on-click-action": action })
}

fn screen(id: &str, children: Value) -> Value {
    json!({ "id": id, "title": id, "layout": { "type": "SingleColumnLayout", "children": children } })
}

fn ended(mut screen: Value) -> Value {
    screen["terminal"] = json!(true);
    screen
}

fn to(next: &str) -> Value {
    footer(json!({ "name": "navigate", "next": { "type": "screen", "name": next }, "payload": {} }))
}

fn done() -> Value {
    footer(json!({ "name": "complete", "payload": {} }))
}

fn form(screens: Value) -> Value {
    json!({ "version": "7.1", "screens": screens })
}

fn errors(flow: &Value) -> Vec<&'static str> {
    read(&flow.to_string()).map_or_else(|faults| faults.into_iter().map(|fault| fault.error).collect(), |_| Vec::new())
}

#[test]
fn a_form_as_meta_documents_it_is_taken() {
    let asked = json!([{ "type": "Form", "name": "form", "children": [
        { "type": "TextHeading", "text": "Who are you?" },
        { "type": "TextInput", "label": "Name", "name": "name", "required": true, "input-type": "text" },
        { "type": "Dropdown", "label": "Hour", "name": "hour", "data-source": [{ "id": "8", "title": "8 o'clock" }] },
        footer(json!({ "name": "navigate", "next": { "type": "screen", "name": "LAST" }, "payload": { "name": "${form.name}" } })),
    ] }]);
    let mut last = ended(screen(
        "LAST",
        json!([
            { "type": "TextBody", "text": "Hello ${data.name}" },
            { "type": "If", "condition": "${data.name} == 'Ana'", "then": [done()], "else": [done()] },
        ]),
    ));
    last["data"] = json!({ "name": { "type": "string", "__example__": "Ana" } });
    last["success"] = json!(true);
    assert_eq!(read(&form(json!([screen("FIRST", asked), last])).to_string()).map(|_| ()), Ok(()));
}

#[test]
fn every_fault_has_metas_word() {
    let end = || ended(screen("LAST", json!([done()])));
    let one = |child: Value| form(json!([ended(screen("LAST", json!([child, done()])))]));
    let many = |child: Value, n: usize| form(json!([ended(screen("LAST", json!([vec![child; n], vec![done()]].concat())))]));
    let link =
        || json!({ "type": "EmbeddedLink", "text": "t", "on-click-action": { "name": "open_url", "url": "https://e.com" } });
    let choice = |n: usize| {
        let options: Vec<Value> = (0..n).map(|n| json!({ "id": n.to_string(), "title": "t" })).collect();
        json!({ "type": "CheckboxGroup", "name": "c", "label": "l", "data-source": options })
    };
    for (what, flow, error) in [
        ("no version", json!({ "screens": [end()] }), "MISSING_FLOW_JSON_VERSION"),
        ("a version to come", json!({ "version": "99.0", "screens": [end()] }), "INVALID_FLOW_JSON_VERSION"),
        ("a number for a version", json!({ "version": 7, "screens": [end()] }), "UNSUPPORTED_FLOW_JSON_VERSION"),
        ("no screens", form(json!([])), "MIN_ITEMS_REQUIRED"),
        ("an unknown key", json!({ "version": "7.1", "screens": [end()], "colour": "red" }), "INVALID_PROPERTY_KEY"),
        ("digits in an id", form(json!([ended(screen("LAST_1", json!([done()])))])), "PATTERN_MISMATCH"),
        ("the reserved id", form(json!([ended(screen("SUCCESS", json!([done()])))])), "SCREEN_ID_IS_RESERVED_KEYWORD"),
        ("an id twice", form(json!([end(), end()])), "DUPLICATE_SCREEN_IDS"),
        ("no end", form(json!([screen("A", json!([to("B")])), screen("B", json!([]))])), "MISSING_TERMINAL_SCREEN"),
        ("an end without a button", form(json!([ended(screen("A", json!([])))])), "MISSING_FOOTER_ON_TERMINAL_SCREEN"),
        ("an unknown component", one(json!({ "type": "Hologram" })), "INVALID_PROPERTY_VALUE"),
        ("no type", one(json!({ "text": "x" })), "MISSING_REQUIRED_TYPE_PROPERTY"),
        ("no text", one(json!({ "type": "TextBody" })), "MISSING_REQUIRED_PROPERTY"),
        ("a blank text", one(json!({ "type": "TextBody", "text": " " })), "PATTERN_MISMATCH"),
        ("a long heading", one(json!({ "type": "TextHeading", "text": "x".repeat(81) })), "MAX_CHARS_REQUIRED"),
        ("a property of another", one(json!({ "type": "TextBody", "text": "x", "src": "x" })), "INVALID_PROPERTY_KEY"),
        (
            "a kind of input",
            one(json!({ "type": "TextInput", "label": "l", "name": "n", "input-type": "fax" })),
            "INVALID_ENUM_VALUE",
        ),
        ("three links", many(link(), 3), "COMPONENT_TYPE_MAX_NUMBER_PER_SCREEN"),
        ("two footers", one(done()), "COMPONENT_TYPE_MAX_NUMBER_PER_SCREEN"),
        ("51 components", many(json!({ "type": "TextBody", "text": "x" }), 50), "COMPONENT_MAX_NUMBER_PER_SCREEN"),
        ("no options", one(choice(0)), "MIN_ITEMS_REQUIRED"),
        ("21 options", one(choice(21)), "MAX_ITEMS_REQUIRED"),
        ("rich text above a footer", one(json!({ "type": "RichText", "text": "x" })), ""),
        (
            "rich text beside a heading",
            form(json!([ended(screen(
                "A",
                json!([{ "type": "RichText", "text": "x" }, { "type": "TextBody", "text": "x" }, done()])
            ))])),
            "INVALID_COMPONENT_PLACEMENT",
        ),
        ("an end in the middle", form(json!([screen("A", json!([done()])), end()])), "INVALID_COMPLETE_ACTION"),
        ("an unknown screen", form(json!([screen("A", json!([to("X")])), end()])), "INVALID_NAVIGATE_ACTION_NEXT_SCREEN_NAME"),
        ("itself", form(json!([screen("A", json!([to("A")])), end()])), "INVALID_NAVIGATE_ACTION_NEXT_SCREEN_NAME"),
        ("a circle", form(json!([screen("A", json!([to("B")])), screen("B", json!([to("A")])), end()])), "INVALID_ROUTING_MODEL"),
        ("a screen apart", form(json!([end(), ended(screen("APART", json!([done()])))])), "INVALID_ROUTING_MODEL"),
        (
            "an unknown name",
            form(json!([ended(screen("A", json!([footer(json!({ "name": "complete", "payload": { "x": "${form.x}" } }))])))])),
            "INVALID_ON_CLICK_ACTION_PAYLOAD",
        ),
        (
            "an exchange without an endpoint",
            form(json!([ended(screen("A", json!([footer(json!({ "name": "data_exchange", "payload": {} }))])))])),
            "MISSING_REQUIRED_PROPERTY",
        ),
        (
            "a route that is not written down",
            json!({ "version": "7.1", "data_api_version": "3.0", "routing_model": { "A": [], "LAST": [] },
                "screens": [screen("A", json!([to("LAST")])), end()] }),
            "INVALID_ROUTING_MODEL",
        ),
        (
            "a footer in one branch",
            form(json!([ended(screen("A", json!([{ "type": "If", "condition": "${data.x}", "then": [done()] }])))])),
            "MISSING_FOOTER_IN_IF_ELSE_BRANCHES",
        ),
    ] {
        let found = errors(&flow);
        assert!(if error.is_empty() { found.is_empty() } else { found.contains(&error) }, "{what}: {found:?}");
    }
    assert_eq!(read("{,}").unwrap_err()[0].error, "INVALID_FLOW_JSON");
}

#[test]
fn errors_say_where() {
    let text = "{\n \"version\": \"7.1\",\n \"screens\": [\n  {\"id\": \"A\", \"layout\": {\"type\": \"SingleColumnLayout\", \"children\": [\n   {\"type\": \"TextBody\"},\n   {\"type\": \"Hologram\"}\n  ]}}]}";
    let faults = read(text).unwrap_err();
    let printed = validation_errors(text, &faults);
    let hologram = printed.as_array().unwrap().iter().find(|e| e["error"] == "INVALID_PROPERTY_VALUE").unwrap();
    assert_eq!((hologram["line_start"].as_u64(), hologram["column_start"].as_u64()), (Some(6), Some(5)), "{printed}");
    assert_eq!(hologram["pointers"][0]["path"], "screens[0].layout.children[1].type");
    assert_eq!(hologram["error_type"], "FLOW_JSON_ERROR");
}
